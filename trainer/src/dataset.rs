//! The data of a run: a training part, and points held back for comparison.

use crate::config::{Config, UsageError};
use crate::data::{self, Standardizer, Toy};
use crate::points::Points;
use anyhow::Result;
use clap::ValueEnum;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::path::Path;

/// Most points that metrics compare.
const COMPARED: usize = 10_000;
/// Keeps the comparison's points apart from the training's.
const HELD_BACK: u64 = 0x7e57;

/// Training and comparison data, in data units.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What the network is trained on.
    pub train: Points,
    /// What samples are compared with.
    pub reference: Points,
    /// As many other points: the distance between both is the floor of every metric.
    pub other: Points,
    /// Mean and scale of the training part.
    pub standardizer: Standardizer,
    /// The training part, standardized.
    pub standard: Points,
    /// Which named set it is.
    pub toy: Option<Toy>,
}

impl Dataset {
    /// Draws or loads what `config` names. A file is split at random: four fifths to train on, the rest
    /// to compare with.
    ///
    /// # Errors
    /// A name that is neither a data set nor a data file, or a file with a defect.
    pub fn load(config: &Config) -> Result<Self> {
        match named(&config.data) {
            Some(toy) => Ok(Self::draw(toy, config)),
            None => Self::read(config),
        }
    }

    fn draw(toy: Toy, config: &Config) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let train = toy.draw(config.points, &mut rng);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ HELD_BACK);
        let n = config.sampling.samples.min(COMPARED);
        let reference = toy.draw(n, &mut rng);
        let other = toy.draw(n, &mut rng);
        Self::new(train, reference, other, Some(toy))
    }

    fn new(train: Points, reference: Points, other: Points, toy: Option<Toy>) -> Self {
        let standardizer = Standardizer::fit(&train);
        let standard = standardizer.apply(&train);
        Self { train, reference, other, standardizer, standard, toy }
    }

    fn read(config: &Config) -> Result<Self> {
        let path = file(&config.data)?;
        let all = data::load(path)?;
        if all.dim() > crate::sample::MAX_DIM {
            anyhow::bail!(
                "{}: {} columns, but at most {} can be sampled; remove columns",
                path.display(),
                all.dim(),
                crate::sample::MAX_DIM
            );
        }
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(config.seed));
        let kept = (all.len() / 5).clamp(1, COMPARED);
        let (held, train) = order.split_at(kept);
        let train = if train.is_empty() { held } else { train };
        let other = all.pick(&train[..kept.min(train.len())]);
        let (train, reference) = (all.pick(train), all.pick(held));
        Ok(Self::new(train, reference, other, None))
    }

    /// Data dimensions.
    pub fn dim(&self) -> usize {
        self.train.dim()
    }
}

/// The data set of this name.
pub fn named(name: &str) -> Option<Toy> {
    Toy::from_str(name, true).ok()
}

/// The file that `data` names, which is no named set.
///
/// # Errors
/// When it does not look like a file.
pub fn file(data: &str) -> Result<&Path, UsageError> {
    let path = Path::new(data);
    if path.extension().is_some() || data.contains(std::path::MAIN_SEPARATOR) {
        return Ok(path);
    }
    let names = Toy::ALL.map(Toy::name).join(", ");
    Err(UsageError(format!("data is {data:?}, but must be one of {names}, or a .csv or .npy file")))
}
