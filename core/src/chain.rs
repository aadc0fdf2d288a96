//! The one loop: a chain carries a state through the rows of a [`Plan`].

use crate::arith::bounded;
use crate::normal::standard_normal;
use crate::{Error, Plan, Score, Step};
use rand_core::Rng;

/// A sampling chain: its state, its place in the plan and its noise stream.
///
/// `D` is the capacity in dimensions, `P` the number of old evaluations kept for multistep plans;
/// (3 + P)·4·D bytes and the stream. One [`step`](Self::step) is one row of the plan, so firmware can
/// yield or feed a watchdog between rows.
///
/// Random numbers are drawn one per dimension, in order: first the initial state, then once for
/// every row whose noise coefficient is not 0. That order is part of the contract.
#[derive(Clone, Debug)]
pub struct Chain<R, const D: usize, const P: usize = 1> {
    rng: R,
    row: usize,
    dim: usize,
    x: [f32; D],
    saved: [f32; D],
    eps: [f32; D],
    history: [[f32; D]; P],
}

impl<R: Rng, const D: usize, const P: usize> Chain<R, D, P> {
    /// A chain that starts from the plan's prior N(0, prior²·I).
    ///
    /// # Errors
    /// [`Error::TooManyDimensions`], [`Error::MissingLevels`] or [`Error::History`] when plan, model
    /// and capacity do not fit; [`Error::NoSteps`] for an empty plan.
    #[inline(never)] // or its copies of the state stay in the caller's frame
    pub fn new(plan: &impl Plan, score: &impl Score, rng: R) -> Result<Self, Error> {
        let (dim, prior) = (Self::dim_of(plan, score)?, plan.prior());
        let mut chain = Self::at_rest(dim, rng);
        for x in chain.x.iter_mut().take(dim) {
            *x = bounded(prior * standard_normal(&mut chain.rng));
        }
        Ok(chain)
    }

    /// A chain that starts from the state `x`, in model units. Draws nothing for it.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Length`] when `x` is not of the model's dimension.
    pub fn from_state(plan: &impl Plan, score: &impl Score, rng: R, x: &[f32]) -> Result<Self, Error> {
        let dim = Self::dim_of(plan, score)?;
        if x.len() != dim {
            return Err(Error::Length { dim, have: x.len() });
        }
        let mut chain = Self::at_rest(dim, rng);
        for (state, &x) in chain.x.iter_mut().zip(x) {
            *state = bounded(x);
        }
        Ok(chain)
    }

    /// The dimension, if plan, model and capacities fit.
    fn dim_of(plan: &impl Plan, score: &impl Score) -> Result<usize, Error> {
        let (dim, asked, have) = (score.dim(), plan.levels(), score.levels());
        if dim > D {
            Err(Error::TooManyDimensions { dim, capacity: D })
        } else if plan.rows() == 0 {
            Err(Error::NoSteps)
        } else if asked > have {
            Err(Error::MissingLevels { asked, have })
        } else if plan.history() > P {
            Err(Error::History { asked: plan.history(), capacity: P })
        } else {
            Ok(dim)
        }
    }

    fn at_rest(dim: usize, rng: R) -> Self {
        let zero = [0.0; D];
        Self { rng, row: 0, dim, x: zero, saved: zero, eps: zero, history: [zero; P] }
    }

    /// The state, in model units.
    pub fn state(&self) -> &[f32] {
        head(&self.x, self.dim)
    }

    /// The next row of the plan.
    pub fn row(&self) -> usize {
        self.row
    }

    /// Takes the next row of `plan`; returns whether one was left.
    pub fn step(&mut self, plan: &impl Plan, score: &mut impl Score) -> bool {
        let Some(step) = self.next(plan) else {
            return false;
        };
        if step.evaluate {
            let (x, eps) = self.evaluation();
            score.noise(x, step.level.into(), eps);
        }
        self.apply(&step);
        true
    }

    /// Takes all rows that are left.
    pub fn run(&mut self, plan: &impl Plan, score: &mut impl Score) {
        while self.step(plan, score) {}
    }

    /// The next row, if one is left. With [`evaluation`](Self::evaluation) and
    /// [`apply`](Self::apply) this is [`step`](Self::step) taken apart, for those who evaluate many
    /// chains at once.
    pub fn next(&self, plan: &impl Plan) -> Option<Step> {
        (self.row < plan.rows()).then(|| plan.step(self.row))
    }

    /// Moves the last ε̂ into the history; then the state at which to evaluate, and where to write
    /// the new ε̂.
    pub fn evaluation(&mut self) -> (&[f32], &mut [f32]) {
        for old in &mut self.history {
            for (old, newer) in old.iter_mut().zip(&mut self.eps).take(self.dim) {
                core::mem::swap(old, newer);
            }
        }
        (head(&self.x, self.dim), head_mut(&mut self.eps, self.dim))
    }

    /// Applies the row `step` to the state, drawing its noise.
    pub fn apply(&mut self, step: &Step) {
        let Step { a, s, b, c, d, .. } = *step;
        let x = head_mut(&mut self.x, self.dim);
        for (x, saved) in x.iter_mut().zip(&mut self.saved) {
            let state = *x;
            *x = a * state;
            if s != 0.0 {
                *x += s * *saved;
            }
            if step.save {
                *saved = state;
            }
        }
        add(x, b, &self.eps);
        for (&c, old) in c.iter().zip(&self.history) {
            if c != 0.0 {
                add(x, c, old);
            }
        }
        for x in x {
            if d != 0.0 {
                *x += d * standard_normal(&mut self.rng);
            }
            *x = bounded(*x);
        }
        self.row = self.row.saturating_add(1);
    }
}

/// x ← x + c·v
fn add(x: &mut [f32], c: f32, v: &[f32]) {
    for (x, &v) in x.iter_mut().zip(v) {
        *x += c * v;
    }
}

/// The first `n` entries, or all if there are fewer; cannot panic.
pub(crate) fn head<T>(v: &[T], n: usize) -> &[T] {
    v.get(..n).unwrap_or(v)
}

/// As [`head`].
pub(crate) fn head_mut(v: &mut [f32], n: usize) -> &mut [f32] {
    let n = n.min(v.len());
    v.split_at_mut_checked(n).map_or(&mut [], |(head, _)| head)
}
