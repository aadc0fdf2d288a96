//! The samplers, one algorithm a file: each computes the rows of a plan from noise levels
//! σ₀ > σ₁ > … and the step's pair (σ, σ′) = (σ_i, σ_{i+1}).
//!
//! Those that descend the levels end on the clean data, σ_K = 0, with a first-order step, so K levels mean K
//! evaluations (Heun with or without churn: 2K − 1; annealed Langevin: T·K; predictor–corrector:
//! K + N(K − 1)), and a plan of one level is the Tweedie denoiser. Langevin dynamics stays at one level.
//! [`Mala`] accepts or rejects and [`ClampedLangevin`] clamps, so they are no plans but chains of their own.

mod analytic_dpm;
mod ancestral;
mod annealed_langevin;
mod churn;
mod clamped_langevin;
mod ddim;
mod ddpm;
mod deis;
mod dpm_solver;
mod dpm_solver_sde;
mod heun;
mod ipndm;
mod langevin;
mod mala;
mod predictor_corrector;
mod resampled;
mod reverse_sde;
mod tweedie;
mod underdamped_langevin;

pub use analytic_dpm::AnalyticDpm;
pub use ancestral::Ancestral;
pub use annealed_langevin::{AnnealedLangevin, StepRule};
pub use churn::Churn;
pub use clamped_langevin::ClampedLangevin;
pub use ddim::Ddim;
pub use ddpm::Ddpm;
pub use deis::Deis;
pub use dpm_solver::DpmSolver2M;
pub use dpm_solver_sde::DpmSolverSde2M;
pub use heun::Heun;
pub use ipndm::Ipndm;
pub use langevin::Langevin;
pub use mala::Mala;
pub use predictor_corrector::{Predictor, PredictorCorrector};
pub use resampled::Resampled;
pub use reverse_sde::ReverseSde;
pub use tweedie::Tweedie;
pub use underdamped_langevin::UnderdampedLangevin;

use crate::{Error, HISTORY, Levels, MAX_LEVELS, MAX_ROWS, Plan, Score, Step};

/// An algorithm: rows from noise levels.
pub trait Sampler: Sized {
    /// The number of rows for `levels` noise levels; the largest `usize` where they are more.
    fn rows(&self, levels: usize) -> usize {
        levels
    }

    /// Row number `row`, smaller than [`rows`](Self::rows).
    fn step(&self, levels: &impl Levels, row: usize) -> Step;

    /// How many old evaluations the rows read.
    fn history(&self) -> usize {
        0
    }

    /// The plan of this algorithm over `levels`.
    ///
    /// # Errors
    /// [`Error::NoSteps`] without levels, [`Error::TooManyLevels`] or [`Error::TooManySteps`] where they are more than a plan
    /// can have.
    fn plan<L: Levels>(self, levels: L) -> Result<Scheduled<Self, L>, Error> {
        few(some(levels.count())?)?;
        let plan = Scheduled { sampler: self, levels };
        few(plan.levels())?;
        match plan.rows() {
            asked if asked > MAX_ROWS => Err(Error::TooManySteps { asked, most: MAX_ROWS }),
            _ => Ok(plan),
        }
    }
}

/// A sampler on its noise levels.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<S, L> {
    sampler: S,
    levels: L,
}

impl<S: Sampler, L: Levels> Plan for Scheduled<S, L> {
    fn rows(&self) -> usize {
        self.sampler.rows(self.levels.count())
    }

    fn step(&self, row: usize) -> Step {
        self.sampler.step(&self.levels, row)
    }

    fn prior(&self) -> f32 {
        let sigma = self.levels.sigma(0);
        libm::sqrtf(sigma * sigma + 1.0)
    }

    fn levels(&self) -> usize {
        (0..self.levels.count()).map(|i| self.levels.level(i).saturating_add(1)).max().unwrap_or(0)
    }

    fn history(&self) -> usize {
        self.sampler.history()
    }
}

/// Refuses a count of zero.
fn some(count: usize) -> Result<usize, Error> {
    if count == 0 { Err(Error::NoSteps) } else { Ok(count) }
}

/// Refuses more noise levels than a plan can have.
fn few(have: usize) -> Result<usize, Error> {
    if have > MAX_LEVELS { Err(Error::TooManyLevels { have, most: MAX_LEVELS }) } else { Ok(have) }
}

/// Refuses an order that has no row of coefficients, or more old evaluations than a row holds.
fn multistep_order(order: usize) -> Result<usize, Error> {
    if (1..=HISTORY + 1).contains(&order) {
        Ok(order)
    } else {
        Err(Error::Parameter { name: "order", value: order as f32, range: "1, 2, 3 or 4" })
    }
}

/// Dimension and level of a chain at the first of `levels`, if they fit the model and the capacity.
fn one_level(levels: &impl Levels, model: &impl Score, capacity: usize) -> Result<(usize, usize), Error> {
    let (dim, level, have) = (model.dim(), levels.level(0), model.levels());
    if levels.count() == 0 {
        Err(Error::NoSteps)
    } else if dim > capacity {
        Err(Error::TooManyDimensions { dim, capacity })
    } else if level >= have {
        Err(Error::MissingLevels { asked: level.saturating_add(1), have })
    } else {
        Ok((dim, level))
    }
}

/// Refuses a parameter that is not positive and finite.
fn positive(name: &'static str, value: f32) -> Result<f32, Error> {
    if value > 0.0 && value <= 1e6 {
        Ok(value)
    } else {
        Err(Error::Parameter { name, value, range: "positive, at most 1e6" })
    }
}
