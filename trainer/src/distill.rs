//! Fewer evaluations: a student that takes the teacher's long way in K steps.
//!
//! The teacher's probability flow carries n starts x_T ~ N(0, (σ₀² + 1)·I) to their ends x₀ in many steps.
//!
//! - **Trajectory** (progressive distillation, Salimans & Ho 2022, in one stage; with K = 1 knowledge
//!   distillation, Luhman & Luhman 2021): at each of the student's K levels the step to the next level shall
//!   land where the teacher's way passes,
//!
//!   ```text
//!   ε̂(x_i, σ_i) → (x_i − x_{i+1})/(σ_i − σ_{i+1})
//!   ```
//!
//! - **Reflow** (Liu, Gong & Liu 2023): the start and the end of a way are joined by a straight line, and the
//!   student learns the velocity of the lines,
//!
//!   ```text
//!   x = x₀ + σ·n ,   ε̂(x, σ) → n = (x_T − x₀)/σ₀
//!   ```
//!
//!   which is denoising score matching with each point tied to its own noise; lines that do not cross need
//!   no more than one step.
//!
//! The student has the teacher's shape and starts from its weights; it samples by DDIM at its K levels.

use crate::backend::{Backend, Batch, Hyper, Learner, Snapshot};
use crate::config::TrainingConfig;
use crate::denoiser::Denoiser;
use crate::objective::Examples;
use crate::points::Points;
use crate::sample::MAX_DIM;
use crate::train::one_cycle;
use indicatif::ProgressBar;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tinyscore::rng::stream;
use tinyscore::sampler::{DpmSolver2M, Sampler};
use tinyscore::{Chain, Error};

/// Teacher's steps between two of the student's levels, and after the last.
const SUBSTEPS: usize = 12;

/// What the student learns from the teacher's ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Distillation {
    /// The teacher's own way, in K steps (Salimans & Ho 2022; Luhman & Luhman 2021)
    Trajectory,
    /// Straight lines between its ends (Liu, Gong & Liu 2023)
    Reflow,
}

/// Ways of the teacher: n × (K + 1) states, the first at σ₀, the last the clean data.
#[derive(Clone, Debug)]
pub struct Ways {
    /// The student's levels, from the largest down, then 0.
    sigmas: Vec<f32>,
    dim: usize,
    states: Vec<f32>,
}

impl Ways {
    /// `n` ways of `teacher` past the levels `sigmas`, by DPM-Solver++(2M) with twelve steps between two.
    ///
    /// # Errors
    /// When a plan cannot be built on these levels.
    pub fn new(teacher: &Denoiser, sigmas: &[f32], last: f32, n: usize, seed: u64) -> Result<Self, Error> {
        let fine = refined(sigmas, last);
        let plan = DpmSolver2M.plan(&fine[..])?;
        let (dim, states) = (teacher.dim(), sigmas.len() + 1);
        let mut all = vec![0.0; n * states * dim];
        all.par_chunks_mut(states * dim).enumerate().try_for_each_init(
            || teacher.at_levels(&fine),
            |score, (i, way)| -> Result<(), Error> {
                let mut chain = Chain::<_, MAX_DIM>::new(&plan, score, stream(seed, i as u64))?;
                for state in way.chunks_exact_mut(dim) {
                    state.copy_from_slice(chain.state());
                    (0..SUBSTEPS).for_each(|_| _ = chain.step(&plan, score));
                }
                Ok(())
            },
        )?;
        Ok(Self { sigmas: sigmas.iter().copied().chain([0.0]).collect(), dim, states: all })
    }

    /// Number of ways.
    fn len(&self) -> usize {
        self.states.len() / (self.sigmas.len() * self.dim)
    }

    /// State number `k` of way `i`.
    fn state(&self, i: usize, k: usize) -> &[f32] {
        &self.states[(i * self.sigmas.len() + k) * self.dim..][..self.dim]
    }

    /// The ends of all ways.
    pub fn ends(&self) -> Points {
        let mut ends = Points::with_capacity(self.dim, self.len());
        (0..self.len()).for_each(|i| ends.push_row(self.state(i, self.sigmas.len() - 1)));
        ends
    }

    /// `n` steps of random ways, all levels alike.
    fn examples(
        &self,
        kind: Distillation,
        student: &Denoiser,
        n: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Examples {
        let mut examples = Examples::default();
        let levels = self.sigmas.len() - 1;
        for k in (0..levels).cycle().take(n) {
            let way = rng.random_range(0..self.len());
            let (sigma, next) = (self.sigmas[k], self.sigmas[k + 1]);
            let pairs = match kind {
                Distillation::Trajectory => self.state(way, k).iter().zip(self.state(way, k + 1)),
                Distillation::Reflow => self.state(way, 0).iter().zip(self.state(way, levels)),
            };
            let (x, eps): (Vec<f32>, Vec<f32>) = match kind {
                Distillation::Trajectory => pairs.map(|(x, end)| (*x, (x - end) / (sigma - next))).unzip(),
                Distillation::Reflow => pairs
                    .map(|(start, end)| (start - end) / self.sigmas[0])
                    .zip(self.state(way, levels))
                    .map(|(noise, end)| (end + sigma * noise, noise))
                    .unzip(),
            };
            let c = student.precondition.at(sigma);
            student.append_input(&x, sigma, None, &mut examples.inputs);
            examples.targets.extend(eps.iter().zip(&x).map(|(eps, x)| (eps - c.skip * x) / c.gain));
            examples.weights.push(c.gain * c.gain);
        }
        examples
    }
}

/// SUBSTEPS geometric steps to each of the next levels, and as many from the last one to `smallest`.
fn refined(sigmas: &[f32], smallest: f32) -> Vec<f32> {
    let ends = sigmas.iter().skip(1).copied().chain([smallest]);
    let between = sigmas.iter().zip(ends).flat_map(|(&from, to)| {
        (0..SUBSTEPS).map(move |i| from * (to / from).powf(i as f32 / SUBSTEPS as f32))
    });
    between.collect()
}

/// The student: `teacher`'s network trained on `ways`.
pub fn distill<B: Backend>(
    device: B,
    teacher: &Denoiser,
    ways: &Ways,
    kind: Distillation,
    config: &TrainingConfig,
    seed: u64,
    bar: &ProgressBar,
) -> Snapshot {
    let TrainingConfig { weight_decay, clip_norm, ema, .. } = *config;
    let hyper = Hyper { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay, clip_norm, ema };
    let mut learner = Learner::new(device, &teacher.net, hyper);
    for step in 0..config.steps {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step);
        let Examples { inputs, targets, weights } = &ways.examples(kind, teacher, config.batch, &mut rng);
        learner.step(Batch { inputs, targets, weights }, one_cycle(step, config), false);
        bar.inc(1);
    }
    learner.snapshot()
}
