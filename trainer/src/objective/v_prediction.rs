//! v-prediction (Salimans & Ho 2022, section 4 and appendix D).
//!
//! ```text
//! z_t = α_t·x + σ_t·ε ,   α_t² + σ_t² = 1 ,   v = α_t·ε − σ_t·x
//! L = E_t ‖v − v_θ(z_t, t)‖² = E_t (1 + SNR)·‖x − x̂‖²
//! ```
//!
//! With σ = σ_t/α_t, v_θ = F where ε̂ = σ/(1 + σ²)·y + F/√(1 + σ²), and the loss is (1 + σ²)·‖ε̂ − n‖². t is
//! uniform, by the cosine schedule unless told otherwise, over the times whose σ the network is read at.

use super::{Generator, Regression, Stratum, Times};

/// v-prediction over uniform times.
#[derive(Clone, Copy, Debug)]
pub struct VPrediction {
    /// The times and their σ.
    pub times: Times,
}

impl Regression for VPrediction {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        self.times.sigma(stratum.uniform(rng))
    }

    fn weight(&self, sigma: f32) -> f32 {
        1.0 + sigma * sigma
    }
}
