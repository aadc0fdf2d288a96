//! Prediction of the clean point x₀ (Ho, Jain & Abbeel 2020, section 3.2) with the truncated
//! signal-to-noise weighting of Salimans & Ho 2022 (eq. 9).
//!
//! ```text
//! L = E_t max(‖x − x̂_θ(z_t, t)‖², ‖ε − ε̂_θ(z_t, t)‖²) = E_t max(1, SNR)·‖x − x̂_θ‖² ,   SNR = α_t²/σ_t²
//! ```
//!
//! With σ = σ_t/α_t and F = x̂, ε̂ = (y − F)/σ, so x − x̂ is σ·(ε̂ − n) and the loss is max(1, σ²)·‖ε̂ − n‖². An
//! error of F is 1/σ as large in ε̂, which is why few use it where σ is small.

use super::{Generator, Regression, Stratum, Times};

/// x₀-prediction over uniform times.
#[derive(Clone, Copy, Debug)]
pub struct X0Prediction {
    /// The times and their σ.
    pub times: Times,
}

impl Regression for X0Prediction {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        self.times.sigma(stratum.uniform(rng))
    }

    fn weight(&self, sigma: f32) -> f32 {
        (sigma * sigma).max(1.0)
    }
}
