//! The exact score of a mixture of isotropic Gaussians, in closed form.
//!
//! ```text
//! p(x; σ) = Σ_k w_k·N(x; μ_k, (v + σ²)·I)
//! ε̂ = −σ·∇log p = σ/(v + σ²)·(x − Σ_k γ_k(x)·μ_k) ,   γ_k(x) = posterior of component k
//! ```

use std::f64::consts::TAU;
use tinyscore::{Conditional, Energy, Error, Score};

/// A mixture of Gaussians of equal variance, at a list of noise levels.
#[derive(Clone, Debug)]
pub struct GaussianMixture<'a> {
    /// Component means; all of one length.
    pub means: Vec<Vec<f32>>,
    /// Component weights; they sum to 1.
    pub weights: Vec<f32>,
    /// Variance of each component along each axis.
    pub variance: f32,
    /// The noise levels.
    pub sigmas: &'a [f32],
    /// The component that the score is conditioned on, if any.
    pub class: Option<usize>,
}

impl<'a> GaussianMixture<'a> {
    /// One Gaussian at the origin.
    pub fn single(dim: usize, variance: f32, sigmas: &'a [f32]) -> Self {
        Self { means: vec![vec![0.0; dim]], weights: vec![1.0], variance, sigmas, class: None }
    }

    /// The two-mode mixture ±(2, 2), variance 0.01 per axis, divided by √4.01.
    pub fn two_modes(sigmas: &'a [f32]) -> Self {
        let mode = 2.0 / 4.01_f32.sqrt();
        Self {
            means: vec![vec![mode, mode], vec![-mode, -mode]],
            weights: vec![0.5, 0.5],
            variance: 0.01 / 4.01,
            sigmas,
            class: None,
        }
    }

    /// Variance of each component along each axis, with the noise's.
    fn variance_at(&self, sigma: f32) -> f64 {
        f64::from(self.variance) + f64::from(sigma) * f64::from(sigma)
    }

    /// Of every component log(w_k·N(x; μ_k, …)) but for the constant of the normal densities.
    fn logs(&self, x: &[f32], sigma: f32) -> Vec<f64> {
        let variance = self.variance_at(sigma);
        let log = |(k, (mean, weight)): (usize, (&Vec<f32>, &f32))| {
            let square: f64 = mean.iter().zip(x).map(|(m, x)| (f64::from(*x) - f64::from(*m)).powi(2)).sum();
            let weight = match self.class {
                None => f64::from(*weight).ln(),
                Some(class) if class == k => 0.0,
                Some(_) => f64::NEG_INFINITY,
            };
            weight - 0.5 * square / variance
        };
        self.means.iter().zip(&self.weights).enumerate().map(log).collect()
    }

    /// log p(x; σ) at any σ, 0 included.
    pub fn log_density(&self, x: &[f32], sigma: f32) -> f64 {
        let logs = self.logs(x, sigma);
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|l| (l - largest).exp()).sum();
        largest + total.ln() - 0.5 * x.len() as f64 * (TAU * self.variance_at(sigma)).ln()
    }

    /// The mixture of mapped points, for a map that is an almost equal stretch of all axes and a shift: the
    /// stretch of the means is kept, that of the variance averaged.
    pub fn mapped(mut self, map: impl Fn(&[f32]) -> Vec<f32>) -> Self {
        let dim = self.means[0].len();
        let stretches =
            map(&vec![1.0; dim]).into_iter().zip(map(&vec![0.0; dim])).map(|(unit, zero)| unit - zero);
        let gain = stretches.sum::<f32>() / dim as f32;
        self.means = self.means.iter().map(|mean| map(mean)).collect();
        self.variance *= gain * gain;
        self
    }

    /// vᵀ·(∂ε̂/∂x)·v at any σ: with the posterior mean m = Σ γ_k·μ_k,
    /// σ/(v + σ²)·(|v|² − Σ γ_k·(v·(μ_k − m))²/(v + σ²)).
    pub fn curvature_at(&self, x: &[f32], sigma: f32, direction: &[f32]) -> f64 {
        let variance = self.variance_at(sigma);
        let dot =
            |a: &[f32]| a.iter().zip(direction).map(|(a, v)| f64::from(*a) * f64::from(*v)).sum::<f64>();
        let posterior = self.posterior(x, sigma);
        let along: Vec<f64> = self.means.iter().map(|mean| dot(mean)).collect();
        let mean: f64 = along.iter().zip(&posterior).map(|(a, p)| a * p).sum();
        let spread: f64 = along.iter().zip(&posterior).map(|(a, p)| p * (a - mean).powi(2)).sum();
        f64::from(sigma) / variance * (dot(direction) - spread / variance)
    }

    /// γ_k(x) of every component.
    fn posterior(&self, x: &[f32], sigma: f32) -> Vec<f64> {
        let logs = self.logs(x, sigma);
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let posterior: Vec<f64> = logs.iter().map(|l| (l - largest).exp()).collect();
        let total: f64 = posterior.iter().sum();
        posterior.iter().map(|p| p / total).collect()
    }

    /// ε̂ at any σ, in double precision.
    pub fn noise_at(&self, x: &[f32], sigma: f32, eps: &mut [f32]) {
        let variance = self.variance_at(sigma);
        let posterior = self.posterior(x, sigma);
        for (j, (eps, x)) in eps.iter_mut().zip(x).enumerate() {
            let mean: f64 = self.means.iter().zip(&posterior).map(|(m, p)| f64::from(m[j]) * p).sum();
            *eps = (f64::from(sigma) / variance * (f64::from(*x) - mean)) as f32;
        }
    }
}

impl Score for GaussianMixture<'_> {
    fn dim(&self) -> usize {
        self.means[0].len()
    }

    fn levels(&self) -> usize {
        self.sigmas.len()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        let sigma = self.sigmas[level.min(self.sigmas.len() - 1)];
        self.noise_at(x, sigma, eps);
    }
}

/// Classes are components.
impl Conditional for GaussianMixture<'_> {
    fn classes(&self) -> usize {
        self.means.len()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        match class {
            Some(asked) if asked >= self.means.len() => {
                Err(Error::NoSuchClass { asked, have: self.means.len() })
            }
            class => {
                self.class = class;
                Ok(())
            }
        }
    }
}

impl Energy for GaussianMixture<'_> {
    fn energy(&mut self, x: &[f32], level: usize) -> f32 {
        let sigma = self.sigmas[level.min(self.sigmas.len() - 1)];
        -self.log_density(x, sigma) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one dimension the density is integrated; its slope is −ε̂/σ everywhere.
    #[test]
    fn the_density_is_normalized_and_its_slope_is_the_score() {
        let mixture = GaussianMixture {
            means: vec![vec![-1.0], vec![2.0]],
            weights: vec![0.25, 0.75],
            variance: 0.1,
            sigmas: &[],
            class: None,
        };
        let (sigma, step) = (0.4, 1.0 / 256.0);
        let mut mass = 0.0;
        let mut eps = [0.0];
        for i in -2048..2048 {
            let x = i as f32 * step;
            mass += mixture.log_density(&[x], sigma).exp() * f64::from(step);
            let rise = mixture.log_density(&[x + step], sigma) - mixture.log_density(&[x - step], sigma);
            mixture.noise_at(&[x], sigma, &mut eps);
            let slope = rise / (2.0 * f64::from(step));
            assert!((slope + f64::from(eps[0] / sigma)).abs() < 1e-3, "{x}: {slope}");
        }
        assert!((mass - 1.0).abs() < 1e-6, "{mass}");
    }
}
