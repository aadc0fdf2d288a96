//! Linear inverse problems without training: y = A·x with fewer numbers than x has (DDNM: Wang, Yu & Zhang 2023,
//! eq. 13).
//!
//! The clean point that the model sees in x is moved to where it agrees with y, and nowhere else:
//!
//! ```text
//! x̂₀ = x − σ·ε̂        x̂₀′ = x̂₀ + A⁺·(y − A·x̂₀)        ε̃ = (x − x̂₀′)/σ
//! ```
//!
//! A sampler driven by ε̃ ends on A·x = y. In the range of A⁺ that is the noise towards a known point, as with
//! [`tinyscore::Known`], of which this is the general case; it conditions on noisy measurements in the same
//! way, so steps are best taken several times.

use crate::points::Points;
use nalgebra::{DMatrix, DVector};
use tinyscore::{Levels, Score};

/// A measurement: A in model units, with its pseudo-inverse.
#[derive(Clone, Debug)]
pub struct Measurement {
    matrix: DMatrix<f32>,
    inverse: DMatrix<f32>,
    /// y − A·mean is measured of the standardized point.
    offset: DVector<f32>,
}

/// Entries beyond this would overflow when they are squared and added.
const LARGEST: f32 = 1e15;

/// Singular values below this share of the largest count as zero.
const RANK: f32 = 1e-5;

impl Measurement {
    /// `matrix` is m × d, row-major, for points in data units = mean + scale·model units.
    ///
    /// # Errors
    /// Says what is wrong with a matrix that does not fit, is not finite, or measures nothing.
    pub fn new(matrix: &[f32], mean: &[f32], scale: &[f32]) -> Result<Self, String> {
        let dim = mean.len();
        if matrix.is_empty() || !matrix.len().is_multiple_of(dim) {
            return Err(format!(
                "the matrix must have rows of {dim} numbers, one for each dimension of the model"
            ));
        }
        if matrix.iter().any(|a| !a.is_finite()) || matrix.iter().all(|&a| a == 0.0) {
            return Err("the matrix must be finite and not zero".into());
        }
        let plain = DMatrix::from_row_slice(matrix.len() / dim, dim, matrix);
        let offset = &plain * DVector::from_column_slice(mean);
        let matrix = plain * DMatrix::from_diagonal(&DVector::from_column_slice(scale));
        if matrix.iter().chain(offset.iter()).any(|a| a.abs() > LARGEST) {
            return Err(format!(
                "the matrix measures numbers beyond {LARGEST:e}: scale its rows, and what is measured with them"
            ));
        }
        let largest = matrix.singular_values().max();
        let inverse = matrix.clone().pseudo_inverse(RANK * largest).map_err(str::to_owned)?;
        Ok(Self { matrix, inverse, offset })
    }

    /// The first row of measured values, in data units, that only a point further than 10⁶ standard deviations from the
    /// training data's mean would give.
    pub fn far_off(&self, values: &Points) -> Option<usize> {
        const FAR: f32 = 1e6;
        let reach: Vec<f32> = self.matrix.row_iter().map(|row| FAR * row.norm()).collect();
        let offset = self.offset.as_slice();
        let is_far = |row: &[f32]| {
            row.iter().zip(offset).zip(&reach).any(|((y, offset), reach)| (y - offset).abs() > *reach)
        };
        values.rows().position(is_far)
    }

    /// Numbers that are measured, m.
    pub fn rows(&self) -> usize {
        self.matrix.nrows()
    }
}

/// A score of points of which y = A·x is known.
#[derive(Clone, Debug)]
pub struct Measured<'m, S, L> {
    score: S,
    levels: L,
    measurement: &'m Measurement,
    y: DVector<f32>,
}

impl<'m, S: Score, L: Levels> Measured<'m, S, L> {
    /// `y` in data units, as long as the measurement has rows; `levels` are the model's own.
    ///
    /// # Panics
    /// If `y` has another length.
    pub fn new(score: S, levels: L, measurement: &'m Measurement, y: &[f32]) -> Self {
        let y = DVector::from_column_slice(y) - &measurement.offset;
        Self { score, levels, measurement, y }
    }
}

impl<S: Score, L: Levels> Score for Measured<'_, S, L> {
    fn dim(&self) -> usize {
        self.score.dim()
    }

    fn levels(&self) -> usize {
        self.score.levels()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.score.noise(x, level, eps);
        let sigma = self.levels.sigma(level.min(self.levels.count() - 1));
        let (x, noise) = (DVector::from_column_slice(x), DVector::from_column_slice(eps));
        let clean = x - noise * sigma;
        let missing = &self.y - &self.measurement.matrix * clean;
        let moved = &self.measurement.inverse * missing;
        eps.iter_mut().zip(moved.iter()).for_each(|(eps, moved)| *eps -= moved / sigma);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::GaussianMixture;
    use crate::sample::draw;
    use tinyscore::levels::Spacing;
    use tinyscore::sampler::{DpmSolverSde2M, Sampler};

    /// Three coordinates of which two sums are measured: the sums come out exact, and along the direction that
    /// is not measured the samples keep the prior's law, which for a round Gaussian is the exact posterior.
    #[test]
    fn measured_sums_are_met_and_the_rest_is_the_prior() {
        let mut sigmas = vec![0.0; 40];
        Spacing::Karras { rho: 7.0 }.fill(6.0, 0.01, &mut sigmas).unwrap();
        let (mean, scale) = ([0.5, -1.0, 2.0], [2.0, 1.0, 1.0]);
        let matrix = [1.0, 1.0, 0.0, 0.0, 1.0, -1.0];
        let measurement = Measurement::new(&matrix, &mean, &scale).unwrap();
        let y = [1.0, -2.5];
        let score = GaussianMixture::single(3, 0.25, &sigmas);
        let measured = Measured::new(score, &sigmas[..], &measurement, &y);
        let samples = draw(&measured, &DpmSolverSde2M.plan(&sigmas[..]).unwrap(), 4000, 1, |_| ()).unwrap();
        // A·S·v = 0 for v = (1, −2, −2)/3.
        let (mut along, mut square) = (0.0_f64, 0.0_f64);
        for x in samples.rows() {
            let data: Vec<f32> = (0..3).map(|j| mean[j] + scale[j] * x[j]).collect();
            assert!((data[0] + data[1] - y[0]).abs() < 1e-4 && (data[1] - data[2] - y[1]).abs() < 1e-4);
            let v = f64::from(x[0] - 2.0 * x[1] - 2.0 * x[2]) / 3.0;
            along += v / 4000.0;
            square += v * v / 4000.0;
        }
        assert!(
            along.abs() < 0.03 && ((square - along * along) / 0.25 - 1.0).abs() < 0.08,
            "{along} {square}"
        );
    }

    #[test]
    fn a_matrix_that_does_not_fit_is_named() {
        let refuse = |matrix: &[f32]| Measurement::new(matrix, &[0.0; 2], &[1.0; 2]).unwrap_err();
        assert!(refuse(&[1.0, 2.0, 3.0]).contains("rows of 2 numbers"));
        assert!(refuse(&[0.0, 0.0]).contains("not zero"));
        assert!(refuse(&[f32::NAN, 1.0]).contains("finite"));
        assert!(refuse(&[3e38, 3e38]).contains("scale its rows"));
        assert!(Measurement::new(&[3e38, 1.0], &[1.0; 2], &[3e38; 2]).is_err());
    }

    #[test]
    fn values_that_no_point_near_the_data_has_are_found() {
        let measurement = Measurement::new(&[1.0, 1.0], &[10.0, 10.0], &[1.0, 1.0]).unwrap();
        let values = |x: f32| Points::new(1, vec![20.0, x]);
        assert_eq!(measurement.far_off(&values(1e6)), None);
        assert_eq!(measurement.far_off(&values(-2e6)), Some(1));
        assert_eq!(measurement.far_off(&values(3e38)), Some(1));
    }
}
