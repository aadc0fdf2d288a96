//! The sampler of the source notes' energy models: 60 steps of noisy descent with everything clamped.
//!
//! ```text
//! x ← clamp(x + ν·z, ±limit)        x ← clamp(x − α·clamp(∇E, ±g), ±limit)        α = 10, ν = 0.005, g = 0.03
//! ```
//!
//! Langevin dynamics with the step α would add √(2α)·z, so this samples exp(−E/T) at a temperature of
//! T = ν²/(2α) = 1.25·10⁻⁶, where the clamp of the gradient does not cut it: it finds low energies, and says nothing about how
//! likely they are. [`Langevin`](super::Langevin) and [`Mala`](super::Mala) draw from the model.

use super::{one_level, positive};
use crate::arith::bounded;
use crate::chain::{head, head_mut};
use crate::normal::standard_normal;
use crate::{Error, Levels, Score};
use rand_core::Rng;

/// α
const STEP: f32 = 10.0;
/// ν
const NOISE: f32 = 0.005;
/// g
const GRADIENT: f32 = 0.03;

/// A chain of the notes' sampler, at the first of the levels it was made with; one evaluation a step.
///
/// `D` is the capacity in dimensions. It begins uniformly in ±limit, with one [`next_u32`](Rng::next_u32) per dimension, of
/// which the upper 24 bits count; then every step draws one normal per dimension.
#[derive(Clone, Debug)]
pub struct ClampedLangevin<R, const D: usize> {
    rng: R,
    dim: usize,
    level: usize,
    sigma: f32,
    limit: f32,
    x: [f32; D],
}

/// Steps of the notes.
const STEPS: usize = 60;

impl<R: Rng, const D: usize> ClampedLangevin<R, D> {
    /// A chain within ±`limit`, in model units.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a limit that is not positive; [`Error::NoSteps`] without levels;
    /// [`Error::TooManyDimensions`] or [`Error::MissingLevels`] when model, levels and capacity do not fit.
    pub fn new(limit: f32, levels: &impl Levels, model: &impl Score, mut rng: R) -> Result<Self, Error> {
        let limit = positive("limit", limit)?;
        let (dim, level) = one_level(levels, model, D)?;
        let mut x = [0.0; D];
        for x in x.iter_mut().take(dim) {
            *x = limit * ((rng.next_u32() >> 8) as f32 * (1.0 / 8_388_608.0) - 1.0);
        }
        Ok(Self { rng, dim, level, sigma: levels.sigma(0), limit, x })
    }

    /// One step.
    pub fn step(&mut self, model: &mut impl Score) {
        let mut eps = [0.0; D];
        for x in self.x.iter_mut().take(self.dim) {
            *x = clamped(*x + NOISE * standard_normal(&mut self.rng), self.limit);
        }
        model.noise(head(&self.x, self.dim), self.level, head_mut(&mut eps, self.dim));
        for (x, &eps) in self.x.iter_mut().zip(&eps).take(self.dim) {
            let gradient = clamped(bounded(eps / self.sigma), GRADIENT);
            *x = clamped(*x - STEP * gradient, self.limit);
        }
    }

    /// The notes' 60 steps.
    pub fn run(&mut self, model: &mut impl Score) {
        (0..STEPS).for_each(|_| self.step(model));
    }

    /// The state, in model units.
    pub fn state(&self) -> &[f32] {
        head(&self.x, self.dim)
    }
}

/// Within ±`limit`.
fn clamped(v: f32, limit: f32) -> f32 {
    if v > limit {
        limit
    } else if v < -limit {
        -limit
    } else {
        v
    }
}
