//! What the commands do with Boltzmann machines of all kinds.

use super::apply::{Impute, filled_in};
use super::commands::{free, quoted, refuse_existing};
use super::settings::dashed;
use super::settings::{Settings, SourceArgs};
use super::stop::stop_flag;
use super::{Sample, Train};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tinyscore::blob::Kind;
use tinyscore::{BoltzmannMachine, Dbn, GaussianRbm};
use trainer::boltzmann::config::{Config, Family, LikelihoodBy, MAX_SWEEPS, Method};
use trainer::boltzmann::model::Model;
use trainer::boltzmann::run::Run;
use trainer::boltzmann::{binarize, use_blob};
use trainer::bounds::{check_count, check_memory};
use trainer::config::UsageError;
use trainer::run::{bar, digest};
use trainer::{Points, output};

/// Gibbs sweeps of a sample, where none are asked for.
const SWEEPS: usize = 1000;

/// Flags of a training of a Boltzmann machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Boltzmann machines")]
pub struct BinaryArgs {
    /// What to train: to Boltzmann machines --hidden, --training-steps, --batch, --learning-rate, --weight-decay, --samples
    /// and what concerns data apply, too
    #[arg(long, default_value = "score")]
    model: ModelName,
    /// Values from this one on are ones, others zeros [default: the data hold nothing else]
    #[arg(long, value_name = "THRESHOLD")]
    binarize: Option<f32>,
    /// How it learns [default: pcd]
    #[arg(long)]
    method: Option<Method>,
    /// Gibbs sweeps per update [default: 5]; of an energy network Langevin steps [default: 20]
    #[arg(short)]
    k: Option<usize>,
    /// Chains of pcd [default: 500; of an energy network 8192]
    #[arg(long, value_name = "N")]
    chains: Option<usize>,
    /// How the partition function is found [default: auto]
    #[arg(long, value_name = "HOW")]
    likelihood: Option<LikelihoodBy>,
    /// Gibbs sweeps before each sample [default: 1000]
    #[arg(long, value_name = "N")]
    sweeps: Option<usize>,
}

/// What to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ModelName {
    /// Score network
    Score,
    /// Energy network, a score that is the gradient of an energy; by --objective dsm, ncsn, edm, cd or pcd
    Ebm,
    /// Restricted Boltzmann machine
    Rbm,
    /// Deep belief network, a stack of such
    Dbn,
    /// Boltzmann machine with lateral weights
    Bm,
    /// Restricted Boltzmann machine with real visible units
    GaussianRbm,
}

impl BinaryArgs {
    /// Whether an energy network is asked for, with these Langevin steps and chains.
    pub fn energy(&self) -> Option<(Option<usize>, Option<usize>)> {
        (self.model == ModelName::Ebm).then_some((self.k, self.chains))
    }

    /// The settings, if such a machine is asked for; `given` are the names of the flags that were.
    pub fn resolve(&self, settings: &Settings, given: &[String]) -> Result<Option<Config>> {
        let family = match self.model {
            ModelName::Score => return refuse_others(&of_machines(&[]), given).map(|()| None),
            ModelName::Ebm => return refuse_others(&of_machines(&["k", "chains"]), given).map(|()| None),
            // A run keeps its settings.
            _ if given.iter().any(|flag| flag == "resume") => return Ok(None),
            ModelName::Rbm => Family::Rbm,
            ModelName::Dbn => Family::Dbn,
            ModelName::Bm => Family::Bm,
            ModelName::GaussianRbm => Family::GaussianRbm,
        };
        let mut config = Config::new(family, settings.data.as_deref().unwrap_or("digits"));
        config.binarize = self.binarize;
        settings.source.apply(&mut config.source);
        let mut read = ids(SourceArgs::augment_args);
        read.extend(["model", "binarize", "data", "out", "checkpoint_every"].map(str::to_owned));
        // What is taken has been read.
        macro_rules! take {
            ($($of:tt.$flag:ident => $to:ident),* $(,)?) => {
                $(read.push(stringify!($flag).to_owned());
                if let Some(value) = $of.$flag.clone() { config.$to = value; })*
            };
        }
        take!(
            self.method => method, self.k => k, self.chains => chains, self.likelihood => likelihood,
            self.sweeps => sweeps, settings.seed => seed, settings.points => points, settings.hidden => hidden,
            settings.training_steps => updates, settings.batch => batch, settings.learning_rate => learning_rate,
            settings.weight_decay => weight_decay, settings.samples => samples,
        );
        if let Some(flag) = given.iter().find(|flag| !read.contains(flag)) {
            let what = format!("{} belongs to score networks: leave it out, or --model", dashed(flag));
            return Err(UsageError(what).into());
        }
        Ok(Some(config))
    }
}

/// Names of a structure's flags.
fn ids(augment: fn(clap::Command) -> clap::Command) -> Vec<String> {
    augment(clap::Command::new("")).get_arguments().map(|argument| argument.get_id().to_string()).collect()
}

/// Flags that only Boltzmann machines read, but for these.
fn of_machines(shared: &[&str]) -> Vec<String> {
    let read = |flag: &String| flag == "model" || shared.contains(&flag.as_str());
    ids(BinaryArgs::augment_args).into_iter().filter(|flag| !read(flag)).collect()
}

fn refuse_others(others: &[String], given: &[String]) -> Result<()> {
    let Some(flag) = given.iter().find(|flag| others.contains(flag)) else { return Ok(()) };
    let what = format!("{} belongs to other models: leave it out, or give --model", dashed(flag));
    Err(UsageError(what).into())
}

pub fn train(args: &Train, config: Config) -> Result<()> {
    config.check_before_data()?;
    let dir = args.out.clone().unwrap_or_else(|| {
        let name = Path::new(&config.data).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let family = match config.model {
            Family::Rbm => "rbm",
            Family::Dbn => "dbn",
            Family::Bm => "bm",
            Family::GaussianRbm => "gaussian-rbm",
        };
        free(&format!("runs/{name}-{family}"))
    });
    execute(&Run::create(&dir, config)?.saving_every(args.every()?))
}

/// Goes on with an interrupted training.
pub fn resume(dir: &Path, every: Duration) -> Result<()> {
    let run = Run::open(dir)?.saving_every(every).locked()?;
    if let Some(report) = run.finished()? {
        print!("{} is finished:\n{}", dir.display(), report.table());
        return Ok(());
    }
    match run.learner()?.0 {
        learner if learner.updates() == 0 => println!("{}: no checkpoint yet, starting over", dir.display()),
        learner => {
            println!(
                "{}: resuming at step {} of {}",
                dir.display(),
                learner.updates(),
                learner.all_updates()
            );
        }
    }
    execute(&run)
}

fn execute(run: &Run) -> Result<()> {
    let dir = quoted(&run.dir);
    run.data.summary.iter().for_each(|line| println!("{line}"));
    println!("{}: {} rows of {} units", run.config.data, run.data.train.len(), run.data.train.dim());
    let Some(report) = run.whole(stop_flag())? else {
        bail!("interrupted; the checkpoint is in {dir}: continue with `trainer train --resume {dir}`");
    };
    print!("\n{}", report.table());
    let pictures = ["samples.png", "data.png", "training.png"].into_iter();
    let pictures: String =
        pictures.filter(|file| run.file(file).exists()).map(|file| format!(", {file}")).collect();
    println!(
        "\nMade in {dir}: model.postcard ({} bytes, for the chip), samples-int8.npy, metrics.json, config.toml,\n\
         checkpoint.safetensors{pictures}.\nNext: cargo run -p trainer -- inspect {}",
        report.blob_bytes,
        quoted(&run.file("model.postcard")),
    );
    Ok(())
}

pub fn eval(dir: &Path) -> Result<()> {
    print!("{}", Run::open(dir)?.judge(&AtomicBool::new(false))?.table());
    Ok(())
}

/// Refuses a blob of a Boltzmann machine where a score network's is needed.
pub fn refuse(path: &Path, blob: &[u8]) -> Result<()> {
    if is_binary(blob) {
        let what = format!(
            "{} holds a Boltzmann machine, but this command is for score networks: of machines there are sample, impute and inspect",
            path.display()
        );
        return Err(UsageError(what).into());
    }
    Ok(())
}

/// Whether a blob holds a Boltzmann machine; damaged ones are left to their reader.
pub fn is_binary(blob: &[u8]) -> bool {
    Kind::of(blob).is_ok_and(|kind| !matches!(kind, Kind::Score | Kind::Energy))
}

pub fn sample(args: &Sample, blob: &[u8]) -> Result<()> {
    if args.sampler.is_some() || args.class.is_some() || args.compensate {
        let what = "sampler, class and compensate belong to score networks: leave them out; --steps are Gibbs sweeps";
        return Err(UsageError(what.into()).into());
    }
    output::format(&args.out)?;
    let sweeps = args.steps.unwrap_or(SWEEPS);
    check_count("steps", sweeps, 1..=MAX_SWEEPS)?;
    refuse_existing(&args.out)?;
    let core = |e| anyhow!("{}: {e}", args.model.display());
    let model = Model::of_blob(blob).map_err(core)?;
    check_memory("n", args.n, model.visible())?;
    let bar = bar("sampling int8", args.n as u64);
    // There is nothing to save: a signal ends the program.
    let (starts, stop) = (model.starts(args.seed), AtomicBool::new(false));
    let samples = use_blob::sample(blob, Some(&starts), args.n, (args.seed, sweeps), &stop, || bar.inc(1))
        .map_err(core)?;
    let Some(samples) = samples else { bail!("interrupted; nothing was written") };
    bar.finish();
    save(&args.out, &samples, &output::names_beside(&args.model))?;
    let (out, n, digest) = (args.out.display(), args.n, digest(&samples));
    println!("{out}: {n} samples of {} units, {sweeps} sweeps each; digest {digest:016x}", samples.dim());
    Ok(())
}

fn save(out: &Path, points: &Points, names: &[String]) -> Result<()> {
    output::save(out, points, names)
        .with_context(|| format!("cannot write {}; give a writable place with --out", out.display()))
}

/// Binary units of what is known.
fn binarize_known(rows: &Points, threshold: Option<f32>) -> Result<Points, UsageError> {
    let known: Vec<f32> = rows.values().iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect();
    let binary = binarize("the data", &Points::new(rows.dim(), known), threshold)?;
    let gap = |(x, bit): (&f32, &f32)| if x.is_nan() { f32::NAN } else { *bit };
    let values = rows.values().iter().zip(binary.values()).map(gap).collect();
    Ok(Points::new(rows.dim(), values))
}

/// Fills in what is NaN.
pub fn impute(args: &Impute, blob: &[u8], rows: Points, names: &[String]) -> Result<()> {
    if args.interval.is_some() {
        return Err(UsageError("interval belongs to score networks: leave it out".into()).into());
    }
    let sweeps = args.times.unwrap_or(SWEEPS);
    check_count("times", sweeps, 1..=MAX_SWEEPS)?;
    let real = Kind::of(blob).is_ok_and(|kind| kind == Kind::GaussianRbm);
    if real && args.binarize.is_some() {
        let what = "the visible units of a gaussian-rbm are real numbers: leave binarize out";
        return Err(UsageError(what.into()).into());
    }
    let known = if real { rows.clone() } else { binarize_known(&rows, args.binarize)? };
    let filled = use_blob::fill_in(blob, &known, &[], args.seed, sweeps)?;
    save(&args.out, &filled, names)?;
    println!("{}: {} by {sweeps} sweeps", args.out.display(), filled_in(&rows));
    Ok(())
}

pub fn inspect(path: &Path, blob: &[u8]) -> Result<()> {
    let core = |e| anyhow!("{}: {e}", path.display());
    println!("{}", path.display());
    if Kind::of(blob).map_err(core)? == Kind::BoltzmannMachine {
        let machine = BoltzmannMachine::from_bytes(blob).map_err(core)?;
        let (visible, units) = (machine.visible(), machine.units());
        println!("  name                {}", machine.name());
        println!(
            "  kind                Boltzmann machine of {visible} visible and {} hidden units",
            units - visible
        );
        println!("  weights             int8, units of 2^-{}", machine.shift());
        println!("  bytes in flash      {}", blob.len());
        println!("  additions per sweep {}, at most", units * units);
        println!("  RAM                 {} bytes: the state", 4 * units.div_ceil(32));
        return Ok(());
    }
    if Kind::of(blob).map_err(core)? == Kind::GaussianRbm {
        let rbm = GaussianRbm::from_bytes(blob).map_err(core)?;
        let (visible, hidden) = (rbm.visible(), rbm.hidden());
        let words = hidden.div_ceil(32);
        println!("  name                {}", rbm.name());
        println!(
            "  kind                Gaussian–Bernoulli restricted Boltzmann machine of {visible} visible and {hidden} hidden units"
        );
        println!("  weights             int8, units of 2^-{}", rbm.shift());
        println!("  bytes in flash      {}", blob.len());
        println!("  products per sweep  {}, and as many additions at most", visible * hidden);
        println!(
            "  RAM                 {} bytes for GaussianGibbs::<_, {visible}, {words}>",
            (2 * visible).next_multiple_of(4) + 4 * words + 16
        );
        return Ok(());
    }
    let dbn = Dbn::from_bytes(blob).map_err(core)?;
    let widths: Vec<String> = dbn.widths().map(|w| w.to_string()).collect();
    let (top, words) = (dbn.top(), dbn.words());
    let kind = if widths.len() == 2 { "restricted Boltzmann machine" } else { "deep belief network" };
    println!("  name                {}", dbn.name());
    println!("  kind                {kind}, units {}", widths.join("-"));
    println!("  weights             int8, units of 2^-{}, in both directions", top.shift());
    println!("  bytes in flash      {}", blob.len());
    println!("  additions per sweep {} of 4 weights, at most", top.visible() * top.hidden() / 2);
    println!("  RAM                 {} bytes for Gibbs::<_, {words}>", size_of_chain(words));
    Ok(())
}

/// Two layers of bits, two words of sums for each four units, the generator.
fn size_of_chain(words: usize) -> usize {
    (2 * 4 + 64) * words + 16
}
