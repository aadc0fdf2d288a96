//! The variance-preserving process (Song et al. 2021, eq. 32 and 33), the continuous form of DDPM.
//!
//! ```text
//! dx = −½β(t)·x dt + √β(t) dw
//! ᾱ(t) = exp(−∫₀ᵗ β)
//! x(t) given x(0)  ~  N(√ᾱ·x(0), (1 − ᾱ)·I)        σ = √((1 − ᾱ)/ᾱ)
//! ```

use super::ForwardProcess;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// β at the ends of the linear schedule (Song et al. 2021, appendix C); 1,000 times those of Ho et al.
pub const BETA: (f64, f64) = (0.1, 20.0);
/// Offset s of the cosine schedule, which keeps β from vanishing at t = 0.
const OFFSET: f64 = 0.008;

/// β by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// β linear from 0.1 to 20 (Ho et al. 2020)
    Linear,
    /// ᾱ = cos² of (t + s)/(1 + s)·π/2, s = 0.008 (Nichol & Dhariwal 2021)
    Cosine,
}

impl Schedule {
    /// β(t)
    pub fn beta(self, t: f64) -> f64 {
        match self {
            Self::Linear => BETA.0 + t * (BETA.1 - BETA.0),
            Self::Cosine => PI / (1.0 + OFFSET) * angle(t).tan(),
        }
    }

    /// ᾱ(t)
    pub fn alpha_bar(self, t: f64) -> f64 {
        match self {
            Self::Linear => (-(BETA.0 * t + 0.5 * (BETA.1 - BETA.0) * t * t)).exp(),
            Self::Cosine => (angle(t).cos() / angle(0.0).cos()).powi(2),
        }
    }
}

fn angle(t: f64) -> f64 {
    (t + OFFSET) / (1.0 + OFFSET) * 0.5 * PI
}

/// The variance-preserving process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariancePreserving {
    schedule: Schedule,
}

impl VariancePreserving {
    /// With this β.
    pub fn new(schedule: Schedule) -> Self {
        Self { schedule }
    }
}

impl ForwardProcess for VariancePreserving {
    fn marginal(&self, t: f64) -> (f64, f64) {
        let kept = self.schedule.alpha_bar(t);
        (kept.sqrt(), (1.0 - kept).sqrt())
    }

    fn drift(&self, t: f64) -> f64 {
        -0.5 * self.schedule.beta(t)
    }

    fn diffusion(&self, t: f64) -> f64 {
        self.schedule.beta(t).sqrt()
    }

    fn prior(&self) -> f64 {
        1.0
    }
}
