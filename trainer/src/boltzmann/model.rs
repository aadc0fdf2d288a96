//! A trained machine of any family: training, likelihood, and its file of float weights.

use super::ais;
use super::config::{Config, Family, LikelihoodBy};
use super::enumeration::{self, MOST};
use super::gaussian_rbm::GaussianRbm;
use super::machine::Machine;
use super::rbm::Rbm;
use super::{Points, contrastive_divergence, draw, log_odds, pool, sigmoid};
use crate::config::UsageError;
use crate::data::Standardizer;
use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tinyscore::blob::Kind;
use tinyscore::{BoltzmannMachine, Dbn};

/// A machine in floats.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// One restricted Boltzmann machine, or a deep belief network's from below.
    Stack(Vec<Rbm>),
    /// With lateral weights.
    Machine(Machine),
    /// With real visible units.
    Gaussian(GaussianRbm),
}

/// Mean ln p(v) over rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLikelihood {
    /// In nats.
    pub nats: f64,
    /// Standard error of the partition function's estimate; 0 of an exact one.
    pub error: f64,
}

impl Model {
    /// Trains on rows of 0 and 1, or real ones of a Gaussian–Bernoulli machine. A stack is trained from below, each layer on hidden units drawn given the data, and, where
    /// its shape allows, from the turned weights of the one below, with which both are the same model (Hinton, Osindero &
    /// Teh 2006). `progress(layer, update, model so far)` is called after each update.
    ///
    /// # Errors
    /// A training that diverges, or real data with a constant column.
    pub fn train(
        config: &Config,
        data: &Points,
        progress: &mut dyn FnMut(usize, u64, &Self),
    ) -> Result<Self, UsageError> {
        if config.model == Family::GaussianRbm {
            return Self::train_gaussian(config, data, progress);
        }
        let odds = log_odds(data);
        if config.model == Family::Bm {
            let mut report = |update, machine: &Machine| progress(0, update, &Self::Machine(machine.clone()));
            return Machine::train(data, &odds, &config.training(0), &mut report).map(Self::Machine);
        }
        let mut layers: Vec<Rbm> = Vec::new();
        let mut data = data.clone();
        for layer in 0..config.hidden.len() {
            let mut report = |update, rbm: &Rbm| progress(layer, update, &Self::Stack(vec![rbm.clone()]));
            let (training, odds) = (config.training(layer), log_odds(&data));
            let start = match layers.last() {
                Some(below) if below.a.len() == training.hidden => below.turned(),
                _ => Rbm::new(&odds, training.hidden, &mut pool(training.seed, 0, 0xf5)),
            };
            let rbm = contrastive_divergence::train(&data, start, &training, &mut report)?;
            data = hidden(&rbm, &data, config.seed);
            layers.push(rbm);
        }
        Ok(Self::Stack(layers))
    }

    fn train_gaussian(
        config: &Config,
        data: &Points,
        progress: &mut dyn FnMut(usize, u64, &Self),
    ) -> Result<Self, UsageError> {
        let constant = |&i: &usize| data.rows().all(|row| row[i] == data.row(0)[i]);
        if let Some(column) = (0..data.dim()).find(constant) {
            return Err(UsageError(format!(
                "column {column} of the data is constant, so that a density of it is infinite: leave the column out, or take --model rbm"
            )));
        }
        let (standard, training) = (Standardizer::fit(data), config.training(0));
        let start = GaussianRbm::new(data.dim(), training.hidden, &mut pool(training.seed, 0, 0xf5));
        let in_units = |rbm: GaussianRbm| Self::Gaussian(rbm.in_units(&standard));
        let mut report = |update, rbm: &GaussianRbm| progress(0, update, &in_units(rbm.clone()));
        contrastive_divergence::train(&standard.apply(data), start, &training, &mut report).map(in_units)
    }

    /// What the integers of a blob stand for.
    ///
    /// # Errors
    /// When it is damaged, or a score network's.
    pub fn of_blob(blob: &[u8]) -> Result<Self, tinyscore::Error> {
        match Kind::of(blob)? {
            Kind::BoltzmannMachine => {
                return Ok(Self::Machine(Machine::of_blob(&BoltzmannMachine::from_bytes(blob)?)));
            }
            Kind::GaussianRbm => {
                let rbm = tinyscore::GaussianRbm::from_bytes(blob)?;
                return Ok(Self::Gaussian(GaussianRbm::of_blob(&rbm)));
            }
            _ => {}
        }
        let dbn = Dbn::from_bytes(blob)?;
        let mut layers: Vec<Rbm> =
            std::iter::once(dbn.top()).chain(dbn.lower()).map(|rbm| Rbm::of_blob(&rbm)).collect();
        layers.reverse();
        Ok(Self::Stack(layers))
    }

    /// Mean ln p over rows; none of a deep belief network of several layers, whose p(v) has no closed form.
    ///
    /// # Errors
    /// More units than can be enumerated.
    pub fn log_likelihood(
        &self,
        rows: &Points,
        base: &[f32],
        how: LikelihoodBy,
        seed: u64,
    ) -> Result<Option<LogLikelihood>> {
        let n = rows.len() as f64;
        let anneal = |base: &[f32], units: usize| match self {
            Self::Stack(layers) => ais::log_partition(&layers[0], base, ais::RUNS, ais::TEMPERATURES, seed),
            Self::Machine(machine) => {
                let mut base = base.to_vec();
                base.resize(units, 0.0);
                ais::log_partition(machine, &base, ais::RUNS, ais::TEMPERATURES, seed)
            }
            Self::Gaussian(rbm) => ais::log_partition(rbm, base, ais::RUNS, ais::TEMPERATURES, seed),
        };
        let exact = |units: usize| match how {
            LikelihoodBy::Auto => units <= MOST,
            LikelihoodBy::Exact => true,
            LikelihoodBy::Ais => false,
        };
        let (sum, (log_z, error)) = match self {
            Self::Stack(layers) => {
                let [rbm] = &layers[..] else { return Ok(None) };
                let sum: f64 = rows.rows().map(|v| -rbm.free_energy(v)).sum();
                let units = rbm.a.len().min(rbm.b.len());
                (
                    sum,
                    if exact(units) { (enumeration::log_partition(rbm)?, 0.0) } else { anneal(base, units) },
                )
            }
            Self::Machine(machine) => {
                let logs = rows.rows().map(|v| enumeration::log_unnormalized(machine, v));
                let sum = logs.sum::<Result<f64, _>>()?;
                let units = machine.b.len();
                let exact_z = || enumeration::log_partition_of_machine(machine);
                (sum, if exact(units) { (exact_z()?, 0.0) } else { anneal(base, units) })
            }
            Self::Gaussian(rbm) => {
                let units = rbm.b.len();
                let exact_z = || enumeration::log_partition_of_gaussian(rbm);
                let sum = rows.rows().map(|v| rbm.log_unnormalized(v)).sum();
                (sum, if exact(units) { (exact_z()?, 0.0) } else { anneal(base, units) })
            }
        };
        Ok(Some(LogLikelihood { nats: sum / n - log_z, error }))
    }

    /// Squared error per visible unit of a way up and down; none of a machine with lateral weights.
    pub fn reconstruction_error(&self, rows: &Points) -> Option<f64> {
        let error = |v| match self {
            Self::Stack(layers) => Some(layers[0].reconstruction_error(v)),
            Self::Gaussian(rbm) => Some(rbm.reconstruction_error(v)),
            Self::Machine(_) => None,
        };
        Some(rows.rows().map(error).sum::<Option<f64>>()? / rows.len() as f64)
    }

    /// Parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Stack(layers) => layers.iter().map(|rbm| rbm.a.len() + rbm.b.len() + rbm.w.len()).sum(),
            Self::Machine(machine) => machine.b.len() * (machine.b.len() + 1) / 2,
            Self::Gaussian(rbm) => 2 * rbm.a.len() + rbm.b.len() + rbm.w.len(),
        }
    }

    fn tensors(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        match self {
            Self::Stack(layers) => layers
                .iter_mut()
                .enumerate()
                .flat_map(|(i, rbm)| {
                    [
                        (format!("{i}.a"), &mut rbm.a),
                        (format!("{i}.b"), &mut rbm.b),
                        (format!("{i}.w"), &mut rbm.w),
                    ]
                })
                .collect(),
            Self::Machine(machine) => vec![("b".into(), &mut machine.b), ("w".into(), &mut machine.w)],
            Self::Gaussian(rbm) => vec![
                ("a".into(), &mut rbm.a),
                ("log_sigma".into(), &mut rbm.log_sigma),
                ("b".into(), &mut rbm.b),
                ("w".into(), &mut rbm.w),
            ],
        }
    }

    /// Writes the float weights.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut model = self.clone();
        let tensors: Vec<(String, Vec<u8>)> = model
            .tensors()
            .into_iter()
            .map(|(name, values)| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let views = tensors.iter().map(|(name, bytes)| {
            TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).map(|view| (name.as_str(), view))
        });
        let file = safetensors::serialize(views.collect::<Result<Vec<_>, _>>()?, None)?;
        crate::write_atomic(path, &file).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads float weights of the shape of this model.
    ///
    /// # Errors
    /// When the file is damaged or of another shape.
    pub fn load(mut self, path: &Path) -> Result<Self> {
        let damaged = || format!("{} is not usable: train again", path.display());
        let file = std::fs::read(path).with_context(damaged)?;
        let file = SafeTensors::deserialize(&file).with_context(damaged)?;
        for (name, values) in self.tensors() {
            let view = file.tensor(&name).with_context(damaged)?;
            let (floats, _) = view.data().as_chunks();
            if view.dtype() != Dtype::F32 || floats.len() != values.len() {
                return Err(anyhow!("{name} has shape {:?}", view.shape()).context(damaged()));
            }
            values.iter_mut().zip(floats).for_each(|(v, bytes)| *v = f32::from_le_bytes(*bytes));
        }
        Ok(self)
    }
}

/// Draws of hidden units for each row.
const DRAWS: usize = 10;

/// Hidden units drawn given each row.
fn hidden(rbm: &Rbm, data: &Points, seed: u64) -> Points {
    let rows: Vec<&[f32]> = data.rows().flat_map(|row| [row; DRAWS]).collect();
    let up = |(i, v): (usize, &&[f32])| {
        let (mut h, mut rng) = (vec![0.0; rbm.b.len()], pool(seed, i as u64, 0xd6));
        rbm.up(v, &mut h);
        h.iter_mut().for_each(|h| *h = draw(sigmoid(*h), &mut rng));
        h
    };
    let all: Vec<Vec<f32>> = rows.par_iter().enumerate().map(up).collect();
    Points::new(rbm.b.len(), all.concat())
}
