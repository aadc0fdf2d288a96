//! A trained machine of any family: likelihood, and its file of float weights.

use super::Points;
use super::ais;
use super::config::{Config, LikelihoodBy};
use super::enumeration::{self, MOST};
use super::gaussian_rbm::GaussianRbm;
use super::learner::Learner;
use super::machine::Machine;
use super::rbm::Rbm;
use super::starts::Starts;
use super::tensor_file::{self, TensorFile};
use crate::config::UsageError;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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
    /// Trains on rows of 0 and 1, or real ones of a Gaussian–Bernoulli machine.
    ///
    /// # Errors
    /// As [`Learner`].
    pub fn train(config: &Config, data: &Points) -> Result<Self, UsageError> {
        let mut learner = Learner::new(config, data)?;
        while learner.step()? {}
        Ok(learner.model())
    }

    /// States of this model, of a deep belief network's highest machine, from which chains start.
    pub fn starts(&self, seed: u64) -> Starts {
        match self {
            Self::Stack(layers) => Starts::new(&layers[layers.len() - 1], self.parameters(), seed),
            Self::Machine(machine) => Starts::new(machine, self.parameters(), seed),
            Self::Gaussian(rbm) => Starts::new(rbm, self.parameters(), seed),
        }
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

    /// Number of visible units.
    pub fn visible(&self) -> usize {
        match self {
            Self::Stack(layers) => layers[0].a.len(),
            Self::Machine(machine) => machine.visible,
            Self::Gaussian(rbm) => rbm.a.len(),
        }
    }

    /// Parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Stack(layers) => layers.iter().map(|rbm| rbm.a.len() + rbm.b.len() + rbm.w.len()).sum(),
            Self::Machine(machine) => machine.b.len() * (machine.b.len() + 1) / 2,
            Self::Gaussian(rbm) => 2 * rbm.a.len() + rbm.b.len() + rbm.w.len(),
        }
    }

    pub(super) fn tensors(&mut self) -> Vec<(String, &mut Vec<f32>)> {
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
        let tensors: Vec<(String, &[f32])> =
            model.tensors().into_iter().map(|(name, values)| (name, &**values)).collect();
        tensor_file::save(path, &tensors, HashMap::new())
    }

    /// Reads float weights of the shape of this model.
    ///
    /// # Errors
    /// When the file is damaged or of another shape.
    pub fn load(mut self, path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        self.tensors().into_iter().try_for_each(|(name, values)| file.fill(&name, values))?;
        Ok(self)
    }
}
