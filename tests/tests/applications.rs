//! What one model can do, against the exact posteriors of Gaussian mixtures.

use std::path::Path;
use tinyscore::levels::{At, From, Spacing};
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Ddim, Resampled, Sampler, Tweedie};
use tinyscore::{
    Chain, Compensated, Conditional, Detector, Error, Guided, Known, Levels, Plan, Score, noise_level,
};
use trainer::data::Set;
use trainer::exact::GaussianMixture;
use trainer::sample::{draw, network};

/// Noise levels, from 6 down to 0.02.
fn sigmas(count: usize) -> Vec<f32> {
    let mut sigmas = vec![0.0; count];
    Spacing::Karras { rho: 7.0 }.fill(6.0, 0.02, &mut sigmas).unwrap();
    sigmas
}

/// Three round modes; the first two differ little in x₀, the last two little in x₁.
fn three_modes(sigmas: &[f32]) -> GaussianMixture<'_> {
    GaussianMixture {
        means: vec![vec![-0.9, 1.2], vec![-0.7, -1.1], vec![1.3, -1.0]],
        weights: vec![0.3, 0.5, 0.2],
        variance: 0.04,
        sigmas,
        class: None,
    }
}

/// Posterior weights of the modes given `known` at the coordinates where `mask` is true, seen with the
/// variance `variance`.
fn posterior(mixture: &GaussianMixture<'_>, known: &[f32], mask: &[bool], variance: f32) -> Vec<f64> {
    let weight = |(mean, weight): (&Vec<f32>, &f32)| {
        let coordinates = mean.iter().zip(known).zip(mask).filter(|(_, known)| **known);
        let square: f32 = coordinates.map(|((mean, x), _)| (mean - x) * (mean - x)).sum();
        f64::from(*weight) * f64::from(-0.5 * square / variance).exp()
    };
    let weights: Vec<f64> = mixture.means.iter().zip(&mixture.weights).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

fn mean_and_variance(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
}

/// Given x₀ the first two modes compete for x₁, which is a hard case: they differ far less in x₀ than in x₁, so
/// x₁ has chosen before the noise lets x₀ be told. Their shares come within .04 of the exact posterior, the
/// mean within a mode to .01, its variance as far as ancestral steps keep it.
#[test]
fn filling_in_draws_from_the_exact_posterior() {
    let sigmas = sigmas(40);
    let mixture = three_modes(&sigmas);
    let (values, mask) = ([-0.75, 99.0], [true, false]);
    let exact = posterior(&mixture, &values, &mask, mixture.variance);
    let known = Known::new(mixture, &sigmas[..], &values, &mask).unwrap();
    let plan = Resampled::new(Ancestral::new(1.0).unwrap(), 10).unwrap().plan(&sigmas[..]).unwrap();
    let samples = draw(&known, &plan, 4000, 1, |_| ()).unwrap();
    assert!(samples.rows().all(|x| (x[0] + 0.75).abs() < 1e-5));
    let upper: Vec<f32> = samples.rows().map(|x| x[1]).filter(|&x| x > 0.0).collect();
    let share = upper.len() as f64 / samples.len() as f64;
    assert!((share - exact[0]).abs() < 0.04, "{share} for {}", exact[0]);
    let (mean, variance) = mean_and_variance(&upper);
    assert!((mean - 1.2).abs() < 0.01 && (variance / 0.04 - 0.85).abs() < 0.1, "{mean} {variance}");
}

/// A plan taken once is the sampler's own; a mask of another length is named with both numbers.
#[test]
fn filling_in_refuses_what_does_not_fit() {
    let sigmas = sigmas(6);
    let plain = Ancestral::new(1.0).unwrap().plan(&sigmas[..]).unwrap();
    let once = Resampled::new(Ancestral::new(1.0).unwrap(), 1).unwrap().plan(&sigmas[..]).unwrap();
    assert_eq!(once.rows(), plain.rows());
    assert!((0..6).all(|row| once.step(row) == plain.step(row)));
    let error = Known::new(three_modes(&sigmas), &sigmas[..], &[0.0; 2], &[true; 3]).err();
    assert_eq!(error, Some(Error::Length { dim: 2, have: 3 }));
}

/// Conditioned on a class the samples are that mode's; guidance moves them away from the others as its
/// formula says.
#[test]
fn guidance_draws_the_class() {
    let sigmas = sigmas(60);
    let mixture = three_modes(&sigmas);
    let plan = Ancestral::new(1.0).unwrap().plan(&sigmas[..]).unwrap();
    let conditional = Guided::<_, 2>::new(mixture.clone(), 1, 0.0).unwrap();
    let samples = draw(&conditional, &plan, 4000, 2, |_| ()).unwrap();
    for (j, expected) in [-0.7, -1.1].into_iter().enumerate() {
        let column: Vec<f32> = samples.rows().map(|x| x[j]).collect();
        let (mean, variance) = mean_and_variance(&column);
        assert!((mean - expected).abs() < 0.01 && (variance / 0.04 - 1.0).abs() < 0.12, "{mean} {variance}");
    }
    let mut guided = Guided::<_, 2>::new(mixture.clone(), 1, 1.5).unwrap();
    let (mut with, mut without) = (mixture.clone(), mixture);
    with.choose(Some(1)).unwrap();
    let (mut a, mut b, mut c) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for level in 0..60 {
        let x = [0.3, -0.6];
        with.noise(&x, level, &mut a);
        without.noise(&x, level, &mut b);
        guided.noise(&x, level, &mut c);
        assert!((0..2).all(|j| (c[j] - (2.5 * a[j] - 1.5 * b[j])).abs() < 1e-4), "{level}");
    }
    let missing = Guided::<_, 2>::new(without, 7, 0.0).err();
    assert_eq!(missing, Some(Error::NoSuchClass { asked: 7, have: 3 }));
}

/// Given a noisy point, chains from its level draw from the exact posterior of the clean one, and their mean
/// is Tweedie's.
#[test]
fn denoising_draws_from_the_exact_posterior() {
    let sigmas = sigmas(200);
    let mut mixture = three_modes(&sigmas);
    let (sigma, level) = (&sigmas[..]).at_least(0.8);
    let noisy = [0.6, 0.7];
    let exact = posterior(&mixture, &noisy, &[true; 2], 0.04 + sigma * sigma);
    let plan = Ancestral::new(1.0).unwrap().plan(From::new(&sigmas[..], level).unwrap()).unwrap();
    let (mut shares, mut mean, n) = ([0.0; 3], [0.0_f64; 2], 6000);
    for i in 0..n {
        let mut chain = Chain::<_, 2>::from_state(&plan, &mixture, stream(3, i), &noisy).unwrap();
        chain.run(&plan, &mut mixture);
        let x = chain.state();
        shares[if x[0] > 0.3 {
            2
        } else if x[1] > 0.0 {
            0
        } else {
            1
        }] += 1.0 / n as f64;
        (0..2).for_each(|j| mean[j] += f64::from(x[j]) / n as f64);
    }
    for (share, exact) in shares.iter().zip(&exact) {
        assert!((share - exact).abs() < 0.025, "{shares:?} for {exact:?}");
    }
    let tweedie = Tweedie.plan(At::new(&sigmas[..], level).unwrap()).unwrap();
    let mut chain = Chain::<_, 2>::from_state(&tweedie, &mixture, stream(3, 0), &noisy).unwrap();
    chain.run(&tweedie, &mut mixture);
    for (x, mean) in chain.state().iter().zip(mean) {
        assert!((f64::from(*x) - mean).abs() < 0.03, "{x} for {mean}");
    }
}

/// Where data vary less than the noise, one noisy vector of 64 numbers tells its own σ to about 9 %.
#[test]
fn the_noise_of_a_vector_is_found() {
    let sigmas = sigmas(80);
    let (dim, variance) = (64, 0.01_f32);
    let mut score = GaussianMixture::single(dim, variance, &sigmas);
    let power = |level: usize| {
        let square = sigmas[level] * sigmas[level];
        square / (variance + square)
    };
    let mut eps = vec![0.0; dim];
    for (seed, sigma) in [(1, 0.2_f32), (2, 0.5), (3, 1.0), (4, 3.0)] {
        let mut found = 0.0;
        for chain in 0..50 {
            let mut rng = stream(seed, chain);
            let spread = (variance + sigma * sigma).sqrt();
            let x: Vec<f32> =
                (0..dim).map(|_| spread * tinyscore::normal::standard_normal(&mut rng)).collect();
            let level = noise_level(&mut score, power, &x, &mut eps);
            found += sigmas[level] / 50.0;
        }
        assert!((found / sigma - 1.0).abs() < 0.07, "{found} for {sigma}");
    }
}

/// The norm of the score ranks points almost as the exact density does.
#[test]
fn anomalies_are_found_as_by_the_density() {
    let sigmas = sigmas(40);
    let mut mixture = three_modes(&sigmas);
    let (_, first) = (&sigmas[..]).at_least(1.0);
    let detector = Detector { first: first as u16, stride: 6, count: 4, threshold: 0.0 };
    let mut rng = stream(9, 0);
    let mut uniform = || {
        (0..2).map(|_| (rand_core::Rng::next_u32(&mut rng) >> 8) as f32 / 16_777_216.0 * 6.0 - 3.0).collect()
    };
    let outside: Vec<Vec<f32>> = (0..2000).map(|_| uniform()).collect();
    let plan = Ancestral::new(1.0).unwrap().plan(&sigmas[..]).unwrap();
    let inside = draw(&mixture, &plan, 2000, 4, |_| ()).unwrap();
    let mut eps = [0.0; 2];
    let mut by_score = |x: &[f32]| detector.score(&mut mixture, x, &mut eps);
    let norms =
        auc(outside.iter().map(|x| by_score(x)).collect(), inside.rows().map(&mut by_score).collect());
    let mixture = three_modes(&sigmas);
    let by_density = |x: &[f32]| -mixture.log_density(x, 0.0) as f32;
    let density =
        auc(outside.iter().map(|x| by_density(x)).collect(), inside.rows().map(by_density).collect());
    assert!(density > 0.95 && norms > density - 0.02, "{norms} for {density}");
}

/// Share of pairs in which the anomaly has the larger score.
fn auc(anomalies: Vec<f32>, normal: Vec<f32>) -> f64 {
    let above = |a: &f32| normal.iter().filter(|n| a > n).count();
    anomalies.iter().map(above).sum::<usize>() as f64 / (anomalies.len() * normal.len()) as f64
}

/// A row that adds b²·v by its own error draws that much less.
#[test]
fn compensation_keeps_the_variance_of_a_step() {
    let tiny = tests::Tiny::new(&[2, 8, 2], 5);
    let all: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
    let blob = tiny.encode(&Ddim.plan(&all[..]).unwrap()).unwrap();
    let network = network(&blob).unwrap();
    let levels = network.model().levels();
    let plan = Ancestral::new(1.0).unwrap().plan(levels).unwrap();
    let compensated = Compensated::new(&plan, levels);
    for row in 0..plan.rows() {
        let (plain, less) = (plan.step(row), compensated.step(row));
        let error = plain.b * plain.b * levels.get(row).variance;
        let sum = less.d * less.d + if plain.d > 0.0 { error } else { 0.0 };
        assert!((sum - plain.d * plain.d).abs() < 1e-6 && less.b == plain.b, "{row}: {plain:?} {less:?}");
    }
}

/// The window that the firmware example's `sensor` has stored, in thousandths, is the first normal heartbeat of seed 7;
/// `UPDATE_WINDOW=1` writes it.
#[test]
fn the_stored_window_is_a_draw_of_its_set() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/models/ecg-window.i16");
    let drawn = Set::Ecg { length: 64 }.draw(20, &mut stream(7, 0));
    let normal = drawn.labels().iter().position(|&label| label == 0).unwrap();
    let thousandths = drawn.row(normal).iter().map(|x| (1000.0 * x).round() as i16);
    let bytes: Vec<u8> = thousandths.flat_map(i16::to_le_bytes).collect();
    if std::env::var_os("UPDATE_WINDOW").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
