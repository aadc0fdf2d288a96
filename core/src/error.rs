//! What can go wrong at the border: reading a blob, building a plan, starting a chain.

use crate::blob::Kind;
use core::fmt;

/// Why a blob, a parameter or a combination was refused. Each message says what to do.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// Fewer bytes than the blob says it has.
    Truncated {
        /// Bytes the blob needs.
        needed: usize,
        /// Bytes given.
        have: usize,
    },
    /// The bytes do not start with the magic of a tinyscore blob.
    NotABlob,
    /// A blob of another format version.
    Format {
        /// Version in the blob.
        found: u16,
        /// Version this library reads.
        supported: u16,
    },
    /// A blob made for another arithmetic version: its samples would differ.
    Arithmetic {
        /// Version in the blob.
        found: u16,
        /// Version of this library.
        supported: u16,
    },
    /// The checksum does not match: the blob was changed or damaged.
    Checksum {
        /// CRC-32 stored in the blob.
        stored: u32,
        /// CRC-32 of its bytes.
        computed: u32,
    },
    /// A blob of another kind of model.
    Kind {
        /// What the blob holds.
        found: Kind,
        /// What it was read as.
        asked: Kind,
    },
    /// A layer has more units than the words of a chain hold.
    TooManyUnits {
        /// Units of the widest layer.
        units: usize,
        /// The capacity N, in words of 32 units.
        words: usize,
    },
    /// The blob is whole but breaks a rule of the format.
    Malformed(&'static str),
    /// Too little scratch memory for the network.
    Scratch {
        /// Entries needed, [`Model::scratch`](crate::Model::scratch).
        needed: usize,
        /// Entries given.
        have: usize,
    },
    /// The data have more dimensions than the capacity `D` of the chain.
    TooManyDimensions {
        /// Dimensions of the model.
        dim: usize,
        /// The capacity.
        capacity: usize,
    },
    /// A state of the wrong length.
    Length {
        /// Dimensions of the model.
        dim: usize,
        /// Numbers given.
        have: usize,
    },
    /// The plan asks for more noise levels than there are.
    MissingLevels {
        /// Levels asked for.
        asked: usize,
        /// Levels of the model.
        have: usize,
    },
    /// A class that the model does not have.
    NoSuchClass {
        /// The class asked for.
        asked: usize,
        /// Classes of the model.
        have: usize,
    },
    /// A sampler that accepts by energies, asked of a model that has none.
    NoEnergy,
    /// A plan of no steps.
    NoSteps,
    /// A plan of more steps than [`MAX_ROWS`](crate::MAX_ROWS).
    TooManySteps {
        /// Steps asked for; the largest number where they are more.
        asked: usize,
        /// Steps a plan can have.
        most: usize,
    },
    /// More noise levels than [`MAX_LEVELS`](crate::MAX_LEVELS).
    TooManyLevels {
        /// Levels given.
        have: usize,
        /// Levels a plan can have.
        most: usize,
    },
    /// A multistep plan reads more old evaluations than the chain keeps.
    History {
        /// Old evaluations the plan reads.
        asked: usize,
        /// Capacity `P` of the chain.
        capacity: usize,
    },
    /// A parameter outside its range.
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: f32,
        /// The range it must lie in.
        range: &'static str,
    },
    /// The output buffer is too small.
    Buffer {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        have: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, have } => {
                write!(f, "the blob has {have} bytes of {needed}: copy or flash it again, whole")
            }
            Self::NotABlob => {
                f.write_str("not a tinyscore blob (wrong magic): give a model.postcard made by the trainer")
            }
            Self::Format { found, supported } => write!(
                f,
                "blob format {found}, but this library reads format {supported}: export the model again, or use the matching version"
            ),
            Self::Arithmetic { found, supported } => write!(
                f,
                "blob of arithmetic version {found}, but this library computes by version {supported}: its samples would differ; export the model again, or use the matching version"
            ),
            Self::Checksum { stored, computed } => write!(
                f,
                "the blob is damaged: checksum {computed:08x}, stored {stored:08x}; copy or flash it again"
            ),
            Self::Kind { found, asked } => {
                let (what, reader) = described(found);
                write!(f, "the blob holds {what}, not {}: read it with {reader}, or give another blob", described(asked).0)
            }
            Self::TooManyUnits { units, words } => write!(
                f,
                "a layer has {units} units, but the chain's capacity N is {words} words of 32: use {}",
                units.div_ceil(32)
            ),
            Self::Malformed(what) => write!(f, "malformed blob: {what}; export the model again"),
            Self::Scratch { needed, have } => write!(
                f,
                "the network needs scratch memory of {needed} i16, but has {have}: give it [0; {needed}]"
            ),
            Self::TooManyDimensions { dim, capacity } => write!(
                f,
                "the model has {dim} dimensions, but the chain's capacity D is {capacity}: use Chain::<_, {dim}>"
            ),
            Self::Length { dim, have } => {
                write!(f, "the model has {dim} dimensions, but {have} numbers were given")
            }
            Self::MissingLevels { asked, have } => write!(
                f,
                "the plan asks for {asked} noise levels, but the model has {have}: take at most {have} steps, or export it with --levels {asked}"
            ),
            Self::NoSuchClass { have: 0, .. } => f.write_str(
                "a class was asked for, but the model knows none: train it on data with labels, or ask for no class",
            ),
            Self::NoSuchClass { asked, have } => {
                write!(f, "class {asked} was asked for, but the model has {have}: take one of 0…{}", have - 1)
            }
            Self::NoEnergy => f.write_str(
                "mala accepts its steps by their energy, but the model is a score network, which has none: take langevin, or a model of an energy",
            ),
            Self::NoSteps => f.write_str("a plan of zero steps: ask for at least one"),
            Self::TooManySteps { asked, most } => write!(
                f,
                "the plan has {asked} steps, but at most {most} can be taken: ask for fewer in all, at each level, or as corrections"
            ),
            Self::TooManyLevels { have, most } => {
                write!(f, "{have} noise levels, but a plan has at most {most}: take fewer")
            }
            Self::History { asked, capacity } => write!(
                f,
                "the plan reads {asked} old evaluations, but the chain keeps {capacity}: raise its capacity P to {asked}"
            ),
            Self::Parameter { name, value, range } => {
                write!(f, "{name} is {value}, but must be {range}")
            }
            Self::Buffer { needed, have } => {
                write!(f, "the buffer has {have} bytes, but {needed} are needed")
            }
        }
    }
}

/// A kind of model, and what reads it.
fn described(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Score => ("a score network", "Model::from_bytes"),
        Kind::Rbm => ("a restricted Boltzmann machine", "Rbm::from_bytes"),
        Kind::Dbn => ("a deep belief network", "Dbn::from_bytes"),
        Kind::BoltzmannMachine => ("a Boltzmann machine", "BoltzmannMachine::from_bytes"),
        Kind::Energy => ("an energy network", "EnergyModel::from_bytes"),
        Kind::GaussianRbm => ("a Gaussian–Bernoulli restricted Boltzmann machine", "GaussianRbm::from_bytes"),
    }
}

impl core::error::Error for Error {}
