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
    /// A constant column gets scale 1, so that [`apply`](Self::apply) only centres it.
    ///
    /// # Panics
    /// If there are no points.
    pub fn fit(points: &Points) -> Self {
        assert!(!points.is_empty(), "no points to measure");
        let mean = column_means(points, |x, _| x);
        let variance = column_means(points, |x, column| (x - mean[column]).powi(2));
        Self {
            mean: mean.iter().map(|&m| m as f32).collect(),
            scale: variance.iter().map(|v| scale(v.sqrt())).collect(),
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

/// A spread that single precision rounds to zero counts as none: no scale may divide by zero.
fn scale(sd: f64) -> f32 {
    match sd as f32 {
        s if s > 0.0 => s,
        _ => 1.0,
    }
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
    fn a_constant_column_is_only_centred() {
        let s = Standardizer::fit(&Points::new(1, vec![4.0, 4.0]));
        assert_eq!(s.apply(&Points::new(1, vec![5.0])).values(), [1.0]);
    }
}
