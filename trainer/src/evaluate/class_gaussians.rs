//! The baseline that a generative model has to beat: a Gaussian for each class.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::{PI, SQRT_2};

use super::frechet::{moments, square_root};
use crate::Points;

/// Added to every variance, as a share of the mean one: a constant column has none.
const RIDGE: f64 = 1e-9;

/// A Gaussian with the mean and covariance of each class, or of all points where there are no classes.
pub struct ClassGaussians {
    labelled: bool,
    /// None for a class of fewer than two points.
    gaussians: Vec<Option<Gaussian>>,
}

struct Gaussian {
    /// Of the points.
    share: f64,
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl ClassGaussians {
    /// Fits `points`, shape `(n, d)`.
    pub fn fit(points: &Points) -> Self {
        let labelled = !points.labels().is_empty();
        let fit = |class: usize| {
            let is_here = |&i: &usize| points.label(i).is_none_or(|label| usize::from(label) == class);
            let rows: Vec<usize> = (0..points.len()).filter(is_here).collect();
            (rows.len() > 1).then(|| {
                let (mean, covariance) = moments(&points.pick(&rows));
                Gaussian { share: rows.len() as f64 / points.len() as f64, mean, covariance }
            })
        };
        Self { labelled, gaussians: (0..points.classes().max(1)).map(fit).collect() }
    }

    /// `n` points, the classes in turn.
    pub fn draw(&self, n: usize, rng: &mut impl Rng) -> Points {
        let known =
            (0..).zip(&self.gaussians).filter_map(|(class, gaussian)| Some((class, gaussian.as_ref()?)));
        let roots: Vec<_> = known.map(|(class, g)| (class, &g.mean, square_root(&g.covariance))).collect();
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        let mut dim = 1;
        for (class, mean, root) in roots.iter().cycle().take(n) {
            dim = mean.len();
            let z = DVector::from_iterator(dim, StandardNormal.sample_iter(&mut *rng).take(dim));
            values.extend((*mean + root * z).iter().map(|&x: &f64| x as f32));
            labels.push(*class);
        }
        Points::new(dim, values).with_labels(if self.labelled { labels } else { Vec::new() })
    }

    /// −log p of each point; of a single Gaussian the ranks of its Mahalanobis distance.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn surprise(&self, points: &Points) -> Vec<f32> {
        let all: Vec<usize> = (0..points.dim()).collect();
        let parts: Vec<_> = self.gaussians.iter().flatten().map(|g| g.among(&all)).collect();
        let log_density = |row: &[f32]| log_sum(parts.iter().map(|part| part.log_density(row)));
        points.rows().map(|row| -log_density(row) as f32).collect()
    }

    /// What is known of each coordinate of `row` whose `mask` is false, given the others: exactly.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn given(&self, row: &[f32], mask: &[bool]) -> Vec<Marginal> {
        let (known, unknown): (Vec<usize>, Vec<usize>) = (0..row.len()).partition(|&j| mask[j]);
        let parts: Vec<_> = self.gaussians.iter().flatten().map(|g| (g, g.among(&known))).collect();
        let logs: Vec<f64> = parts.iter().map(|(_, part)| part.log_density(row)).collect();
        let all = log_sum(logs.iter().copied());
        let mut marginals = vec![Marginal(Vec::new()); unknown.len()];
        for ((gaussian, part), log) in parts.iter().zip(&logs) {
            let cross = gaussian.covariance.select_rows(&unknown).select_columns(&known);
            let solved = part.root.solve(&part.off(row));
            let means = gaussian.mean.select_rows(&unknown) + &cross * solved;
            let explained = part.root.solve(&cross.transpose());
            for (i, (marginal, &j)) in marginals.iter_mut().zip(&unknown).enumerate() {
                let variance = gaussian.covariance[(j, j)] - (cross.row(i) * explained.column(i))[0];
                marginal.0.push(((log - all).exp(), means[i], variance.max(0.0).sqrt()));
            }
        }
        marginals
    }
}

impl Gaussian {
    /// Of these coordinates.
    fn among(&self, coordinates: &[usize]) -> Part {
        let mut covariance = self.covariance.select_rows(coordinates).select_columns(coordinates);
        let ridge = RIDGE * self.covariance.trace() / self.mean.len() as f64;
        (0..coordinates.len()).for_each(|i| covariance[(i, i)] += ridge);
        let root = Cholesky::new(covariance).expect("a covariance with a ridge is positive");
        Part {
            coordinates: coordinates.to_vec(),
            share: self.share,
            mean: self.mean.select_rows(coordinates),
            root,
        }
    }
}

/// A Gaussian of some coordinates.
struct Part {
    coordinates: Vec<usize>,
    share: f64,
    mean: DVector<f64>,
    root: Cholesky<f64, Dyn>,
}

impl Part {
    /// From the mean.
    fn off(&self, row: &[f32]) -> DVector<f64> {
        let values = self.coordinates.iter().map(|&j| f64::from(row[j]));
        DVector::from_iterator(self.coordinates.len(), values) - &self.mean
    }

    /// log(share·density)
    fn log_density(&self, row: &[f32]) -> f64 {
        let off = self.off(row);
        let square = off.dot(&self.root.solve(&off));
        self.share.ln() - 0.5 * (square + self.root.ln_determinant() + off.len() as f64 * (2.0 * PI).ln())
    }
}

/// log Σ exp
fn log_sum(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + logs.map(|log| (log - largest).exp()).sum::<f64>().ln()
}

/// The law of one coordinate: normal laws by share, mean and standard deviation.
#[derive(Clone, Debug)]
pub struct Marginal(Vec<(f64, f64, f64)>);

impl Marginal {
    /// Its mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().map(|(share, mean, _)| share * mean).sum()
    }

    /// Where its distribution function is `p`, by bisection.
    pub fn quantile(&self, p: f64) -> f64 {
        let below = |x: f64| -> f64 {
            let part =
                |(share, mean, sd): &(f64, f64, f64)| share * 0.5 * libm::erfc((mean - x) / (sd * SQRT_2));
            self.0.iter().map(part).sum()
        };
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (_, mean, sd) in &self.0 {
            (low, high) = (low.min(mean - 10.0 * sd), high.max(mean + 10.0 * sd));
        }
        for _ in 0..60 {
            let middle = low.midpoint(high);
            if below(middle) < p { low = middle } else { high = middle }
        }
        low.midpoint(high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::super::frechet;
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Means and covariances are those of each class, and so its Fréchet distance is small.
    #[test]
    fn each_class_has_its_own_mean_and_covariance() {
        let (a, b) = (cloud(3, false), cloud(3, true));
        let labels = [vec![0; a.len()], vec![2; b.len()]].concat();
        let both = Points::new(3, [a.values(), b.values()].concat()).with_labels(labels);
        let drawn = ClassGaussians::fit(&both).draw(40_000, &mut Xoshiro256PlusPlus::seed_from_u64(1));
        for (class, cloud) in [(0, a), (2, b)] {
            let rows: Vec<usize> = (0..drawn.len()).filter(|&i| drawn.label(i) == Some(class)).collect();
            assert_eq!(rows.len(), 20_000);
            close(frechet(&drawn.pick(&rows), &cloud).unwrap(), 0.0, 1e-3);
        }
        assert_eq!(drawn.classes(), 3);
    }

    #[test]
    fn points_without_classes_are_one_gaussian() {
        let cloud = cloud(2, false);
        let drawn = ClassGaussians::fit(&cloud).draw(20_000, &mut Xoshiro256PlusPlus::seed_from_u64(1));
        assert!(drawn.labels().is_empty());
        close(frechet(&drawn, &cloud).unwrap(), 0.0, 1e-3);
    }

    /// Two classes of the plane: the second coordinate's law given the first, by hand.
    #[test]
    fn what_is_not_known_is_told_by_what_is() {
        let class = |class: u16, sign: f32| {
            // Variance 1 in x, and y = ±x but for ±0.5.
            (0..4).flat_map(move |i| {
                let x = if i % 2 == 0 { 0.75_f32.sqrt() } else { -(0.75_f32.sqrt()) };
                let off = if i < 2 { 0.5 } else { -0.5 };
                [x + 4.0 * f32::from(class), sign * x + off]
            })
        };
        let values = class(0, 1.0).chain(class(1, -1.0)).collect();
        let points = Points::new(2, values).with_labels(vec![0, 0, 0, 0, 1, 1, 1, 1]);
        let gaussians = ClassGaussians::fit(&points);
        let [law] = &gaussians.given(&[2.0, 9.0], &[true, false])[..] else { panic!("one coordinate") };
        // Between both classes: y = 2 of the first, and y = 2 of the second.
        close(law.mean(), 2.0, 1e-6);
        let sd = (1.0_f64 / 3.0).sqrt();
        close(law.quantile(0.95), 2.0 + 1.644_854 * sd, 1e-5);
        let [law] = &gaussians.given(&[4.5, 9.0], &[true, false])[..] else { panic!("one coordinate") };
        let share = 1.0 / (1.0 + (0.5 * (4.5_f64.powi(2) - 0.25)).exp());
        close(law.mean(), share * 4.5 - (1.0 - share) * 0.5, 1e-6);
        // Farther from both means.
        let surprise = gaussians.surprise(&Points::new(2, vec![0.0, 0.0, 4.0, 0.0, 2.0, 0.0]));
        close(f64::from(surprise[0] - surprise[1]), 0.0, 1e-4);
        assert!(surprise[2] > surprise[0] + 1.0, "{surprise:?}");
    }
}
