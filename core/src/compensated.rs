//! Quantization-aware sampling: the network's own error is noise, so less is added.
//!
//! The rounded network gives ε̂ + e, where e has the variance v(σ) per dimension, measured at export. A row
//!
//! ```text
//! x ← a·x + b·(ε̂ + e) + d·z
//! ```
//!
//! adds b²·v to the variance, so a stochastic row draws √(d² − b²·v) instead of d, or nothing where the
//! error alone is more (He et al. 2023, eq. 10–12).

use crate::blob::LevelTable;
use crate::{Plan, Step};

/// A plan whose noise is reduced by what quantization adds.
#[derive(Clone, Copy, Debug)]
pub struct Compensated<'a, P> {
    plan: P,
    levels: LevelTable<'a>,
}

impl<'a, P: Plan> Compensated<'a, P> {
    /// `levels` are those of the model that the plan is run with.
    pub fn new(plan: P, levels: LevelTable<'a>) -> Self {
        Self { plan, levels }
    }
}

impl<P: Plan> Plan for Compensated<'_, P> {
    fn rows(&self) -> usize {
        self.plan.rows()
    }

    fn step(&self, row: usize) -> Step {
        let step = self.plan.step(row);
        if !step.evaluate || step.d == 0.0 {
            return step;
        }
        let left = step.d * step.d - step.b * step.b * self.levels.get(step.level.into()).variance;
        Step { d: if left > 0.0 { libm::sqrtf(left) } else { 0.0 }, ..step }
    }

    fn prior(&self) -> f32 {
        self.plan.prior()
    }

    fn levels(&self) -> usize {
        self.plan.levels()
    }

    fn history(&self) -> usize {
        self.plan.history()
    }
}
