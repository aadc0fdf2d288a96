//! The float score network: a preconditioned multi-layer perceptron with a noise-level embedding.
//!
//! The network F sees c_in·x and an embedding of σ, and (Karras et al. 2022, eq. 7, σ_data = 1)
//!
//! ```text
//! D(x; σ) = c_skip·x + c_out·F        ε̂ = (x − D)/σ = skip·x + gain·F
//! ```
//!
//! The source notes' network is the special case that takes x alone and gives ε̂ = −F, s = F/σ.

use crate::mlp::{Activation, Mlp, Scratch};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, SQRT_2};

/// How F is read as ε̂.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Precondition {
    /// Karras et al. 2022, with an embedding of σ.
    Edm,
    /// The source notes: s = F(x)/σ, without σ as an input.
    Notes,
}

/// What a noise level makes of the network's ends: input c_in·x, output ε̂ = skip·x + gain·F.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// c_in
    pub input: f32,
    /// (1 − c_skip)/σ
    pub skip: f32,
    /// −c_out/σ
    pub gain: f32,
}

impl Precondition {
    /// Coefficients at σ.
    pub fn at(self, sigma: f32) -> Coefficients {
        match self {
            Self::Edm => {
                let variance = sigma * sigma + 1.0;
                let input = 1.0 / variance.sqrt();
                Coefficients { input, skip: sigma / variance, gain: -input }
            }
            Self::Notes => Coefficients { input: 1.0, skip: 0.0, gain: -1.0 },
        }
    }
}

/// Cosine features of the noise level: √2·cos(πku), k = 1…K, with u = ln(σ/σ_min)/ln(σ_max/σ_min).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embedding {
    /// K; 0 for none.
    pub features: usize,
    /// Where u = 0.
    pub sigma_min: f32,
    /// Where u = 1.
    pub sigma_max: f32,
}

impl Embedding {
    /// Appends the features of σ.
    pub fn append(&self, sigma: f32, out: &mut Vec<f32>) {
        let u = (sigma / self.sigma_min).ln() / (self.sigma_max / self.sigma_min).ln();
        out.extend((1..=self.features).map(|k| SQRT_2 * (PI * k as f32 * u).cos()));
    }
}

/// F with all that is needed to read it as ε̂.
#[derive(Clone, Debug)]
pub struct Denoiser {
    /// F: dim + features inputs, dim outputs.
    pub net: Mlp,
    /// How F is read.
    pub precondition: Precondition,
    /// The features of σ.
    pub embedding: Embedding,
}

impl Denoiser {
    /// A network with fresh weights for data of `dim` dimensions.
    pub fn new(
        dim: usize,
        hidden: &[usize],
        activation: Activation,
        precondition: Precondition,
        embedding: Embedding,
        rng: &mut impl Rng,
    ) -> Self {
        let widths: Vec<usize> =
            [dim + embedding.features].iter().chain(hidden).chain([&dim]).copied().collect();
        Self { net: Mlp::new(&widths, activation, rng), precondition, embedding }
    }

    /// Data dimensions.
    pub fn dim(&self) -> usize {
        self.net.outputs()
    }

    /// Appends F's input for `x` at σ: c_in·x, then the features.
    pub fn append_input(&self, x: &[f32], sigma: f32, out: &mut Vec<f32>) {
        let c_in = self.precondition.at(sigma).input;
        out.extend(x.iter().map(|x| c_in * x));
        self.embedding.append(sigma, out);
    }

    /// The model at the noise levels `sigmas`, for the core's samplers.
    pub fn at_levels<'a>(&'a self, sigmas: &'a [f32]) -> FloatScore<'a> {
        FloatScore { denoiser: self, sigmas, input: Vec::new(), scratch: Scratch::default() }
    }
}

/// The float network as the core's samplers see it.
#[derive(Clone, Debug)]
pub struct FloatScore<'a> {
    denoiser: &'a Denoiser,
    sigmas: &'a [f32],
    input: Vec<f32>,
    scratch: Scratch,
}

impl tinyscore::Score for FloatScore<'_> {
    fn dim(&self) -> usize {
        self.denoiser.dim()
    }

    fn levels(&self) -> usize {
        self.sigmas.len()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        let sigma = self.sigmas[level.min(self.sigmas.len() - 1)];
        let Coefficients { skip, gain, .. } = self.denoiser.precondition.at(sigma);
        self.input.clear();
        self.denoiser.append_input(x, sigma, &mut self.input);
        let f = self.denoiser.net.forward(&self.input, &mut self.scratch);
        for ((eps, x), f) in eps.iter_mut().zip(x).zip(f) {
            *eps = skip * x + gain * f;
        }
    }
}
