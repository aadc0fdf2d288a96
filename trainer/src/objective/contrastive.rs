//! Contrastive divergence (Hinton 2002) and its persistent form (Tieleman 2008) for deep energies (Du & Mordatch 2019,
//! Algorithm 1).
//!
//! The slope of the likelihood by the parameters is that of
//!
//! ```text
//! L = mean E(x⁺) − mean E(x⁻) + α·mean(e(x⁺)² + e(x⁻)²)
//! ```
//!
//! at data x⁺ and samples x⁻ of the model, which are held fixed; α keeps e, the network's part of the energy, from
//! drifting. The samples come from K steps of Langevin dynamics with the step e_L·σ², begun at the data (CD) or at the
//! states of a buffer, of which a small share starts anew from N(0, (1 + σ²)·I) (persistent CD).
//!
//! Data are noisy with the one σ of the model, so that its density is smooth: E stands for −log p(x; σ).

use super::Generator;
use crate::backend::{Backend, Contrast, Learner};
use crate::config::{TrainingConfig, UsageError};
use crate::denoiser::{Coefficients, Denoiser};
use crate::input_gradient::InputGradient;
use crate::train::Task;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// An energy gap beyond this is a diverged training.
const WIDEST_GAP: f32 = 1e3;

/// Settings of contrastive divergence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContrastiveConfig {
    /// K: Langevin steps of a chain per training step.
    pub langevin_steps: usize,
    /// e_L: their size over σ².
    pub langevin_rate: f32,
    /// Chains that persistent CD keeps.
    pub buffer: usize,
    /// Share of a batch's chains that start anew.
    pub restarts: f32,
    /// α
    pub penalty: f32,
}

impl Default for ContrastiveConfig {
    fn default() -> Self {
        Self { langevin_steps: 20, langevin_rate: 0.5, buffer: 8192, restarts: 0.05, penalty: 0.1 }
    }
}

impl ContrastiveConfig {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), UsageError> {
        let Self { langevin_steps, langevin_rate, buffer, restarts, penalty } = *self;
        let refuse = |what: String| Err(UsageError(what));
        if !(1..=10_000).contains(&langevin_steps) {
            return refuse(format!("langevin_steps is {langevin_steps}, but must be in 1…10000"));
        }
        if !(langevin_rate > 0.0 && langevin_rate < 2.0) {
            return refuse(format!(
                "langevin_rate is {langevin_rate}, but must be in 0…2, neither of them: chains diverge from 2 on"
            ));
        }
        if !(1..=1_000_000).contains(&buffer) {
            return refuse(format!("buffer is {buffer}, but must be in 1…1000000"));
        }
        if !(0.0..=1.0).contains(&restarts) {
            return refuse(format!("restarts is {restarts}, but must be in 0…1"));
        }
        if !(0.0..=100.0).contains(&penalty) {
            return refuse(format!("penalty is {penalty}, but must be in 0…100"));
        }
        Ok(())
    }
}

/// How a training of an energy goes; users of energy models look at this first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Training step.
    pub step: u64,
    /// mean E(x⁺) − mean E(x⁻), about 0 for a model that has learnt its data.
    pub gap: f32,
    /// Root mean square of σ·∇E per dimension at the samples; about 1 at most.
    pub gradient: f32,
    /// Mean probability that MALA would accept the chains' last steps.
    pub acceptance: f32,
}

impl Diagnosis {
    /// What is wrong, and what to do; none if all is well.
    pub fn advice(&self) -> Option<&'static str> {
        let Self { gap, gradient, acceptance, .. } = *self;
        match () {
            () if acceptance < 0.5 => {
                Some("Langevin steps are too large for the energy: take a smaller --langevin-rate")
            }
            () if gap < -1.5 => Some(
                "samples lie above the data, chains are not there yet: take more Langevin steps (-k) or train on",
            ),
            () if gap > 1.5 => Some(
                "samples lie below the data, the energy is ahead of its chains: take a smaller --learning-rate",
            ),
            () if gradient > 2.0 => {
                Some("the energy is too steep for its noise level: take a larger --penalty")
            }
            () => None,
        }
    }
}

/// Why a training was ended.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "training diverged at step {step}: the energies of data and samples are {gap} apart; train again with a smaller --learning-rate, more Langevin steps (-k) or a larger --penalty"
)]
pub struct Diverged {
    /// Training step.
    pub step: u64,
    /// mean E(x⁺) − mean E(x⁻)
    pub gap: f32,
}

/// What goes on from step to step besides the network.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// Of persistent CD, one row each.
    pub states: Vec<f32>,
    /// Since the training was begun or resumed.
    pub diagnoses: Vec<Diagnosis>,
}

/// Contrastive divergence.
#[derive(Clone, Copy, Debug)]
pub struct Contrastive {
    /// Settings.
    pub config: ContrastiveConfig,
    /// Whether chains go on.
    pub persistent: bool,
    /// The noise level.
    pub sigma: f32,
}

/// The energy at the one level.
struct Energies<'a> {
    denoiser: &'a Denoiser,
    net: InputGradient,
    sigma: f32,
}

impl Energies<'_> {
    /// What 1 of f adds to the energy.
    fn unit(&self) -> f32 {
        let Coefficients { input, gain, .. } = self.denoiser.precondition.at(self.sigma);
        gain / (input * self.sigma)
    }

    /// E and ε̂ of rows of points.
    fn at(&self, points: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let dim = self.denoiser.dim();
        let Coefficients { skip, gain, .. } = self.denoiser.precondition.at(self.sigma);
        let (f, gradients) = self.net.of_batch(&inputs(self.denoiser, points, self.sigma));
        let width = gradients.len() / f.len();
        let rows = points.chunks_exact(dim).zip(gradients.chunks_exact(width));
        let noise = rows.clone().flat_map(|(x, g)| x.iter().zip(g).map(|(x, g)| skip * x + gain * g));
        let energy = |((x, _), f): ((&[f32], &[f32]), &f32)| {
            0.5 * skip * x.iter().map(|x| x * x).sum::<f32>() / self.sigma + self.unit() * f
        };
        (rows.clone().zip(&f).map(energy).collect(), noise.collect())
    }
}

fn inputs(denoiser: &Denoiser, points: &[f32], sigma: f32) -> Vec<f32> {
    let mut inputs = Vec::with_capacity(points.len());
    points.chunks_exact(denoiser.dim()).for_each(|x| denoiser.append_input(x, sigma, None, &mut inputs));
    inputs
}

impl Contrastive {
    /// Numbers of N(0, 1 + σ²).
    fn fresh(&self, count: usize, rng: &mut Generator) -> Vec<f32> {
        let prior = (1.0 + self.sigma * self.sigma).sqrt();
        (0..count).map(|_| prior * rng.sample::<f32, _>(StandardNormal)).collect()
    }

    /// One training step of `learner` at the rate `lr`; `chains` go on. The loss, and a diagnosis in `chains`, when `read`.
    ///
    /// # Errors
    /// When the energies diverged.
    pub fn step<B: Backend>(
        &self,
        learner: &mut Learner<B>,
        &Task { denoiser, data, config: &TrainingConfig { batch: n, .. }, .. }: &Task<'_>,
        (step, lr, read): (u64, f32, bool),
        Chains { states, diagnoses }: &mut Chains,
        rng: &mut Generator,
    ) -> Result<Option<f32>, Diverged> {
        let Self { config, persistent, sigma } = *self;
        let dim = data.dim();
        if persistent && states.len() != config.buffer * dim {
            *states = self.fresh(config.buffer * dim, rng);
        }
        let noisy = |rng: &mut Generator| {
            let row = data.row(rng.random_range(0..data.len()));
            row.iter().map(|x| x + sigma * rng.sample::<f32, _>(StandardNormal)).collect::<Vec<_>>()
        };
        let real: Vec<f32> = (0..n).flat_map(|_| noisy(rng)).collect();
        let picked: Vec<usize> = (0..n).map(|_| rng.random_range(0..config.buffer)).collect();
        let mut drawn: Vec<f32> = picked
            .iter()
            .flat_map(|&i| match persistent {
                false => noisy(rng),
                true if rng.random::<f32>() < config.restarts => self.fresh(dim, rng),
                true => states[i * dim..][..dim].to_vec(),
            })
            .collect();
        let energies = Energies { denoiser, net: InputGradient::new(&learner.net()), sigma };
        let acceptance = self.langevin(&energies, &mut drawn, rng);
        if persistent {
            for (&i, row) in picked.iter().zip(drawn.chunks_exact(dim)) {
                states[i * dim..][..dim].copy_from_slice(row);
            }
        }
        if read {
            let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
            let ((plus, _), (minus, noise)) = (energies.at(&real), energies.at(&drawn));
            let squares: Vec<f32> = noise.iter().map(|e| e * e).collect();
            let gap = mean(&plus) - mean(&minus);
            diagnoses.push(Diagnosis { step, gap, gradient: mean(&squares).sqrt(), acceptance });
            if gap.is_nan() || gap.abs() > WIDEST_GAP {
                return Err(Diverged { step, gap });
            }
        }
        let all = inputs(denoiser, &[real, drawn].concat(), sigma);
        let scale = energies.unit() / n as f32;
        let factors = [vec![scale; n], vec![-scale; n]].concat();
        let penalty = config.penalty * energies.unit() * scale;
        Ok(learner.step_on(&Contrast { inputs: &all, factors: &factors, penalty }, lr, read))
    }

    /// K steps of all chains; the mean probability of accepting the last one.
    fn langevin(&self, energies: &Energies<'_>, x: &mut [f32], rng: &mut impl Rng) -> f32 {
        let Self { config: ContrastiveConfig { langevin_steps, langevin_rate, .. }, sigma, .. } = *self;
        let (drift, width) = (langevin_rate * sigma, sigma * (2.0 * langevin_rate).sqrt());
        let (mut energy, mut eps) = energies.at(x);
        let mut acceptance = 0.0;
        for step in 1..=langevin_steps {
            let before = x.to_vec();
            for (x, eps) in x.iter_mut().zip(&eps) {
                *x += -drift * eps + width * rng.sample::<f32, _>(StandardNormal);
            }
            let (above, there) = energies.at(x);
            if step == langevin_steps {
                let dim = x.len() / energy.len();
                let log = |i: usize| {
                    let squares = (i * dim..(i + 1) * dim).map(|j| {
                        let forward = x[j] - before[j] + drift * eps[j];
                        let backward = before[j] - x[j] + drift * there[j];
                        forward * forward - backward * backward
                    });
                    energy[i] - above[i] + squares.sum::<f32>() / (2.0 * width * width)
                };
                acceptance =
                    (0..energy.len()).map(|i| log(i).exp().min(1.0)).sum::<f32>() / energy.len() as f32;
            }
            (energy, eps) = (above, there);
        }
        acceptance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_its_advice() {
        let good = Diagnosis { step: 9, gap: -0.3, gradient: 0.6, acceptance: 0.9 };
        assert_eq!(good.advice(), None);
        for (diagnosis, flag) in [
            (Diagnosis { acceptance: 0.3, ..good }, "--langevin-rate"),
            (Diagnosis { gap: -4.0, ..good }, "(-k)"),
            (Diagnosis { gap: 4.0, ..good }, "--learning-rate"),
            (Diagnosis { gradient: 3.0, ..good }, "--penalty"),
        ] {
            assert!(diagnosis.advice().unwrap().contains(flag), "{diagnosis:?}");
        }
    }
}
