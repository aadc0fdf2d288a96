//! Underdamped Langevin dynamics at one noise level by the method of Brünger, Brooks & Karplus 1984 (BBK), in
//! its position form: one normal a step, and the last two positions for a state.
//!
//! Of dx = v·dt, dv = (s − γv)·dt + √(2γ)·dW, with central differences
//! (x₊₁ − 2x + x₋₁)/h² = s − γ(x₊₁ − x₋₁)/(2h) + √(2γ/h)·z, so that
//!
//! ```text
//! x₊₁ = [2x − (1 − γh/2)·x₋₁ + h²·s + √(2γh³)·z] / (1 + γh/2) ,   s = −ε̂/σ
//! ```
//!
//! and from rest, x₊₁ = x₋₁ without noise, the first step x₊₁ = x + h²/2·s + ½√(2γh³)·z.
//!
//! The step is h = σ·√(2e) and the friction γ = g/σ for numbers e and g without a unit. On p(x; σ) of a point, a
//! Gaussian of variance σ², the positions are an autoregression of order two, whose stationary variance is
//! σ²/(1 − h²/(4σ²)) = σ²/(1 − e/2), whatever the friction: that of [`Langevin`] at the same e, which
//! this is for g = √(2/e).

use super::{Sampler, positive, some};
use crate::{Error, Levels, Step};

#[cfg(doc)]
use super::Langevin;

/// Underdamped Langevin dynamics at the first of its levels; one evaluation a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnderdampedLangevin {
    rate: f32,
    friction: f32,
    steps: usize,
}

impl UnderdampedLangevin {
    /// `steps` steps of e = `rate` and g = `friction`. Stable for e < 2; small friction is fast along
    /// narrow valleys and slow to forget.
    ///
    /// # Errors
    /// [`Error::NoSteps`] for no steps, [`Error::Parameter`] for a number that is not positive.
    pub fn new(rate: f32, friction: f32, steps: usize) -> Result<Self, Error> {
        let (rate, friction) = (positive("rate", rate)?, positive("friction", friction)?);
        Ok(Self { rate, friction, steps: some(steps)? })
    }
}

impl Sampler for UnderdampedLangevin {
    fn rows(&self, _levels: usize) -> usize {
        self.steps
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let sigma = levels.sigma(0);
        let drift = self.rate * sigma; // h²/(2σ)
        let half = self.friction * libm::sqrtf(0.5 * self.rate); // γh/2
        let noise = sigma * libm::sqrtf(2.0 * self.rate * half); // ½√(2γh³) = h·√(γh/2)
        let from_rest = Step { save: true, ..Step::new(levels.level(0), -drift, noise) };
        if row == 0 {
            return from_rest;
        }
        let total = 1.0 + half;
        Step {
            a: 2.0 / total,
            s: -(1.0 - half) / total,
            b: -2.0 * drift / total,
            d: 2.0 * noise / total,
            ..from_rest
        }
    }
}
