//! Sliced score matching with variance reduction (Song, Garg, Shi & Ermon 2019, eq. 8 and Algorithm 1).
//!
//! ```text
//! J = E_x 1/M Σ_m [v_mᵀ·∇s(x)·v_m + ½‖s(x)‖²] ,   E v·vᵀ = I
//! L = E_σ σ²·J(σ) = E [½‖ε̂(y, σ)‖² − σ/M Σ_m v_mᵀ·∇ε̂(y, σ)·v_m] ,   y = x + σn
//! ```
//!
//! v is a Rademacher vector, ±1 in every coordinate (Hutchinson 1989), for which vᵀv = d exactly and the
//! estimate of the trace varies least. M forward tangents, whatever the dimension.

use super::{Generator, Implicit, Noise};
use rand::RngExt;

/// Sliced score matching.
#[derive(Clone, Copy, Debug)]
pub struct SlicedScoreMatching {
    /// Many levels, one, or clean points.
    pub noise: Noise,
    /// M
    pub probes: usize,
}

impl Implicit for SlicedScoreMatching {
    fn noise(&self) -> Noise {
        self.noise
    }

    fn probes(&self, _dim: usize) -> usize {
        self.probes
    }

    fn probe(&self, _m: usize, rng: &mut Generator, v: &mut [f32]) {
        let size = 1.0 / (self.probes as f32).sqrt();
        v.fill_with(|| if rng.random::<bool>() { size } else { -size });
    }
}
