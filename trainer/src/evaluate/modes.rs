//! What each mode of the two-mode mixture looks like.

use std::f64::consts::FRAC_PI_4;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::sw2;
use crate::Points;

/// Seed of the Gaussian draw that whitened modes are compared with.
const SEED: u64 = 99;

/// Figures of a sample of [`Toy::Mixture`](crate::data::Toy::Mixture), ideal values in brackets.
///
/// Every point belongs to the mode on its side of x + y = 0 and is whitened there:
/// z = (x ∓ mode) / sd, so that a perfect sample has z ~ N(0, I).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixtureModes {
    /// Share of points at the + mode (0.5).
    pub share_plus: f64,
    /// Standard deviation of z over both axes, mean over modes (1).
    pub sd_ratio: f64,
    /// Share of points with |z| < 3 (0.9889).
    pub within_3sd: f64,
    /// Share of points with |z| > 6 (0).
    pub outside_6sd: f64,
    /// Sliced 2-Wasserstein distance of z from fresh N(0, I), mean over modes (0.04 at n = 10,000).
    pub whitened_sw2: f64,
}

/// Measures `points`, shape `(n, 2)`; a mode with fewer than two points is left out of the means.
///
/// # Panics
/// If the points are not 2-D or fewer than three.
pub fn mixture_modes(points: &Points) -> MixtureModes {
    assert_eq!(points.dim(), 2, "the mixture is two-dimensional");
    assert!(points.len() > 2, "three points at least");
    let modes = [whitened(points, -1.0), whitened(points, 1.0)];
    let fresh = gaussian(points.len());
    let full = || modes.iter().filter(|z| z.len() > 1);
    MixtureModes {
        share_plus: modes[1].len() as f64 / points.len() as f64,
        sd_ratio: mean(full().map(sd)),
        within_3sd: share(&modes, |r| r < 3.0),
        outside_6sd: share(&modes, |r| r > 6.0),
        whitened_sw2: mean(full().map(|z| sw2(z, &fresh))),
    }
}

/// The least and the largest share of points near one of the modes of
/// [`Toy::EightGaussians`](crate::data::Toy::EightGaussians) (0.125 each), of those within an eighth of the circle.
pub fn eight_shares(points: &Points) -> [f64; 2] {
    let mut counts = [0.0; 8];
    for row in points.rows() {
        let angle = f64::from(row[1]).atan2(f64::from(row[0]));
        counts[(angle / FRAC_PI_4).round().rem_euclid(8.0) as usize] += 1.0;
    }
    let shares = counts.map(|count| count / points.len() as f64);
    [shares.iter().copied().fold(1.0, f64::min), shares.iter().copied().fold(0.0, f64::max)]
}

/// The points on one side, relative to its mode and in units of its sd.
fn whitened(points: &Points, side: f64) -> Points {
    let (mode, sd) = (2.0 / 4.01_f64.sqrt(), 0.1 / 4.01_f64.sqrt());
    let here = |row: &&[f32]| (f64::from(row[0]) + f64::from(row[1]) > 0.0) == (side > 0.0);
    let rows = points.rows().filter(here).flatten();
    Points::new(2, rows.map(|&x| ((f64::from(x) - side * mode) / sd) as f32).collect())
}

fn gaussian(n: usize) -> Points {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    Points::new(2, StandardNormal.sample_iter(&mut rng).take(2 * n).collect())
}

fn share(modes: &[Points; 2], radius: impl Fn(f64) -> bool) -> f64 {
    let norm = |z: &[f32]| f64::from(z[0]).hypot(f64::from(z[1]));
    mean(modes.iter().flat_map(Points::rows).map(|z| f64::from(u8::from(radius(norm(z))))))
}

/// Spread of all coordinates about their common mean.
fn sd(z: &Points) -> f64 {
    let values = || z.values().iter().map(|&x| f64::from(x));
    let centre = mean(values());
    mean(values().map(|x| (x - centre).powi(2))).sqrt()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::*;
    use crate::data::Toy;

    fn mixture(n: usize) -> Points {
        Toy::Mixture.draw(n, &mut Xoshiro256PlusPlus::seed_from_u64(3))
    }

    #[test]
    fn real_draws_give_the_ideal_values() {
        let m = mixture_modes(&mixture(10_000));
        close(m.share_plus, 0.5, 0.015);
        close(m.sd_ratio, 1.0, 0.02);
        close(m.within_3sd, 1.0 - (-4.5_f64).exp(), 0.003);
        assert_eq!(m.outside_6sd, 0.0);
        assert!(m.whitened_sw2 < 0.06);
    }

    #[test]
    fn one_mode_alone_is_measured_alone() {
        let all = mixture(1000);
        let plus: Vec<&[f32]> = all.rows().filter(|row| row[0] > 0.0).collect();
        let m = mixture_modes(&Points::new(2, plus.concat()));
        assert_eq!(m.share_plus, 1.0);
        close(m.sd_ratio, 1.0, 0.05);
    }

    /// The reference compares the whitened modes with another Gaussian draw.
    #[test]
    fn it_agrees_with_the_reference() {
        let around = |x: (usize, &f32)| {
            if (x.0 / 2).is_multiple_of(3) { 1.0 + 0.1 * x.1 } else { 0.1 * x.1 - 1.0 }
        };
        let points = Points::new(2, cloud(2, false).values().iter().enumerate().map(around).collect());
        let m = mixture_modes(&points);
        close(m.share_plus, 0.335, 1e-12);
        close(m.sd_ratio, 1.581141227911837, 1e-5);
        close(m.within_3sd, 0.885, 1e-12);
        close(m.outside_6sd, 0.0, 1e-12);
        close(m.whitened_sw2, 0.744629345643537, 0.1);
    }
}
