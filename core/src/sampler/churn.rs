//! EDM's stochastic sampler (Karras et al. 2022, Algorithm 2): Heun's method, with a little noise added before
//! every step and the level raised by as much.
//!
//! ```text
//! γ  = min(S_churn/K, √2 − 1) if S_tmin ≤ σ ≤ S_tmax, else 0
//! σ̂  = (1 + γ)·σ, rounded up to a level of the model
//! x̂  ← x + S_noise·√(σ̂² − σ²)·z
//! x′ ← x̂ − (σ̂ − σ′)·ε̂(x̂, σ̂)                        predict, saving x̂
//! x  ← x̂ − (σ̂ − σ′)·(ε̂(x̂, σ̂) + ε̂(x′, σ′))/2        correct, unless σ′ = 0
//! ```
//!
//! The rounding is EDM's `round_sigma`, upwards, so that noise is added even where the model's levels are
//! wider apart than γ asks. Nothing is added at the model's largest level.

use super::Sampler;
use crate::{Error, Levels, Step};

/// √2 − 1: at most the noise's variance is doubled.
const LARGEST_GAMMA: f32 = 0.414_213_57;

/// EDM's stochastic sampler; 2K − 1 evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Churn {
    s_churn: f32,
    s_tmin: f32,
    s_tmax: f32,
    s_noise: f32,
}

impl Churn {
    /// `s_churn` is the sum of γ over all steps, as far as it is not cut off; 0 makes this
    /// [`Heun`](super::Heun). Noise is added from level `s_tmin` to level `s_tmax`, of standard deviation
    /// `s_noise`, ideally 1.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is negative, or not finite, or `s_tmax` below `s_tmin`.
    pub fn new(s_churn: f32, s_tmin: f32, s_tmax: f32, s_noise: f32) -> Result<Self, Error> {
        for (name, value) in
            [("s_churn", s_churn), ("s_tmin", s_tmin), ("s_tmax", s_tmax), ("s_noise", s_noise)]
        {
            if !(0.0..=1e6).contains(&value) {
                return Err(Error::Parameter { name, value, range: "in 0…1e6" });
            }
        }
        if s_tmax < s_tmin {
            return Err(Error::Parameter { name: "s_tmax", value: s_tmax, range: "at least s_tmin" });
        }
        Ok(Self { s_churn, s_tmin, s_tmax, s_noise })
    }

    /// γ at σ, of K levels.
    fn gamma(&self, sigma: f32, levels: usize) -> f32 {
        let gamma = self.s_churn / levels as f32;
        match sigma {
            _ if !(self.s_tmin..=self.s_tmax).contains(&sigma) => 0.0,
            _ if gamma < LARGEST_GAMMA => gamma,
            _ => LARGEST_GAMMA,
        }
    }
}

impl Sampler for Churn {
    fn rows(&self, levels: usize) -> usize {
        levels.saturating_mul(3).saturating_sub(1)
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let i = row / 3;
        let (sigma, next) = levels.pair(i);
        let gamma = self.gamma(sigma, levels.count());
        let (raised, level) =
            if gamma > 0.0 { levels.at_least(sigma + gamma * sigma) } else { (sigma, levels.level(i)) };
        let half = -0.5 * (raised - next);
        match row % 3 {
            0 => {
                let d = self.s_noise * libm::sqrtf((raised - sigma) * (raised + sigma));
                Step { evaluate: false, ..Step::new(level, 0.0, d) }
            }
            1 => Step { save: true, ..Step::new(level, -(raised - next), 0.0) },
            _ => Step { a: 0.0, s: 1.0, c: [half, 0.0, 0.0], ..Step::new(levels.level(i + 1), half, 0.0) },
        }
    }

    fn history(&self) -> usize {
        1
    }
}
