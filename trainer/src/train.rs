//! The training loop: batches, one-cycle learning rate, checkpoints.

use crate::backend::{Backend, DeviceError, Failure, Grid, Hyper, Learner};
use crate::checkpoint::Checkpoint;
use crate::config::TrainingConfig;
use crate::denoiser::Denoiser;
use crate::objective::{Chains, Diverged, Drawn, Generator, Objective};
use crate::points::Points;
use indicatif::ProgressBar;
use rand::SeedableRng;
use std::f32::consts::PI;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// Steps between two readings of the loss.
const READ_EVERY: u64 = 50;
/// Batches of a thread that wait for their use, besides the one that it draws.
const AHEAD: usize = 1;

/// How training ended.
#[derive(Clone, Debug)]
pub struct Trained {
    /// All that is needed to go on.
    pub checkpoint: Checkpoint,
    /// Of contrastive divergence: the chains and how it went.
    pub chains: Chains,
    /// Whether it was stopped before its last step.
    pub interrupted: bool,
    /// That it took, since it was begun or resumed.
    pub seconds: f64,
}

/// Why a training ended before its last step.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The energies diverged.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The loss or a weight is no longer finite.
    #[error(
        "training diverged before step {step}: the loss is {loss}; train again with a smaller --learning-rate, or a smaller --clip-norm"
    )]
    NotFinite {
        /// Training step.
        step: u64,
        /// As it was read.
        loss: f32,
    },
}

/// Who looks at a training on its way.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Ends it after a step.
    pub stop: &'a AtomicBool,
    /// Shows how far it is.
    pub bar: &'a ProgressBar,
    /// Time between two checkpoints on the way.
    pub every: Duration,
    /// Takes them.
    pub save: &'a dyn Fn(Checkpoint),
}

impl<'a> Watch<'a> {
    /// Without checkpoints on the way.
    pub fn new(stop: &'a AtomicBool, bar: &'a ProgressBar) -> Self {
        Self { stop, bar, every: Duration::MAX, save: &|_| () }
    }
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

impl Task<'_> {
    /// Batch t of a seed: always the same, whichever thread draws it.
    fn draw(&self, step: u64) -> Drawn {
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (self.before + step);
        let rng = &mut Generator::seed_from_u64(seed);
        self.objective.draw(self.denoiser, self.data, self.config.batch, rng)
    }

    fn hyper(&self) -> Hyper {
        let TrainingConfig { weight_decay, clip_norm, ema, .. } = *self.config;
        // Samples of a moving model: no memory of where it was (Nijkamp et al. 2020).
        let beta1 = if matches!(self.objective, Objective::Contrastive(_)) { 0.0 } else { 0.9 };
        Hyper { beta1, beta2: 0.99, epsilon: 1e-8, weight_decay, clip_norm, ema }
    }
}

/// Trains from `start` until the last step or until `stop` is set. Batch t of a seed is always the same, so a resumed training ends with the same weights.
///
/// # Errors
/// When the device fails, or loss, weights or energies diverge.
pub fn train<B: Backend>(
    device: &B,
    task: &Task<'_>,
    start: Checkpoint,
    watch: &Watch<'_>,
) -> Result<Trained, TrainError> {
    let trained = device.attempt(|| train_on(device, task, start, watch)).map_err(|failure| match failure {
        Failure::OutOfMemory => {
            DeviceError::OutOfMemory { batch: task.config.batch, fits: largest_batch(device, task) }
        }
        Failure::Other(what) => DeviceError::Failed(what),
    });
    trained?
}

fn train_on<B: Backend>(
    device: &B,
    task: &Task<'_>,
    start: Checkpoint,
    watch: &Watch<'_>,
) -> Result<Trained, TrainError> {
    let Task { config, before, .. } = *task;
    let &Watch { stop, bar, every, save } = watch;
    let Checkpoint { snapshot, mut losses, float, chains } = start;
    let (began, mut saved) = (Instant::now(), Instant::now());
    let mut chains = Chains { states: chains, diagnoses: Vec::new() };
    let mut learner = Learner::resume(device.clone(), &snapshot, task.hyper());
    let mut read: Option<f32> = losses.last().map(|&(_, loss)| loss);
    bar.set_position(snapshot.steps);
    let mut step = snapshot.steps;
    thread::scope(|scope| {
        let batches = drawn_ahead(scope, B::drawing_threads(), step..config.steps, |step| task.draw(step));
        for batch in batches.take_while(|_| !stop.load(Ordering::Relaxed)) {
            let how = (step, one_cycle(step, config), step.is_multiple_of(READ_EVERY));
            if let Some(loss) = batch.step(&mut learner, task, how, &mut chains)? {
                if !loss.is_finite() {
                    return Err(TrainError::NotFinite { step, loss });
                }
                let smooth = read.map_or(loss, |old| 0.9 * old + 0.1 * loss);
                read = Some(smooth);
                losses.push((before + step, smooth));
                bar.set_position(step);
                bar.set_message(format!("loss {smooth:.4}"));
            }
            step += 1;
            if saved.elapsed() >= every {
                let (losses, float, chains) = (losses.clone(), float.clone(), chains.states.clone());
                save(Checkpoint { snapshot: learner.snapshot(), losses, float, chains });
                saved = Instant::now();
            }
        }
        Ok(())
    })?;
    bar.set_position(step);
    let (snapshot, states) = (learner.snapshot(), chains.states.clone());
    if !snapshot.ema.is_finite() {
        return Err(TrainError::NotFinite { step, loss: f32::NAN });
    }
    Ok(Trained {
        checkpoint: Checkpoint { snapshot, losses, float, chains: states },
        chains,
        interrupted: step < config.steps,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// The batches of `steps` in their order, drawn by `threads` threads in turn and a few ahead. The threads end when the
/// result is dropped.
fn drawn_ahead<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    threads: usize,
    steps: Range<u64>,
    draw: impl Fn(u64) -> T + Copy + Send + 'scope,
) -> impl Iterator<Item = T> {
    let drawer = |k: usize| {
        let (sender, receiver) = sync_channel(AHEAD);
        let mut own = steps.clone().skip(k).step_by(threads);
        scope.spawn(move || own.try_for_each(|step| sender.send(draw(step))));
        receiver
    };
    let receivers: Vec<_> = (0..threads).map(drawer).collect();
    (0..threads).cycle().map_while(move |k| receivers[k].recv().ok())
}

/// The largest half, quarter and so on of the batch with which one step fits into the device's memory.
fn largest_batch<B: Backend>(device: &B, task: &Task<'_>) -> Option<usize> {
    let fits = |&batch: &usize| {
        let config = TrainingConfig { batch, ..task.config.clone() };
        let step = || {
            let mut learner = Learner::new(device.clone(), &task.denoiser.net, task.hyper());
            let task = Task { config: &config, ..*task };
            task.draw(0).step(&mut learner, &task, (0, 0.0, true), &mut Chains::default())
        };
        device.attempt(step).is_ok()
    };
    std::iter::successors(Some(task.config.batch / 2), |batch| Some(batch / 2))
        .take_while(|&batch| batch > 0)
        .find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_in_order_from_any_number_of_threads() {
        for threads in [1, 2, 5] {
            thread::scope(|scope| {
                let batches = drawn_ahead(scope, threads, 3..40, |step| step * step);
                let expected: Vec<u64> = (3..40).map(|step| step * step).collect();
                assert_eq!(batches.collect::<Vec<_>>(), expected, "{threads} threads");
            });
        }
    }

    /// Hangs where the threads go on drawing.
    #[test]
    fn drawing_ends_with_the_training() {
        thread::scope(|scope| {
            let batches = drawn_ahead(scope, 2, 0..u64::MAX, |step| step);
            assert_eq!(batches.take(3).collect::<Vec<_>>(), [0, 1, 2]);
        });
    }
}
