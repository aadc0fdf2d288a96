//! Ancestral sampling with the optimal variance of its steps (Analytic-DPM: Bao, Li, Zhu & Zhang 2022,
//! Theorem 1).
//!
//! The noise of an ancestral step is that for a known clean point. What is not known of it, the trace of
//! Cov(x₀|x), follows from the power of the noise that the model finds; with ρ = σ′/σ
//!
//! ```text
//! x ← x − σ(1 − ρ²)·ε̂ + d·z
//! d² = σ′²(1 − ρ²) + σ²(1 − ρ²)²·(1 − Γ) ,   Γ = E‖ε̂(x, σ)‖²/d
//! ```
//!
//! The trainer measures Γ of each level. Where it is 1, for data without noise of their own and far steps, this is
//! [`Ancestral`](super::Ancestral) with η = 1, whose samples are too narrow where data are noisy: a sensor's
//! noise is drawn by the last steps, the very last one included.

use super::{Predictor, Sampler};
use crate::{Levels, Step};

/// Ancestral sampling of optimal variance; K evaluations for K levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AnalyticDpm;

impl Sampler for AnalyticDpm {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let rho = next / sigma;
        let fresh = (1.0 - rho) * (1.0 + rho); // 1 − ρ², without cancellation
        let unknown = 1.0 - levels.power(row);
        let mut square = next * next * fresh;
        if unknown > 0.0 {
            square += sigma * fresh * sigma * fresh * unknown;
        }
        Step::new(levels.level(row), -sigma * fresh, libm::sqrtf(square))
    }
}

impl Predictor for AnalyticDpm {}
