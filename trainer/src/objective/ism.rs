//! Implicit score matching (Hyvärinen 2005, Theorem 1, eq. 4), with the exact trace.
//!
//! ```text
//! J = E_x [½‖s(x)‖² + tr ∇s(x)]  =  ½ E_x ‖s(x) − ∇log p(x)‖² + constant
//! L = E_σ σ²·J(σ) = E [½‖ε̂(y, σ)‖² − σ·tr ∇ε̂(y, σ)] ,   y = x + σn
//! ```
//!
//! Neither the density nor the noise is named: integration by parts has removed ∇log p. The trace takes one
//! forward tangent for each of the d unit vectors, so d is small here; [`ssm`](super::SlicedScoreMatching)
//! takes any d.

use super::{Generator, Implicit, Noise};

/// Most dimensions.
pub const MAX_DIM: usize = 8;

/// Implicit score matching.
#[derive(Clone, Copy, Debug)]
pub struct ImplicitScoreMatching {
    /// Many levels, one, or clean points.
    pub noise: Noise,
}

impl Implicit for ImplicitScoreMatching {
    fn noise(&self) -> Noise {
        self.noise
    }

    fn probes(&self, dim: usize) -> usize {
        dim
    }

    fn probe(&self, m: usize, _rng: &mut Generator, v: &mut [f32]) {
        v.fill(0.0);
        v[m] = 1.0;
    }
}
