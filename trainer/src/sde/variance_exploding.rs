//! The variance-exploding process (Song et al. 2021, eq. 30 and 31), the continuous form of Song & Ermon's
//! geometric noise levels.
//!
//! ```text
//! σ(t) = σ_min·(σ_max/σ_min)^t
//! dx = √(d[σ²]/dt) dw = σ(t)·√(2 ln(σ_max/σ_min)) dw
//! x(t) given x(0)  ~  N(x(0), σ(t)²·I)
//! ```
//!
//! x(0) is taken to have noise of σ_min already. Times uniform in 0…1 are σ log-uniform between its ends.

use super::ForwardProcess;

/// The variance-exploding process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarianceExploding {
    /// σ at t = 0.
    pub sigma_min: f64,
    /// σ at t = 1, larger.
    pub sigma_max: f64,
}

impl ForwardProcess for VarianceExploding {
    fn marginal(&self, t: f64) -> (f64, f64) {
        (1.0, self.sigma_min * (self.sigma_max / self.sigma_min).powf(t))
    }

    fn drift(&self, _t: f64) -> f64 {
        0.0
    }

    fn diffusion(&self, t: f64) -> f64 {
        self.sigma(t) * (2.0 * (self.sigma_max / self.sigma_min).ln()).sqrt()
    }

    fn prior(&self) -> f64 {
        self.sigma_max
    }
}
