//! Anomalies: how far from the data, by the norm of the score at several noise levels (Mahmood, Oliva &
//! Styner 2021).
//!
//! ```text
//! score(x) = 1/n·Σ_k ‖ε̂(x, σ_k)‖²/d
//! ```
//!
//! with x as it is, no noise added: σ·∇log p(x; σ) is small where the data lie and grows outside. The trainer
//! chooses the levels and the threshold, a quantile of the data's own scores.

use crate::Score;
use crate::discrepancy::mean_square;
use serde::{Deserialize, Serialize};

/// What a model calls an anomaly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detector {
    /// The first noise level that is looked at.
    pub first: u16,
    /// From one to the next.
    pub stride: u16,
    /// How many: n evaluations.
    pub count: u16,
    /// Scores above this are anomalies; 0 when the trainer calibrated none.
    pub threshold: f32,
}

impl Detector {
    /// The anomaly score of `x`, in model units; `eps` is scratch memory of the model's dimension.
    pub fn score(&self, score: &mut impl Score, x: &[f32], eps: &mut [f32]) -> f32 {
        let mut sum = 0.0;
        for k in 0..self.count {
            let level = usize::from(self.first) + usize::from(k) * usize::from(self.stride);
            score.noise(x, level, eps);
            sum += mean_square(eps);
        }
        sum / f32::from(self.count.max(1))
    }

    /// Whether a score is that of an anomaly.
    pub fn is_anomaly(&self, score: f32) -> bool {
        score > self.threshold
    }
}
