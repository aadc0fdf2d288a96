//! Settings of a training of binary units; `config.toml` in the run folder holds them resolved.

use super::contrastive_divergence::Training;
use super::enumeration;
use crate::bounds::{check_count, check_memory};
use crate::config::{UsageError, absolute};
use crate::data::Source;
use crate::dataset::canonical;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tinyscore::blob::MAX_COUNT;

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

    /// The same, to be read from any folder.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        (self.data, self.source) = absolute(self.data, self.source)?;
        Ok(self)
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

    /// Refuses settings that cannot work with any data, naming the setting, its value and its range.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check_before_data(&self) -> Result<(), UsageError> {
        let refuse = |what: String| Err(UsageError(what));
        let layers = if self.model == Family::Dbn { 2..=10 } else { 1..=1 };
        if !layers.contains(&self.hidden.len()) || self.hidden.iter().any(|&h| h == 0 || h > MAX_COUNT) {
            return refuse(format!(
                "hidden is {:?}, but must be {} of 1…{MAX_COUNT} units",
                self.hidden,
                if self.model == Family::Dbn { "2 to 10 layers" } else { "one layer" }
            ));
        }
        let updates = usize::try_from(self.updates).unwrap_or(usize::MAX);
        for (name, count, least, most) in [
            ("points", self.points, 2, 100_000_000),
            ("k", self.k, 1, 10_000),
            ("chains", self.chains, 1, 1_000_000),
            ("training steps", updates, 1, 100_000_000),
            ("batch", self.batch, 1, 1_000_000),
            ("samples", self.samples, 2, 10_000_000),
            ("sweeps", self.sweeps, 1, MAX_SWEEPS),
        ] {
            check_count(name, count, least..=most)?;
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
        if self.model == Family::GaussianRbm && self.binarize.is_some() {
            return refuse("the visible units of a gaussian-rbm are real numbers: leave --binarize out, or take --model rbm".into());
        }
        Ok(())
    }

    /// Refuses settings that cannot work with data of so many columns.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self, visible: usize) -> Result<(), UsageError> {
        let hidden = self.hidden[0];
        if visible > MAX_COUNT || self.model == Family::Bm && visible + hidden > MAX_COUNT {
            let units = if self.model == Family::Bm { visible + hidden } else { visible };
            return Err(UsageError(format!(
                "the machine would have {units} units for {visible} columns of data, but a blob holds {MAX_COUNT}: leave columns out, or take fewer --hidden units"
            )));
        }
        for (name, count) in [("chains", self.chains), ("samples", self.samples)] {
            check_memory(name, count, visible)?;
        }
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

/// Most Gibbs sweeps of a chain.
pub const MAX_SWEEPS: usize = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_bounds_that_are_named() {
        let config = || Config::new(Family::Rbm, "digits");
        let wrong: [(Config, &str); 9] = [
            (Config { k: usize::MAX, ..config() }, "k is 18446744073709551615, but must be in 1…10000"),
            (Config { chains: 0, ..config() }, "chains is 0, but must be in 1…1000000"),
            (Config { chains: 1_000_000_000_000, ..config() }, "chains is 1000000000000, but"),
            (Config { updates: u64::MAX, ..config() }, "training steps is 18446744073709551615, but"),
            (Config { batch: 1_000_000_000, ..config() }, "batch is 1000000000, but"),
            (Config { samples: 1, ..config() }, "samples is 1, but must be in 2…10000000"),
            (Config { sweeps: 0, ..config() }, "sweeps is 0, but must be in 1…10000000"),
            (Config { points: 1, ..config() }, "points is 1, but"),
            (Config { hidden: vec![], ..config() }, "hidden is [], but must be one layer"),
        ];
        for (config, message) in wrong {
            let error = config.check_before_data().unwrap_err().to_string();
            assert!(error.contains(message), "{error}, not {message}");
        }
        config().check_before_data().unwrap();
        config().check(784).unwrap();
        let many = Config { samples: 10_000_000, ..config() };
        let error = many.check(784).unwrap_err().to_string();
        assert!(error.contains("would take 29 GiB of memory: take at most 1369568"), "{error}");
        assert!(config().check(5000).unwrap_err().to_string().contains("5000 units for 5000 columns"));
        let lateral = Config { hidden: vec![10], ..Config::new(Family::Bm, "digits") };
        assert!(lateral.check(4090).unwrap_err().to_string().contains("4100 units for 4090 columns"));
    }
}
