//! Contrastive divergence: CD-k (Hinton 2002) and persistent CD (Tieleman, "Training restricted Boltzmann machines using
//! approximations to the likelihood gradient", 2008).
//!
//! ```text
//! Δwᵢⱼ ∝ ⟨vᵢ p(hⱼ = 1 | v)⟩ over data − the same over chains
//! ```
//!
//! CD's chains start at the data and take k sweeps; PCD's go on from update to update, k sweeps each. Momentum, weight
//! decay and visible biases as in Hinton's guide (2012); the learning rate falls linearly to 0, so that the chains of PCD keep up
//! with the model in the end.

use super::rbm::Rbm;
use super::{Points, pool, sigmoid};
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

/// ⟨v⟩, ⟨p(h | v)⟩ and their products, summed.
#[derive(Clone)]
struct Statistics {
    a: Vec<f32>,
    b: Vec<f32>,
    w: Vec<f32>,
}

impl Statistics {
    fn new(rbm: &Rbm) -> Self {
        Self { a: vec![0.0; rbm.a.len()], b: vec![0.0; rbm.b.len()], w: vec![0.0; rbm.w.len()] }
    }

    fn add(&mut self, rbm: &Rbm, v: &[f32], share: f32, h: &mut [f32]) {
        rbm.up(v, h);
        h.iter_mut().for_each(|h| *h = share * sigmoid(*h));
        self.b.iter_mut().zip(&*h).for_each(|(b, h)| *b += h);
        let rows = self.w.chunks_exact_mut(h.len()).zip(&mut self.a).zip(v);
        for ((row, a), &v) in rows.filter(|(_, v)| **v != 0.0) {
            *a += share * v;
            row.iter_mut().zip(&*h).for_each(|(w, h)| *w += v * h);
        }
    }

    fn plus(mut self, other: &Self) -> Self {
        let pairs = [(&mut self.a, &other.a), (&mut self.b, &other.b), (&mut self.w, &other.w)];
        for (to, from) in pairs {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
        self
    }
}

/// Chains that one thread takes at a time.
const CHUNK: usize = 64;

/// Learns the rows of `data`, from `rbm` on.
pub fn train(data: &Points, mut rbm: Rbm, settings: &Training, progress: Progress<'_, Rbm>) -> Rbm {
    let (visible, hidden) = (data.dim(), rbm.b.len());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let mut chains: Vec<f32> = (0..settings.chains).flat_map(|i| data.row(i % data.len()).to_vec()).collect();
    let [mut of_a, mut of_b, mut of_w] = [visible, hidden, visible * hidden].map(Momentum::new);
    for update in 0..settings.updates {
        let batch = data.pick(&settings.batch(data.len(), &mut rng));
        if !settings.persistent {
            chains = batch.values().to_vec();
        }
        let over_data = Statistics::new(&rbm);
        let mut buffer = vec![0.0; hidden];
        let share = 1.0 / batch.len() as f32;
        let data_side = batch.rows().fold(over_data, |mut sum, v| {
            sum.add(&rbm, v, share, &mut buffer);
            sum
        });
        let share = visible as f32 / chains.len() as f32;
        let chunks = chains.par_chunks_mut(CHUNK * visible).enumerate().map(|(i, chunk)| {
            let (mut sum, mut h) = (Statistics::new(&rbm), vec![0.0; hidden]);
            let mut rng = pool(settings.seed, update, i as u64);
            for v in chunk.chunks_exact_mut(visible) {
                (0..settings.k).for_each(|_| rbm.sweep(v, &mut h, &mut rng));
                sum.add(&rbm, v, -share, &mut h);
            }
            sum
        });
        // In their order, so that the sum does not depend on threads.
        let chunks: Vec<Statistics> = chunks.collect();
        let Statistics { a, b, w } = chunks.iter().fold(data_side, Statistics::plus);
        let rate = settings.rate(update);
        of_a.climb(&mut rbm.a, &a, rate, 0.0);
        of_b.climb(&mut rbm.b, &b, rate, 0.0);
        of_w.climb(&mut rbm.w, &w, rate, settings.weight_decay);
        progress(update, &rbm);
    }
    rbm
}
