//! Contrastive divergence: CD-k (Hinton 2002) and persistent CD (Tieleman, "Training restricted Boltzmann machines using
//! approximations to the likelihood gradient", 2008).
//!
//! ```text
//! Δθ ∝ ⟨∂(−F(v))/∂θ⟩ over data − the same over chains, of a weight wᵢⱼ ⟨vᵢ p(hⱼ = 1 | v)⟩
//! ```
//!
//! CD's chains start at the data and take k sweeps; PCD's go on from update to update, k sweeps each. Momentum, weight
//! decay and visible biases as in Hinton's guide (2012); the learning rate falls linearly to 0, so that the chains of PCD keep up
//! with the model in the end.

use super::{Points, pool};
use crate::config::UsageError;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// Called after each update.
pub type Progress<'a, M> = &'a mut dyn FnMut(u64, &M);

/// Settings of one machine's training.
#[derive(Clone, Debug)]
pub struct Training {
    /// Hidden units.
    pub hidden: usize,
    /// Whether chains go on from update to update.
    pub persistent: bool,
    /// Sweeps per update.
    pub k: usize,
    /// Chains of PCD.
    pub chains: usize,
    /// Number of updates.
    pub updates: u64,
    /// Rows per update.
    pub batch: usize,
    /// Learning rate at the start.
    pub learning_rate: f32,
    /// Of the weights.
    pub weight_decay: f32,
    /// Of everything.
    pub seed: u64,
}

impl Training {
    pub(super) fn rate(&self, update: u64) -> f32 {
        self.learning_rate * (1.0 - update as f32 / self.updates as f32)
    }

    /// Row numbers, each at most once.
    pub(super) fn batch(&self, rows: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
        sample(rng, rows, self.batch.min(rows)).into_vec()
    }
}

/// Gradient ascent with momentum .9.
#[derive(Clone, Debug)]
pub struct Momentum(Vec<f32>);

impl Momentum {
    /// At rest.
    pub fn new(parameters: usize) -> Self {
        Self(vec![0.0; parameters])
    }

    /// One step.
    pub fn climb(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        for ((p, velocity), g) in parameters.iter_mut().zip(&mut self.0).zip(gradient) {
            *velocity = 0.9 * *velocity + rate * (g - decay * *p);
            *p += *velocity;
        }
    }
}

/// A machine of two layers whose units, given the other layer, do not depend on each other (an exponential family harmonium:
/// Welling, Rosen-Zvi & Hinton 2005).
pub trait Harmonium: Sync {
    /// h ~ p(h | v), then v ~ p(v | h).
    fn sweep(&self, v: &mut [f32], h: &mut [f32], rng: &mut Xoshiro256PlusPlus);
    /// Adds this share of the gradient of −F(v), in the order of the parameters.
    fn add_gradient(&self, v: &[f32], share: f32, gradient: &mut [Vec<f32>]);
    /// All of them, the weights first.
    fn parameters(&mut self) -> Vec<&mut Vec<f32>>;
    /// Number of hidden units.
    fn hidden(&self) -> usize;
}

/// Largest magnitude of a parameter: at 12 a coin is certain.
const MAX_PARAMETER: f32 = 100.0;

/// That a training has not left all bounds.
pub(super) fn check_converging(
    parameters: &[f32],
    update: u64,
    settings: &Training,
) -> Result<(), UsageError> {
    let Some(bad) = parameters.iter().find(|p| p.is_nan() || p.abs() > MAX_PARAMETER) else { return Ok(()) };
    Err(UsageError(format!(
        "training diverged: after {} updates a parameter is {bad}; take a smaller --learning-rate (it was {}), a larger --weight-decay, or --method pcd",
        update + 1,
        settings.learning_rate
    )))
}

/// Chains that one thread takes at a time.
const CHUNK: usize = 64;

/// Learns the rows of `data`, from `model` on.
///
/// # Errors
/// A training that diverges.
pub fn train<M: Harmonium>(
    data: &Points,
    mut model: M,
    settings: &Training,
    progress: Progress<'_, M>,
) -> Result<M, UsageError> {
    let (visible, hidden) = (data.dim(), model.hidden());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let mut chains: Vec<f32> = (0..settings.chains).flat_map(|i| data.row(i % data.len()).to_vec()).collect();
    let zeros: Vec<Vec<f32>> = model.parameters().iter().map(|p| vec![0.0; p.len()]).collect();
    let mut momenta: Vec<Momentum> = zeros.iter().map(|zeros| Momentum::new(zeros.len())).collect();
    for update in 0..settings.updates {
        let batch = data.pick(&settings.batch(data.len(), &mut rng));
        if !settings.persistent {
            chains = batch.values().to_vec();
        }
        let share = 1.0 / batch.len() as f32;
        let mut gradient = zeros.clone();
        batch.rows().for_each(|v| model.add_gradient(v, share, &mut gradient));
        let share = visible as f32 / chains.len() as f32;
        let chunks = chains.par_chunks_mut(CHUNK * visible).enumerate().map(|(i, chunk)| {
            let (mut sum, mut h) = (zeros.clone(), vec![0.0; hidden]);
            let mut rng = pool(settings.seed, update, i as u64);
            for v in chunk.chunks_exact_mut(visible) {
                (0..settings.k).for_each(|_| model.sweep(v, &mut h, &mut rng));
                model.add_gradient(v, -share, &mut sum);
            }
            sum
        });
        // In their order, so that the sum does not depend on threads.
        let chunks: Vec<Vec<Vec<f32>>> = chunks.collect();
        for chunk in &chunks {
            gradient.iter_mut().flatten().zip(chunk.iter().flatten()).for_each(|(sum, part)| *sum += part);
        }
        let rate = settings.rate(update);
        for (i, (parameters, momentum)) in model.parameters().into_iter().zip(&mut momenta).enumerate() {
            let decay = if i == 0 { settings.weight_decay } else { 0.0 };
            momentum.climb(parameters, &gradient[i], rate, decay);
            check_converging(parameters, update, settings)?;
        }
        progress(update, &model);
    }
    Ok(model)
}
