//! iPNDM (Zhang & Chen 2023), the pseudo-numerical method of Liu et al. 2022 (PNDM) without its Runge–Kutta
//! start: the Adams–Bashforth method of fixed coefficients for the probability-flow ODE dx/dσ = ε̂, one
//! evaluation a step.
//!
//! ```text
//! x ← x − (σ − σ′)·ē
//! order 1: ē = ε̂
//! order 2: ē = (3·ε̂ − ε̂₋₁)/2
//! order 3: ē = (23·ε̂ − 16·ε̂₋₁ + 5·ε̂₋₂)/12
//! order 4: ē = (55·ε̂ − 59·ε̂₋₁ + 37·ε̂₋₂ − 9·ε̂₋₃)/24
//! ```
//!
//! The first steps take the order that their history allows, the last one order 1. The order of
//! convergence is that of the formula where the levels are evenly spaced in σ; elsewhere
//! [`Deis`](super::Deis) has it.

use super::{Sampler, multistep_order};
use crate::{Error, HISTORY, Levels, Step};

/// Coefficients of ε̂ and of the old evaluations, by order.
const ADAMS_BASHFORTH: [(f32, [f32; HISTORY]); 4] = [
    (1.0, [0.0, 0.0, 0.0]),
    (3.0 / 2.0, [-1.0 / 2.0, 0.0, 0.0]),
    (23.0 / 12.0, [-16.0 / 12.0, 5.0 / 12.0, 0.0]),
    (55.0 / 24.0, [-59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0]),
];

/// iPNDM; K evaluations for K levels, deterministic after the initial draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ipndm {
    order: usize,
}

impl Ipndm {
    /// Of order 1 (DDIM) to 4.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another order.
    pub fn new(order: usize) -> Result<Self, Error> {
        Ok(Self { order: multistep_order(order)? })
    }
}

impl Sampler for Ipndm {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let old = if next == 0.0 { 0 } else { row.min(self.order - 1) };
        let (new, c) = ADAMS_BASHFORTH.get(old).copied().unwrap_or_default();
        let width = sigma - next;
        Step { c: c.map(|c| -width * c), ..Step::new(levels.level(row), -width * new, 0.0) }
    }

    fn history(&self) -> usize {
        self.order - 1
    }
}
