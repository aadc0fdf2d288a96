//! Flags over a config file over the defaults of the data set.

use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use trainer::advise::advise;
use trainer::config::{
    Config, ExportConfig, NetConfig, Preset, RHO, SamplingConfig, SpacingKind, UsageError,
};
use trainer::data::{Kind, Source};
use trainer::dataset::{self, Dataset};
use trainer::denoiser::Precondition;
use trainer::mlp::Activation;
use trainer::objective::{ObjectiveConfig, ObjectiveName};
use trainer::sample::{Method, Options};
use trainer::sde::Schedule;

/// Takes the value of a flag that was given.
macro_rules! take {
    ($($from:expr => $to:expr),* $(,)?) => {
        $(if let Some(value) = $from.clone() { $to = value; })*
    };
}

/// Flags of a training.
#[derive(Debug, Args)]
pub struct Settings {
    /// A data set (see `list`), or a .csv, .npy or IDX file, or a folder of such (images and labels as MNIST
    /// names them; train.csv, test.csv) [default: mixture]
    #[arg(long, value_name = "NAME|FILE|DIR")]
    pub(super) data: Option<String>,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Settings from a TOML file, as in a run's config.toml or some of them; flags override it
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// A named set of settings
    #[arg(long, default_value = "default")]
    preset: Preset,
    /// Seed of everything random [default: 1]
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Points drawn from a named data set to train on [default: 100000]
    #[arg(long, value_name = "N")]
    pub(super) points: Option<usize>,
    /// What the network learns (see `list`), with its paper's settings and precondition [default: dsm]
    #[arg(long, value_name = "NAME")]
    objective: Option<ObjectiveName>,
    /// dsm, esm, ism, ssm: train at this one noise level instead of all; ism, ssm: 0 for clean points; cd, pcd: that of the
    /// model [default: 0.1]
    #[arg(long, value_name = "SIGMA")]
    objective_sigma: Option<f32>,
    /// cd, pcd: weight of the square of the network's output [default: 0.1]
    #[arg(long, value_name = "ALPHA")]
    penalty: Option<f32>,
    /// cd, pcd: size of a Langevin step over σ², 0…2 [default: 0.5]
    #[arg(long, value_name = "RATE")]
    langevin_rate: Option<f32>,
    /// ssm: random directions per example, 1…64 [default: 1]
    #[arg(long, value_name = "M")]
    probes: Option<usize>,
    /// ddpm, v-prediction, x0-prediction: β by time [default: linear for ddpm, else cosine]
    #[arg(long)]
    schedule: Option<Schedule>,
    /// Optimizer steps
    #[arg(long, value_name = "N")]
    pub(super) training_steps: Option<u64>,
    /// Examples per step [default: 512]
    #[arg(long, value_name = "N")]
    pub(super) batch: Option<usize>,
    /// Peak of the one-cycle learning rate, 0…10
    #[arg(long, value_name = "RATE")]
    pub(super) learning_rate: Option<f32>,
    /// Share of the steps that warms up, 0…1
    #[arg(long, value_name = "SHARE")]
    warm_up: Option<f32>,
    /// Decoupled weight decay of AdamW, 0…1; 0 is Adam
    #[arg(long, value_name = "RATE")]
    pub(super) weight_decay: Option<f32>,
    /// Largest gradient norm
    #[arg(long, value_name = "NORM")]
    clip_norm: Option<f32>,
    /// Decay of the weights' moving average, 0…1
    #[arg(long, value_name = "DECAY")]
    ema: Option<f32>,
    /// Quantization-aware training: optimizer steps on the rounded network after all others [default: 0]
    #[arg(long, value_name = "STEPS")]
    qat: Option<u64>,
    /// Widths of the hidden layers, such as 88,88
    #[arg(long, value_name = "W,W,…", value_delimiter = ',')]
    pub(super) hidden: Option<Vec<usize>>,
    /// Hidden activation
    #[arg(long)]
    activation: Option<Activation>,
    /// How the network's output is read [default: as in the objective's paper]
    #[arg(long)]
    precondition: Option<Precondition>,
    /// Features of the noise level, 0…256
    #[arg(long, value_name = "K")]
    embedding: Option<usize>,
    /// Learn this many principal components of the data, of which the blob's codec makes the data again; 0 for none
    #[arg(long, value_name = "K")]
    latent: Option<usize>,
    /// Whether to learn the classes of labelled data, for `sample --class`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    conditional: Option<bool>,
    /// Smallest noise level of training, in units of the standardized data
    #[arg(long, value_name = "SIGMA")]
    train_sigma_min: Option<f32>,
    /// Largest noise level of training
    #[arg(long, value_name = "SIGMA")]
    train_sigma_max: Option<f32>,
    #[command(flatten)]
    export: ExportArgs,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Classifier-free guidance of further samples to draw and compare; two evaluations a step
    #[arg(long, value_name = "W")]
    guidance: Option<f32>,
    /// Samples to draw and compare [default: 10000]
    #[arg(long, value_name = "N")]
    pub(super) samples: Option<usize>,
}

/// Flags of how data are read.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// What a row of the data is [default: images if IDX, windows if cut by --window, else points]
    #[arg(long)]
    kind: Option<Kind>,
    /// The classes, one number a line: .csv, .npy or IDX [default: NAME-labels.npy beside NAME.npy]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Column of the classes in a .csv file, from 0 [default: the one called label]
    #[arg(long, value_name = "NAME|INDEX")]
    label_column: Option<String>,
    /// Cut each column, a recording, into windows of this many rows; length of a named set's windows
    #[arg(long, value_name = "LENGTH")]
    window: Option<usize>,
    /// Rows from a window's start to the next one's [default: LENGTH]
    #[arg(long, value_name = "N", requires = "window")]
    stride: Option<usize>,
    /// Share of the rows to hold back for comparison, the end of a recording, where there is no test file
    /// [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    hold_out: Option<f32>,
    /// Classes to leave out, such as a fault that the detector is to find; the others are numbered anew from 0
    #[arg(long, value_name = "C,C,…", value_delimiter = ',')]
    without: Option<Vec<u16>>,
}

impl SourceArgs {
    /// The flags that were given, to be given again.
    pub fn given(&self) -> String {
        let kind = self.kind.and_then(|kind| Some(kind.to_possible_value()?.get_name().to_owned()));
        let list = |classes: &Vec<u16>| classes.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let flags = [
            ("kind", kind),
            ("labels", self.labels.as_ref().map(|path| quoted(&path.display().to_string()))),
            ("label-column", self.label_column.as_deref().map(quoted)),
            ("window", self.window.map(|length| length.to_string())),
            ("stride", self.stride.map(|stride| stride.to_string())),
            ("hold-out", self.hold_out.map(|share| share.to_string())),
            ("without", self.without.as_ref().map(list)),
        ];
        let given = flags.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        given.collect()
    }

    /// Overrides what was given.
    pub fn apply(&self, source: &mut Source) {
        source.kind = self.kind.or(source.kind);
        source.labels = self.labels.clone().or(source.labels.take());
        source.label_column = self.label_column.clone().or(source.label_column.take());
        source.window = self.window.or(source.window);
        source.stride = self.stride.or(source.stride);
        take!(self.hold_out => source.hold_out, self.without => source.without);
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:=@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Flags of an export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Smallest noise level of the blob, in units of the standardized data
    #[arg(long, value_name = "SIGMA")]
    sigma_min: Option<f32>,
    /// Largest noise level of the blob
    #[arg(long, value_name = "SIGMA")]
    sigma_max: Option<f32>,
    /// Number of noise levels in the blob, 1…4096
    #[arg(long, value_name = "K")]
    levels: Option<usize>,
    /// How the levels are spread
    #[arg(long)]
    spacing: Option<SpacingKind>,
    /// ρ of the Karras spacing, 1…100
    #[arg(long)]
    rho: Option<f32>,
    /// Bits of the weights between hidden layers, 8 or 4
    #[arg(long, value_name = "BITS")]
    weight_bits: Option<u32>,
    /// Bits of the hidden activations, 8 or 16
    #[arg(long, value_name = "BITS")]
    activation_bits: Option<u32>,
}

/// Flags of the recommended plan.
#[derive(Debug, Args)]
pub struct SamplingArgs {
    /// The sampler (see `list`)
    #[arg(long, value_name = "NAME")]
    sampler: Option<Method>,
    /// Noise levels it uses, at most --levels; for (underdamped-)langevin, steps
    #[arg(long, value_name = "K")]
    steps: Option<usize>,
    #[command(flatten)]
    options: OptionArgs,
}

/// Flags of some samplers.
#[derive(Debug, Args)]
pub struct OptionArgs {
    /// Share of the noise of ancestral sampling, 0…1
    #[arg(long)]
    eta: Option<f32>,
    /// Langevin steps per noise level, also of mala
    #[arg(long, value_name = "T")]
    per_level: Option<usize>,
    /// ε of annealed-langevin, α of annealed-langevin-notes: the step at the smallest level
    #[arg(long)]
    epsilon: Option<f32>,
    /// Signal-to-noise ratio of Langevin steps and corrections
    #[arg(long)]
    snr: Option<f32>,
    /// Denoise after annealed Langevin
    #[arg(long)]
    denoise: Option<bool>,
    /// Order of ipndm and deis, 1…4
    #[arg(long, value_name = "1…4")]
    order: Option<usize>,
    /// Corrections of predictor-corrector after each step
    #[arg(long, value_name = "N")]
    corrections: Option<usize>,
    /// Friction of underdamped-langevin, in units of 1/σ
    #[arg(long)]
    friction: Option<f32>,
    /// Sum over churn's steps of how much it raises σ, relatively
    #[arg(long, value_name = "S")]
    s_churn: Option<f32>,
    /// Smallest σ at which churn adds noise
    #[arg(long, value_name = "SIGMA")]
    s_tmin: Option<f32>,
    /// Largest σ at which churn adds noise
    #[arg(long, value_name = "SIGMA")]
    s_tmax: Option<f32>,
    /// Standard deviation of churn's noise, ideally 1
    #[arg(long, value_name = "SD")]
    s_noise: Option<f32>,
    /// Where clamped-langevin keeps its state, in units of the standardized data [default: 3]
    #[arg(long, value_name = "X")]
    limit: Option<f32>,
}

impl OptionArgs {
    /// Overrides what was given.
    pub fn apply(&self, options: &mut Options) {
        take!(
            self.eta => options.eta,
            self.per_level => options.per_level,
            self.epsilon => options.epsilon,
            self.snr => options.snr,
            self.denoise => options.denoise,
            self.order => options.order,
            self.corrections => options.corrections,
            self.friction => options.friction,
            self.s_churn => options.s_churn,
            self.s_tmin => options.s_tmin,
            self.s_tmax => options.s_tmax,
            self.s_noise => options.s_noise,
            self.limit => options.limit,
        );
    }
}

impl SamplingArgs {
    /// Overrides what was given.
    pub fn apply(&self, sampling: &mut SamplingConfig) {
        self.sampler.into_iter().for_each(|sampler| sampling.choose(sampler));
        take!(self.steps => sampling.steps);
        self.options.apply(&mut sampling.options);
    }
}

impl ExportArgs {
    /// Overrides what was given.
    pub fn apply(&self, export: &mut ExportConfig) {
        if self.spacing.is_some() {
            export.rho = RHO;
        }
        take!(
            self.sigma_min => export.sigma_min,
            self.sigma_max => export.sigma_max,
            self.levels => export.levels,
            self.spacing => export.spacing,
            self.rho => export.rho,
            self.weight_bits => export.weight_bits,
            self.activation_bits => export.activation_bits,
        );
    }
}

/// Takes the noise levels that suit the data of a file.
fn advised(config: &mut Config) -> Result<()> {
    config.check()?;
    let data = Dataset::load(config)?;
    let advice = advise(&data.standard, 0.02, config.seed)?;
    (config.export.sigma_min, config.export.sigma_max) = (advice.sigma_min, advice.sigma_max);
    (config.training.sigma_min, config.training.sigma_max) = (0.5 * advice.sigma_min, advice.sigma_max);
    Ok(())
}

/// Says where chains would begin too near to reach all of a file's points.
fn note_small_sigma(config: &Config) -> Result<()> {
    config.check()?;
    if dataset::named(&config.data, None).is_some() {
        return Ok(());
    }
    let advice = advise(&Dataset::load(config)?.standard, 0.02, config.seed)?;
    if config.export.sigma_max < 0.5 * advice.sigma_max {
        println!(
            "note: sigma_max is {}, but points are up to {:.2} apart: samples may miss some of them; take --sigma-max {:.2}",
            config.export.sigma_max, advice.sigma_max, advice.sigma_max
        );
    }
    Ok(())
}

/// Whether the preset's classes are not in a file.
fn is_without_labels(config: &Config) -> Result<bool> {
    if dataset::named(&config.data, None).is_some() {
        return Ok(false);
    }
    let config = Config { net: NetConfig { latent: 0, ..config.net.clone() }, ..config.clone() };
    Ok(Dataset::load(&config)?.train.labels().is_empty())
}

/// Refuses a flag that is as it comes, so that the settings do not show it, and that nothing reads.
fn check_given(config: &Config, given: &[String]) -> Result<(), UsageError> {
    let is_given = |flag: &str| given.iter().any(|given| given == flag);
    let refuse = |flag: &str, who: &str, readers: &str| {
        let flag = dashed(flag);
        Err(UsageError(format!(
            "{flag} is given, but {who} does not read it: leave it out, or take {readers}"
        )))
    };
    check_options(config.sampling.sampler, given)?;
    let name = config.objective.name;
    for (flag, setting) in [
        ("objective_sigma", "sigma"),
        ("penalty", "contrastive"),
        ("langevin_rate", "contrastive"),
        ("probes", "probes"),
        ("schedule", "schedule"),
    ] {
        if is_given(flag) && !name.reads().contains(&setting) {
            let readers = format!("--objective {}", ObjectiveName::that_read(setting).replace(", ", " or "));
            return refuse(flag, &format!("the objective {}", name.name()), &readers);
        }
    }
    if is_given("rho") && config.export.spacing != SpacingKind::Karras {
        return refuse("rho", "this spacing", "--spacing karras");
    }
    for flag in ["sigma_min", "sigma_max", "spacing", "rho", "levels"] {
        let one = flag == "levels" && config.export.levels == 1;
        if is_given(flag) && name.is_contrastive() && !one {
            return refuse(
                flag,
                &format!("{}, which has one noise level,", name.name()),
                "--objective-sigma",
            );
        }
    }
    if is_given("points") && dataset::named(&config.data, None).is_none() {
        return refuse(
            "points",
            &format!("{}, of which every row is read,", config.data),
            "a named data set",
        );
    }
    Ok(())
}

/// Refuses an option of samplers that `sampler` does not read.
pub fn check_options(sampler: Method, given: &[String]) -> Result<(), UsageError> {
    let is_option = |flag: &&String| !Method::that_read(flag).is_empty();
    match given.iter().filter(is_option).find(|flag| !sampler.reads().contains(&flag.as_str())) {
        None => Ok(()),
        Some(flag) => Err(UsageError(format!(
            "{} is given, but the sampler {} does not read it: leave it out, or take --sampler {}",
            dashed(flag),
            sampler.name(),
            Method::that_read(flag).replace(", ", " or ")
        ))),
    }
}

/// Refuses every flag and argument but these.
pub fn only(given: &[String], reads: &[&str], who: &str) -> Result<(), UsageError> {
    match given.iter().find(|flag| !reads.contains(&flag.as_str())) {
        None => Ok(()),
        Some(flag) => {
            Err(UsageError(format!("{} is given, but {who} does not read it: leave it out", dashed(flag))))
        }
    }
}

/// As it is written on the command line.
pub fn dashed(flag: &str) -> String {
    let dashes = if flag.len() > 1 { "--" } else { "-" };
    format!("{dashes}{}", flag.replace('_', "-"))
}

impl Settings {
    /// The resolved settings; `energy` says whether of an energy network, and its Langevin steps and chains; `given` are
    /// the names of the flags that were.
    pub fn resolve(
        &self,
        energy: Option<(Option<usize>, Option<usize>)>,
        given: &[String],
    ) -> Result<Config> {
        let (mut config, levels) = match &self.config {
            Some(path) => Config::read_over_defaults(path)?,
            None => (Config::new(self.data.as_deref().unwrap_or("mixture"), self.preset), false),
        };
        match (&self.config, self.objective) {
            (None, name) => {
                config = if energy.is_some() { config.with_energy() } else { config };
                config = name.into_iter().fold(config, Config::with_objective);
            }
            // What the file says of training stays.
            (Some(_), name) => {
                config.net.energy |= energy.is_some();
                if let Some(name) = name.filter(|&name| name != config.objective.name) {
                    config.objective = ObjectiveConfig::new(name);
                    config.net.precondition = name.precondition();
                }
            }
        }
        config.objective.sigma = self.objective_sigma.or(config.objective.sigma);
        let contrastive = &mut config.objective.contrastive;
        take!(
            energy.and_then(|(k, _)| k) => contrastive.langevin_steps,
            energy.and_then(|(_, chains)| chains) => contrastive.buffer,
            self.penalty => contrastive.penalty,
            self.langevin_rate => contrastive.langevin_rate,
        );
        let training = &mut config.training;
        take!(
            self.data.as_deref().map(dataset::canonical) => config.data,
            self.seed => config.seed,
            self.points => config.points,
            self.training_steps => training.steps,
            self.batch => training.batch,
            self.learning_rate => training.learning_rate,
            self.warm_up => training.warm_up,
            self.weight_decay => training.weight_decay,
            self.clip_norm => training.clip_norm,
            self.ema => training.ema,
            self.qat => training.qat_steps,
            self.sigma_min() => training.sigma_min,
            self.sigma_max() => training.sigma_max,
            self.probes => config.objective.probes,
            self.schedule => config.objective.schedule,
            self.hidden => config.net.hidden,
            self.activation => config.net.activation,
            self.precondition => config.net.precondition,
            self.embedding => config.net.embedding,
            self.latent => config.net.latent,
            self.samples => config.sampling.samples,
        );
        self.source.apply(&mut config.source);
        if !levels
            && dataset::named(&config.data, None).is_none()
            && self.preset == Preset::Default
            && !self.names_levels()
        {
            advised(&mut config)?;
        }
        if config.net.conditional
            && self.conditional.is_none()
            && self.config.is_none()
            && is_without_labels(&config)?
        {
            println!("note: {} has no labels, so that no classes are learned", config.data);
            (config.net.conditional, config.sampling.guidance) = (false, 0.0);
        }
        if let Some(conditional) = self.conditional {
            config.net.conditional = conditional;
            config.sampling.guidance *= f32::from(u8::from(conditional));
        }
        take!(self.guidance => config.sampling.guidance);
        self.export.apply(&mut config.export);
        self.sampling.apply(&mut config.sampling);
        check_given(&config, given)?;
        if given.iter().any(|flag| flag == "sigma_max") {
            note_small_sigma(&config)?;
        }
        Ok(config)
    }

    /// Whether a flag says which noise levels to take.
    fn names_levels(&self) -> bool {
        let ends = [self.train_sigma_min, self.train_sigma_max, self.export.sigma_min, self.export.sigma_max];
        ends.iter().any(Option::is_some)
    }

    /// Training covers the blob's levels unless told otherwise.
    fn sigma_min(&self) -> Option<f32> {
        self.train_sigma_min.or(self.export.sigma_min)
    }

    fn sigma_max(&self) -> Option<f32> {
        self.train_sigma_max.or(self.export.sigma_max)
    }
}
