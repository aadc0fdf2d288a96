//! Explicit score matching (Hyvärinen 2005, eq. 2), where the data's density is known, at all noise levels
//! with weight σ² or at one.
//!
//! ```text
//! J = ½ E_{y ~ p(·; σ)} ‖s(y, σ) − ∇log p(y; σ)‖²
//! L = E_σ σ²·J = ½ E ‖ε̂(y, σ) − ε*(y, σ)‖² ,   ε* = −σ·∇log p(y; σ)
//! ```
//!
//! Nothing is estimated but the expectation over y: it is what every other objective strives for without
//! knowing ε*.

use super::{Generator, Noise, Regression, Stratum};
use crate::exact::GaussianMixture;

/// Explicit score matching.
#[derive(Clone, Debug)]
pub struct ExplicitScoreMatching {
    /// Many levels, or one.
    pub noise: Noise,
    /// The density of the standardized data.
    pub density: GaussianMixture<'static>,
}

impl Regression for ExplicitScoreMatching {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        self.noise.sigma(stratum, rng)
    }

    fn weight(&self, _sigma: f32) -> f32 {
        0.5
    }

    fn target(&self, noisy: &[f32], sigma: f32, noise: &mut [f32]) {
        self.density.noise_at(noisy, sigma, noise);
    }
}
