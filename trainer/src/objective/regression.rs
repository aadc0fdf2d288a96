//! Objectives that are regressions of F.

use super::{Generator, Stratum};
use crate::denoiser::Denoiser;
use crate::points::Points;
use rand::RngExt;
use rand_distr::StandardNormal;

/// L = E λ(σ)·‖ε̂(y, σ) − target‖² at y = x + σn, for data x and noise n ~ N(0, I).
///
/// With ε̂ = skip·y + gain·F this is a regression of F on (target − skip·y)/gain with weight λ·gain².
pub trait Regression: Sync {
    /// Draws σ.
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32;

    /// λ(σ)
    fn weight(&self, _sigma: f32) -> f32 {
        1.0
    }

    /// Puts the target into `noise`, which holds n; by default the target is n.
    fn target(&self, _noisy: &[f32], _sigma: f32, _noise: &mut [f32]) {}
}

/// Inputs, targets and weights of one training step, row-major.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// n × inputs of F
    pub inputs: Vec<f32>,
    /// n × dim
    pub targets: Vec<f32>,
    /// n
    pub weights: Vec<f32>,
}

impl Examples {
    /// `n` noisy points of `data`.
    pub fn draw(
        objective: &dyn Regression,
        denoiser: &Denoiser,
        data: &Points,
        n: usize,
        rng: &mut Generator,
    ) -> Self {
        let mut examples = Self::default();
        let mut noise = vec![0.0; data.dim()];
        let mut noisy = vec![0.0; data.dim()];
        for index in 0..n {
            let sigma = objective.sigma(Stratum { index, count: n }, rng);
            let i = rng.random_range(0..data.len());
            let (x, class) = (data.row(i), denoiser.shown(data.label(i), rng));
            noise.fill_with(|| rng.sample(StandardNormal));
            for ((y, x), n) in noisy.iter_mut().zip(x).zip(&noise) {
                *y = x + sigma * n;
            }
            objective.target(&noisy, sigma, &mut noise);
            let c = denoiser.precondition.at(sigma);
            denoiser.append_input(&noisy, sigma, class, &mut examples.inputs);
            examples.targets.extend(noise.iter().zip(&noisy).map(|(n, y)| (n - c.skip * y) / c.gain));
            examples.weights.push(objective.weight(sigma) * (c.gain * c.gain));
        }
        examples
    }
}
