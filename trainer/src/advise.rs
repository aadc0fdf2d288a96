//! How to choose noise levels, steps and evaluations: advice from the data (Song & Ermon 2020, "NCSNv2";
//! Karras et al. 2022).
//!
//! ```text
//! σ_max   the largest distance between two points (NCSNv2, technique 1)
//! σ_min   where points still have neighbours: the median distance to the nearest of 256, over √d;
//!         at least half a step of rounded data
//! γ       ratio of levels that share enough of their noise (NCSNv2, technique 2):
//!         Φ(√(2d)(γ − 1) + 3γ) − Φ(√(2d)(γ − 1) − 3γ) = ½ , at most 1.5
//! e       Langevin step e·σ² whose stationary variance is 1 + δ times too large: e = 2δ/(1 + δ)
//! K       evaluations of DPM-Solver++(2M) after which a mode of sd 2·σ_min comes out with the sd of infinitely
//!         many, to δ
//! ```
//!
//! All lengths are in units of the standardized data.

use crate::exact::GaussianMixture;
use crate::points::Points;
use libm::erf;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;
use tinyscore::levels::Spacing;
use tinyscore::rng::stream;
use tinyscore::sampler::{DpmSolver2M, Sampler};
use tinyscore::{Chain, Error};

/// Points among which neighbours are looked for.
const NEIGHBOURS: usize = 256;
/// Points whose distances are measured.
const MEASURED: usize = 2000;
/// Largest ratio of neighbouring levels; the technique has no solution in four or fewer dimensions.
const LARGEST_RATIO: f64 = 1.5;
/// Range of the smallest level: below it the network's rounding decides, above it modes are blurred.
const SMALLEST: (f32, f32) = (0.002, 0.05);
/// Evaluations that are tried.
const EVALUATIONS: std::ops::RangeInclusive<usize> = 4..=100;

/// What the data ask for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Largest noise level.
    pub sigma_max: f32,
    /// Smallest noise level.
    pub sigma_min: f32,
    /// Ratio of neighbouring levels of annealed Langevin dynamics.
    pub ratio: f64,
    /// Levels of annealed Langevin dynamics at that ratio.
    pub langevin_levels: usize,
    /// Langevin step over σ².
    pub langevin_rate: f64,
    /// The same as the signal-to-noise ratio r, e = 2r².
    pub snr: f64,
    /// Evaluations of DPM-Solver++(2M) on Karras levels; the most that were tried if none sufficed.
    pub evaluations: usize,
}

/// Advice for `data`, standardized, with `tolerance` = δ for variances and standard deviations.
///
/// # Errors
/// None for finite data.
pub fn advise(data: &Points, tolerance: f64, seed: u64) -> Result<Advice, Error> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let rows: Vec<&[f32]> = data.rows().collect();
    let measured: Vec<&[f32]> = rows.sample(&mut rng, MEASURED).copied().collect();
    let few: Vec<&[f32]> = rows.sample(&mut rng, NEIGHBOURS).copied().collect();
    let sigma_max = largest_distance(&measured).max(2.0);
    let spacing = median_nearest(&few) / (data.dim() as f32).sqrt();
    let sigma_min = spacing.max(0.5 * grid_step(&rows)).clamp(SMALLEST.0, SMALLEST.1);
    let ratio = level_ratio(data.dim());
    let langevin_rate = 2.0 * tolerance / (1.0 + tolerance);
    Ok(Advice {
        sigma_max,
        sigma_min,
        ratio,
        langevin_levels: (f64::from(sigma_max / sigma_min).ln() / ratio.ln()).ceil() as usize + 1,
        langevin_rate,
        snr: (langevin_rate / 2.0).sqrt(),
        evaluations: evaluations(sigma_max, sigma_min, tolerance)?,
    })
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

fn largest_distance(rows: &[&[f32]]) -> f32 {
    let from = |i: usize| rows[i + 1..].iter().map(|b| distance(rows[i], b)).fold(0.0, f32::max);
    (0..rows.len()).map(from).fold(0.0, f32::max)
}

/// Median over points of the distance to the nearest other one.
fn median_nearest(rows: &[&[f32]]) -> f32 {
    let others = |i: usize| rows.iter().enumerate().filter(move |(j, _)| *j != i);
    let nearest = |i: usize| others(i).map(|(_, b)| distance(rows[i], b)).fold(f32::INFINITY, f32::min);
    let mut all: Vec<f32> = (0..rows.len()).map(nearest).filter(|d| d.is_finite()).collect();
    all.sort_unstable_by(f32::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

/// Smallest difference between two values of the first column that is not constant, if that has few values: the
/// grid on which rounded data lie; 0 for others.
fn grid_step(rows: &[&[f32]]) -> f32 {
    let varies = |&column: &usize| rows.iter().any(|row| row[column] != rows[0][column]);
    let Some(column) = (0..rows[0].len()).find(varies) else { return 0.0 };
    let mut values: Vec<f32> = rows.iter().map(|row| row[column]).collect();
    values.sort_unstable_by(f32::total_cmp);
    values.dedup();
    if values.len() > 256 || 8 * values.len() > rows.len() {
        return 0.0;
    }
    values.windows(2).map(|w| w[1] - w[0]).fold(f32::INFINITY, f32::min).min(1.0)
}

/// γ of technique 2 by bisection: overlap falls with γ.
fn level_ratio(dim: usize) -> f64 {
    let phi = |z: f64| 0.5 * (1.0 + erf(z / std::f64::consts::SQRT_2));
    let root = (2.0 * dim as f64).sqrt();
    let overlap = |g: f64| phi(root * (g - 1.0) + 3.0 * g) - phi(root * (g - 1.0) - 3.0 * g);
    if overlap(LARGEST_RATIO) > 0.5 {
        return LARGEST_RATIO;
    }
    let (mut low, mut high) = (1.0, LARGEST_RATIO);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if overlap(middle) > 0.5 { low = middle } else { high = middle }
    }
    low
}

/// Fewest evaluations after which a Gaussian of sd 2·σ_min comes out as after infinitely many, to `tolerance`.
fn evaluations(sigma_max: f32, sigma_min: f32, tolerance: f64) -> Result<usize, Error> {
    let variance = 4.0 * sigma_min * sigma_min;
    // The flow ends at σ_min with variance v + σ_min²; the last step is the mean given that.
    let limit = variance / (variance + sigma_min * sigma_min).sqrt();
    let mut last = 0;
    for count in EVALUATIONS {
        last = count;
        let mut sigmas = vec![0.0; count];
        Spacing::Karras { rho: 7.0 }.fill(sigma_max, sigma_min, &mut sigmas)?;
        let mut score = GaussianMixture::single(1, variance, &sigmas);
        let plan = DpmSolver2M.plan(&sigmas[..])?;
        let start = (sigma_max * sigma_max + variance).sqrt();
        let mut chain = Chain::<_, 1>::from_state(&plan, &score, stream(0, 0), &[start])?;
        chain.run(&plan, &mut score);
        if (f64::from(chain.state()[0] / limit) - 1.0).abs() <= tolerance {
            break;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Toy;

    #[test]
    fn two_modes_ask_for_noise_that_spans_them() {
        let data = Toy::Mixture.draw(20_000, &mut Xoshiro256PlusPlus::seed_from_u64(3));
        let advice = advise(&data, 0.02, 1).unwrap();
        // The modes are 2.83 apart and .05 wide.
        assert!((2.83..3.5).contains(&advice.sigma_max), "{advice:?}");
        assert!((0.002..0.02).contains(&advice.sigma_min), "{advice:?}");
        assert_eq!(advice.ratio, 1.5);
        // e of a stationary variance 2 % too large: 2e/(1 − (1 − e)²) = 1.02.
        let e = advice.langevin_rate;
        assert!((2.0 * e / (1.0 - (1.0 - e).powi(2)) - 1.02).abs() < 1e-12);
    }

    #[test]
    fn many_dimensions_ask_for_close_levels() {
        // Song & Ermon 2020 take 232 levels from 50 to 0.01 for CIFAR-10, d = 3072.
        let ratio = level_ratio(3072);
        let levels = (50.0_f64 / 0.01).ln() / ratio.ln() + 1.0;
        assert!((levels - 232.0).abs() < 15.0, "{levels}");
    }

    #[test]
    fn a_smaller_tolerance_asks_for_more_evaluations() {
        let few = evaluations(6.0, 0.01, 0.1).unwrap();
        let many = evaluations(6.0, 0.01, 0.01).unwrap();
        assert!(few < many && many < 100, "{few} {many}");
    }

    #[test]
    fn rounded_data_do_not_ask_for_less_noise_than_their_step() {
        let values = (0..4000).map(|i| (i * 7 % 11) as f32 / 11.0).collect();
        let advice = advise(&Points::new(1, values), 0.05, 1).unwrap();
        assert!((advice.sigma_min - 0.5 / 11.0).abs() < 1e-3, "{advice:?}");
        let beside_constant =
            (0..8000).map(|i| if i % 2 == 0 { 3.0 } else { (i / 2 * 7 % 11) as f32 / 11.0 });
        let advice = advise(&Points::new(2, beside_constant.collect()), 0.05, 1).unwrap();
        assert!((advice.sigma_min - 0.5 / 11.0).abs() < 1e-3, "{advice:?}");
    }
}
