//! Ancestral sampling of the variance-exploding process, with the DDIM family's η.
//!
//! With ρ = σ′/σ, for each level
//!
//! ```text
//! x ← x − (σ − σ′·√(1 − η²(1 − ρ²)))·ε̂ + η·σ′·√(1 − ρ²)·z
//! ```
//!
//! η = 1 is the ancestral sampler of Song et al. 2021 (eq. 47) and, in these coordinates, DDPM with
//! the posterior variance β̃; η = 0 is DDIM (Song, Meng & Ermon 2021, eq. 12).

use super::{Predictor, Sampler};
use crate::{Error, Levels, Step};

/// Ancestral sampling; K evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ancestral {
    eta: f32,
}

impl Ancestral {
    /// `eta` scales the injected noise: 0 (none) to 1 (the posterior's).
    ///
    /// # Errors
    /// [`Error::Parameter`] for η outside 0…1.
    pub fn new(eta: f32) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&eta) {
            Ok(Self { eta })
        } else {
            Err(Error::Parameter { name: "eta", value: eta, range: "in 0…1" })
        }
    }
}

impl Sampler for Ancestral {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let rho = next / sigma;
        let fresh = (1.0 - rho) * (1.0 + rho); // 1 − ρ², without cancellation
        let kept = libm::sqrtf(1.0 - self.eta * self.eta * fresh);
        let d = self.eta * next * libm::sqrtf(fresh);
        Step::new(levels.level(row), -(sigma - next * kept), d)
    }
}

impl Predictor for Ancestral {}
