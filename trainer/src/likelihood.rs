//! The log-likelihood of data under a model, by the probability-flow ODE (Song et al. 2021, eq. 39; Chen et al. 2018)
//! in t = ln σ:
//!
//! ```text
//! dx/dt = σ·ε̂(x, σ) ,   log p(x; σ_min) = log p(x(T); σ_max) + ∫ σ·∇·ε̂(x(t), σ) dt
//! ```
//!
//! from σ_min to σ_max, where p(x; σ_max) is taken to be the samplers' prior N(0, (σ_max² + 1)·I). The divergence is
//!
//! ```text
//! ∇·ε̂ = Σ_j e_jᵀ·(∂ε̂/∂x)·e_j          exact, in up to 64 dimensions
//! ∇·ε̂ ≈ vᵀ·(∂ε̂/∂x)·v ,  v_j = ±1       above (Hutchinson 1989): unbiased, one v a point
//! ```
//!
//! Apart from the network three things are not exact: p(x; σ_min) stands for the data's density, which costs
//! about σ_min⁴/(4v²) nats a dimension of variance v; the prior for the law at σ_max, .0004 nats for the
//! standardized two-mode mixture at σ_max = 6; and the solver, whose tolerance is that of a step.

use crate::data::Standardizer;
use crate::denoiser::{Coefficients, Denoiser};
use crate::exact::GaussianMixture;
use crate::mlp::Scratch;
use crate::ode::{OdeError, dormand_prince};
use crate::points::Points;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use std::f64::consts::{LN_2, TAU};

/// Most dimensions with an exact divergence.
pub const EXACT: usize = 64;

/// A score at any σ, with its derivatives.
pub trait Flow {
    /// Number of dimensions.
    fn dim(&self) -> usize;

    /// Writes ε̂(x, σ) into `eps` and returns Σ vᵀ·(∂ε̂/∂x)·v over the rows v of `directions`.
    fn noise_and_curvature(&mut self, x: &[f32], sigma: f32, directions: &Points, eps: &mut [f32]) -> f64;
}

impl Flow for GaussianMixture<'_> {
    fn dim(&self) -> usize {
        self.means[0].len()
    }

    fn noise_and_curvature(&mut self, x: &[f32], sigma: f32, directions: &Points, eps: &mut [f32]) -> f64 {
        self.noise_at(x, sigma, eps);
        directions.rows().map(|v| self.curvature_at(x, sigma, v)).sum()
    }
}

/// The float network with its buffers.
#[derive(Clone, Debug)]
pub struct FloatFlow<'a> {
    denoiser: &'a Denoiser,
    input: Vec<f32>,
    tangents: Vec<f32>,
    scratch: [Scratch; 2],
}

impl<'a> FloatFlow<'a> {
    /// The flow of `denoiser`.
    pub fn new(denoiser: &'a Denoiser) -> Self {
        Self { denoiser, input: Vec::new(), tangents: Vec::new(), scratch: Default::default() }
    }
}

impl Flow for FloatFlow<'_> {
    fn dim(&self) -> usize {
        self.denoiser.dim()
    }

    fn noise_and_curvature(&mut self, x: &[f32], sigma: f32, directions: &Points, eps: &mut [f32]) -> f64 {
        let Self { denoiser, input, tangents, scratch } = self;
        let Coefficients { input: c_in, skip, gain } = denoiser.precondition.at(sigma);
        input.clear();
        denoiser.append_input(x, sigma, None, input);
        tangents.clear();
        for v in directions.rows() {
            let end = tangents.len() + input.len();
            tangents.extend(v.iter().map(|v| c_in * v));
            // Neither the level nor the class moves.
            tangents.resize(end, 0.0);
        }
        let (f, df) = denoiser.net.forward_tangents(input, tangents, scratch);
        for ((eps, x), f) in eps.iter_mut().zip(x).zip(f) {
            *eps = skip * x + gain * f;
        }
        let rows = directions.rows().zip(df.chunks_exact(denoiser.dim()));
        let product = |(v, df): (&f32, &f32)| f64::from(*v) * f64::from(skip * v + gain * df);
        rows.map(|(v, df)| v.iter().zip(df).map(product).sum::<f64>()).sum()
    }
}

/// How the ODE is solved.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where the data's density is read.
    pub sigma_min: f32,
    /// Where the prior stands.
    pub sigma_max: f32,
    /// Error of a step of the solver.
    pub tolerance: f64,
    /// Seed of Hutchinson's directions.
    pub seed: u64,
}

/// log p(x; σ_min) of every point, in nats, in model units; the same bits for any number of threads.
///
/// # Errors
/// When the solver gives up.
pub fn log_likelihoods<F>(flow: &F, points: &Points, settings: &Settings) -> Result<Vec<f64>, OdeError>
where
    F: Flow + Clone + Send + Sync,
{
    let identity = (flow.dim() <= EXACT).then(|| identity(flow.dim()));
    let row = |flow: &mut F, (i, x): (usize, &[f32])| {
        let signs = || {
            let seed = settings.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i as u64;
            signs(x.len(), &mut Xoshiro256PlusPlus::seed_from_u64(seed))
        };
        let directions = identity.clone().unwrap_or_else(signs);
        log_likelihood(flow, x, &directions, settings)
    };
    let rows: Vec<&[f32]> = points.rows().collect();
    rows.into_par_iter().enumerate().map_init(|| flow.clone(), row).collect()
}

fn log_likelihood(
    flow: &mut impl Flow,
    x: &[f32],
    directions: &Points,
    settings: &Settings,
) -> Result<f64, OdeError> {
    let Settings { sigma_min, sigma_max, tolerance, .. } = *settings;
    let dim = x.len();
    let (mut at, mut eps) = (vec![0.0; dim], vec![0.0; dim]);
    // The state, then the integral of the divergence.
    let mut y: Vec<f64> = x.iter().map(|&x| f64::from(x)).chain([0.0]).collect();
    let flow = |t: f64, y: &[f64], dy: &mut [f64]| {
        let sigma = t.exp();
        at.iter_mut().zip(y).for_each(|(at, &y)| *at = y as f32);
        let divergence = flow.noise_and_curvature(&at, sigma as f32, directions, &mut eps);
        dy.iter_mut().zip(&eps).for_each(|(dy, &eps)| *dy = sigma * f64::from(eps));
        dy[dim] = sigma * divergence;
    };
    let span = (f64::from(sigma_min).ln(), f64::from(sigma_max).ln());
    dormand_prince(flow, span, &mut y, tolerance)?;
    let variance = f64::from(sigma_max).powi(2) + 1.0;
    let square: f64 = y[..dim].iter().map(|x| x * x).sum();
    Ok(y[dim] - 0.5 * square / variance - 0.5 * dim as f64 * (TAU * variance).ln())
}

fn identity(dim: usize) -> Points {
    Points::new(dim, (0..dim * dim).map(|i| f32::from(u8::from(i % (dim + 1) == 0))).collect())
}

fn signs(dim: usize, rng: &mut impl Rng) -> Points {
    Points::new(dim, (0..dim).map(|_| if rng.next_u32() >> 31 == 0 { 1.0 } else { -1.0 }).collect())
}

/// A mean with its standard error, in data units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NegativeLogLikelihood {
    /// Mean of −log p over the points, in nats.
    pub nats: f64,
    /// Standard error of that mean.
    pub error: f64,
    /// The mean in bits, by dimension.
    pub bits_per_dim: f64,
}

impl NegativeLogLikelihood {
    /// Of log-likelihoods in model units; a density in data units is thinner by the product of all scales.
    pub fn new(log_likelihoods: &[f64], standardizer: &Standardizer) -> Self {
        let n = log_likelihoods.len() as f64;
        let mean = log_likelihoods.iter().sum::<f64>() / n;
        let square: f64 = log_likelihoods.iter().map(|l| (l - mean).powi(2)).sum();
        let scales = standardizer.scale();
        let stretch: f64 = scales.iter().map(|&s| f64::from(s).ln()).sum();
        let nats = stretch - mean;
        Self {
            nats,
            error: (square / (n * (n - 1.0).max(1.0))).sqrt(),
            bits_per_dim: nats / (LN_2 * scales.len() as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Toy;
    use crate::denoiser::{Embedding, Precondition};
    use crate::mlp::Activation;

    fn settings(sigma_min: f32, sigma_max: f32) -> Settings {
        Settings { sigma_min, sigma_max, tolerance: 1e-6, seed: 1 }
    }

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(5)
    }

    /// For N(0, I) the prior is exact, so is every point's log-likelihood: −½|x|²/(1 + σ²) − d/2·ln 2π(1 + σ²).
    #[test]
    fn a_gaussian_is_exact_point_by_point() {
        let gaussian = GaussianMixture::single(3, 1.0, &[]);
        let points = Points::new(3, vec![0.0, 0.0, 0.0, 1.0, -2.0, 0.5, 4.0, 4.0, -4.0]);
        let got = log_likelihoods(&gaussian, &points, &settings(0.01, 20.0)).unwrap();
        for (x, got) in points.rows().zip(got) {
            let exact = gaussian.log_density(x, 0.01);
            assert!((got - exact).abs() < 1e-4, "{got} {exact}");
        }
    }

    /// The entropy of the standardized two-mode mixture is ln 2 + ln(2πe·v) = −2.4629 nats, v = .01/4.01.
    #[test]
    fn the_mixture_has_its_entropy() {
        let mixture = GaussianMixture::two_modes(&[]);
        let points = Toy::Mixture.draw(4000, &mut rng());
        let got = log_likelihoods(&mixture, &points.take(100), &settings(0.002, 60.0)).unwrap();
        for (x, got) in points.rows().zip(&got) {
            let exact = mixture.log_density(x, 0.002);
            assert!((got - exact).abs() < 0.01, "{got} {exact}");
        }
        // At the samplers' σ_max the prior is wrong by as much as .1 in the tails, not on average.
        let got = log_likelihoods(&mixture, &points, &settings(0.002, 6.0)).unwrap();
        let result =
            NegativeLogLikelihood::new(&got, &Standardizer::fit(&Points::new(2, vec![-1.0, -1.0, 1.0, 1.0])));
        assert!((result.error - 1.0 / 4000_f64.sqrt()).abs() < 0.002, "{}", result.error);
        let exact: f64 = points.rows().map(|x| -mixture.log_density(x, 0.0)).sum::<f64>() / 4000.0;
        assert!((result.nats - exact).abs() < 2e-3, "{} {exact}", result.nats);
        assert!((result.nats + 2.4629).abs() < 4.0 * result.error, "{}", result.nats);
        assert!((result.bits_per_dim - result.nats / 1.386_294).abs() < 1e-5);
    }

    /// Hutchinson's estimate has the exact mean; a Gaussian's curvature is the same in all directions.
    #[test]
    fn hutchinson_agrees_above_64_dimensions() {
        let dim = EXACT + 6;
        let gaussian = GaussianMixture::single(dim, 1.0, &[]);
        let points = Points::new(dim, (0..2 * dim).map(|i| (i as f32).sin()).collect());
        let got = log_likelihoods(&gaussian, &points, &settings(0.01, 6.0)).unwrap();
        for (x, got) in points.rows().zip(got) {
            let exact = gaussian.log_density(x, 0.01);
            assert!((got - exact).abs() < 1e-3, "{got} {exact}");
        }
        // Unlike directions: modes far apart along one line.
        let mut mixture = GaussianMixture::two_modes(&[]);
        let mut rng = rng();
        let (x, mut eps) = ([0.1, -0.2], [0.0; 2]);
        let exact = mixture.noise_and_curvature(&x, 1.0, &identity(2), &mut eps);
        let n = 20_000;
        let estimates: Vec<f64> =
            (0..n).map(|_| mixture.noise_and_curvature(&x, 1.0, &signs(2, &mut rng), &mut eps)).collect();
        let mean = estimates.iter().sum::<f64>() / f64::from(n);
        assert!((mean - exact).abs() < 0.06 && (estimates[0] - exact).abs() > 0.1, "{mean} {exact}");
    }

    #[test]
    fn a_scale_moves_the_density() {
        let points = Points::new(2, vec![0.0, 10.0, 4.0, 30.0]);
        let scale = Standardizer::fit(&points);
        let plain = NegativeLogLikelihood::new(
            &[-1.0, -3.0],
            &Standardizer::fit(&Points::new(2, vec![0.0, 0.0, 2.0, 2.0])),
        );
        assert_eq!((plain.nats, plain.error), (2.0, 1.0));
        let scaled = NegativeLogLikelihood::new(&[-1.0, -3.0], &scale);
        assert!((scaled.nats - 2.0 - 20_f64.ln()).abs() < 1e-6, "{}", scaled.nats);
    }

    /// Whatever the weights, the flow moves mass and makes none.
    #[test]
    fn the_density_of_a_network_has_mass_one() {
        let embedding = Embedding { features: 4, sigma_min: 0.1, sigma_max: 6.0 };
        let denoiser =
            Denoiser::new(2, &[16, 16], Activation::Tanh, Precondition::Edm, embedding, 0, &mut rng());
        let step = 0.2;
        let grid = (-30..=30).flat_map(|i| (-30..=30).flat_map(move |j| [step * i as f32, step * j as f32]));
        let points = Points::new(2, grid.collect());
        let settings = Settings { tolerance: 1e-4, ..settings(0.1, 6.0) };
        let logs = log_likelihoods(&FloatFlow::new(&denoiser), &points, &settings).unwrap();
        let mass: f64 = logs.iter().map(|l| l.exp() * f64::from(step * step)).sum();
        assert!((mass - 1.0).abs() < 2e-3, "{mass}");
        // The network is not the Gaussian of zero weights.
        let plain = GaussianMixture::single(2, 1.0, &[]);
        assert!(points.rows().zip(&logs).any(|(x, l)| (l - plain.log_density(x, 0.1)).abs() > 0.3));
    }

    /// The network's divergence against central differences.
    #[test]
    fn tangents_are_the_derivative() {
        let embedding = Embedding { features: 4, sigma_min: 0.01, sigma_max: 6.0 };
        let hidden = [24, 16];
        let denoiser =
            Denoiser::new(3, &hidden, Activation::Silu, Precondition::Edm, embedding, 0, &mut rng());
        let mut flow = FloatFlow::new(&denoiser);
        let (x, sigma, step) = ([0.3_f32, -0.8, 1.1], 0.7, 1e-2);
        let mut eps = [0.0; 3];
        for v in [[1.0, 0.0, 0.0], [0.5, -1.0, 2.0]] {
            let direction = Points::new(3, v.to_vec());
            let curvature = flow.noise_and_curvature(&x, sigma, &direction, &mut eps);
            let mut side = |sign: f32| {
                let moved: [f32; 3] = std::array::from_fn(|i| x[i] + sign * step * v[i]);
                flow.noise_and_curvature(&moved, sigma, &direction, &mut eps);
                eps.iter().zip(&v).map(|(e, v)| f64::from(e * v)).sum::<f64>()
            };
            let difference = (side(1.0) - side(-1.0)) / (2.0 * f64::from(step));
            assert!((curvature - difference).abs() < 2e-3, "{curvature} {difference}");
        }
        let mut score = denoiser.at_levels(std::slice::from_ref(&sigma));
        let mut expected = [0.0; 3];
        tinyscore::Score::noise(&mut score, &x, 0, &mut expected);
        flow.noise_and_curvature(&x, sigma, &identity(3), &mut eps);
        assert_eq!(eps, expected);
    }

    /// Whatever the weights and with classes or without, a density is 1 over the whole plane: summed on a grid.
    #[test]
    fn every_network_has_a_density_of_mass_one() {
        for classes in [0, 3] {
            let embedding = Embedding { features: 4, sigma_min: 0.3, sigma_max: 8.0 };
            let denoiser = Denoiser::new(
                2,
                &[16, 16],
                Activation::Tanh,
                Precondition::Edm,
                embedding,
                classes,
                &mut rng(),
            );
            let (side, step) = (24, 0.5);
            let at = |i: usize| (i as f32 - 0.5 * (side - 1) as f32) * step;
            let grid = Points::new(2, (0..side * side).flat_map(|i| [at(i % side), at(i / side)]).collect());
            let settings = Settings { tolerance: 1e-4, ..settings(0.3, 8.0) };
            let logs = log_likelihoods(&FloatFlow::new(&denoiser), &grid, &settings).unwrap();
            let mass = logs.iter().map(|log| log.exp()).sum::<f64>() * f64::from(step * step);
            assert!((mass - 1.0).abs() < 0.02, "{classes} classes: {mass}");
        }
    }
}
