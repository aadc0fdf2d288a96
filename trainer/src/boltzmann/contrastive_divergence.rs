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
//!
//! Chains that stay in their modes do not feel that an update gave a mode more of the model's mass, so the gradient would not
//! either. PCD's chains of binary units therefore carry weights, by Jarzynski's equality (1997; for training: Carbone, Hua, Coste &
//! Vanden-Eijnden, "Efficient training of energy-based models using Jarzynski equality", 2023). With p* = e⁻ᶠ, at each
//! update from θ to θ′
//!
//! ```text
//! ln w ← ln w + ln p*_θ′(v) − ln p*_θ(v)
//! ```
//!
//! which keeps weighted averages those of the model; the average over chains in the gradient is weighted so. The chains start
//! from the untrained model, and where (Σw)²/Σw² falls below half of their number they are resampled.

use super::{Points, pool};
use crate::config::UsageError;
use rand::RngExt;
use rand::seq::index::sample;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

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

    /// Numbers of the rows of an update, each at most once.
    pub(super) fn batch(&self, rows: usize, update: u64) -> Vec<usize> {
        sample(&mut pool(self.seed, update, 0xba7c), rows, self.batch.min(rows)).into_vec()
    }
}

/// Gradient ascent with momentum .9.
#[derive(Clone, Debug)]
pub struct Momentum(pub(super) Vec<f32>);

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
    /// −F(v): ln p*(v)
    fn log_unnormalized(&self, v: &[f32]) -> f64;
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

/// A machine in training: all that its further updates depend on, but data and settings.
#[derive(Clone, Debug)]
pub struct Learning<M> {
    /// As it is.
    pub model: M,
    /// Updates made.
    pub updates: u64,
    momenta: Vec<Momentum>,
    /// Of PCD: states one after the other, and ln w of each; none where they count alike.
    chains: Vec<f32>,
    log_weights: Vec<f32>,
}

impl<M: Harmonium> Learning<M> {
    /// From `model` on, with these states as the chains of PCD, which carry weights if they are states of the model.
    pub fn new(mut model: M, chains: &Points, weighted: bool) -> Self {
        let momenta = model.parameters().iter().map(|p| Momentum::new(p.len())).collect();
        let (weights, chains) = (if weighted { chains.len() } else { 0 }, chains.values().to_vec());
        let log_weights = vec![0.0; weights];
        Self { model, updates: 0, momenta, chains, log_weights }
    }

    /// Everything but the number of updates.
    pub fn tensors(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let named = |name: &'static str| move |(i, values)| (format!("{name}.{i}"), values);
        let momenta = self.momenta.iter_mut().map(|momentum| &mut momentum.0);
        let chains = [("chains".into(), &mut self.chains), ("log_weights".into(), &mut self.log_weights)];
        let parameters = self.model.parameters().into_iter().enumerate().map(named("parameters"));
        parameters.chain(momenta.enumerate().map(named("momenta"))).chain(chains).collect()
    }

    /// One update.
    ///
    /// # Errors
    /// A training that diverges.
    pub fn step(&mut self, data: &Points, settings: &Training) -> Result<(), UsageError> {
        let (visible, update) = (data.dim(), self.updates);
        let batch = data.pick(&settings.batch(data.len(), update));
        let mut gradient: Vec<Vec<f32>> =
            self.model.parameters().iter().map(|p| vec![0.0; p.len()]).collect();
        let share = 1.0 / batch.len() as f32;
        batch.rows().for_each(|v| self.model.add_gradient(v, share, &mut gradient));
        if settings.persistent && self.log_weights.is_empty() {
            let n = self.chains.len() / visible;
            let shares = vec![1.0 / n as f32; n];
            subtract(&self.model, &mut self.chains, &shares, settings, update, &mut gradient);
            self.climb(&gradient, settings)?;
        } else if settings.persistent {
            let shares = shares(&self.log_weights);
            subtract(&self.model, &mut self.chains, &shares, settings, update, &mut gradient);
            let before = logs(&self.model, &self.chains, visible);
            self.climb(&gradient, settings)?;
            let after = logs(&self.model, &self.chains, visible);
            let gains = before.iter().zip(&after).map(|(before, after)| (after - before) as f32);
            self.log_weights.iter_mut().zip(gains).for_each(|(log, gain)| *log += gain);
            self.resample(visible, &mut pool(settings.seed, update, 0x5e1));
        } else {
            let mut chains = batch.values().to_vec();
            let shares = vec![share; batch.len()];
            subtract(&self.model, &mut chains, &shares, settings, update, &mut gradient);
            self.climb(&gradient, settings)?;
        }
        self.updates += 1;
        Ok(())
    }

    fn climb(&mut self, gradient: &[Vec<f32>], settings: &Training) -> Result<(), UsageError> {
        let parameters = self.model.parameters().into_iter().zip(&mut self.momenta).zip(gradient);
        for (i, ((parameters, momentum), gradient)) in parameters.enumerate() {
            let decay = if i == 0 { settings.weight_decay } else { 0.0 };
            momentum.climb(parameters, gradient, settings.rate(self.updates), decay);
            check_converging(parameters, self.updates, settings)?;
        }
        Ok(())
    }

    /// Draws the chains anew by their weights, where these are uneven, at evenly spaced places of their sum (systematic
    /// resampling: Kitagawa 1996).
    fn resample(&mut self, visible: usize, rng: &mut Xoshiro256PlusPlus) {
        let shares = shares(&self.log_weights);
        let (n, squares) = (shares.len() as f32, shares.iter().map(|share| share * share).sum::<f32>());
        if squares * n < 2.0 {
            return;
        }
        let (mut at, mut k, mut sum) = (rng.random::<f32>() / n, 0, shares[0]);
        let mut chains = Vec::with_capacity(self.chains.len());
        for _ in 0..shares.len() {
            while sum < at && k + 1 < shares.len() {
                k += 1;
                sum += shares[k];
            }
            chains.extend_from_slice(&self.chains[k * visible..][..visible]);
            at += 1.0 / n;
        }
        self.chains = chains;
        self.log_weights.fill(0.0);
    }
}

/// w/Σw
fn shares(logs: &[f32]) -> Vec<f32> {
    let largest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logs.iter().map(|log| (log - largest).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Takes k sweeps of every chain, and their gradients, each by its share, from `gradient`.
fn subtract<M: Harmonium>(
    model: &M,
    chains: &mut [f32],
    shares: &[f32],
    settings: &Training,
    update: u64,
    gradient: &mut [Vec<f32>],
) {
    let visible = chains.len() / shares.len();
    let zeros: Vec<Vec<f32>> = gradient.iter().map(|g| vec![0.0; g.len()]).collect();
    let chunks = chains.par_chunks_mut(CHUNK * visible).zip(shares.par_chunks(CHUNK)).enumerate();
    // In their order, so that the sum does not depend on threads.
    let sums: Vec<Vec<Vec<f32>>> = chunks
        .map(|(i, (chains, shares))| {
            let (mut sum, mut h) = (zeros.clone(), vec![0.0; model.hidden()]);
            let mut rng = pool(settings.seed, update, i as u64);
            for (v, share) in chains.chunks_exact_mut(visible).zip(shares) {
                (0..settings.k).for_each(|_| model.sweep(v, &mut h, &mut rng));
                model.add_gradient(v, -share, &mut sum);
            }
            sum
        })
        .collect();
    for sum in &sums {
        gradient.iter_mut().flatten().zip(sum.iter().flatten()).for_each(|(to, part)| *to += part);
    }
}

/// ln p* of each chain.
fn logs<M: Harmonium>(model: &M, chains: &[f32], visible: usize) -> Vec<f64> {
    chains.par_chunks(visible).map(|v| model.log_unnormalized(v)).collect()
}
