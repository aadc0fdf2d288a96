//! DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2) in σ, with λ = −ln σ. Second order, one evaluation a
//! step.
//!
//! With D_i = x_i − σ_i·ε̂_i, h = λ_{i+1} − λ_i and r = h_{i−1}/h,
//!
//! ```text
//! D̄ = (1 + 1/(2r))·D_i − 1/(2r)·D_{i−1}
//! x ← (σ′/σ)·x + (1 − σ′/σ)·D̄
//! ```
//!
//! The first and the last step take D̄ = D_i.

use super::Sampler;
use crate::{Levels, Step};

/// DPM-Solver++(2M); K evaluations for K levels, deterministic after the initial draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DpmSolver2M;

impl Sampler for DpmSolver2M {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let first_order = Step { save: true, ..Step::new(levels.level(row), -(sigma - next), 0.0) };
        if row == 0 || next == 0.0 {
            return first_order;
        }
        let previous = levels.sigma(row - 1);
        let rho = next / sigma;
        let h = libm::logf(sigma / next);
        let old = h / (2.0 * libm::logf(previous / sigma)); // 1/(2r)
        let new = 1.0 + old;
        Step {
            a: rho + (1.0 - rho) * new,
            s: -(1.0 - rho) * old,
            b: -(1.0 - rho) * new * sigma,
            c: [(1.0 - rho) * old * previous, 0.0, 0.0],
            ..first_order
        }
    }

    fn history(&self) -> usize {
        1
    }
}
