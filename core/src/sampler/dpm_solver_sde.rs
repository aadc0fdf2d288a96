//! SDE-DPM-Solver++(2M) (Lu et al. 2022b, the multistep method for the diffusion SDE) in σ, with λ = −ln σ.
//! One evaluation a step.
//!
//! With D_i = x_i − σ_i·ε̂_i, h = λ_{i+1} − λ_i, r = h_{i−1}/h and e^{−h} = σ′/σ,
//!
//! ```text
//! D̄ = (1 + 1/(2r))·D_i − 1/(2r)·D_{i−1}
//! x ← e^{−2h}·x + (1 − e^{−2h})·D̄ + σ′·√(1 − e^{−2h})·z
//! ```
//!
//! The first and the last step take D̄ = D_i, which makes the first one a step of
//! [`Ancestral`](super::Ancestral) sampling; no noise is added on the last.

use super::Sampler;
use crate::{Levels, Step};

/// SDE-DPM-Solver++(2M); K evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DpmSolverSde2M;

impl Sampler for DpmSolverSde2M {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let rho = next / sigma; // e^{−h}
        let fresh = (1.0 - rho) * (1.0 + rho); // 1 − e^{−2h}, without cancellation
        let d = next * libm::sqrtf(fresh);
        let first_order = Step { save: true, ..Step::new(levels.level(row), -fresh * sigma, d) };
        if row == 0 || next == 0.0 {
            return first_order;
        }
        let previous = levels.sigma(row - 1);
        let h = libm::logf(sigma / next);
        let old = h / (2.0 * libm::logf(previous / sigma)); // 1/(2r)
        let new = 1.0 + old;
        Step {
            a: rho * rho + fresh * new,
            s: -fresh * old,
            b: -fresh * new * sigma,
            c: [fresh * old * previous, 0.0, 0.0],
            ..first_order
        }
    }

    fn history(&self) -> usize {
        1
    }
}
