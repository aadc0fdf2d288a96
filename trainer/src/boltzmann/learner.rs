//! The training of any machine, one update after the other. A stack is trained from below, each layer on hidden units drawn
//! given the data, and, where its shape allows, from the turned weights of the one below, with which both are the same model
//! (Hinton, Osindero & Teh 2006).
//!
//! A checkpoint holds all that further updates depend on, whose random numbers follow from the seed and the number of
//! the update: a training that is continued ends with the same bits.

use super::config::{Config, Family};
use super::contrastive_divergence::{self, Training};
use super::gaussian_rbm::GaussianRbm;
use super::machine;
use super::model::Model;
use super::rbm::Rbm;
use super::starts::Starts;
use super::tensor_file::{self, TensorFile};
use super::{Points, draw, log_odds, pool, sigmoid};
use crate::config::UsageError;
use crate::data::Standardizer;
use crate::run::digest;
use anyhow::Result;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// Name of the checkpoint of a training that goes on, in a run folder.
pub const FILE: &str = "training.safetensors";
/// Temperatures on the way to an untrained machine.
const TEMPERATURES: usize = 200;
/// Draws of hidden units for each row.
const DRAWS: usize = 10;

/// A machine in training.
#[derive(Debug)]
pub struct Learner<'a> {
    config: &'a Config,
    /// What the whole machine learns.
    data: &'a Points,
    /// Layers that are done, from below.
    done: Vec<Rbm>,
    layer: Layer,
}

/// The layer that learns, and its data.
#[derive(Debug)]
enum Layer {
    Rbm(contrastive_divergence::Learning<Rbm>, Points),
    Gaussian(contrastive_divergence::Learning<GaussianRbm>, Points, Standardizer),
    Machine(machine::Learning),
}

impl<'a> Learner<'a> {
    /// Before the first update.
    ///
    /// # Errors
    /// Real data with a constant column.
    pub fn new(config: &'a Config, data: &'a Points) -> Result<Self, UsageError> {
        Self::above(config, data, Vec::new())
    }

    /// Before the first update of the layer above those that are done.
    fn above(config: &'a Config, data: &'a Points, done: Vec<Rbm>) -> Result<Self, UsageError> {
        let training = config.training(done.len());
        let layer = match config.model {
            Family::GaussianRbm => gaussian(data, &training)?,
            Family::Bm => Layer::Machine(machine::Learning::new(data, &log_odds(data), &training)),
            Family::Rbm | Family::Dbn => restricted(data, &done, config.seed, &training),
        };
        Ok(Self { config, data, done, layer })
    }

    /// Updates made, of all layers.
    pub fn updates(&self) -> u64 {
        self.done.len() as u64 * self.config.updates + self.layer.updates()
    }

    /// Updates of the whole training.
    pub fn all_updates(&self) -> u64 {
        self.config.hidden.len() as u64 * self.config.updates
    }

    /// Whether the lowest layer learns, alone.
    pub fn is_lowest(&self) -> bool {
        self.done.is_empty()
    }

    /// Makes an update, if one is left; whether it did.
    ///
    /// # Errors
    /// A training that diverges.
    pub fn step(&mut self) -> Result<bool, UsageError> {
        if self.updates() >= self.all_updates() {
            return Ok(false);
        }
        if self.layer.updates() == self.config.updates {
            let mut done = std::mem::take(&mut self.done);
            done.extend(self.layer.rbm().cloned());
            *self = Self::above(self.config, self.data, done)?;
        }
        let training = self.config.training(self.done.len());
        match &mut self.layer {
            Layer::Rbm(learning, data) => learning.step(data, &training),
            Layer::Gaussian(learning, data, _) => learning.step(data, &training),
            Layer::Machine(learning) => learning.step(&training),
        }?;
        Ok(true)
    }

    /// The machine as it is, of the layers that were begun.
    pub fn model(&self) -> Model {
        match &self.layer {
            Layer::Rbm(learning, _) => {
                Model::Stack(self.done.iter().chain([&learning.model]).cloned().collect())
            }
            Layer::Gaussian(learning, _, standard) => {
                Model::Gaussian(learning.model.clone().in_units(standard))
            }
            Layer::Machine(learning) => Model::Machine(learning.machine.clone()),
        }
    }

    /// Writes a checkpoint, with vectors of others beside its own.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, path: &Path, others: &[(&str, &[f32])]) -> Result<()> {
        let about = HashMap::from([
            ("settings".to_owned(), settings(self.config)?),
            ("data".to_owned(), fingerprint(self.data)),
            ("layers".to_owned(), self.done.len().to_string()),
            ("updates".to_owned(), self.layer.updates().to_string()),
        ]);
        let mut done = Model::Stack(self.done.clone());
        let done = done.tensors().into_iter().map(|(name, values)| (format!("done.{name}"), &**values));
        let learning = self.layer.tensors().into_iter().map(|(name, values)| (name, &**values));
        let others = others.iter().map(|&(name, values)| (name.to_owned(), values));
        tensor_file::save(path, &done.chain(learning).chain(others).collect::<Vec<_>>(), about)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// When the file is damaged, or of other settings or data.
    pub fn load(config: &'a Config, data: &'a Points, file: &TensorFile) -> Result<Self> {
        let same =
            [("config.toml", "settings", settings(config)?), ("the data file", "data", fingerprint(data))];
        for (what, name, now) in same {
            if file.about(name)? != now {
                let what = format!(
                    "{what} has changed since the training was interrupted, so that it cannot go on to the same result: put it back, or train anew with another --out"
                );
                return Err(UsageError(what).into());
            }
        }
        let widths: Vec<usize> = std::iter::once(data.dim()).chain(config.hidden.iter().copied()).collect();
        let empty = |pair: &[usize]| Rbm {
            a: vec![0.0; pair[0]],
            b: vec![0.0; pair[1]],
            w: vec![0.0; pair[0] * pair[1]],
        };
        let layers = file.number("layers")? as usize;
        let mut done = Model::Stack(widths.windows(2).take(layers).map(empty).collect());
        done.tensors()
            .into_iter()
            .try_for_each(|(name, values)| file.fill(&format!("done.{name}"), values))?;
        let done = if let Model::Stack(layers) = done { layers } else { Vec::new() };
        let mut learner = Self::above(config, data, done)?;
        learner.layer.tensors().into_iter().try_for_each(|(name, values)| file.fill(&name, values))?;
        learner.layer.go_on_from(file.number("updates")?);
        Ok(learner)
    }
}

/// What the result of a training depends on.
fn settings(config: &Config) -> Result<String> {
    let Config { likelihood, samples, sweeps, .. } = Config::new(config.model, "");
    Ok(toml::to_string(&Config { likelihood, samples, sweeps, ..config.clone() })?)
}

fn fingerprint(data: &Points) -> String {
    format!("{:016x}", digest(data))
}

impl Layer {
    fn updates(&self) -> u64 {
        match self {
            Self::Rbm(learning, _) => learning.updates,
            Self::Gaussian(learning, ..) => learning.updates,
            Self::Machine(learning) => learning.updates,
        }
    }

    fn go_on_from(&mut self, update: u64) {
        match self {
            Self::Rbm(learning, _) => learning.updates = update,
            Self::Gaussian(learning, ..) => learning.updates = update,
            Self::Machine(learning) => learning.updates = update,
        }
    }

    fn tensors(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        match self {
            Self::Rbm(learning, _) => learning.tensors(),
            Self::Gaussian(learning, ..) => learning.tensors(),
            Self::Machine(learning) => learning.tensors(),
        }
    }

    /// Of a stack: its machine.
    fn rbm(&self) -> Option<&Rbm> {
        match self {
            Self::Rbm(learning, _) => Some(&learning.model),
            _ => None,
        }
    }
}

fn restricted(data: &Points, done: &[Rbm], seed: u64, training: &Training) -> Layer {
    let here = done.iter().fold(data.clone(), |below, rbm| hidden(rbm, &below, seed));
    let odds = log_odds(&here);
    let start = match done.last() {
        Some(below) if below.a.len() == training.hidden => below.turned(),
        _ => Rbm::new(&odds, training.hidden, &mut pool(training.seed, 0, 0xf5)),
    };
    let chains = chains(&start, &odds, training);
    Layer::Rbm(contrastive_divergence::Learning::new(start, &chains, true), here)
}

/// Its chains start at the data and count alike: as the noise of many real units shrinks, weights would be those of a few
/// chains, which on heartbeats costs two nats.
fn gaussian(data: &Points, training: &Training) -> Result<Layer, UsageError> {
    let constant = |&i: &usize| data.rows().all(|row| row[i] == data.row(0)[i]);
    if let Some(column) = (0..data.dim()).find(constant) {
        return Err(UsageError(format!(
            "column {column} of the data is constant, so that a density of it is infinite: leave the column out, or take --model rbm"
        )));
    }
    let standard = Standardizer::fit(data);
    let start = GaussianRbm::new(data.dim(), training.hidden, &mut pool(training.seed, 0, 0xf5));
    let here = standard.apply(data);
    let rows: Vec<usize> = (0..training.chains).map(|i| i % here.len()).collect();
    let chains = if training.persistent { here.pick(&rows) } else { here.pick(&[]) };
    Ok(Layer::Gaussian(contrastive_divergence::Learning::new(start, &chains, false), here, standard))
}

/// States of an untrained machine for the chains of PCD; none for CD.
fn chains(rbm: &Rbm, base: &[f32], training: &Training) -> Points {
    if !training.persistent {
        return Points::new(rbm.a.len(), Vec::new());
    }
    let starts = Starts::annealed(rbm, base, training.chains, TEMPERATURES, training.seed);
    let states = (0..training.chains as u64).flat_map(|i| starts.of(i).to_vec());
    Points::new(rbm.a.len(), states.collect())
}

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
