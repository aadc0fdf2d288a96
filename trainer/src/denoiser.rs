//! The float score network: a preconditioned multi-layer perceptron with a noise-level embedding.
//!
//! The network F sees c_in·x and an embedding of σ, and (Karras et al. 2022, eq. 7, σ_data = 1)
//!
//! ```text
//! D(x; σ) = c_skip·x + c_out·F        ε̂ = (x − D)/σ = skip·x + gain·F
//! ```
//!
//! An energy network has one output f, and F = ∇f by c_in·x; then
//!
//! ```text
//! E(x; σ) = (skip·‖x‖²/2 + gain/c_in·f)/σ        ε̂ = σ·∇E
//! ```
//!
//! Other papers' networks are other coefficients: with x_vp = x/√(1 + σ²) and v = (n − σ·x₀)/√(1 + σ²), what DDPM,
//! Salimans & Ho and the source notes (s = F/σ, which takes x alone) predict is ε̂ in disguise.

use crate::input_gradient::InputGradient;
use crate::mlp::{Activation, Mlp, Scratch};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, SQRT_2};
use std::sync::Arc;
use tinyscore::Error;

/// How F is read as ε̂.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Precondition {
    /// Karras et al. 2022, with an embedding of σ.
    Edm,
    /// F = ε̂ (Ho et al. 2020)
    Epsilon,
    /// F = v (Salimans & Ho 2022)
    V,
    /// F = x̂₀, the clean point (Ho et al. 2020; Salimans & Ho 2022)
    X0,
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
        let variance = sigma * sigma + 1.0;
        let input = 1.0 / variance.sqrt();
        match self {
            Self::Edm => Coefficients { input, skip: sigma / variance, gain: -input },
            Self::Epsilon => Coefficients { input, skip: 0.0, gain: 1.0 },
            Self::V => Coefficients { input, skip: sigma / variance, gain: input },
            Self::X0 => Coefficients { input, skip: 1.0 / sigma, gain: -1.0 / sigma },
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
        // Not the system's functions, which differ by processor in the last bit.
        let u = libm::logf(sigma / self.sigma_min) / libm::logf(self.sigma_max / self.sigma_min);
        out.extend((1..=self.features).map(|k| SQRT_2 * libm::cosf(PI * k as f32 * u)));
    }
}

/// F with all that is needed to read it as ε̂.
#[derive(Clone, Debug)]
pub struct Denoiser {
    /// F, or f of an energy network: dim + features + classes inputs, dim outputs or one.
    pub net: Mlp,
    /// Whether F is the gradient of the network's one output.
    pub is_energy: bool,
    /// How F is read.
    pub precondition: Precondition,
    /// The features of σ.
    pub embedding: Embedding,
    /// How many classes it can be conditioned on: one input each, 1 for the class that is given.
    pub classes: usize,
}

/// Share of examples that are shown without their class, so that the network learns all together too (Ho &
/// Salimans 2022).
const DROPPED: f32 = 0.1;

impl Denoiser {
    /// A network with fresh weights for data of `dim` dimensions.
    pub fn new(
        dim: usize,
        hidden: &[usize],
        activation: Activation,
        precondition: Precondition,
        embedding: Embedding,
        classes: usize,
        rng: &mut impl Rng,
    ) -> Self {
        let inputs = dim + embedding.features + classes;
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain([&dim]).copied().collect();
        let net = Mlp::new(&widths, activation, rng);
        Self { net, is_energy: false, precondition, embedding, classes }
    }

    /// The same with one fresh output, as an energy network.
    pub fn into_energy(self, rng: &mut impl Rng) -> Self {
        let hidden = self.net.layers.iter().map(|layer| layer.inputs);
        let widths: Vec<usize> = hidden.chain([1]).collect();
        Self { net: Mlp::new(&widths, self.net.activation, rng), is_energy: true, ..self }
    }

    /// Data dimensions.
    pub fn dim(&self) -> usize {
        self.net.inputs() - self.embedding.features - self.classes
    }

    /// Appends F's input for `x` at σ: c_in·x, the features, and the class; `None` is all classes together.
    pub fn append_input(&self, x: &[f32], sigma: f32, class: Option<u16>, out: &mut Vec<f32>) {
        let c_in = self.precondition.at(sigma).input;
        out.extend(x.iter().map(|x| c_in * x));
        self.embedding.append(sigma, out);
        let given = class.map(usize::from);
        out.extend((0..self.classes).map(|class| if given == Some(class) { 1.0 } else { 0.0 }));
    }

    /// The class to show of an example in training: now and then none. Draws only for models that know
    /// classes.
    pub fn shown(&self, label: Option<u16>, rng: &mut impl Rng) -> Option<u16> {
        if self.classes == 0 {
            return None;
        }
        label.filter(|_| rng.random::<f32>() >= DROPPED)
    }

    /// The model at the noise levels `sigmas`, for the core's samplers.
    pub fn at_levels<'a>(&'a self, sigmas: &'a [f32]) -> FloatScore<'a> {
        let gradient = self.is_energy.then(|| InputGradient::new(&self.net).into());
        FloatScore {
            denoiser: self,
            gradient,
            sigmas,
            class: None,
            input: Vec::new(),
            scratch: Scratch::default(),
        }
    }
}

/// The float network as the core's samplers see it.
#[derive(Clone, Debug)]
pub struct FloatScore<'a> {
    denoiser: &'a Denoiser,
    /// Of an energy network.
    gradient: Option<Arc<InputGradient>>,
    sigmas: &'a [f32],
    class: Option<u16>,
    input: Vec<f32>,
    scratch: Scratch,
}

impl tinyscore::Conditional for FloatScore<'_> {
    fn classes(&self) -> usize {
        self.denoiser.classes
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        let have = self.denoiser.classes;
        self.class = match class {
            Some(asked) if asked >= have => return Err(Error::NoSuchClass { asked, have }),
            class => class.map(|class| class as u16),
        };
        Ok(())
    }
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
        self.denoiser.append_input(x, sigma, self.class, &mut self.input);
        let f = match &self.gradient {
            Some(gradient) => &gradient.of_one(&self.input).1,
            None => self.denoiser.net.forward(&self.input, &mut self.scratch),
        };
        for ((eps, x), f) in eps.iter_mut().zip(x).zip(f) {
            *eps = skip * x + gain * f;
        }
    }
}

/// Of an energy network; of another one 0.
impl tinyscore::Energy for FloatScore<'_> {
    fn energy(&mut self, x: &[f32], level: usize) -> f32 {
        let sigma = self.sigmas[level.min(self.sigmas.len() - 1)];
        let Coefficients { input, skip, gain } = self.denoiser.precondition.at(sigma);
        self.input.clear();
        self.denoiser.append_input(x, sigma, self.class, &mut self.input);
        let f = match &self.gradient {
            Some(_) => self.denoiser.net.forward(&self.input, &mut self.scratch)[0],
            None => return 0.0,
        };
        let square: f32 = x.iter().map(|x| x * x).sum();
        (0.5 * skip * square + gain / input * f) / sigma
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each F of its paper, made from x₀, n and σ, is read back as ε̂ = n.
    #[test]
    fn every_papers_target_reads_back_as_the_noise() {
        for sigma in [0.01_f32, 0.3, 1.0, 6.0] {
            for (x0, n) in [(0.9_f32, -1.3_f32), (-0.4, 0.2)] {
                let y = x0 + sigma * n;
                // α and σ of the variance-preserving coordinates.
                let (a, s) = (1.0 / (1.0 + sigma * sigma).sqrt(), sigma / (1.0 + sigma * sigma).sqrt());
                let edm = (x0 - y * a * a) / s;
                for (precondition, f) in [
                    (Precondition::Epsilon, n),
                    (Precondition::V, a * n - s * x0),
                    (Precondition::X0, x0),
                    (Precondition::Edm, edm),
                    (Precondition::Notes, -n),
                ] {
                    let Coefficients { skip, gain, .. } = precondition.at(sigma);
                    let read = skip * y + gain * f;
                    assert!((read - n).abs() < 1e-4, "{precondition:?} at {sigma}: {read} for {n}");
                }
            }
        }
    }
}
