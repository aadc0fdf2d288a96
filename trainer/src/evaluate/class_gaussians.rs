//! The baseline that a generative model has to beat: a Gaussian for each class.

use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::frechet::{moments, square_root};
use crate::Points;

/// A Gaussian with the mean and covariance of each class, or of all points where there are no classes.
pub struct ClassGaussians {
    labelled: bool,
    /// Of each class, mean and square root of the covariance; none for a class of fewer than two points.
    gaussians: Vec<Option<(DVector<f64>, DMatrix<f64>)>>,
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
                (mean, square_root(&covariance))
            })
        };
        Self { labelled, gaussians: (0..points.classes().max(1)).map(fit).collect() }
    }

    /// `n` points, the classes in turn.
    pub fn draw(&self, n: usize, rng: &mut impl Rng) -> Points {
        let classes: Vec<usize> =
            (0..self.gaussians.len()).filter(|&c| self.gaussians[c].is_some()).collect();
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        let mut dim = 1;
        for class in classes.iter().cycle().take(n) {
            let Some((mean, root)) = &self.gaussians[*class] else { continue };
            dim = mean.len();
            let z = DVector::from_iterator(dim, StandardNormal.sample_iter(&mut *rng).take(dim));
            values.extend((mean + root * z).iter().map(|&x: &f64| x as f32));
            labels.push(*class as u16);
        }
        Points::new(dim, values).with_labels(if self.labelled { labels } else { Vec::new() })
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
            close(frechet(&drawn.pick(&rows), &cloud), 0.0, 1e-3);
        }
        assert_eq!(drawn.classes(), 3);
    }

    #[test]
    fn points_without_classes_are_one_gaussian() {
        let cloud = cloud(2, false);
        let drawn = ClassGaussians::fit(&cloud).draw(20_000, &mut Xoshiro256PlusPlus::seed_from_u64(1));
        assert!(drawn.labels().is_empty());
        close(frechet(&drawn, &cloud), 0.0, 1e-3);
    }
}
