//! Denoising score matching (Vincent 2011, eq. 9, without its ½), over many noise levels (Song & Ermon
//! 2019, eq. 5–6 with λ(σ) = σ²) or at one.
//!
//! ```text
//! L = E_σ E_x E_n σ²·‖s(x + σn, σ) + n/σ‖² = E ‖ε̂(x + σn, σ) − n‖² ,   n ~ N(0, I)
//! ```
//!
//! Over many levels σ is log-uniform, one from each of n equal strata of a batch, so that every batch
//! covers all levels: the times of the variance-exploding process, uniform.

use super::{Generator, Noise, Regression, Stratum};

/// Denoising score matching.
#[derive(Clone, Copy, Debug)]
pub struct DenoisingScoreMatching {
    /// Many levels, or one.
    pub noise: Noise,
}

impl Regression for DenoisingScoreMatching {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        self.noise.sigma(stratum, rng)
    }
}
