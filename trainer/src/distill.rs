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

use crate::denoiser::Denoiser;
use crate::objective::{Examples, Generator};
use crate::sample::MAX_DIM;
use rand::RngExt;
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

    /// `n` steps of random ways, all levels alike.
    pub fn examples(
        &self,
        kind: Distillation,
        student: &Denoiser,
        n: usize,
        rng: &mut Generator,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denoiser::{Embedding, Precondition};
    use crate::mlp::Activation;
    use rand::SeedableRng;

    /// The teacher that knows N(0, 1): its EDM network is zero, its ways x ∝ √(1 + σ²).
    fn teacher() -> Denoiser {
        let embedding = Embedding { features: 2, sigma_min: 0.01, sigma_max: 6.0 };
        let mut rng = Generator::seed_from_u64(1);
        let mut teacher = Denoiser::new(2, &[4], Activation::Tanh, Precondition::Edm, embedding, 0, &mut rng);
        teacher.net = teacher.net.with_output_scaled(0.0);
        teacher
    }

    #[test]
    fn ways_follow_the_exact_flow() {
        let ways = Ways::new(&teacher(), &[6.0, 1.0, 0.25], 0.02, 50, 3).unwrap();
        for i in 0..50 {
            for (k, sigma) in [(1, 1.0_f32), (2, 0.25), (3, 0.0)] {
                let factor = ((1.0 + sigma * sigma) / 37.0).sqrt();
                for (x, start) in ways.state(i, k).iter().zip(ways.state(i, 0)) {
                    assert!((x - factor * start).abs() < 3e-3 * (1.0 + start.abs()), "{i} {k}: {x} {start}");
                }
            }
        }
    }

    /// A DDIM step with the target lands on the way, or by reflow on the straight line.
    #[test]
    fn targets_lead_to_the_next_state() {
        let (teacher, levels) = (teacher(), [6.0, 1.0]);
        let ways = Ways::new(&teacher, &levels, 0.02, 20, 3).unwrap();
        for kind in [Distillation::Trajectory, Distillation::Reflow] {
            let examples = ways.examples(kind, &teacher, 40, &mut Generator::seed_from_u64(2));
            let rows = examples.inputs.chunks(4).zip(examples.targets.chunks(2));
            for (i, (input, target)) in rows.enumerate() {
                let (sigma, next) = [(6.0_f32, 1.0), (1.0, 0.0)][i % 2];
                let c = teacher.precondition.at(sigma);
                let x: Vec<f32> = input[..2].iter().map(|v| v / c.input).collect();
                let end: Vec<f32> = x
                    .iter()
                    .zip(target)
                    .map(|(x, f)| x - (sigma - next) * (c.skip * x + c.gain * f))
                    .collect();
                let reached = |way: usize| match (kind, i % 2) {
                    (Distillation::Reflow, 0) => {
                        let ends = ways.state(way, 0).iter().zip(ways.state(way, 2));
                        ends.map(|(start, end)| end + (start - end) / 6.0).collect()
                    }
                    (_, k) => ways.state(way, k + 1).to_vec(),
                };
                let close = |way| {
                    let state: Vec<f32> = reached(way);
                    state.iter().zip(&end).all(|(a, b)| (a - b).abs() < 1e-4)
                };
                assert!((0..20).any(close), "{kind:?} {i}: {end:?}");
            }
        }
    }
}
