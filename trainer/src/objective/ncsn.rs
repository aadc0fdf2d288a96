//! Noise-conditional score network (Song & Ermon 2019, eq. 5–6): denoising score matching at L geometric
//! noise levels σ_1 > … > σ_L, all equally often, with λ(σ) = σ².
//!
//! ```text
//! ℓ(θ; σ) = ½ E_x E_x̃ ‖s_θ(x̃, σ) + (x̃ − x)/σ²‖² ,   x̃ ~ N(x, σ²·I)
//! L = 1/L Σ_i λ(σ_i)·ℓ(θ; σ_i) = ½ E_i E ‖ε̂(x + σ_i·n, σ_i) − n‖²
//! ```
//!
//! The network sees the L levels only; at others, it interpolates.

use super::{Generator, Regression, Stratum};

/// Score matching at L noise levels.
#[derive(Clone, Debug)]
pub struct NoiseConditional {
    sigmas: Vec<f32>,
}

impl NoiseConditional {
    /// At `levels` ≥ 2 levels from `sigma_max` down to `sigma_min`.
    pub fn new(levels: usize, sigma_max: f32, sigma_min: f32) -> Self {
        let ratio = sigma_min / sigma_max;
        let at = |i: usize| sigma_max * ratio.powf(i as f32 / (levels - 1) as f32);
        Self { sigmas: (0..levels).map(at).collect() }
    }
}

impl Regression for NoiseConditional {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        let i = (stratum.uniform(rng) * self.sigmas.len() as f32) as usize;
        self.sigmas[i.min(self.sigmas.len() - 1)]
    }

    fn weight(&self, _sigma: f32) -> f32 {
        0.5
    }
}
