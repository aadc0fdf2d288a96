//! Tweedie's formula (Robbins 1956; Efron 2011): the mean of the clean data given x at σ.
//!
//! ```text
//! x ← x + σ²·s = x − σ·ε̂
//! ```

use super::Sampler;
use crate::{Levels, Step};

/// The denoiser at the first of its levels; one evaluation. Start its chain from the noisy state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tweedie;

impl Sampler for Tweedie {
    fn rows(&self, _levels: usize) -> usize {
        1
    }

    fn step(&self, levels: &impl Levels, _row: usize) -> Step {
        Step::new(levels.level(0), -levels.sigma(0), 0.0)
    }
}
