//! The training loop: batches, one-cycle learning rate, checkpoints.

use crate::backend::{Backend, Grid, Hyper, Learner};
use crate::checkpoint::Checkpoint;
use crate::config::TrainingConfig;
use crate::denoiser::Denoiser;
use crate::objective::{Generator, Objective};
use crate::points::Points;
use indicatif::ProgressBar;
use rand::SeedableRng;
use std::f32::consts::PI;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps between two readings of the loss.
const READ_EVERY: u64 = 50;

/// How training ended.
#[derive(Clone, Debug)]
pub struct Trained {
    /// All that is needed to go on.
    pub checkpoint: Checkpoint,
    /// Whether it was stopped before its last step.
    pub interrupted: bool,
}

/// One-cycle rate (Smith 2018): a linear rise over the share `warm_up` of the steps, then half a cosine
/// down to zero.
pub fn one_cycle(step: u64, config: &TrainingConfig) -> f32 {
    let done = (step as f32 + 0.5) / config.steps as f32;
    let scale = if done < config.warm_up {
        done / config.warm_up
    } else {
        0.5 + 0.5 * (PI * (done - config.warm_up) / (1.0 - config.warm_up)).cos()
    };
    config.learning_rate * scale
}

/// What is trained on what.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// What is minimized.
    pub objective: &'a Objective,
    /// How the network is read.
    pub denoiser: &'a Denoiser,
    /// Standardized points.
    pub data: &'a Points,
    /// Steps, batch, rates.
    pub config: &'a TrainingConfig,
    /// Seed of the batches.
    pub seed: u64,
    /// What the layers are rounded to in quantization-aware training; empty for none.
    pub grids: &'a [Grid],
    /// Steps of trainings before this one, which had other batches.
    pub before: u64,
}

/// Trains from `start` until the last step or until `stop` is set. Batch t of a seed is always the same, so a resumed training ends with the same weights.
pub fn train<B: Backend>(
    device: B,
    task: &Task<'_>,
    start: Checkpoint,
    stop: &AtomicBool,
    bar: &ProgressBar,
) -> Trained {
    let Task { objective, denoiser, data, config, seed, grids, before } = *task;
    let TrainingConfig { weight_decay, clip_norm, ema, .. } = *config;
    let hyper = Hyper { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay, clip_norm, ema };
    let Checkpoint { snapshot, mut losses, float } = start;
    let first = snapshot.steps;
    let mut learner = Learner::resume(device, &snapshot, hyper);
    let mut read: Option<f32> = losses.last().map(|&(_, loss)| loss);
    bar.set_position(first);
    let mut step = first;
    while step < config.steps && !stop.load(Ordering::Relaxed) {
        let mut rng = Generator::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (before + step));
        let how = (one_cycle(step, config), step.is_multiple_of(READ_EVERY));
        let loss = objective.step(&mut learner, (denoiser, data), grids, config.batch, &mut rng, how);
        if let Some(loss) = loss {
            let smooth = read.map_or(loss, |old| 0.9 * old + 0.1 * loss);
            read = Some(smooth);
            losses.push((before + step, smooth));
            bar.set_position(step);
            bar.set_message(format!("loss {smooth:.4}"));
        }
        step += 1;
    }
    bar.set_position(step);
    Trained {
        checkpoint: Checkpoint { snapshot: learner.snapshot(), losses, float },
        interrupted: step < config.steps,
    }
}
