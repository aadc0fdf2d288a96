//! The samplers, one algorithm a file: each computes the rows of a plan from noise levels
//! σ₀ > σ₁ > … and the step's pair (σ, σ′) = (σ_i, σ_{i+1}).
//!
//! All of them end on the clean data, σ_K = 0, with a first-order step, so K levels mean K
//! evaluations (Heun: 2K − 1; annealed Langevin: T·K), and a plan of one level is the Tweedie denoiser.

mod ancestral;
mod annealed_langevin;
mod ddim;
mod ddpm;
mod dpm_solver;
mod heun;
mod langevin;
mod tweedie;

pub use ancestral::Ancestral;
pub use annealed_langevin::{AnnealedLangevin, StepRule};
pub use ddim::Ddim;
pub use ddpm::Ddpm;
pub use dpm_solver::DpmSolver2M;
pub use heun::Heun;
pub use langevin::Langevin;
pub use tweedie::Tweedie;

use crate::{Error, Levels, Plan, Step};

/// An algorithm: rows from noise levels.
pub trait Sampler: Sized {
    /// The number of rows for `levels` noise levels.
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
    /// [`Error::NoSteps`] without levels.
    fn plan<L: Levels>(self, levels: L) -> Result<Scheduled<Self, L>, Error> {
        some(levels.count())?;
        Ok(Scheduled { sampler: self, levels })
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
        (0..self.levels.count()).map(|i| self.levels.level(i) + 1).max().unwrap_or(0)
    }

    fn history(&self) -> usize {
        self.sampler.history()
    }
}

/// Refuses a count of zero.
fn some(count: usize) -> Result<usize, Error> {
    if count == 0 { Err(Error::NoSteps) } else { Ok(count) }
}

/// Refuses a parameter that is not positive and finite.
fn positive(name: &'static str, value: f32) -> Result<f32, Error> {
    if value > 0.0 && value <= 1e6 {
        Ok(value)
    } else {
        Err(Error::Parameter { name, value, range: "positive, at most 1e6" })
    }
}
