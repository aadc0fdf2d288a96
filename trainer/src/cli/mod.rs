//! Arguments, and what each command does with them.

mod advise;
mod apply;
mod boltzmann;
mod commands;
mod eval;
mod settings;
mod stop;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Parser, Subcommand};
use settings::Settings;
use std::path::PathBuf;
use trainer::backend::DeviceName;
use trainer::config::UsageError;
use trainer::sample::Method;

/// Trains score-based generative models and exports them for microcontrollers.
///
/// Without a command: trains the two-mode mixture, exports it, samples it through the integer core and
/// draws the result, into runs/mixture.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train, export, sample, compare and draw: everything, into a run folder
    Train(Box<Train>),
    /// Export a trained run again, with other noise levels or bits
    Quantize(Quantize),
    /// Draw samples from a model through the core, into a .csv or .npy file
    Sample(Sample),
    /// Recommend noise levels, steps and evaluations for data
    Advise(advise::Advise),
    /// Train a student that needs few evaluations on the ways of a trained run
    Distill(advise::Distill),
    /// Remove noise from data
    Denoise(apply::Denoise),
    /// Fill in unknown columns of data, given the others
    Impute(apply::Impute),
    /// Draw points of which linear measurements are known
    Solve(apply::Solve),
    /// Score data: how far is each row from what the model was trained on?
    Detect(apply::Detect),
    /// Compare a run's samples with its data; train and judge a suite; or compare samplers
    Eval(Eval),
    /// Check a run: int8 against float by noise level, samplers against exact scores, the samples' hash
    Verify(RunFolder),
    /// Draw a run's pictures again
    Plot(RunFolder),
    /// Log-likelihood of data under a run's float network, by the probability-flow ODE
    Likelihood(Likelihood),
    /// Draw the samples between two seeds' through the core, evenly spaced in the latent, into a .csv or .npy file
    Interpolate(Interpolate),
    /// Show what is in a model: shapes, bytes, operations, memory, checksum
    Inspect(ModelFile),
    /// List data sets, objectives and samplers
    List,
    /// List what can be trained on
    Devices,
    /// Print one digest of 1,000 samples per sampler, for comparing machines
    Digest(ModelFile),
}

#[derive(Debug, Args)]
struct Train {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    binary: boltzmann::BinaryArgs,
    /// Folder for the run; must be empty or new [default: runs/DATA, numbered if taken]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the interrupted run in this folder, to the same result
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Seconds between two checkpoints, 0 or more
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    checkpoint_every: f64,
    /// Where to train
    #[arg(long, default_value_t, value_enum)]
    device: DeviceName,
}

#[derive(Debug, Args)]
struct Quantize {
    /// Folder of a finished training
    run: PathBuf,
    /// The new blob [default: RUN/model-LEVELS-BITS.postcard, such as model-20-w8a16.postcard]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    export: settings::ExportArgs,
    #[command(flatten)]
    sampling: settings::SamplingArgs,
}

#[derive(Debug, Args)]
struct Sample {
    /// A model.postcard
    model: PathBuf,
    /// Number of samples
    #[arg(short, long, default_value_t = 1000)]
    n: usize,
    /// Seed of the chains; chain i of a seed is the same sample in any number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The sampler [default: the plan stored in the model]
    #[arg(long, value_name = "NAME")]
    sampler: Option<Method>,
    /// Noise levels to use, at most the model's; for (underdamped-)langevin, steps [default: all levels]; of models of
    /// binary units Gibbs sweeps [default: 1000]
    #[arg(long, value_name = "K")]
    steps: Option<usize>,
    #[command(flatten)]
    options: settings::OptionArgs,
    /// Draw less noise by what quantization adds of its own
    #[arg(long)]
    compensate: bool,
    /// Draw from this class only
    #[arg(long, value_name = "C")]
    class: Option<usize>,
    /// Classifier-free guidance w: more typical of the class the larger; two evaluations a step
    #[arg(long, value_name = "W", default_value_t = 0.0, requires = "class")]
    guidance: f32,
    /// Samples in data units: .csv, or .npy, float32 of shape (n, d)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Eval {
    /// Folder of a finished training; with --sweep also a folder of such folders
    #[arg(required_unless_present_any = ["suite", "exact"])]
    run: Option<PathBuf>,
    /// Train and judge a suite instead: mixture, 2d (the other plane sets), all of them, objectives (the
    /// mixture by every objective), digits (8×8), mnist (28×28), windows (ecg and vibration), bits (digits by 8
    /// and 4 bits), energies (energy networks of the plane), or rbm (binarized 8×8 digits)
    #[arg(long, conflicts_with = "run")]
    suite: Option<SuiteName>,
    /// Data of the suites digits, mnist, bits and rbm: a folder or file of images with classes [default: drawn digits]
    #[arg(long, value_name = "DIR", requires = "suite")]
    data: Option<String>,
    /// Measure all samplers at 4 to 50 evaluations with the float network, into sweep.json and pictures
    #[arg(long, conflicts_with = "suite")]
    sweep: bool,
    /// Sweep the two-mode mixture with its exact score instead, which needs no training
    #[arg(long, requires = "sweep", conflicts_with = "run")]
    exact: bool,
    /// Suite bits: steps of quantization-aware training, 1…1000000
    #[arg(long, value_name = "STEPS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    qat: u64,
    /// Training seeds of the suite; medians are judged. Not for objectives and bits, which take seed 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Where a suite trains
    #[arg(long, default_value_t, value_enum)]
    device: DeviceName,
    /// Folder for the suite's runs [default: runs/suite-NAME, numbered if taken], or for what a sweep writes
    /// [default: the run's folder; runs/sweep-exact]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SuiteName {
    Mixture,
    #[value(name = "2d")]
    Plane,
    All,
    Objectives,
    Digits,
    Mnist,
    Windows,
    Bits,
    Energies,
    Rbm,
}

#[derive(Debug, Args)]
struct Likelihood {
    /// Folder of a finished training, or the checkpoint in it
    run: PathBuf,
    /// A data set (see `list`), or a .csv or .npy file, in data units [default: points the run held back]
    #[arg(long, value_name = "NAME|FILE")]
    data: Option<String>,
    /// Points to take, at most
    #[arg(short, long, default_value_t = 2000)]
    n: usize,
    /// Error of a step of the ODE solver, 1e-7…0.1
    #[arg(long, default_value_t = 1e-5)]
    tolerance: f64,
    /// Seed of points of a named data set, and of Hutchinson's directions above 64 dimensions
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Negative log-likelihood of every point in nats, an anomaly score: .csv, or .npy, float32 of shape (n, 1)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Interpolate {
    /// A model.postcard
    model: PathBuf,
    /// Seed of the first sample
    #[arg(long, value_name = "SEED")]
    from: u64,
    /// Seed of the last sample
    #[arg(long, value_name = "SEED")]
    to: u64,
    /// Number of samples, both ends included
    #[arg(short, long, default_value_t = 9)]
    n: usize,
    /// Samples in data units: .csv, or .npy, float32 of shape (n, d)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct RunFolder {
    /// Folder of a finished training
    run: PathBuf,
}

#[derive(Debug, Args)]
struct ModelFile {
    /// A model.postcard
    model: PathBuf,
}

/// Carries out the command.
pub fn run(cli: Cli, matches: &ArgMatches) -> Result<()> {
    stop::install()?;
    trainer::simd::instructions().map_err(UsageError)?;
    match cli.command {
        None => commands::demo(),
        Some(Command::Train(args)) => match args.binary.resolve(&args.settings, &given(matches))? {
            Some(config) => boltzmann::train(&args, config),
            None => commands::train(&args, &given(matches)),
        },
        Some(Command::Quantize(args)) => commands::quantize(&args),
        Some(Command::Sample(args)) => commands::sample(&args, &given(matches)),
        Some(Command::Advise(args)) => advise::advise(&args),
        Some(Command::Distill(args)) => advise::distill(&args),
        Some(Command::Denoise(args)) => apply::denoise(&args),
        Some(Command::Impute(args)) => apply::impute(&args),
        Some(Command::Solve(args)) => apply::solve(&args),
        Some(Command::Detect(args)) => apply::detect(&args),
        Some(Command::Eval(args)) => eval::eval(&args, &given(matches)),
        Some(Command::Verify(args)) => commands::verify(&args.run),
        Some(Command::Plot(args)) => commands::plot(&args.run),
        Some(Command::Likelihood(args)) => eval::likelihood(&args),
        Some(Command::Interpolate(args)) => commands::interpolate(&args),
        Some(Command::Inspect(args)) => commands::inspect(&args.model),
        Some(Command::List) => commands::list(),
        Some(Command::Devices) => commands::devices(),
        Some(Command::Digest(args)) => commands::digest(&args.model),
    }
}

/// Names of the flags on the command line.
fn given(matches: &ArgMatches) -> Vec<String> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    // Groups of flags are called as their structures.
    let flags = matches.ids().filter(|id| id.as_str().starts_with(char::is_lowercase));
    let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    flags.filter(given).map(|id| id.to_string()).collect()
}
