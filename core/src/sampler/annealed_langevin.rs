//! Annealed Langevin dynamics (Song & Ermon 2019, Algorithm 1): T Langevin steps at each level, from the
//! largest σ down.
//!
//! ```text
//! α_i = ε·σ_i²/σ_{K−1}²
//! x ← x + α_i/2·s + √α_i·z                       Song & Ermon
//! x ← x + α_i·s + √(2α_i)·z                      the source notes' Algorithm 2.1, α for ε
//! α_i = 2(r·σ_i)²,  x ← x + α_i·s + √(2α_i)·z    signal-to-noise ratio r (Song et al. 2021, Algorithm 4)
//! ```
//!
//! with s = −ε̂/σ. The signal-to-noise rule is that of the corrector with ‖s‖ and ‖z‖ at their expected
//! values √d/σ and √d, so that the step does not depend on the state. Optionally a last row denoises
//! (Jolicoeur-Martineau et al. 2021).

use super::{Sampler, positive, some};
use crate::{Error, Levels, Step};

/// How long a step is at each level.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StepRule {
    /// Song & Ermon 2019 with this ε, the α of the smallest level.
    SongErmon(f32),
    /// The source notes' Algorithm 2.1 with this α at the smallest level.
    Notes(f32),
    /// Signal-to-noise ratio r.
    SignalToNoise(f32),
}

/// Annealed Langevin dynamics; T·K evaluations for K levels, one more to denoise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AnnealedLangevin {
    rule: StepRule,
    steps_per_level: usize,
    denoise: bool,
}

impl AnnealedLangevin {
    /// T = `steps_per_level` steps at every level by `rule`; `denoise` appends a Tweedie step.
    ///
    /// # Errors
    /// [`Error::NoSteps`] for no steps, [`Error::Parameter`] for a step that is not positive.
    pub fn new(rule: StepRule, steps_per_level: usize, denoise: bool) -> Result<Self, Error> {
        match rule {
            StepRule::SongErmon(epsilon) => positive("epsilon", epsilon)?,
            StepRule::Notes(alpha) => positive("alpha", alpha)?,
            StepRule::SignalToNoise(r) => positive("snr", r)?,
        };
        Ok(Self { rule, steps_per_level: some(steps_per_level)?, denoise })
    }
}

impl Sampler for AnnealedLangevin {
    fn rows(&self, levels: usize) -> usize {
        levels.saturating_mul(self.steps_per_level).saturating_add(self.denoise.into())
    }

    fn step(&self, levels: &impl Levels, row: usize) -> Step {
        let last = levels.count().saturating_sub(1);
        let smallest = levels.sigma(last);
        let i = row.checked_div(self.steps_per_level).unwrap_or(0);
        if i > last {
            return Step::new(levels.level(last), -smallest, 0.0);
        }
        let sigma = levels.sigma(i);
        let ratio = sigma / smallest;
        let (drift, noise2) = match self.rule {
            StepRule::SongErmon(epsilon) => (0.5 * epsilon * ratio * ratio, epsilon * ratio * ratio),
            StepRule::Notes(alpha) => (alpha * ratio * ratio, 2.0 * alpha * ratio * ratio),
            StepRule::SignalToNoise(r) => (2.0 * (r * sigma) * (r * sigma), 4.0 * (r * sigma) * (r * sigma)),
        };
        Step::new(levels.level(i), -drift / sigma, libm::sqrtf(noise2))
    }
}
