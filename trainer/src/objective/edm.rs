//! EDM's training (Karras et al. 2022, eq. 2, 8 and Table 1, with σ_data = 1).
//!
//! ```text
//! ln σ ~ N(P_mean, P_std²)
//! L = E_σ λ(σ)·‖D(x + σn; σ) − x‖² ,   λ(σ) = (σ² + σ_data²)/(σ·σ_data)²
//! ```
//!
//! D − x = σ·(n − ε̂), so the loss is (1 + σ²)·‖ε̂ − n‖²; with EDM's preconditioning the weight of F is 1 at every
//! σ. A σ that the network is not read at is drawn again.

use super::{Generator, Regression, Stratum};
use rand::RngExt;
use rand_distr::StandardNormal;

/// EDM's training.
#[derive(Clone, Copy, Debug)]
pub struct Edm {
    /// Mean of ln σ.
    pub p_mean: f32,
    /// Standard deviation of ln σ.
    pub p_std: f32,
    /// Smallest σ.
    pub sigma_min: f32,
    /// Largest σ; e^p_mean lies between both.
    pub sigma_max: f32,
}

impl Regression for Edm {
    fn sigma(&self, _stratum: Stratum, rng: &mut Generator) -> f32 {
        loop {
            let sigma = (self.p_mean + self.p_std * rng.sample::<f32, _>(StandardNormal)).exp();
            if (self.sigma_min..=self.sigma_max).contains(&sigma) {
                return sigma;
            }
        }
    }

    fn weight(&self, sigma: f32) -> f32 {
        1.0 + sigma * sigma
    }
}
