//! Classifier-free guidance (Ho & Salimans 2022, eq. 6): samples that are more typical of a class than the
//! data are.
//!
//! ```text
//! ε̃ = (1 + w)·ε̂(x, c) − w·ε̂(x)
//! ```

use crate::chain::head_mut;
use crate::{Conditional, Error, Score};

/// A score guided towards a class; two evaluations each, or one at w = 0.
///
/// `D` is the capacity in dimensions of the second evaluation.
#[derive(Clone, Debug)]
pub struct Guided<S, const D: usize> {
    score: S,
    class: usize,
    w: f32,
    unconditional: [f32; D],
}

impl<S: Conditional, const D: usize> Guided<S, D> {
    /// Guides `score` towards `class` with weight `w`; 0 is the conditional score itself.
    ///
    /// # Errors
    /// [`Error::NoSuchClass`] for a class that the model does not have, [`Error::TooManyDimensions`] for a
    /// model of more than `D`, [`Error::Parameter`] for a weight outside 0…100.
    pub fn new(mut score: S, class: usize, w: f32) -> Result<Self, Error> {
        if !(0.0..=100.0).contains(&w) {
            return Err(Error::Parameter { name: "guidance", value: w, range: "in 0…100" });
        }
        if score.dim() > D {
            return Err(Error::TooManyDimensions { dim: score.dim(), capacity: D });
        }
        score.choose(Some(class))?;
        Ok(Self { score, class, w, unconditional: [0.0; D] })
    }
}

impl<S: Conditional, const D: usize> Score for Guided<S, D> {
    fn dim(&self) -> usize {
        self.score.dim()
    }

    fn levels(&self) -> usize {
        self.score.levels()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.noise_batch(x, level, eps);
    }

    fn noise_batch(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.score.noise_batch(x, level, eps);
        if self.w == 0.0 || self.score.choose(None).is_err() {
            return;
        }
        let dim = self.dim();
        let together = dim * D.checked_div(dim).unwrap_or(1);
        for (x, eps) in x.chunks(together.max(1)).zip(eps.chunks_mut(together.max(1))) {
            let unconditional = head_mut(&mut self.unconditional, x.len());
            self.score.noise_batch(x, level, unconditional);
            for (eps, unconditional) in eps.iter_mut().zip(unconditional) {
                *eps += self.w * (*eps - *unconditional);
            }
        }
        _ = self.score.choose(Some(self.class)); // it was there in `new`
    }
}
