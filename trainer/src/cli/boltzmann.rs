//! What the commands do with Boltzmann machines of all kinds.

use super::apply::{Impute, filled_in};
use super::commands::{free, refuse_existing};
use super::settings::Settings;
use super::{Sample, Train};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use std::path::Path;
use tinyscore::blob::Kind;
use tinyscore::{BoltzmannMachine, Dbn, GaussianRbm};
use trainer::boltzmann::config::{Config, Family, LikelihoodBy, Method};
use trainer::boltzmann::run::Run;
use trainer::boltzmann::{binarize, use_blob};
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
            ModelName::Score | ModelName::Ebm => {
                let binary = ["binarize", "method", "likelihood", "sweeps"];
                let chains = ["k", "chains"];
                let wrong = |flag: &&String| {
                    binary.contains(&flag.as_str())
                        || self.model == ModelName::Score && chains.contains(&flag.as_str())
                };
                if let Some(flag) = given.iter().find(wrong) {
                    let dashes = if flag.len() > 1 { "--" } else { "-" };
                    let what =
                        format!("{dashes}{flag} belongs to other models: leave it out, or give --model");
                    return Err(UsageError(what).into());
                }
                return Ok(None);
            }
            ModelName::Rbm => Family::Rbm,
            ModelName::Dbn => Family::Dbn,
            ModelName::Bm => Family::Bm,
            ModelName::GaussianRbm => Family::GaussianRbm,
        };
        const KNOWN: [&str; 24] = [
            "model",
            "binarize",
            "method",
            "k",
            "chains",
            "likelihood",
            "sweeps",
            "data",
            "kind",
            "labels",
            "label_column",
            "window",
            "stride",
            "hold_out",
            "without",
            "seed",
            "points",
            "training_steps",
            "batch",
            "learning_rate",
            "weight_decay",
            "hidden",
            "samples",
            "out",
        ];
        if let Some(flag) = given.iter().find(|flag| !KNOWN.contains(&flag.as_str())) {
            let what =
                format!("--{} belongs to score networks: leave it out, or --model", flag.replace('_', "-"));
            return Err(UsageError(what).into());
        }
        let mut config = Config::new(family, settings.data.as_deref().unwrap_or("digits"));
        macro_rules! take {
            ($($from:expr => $to:ident),* $(,)?) => { $(if let Some(value) = $from.clone() { config.$to = value; })* };
        }
        take!(
            self.method => method, self.k => k, self.chains => chains, self.likelihood => likelihood,
            self.sweeps => sweeps, settings.seed => seed, settings.points => points, settings.hidden => hidden,
            settings.training_steps => updates, settings.batch => batch, settings.learning_rate => learning_rate,
            settings.weight_decay => weight_decay, settings.samples => samples,
        );
        config.binarize = self.binarize;
        settings.source.apply(&mut config.source);
        Ok(Some(config))
    }
}

pub fn train(args: &Train, config: Config) -> Result<()> {
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
    let run = Run::create(&dir, config)?;
    run.data.summary.iter().for_each(|line| println!("{line}"));
    println!("{}: {} rows of {} units", run.config.data, run.data.train.len(), run.data.train.dim());
    let report = run.whole()?;
    print!("\n{}", report.table());
    println!(
        "\nMade in {}: model.postcard ({} bytes, for the chip), samples-int8.npy, metrics.json, config.toml,\n\
         checkpoint.safetensors and pictures.\nNext: cargo run --release -p trainer -- inspect {}/model.postcard",
        dir.display(),
        report.blob_bytes,
        dir.display()
    );
    Ok(())
}

pub fn eval(dir: &Path) -> Result<()> {
    print!("{}", Run::open(dir)?.judge()?.table());
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
    refuse_existing(&args.out)?;
    let sweeps = args.steps.unwrap_or(SWEEPS);
    let bar = bar("sampling int8", args.n as u64);
    let samples = use_blob::sample(blob, args.n, args.seed, sweeps, || bar.inc(1))
        .map_err(|e| anyhow!("{}: {e}", args.model.display()))?;
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
    if sweeps == 0 {
        return Err(UsageError("times is 0, but must be at least 1".into()).into());
    }
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
