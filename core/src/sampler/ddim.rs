//! DDIM (Song, Meng & Ermon 2021), the Euler method of the probability-flow ODE dx/dσ = ε̂ (Karras et
//! al. 2022, eq. 1). First order.
//!
//! ```text
//! x ← x − (σ − σ′)·ε̂
//! ```

use super::{Predictor, Sampler};
use crate::{Levels, Step};

/// DDIM; K evaluations for K levels, deterministic after the initial draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ddim;

impl Sampler for Ddim {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        Step::new(levels.level(row), -(sigma - next), 0.0)
    }
}

impl Predictor for Ddim {}
