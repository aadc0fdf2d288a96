//! The sub-variance-preserving process (Song et al. 2021, eq. 28 and 34), whose variance stays below that
//! of the variance-preserving one at every time.
//!
//! ```text
//! dx = −½β(t)·x dt + √(β(t)·(1 − ᾱ(t)²)) dw ,   ᾱ(t) = exp(−∫₀ᵗ β)
//! x(t) given x(0)  ~  N(√ᾱ·x(0), (1 − ᾱ)²·I)
//! ```

use super::{ForwardProcess, Schedule};

/// The sub-variance-preserving process with linear β.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubVariancePreserving;

impl ForwardProcess for SubVariancePreserving {
    fn marginal(&self, t: f64) -> (f64, f64) {
        let kept = Schedule::Linear.alpha_bar(t);
        (kept.sqrt(), 1.0 - kept)
    }

    fn drift(&self, t: f64) -> f64 {
        -0.5 * Schedule::Linear.beta(t)
    }

    fn diffusion(&self, t: f64) -> f64 {
        (Schedule::Linear.beta(t) * (1.0 - Schedule::Linear.alpha_bar(t).powi(2))).sqrt()
    }

    fn prior(&self) -> f64 {
        1.0
    }
}
