//! The Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996; MALA) at one noise level.
//!
//! A step of [`Langevin`](super::Langevin) dynamics is only proposed,
//!
//! ```text
//! y = x + α·s(x) + √(2α)·z ,   s = −ε̂/σ ,   α = e·σ²
//! ```
//!
//! and accepted with probability min(1, p(y)·q(x|y) / (p(x)·q(y|x))), q(y|x) = N(y; x + α·s(x), 2α·I):
//!
//! ```text
//! log ratio = E(x) − E(y) + ‖z‖²/2 − ‖x − y − α·s(y)‖²/(4α) ,   E = −log p
//! ```
//!
//! Else the chain stays at x. So its stationary law is p(x; σ) exactly, whatever the step. In many
//! dimensions it mixes fastest where .574 of the proposals are accepted (Roberts & Rosenthal 1998).

use super::{one_level, positive};
use crate::arith::bounded;
use crate::chain::{head, head_mut};
use crate::normal::standard_normal;
use crate::{Energy, Error, Levels};
use rand_core::Rng;

/// A chain of the Metropolis-adjusted Langevin algorithm, at the first of the levels it was made with.
///
/// `D` is the capacity in dimensions. One [`step`](Self::step) evaluates score and energy once.
///
/// Random numbers are drawn in this order: one normal per dimension for the initial state, unless it is
/// given; then for every step one normal per dimension for the proposal and one
/// [`next_u32`](Rng::next_u32) for the decision. That order is part of the contract.
#[derive(Clone, Debug)]
pub struct Mala<R, const D: usize> {
    rng: R,
    dim: usize,
    level: usize,
    sigma: f32,
    rate: f32,
    x: [f32; D],
    eps: [f32; D],
    energy: f32,
    steps: usize,
    accepted: usize,
}

impl<R: Rng, const D: usize> Mala<R, D> {
    /// A chain of step α = `rate`·σ² that starts from N(0, (σ² + 1)·I), in model units.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a rate that is not positive; [`Error::NoSteps`] without levels;
    /// [`Error::TooManyDimensions`] or [`Error::MissingLevels`] when model, levels and capacity do not fit.
    pub fn new(rate: f32, levels: &impl Levels, model: &mut impl Energy, rng: R) -> Result<Self, Error> {
        let mut chain = Self::fitting(rate, levels, model, rng)?;
        let prior = libm::sqrtf(chain.sigma * chain.sigma + 1.0);
        for x in chain.x.iter_mut().take(chain.dim) {
            *x = prior * standard_normal(&mut chain.rng);
        }
        chain.look(model);
        Ok(chain)
    }

    /// A chain that starts from the state `x`, in model units. Draws nothing for it.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Length`] when `x` is not of the model's dimension.
    pub fn from_state(
        rate: f32,
        levels: &impl Levels,
        model: &mut impl Energy,
        rng: R,
        x: &[f32],
    ) -> Result<Self, Error> {
        let mut chain = Self::fitting(rate, levels, model, rng)?;
        if x.len() != chain.dim {
            return Err(Error::Length { dim: chain.dim, have: x.len() });
        }
        for (state, &x) in chain.x.iter_mut().zip(x) {
            *state = bounded(x);
        }
        chain.look(model);
        Ok(chain)
    }

    fn fitting(rate: f32, levels: &impl Levels, model: &impl Energy, rng: R) -> Result<Self, Error> {
        let rate = positive("rate", rate)?;
        let (dim, level) = one_level(levels, model, D)?;
        let (sigma, zero) = (levels.sigma(0), [0.0; D]);
        Ok(Self { rng, dim, level, sigma, rate, x: zero, eps: zero, energy: 0.0, steps: 0, accepted: 0 })
    }

    /// Score and energy at the initial state.
    fn look(&mut self, model: &mut impl Energy) {
        let x = head(&self.x, self.dim);
        self.energy = model.energy_and_noise(x, self.level, head_mut(&mut self.eps, self.dim));
    }

    /// Proposes a state and accepts it or stays; returns whether it was accepted.
    pub fn step(&mut self, model: &mut impl Energy) -> bool {
        let drift = self.rate * self.sigma; // −α·s = drift·ε̂
        let width = self.sigma * libm::sqrtf(2.0 * self.rate);
        let (mut y, mut eps) = ([0.0; D], [0.0; D]);
        let mut forward = 0.0; // ‖z‖²/2
        for ((y, &x), &eps) in y.iter_mut().zip(&self.x).zip(&self.eps).take(self.dim) {
            let z = standard_normal(&mut self.rng);
            forward += 0.5 * z * z;
            *y = bounded(x - drift * eps + width * z);
        }
        let proposed = head(&y, self.dim);
        let energy = model.energy_and_noise(proposed, self.level, head_mut(&mut eps, self.dim));
        let mut backward = 0.0; // ‖x − y − α·s(y)‖²/(4α)
        for ((&x, &y), &eps) in self.x.iter().zip(&y).zip(&eps).take(self.dim) {
            let z = (x - y + drift * eps) / width;
            backward += 0.5 * z * z;
        }
        let log_ratio = (self.energy - energy) + (forward - backward);
        // A draw from 0, 1, … 2²⁴ − 1 in units of 2⁻²⁴; false for a ratio that is no number.
        let uniform = (self.rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0);
        let accept = uniform < libm::expf(log_ratio);
        if accept {
            (self.x, self.eps, self.energy) = (y, eps, energy);
            self.accepted = self.accepted.saturating_add(1);
        }
        self.steps = self.steps.saturating_add(1);
        accept
    }

    /// The state, in model units.
    pub fn state(&self) -> &[f32] {
        head(&self.x, self.dim)
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Proposals accepted.
    pub fn accepted(&self) -> usize {
        self.accepted
    }
}
