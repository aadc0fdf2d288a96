//! Heun's method for the probability-flow ODE (Karras et al. 2022, Algorithm 1). Second order.
//!
//! ```text
//! x′ ← x − (σ − σ′)·ε̂(x, σ)                        predict, saving x
//! x  ← x − (σ − σ′)·(ε̂(x, σ) + ε̂(x′, σ′))/2        correct, unless σ′ = 0
//! ```

use super::Sampler;
use crate::{Levels, Step};

/// EDM's Heun sampler without churn; 2K − 1 evaluations for K levels, deterministic after the initial
/// draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Heun;

impl Sampler for Heun {
    fn rows(&self, levels: usize) -> usize {
        levels.saturating_mul(2).saturating_sub(1)
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let i = row / 2;
        let (sigma, next) = levels.pair(i);
        let predict = row.is_multiple_of(2);
        if predict {
            Step { save: true, ..Step::new(levels.level(i), -(sigma - next), 0.0) }
        } else {
            let half = -0.5 * (sigma - next);
            Step { a: 0.0, s: 1.0, c: [half, 0.0, 0.0], ..Step::new(levels.level(i + 1), half, 0.0) }
        }
    }

    fn history(&self) -> usize {
        1
    }
}
