//! DDPM ancestral sampling (Ho, Jain & Abbeel 2020, Algorithm 2), read in σ = √((1 − ᾱ)/ᾱ) and
//! x/√ᾱ, with 1 − β = (1 + σ′²)/(1 + σ²):
//!
//! ```text
//! x ← x − (σ² − σ′²)/σ·ε̂ + d·z
//! d² = β·(1 + σ′²)             variance β
//! d² = (σ² − σ′²)·σ′²/σ²       variance β̃
//! ```
//!
//! The two agree in the limit of many steps; with few, β gives too much noise and β̃ too little. No
//! noise is added on the last step.

use super::{Predictor, Sampler};
use crate::{Levels, Step};

/// DDPM, by the variance of its reverse step; K evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ddpm {
    /// β, right for data of unit variance.
    Beta,
    /// β̃, the posterior's, right for data at one point.
    BetaTilde,
}

impl Sampler for Ddpm {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let lost = (sigma - next) * (sigma + next); // σ² − σ′²
        let beta = lost / (1.0 + sigma * sigma);
        let rho = next / sigma;
        let d2 = match self {
            _ if next == 0.0 => 0.0,
            Self::Beta => beta * (1.0 + next * next),
            Self::BetaTilde => lost * rho * rho,
        };
        Step::new(levels.level(row), -lost / sigma, libm::sqrtf(d2))
    }
}

impl Predictor for Ddpm {}
