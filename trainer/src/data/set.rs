//! The named sets, which the trainer makes by itself from a seed.

use clap::ValueEnum;
use rand::Rng;

use super::windows::{ecg, vibration};
use super::{Kind, Toy, digits};
use crate::Points;

/// Length of windows unless another is asked for.
const LENGTH: usize = 64;

/// A set that can be drawn from without any file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Points of the plane
    Plane(Toy),
    /// Handwritten digits of `side` × `side` pixels
    Digits {
        /// Lines of an image.
        side: usize,
    },
    /// Heartbeats
    Ecg {
        /// Samples of a window.
        length: usize,
    },
    /// Vibration of a rotating machine
    Vibration {
        /// Samples of a window.
        length: usize,
    },
}

impl Set {
    /// Every set, in the order of the tables.
    pub fn all() -> Vec<Self> {
        let others = [
            Self::Digits { side: 8 },
            Self::Digits { side: 28 },
            Self::Ecg { length: LENGTH },
            Self::Vibration { length: LENGTH },
        ];
        Toy::ALL.into_iter().map(Self::Plane).chain(others).collect()
    }

    /// The set of this name, in any case; windows of `length`, if it has windows.
    pub fn named(name: &str, length: Option<usize>) -> Option<Self> {
        let length = length.unwrap_or(LENGTH);
        if let Ok(toy) = Toy::from_str(name, true) {
            return Some(Self::Plane(toy));
        }
        Self::all().into_iter().find(|set| set.name().eq_ignore_ascii_case(name)).map(|set| match set {
            Self::Ecg { .. } => Self::Ecg { length },
            Self::Vibration { .. } => Self::Vibration { length },
            set => set,
        })
    }

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plane(toy) => toy.name(),
            Self::Digits { side: 8 } => "digits",
            Self::Digits { .. } => "digits-28",
            Self::Ecg { .. } => "ecg",
            Self::Vibration { .. } => "vibration",
        }
    }

    /// What the set looks like and what it tries, in one line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Plane(toy) => toy.describe(),
            Self::Digits { side: 8 } => "digits drawn by a pen, 8×8 pixels of 0…16: is each one legible?",
            Self::Digits { .. } => "the same in 28×28 pixels of 0…255",
            Self::Ecg { .. } => "heartbeats: normal, premature, ST-changed; --window 64…256",
            Self::Vibration { .. } => "a machine's vibration: normal, imbalance, impacts; --window 64…256",
        }
    }

    /// What a row is.
    pub fn kind(self) -> Kind {
        match self {
            Self::Plane(_) => Kind::Points,
            Self::Digits { .. } => Kind::Images,
            Self::Ecg { .. } | Self::Vibration { .. } => Kind::Windows,
        }
    }

    /// Pixels in a line of an image.
    pub fn width(self) -> Option<usize> {
        match self {
            Self::Digits { side } => Some(side),
            _ => None,
        }
    }

    /// `n` independent rows with their classes, where there are any.
    pub fn draw(self, n: usize, rng: &mut impl Rng) -> Points {
        match self {
            Self::Plane(toy) => toy.draw(n, rng),
            Self::Digits { side } => digits::draw(n, side, rng),
            Self::Ecg { length } => ecg(n, length, rng),
            Self::Vibration { length } => vibration(n, length, rng),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn every_set_is_found_by_its_name_and_drawn_by_a_seed() {
        for set in Set::all() {
            assert_eq!(Set::named(set.name(), None), Some(set));
            assert_eq!(Set::named(&set.name().to_uppercase(), None), Some(set));
            let draw = |n| set.draw(n, &mut Xoshiro256PlusPlus::seed_from_u64(7));
            assert_eq!(draw(10), draw(20).take(10), "{}", set.name());
            assert!(set.kind() == Kind::Points || draw(200).classes() > 2, "{}", set.name());
        }
        assert_eq!(Set::named("ecg", Some(128)), Some(Set::Ecg { length: 128 }));
        assert_eq!(Set::named("moon", None), None);
    }
}
