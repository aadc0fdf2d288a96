//! Six 2-D distributions at about unit variance, the usual first test of a generative model.

use std::f64::consts::{PI, TAU};

use clap::ValueEnum;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::Points;

/// A 2-D distribution that can be drawn from without any file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Toy {
    /// Two narrow modes at ±1 per axis, sd 0.05
    Mixture,
    /// Eight modes on a circle
    EightGaussians,
    /// Eight unit squares of a four by four board
    Checkerboard,
    /// Two interleaved half circles
    Moons,
    /// A planar spiral
    SwissRoll,
    /// Five bent arms
    Pinwheel,
}

impl Toy {
    /// Every set, in the order of the tables.
    pub const ALL: [Self; 6] = [
        Self::Mixture,
        Self::EightGaussians,
        Self::Checkerboard,
        Self::Moons,
        Self::SwissRoll,
        Self::Pinwheel,
    ];

    /// `n` independent points, shape `(n, 2)`, labelled by their mode, half circle, square or arm.
    pub fn draw(self, n: usize, rng: &mut impl Rng) -> Points {
        let (mut values, mut labels) = (Vec::with_capacity(2 * n), Vec::with_capacity(n));
        for _ in 0..n {
            let (point, label) = self.point(rng);
            values.extend(point.map(|x| x as f32));
            labels.push(label);
        }
        let labels = if self == Self::SwissRoll { Vec::new() } else { labels };
        Points::new(2, values).with_labels(labels)
    }

    fn point(self, rng: &mut impl Rng) -> ([f64; 2], u16) {
        match self {
            Self::Mixture => mixture(rng),
            Self::EightGaussians => eight_gaussians(rng),
            Self::Checkerboard => checkerboard(rng),
            Self::Moons => moons(rng),
            Self::SwissRoll => (swiss_roll(rng), 0),
            Self::Pinwheel => pinwheel(rng),
        }
    }

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mixture => "mixture",
            Self::EightGaussians => "eight-gaussians",
            Self::Checkerboard => "checkerboard",
            Self::Moons => "moons",
            Self::SwissRoll => "swiss-roll",
            Self::Pinwheel => "pinwheel",
        }
    }

    /// What the set looks like and what it tries, in one line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Mixture => "two narrow modes 57 widths apart: do both get half the samples?",
            Self::EightGaussians => "eight modes on a circle: is any mode dropped or bridged?",
            Self::Checkerboard => "eight uniform squares: are the edges sharp?",
            Self::Moons => "two interleaved half circles: do thin curves stay apart?",
            Self::SwissRoll => "a spiral with noise: does a long curve keep its width?",
            Self::Pinwheel => "five bent arms: is density right from centre to tips?",
        }
    }
}

fn noise(rng: &mut impl Rng) -> [f64; 2] {
    [StandardNormal.sample(rng), StandardNormal.sample(rng)]
}

/// Means ±(2, 2) and variance 0.01 per axis; an axis has variance 4 + 0.01.
fn mixture(rng: &mut impl Rng) -> ([f64; 2], u16) {
    let (mean, label) = if rng.random() { (2.0, 0) } else { (-2.0, 1) };
    (noise(rng).map(|z| (mean + 0.1 * z) / 4.01_f64.sqrt()), label)
}

/// Radius 2 and sd 0.1; an axis has variance 2²/2 + 0.01.
fn eight_gaussians(rng: &mut impl Rng) -> ([f64; 2], u16) {
    let mode = rng.random_range(0..8_u8);
    let angle = f64::from(mode) * PI / 4.0;
    let [u, v] = noise(rng);
    let point = [2.0 * libm::cos(angle) + 0.1 * u, 2.0 * libm::sin(angle) + 0.1 * v];
    (point.map(|x| x / 2.01_f64.sqrt()), mode.into())
}

/// Uniform on the same-coloured unit squares of [−2, 2]²; an axis has variance 4/3.
fn checkerboard(rng: &mut impl Rng) -> ([f64; 2], u16) {
    let x = 4.0 * rng.random::<f64>() - 2.0;
    let lower = if rng.random() { 2.0 } else { 0.0 };
    let y = rng.random::<f64>() - lower + x.floor().rem_euclid(2.0);
    let square = 2 * (x.floor() as i16 + 2) + i16::from(y >= 0.0);
    ([x, y].map(|v| v / (4.0_f64 / 3.0).sqrt()), square as u16)
}

/// Unit half circles about (0, 0) and (1, ½), sd 0.05, then centred and scaled per axis.
fn moons(rng: &mut impl Rng) -> ([f64; 2], u16) {
    let (sin, cos) = libm::sincos(PI * rng.random::<f64>());
    let upper: bool = rng.random();
    let [x, y] = if upper { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
    let [u, v] = noise(rng);
    ([(x + 0.05 * u - 0.5) / 0.868, (y + 0.05 * v - 0.25) / 0.496], u16::from(!upper))
}

/// Radius equal to the angle from 1.5π to 4.5π, sd 0.5, then centred and scaled per axis.
fn swiss_roll(rng: &mut impl Rng) -> [f64; 2] {
    let t = 1.5 * PI * (1.0 + 2.0 * rng.random::<f64>());
    let [u, v] = noise(rng);
    let (x, y) = (t * libm::cos(t) + 0.5 * u, t * libm::sin(t) + 0.5 * v);
    [(x - 2.03) / 6.9, (y - 0.13) / 6.6]
}

/// Gaussian petals about radius 1, sd 0.3 along and 0.1 across, turned by ¼·exp(radius).
///
/// After Johnson et al., "Composing graphical models with neural networks", 2016, figure 1.
fn pinwheel(rng: &mut impl Rng) -> ([f64; 2], u16) {
    let arm = rng.random_range(0..5_u8);
    let [u, v] = noise(rng);
    let (radial, tangential) = (1.0 + 0.3 * u, 0.1 * v);
    let (sin, cos) = libm::sincos(f64::from(arm) * TAU / 5.0 + 0.25 * libm::exp(radial));
    let point = [radial * cos + tangential * sin, tangential * cos - radial * sin];
    (point.map(|x| 2.0 * x / 1.5), arm.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn draw(toy: Toy, n: usize) -> Points {
        toy.draw(n, &mut Xoshiro256PlusPlus::seed_from_u64(7))
    }

    fn moment(points: &Points, f: impl Fn(f64, f64) -> f64) -> f64 {
        let sum: f64 = points.rows().map(|p| f(p[0].into(), p[1].into())).sum();
        sum / points.len() as f64
    }

    /// [mean x, mean y, sd x, sd y, correlation, 4th moments x, y] of 4,000,000 numpy draws.
    const REFERENCE: [(Toy, [f64; 7]); 6] = [
        (Toy::Mixture, [0.0004, 0.0004, 1.0000, 1.0000, 0.9975, 1.0099, 1.0100]),
        (Toy::EightGaussians, [0.0006, 0.0000, 1.0004, 0.9997, -0.0003, 1.5163, 1.5133]),
        (Toy::Checkerboard, [-0.0003, 0.0009, 0.9999, 1.0000, 0.1875, 1.7993, 1.8001]),
        (Toy::Moons, [0.0003, -0.0003, 0.9991, 1.0017, -0.4487, 2.1103, 1.7507]),
        (Toy::SwissRoll, [-0.0048, 0.0130, 0.9625, 1.0561, 0.0932, 1.7284, 2.4610]),
        (Toy::Pinwheel, [0.0004, 0.0005, 0.9891, 0.9887, -0.0001, 1.8827, 1.8800]),
    ];

    #[test]
    fn moments_equal_those_of_the_independent_implementation() {
        for (toy, expected) in REFERENCE {
            for (i, (got, want)) in moments(&draw(toy, 40_000)).into_iter().zip(expected).enumerate() {
                // A mean of fourth powers is three times as noisy.
                let tolerance = if i < 5 { 0.02 } else { 0.06 };
                assert!((got - want).abs() < tolerance, "{toy:?} moment {i}: {got} for {want}");
            }
        }
    }

    fn moments(p: &Points) -> [f64; 7] {
        let (mx, my) = (moment(p, |x, _| x), moment(p, |_, y| y));
        let power = |k| (moment(p, |x, _| (x - mx).powi(k)), moment(p, |_, y| (y - my).powi(k)));
        let ((vx, vy), (fx, fy)) = (power(2), power(4));
        let (sx, sy) = (vx.sqrt(), vy.sqrt());
        let correlation = moment(p, |x, y| (x - mx) * (y - my)) / (sx * sy);
        [mx, my, sx, sy, correlation, fx, fy]
    }

    #[test]
    fn the_checkerboard_leaves_the_other_colour_empty() {
        let cell = |v: f32| (f64::from(v) * (4.0_f64 / 3.0).sqrt()).floor() as i32;
        let board = draw(Toy::Checkerboard, 4000);
        assert!(board.rows().all(|p| (cell(p[0]) + cell(p[1])) % 2 == 0));
        let squares: std::collections::HashSet<_> = board.rows().map(|p| (cell(p[0]), cell(p[1]))).collect();
        assert_eq!(squares.len(), 8);
    }

    #[test]
    fn names_agree_with_serde_and_clap() {
        for toy in Toy::ALL {
            let value = toy.to_possible_value().unwrap();
            assert_eq!(value.get_name(), toy.name());
            assert!(value.get_help().is_some());
            assert_eq!(serde_json::to_value(toy).unwrap(), toy.name());
        }
    }

    #[test]
    fn a_seed_fixes_the_points_and_a_prefix_stays() {
        assert_eq!(draw(Toy::Moons, 10), draw(Toy::Moons, 20).take(10));
    }
}
