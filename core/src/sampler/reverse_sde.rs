//! Reverse diffusion: the Euler–Maruyama method for the reverse-time variance-exploding SDE (Song et al.
//! 2021, eq. 46; the predictor of Algorithm 2).
//!
//! ```text
//! x ← x + (σ² − σ′²)·s + √(σ² − σ′²)·z ,   s = −ε̂/σ
//! ```
//!
//! No noise is added on the last step. With few levels its first steps are too noisy, and it needs
//! hundreds; [`Ancestral`](super::Ancestral) differs by the factor σ′/σ of the noise.

use super::{Predictor, Sampler};
use crate::{Levels, Step};

/// Reverse diffusion; K evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReverseSde;

impl Sampler for ReverseSde {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let lost = (sigma - next) * (sigma + next); // σ² − σ′²
        let d = if next == 0.0 { 0.0 } else { libm::sqrtf(lost) };
        Step::new(levels.level(row), -lost / sigma, d)
    }
}

impl Predictor for ReverseSde {}
