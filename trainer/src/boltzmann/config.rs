//! Settings of a training of binary units; `config.toml` in the run folder holds them resolved.

use super::contrastive_divergence::Training;
use super::enumeration;
use crate::config::UsageError;
use crate::data::Source;
use crate::dataset::canonical;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Restricted Boltzmann machine
    Rbm,
    /// Deep belief network, a stack of such
    Dbn,
    /// Boltzmann machine with lateral weights
    Bm,
    /// Restricted Boltzmann machine of real visible units, each with Gaussian noise
    GaussianRbm,
}

/// How it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Contrastive divergence (Hinton 2002): chains start at the data
    Cd,
    /// Persistent contrastive divergence (Tieleman 2008): chains go on
    Pcd,
}

/// How the partition function is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LikelihoodBy {
    /// Enumeration if there are at most 20 units to enumerate, else annealed importance sampling
    Auto,
    /// Enumeration
    Exact,
    /// Annealed importance sampling
    Ais,
}

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine.
    pub model: Family,
    /// A data set's name, or a file or folder.
    pub data: String,
    /// Points drawn from a named data set for training.
    pub points: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// How a file or folder is read.
    #[serde(default)]
    pub source: Source,
    /// Values from this on are ones; without it they must be 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<f32>,
    /// Hidden units; of a DBN by layer, from below.
    pub hidden: Vec<usize>,
    /// How it learns.
    pub method: Method,
    /// Sweeps per update.
    pub k: usize,
    /// Chains of PCD.
    pub chains: usize,
    /// Updates, of each layer.
    pub updates: u64,
    /// Rows per update.
    pub batch: usize,
    /// At the start; falls to 0.
    pub learning_rate: f32,
    /// Of the weights.
    pub weight_decay: f32,
    /// How the likelihood is found.
    pub likelihood: LikelihoodBy,
    /// Samples to draw and compare.
    pub samples: usize,
    /// Gibbs sweeps before each sample.
    pub sweeps: usize,
}

impl Config {
    /// The settings that suit most data.
    pub fn new(model: Family, data: &str) -> Self {
        let hidden = match model {
            Family::Rbm => vec![16],
            Family::Dbn => vec![16, 64],
            Family::Bm => vec![8],
            Family::GaussianRbm => vec![16],
        };
        Self {
            model,
            data: canonical(data),
            points: 10_000,
            seed: 1,
            source: Source::default(),
            binarize: None,
            hidden,
            method: Method::Pcd,
            k: 5,
            chains: 500,
            updates: 5000,
            batch: 200,
            learning_rate: if model == Family::GaussianRbm { 0.005 } else { 0.05 },
            weight_decay: 1e-4,
            likelihood: LikelihoodBy::Auto,
            samples: 2000,
            sweeps: 1000,
        }
    }

    /// Settings of the training of one layer. Those of a deep belief network below the top only have to tell apart what
    /// the data hold, by one sweep of CD (Hinton, Osindero & Teh 2006); the top one is sampled, by a chain.
    pub fn training(&self, layer: usize) -> Training {
        let top = layer + 1 == self.hidden.len();
        Training {
            hidden: self.hidden[layer],
            persistent: top && self.method == Method::Pcd,
            k: if top { self.k } else { 1 },
            chains: self.chains,
            updates: self.updates,
            batch: self.batch,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            seed: self.seed.wrapping_add(layer as u64),
        }
    }

    /// Refuses settings that cannot work with data of so many columns, naming the setting, its value and its range.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self, visible: usize) -> Result<(), UsageError> {
        let refuse = |what: String| Err(UsageError(what));
        let layers = if self.model == Family::Dbn { 2..=10 } else { 1..=1 };
        if !layers.contains(&self.hidden.len()) || self.hidden.iter().any(|&h| h == 0 || h > 4096) {
            return refuse(format!(
                "hidden is {:?}, but must be {} of 1…4096 units",
                self.hidden,
                if self.model == Family::Dbn { "2 to 10 layers" } else { "one layer" }
            ));
        }
        for (name, count) in [
            ("k", self.k),
            ("chains", self.chains),
            ("training steps", self.updates as usize),
            ("batch", self.batch),
        ] {
            if count == 0 {
                return refuse(format!("{name} is 0, but must be at least 1"));
            }
        }
        if self.samples < 2 {
            return refuse(format!("samples is {}, but a comparison needs at least 2", self.samples));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return refuse(format!("learning_rate is {}, but must be in 0…1, not 0", self.learning_rate));
        }
        if !(0.0..=1.0).contains(&self.weight_decay) {
            return refuse(format!("weight_decay is {}, but must be in 0…1", self.weight_decay));
        }
        if self.model == Family::Bm && self.method == Method::Cd {
            return refuse(
                "a bm learns by persistent chains only: take --method pcd, or leave it out".into(),
            );
        }
        if self.model == Family::Bm && visible + self.hidden[0] > 4096 {
            return refuse(format!(
                "{visible} visible and {} hidden units are more than 4096",
                self.hidden[0]
            ));
        }
        if self.model == Family::GaussianRbm && self.binarize.is_some() {
            return refuse("the visible units of a gaussian-rbm are real numbers: leave --binarize out, or take --model rbm".into());
        }
        let hidden = self.hidden[0];
        let units = match self.model {
            Family::Rbm => visible.min(hidden),
            Family::Bm => visible + hidden,
            Family::GaussianRbm => hidden,
            Family::Dbn => 0,
        };
        if self.likelihood == LikelihoodBy::Exact {
            enumeration::refuse(units)?;
        }
        Ok(())
    }
}
