//! Predictor–corrector sampling (Song et al. 2021, Algorithm 1): after every step of a predictor, N steps
//! of Langevin dynamics at the level that it reached.
//!
//! ```text
//! x ← predictor(x; σ, σ′)
//! N times: x ← x + ε·s(x, σ′) + √(2ε)·z ,   ε = 2(r·σ′)²
//! ```
//!
//! ε is that of the corrector (Algorithm 4) at signal-to-noise ratio r, with ‖s‖ and ‖z‖ at their expected
//! values √d/σ′ and √d, so that the step does not depend on the state. The last prediction, to σ′ = 0, is
//! not corrected.

use super::{Langevin, Sampler, positive};
use crate::{Error, Levels, Step};

/// A sampler of one row a level that reads neither the saved state nor old evaluations, so that other
/// rows may stand between its own.
pub trait Predictor: Sampler {}

/// Predictor–corrector sampling; K + N·(K − 1) evaluations for K levels.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PredictorCorrector<P> {
    predictor: P,
    corrector: Langevin,
    corrections: usize,
}

impl<P: Predictor> PredictorCorrector<P> {
    /// N = `corrections` Langevin steps of signal-to-noise ratio `snr` after each step of `predictor`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no corrections, or a ratio that is not positive.
    pub fn new(predictor: P, snr: f32, corrections: usize) -> Result<Self, Error> {
        if corrections == 0 {
            return Err(Error::Parameter { name: "corrections", value: 0.0, range: "at least 1" });
        }
        let corrector = Langevin::new(2.0 * positive("snr", snr)? * snr, corrections)?;
        Ok(Self { predictor, corrector, corrections })
    }
}

impl<P: Predictor> Sampler for PredictorCorrector<P> {
    fn rows(&self, levels: usize) -> usize {
        self.corrections.saturating_mul(levels.saturating_sub(1)).saturating_add(levels)
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let period = self.corrections.saturating_add(1);
        let i = row.checked_div(period).unwrap_or(0);
        let predict = row == i * period;
        if predict { self.predictor.step(levels, i) } else { self.corrector.at(levels, i + 1) }
    }
}
