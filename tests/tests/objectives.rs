//! Objectives that know more or less of the data's density learn the same score from the same points.

use rand_core::Rng;
use std::sync::atomic::AtomicBool;
use tinyscore::Score;
use tinyscore::normal::standard_normal;
use tinyscore::rng::stream;
use trainer::config::{Config, Preset};
use trainer::denoiser::Denoiser;
use trainer::exact::GaussianMixture;
use trainer::objective::ObjectiveName;
use trainer::run::Run;

/// A short training of a small network; from σ = 0.2 on, where the modes are not narrow.
fn trained(name: ObjectiveName, folder: &std::path::Path) -> Denoiser {
    let mut config = Config::new("mixture", Preset::Default).with_objective(name);
    config.points = 20_000;
    config.net.hidden = vec![32, 32];
    config.net.embedding = 8;
    config.training.steps = 1500;
    config.training.batch = 256;
    config.training.learning_rate = 5e-3;
    config.training.sigma_min = 0.2;
    config.training.ema = 0.99;
    config.export.sigma_min = 0.2;
    let run = Run::create(&folder.join(name.name()), config).unwrap();
    let outcome = run.train(&AtomicBool::new(false)).unwrap();
    run.averaged(&outcome.checkpoint)
}

/// R between two estimates of ε̂, mean over five levels and over points of the mixture at each.
fn difference(a: &mut impl Score, b: &mut impl Score, sigmas: &[f32]) -> f64 {
    const POINTS: usize = 1000;
    let mut rng = stream(9, 0);
    let mixture = GaussianMixture::two_modes(&[]);
    let (mut ea, mut eb) = ([0.0; 2], [0.0; 2]);
    let mut sum = 0.0;
    for (level, sigma) in sigmas.iter().enumerate() {
        let spread = (mixture.variance + sigma * sigma).sqrt();
        for _ in 0..POINTS {
            let mean = &mixture.means[rng.next_u32() as usize % 2];
            let x: Vec<f32> = mean.iter().map(|m| m + spread * standard_normal(&mut rng)).collect();
            a.noise(&x, level, &mut ea);
            b.noise(&x, level, &mut eb);
            sum += ea.iter().zip(&eb).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>() / 2.0;
        }
    }
    sum / (POINTS * sigmas.len()) as f64
}

/// R against the exact score is under 0.008 with a target and under 0.02 without, between any two under
/// 0.015. (ε̂ = 0 has an R of 0.8.)
#[test]
fn explicit_denoising_implicit_and_sliced_score_matching_find_the_same_score() {
    let folder = tempfile::tempdir().unwrap();
    let sigmas = [4.0, 2.0, 1.0, 0.5, 0.25];
    let mut exact = GaussianMixture::two_modes(&sigmas);
    let bounds = [
        (ObjectiveName::Esm, 0.008),
        (ObjectiveName::Dsm, 0.008),
        (ObjectiveName::Ism, 0.02),
        (ObjectiveName::Ssm, 0.02),
    ];
    let models = bounds.map(|(name, bound)| (name, bound, trained(name, folder.path())));
    for (i, (name, bound, model)) in models.iter().enumerate() {
        let mut score = model.at_levels(&sigmas);
        let r = difference(&mut score, &mut exact, &sigmas);
        assert!(r < *bound, "{name:?}: {r}");
        for (other, _, second) in models.iter().take(i) {
            let r = difference(&mut score, &mut second.at_levels(&sigmas), &sigmas);
            assert!(r < 0.015, "{name:?} and {other:?}: {r}");
        }
    }
}
