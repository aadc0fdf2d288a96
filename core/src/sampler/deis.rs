//! DEIS, the diffusion exponential integrator sampler (Zhang & Chen 2023, eq. 14 and 15; their tAB and ρAB are
//! one in σ): the Adams–Bashforth method of variable steps for the probability-flow ODE dx/dσ = ε̂, one
//! evaluation a step.
//!
//! ```text
//! x ← x + Σ_j C_j·ε̂₋ⱼ ,   C_j = ∫_σ^σ′ Π_{k≠j} (τ − σ₋ₖ)/(σ₋ⱼ − σ₋ₖ) dτ ,   j, k = 0 … order − 1
//! ```
//!
//! where ε̂₋ⱼ was evaluated at σ₋ⱼ, the newest at σ₋₀ = σ. The integrals are exact. The first steps take the
//! order that their history allows, the last one order 1.

use super::{Sampler, multistep_order};
use crate::{Error, HISTORY, Levels, Step};

/// DEIS; K evaluations for K levels, deterministic after the initial draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deis {
    order: usize,
}

impl Deis {
    /// Of order 1 (DDIM) to 4.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another order.
    pub fn new(order: usize) -> Result<Self, Error> {
        Ok(Self { order: multistep_order(order)? })
    }
}

impl Sampler for Deis {
    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let (sigma, next) = levels.pair(row);
        let old = if next == 0.0 { 0 } else { row.min(self.order - 1) };
        let node = |k: usize| levels.sigma(row.saturating_sub(k));
        let coefficient = |j: usize| -(sigma - next) * lagrange_integral(node, old, j, sigma, next);
        let mut c = [0.0; HISTORY];
        for (c, j) in c.iter_mut().zip(1..=old) {
            *c = coefficient(j);
        }
        Step { c, ..Step::new(levels.level(row), coefficient(0), 0.0) }
    }

    fn history(&self) -> usize {
        self.order - 1
    }
}

/// C_j/(σ′ − σ) for the nodes 0…`last`. In u = (τ − σ)/(σ′ − σ) the interval is 0…1 and all
/// nodes u_k ≤ 0, so the coefficients of Π (u − u_k) are positive and nothing cancels.
fn lagrange_integral(node: impl Fn(usize) -> f32, last: usize, j: usize, sigma: f32, next: f32) -> f32 {
    let width = next - sigma;
    let mut polynomial = [1.0, 0.0, 0.0, 0.0]; // in ascending powers of u
    let mut scale = 1.0;
    for k in (0..=last).filter(|&k| k != j) {
        let u = (node(k) - sigma) / width;
        let mut below = 0.0;
        for coefficient in &mut polynomial {
            let here = *coefficient;
            *coefficient = below - u * here;
            below = here;
        }
        scale *= (node(j) - node(k)) / width;
    }
    let [c0, c1, c2, c3] = polynomial;
    (c0 + c1 / 2.0 + c2 / 3.0 + c3 / 4.0) / scale
}
