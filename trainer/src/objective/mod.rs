//! What the network learns, one file per paper.
//!
//! A network's output F is read as ε̂ = skip·y + gain·F at y = x + σn, and ε̂ = −σ·∇log p; every objective ends
//! in the same blob. With the precondition that is each one's own:
//!
//! | objective | F is trained to | ε̂ is read as |
//! |---|---|---|
//! | `esm` explicit score matching | (ε* − σ/(1 + σ²)·y)/gain, of the exact score | σ/(1 + σ²)·y − F/√(1 + σ²) |
//! | `ism` implicit score matching | nothing given: least ½‖ε̂‖² − σ·tr ∇ε̂ | σ/(1 + σ²)·y − F/√(1 + σ²) |
//! | `ssm` sliced score matching | nothing given: least ½‖ε̂‖² − σ·vᵀ∇ε̂·v | σ/(1 + σ²)·y − F/√(1 + σ²) |
//! | `dsm` denoising score matching, `ncsn` at L levels | (x − y/(1 + σ²))·√(1 + σ²)/σ | σ/(1 + σ²)·y − F/√(1 + σ²) |
//! | `ddpm` ε-prediction | ε = n | F |
//! | `v-prediction` | v = (n − σ·x)/√(1 + σ²) | σ/(1 + σ²)·y + F/√(1 + σ²) |
//! | `x0-prediction` | x | (y − F)/σ |
//! | `edm` | (x − y/(1 + σ²))·√(1 + σ²)/σ | σ/(1 + σ²)·y − F/√(1 + σ²) |
//!
//! Those that name a target are a [`Regression`]; the other two are [`Implicit`]. They differ further in which σ
//! they draw how often, and in the weight of an error at σ. Any of them can be trained with any
//! [`Precondition`].

mod contrastive;
mod ddpm;
mod dsm;
mod edm;
mod esm;
mod implicit;
mod ism;
mod ncsn;
mod noise;
mod regression;
mod ssm;
mod v_prediction;
mod x0_prediction;

pub use contrastive::{Chains, Contrastive, ContrastiveConfig, Diagnosis, Diverged};
pub use ddpm::DenoisingDiffusion;
pub use dsm::DenoisingScoreMatching;
pub use edm::Edm;
pub use esm::ExplicitScoreMatching;
pub use implicit::{Implicit, Tangents};
pub use ism::ImplicitScoreMatching;
pub use ncsn::NoiseConditional;
pub use noise::{Noise, Stratum, Times};
pub use regression::{Examples, Regression};
pub use ssm::SlicedScoreMatching;
pub use v_prediction::VPrediction;
pub use x0_prediction::X0Prediction;

use crate::backend::{Aware, Backend, Batch, Learner, OfGradient};
use crate::config::{Config, UsageError};
use crate::data::Toy;
use crate::dataset::Dataset;
use crate::denoiser::{Denoiser, Precondition};
use crate::distill::{Distillation, Ways};
use crate::exact::GaussianMixture;
use crate::mlp::Activation;
use crate::points::Points;
use crate::sde::Schedule;
use crate::train::Task;
use serde::{Deserialize, Serialize};

/// Source of a batch's random numbers.
pub type Generator = rand_xoshiro::Xoshiro256PlusPlus;

/// An objective by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveName {
    /// Explicit score matching, for data of known density (Hyvärinen 2005)
    Esm,
    /// Implicit score matching with the exact trace, up to 8 dimensions (Hyvärinen 2005)
    Ism,
    /// Sliced score matching with Rademacher probes (Song, Garg, Shi & Ermon 2019)
    Ssm,
    /// Denoising score matching, σ log-uniform (Vincent 2011; Song & Ermon 2019)
    Dsm,
    /// Denoising score matching at L geometric noise levels (Song & Ermon 2019)
    Ncsn,
    /// ε-prediction of DDPM, L_simple (Ho et al. 2020; cosine: Nichol & Dhariwal 2021)
    Ddpm,
    /// v-prediction (Salimans & Ho 2022)
    VPrediction,
    /// x₀-prediction with truncated SNR weighting (Ho et al. 2020; Salimans & Ho 2022)
    #[value(name = "x0-prediction")]
    #[serde(rename = "x0-prediction")]
    X0Prediction,
    /// EDM, σ lognormal (Karras et al. 2022)
    Edm,
    /// Contrastive divergence, of energy networks, at one noise level (Hinton 2002)
    Cd,
    /// Persistent contrastive divergence with a buffer (Tieleman 2008; Du & Mordatch 2019)
    Pcd,
}

impl ObjectiveName {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Esm,
        Self::Ism,
        Self::Ssm,
        Self::Dsm,
        Self::Ncsn,
        Self::Ddpm,
        Self::VPrediction,
        Self::X0Prediction,
        Self::Edm,
        Self::Cd,
        Self::Pcd,
    ];

    /// The name on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map(|v| v.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it learns without a target.
    pub fn is_implicit(self) -> bool {
        matches!(self, Self::Ism | Self::Ssm)
    }

    /// Whether it learns by the model's own samples, at one noise level.
    pub fn is_contrastive(self) -> bool {
        matches!(self, Self::Cd | Self::Pcd)
    }

    /// The [`ObjectiveConfig`] that it reads, besides its name.
    pub fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Esm | Self::Ism | Self::Dsm => &["sigma"],
            Self::Ssm => &["sigma", "probes"],
            Self::Ncsn => &["levels"],
            Self::Ddpm => &["schedule", "steps"],
            Self::VPrediction | Self::X0Prediction => &["schedule"],
            Self::Edm => &["p_mean", "p_std"],
            Self::Cd | Self::Pcd => &["sigma", "contrastive"],
        }
    }

    /// The objectives that read this setting.
    pub fn that_read(setting: &str) -> String {
        let names = Self::ALL.iter().filter(|name| name.reads().contains(&setting));
        names.map(|name| name.name()).collect::<Vec<_>>().join(", ")
    }

    /// How its paper reads the network; EDM's way where the paper leaves it open.
    pub fn precondition(self) -> Precondition {
        match self {
            Self::Esm | Self::Ism | Self::Ssm | Self::Dsm | Self::Ncsn | Self::Edm | Self::Cd | Self::Pcd => {
                Precondition::Edm
            }
            Self::Ddpm => Precondition::Epsilon,
            Self::VPrediction => Precondition::V,
            Self::X0Prediction => Precondition::X0,
        }
    }
}

/// An objective and its settings; each is read by those named only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveConfig {
    /// Which.
    pub name: ObjectiveName,
    /// esm, ism, ssm, dsm: the one noise level to train at, instead of all. ism, ssm: 0 for clean points. cd, pcd: that of
    /// the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f32>,
    /// ssm: M, directions per example.
    pub probes: usize,
    /// ncsn: L, noise levels.
    pub levels: usize,
    /// ddpm, v-prediction, x0-prediction: β by time.
    pub schedule: Schedule,
    /// ddpm: T, steps of the chain.
    pub steps: usize,
    /// edm: mean of ln σ.
    pub p_mean: f32,
    /// edm: standard deviation of ln σ.
    pub p_std: f32,
    /// cd, pcd: the chains.
    #[serde(default)]
    pub contrastive: ContrastiveConfig,
}

/// Noise level of contrastive divergence where the settings name none.
const CONTRASTIVE_SIGMA: f32 = 0.1;

impl ObjectiveConfig {
    /// The objective with its paper's settings.
    pub fn new(name: ObjectiveName) -> Self {
        let schedule = match name {
            ObjectiveName::VPrediction | ObjectiveName::X0Prediction => Schedule::Cosine,
            _ => Schedule::Linear,
        };
        Self {
            name,
            sigma: name.is_contrastive().then_some(CONTRASTIVE_SIGMA),
            probes: 1,
            levels: 200,
            schedule,
            steps: 1000,
            p_mean: -1.2,
            p_std: 1.2,
            contrastive: ContrastiveConfig::default(),
        }
    }
}

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self::new(ObjectiveName::Dsm)
    }
}

/// An objective, ready for training.
pub enum Objective {
    /// With a target for F.
    Regression(Box<dyn Regression + Send>),
    /// Without.
    Implicit(Box<dyn Implicit + Send>),
    /// The ways of a teacher.
    Distilled(Distillation, Ways),
    /// By the model's own samples.
    Contrastive(Contrastive),
}

impl Objective {
    /// The objective that `config` names, for `data`.
    ///
    /// # Errors
    /// Where it does not suit the data, the network or its own settings.
    pub fn new(config: &Config, data: &Dataset) -> Result<Self, UsageError> {
        let ObjectiveConfig { name, probes, levels, schedule, steps, p_mean, p_std, .. } = config.objective;
        let (sigma_min, sigma_max) = (config.training.sigma_min, config.training.sigma_max);
        let noise = noise(config)?;
        let times = || Times::new(schedule, sigma_min, sigma_max);
        Ok(match name {
            ObjectiveName::Esm => {
                Self::regression(ExplicitScoreMatching { noise, density: known_density(data)? })
            }
            ObjectiveName::Ism => {
                check_trace(config, Some(data.dim()))?;
                Self::implicit(ImplicitScoreMatching { noise })
            }
            ObjectiveName::Ssm => {
                check_trace(config, None)?;
                Self::implicit(SlicedScoreMatching { noise, probes: within("probes", probes, 1, 64)? })
            }
            ObjectiveName::Dsm => Self::regression(DenoisingScoreMatching { noise }),
            ObjectiveName::Ncsn => {
                let levels = within("levels", levels, 2, 10_000)?;
                Self::regression(NoiseConditional::new(levels, sigma_max, sigma_min))
            }
            ObjectiveName::Ddpm => {
                let steps = within("steps", steps, 2, 1_000_000)?;
                Self::regression(DenoisingDiffusion::new(schedule, steps, sigma_min, sigma_max)?)
            }
            ObjectiveName::VPrediction => Self::regression(VPrediction { times: times() }),
            ObjectiveName::X0Prediction => Self::regression(X0Prediction { times: times() }),
            ObjectiveName::Edm => {
                check_lognormal(config)?;
                Self::regression(Edm { p_mean, p_std, sigma_min, sigma_max })
            }
            ObjectiveName::Cd | ObjectiveName::Pcd => {
                let persistent = name == ObjectiveName::Pcd;
                let sigma = config.objective.sigma.unwrap_or(CONTRASTIVE_SIGMA);
                Self::Contrastive(Contrastive { config: config.objective.contrastive, persistent, sigma })
            }
        })
    }

    fn regression(objective: impl Regression + Send + 'static) -> Self {
        Self::Regression(Box::new(objective))
    }

    fn implicit(objective: impl Implicit + Send + 'static) -> Self {
        Self::Implicit(Box::new(objective))
    }

    /// A batch of `n` examples for the network of `denoiser`, drawn by `rng`.
    pub fn draw(&self, denoiser: &Denoiser, data: &Points, n: usize, rng: &mut Generator) -> Drawn {
        match self {
            Self::Regression(objective) => {
                Drawn::regression(denoiser, Examples::draw(&**objective, denoiser, data, n, rng))
            }
            Self::Distilled(kind, ways) => {
                Drawn::regression(denoiser, ways.examples(*kind, denoiser, n, rng))
            }
            Self::Contrastive(objective) => Drawn::Contrastive(*objective, rng.clone()),
            Self::Implicit(objective) => {
                Drawn::Implicit(Tangents::draw(&**objective, denoiser, data, n, rng))
            }
        }
    }
}

/// A batch on the host.
pub enum Drawn {
    /// With targets for F.
    Regression(Examples),
    /// The same of an energy network.
    Gradient(Examples),
    /// Without.
    Implicit(Tangents),
    /// The random numbers only: the rest needs the network as it is then.
    Contrastive(Contrastive, Generator),
}

impl Drawn {
    fn regression(denoiser: &Denoiser, examples: Examples) -> Self {
        if denoiser.is_energy { Self::Gradient(examples) } else { Self::Regression(examples) }
    }

    /// One step of `learner` for the task that it was drawn for, at the learning rate `lr`: of a regression on the task's
    /// grids if there are any, of contrastive divergence with its chains. Returns the loss before the step when `read`.
    ///
    /// # Errors
    /// When energies diverged.
    pub fn step<B: Backend>(
        self,
        learner: &mut Learner<B>,
        task: &Task<'_>,
        (step, lr, read): (u64, f32, bool),
        chains: &mut Chains,
    ) -> Result<Option<f32>, Diverged> {
        Ok(match self {
            Self::Implicit(tangents) => learner.step_on(&tangents, lr, read),
            Self::Gradient(Examples { inputs, targets, weights }) => {
                let batch = Batch { inputs: &inputs, targets: &targets, weights: &weights };
                learner.step_on(&OfGradient(batch), lr, read)
            }
            Self::Regression(Examples { inputs, targets, weights }) => {
                let batch = Batch { inputs: &inputs, targets: &targets, weights: &weights };
                if task.grids.is_empty() {
                    learner.step(batch, lr, read)
                } else {
                    learner.step_on(&Aware { batch, grids: task.grids }, lr, read)
                }
            }
            Self::Contrastive(objective, mut rng) => {
                return objective.step(learner, task, (step, lr, read), chains, &mut rng);
            }
        })
    }
}

/// The noise levels of esm, ism, ssm and dsm.
fn noise(config: &Config) -> Result<Noise, UsageError> {
    let (min, max) = (config.training.sigma_min, config.training.sigma_max);
    let name = config.objective.name;
    let implicit = name.is_implicit();
    let one = implicit || matches!(name, ObjectiveName::Esm | ObjectiveName::Dsm);
    match config.objective.sigma {
        None => Ok(Noise::Every { min, max }),
        Some(_) if name.is_contrastive() => Ok(Noise::Every { min, max }),
        Some(sigma) if !one => Err(UsageError(format!(
            "objective sigma is {sigma}, but {} draws its own noise levels: leave it out, or take --objective dsm, esm, ism or ssm",
            name.name()
        ))),
        Some(0.0) if implicit => Ok(Noise::Clean(min)),
        Some(sigma) if (min..=max).contains(&sigma) => Ok(Noise::One(sigma)),
        Some(sigma) => Err(UsageError(format!(
            "objective sigma is {sigma}, but must be in {min}…{max}, where the network is read{}: change it, or --train-sigma-min and --train-sigma-max",
            if implicit { ", or 0 for clean points" } else { "" }
        ))),
    }
}

/// The density of the standardized data.
fn known_density(data: &Dataset) -> Result<GaussianMixture<'static>, UsageError> {
    if data.toy == Some(Toy::Mixture) {
        Ok(GaussianMixture::two_modes(&[])
            .mapped(|x| data.codec.encode(&Points::new(x.len(), x.to_vec())).values().to_vec()))
    } else {
        Err(UsageError(
            "explicit score matching needs the density of the data, which is known of the mixture only: take --data mixture, or another objective such as --objective dsm".into(),
        ))
    }
}

/// Refuses networks whose divergence says nothing, and more than `exact` dimensions may be.
fn check_trace(config: &Config, exact: Option<usize>) -> Result<(), UsageError> {
    let name = config.objective.name.name();
    if config.net.activation == Activation::Relu {
        return Err(UsageError(format!(
            "activation is relu, but {name} learns from the second derivative of the activation, which relu hides in its kink: take --activation silu, tanh or elu"
        )));
    }
    match exact {
        Some(dim) if dim > ism::MAX_DIM => Err(UsageError(format!(
            "the data have {dim} dimensions, but implicit score matching with the exact trace takes at most {}: take sliced score matching, --objective ssm",
            ism::MAX_DIM
        ))),
        _ => Ok(()),
    }
}

fn check_lognormal(config: &Config) -> Result<(), UsageError> {
    let ObjectiveConfig { p_mean, p_std, .. } = config.objective;
    let (min, max) = (config.training.sigma_min.ln(), config.training.sigma_max.ln());
    if !(min..=max).contains(&p_mean) {
        return Err(UsageError(format!(
            "p_mean is {p_mean}, but must be in {min}…{max}, the logarithms of sigma_min and sigma_max of training"
        )));
    }
    if !(p_std > 0.0 && p_std <= 100.0) {
        return Err(UsageError(format!("p_std is {p_std}, but must be positive, at most 100")));
    }
    Ok(())
}

fn within(name: &str, value: usize, least: usize, most: usize) -> Result<usize, UsageError> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(UsageError(format!("{name} of the objective is {value}, but must be in {least}…{most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Hyper};
    use crate::config::Preset;
    use crate::denoiser::Embedding;
    use rand::SeedableRng;

    fn config(name: ObjectiveName) -> Config {
        Config { points: 20_000, ..Config::new("mixture", Preset::Default) }.with_objective(name)
    }

    fn regression(config: &Config) -> Box<dyn Regression + Send> {
        match Objective::new(config, &Dataset::load(config).unwrap()).unwrap() {
            Objective::Regression(objective) => objective,
            _ => panic!("{:?} has no target", config.objective.name),
        }
    }

    const REGRESSIONS: [ObjectiveName; 7] = [
        ObjectiveName::Esm,
        ObjectiveName::Dsm,
        ObjectiveName::Ncsn,
        ObjectiveName::Ddpm,
        ObjectiveName::VPrediction,
        ObjectiveName::X0Prediction,
        ObjectiveName::Edm,
    ];

    /// In its own precondition each paper's loss is an unweighted square error of F, but for Hyvärinen's ½
    /// and for the truncated SNR.
    #[test]
    fn the_weight_of_f_is_that_of_the_paper() {
        for name in REGRESSIONS {
            let config = config(name);
            let objective = regression(&config);
            for sigma in [0.01_f32, 0.5, 3.0] {
                let gain = config.net.precondition.at(sigma).gain;
                let expected = match name {
                    ObjectiveName::Esm | ObjectiveName::Ncsn => 0.5 / (1.0 + sigma * sigma),
                    ObjectiveName::Dsm => 1.0 / (1.0 + sigma * sigma),
                    ObjectiveName::X0Prediction => (1.0 / (sigma * sigma)).max(1.0),
                    _ => 1.0,
                };
                let found = objective.weight(sigma) * gain * gain;
                assert!((found / expected - 1.0).abs() < 1e-5, "{name:?} at {sigma}: {found}");
            }
        }
    }

    /// At the exact score the expected gradient of every regression vanishes: the residual of F is orthogonal
    /// to the inputs of F, as the gradient of a linear layer would have it; to five standard errors. With the
    /// score of other modes it does not.
    #[test]
    fn the_exact_score_is_stationary() {
        const POINTS: usize = 40_000;
        for name in REGRESSIONS {
            let config = config(name);
            let data = Dataset::load(&config).unwrap();
            let t = &config.training;
            // One feature, from which σ is read again.
            let embedding = Embedding { features: 1, sigma_min: t.sigma_min, sigma_max: t.sigma_max };
            let mut rng = Generator::seed_from_u64(3);
            let precondition = config.net.precondition;
            let denoiser = Denoiser::new(2, &[4], Activation::Tanh, precondition, embedding, 0, &mut rng);
            // Fresh points: those of a run have moments of their own.
            let points = data.codec.encode(&Toy::Mixture.draw(POINTS, &mut rng));
            let examples = Examples::draw(&*regression(&config), &denoiser, &points, POINTS, &mut rng);
            let mut exact = known_density(&data).unwrap();
            let largest_z = |density: &GaussianMixture<'_>| {
                let (mut sums, mut squares) = ([0.0_f64; 6], [0.0_f64; 6]);
                let rows = examples.inputs.chunks(3).zip(examples.targets.chunks(2));
                for ((input, target), weight) in rows.zip(&examples.weights) {
                    let u =
                        (input[2] / std::f32::consts::SQRT_2).clamp(-1.0, 1.0).acos() / std::f32::consts::PI;
                    let sigma = t.sigma_min * (t.sigma_max / t.sigma_min).powf(u);
                    let c = precondition.at(sigma);
                    let y: Vec<f32> = input[..2].iter().map(|x| x / c.input).collect();
                    let mut eps = [0.0; 2];
                    density.noise_at(&y, sigma, &mut eps);
                    for j in 0..2 {
                        let f = (eps[j] - c.skip * y[j]) / c.gain;
                        for i in 0..3 {
                            let gradient = f64::from(weight * (f - target[j]) * input[i]);
                            sums[3 * j + i] += gradient;
                            squares[3 * j + i] += gradient * gradient;
                        }
                    }
                }
                sums.iter().zip(squares).map(|(s, q)| s.abs() / q.sqrt()).fold(0.0, f64::max)
            };
            if name != ObjectiveName::Esm {
                let z = largest_z(&exact);
                assert!(z < 5.0, "{name:?}: {z} standard errors");
            }
            exact.means.iter_mut().for_each(|mean| mean[0] *= 0.9);
            let z = largest_z(&exact);
            assert!(z > 10.0, "{name:?}: only {z} standard errors at a wrong score");
        }
    }

    fn task<'a>(
        config: &'a Config,
        objective: &'a Objective,
        denoiser: &'a Denoiser,
        data: &'a Points,
    ) -> Task<'a> {
        Task { objective, denoiser, data, config: &config.training, seed: 1, grids: &[], before: 0 }
    }

    /// Mean loss of a network over batches drawn alike, and its standard error.
    fn loss(config: &Config, denoiser: &Denoiser) -> (f64, f64) {
        const BATCHES: u64 = 40;
        let data = Dataset::load(config).unwrap();
        let points = data.codec.encode(&Toy::Mixture.draw(50_000, &mut Generator::seed_from_u64(77)));
        let objective = Objective::new(config, &data).unwrap();
        let losses: Vec<f64> = (0..BATCHES)
            .map(|batch| {
                let mut learner = Learner::new(Cpu::default(), &denoiser.net, Hyper::default());
                let mut rng = Generator::seed_from_u64(batch);
                let batch = objective.draw(denoiser, &points, 512, &mut rng);
                let task = task(config, &objective, denoiser, &points);
                let loss = batch.step(&mut learner, &task, (0, 0.0, true), &mut Chains::default());
                f64::from(loss.unwrap().unwrap())
            })
            .collect();
        let n = BATCHES as f64;
        let mean = losses.iter().sum::<f64>() / n;
        let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    }

    /// The papers' theorems: for any network, implicit score matching is explicit score matching less
    /// ½E‖ε*‖², sliced is implicit, and denoising (with the ½) is explicit plus ½E‖n − ε*‖² = ½(E‖n‖² − E‖ε*‖²);
    /// per dimension, E n² = 1. To four standard errors, for
    /// a network that has learnt a little: a fresh one has hardly any trace.
    #[test]
    fn explicit_implicit_sliced_and_denoising_losses_agree() {
        let mut config = config(ObjectiveName::Dsm);
        config.training.sigma_min = 0.03;
        let embedding = Embedding { features: 4, sigma_min: 0.03, sigma_max: config.training.sigma_max };
        let mut rng = Generator::seed_from_u64(12);
        let mut denoiser =
            Denoiser::new(2, &[24, 24], Activation::Silu, Precondition::Edm, embedding, 0, &mut rng);
        let data = Dataset::load(&config).unwrap();
        let objective = Objective::new(&config, &data).unwrap();
        let mut learner = Learner::new(Cpu::default(), &denoiser.net, Hyper::default());
        for _ in 0..300 {
            let batch = objective.draw(&denoiser, &data.standard, 256, &mut rng);
            let task = task(&config, &objective, &denoiser, &data.standard);
            batch.step(&mut learner, &task, (0, 3e-3, false), &mut Chains::default()).unwrap();
        }
        denoiser.net = learner.net();
        // ½E‖ε*‖² is the explicit loss of ε̂ = 0, that of F = 0 without skip.
        let nothing = Denoiser {
            net: denoiser.net.clone().with_output_scaled(0.0),
            precondition: Precondition::Epsilon,
            ..denoiser.clone()
        };
        let of = |name, denoiser: &Denoiser| {
            let mut config = config.clone();
            config.objective = ObjectiveConfig::new(name);
            loss(&config, denoiser)
        };
        let (constant, e0) = of(ObjectiveName::Esm, &nothing);
        assert!(constant > 0.2, "{constant}");
        let (explicit, e1) = of(ObjectiveName::Esm, &denoiser);
        let (implicit, e2) = of(ObjectiveName::Ism, &denoiser);
        let (sliced, e3) = of(ObjectiveName::Ssm, &denoiser);
        let (denoising, e4) = of(ObjectiveName::Dsm, &denoiser);
        let near = |a: f64, b: f64, errors: [f64; 3], what: &str| {
            let error = errors.iter().map(|e| e * e).sum::<f64>().sqrt();
            assert!(error < 0.02, "{what}: too few points, {error}");
            assert!((a - b).abs() < 4.0 * error, "{what}: {a} and {b}, standard error {error}");
        };
        near(implicit + constant, explicit, [e0, e1, e2], "implicit");
        near(sliced + constant, explicit, [e0, e1, e3], "sliced");
        near(0.5 * denoising, explicit + 0.5 - constant, [e0, e1, 0.5 * e4], "denoising");
    }
}
