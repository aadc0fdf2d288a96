//! Unadjusted Langevin dynamics at one noise level (Roberts & Tweedie 1996; Welling & Teh 2011).
//!
//! With the score s = −ε̂/σ and the step α = e·σ²,
//!
//! ```text
//! x ← x + α·s + √(2α)·z  =  x − e·σ·ε̂ + σ·√(2e)·z
//! ```
//!
//! Its stationary law is wider than p(x; σ): for a Gaussian of variance σ² the variance comes out as
//! σ²·2e/(1 − (1 − e)²).

use super::{Sampler, positive, some};
use crate::{Error, Levels, Step};

/// Langevin dynamics at the first of its levels; one evaluation a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Langevin {
    rate: f32,
    steps: usize,
}

impl Langevin {
    /// `steps` steps of size α = `rate`·σ².
    ///
    /// # Errors
    /// [`Error::NoSteps`] for no steps, [`Error::Parameter`] for a rate that is not positive.
    pub fn new(rate: f32, steps: usize) -> Result<Self, Error> {
        Ok(Self { rate: positive("rate", rate)?, steps: some(steps)? })
    }

    /// A step at the i-th of `levels`.
    pub(super) fn at(&self, levels: &impl Levels, i: usize) -> Step {
        let sigma = levels.sigma(i);
        Step::new(levels.level(i), -self.rate * sigma, sigma * libm::sqrtf(2.0 * self.rate))
    }
}

impl Sampler for Langevin {
    fn rows(&self, _levels: usize) -> usize {
        self.steps
    }

    fn step(&self, levels: &impl Levels, _row: usize) -> Step {
        self.at(levels, 0)
    }
}
