//! What a run is made of; `config.toml` in the run folder holds it resolved.

use crate::bounds::{check_count, check_memory};
use crate::data::{Kind, Set, Source, Toy};
use crate::dataset;
use crate::denoiser::Precondition;
use crate::distill::Distillation;
use crate::mlp::Activation;
use crate::objective::{ObjectiveConfig, ObjectiveName};
use crate::sample::{Method, Options};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tinyscore::levels::Spacing;

/// A setting that cannot be used; the program ends with exit code 2.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A data set's name, or a file or folder.
    pub data: String,
    /// Points drawn from a named data set for training.
    pub points: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// How a file or folder is read.
    #[serde(default)]
    pub source: Source,
    /// What the network learns; denoising score matching where a file does not say.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// The network and its training.
    pub net: NetConfig,
    /// Optimization.
    pub training: TrainingConfig,
    /// Noise levels and what the blob holds.
    pub export: ExportConfig,
    /// Drawing.
    pub sampling: SamplingConfig,
    /// Of a student, which learns from a teacher instead of the objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<DistillationConfig>,
}

/// From whom a student learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationConfig {
    /// The run folder of the teacher.
    pub teacher: PathBuf,
    /// What is learnt of its ways.
    pub by: Distillation,
    /// Number of its ways.
    pub ways: usize,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Hidden activation.
    pub activation: Activation,
    /// How its output is read.
    pub precondition: Precondition,
    /// Features of the noise level; 0 for none.
    pub embedding: usize,
    /// Principal components of the data that it sees instead of the data; 0 for the data themselves.
    #[serde(default)]
    pub latent: usize,
    /// Whether it learns the classes of labelled data, for sampling by class and guidance.
    #[serde(default)]
    pub conditional: bool,
    /// Whether it is an energy network, whose score is the gradient of its one output.
    #[serde(default)]
    pub energy: bool,
}

/// Training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Examples per step.
    pub batch: usize,
    /// Peak of the one-cycle learning rate.
    pub learning_rate: f32,
    /// Share of the steps that warms up.
    pub warm_up: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest gradient norm.
    pub clip_norm: f32,
    /// Decay of the moving average of the weights.
    pub ema: f32,
    /// Smallest noise level of training, in units of the standardized data.
    pub sigma_min: f32,
    /// Largest noise level of training.
    pub sigma_max: f32,
    /// Optimizer steps of quantization-aware fine-tuning after all others; 0 for none.
    #[serde(default)]
    pub qat_steps: u64,
}

/// Noise levels and bits of the blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// How the levels are spread between sigma_max and sigma_min.
    pub spacing: SpacingKind,
    /// ρ of the Karras spacing.
    pub rho: f32,
    /// Number of levels.
    pub levels: usize,
    /// Smallest level of the blob.
    pub sigma_min: f32,
    /// Largest level of the blob.
    pub sigma_max: f32,
    /// Bits of the weights between hidden layers, 8 or 4.
    #[serde(default = "eight")]
    pub weight_bits: u32,
    /// Bits of the hidden activations, 8 or 16.
    pub activation_bits: u32,
}

fn eight() -> u32 {
    8
}

/// A spacing by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SpacingKind {
    /// Constant ratio
    Geometric,
    /// Karras et al. 2022, ρ by --rho
    Karras,
    /// Variance-preserving with linear β from 0.1 to 20
    LinearBeta,
}

/// Sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingConfig {
    /// Samples drawn after training.
    pub samples: usize,
    /// The sampler.
    pub sampler: Method,
    /// Noise levels it uses.
    pub steps: usize,
    /// Classifier-free guidance of samples that are drawn beside those without; 0 for none.
    #[serde(default)]
    pub guidance: f32,
    /// Its options.
    pub options: Options,
}

impl SamplingConfig {
    /// Takes a sampler. Another one than before has its options as they come, as it does not read those of the other.
    pub fn choose(&mut self, sampler: Method) {
        if sampler != self.sampler {
            (self.sampler, self.options) = (sampler, Options::default());
        }
    }
}

/// ρ of Karras et al. 2022.
pub const RHO: f32 = 7.0;

/// The first entry of a table that is not as it comes and not among those that are read, with its value.
fn unread<T: Serialize>(table: &T, default: &T, reads: &[&str]) -> Option<(String, String)> {
    let [table, default] = [table, default].map(|table| toml::Table::try_from(table).unwrap_or_default());
    let is_unread = |(key, value): &(&String, &toml::Value)| {
        !reads.contains(&key.as_str()) && default.get(key.as_str()) != Some(value)
    };
    table.iter().find(is_unread).map(|(key, value)| (key.clone(), value.to_string()))
}

/// Data and their labels by paths that hold in any folder.
///
/// # Errors
/// When the working folder is gone.
pub fn absolute(data: String, source: Source) -> std::io::Result<(String, Source)> {
    let named = Set::named(&data, None).is_some();
    let data = if named { data } else { std::path::absolute(&data)?.display().to_string() };
    let labels = source.labels.map(std::path::absolute).transpose()?;
    Ok((data, Source { labels, ..source }))
}

/// Puts the entries of `file` over those of `base`, table by table.
fn merge(base: &mut toml::Table, file: &toml::Table) {
    for (key, value) in file {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(file)) => merge(base, file),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A named set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// What suits the data set
    Default,
    /// The source notes as published: 2-4-32-4-2 ELU, s = net/σ, 200 σ from 0.001 to 1, Algorithm 2.1
    Seed,
    /// Digits of 8×8 pixels, by class: also for other small images
    Digits,
    /// Images of 28×28 pixels, by class, behind a codec of 80 components: MNIST and its kin
    Mnist,
    /// The same in pixels, by the source notes' widths: 784-512-512-784
    Pixels,
    /// Windows of 64 samples, by class
    Windows,
}

impl Config {
    /// The settings that suit `data`.
    pub fn new(data: &str, preset: Preset) -> Self {
        let data = &dataset::canonical(data);
        let base = Self::for_data(data);
        let suits = Set::named(data, None).map_or(Kind::Points, Set::kind);
        match (preset, suits) {
            (Preset::Digits, _) | (Preset::Default, Kind::Images) => base.digits(),
            (Preset::Mnist, _) => base.mnist(),
            (Preset::Pixels, _) => base.pixels(),
            (Preset::Windows, _) | (Preset::Default, Kind::Windows) => base.windows(),
            (Preset::Default, Kind::Points) => base,
            (Preset::Seed, _) => base.published(),
        }
    }

    /// Small images by class. The classes are decided at σ about 1, which EDM's weights see and those of plain
    /// denoising score matching hardly.
    fn digits(mut self) -> Self {
        let p = ObjectiveConfig { p_mean: 0.0, p_std: 1.2, ..ObjectiveConfig::new(ObjectiveName::Edm) };
        self = self.labelled(Kind::Images, p);
        self.net.hidden = vec![256; 3];
        self.points = 20_000;
        (self.training.steps, self.training.batch, self.training.learning_rate) = (16_000, 256, 2e-3);
        (self.training.sigma_min, self.training.sigma_max) = (0.05, 40.0);
        (self.export.sigma_min, self.export.sigma_max) = (0.07, 20.0);
        self.sampling.guidance = 0.5;
        self
    }

    /// A network so small, and so few steps, because a larger one learns few thousand images by heart: the recall of
    /// 171,000 parameters falls from .58 to .48 within 24,000 steps.
    fn mnist(mut self) -> Self {
        self = self.digits();
        self.net.latent = 80;
        self.net.hidden = vec![192; 3];
        self.training.steps = 6000;
        self
    }

    /// Every pixel by itself.
    fn pixels(mut self) -> Self {
        self = self.digits();
        self.net.hidden = vec![512; 2];
        (self.training.steps, self.training.batch) = (6000, 128);
        self
    }

    /// Windows of sensors by class. The last steps draw the sensor's noise, which an ODE loses.
    fn windows(mut self) -> Self {
        let p = ObjectiveConfig { p_mean: -0.6, p_std: 1.4, ..ObjectiveConfig::new(ObjectiveName::Edm) };
        self = self.labelled(Kind::Windows, p);
        self.net.hidden = vec![126; 3];
        (self.training.steps, self.training.batch) = (60_000, 256);
        (self.training.sigma_min, self.training.sigma_max) = (0.02, 30.0);
        (self.export.sigma_min, self.export.sigma_max, self.export.rho) = (0.03, 10.0, 5.0);
        self
    }

    /// Ten evaluations for rows of this kind with classes.
    fn labelled(mut self, kind: Kind, objective: ObjectiveConfig) -> Self {
        if Set::named(&self.data, None).is_none() {
            (self.source.kind, self.source.hold_out) = (Some(kind), 0.25);
        }
        self.objective = objective;
        self.net.conditional = true;
        self.export.levels = 10;
        self.sampling.samples = 2000;
        (self.sampling.sampler, self.sampling.steps) = (Method::DpmSolverSde2M, 10);
        self
    }

    fn for_data(data: &str) -> Self {
        let mixture = data == Toy::Mixture.name();
        let (hidden, sampler, steps, levels, smallest) = if mixture {
            (vec![88, 88], Method::DpmSolverSde2M, 20, 20, 0.01)
        } else {
            (vec![128, 128, 128], Method::DpmSolver2M, 20, 39, 0.02)
        };
        // Narrow modes far apart want a bounded activation: its tails heal, SiLU's straight ones do not.
        let activation = if mixture { Activation::Tanh } else { Activation::Silu };
        let (sigma_min, sigma_max) = (0.01, 6.0);
        Self {
            data: data.to_owned(),
            points: 100_000,
            seed: 1,
            source: Source::default(),
            objective: ObjectiveConfig::default(),
            net: NetConfig {
                hidden,
                activation,
                precondition: Precondition::Edm,
                embedding: 16,
                latent: 0,
                conditional: false,
                energy: false,
            },
            training: TrainingConfig {
                steps: if mixture { 80_000 } else { 30_000 },
                batch: 512,
                learning_rate: 2e-3,
                warm_up: 0.1,
                weight_decay: 0.0,
                clip_norm: 1.0,
                ema: 0.999,
                sigma_min,
                sigma_max,
                qat_steps: 0,
            },
            export: ExportConfig {
                spacing: SpacingKind::Karras,
                rho: RHO,
                levels,
                sigma_min: smallest,
                sigma_max,
                weight_bits: 8,
                activation_bits: 16,
            },
            sampling: SamplingConfig {
                samples: 10_000,
                sampler,
                steps,
                guidance: 0.0,
                options: Options::default(),
            },
            distillation: None,
        }
    }

    /// The same, to be read from any folder.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        (self.data, self.source) = absolute(self.data, self.source)?;
        Ok(self)
    }

    /// What the network learns, in words.
    pub fn learns(&self) -> String {
        match &self.distillation {
            None => self.objective.name.name(),
            Some(DistillationConfig { teacher, by, .. }) => {
                let by = by.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
                format!("{by} distillation of {}", teacher.display())
            }
        }
    }

    /// The seed's own recipe, for comparison.
    fn published(mut self) -> Self {
        self.net = NetConfig {
            hidden: vec![4, 32, 4],
            activation: Activation::Elu,
            precondition: Precondition::Notes,
            embedding: 0,
            latent: 0,
            conditional: false,
            energy: false,
        };
        self.training = TrainingConfig {
            steps: 100_000,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            ema: 0.0,
            sigma_min: 0.001,
            sigma_max: 1.0,
            ..self.training
        };
        self.export = ExportConfig {
            spacing: SpacingKind::Geometric,
            levels: 200,
            sigma_min: 0.001,
            sigma_max: 1.0,
            ..self.export
        };
        self.sampling.sampler = Method::AnnealedLangevinNotes;
        self.sampling.steps = 200;
        self.sampling.options =
            Options { per_level: 200, epsilon: 2e-8, denoise: false, ..Options::default() };
        self
    }

    /// The same with an energy network. Its objective and precondition stay.
    pub fn with_energy(mut self) -> Self {
        self.net.energy = true;
        self.net.activation = Activation::Silu;
        if Set::named(&self.data, None).is_some_and(|set| set.kind() == Kind::Points) {
            self.net.hidden = vec![64; 3];
            self.training.steps = 16_000;
        }
        self
    }

    /// The same with another objective, its paper's settings and its way to read the network.
    pub fn with_objective(mut self, name: ObjectiveName) -> Self {
        self.objective = ObjectiveConfig::new(name);
        self.net.precondition = name.precondition();
        if name.is_contrastive() {
            self.net.embedding = 0;
            (self.net.conditional, self.sampling.guidance) = (false, 0.0);
            (self.training.steps, self.training.batch, self.training.learning_rate) = (3000, 256, 1e-3);
            self.export.levels = 1;
            // Langevin dynamics at the one level, then the noise of that level taken out: no more rows than a blob stores.
            (self.sampling.sampler, self.sampling.steps) = (Method::AnnealedLangevinSnr, 1);
            (self.export.spacing, self.export.rho) = (SpacingKind::Karras, RHO);
            (self.sampling.options.per_level, self.sampling.options.snr) = (250, 0.4);
        }
        self
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it cannot be read, or has a wrong or unknown entry.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| anyhow::anyhow!("cannot read the config {}: {e}; check the path", path.display()))?;
        let config: Self = toml::from_str(&text).map_err(|e| {
            UsageError(format!(
                "{}: {e}\ncorrect that entry; `config.toml` of any run shows them all",
                path.display()
            ))
        })?;
        Ok(Self { data: dataset::canonical(&config.data), ..config })
    }

    /// Reads a TOML file that may leave settings out, which are then those that suit its data and objective. With it comes
    /// whether the file says which noise levels to take.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_over_defaults(path: &Path) -> anyhow::Result<(Self, bool)> {
        let whole = Self::read(path).map(|config| (config, true));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let Ok(file) = text.parse::<toml::Table>() else { return whole };
        if whole.is_ok() {
            return whole;
        }
        let entry = |table: &str, key: &str| file.get(table).and_then(|table| table.get(key)).cloned();
        let data = file.get("data").and_then(toml::Value::as_str).unwrap_or(Toy::Mixture.name());
        let mut base = Self::new(data, Preset::Default);
        if entry("net", "energy") == Some(true.into()) {
            base = base.with_energy();
        }
        if let Some(name) = entry("objective", "name").and_then(|name| name.try_into().ok()) {
            base = base.with_objective(name);
        }
        let mut merged = toml::Table::try_from(&base)?;
        merge(&mut merged, &file);
        let missing = |e: &anyhow::Error| e.to_string().contains("missing field");
        match merged.try_into() {
            Ok(config) => {
                let ends = ["sigma_min", "sigma_max"];
                let levels =
                    ends.iter().any(|end| ["training", "export"].iter().any(|t| entry(t, end).is_some()));
                Ok((config, levels))
            }
            // The error of the file itself tells the line.
            Err(e) if whole.as_ref().is_err_and(missing) => {
                Err(UsageError(format!("{}: {e}\ncorrect that entry", path.display())).into())
            }
            Err(_) => whole,
        }
    }

    /// The noise levels of the blob, from the largest down.
    ///
    /// # Errors
    /// When the range or the number is wrong.
    pub fn sigmas(&self) -> Result<Vec<f32>, UsageError> {
        let ExportConfig { spacing, rho, levels, sigma_min, sigma_max, .. } = self.export;
        let spacing = match spacing {
            SpacingKind::Geometric => Spacing::Geometric,
            SpacingKind::Karras => Spacing::Karras { rho },
            SpacingKind::LinearBeta => Spacing::LinearBeta { beta_min: 0.1, beta_max: 20.0 },
        };
        if let (true, Some(sigma)) = (self.objective.name.is_contrastive(), self.objective.sigma) {
            return Ok(vec![sigma]);
        }
        let mut sigmas = vec![0.0; levels];
        spacing
            .fill(sigma_max, sigma_min, &mut sigmas)
            .map_err(|e| UsageError(format!("noise levels: {e}")))?;
        Ok(sigmas)
    }

    /// Refuses settings that cannot work, naming the setting, its value and its range.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), UsageError> {
        let Self { net, training, export, sampling, points, .. } = self;
        let refuse = |what: String| Err(UsageError(what));
        let range = |name: &str, value: f32, good: bool, range: &str| {
            if good { Ok(()) } else { Err(UsageError(format!("{name} is {value}, but must be {range}"))) }
        };
        let Source { window, stride, hold_out, .. } = self.source;
        let named = Set::named(&self.data, None).is_some();
        let allowed = Source { window, without: self.source.without.clone(), ..Source::default() };
        if named && self.source != allowed {
            return refuse(format!(
                "{} is a named set, which takes no kind, labels, label_column, stride or hold_out: leave them out",
                self.data
            ));
        }
        let lengths = if named { 64..=256 } else { 2..=crate::sample::MAX_DIM };
        if let Some(length) = window.filter(|length| !lengths.contains(length)) {
            let (least, most) = (lengths.start(), lengths.end());
            return refuse(format!("window is {length}, but must be in {least}…{most}"));
        }
        if stride == Some(0) {
            return refuse("stride is 0, but must be at least 1".into());
        }
        range("hold_out", hold_out, hold_out > 0.0 && hold_out < 1.0, "in 0…1, neither of them")?;
        if net.hidden.is_empty() || net.hidden.iter().any(|&h| h == 0 || h > 2048) || net.hidden.len() > 9 {
            return refuse(format!("hidden is {:?}, but must be 1 to 9 widths in 1…2048", net.hidden));
        }
        if net.latent > tinyscore::MAX_LATENTS {
            let (latent, most) = (net.latent, tinyscore::MAX_LATENTS);
            return refuse(format!("latent is {latent}, but must be in 0…{most}"));
        }
        if net.embedding > 256 {
            return refuse(format!("embedding is {}, but must be in 0…256", net.embedding));
        }
        let (options, t) = (&sampling.options, training);
        for (name, count, range) in [
            ("points", *points, 2..=100_000_000),
            ("steps of training", usize::try_from(t.steps).unwrap_or(usize::MAX), 1..=1_000_000_000),
            ("batch", t.batch, 1..=1_000_000),
            ("levels", export.levels, 1..=4096),
            ("samples", sampling.samples, 1..=100_000_000),
            ("steps of sampling", sampling.steps, 1..=1_000_000),
            ("per_level", options.per_level, 1..=1_000_000),
            ("corrections", options.corrections, 1..=10_000),
        ] {
            check_count(name, count, range)?;
        }
        // The activations of a batch and their gradients, in single precision.
        let widths: usize = net.hidden.iter().sum();
        check_memory("batch", t.batch, 4 * widths)?;
        if ![4, 8].contains(&export.weight_bits) {
            return refuse(format!("weight_bits is {}, but must be 8 or 4", export.weight_bits));
        }
        if export.weight_bits == 4 && net.hidden.len() < 2 {
            return refuse(format!(
                "weight_bits is 4, but a network with hidden {:?} has no weights between hidden layers: set it to 8, or give more hidden widths",
                net.hidden
            ));
        }
        if ![8, 16].contains(&export.activation_bits) {
            return refuse(format!("activation_bits is {}, but must be 8 or 16", export.activation_bits));
        }
        self.check_energy()?;
        if t.qat_steps > 1_000_000 {
            return refuse(format!("qat_steps is {}, but must be in 0…1000000", t.qat_steps));
        }
        if t.qat_steps > 0 && self.objective.name.is_implicit() {
            return refuse(format!(
                "qat_steps is {}, but {} has no target, which quantization-aware training needs: set it to 0, or take another objective such as --objective dsm",
                t.qat_steps,
                self.objective.name.name()
            ));
        }
        range(
            "learning_rate",
            t.learning_rate,
            t.learning_rate > 0.0 && t.learning_rate < 10.0,
            "between 0 and 10, neither of them",
        )?;
        let guidance = sampling.guidance;
        range("guidance", guidance, (0.0..=100.0).contains(&guidance), "in 0…100")?;
        range("warm_up", t.warm_up, (0.0..=1.0).contains(&t.warm_up), "in 0…1")?;
        range("ema", t.ema, (0.0..1.0).contains(&t.ema), "in 0…1, not 1")?;
        range("weight_decay", t.weight_decay, (0.0..=1.0).contains(&t.weight_decay), "in 0…1")?;
        range("clip_norm", t.clip_norm, t.clip_norm > 0.0, "positive")?;
        for (name, min, max) in
            [("training", t.sigma_min, t.sigma_max), ("export", export.sigma_min, export.sigma_max)]
        {
            if !(min > 0.0 && min < max && max <= 1e6) {
                return refuse(format!(
                    "sigma_min is {min} and sigma_max is {max} in {name}, but 0 < sigma_min < sigma_max <= 1e6 must hold: lower sigma_min or raise sigma_max"
                ));
            }
        }
        let sigmas = self.sigmas()?;
        let least = 1.0 / tinyscore::arith::BOUND;
        if let Some(sigma) = sigmas.last().filter(|&&sigma| sigma < least) {
            return refuse(format!(
                "a noise level is {sigma:e}, but must be at least {least:e}: raise sigma_min"
            ));
        }
        if sigmas.len() != export.levels {
            let (name, levels) = (self.objective.name.name(), export.levels);
            return refuse(format!("levels is {levels}, but {name} has one noise level: set it to 1"));
        }
        self.check_unread()?;
        let plan = sampling.sampler.plan(&sigmas[..], sampling.steps, &sampling.options);
        plan.map(drop).map_err(|e| UsageError(format!("sampler {}: {e}", sampling.sampler.name())))
    }

    /// Refuses a setting that is not as it comes and that nothing reads.
    fn check_unread(&self) -> Result<(), UsageError> {
        let Self { objective, net, export, sampling, .. } = self;
        if let Some((key, value)) = unread(&sampling.options, &Options::default(), sampling.sampler.reads()) {
            return Err(UsageError(format!(
                "{key} is {value}, but sampler {} does not read it: leave it out, or take one of {}",
                sampling.sampler.name(),
                Method::that_read(&key)
            )));
        }
        let objectives = [&["name"], objective.name.reads()].concat();
        if let Some((key, value)) = unread(objective, &ObjectiveConfig::new(objective.name), &objectives) {
            return Err(UsageError(format!(
                "{key} of the objective is {value}, but {} does not read it: leave it out, or take one of {}",
                objective.name.name(),
                ObjectiveName::that_read(&key)
            )));
        }
        if export.rho != RHO && export.spacing != SpacingKind::Karras {
            return Err(UsageError(format!(
                "rho is {}, but only spacing karras reads it: leave it out, or take --spacing karras",
                export.rho
            )));
        }
        if sampling.guidance > 0.0 && !net.conditional {
            return Err(UsageError(format!(
                "guidance is {}, but the network learns no classes: leave it out, or give labelled data and --conditional",
                sampling.guidance
            )));
        }
        Ok(())
    }

    /// What energy networks cannot do, and what only they can.
    fn check_energy(&self) -> Result<(), UsageError> {
        /// Wider sums of derivatives might overflow.
        const WIDEST: usize = 512;
        let Self { objective, net, training, export, .. } = self;
        let name = objective.name.name();
        let refuse = |what: String| Err(UsageError(what));
        if objective.name.is_contrastive() {
            if !net.energy {
                return refuse(format!(
                    "{name} trains energy networks: take --model ebm, or another objective"
                ));
            }
            if net.conditional {
                return refuse(format!(
                    "conditional is asked for, but {name} learns no classes: take --objective dsm or edm"
                ));
            }
            match objective.sigma {
                Some(sigma) if sigma > 0.0 && sigma <= 1e3 => {}
                sigma => {
                    return refuse(format!(
                        "objective sigma is {sigma:?}, but {name} needs one in 0…1000, not 0"
                    ));
                }
            }
            objective.contrastive.check()?;
        }
        if !net.energy {
            return Ok(());
        }
        if objective.name.is_implicit() {
            return refuse(format!(
                "{name} needs a third derivative of an energy network: take --objective dsm, ncsn, edm, cd or pcd"
            ));
        }
        if net.activation == Activation::Relu {
            return refuse("activation is relu, whose slope jumps: an energy network takes --activation silu, tanh or elu".into());
        }
        if net.hidden.iter().any(|&width| width > WIDEST) {
            return refuse(format!(
                "hidden is {:?}, but widths of an energy network must be in 1…{WIDEST}",
                net.hidden
            ));
        }
        if export.activation_bits != 16 {
            return refuse(format!(
                "activation_bits is {}, but an energy network needs 16",
                export.activation_bits
            ));
        }
        if training.qat_steps > 0 {
            return refuse(format!(
                "qat_steps is {}, but quantization-aware training is for score networks: set it to 0",
                training.qat_steps
            ));
        }
        Ok(())
    }
}
