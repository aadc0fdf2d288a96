//! Denoising diffusion probabilistic models: ε-prediction by L_simple (Ho, Jain & Abbeel 2020, Algorithm 1
//! and eq. 14).
//!
//! ```text
//! t ~ Uniform{1, …, T} ,  ε ~ N(0, I) ,  ᾱ_t = Π_{s ≤ t} (1 − β_s)
//! L_simple = E ‖ε − ε_θ(√ᾱ_t·x₀ + √(1 − ᾱ_t)·ε, t)‖²
//! ```
//!
//! Divided by √ᾱ_t the network's input is x₀ + σ_t·ε with σ_t = √((1 − ᾱ_t)/ᾱ_t), so this is ‖ε̂ − n‖² with
//! the σ of a t drawn uniformly. β is linear from 10⁻⁴ to 0.02 at T = 1000 (in general by Song et al. 2021,
//! appendix B), or by the cosine schedule (Nichol & Dhariwal 2021, eq. 17). Only the t whose σ_t is one that
//! the network is read at are drawn: σ_1000 = 157 is far beyond what data of unit variance can tell.

use super::{Generator, Regression, Stratum};
use crate::config::UsageError;
use crate::sde::{BETA, Schedule};

/// Largest β of the cosine schedule, which keeps ᾱ_T from vanishing.
const LARGEST_BETA: f64 = 0.999;

/// ε-prediction over the steps of a chain.
#[derive(Clone, Debug)]
pub struct DenoisingDiffusion {
    /// σ_t of the t that are drawn.
    sigmas: Vec<f32>,
}

impl DenoisingDiffusion {
    /// A chain of T = `steps` steps, as far as `sigma_min` ≤ σ_t ≤ `sigma_max`.
    ///
    /// # Errors
    /// When no step lies there.
    pub fn new(schedule: Schedule, steps: usize, sigma_min: f32, sigma_max: f32) -> Result<Self, UsageError> {
        let sigmas = alpha_bar(schedule, steps).into_iter().map(|kept| ((1.0 - kept) / kept).sqrt() as f32);
        let sigmas: Vec<f32> = sigmas.filter(|sigma| (sigma_min..=sigma_max).contains(sigma)).collect();
        if sigmas.is_empty() {
            return Err(UsageError(format!(
                "none of the chain's {steps} steps has its σ in {sigma_min}…{sigma_max}: widen --train-sigma-min and --train-sigma-max, or raise steps in [objective]"
            )));
        }
        Ok(Self { sigmas })
    }
}

/// ᾱ_1 … ᾱ_T
fn alpha_bar(schedule: Schedule, steps: usize) -> Vec<f64> {
    let n = steps as f64;
    let beta = |t: usize| match schedule {
        Schedule::Linear => {
            let share = (t - 1) as f64 / (steps.max(2) - 1) as f64;
            (BETA.0 + share * (BETA.1 - BETA.0)) / n
        }
        Schedule::Cosine => {
            let kept = |t: usize| schedule.alpha_bar(t as f64 / n);
            (1.0 - kept(t) / kept(t - 1)).min(LARGEST_BETA)
        }
    };
    let product = |kept: &mut f64, t: usize| {
        *kept *= 1.0 - beta(t);
        Some(*kept)
    };
    (1..=steps).scan(1.0, product).collect()
}

impl Regression for DenoisingDiffusion {
    fn sigma(&self, stratum: Stratum, rng: &mut Generator) -> f32 {
        let t = (stratum.uniform(rng) * self.sigmas.len() as f32) as usize;
        self.sigmas[t.min(self.sigmas.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sde::{ForwardProcess, VariancePreserving};

    /// T = 1000 has the β that Ho et al. state in section 4.
    #[test]
    fn a_thousand_steps_are_those_of_the_paper() {
        let kept = alpha_bar(Schedule::Linear, 1000);
        assert!((1.0 - kept[0] - 1e-4).abs() < 1e-12);
        assert!((1.0 - kept[999] / kept[998] - 0.02).abs() < 1e-12);
        assert_eq!(kept.len(), 1000);
    }

    /// Halving the step halves the distance of ᾱ from the continuous process.
    #[test]
    fn the_chain_converges_to_the_variance_preserving_process() {
        let process = VariancePreserving::new(Schedule::Linear);
        let error = |steps: usize| {
            let kept = alpha_bar(Schedule::Linear, steps);
            let at = |(i, kept): (usize, f64)| {
                let (mean, _) = process.marginal((i + 1) as f64 / steps as f64);
                (kept.sqrt() - mean).abs()
            };
            kept.into_iter().enumerate().map(at).fold(0.0, f64::max)
        };
        let (coarse, fine) = (error(500), error(1000));
        assert!((coarse / fine - 2.0).abs() < 0.1, "{coarse}, {fine}");
        assert!(fine < 0.006, "{fine}");
        // The cosine schedule's chain is the process at its steps, but for the largest β.
        let kept = alpha_bar(Schedule::Cosine, 1000);
        assert!((kept[499] - Schedule::Cosine.alpha_bar(0.5)).abs() < 1e-12);
        assert!(kept[999] > 0.0);
    }

    #[test]
    fn only_levels_of_the_network_are_drawn() {
        let chain = DenoisingDiffusion::new(Schedule::Linear, 1000, 0.01, 6.0).unwrap();
        let drawn = chain.sigmas.len();
        let kept = alpha_bar(Schedule::Linear, 1000)[drawn];
        assert!(((1.0 - kept) / kept).sqrt() > 6.0, "a level is missing");
        assert!(chain.sigmas.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((chain.sigmas[0] - 0.01).abs() < 1e-5 && (5.95..6.0).contains(&chain.sigmas[drawn - 1]));
        let error = DenoisingDiffusion::new(Schedule::Linear, 2, 0.01, 0.02).unwrap_err().to_string();
        assert!(error.contains("widen --train-sigma-min"), "{error}");
    }
}
