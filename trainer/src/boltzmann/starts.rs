//! Where chains start: in every mode by its share.
//!
//! A Gibbs chain seldom leaves a mode of its distribution, so one that starts in the same mode each time shows the others too
//! seldom. Here states are annealed from independent units to the model, where they carry the weights of annealed importance
//! sampling (Neal 2001), and a chain starts from one of them, drawn by its weight (sampling–importance resampling: Rubin
//! 1988). The shares of the modes are then those of the model however long the chains are; the chains' sweeps part states
//! that were drawn twice.

use super::ais::{Anneal, anneal};
use super::pool;
use rand::RngExt;

/// States that are annealed, at most.
const STATES: usize = 2000;
/// Temperatures on their way, at most.
const TEMPERATURES: usize = 1000;
/// Fewest of both.
const FEWEST: usize = 200;
/// Products that annealing may take: wide machines get fewer states and temperatures.
const WORK: usize = 200_000_000_000;

/// Weighted states of a model.
#[derive(Clone, Debug)]
pub struct Starts {
    states: Vec<Vec<f32>>,
    /// Sums of their weights, each up to its own.
    sums: Vec<f64>,
    seed: u64,
}

impl Starts {
    /// From independent units that resemble the model of so many parameters.
    pub fn new(model: &impl Anneal, parameters: usize, seed: u64) -> Self {
        let sweeps = WORK / (3 * parameters.max(1));
        let temperatures = (sweeps / STATES).clamp(FEWEST, TEMPERATURES);
        let states = (sweeps / temperatures).clamp(FEWEST, STATES);
        Self::annealed(model, &model.base(), states, temperatures, seed)
    }

    /// From independent units of the biases `base`.
    pub fn annealed(
        model: &impl Anneal,
        base: &[f32],
        states: usize,
        temperatures: usize,
        seed: u64,
    ) -> Self {
        let ends = anneal(model, base, states, temperatures, seed ^ 0x57a7);
        let largest = ends.iter().map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        let up_to = |(state, log): (_, f64)| {
            sum += (log - largest).exp();
            (state, sum)
        };
        let (states, sums) = ends.into_iter().map(up_to).unzip();
        Self { states, sums, seed }
    }

    /// The state that chain number `i` starts from.
    pub fn of(&self, i: u64) -> &[f32] {
        let sum = self.sums.last().copied().unwrap_or(0.0);
        let at = sum * pool(self.seed, i, 0x57a7).random::<f64>();
        let k = self.sums.partition_point(|&sum| sum <= at);
        &self.states[k.min(self.states.len() - 1)]
    }

    /// (Σw)²/Σw²: as many states of equal weight would tell as much.
    pub fn effective(&self) -> f64 {
        let before = std::iter::once(&0.0).chain(&self.sums);
        let squares: f64 = self.sums.iter().zip(before).map(|(sum, before)| (sum - before).powi(2)).sum();
        self.sums.last().map_or(0.0, |sum| sum * sum / squares)
    }
}
