//! Filling in: sampling the unknown coordinates given the known ones (Song et al. 2021, Appendix I.2;
//! Lugmayr et al. 2022).
//!
//! The density of a known coordinate is a point y, whose noise at x is known exactly, so
//!
//! ```text
//! ε̂_j = (x_j − y_j)/σ     for the known j
//! ```
//!
//! and a sampler carries x_j to y_j by its own rule while the network sees it at the right noise. That
//! conditions on the noisy known coordinates, not on the clean ones; [`Resampled`](crate::sampler::Resampled)
//! goes up and down between the levels until the two agree. Where modes differ less in the known coordinates
//! than in the unknown ones, the choice between them stays biased towards their shares without the known: in the
//! test's hard case .34 for .32.

use crate::{Error, Levels, Score};

/// A score of which some coordinates are known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k, S, L> {
    score: S,
    levels: L,
    values: &'k [f32],
    mask: &'k [bool],
}

impl<'k, S: Score, L: Levels> Known<'k, S, L> {
    /// `values` in model units, of which those count whose `mask` is true; `levels` are the model's own.
    ///
    /// # Errors
    /// [`Error::Length`] when `values` or `mask` are not of the model's dimension.
    pub fn new(score: S, levels: L, values: &'k [f32], mask: &'k [bool]) -> Result<Self, Error> {
        let dim = score.dim();
        match [values.len(), mask.len()].into_iter().find(|&have| have != dim) {
            Some(have) => Err(Error::Length { dim, have }),
            None => Ok(Self { score, levels, values, mask }),
        }
    }

    /// Puts the known coordinates of `x` to their values, from which a sampler that adds noise in its last step moves them.
    pub fn restore(&self, x: &mut [f32]) {
        for ((x, y), &known) in x.iter_mut().zip(self.values).zip(self.mask) {
            if known {
                *x = *y;
            }
        }
    }
}

impl<S: Score, L: Levels> Score for Known<'_, S, L> {
    fn dim(&self) -> usize {
        self.score.dim()
    }

    fn levels(&self) -> usize {
        self.score.levels()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.score.noise(x, level, eps);
        let sigma = self.levels.sigma(level.min(self.levels.count().saturating_sub(1)));
        let known = self.values.iter().zip(self.mask);
        for ((eps, x), (y, &known)) in eps.iter_mut().zip(x).zip(known) {
            if known {
                *eps = (x - y) / sigma;
            }
        }
    }
}
