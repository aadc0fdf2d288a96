//! Per-column centring and scaling to unit variance.

use serde::{Deserialize, Serialize};

use crate::Points;

/// Mean and standard deviation of every column of a data set, each of shape `(d,)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardizer {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Standardizer {
    /// Measures `points`, shape `(n, d)`; sd with n in the denominator, sums in double precision.
    ///
    /// A constant column gets so small a scale that samples are that constant.
    ///
    /// # Panics
    /// If there are no points.
    pub fn fit(points: &Points) -> Self {
        Self::measure(points, |variances| variances.to_vec())
    }

    /// The same with one scale for all columns, in which their mean variance is 1; constant columns do not
    /// count.
    ///
    /// # Panics
    /// If there are no points.
    pub fn fit_whole(points: &Points) -> Self {
        Self::measure(points, |variances| {
            let spread = variances.iter().filter(|&&v| v > 0.0);
            let mean = spread.clone().sum::<f64>() / spread.count() as f64;
            vec![mean; variances.len()]
        })
    }

    /// `pooled` makes of the variances of the columns those that they are scaled by.
    fn measure(points: &Points, pooled: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        assert!(!points.is_empty(), "no points to measure");
        let first = points.row(0);
        let constant: Vec<bool> =
            (0..points.dim()).map(|column| points.rows().all(|row| row[column] == first[column])).collect();
        let mean = column_means(points, |x, _| x);
        let mut variances = column_means(points, |x, column| (x - mean[column]).powi(2));
        variances.iter_mut().zip(&constant).filter(|(_, constant)| **constant).for_each(|(v, _)| *v = 0.0);
        let pooled = pooled(&variances);
        let largest = pooled.iter().fold(0.0, |largest: f64, v| largest.max(*v)).sqrt() as f32;
        // A constant of 0 has only its neighbours to be compared with.
        let still = |x: f32| still(x, if x == 0.0 { largest } else { x.abs() });
        let columns = || constant.iter().zip(first);
        Self {
            mean: columns().zip(&mean).map(|((&c, &x), &m)| if c { x } else { m as f32 }).collect(),
            scale: columns()
                .zip(pooled)
                .map(|((&c, &x), v)| if c { still(x) } else { moving(x, v.sqrt() as f32) })
                .collect(),
        }
    }

    /// Column means in units of the data, shape `(d,)`.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Column standard deviations in units of the data, all positive, shape `(d,)`.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Data to unit variance: (x − mean) / scale, shape `(n, d)`.
    ///
    /// # Panics
    /// If `points` have another dimension than the fitted ones.
    pub fn apply(&self, points: &Points) -> Points {
        self.map(points, |x, mean, scale| (x - mean) / scale)
    }

    /// Unit variance back to data: x · scale + mean, shape `(n, d)`.
    ///
    /// # Panics
    /// If `points` have another dimension than the fitted ones.
    pub fn invert(&self, points: &Points) -> Points {
        self.map(points, |x, mean, scale| x * scale + mean)
    }

    fn map(&self, points: &Points, f: impl Fn(f64, f64, f64) -> f64) -> Points {
        assert_eq!(points.dim(), self.mean.len(), "points of another dimension");
        let columns = self.mean.iter().zip(&self.scale).cycle();
        let values = points.values().iter().zip(columns);
        let mapped = values.map(|(&x, (&m, &s))| f(x.into(), m.into(), s.into()) as f32);
        Points::new(points.dim(), mapped.collect()).with_labels(points.labels().to_vec())
    }
}

/// A scale of which thirty added to the constant `x` are rounded away, or nearly so: small in comparison with `unit`.
pub(crate) fn still(x: f32, unit: f32) -> f32 {
    let floor = if unit < 1e-3 { 1e-9 * unit } else { 1e-9 * x.abs().max(1.0) };
    floor.max(f32::MIN_POSITIVE)
}

/// The standard deviation of a column of values as large as `x`, but for what single precision can hold of them.
fn moving(x: f32, sd: f32) -> f32 {
    sd.max(1e-9 * x.abs()).max(f32::MIN_POSITIVE)
}

/// The mean over rows of `f(value, column)`, shape `(d,)`.
fn column_means(points: &Points, f: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; points.dim()];
    for row in points.rows() {
        for (column, (sum, &x)) in sums.iter_mut().zip(row).enumerate() {
            *sum += f(x.into(), column);
        }
    }
    sums.iter().map(|sum| sum / points.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        Points::new(2, vec![1.0, 10.0, 3.0, 30.0, 5.0, 20.0])
    }

    #[test]
    fn mean_and_scale_are_the_textbook_ones() {
        let s = Standardizer::fit(&points());
        assert_eq!(s.mean(), [3.0, 20.0]);
        assert_eq!(s.scale(), [(8.0_f64 / 3.0).sqrt() as f32, (200.0_f64 / 3.0).sqrt() as f32]);
    }

    #[test]
    fn applied_data_has_zero_mean_and_unit_variance() {
        let unit = Standardizer::fit(&points()).apply(&points());
        let again = Standardizer::fit(&unit);
        assert!(again.mean().iter().all(|m| m.abs() < 1e-6));
        assert!(again.scale().iter().all(|s| (s - 1.0).abs() < 1e-6));
    }

    #[test]
    fn invert_undoes_apply() {
        let s = Standardizer::fit(&points());
        let back = s.invert(&s.apply(&points()));
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
        assert!(back.values().iter().zip(points().values()).all(close));
    }

    #[test]
    fn a_large_offset_does_not_swallow_the_spread() {
        let far = Points::new(1, (0..1000).map(|i| 1e6 + (i % 2) as f32).collect());
        assert_eq!(Standardizer::fit(&far).scale(), [0.5]);
    }

    #[test]
    fn one_scale_keeps_the_ratio_of_the_columns() {
        let s = Standardizer::fit_whole(&points());
        let expected = (0.5 * (8.0 + 200.0) / 3.0_f64).sqrt() as f32;
        assert_eq!((s.mean(), s.scale()), (&[3.0, 20.0][..], &[expected, expected][..]));
        let with_constant = Points::new(2, vec![1.0, 0.1, 3.0, 0.1, 5.0, 0.1]);
        assert_eq!(
            Standardizer::fit_whole(&with_constant).scale()[0],
            Standardizer::fit(&with_constant).scale()[0]
        );
    }

    /// In SI units from 10⁻³⁰ to 10³⁰, beside each other.
    #[test]
    fn columns_of_all_magnitudes_have_unit_variance() {
        let units = [1e-30_f32, 2e-13, 1e-9, 1e-3, 1.0, 1e12, 6e20, 1e30];
        let rows = (0..100).flat_map(|i| units.map(|unit| unit * ((i * 37 % 100) as f32 - 20.5)));
        let points = Points::new(units.len(), rows.collect());
        let standardizer = Standardizer::fit(&points);
        let unit = standardizer.apply(&points);
        let again = Standardizer::fit(&unit);
        assert!(again.mean().iter().all(|m| m.abs() < 1e-5), "{again:?}");
        assert!(again.scale().iter().all(|s| (s - 1.0).abs() < 1e-5), "{again:?}");
        let back = standardizer.invert(&unit);
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * b.abs();
        assert!(back.values().iter().zip(points.values()).all(close));
    }

    /// As exact as their neighbours ask for.
    #[test]
    fn constants_of_small_units_stay() {
        for (constant, allowed) in [(0.0_f32, 1e-19), (3e-13, 1e-20), (-5e-25, 1e-32)] {
            let rows: Vec<f32> = (0..7).flat_map(|i| [constant, 1e-13 * i as f32]).collect();
            for s in [
                Standardizer::fit(&Points::new(2, rows.clone())),
                Standardizer::fit_whole(&Points::new(2, rows)),
            ] {
                let sample = s.invert(&Points::new(2, vec![7.0, 1.0])).values()[0];
                assert!((sample - constant).abs() <= allowed, "{sample} for {constant}");
            }
        }
    }

    /// Whatever a network makes of it: exactly for a constant that is not small.
    #[test]
    fn a_constant_column_stays_at_its_constant() {
        for constant in [0.1_f32, 16.0, -1e6, 0.0] {
            let rows: Vec<f32> = (0..7).flat_map(|i| [constant, i as f32]).collect();
            for s in [
                Standardizer::fit(&Points::new(2, rows.clone())),
                Standardizer::fit_whole(&Points::new(2, rows)),
            ] {
                assert_eq!(s.apply(&Points::new(2, vec![constant, 1.0])).values()[0], 0.0);
                let sample = s.invert(&Points::new(2, vec![7.0, 1.0])).values()[0];
                assert!((sample - constant).abs() <= 1e-8, "{sample} for {constant}");
                assert!(constant.abs() < 1.0 || sample == constant, "{sample} for {constant}");
            }
        }
    }
}
