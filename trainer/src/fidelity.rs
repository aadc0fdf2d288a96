//! How close the core's integer network comes to the float one, level by level.

use crate::data::Toy;
use crate::denoiser::Denoiser;
use crate::exact::GaussianMixture;
use crate::points::Points;
use crate::sample::Network;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use tinyscore::{Levels, Model, Score};

/// Points per level.
pub const POINTS: usize = 4000;

/// Agreement at one noise level, over noisy data x ~ p(x; σ).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct AtLevel {
    /// σ
    pub sigma: f32,
    /// Cosine between the integer and the float ε̂, all points and dimensions as one vector.
    pub cosine: f64,
    /// ‖ε̂_int8 − ε̂_float‖/‖ε̂_float‖ of the same vectors.
    pub relative_l2: f64,
    /// R(σ) of the integer network against the exact score, where that is known.
    pub error: Option<f64>,
    /// R(σ) of the float network.
    pub float_error: Option<f64>,
}

/// Compares at every level of the blob. `data` in model units.
pub fn fidelity(
    network: &Network<'_>,
    denoiser: &Denoiser,
    data: &Points,
    exact: Option<Toy>,
    seed: u64,
) -> Vec<AtLevel> {
    let table = network.model().levels();
    let sigmas: Vec<f32> = (0..table.count()).map(|i| table.sigma(i)).collect();
    let mixture = (exact == Some(Toy::Mixture)).then(|| truth(network.model()));
    let (mut network, mut float) = (network.clone(), denoiser.at_levels(&sigmas));
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let dim = data.dim();
    let (mut a, mut b, mut exact_eps) = (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
    let at_level = |(level, &sigma): (usize, &f32)| {
        let mut sums = Sums::default();
        for _ in 0..POINTS {
            let (x, _) = noisy(data, sigma, &mut rng);
            network.noise(&x, level, &mut a);
            float.noise(&x, level, &mut b);
            if let Some(mixture) = &mixture {
                mixture.noise_at(&x, sigma, &mut exact_eps);
            }
            sums.add(&a, &b, &exact_eps);
        }
        sums.finish(sigma, mixture.is_some(), POINTS * dim)
    };
    sigmas.iter().enumerate().map(at_level).collect()
}

/// A point of `data` with noise of standard deviation `sigma`, and its class.
pub fn noisy(data: &Points, sigma: f32, rng: &mut impl Rng) -> (Vec<f32>, Option<u16>) {
    let i = rng.random_range(0..data.len());
    (data.row(i).iter().map(|x| x + sigma * rng.sample::<f32, _>(StandardNormal)).collect(), data.label(i))
}

/// The exact score of the two-mode mixture in the model's own units.
fn truth(model: &Model<'_>) -> GaussianMixture<'static> {
    GaussianMixture::two_modes(&[]).mapped(|x| {
        let mut mapped = vec![0.0; x.len()];
        model.to_model(x, &mut mapped);
        mapped
    })
}

/// Inner products of the two estimates and the truth.
#[derive(Default)]
struct Sums {
    aa: f64,
    bb: f64,
    ab: f64,
    difference: f64,
    error: f64,
    float_error: f64,
}

impl Sums {
    fn add(&mut self, a: &[f32], b: &[f32], truth: &[f32]) {
        for ((a, b), t) in a.iter().zip(b).zip(truth) {
            let (a, b, t) = (f64::from(*a), f64::from(*b), f64::from(*t));
            self.aa += a * a;
            self.bb += b * b;
            self.ab += a * b;
            self.difference += (a - b) * (a - b);
            self.error += (a - t) * (a - t);
            self.float_error += (b - t) * (b - t);
        }
    }

    fn finish(&self, sigma: f32, exact: bool, n: usize) -> AtLevel {
        AtLevel {
            sigma,
            cosine: self.ab / (self.aa * self.bb).sqrt(),
            relative_l2: (self.difference / self.bb).sqrt(),
            error: exact.then(|| self.error / n as f64),
            float_error: exact.then(|| self.float_error / n as f64),
        }
    }
}
