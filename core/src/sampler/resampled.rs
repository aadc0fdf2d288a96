//! Resampling (Lugmayr et al. 2022, Algorithm 1): every step is taken R times, and between the times noise
//! carries the state back up.
//!
//! ```text
//! R times: x ← step(x; σ, σ′)
//!     and, but for the last time, x ← x + √(σ² − σ′²)·z
//! ```
//!
//! Every round trip is a step of a Markov chain whose stationary law is p(x; σ), which lets coordinates that
//! were imposed and coordinates that were drawn agree. The last step, to σ′ = 0, is taken once.

use super::{Predictor, Sampler, some};
use crate::{Error, Levels, Step};

/// A sampler with every step but the last taken R times; R·(K − 1) + 1 evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Resampled<P> {
    sampler: P,
    times: usize,
}

impl<P: Predictor> Resampled<P> {
    /// R = `times`; 1 is `sampler` itself.
    ///
    /// # Errors
    /// [`Error::NoSteps`] for 0 times.
    pub fn new(sampler: P, times: usize) -> Result<Self, Error> {
        Ok(Self { sampler, times: some(times)? })
    }

    /// Rows per level but the last: a step each time, and noise between the times.
    fn period(&self) -> usize {
        self.times.saturating_mul(2).saturating_sub(1)
    }
}

impl<P: Predictor> Sampler for Resampled<P> {
    fn rows(&self, levels: usize) -> usize {
        self.period().saturating_mul(levels.saturating_sub(1)).saturating_add(1)
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let i = row.checked_div(self.period()).unwrap_or(0);
        if (row - i * self.period()).is_multiple_of(2) {
            return self.sampler.step(levels, i);
        }
        let (sigma, next) = levels.pair(i);
        let d = libm::sqrtf((sigma - next) * (sigma + next));
        Step { evaluate: false, ..Step::new(levels.level(i), 0.0, d) }
    }
}
