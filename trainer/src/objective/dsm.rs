//! Denoising score matching over many noise levels (Vincent 2011; Song & Ermon 2019, eq. 5–6 with
//! λ(σ) = σ²).
//!
//! ```text
//! L = E_σ E_x E_n σ²·‖s(x + σn, σ) + n/σ‖² = E ‖ε̂(x + σn, σ) − n‖² ,   n ~ N(0, I)
//! ```
//!
//! With ε̂ = skip·y + gain·F at y = x + σn this is a regression of F on (n − skip·y)/gain with weight
//! gain². σ is log-uniform, one from each of n equal strata of a batch, so that every batch covers all
//! levels.

use super::Examples;
use crate::denoiser::Denoiser;
use crate::points::Points;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Denoising score matching with σ log-uniform between two ends.
#[derive(Clone, Copy, Debug)]
pub struct DenoisingScoreMatching {
    /// Smallest σ.
    pub sigma_min: f32,
    /// Largest σ.
    pub sigma_max: f32,
}

impl DenoisingScoreMatching {
    /// Fills `examples` with `n` noisy points of `data`.
    pub fn fill(
        &self,
        denoiser: &Denoiser,
        data: &Points,
        n: usize,
        rng: &mut impl Rng,
        examples: &mut Examples,
    ) {
        examples.clear();
        let range = (self.sigma_max / self.sigma_min).ln();
        let mut noise = vec![0.0; data.dim()];
        let mut noisy = vec![0.0; data.dim()];
        for i in 0..n {
            let u = (i as f32 + rng.random::<f32>()) / n as f32;
            let sigma = self.sigma_min * (u * range).exp();
            let x = data.row(rng.random_range(0..data.len()));
            noise.fill_with(|| rng.sample(StandardNormal));
            for ((y, x), n) in noisy.iter_mut().zip(x).zip(&noise) {
                *y = x + sigma * n;
            }
            let c = denoiser.precondition.at(sigma);
            denoiser.append_input(&noisy, sigma, &mut examples.inputs);
            examples.targets.extend(noise.iter().zip(&noisy).map(|(n, y)| (n - c.skip * y) / c.gain));
            examples.weights.push(c.gain * c.gain);
        }
    }
}
