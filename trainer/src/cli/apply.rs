//! Commands that use a model on data: denoise, impute, detect.

use super::boltzmann;
use super::commands::{network, read_model, refuse_existing};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use trainer::apply::{self, Denoising, Draws, Noise};
use trainer::boltzmann::config::{MAX_SWEEPS, check_count};
use trainer::config::UsageError;
use trainer::inverse::Measurement;
use trainer::points::Points;
use trainer::sample::Network;
use trainer::{data, npy, write_atomic};

/// Times that `impute` takes every step, where none are asked for.
const TIMES: usize = 20;

/// What the three commands share.
#[derive(Debug, Args)]
pub struct Files {
    /// A model.postcard
    model: PathBuf,
    /// Rows in data units: a .csv or .npy file
    data: PathBuf,
}

#[derive(Debug, Args)]
pub struct Denoise {
    #[command(flatten)]
    files: Files,
    /// Strength of the noise in units of the standardized data [default: estimated for each row]
    #[arg(long)]
    sigma: Option<f32>,
    /// Draw from the clean data given the noisy, instead of their mean
    #[arg(long)]
    draw: bool,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// float32 rows of shape (n, d), in data units
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Impute {
    #[command(flatten)]
    pub(super) files: Files,
    /// Columns to fill in, from 0; what they hold in the file does not matter
    #[arg(long, value_name = "I,J,…", value_delimiter = ',', required = true)]
    pub(super) unknown: Vec<usize>,
    /// Write the mean of many draws instead of one, and beside FILE.npy the ends of intervals that cover the truth
    /// with this probability: FILE-lower.npy and FILE-upper.npy
    #[arg(long, value_name = "P")]
    pub(super) interval: Option<f64>,
    /// Draws behind an interval [default: the fewest whose extremes cover that much, 19 for 0.9; more make it
    /// narrower, by a tenth at most]
    #[arg(long, value_name = "N", requires = "interval")]
    draws: Option<usize>,
    /// Times that every step is taken; more agree better with the known columns [default: 20; of models of binary units
    /// 1000 Gibbs sweeps]
    #[arg(long)]
    pub(super) times: Option<usize>,
    /// Models of binary units: values from this one on are ones, others zeros [default: the data hold nothing else]
    #[arg(long, value_name = "THRESHOLD")]
    pub(super) binarize: Option<f32>,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// float32 rows of shape (n, d), in data units
    #[arg(long, value_name = "FILE.npy")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Solve {
    #[command(flatten)]
    files: Files,
    /// A .csv or .npy file of m rows of d numbers: what the m columns of DATA measure of a point
    #[arg(long, value_name = "FILE")]
    matrix: PathBuf,
    /// Times that every step is taken
    #[arg(long, default_value_t = 10)]
    times: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// float32 points of shape (n, d), in data units
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Detect {
    #[command(flatten)]
    files: Files,
    /// Scores and verdicts, one line a row
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
}

pub fn denoise(args: &Denoise) -> Result<()> {
    let (bytes, rows) = args.files.read(&args.out)?;
    let network = network(&args.files.model, &bytes)?;
    let how = if args.draw { Denoising::Draw } else { Denoising::Mean };
    let noise = match args.sigma {
        Some(sigma) if !(sigma > 0.0 && sigma.is_finite()) => {
            return Err(UsageError(format!("sigma is {sigma}, but must be positive")).into());
        }
        sigma => sigma.map_or(Noise::Unknown, Noise::Known),
    };
    let (clean, mut sigmas) = args.files.fits(apply::denoise(&network, &rows, how, noise, args.seed))?;
    save(&args.out, &clean)?;
    sigmas.sort_unstable_by(f32::total_cmp);
    println!(
        "{}: {} rows, taken as data with noise of σ {:.4} (median of {:.4}…{:.4})",
        args.out.display(),
        clean.len(),
        sigmas[sigmas.len() / 2],
        sigmas[0],
        sigmas[sigmas.len() - 1]
    );
    Ok(())
}

pub fn impute(args: &Impute) -> Result<()> {
    check_count("times", args.times.unwrap_or(TIMES), 1..=MAX_SWEEPS)?;
    let (bytes, rows) = args.files.read(&args.out)?;
    if boltzmann::is_binary(&bytes) {
        return boltzmann::impute(args, &bytes, rows);
    }
    let network = args.files.without_codec(&bytes)?;
    let dim = network.model().dim();
    if let Some(column) = args.unknown.iter().find(|&&column| column >= dim) {
        let what = format!(
            "column {column} is to be filled in, but the model has {dim}: take columns of 0…{}",
            dim - 1
        );
        return Err(UsageError(what).into());
    }
    if args.binarize.is_some() {
        let what = format!("{} is a score network: leave binarize out", args.files.model.display());
        return Err(UsageError(what).into());
    }
    let times = args.times.unwrap_or(TIMES);
    let mask: Vec<bool> = (0..dim).map(|column| !args.unknown.contains(&column)).collect();
    let Some(coverage) = args.interval else {
        let full = args.files.fits(apply::fill_in(&network, &rows, &mask, times, args.seed))?;
        save(&args.out, &full)?;
        println!(
            "{}: {} rows, {} of {dim} columns filled in",
            args.out.display(),
            full.len(),
            args.unknown.len()
        );
        return Ok(());
    };
    let draws = args.enough(coverage)?;
    let [lower, upper] = ["lower", "upper"].map(|end| beside(&args.out, end));
    [&lower, &upper].into_iter().try_for_each(|path| refuse_existing(path))?;
    let mask = |_| mask.clone();
    let filled = args.files.fits(apply::fill_in_between(&network, &rows, mask, times, draws, args.seed))?;
    let files = [(&*lower, &filled.lower), (&*upper, &filled.upper), (&*args.out, &filled.mean)];
    npy::save_all(&files).with_context(|| cannot_write(&args.out))?;
    println!(
        "{}: {} rows, {} of {dim} columns filled in by the mean of {} draws; {} and {}: between them lies {} %; {} \
         evaluations a row",
        args.out.display(),
        rows.len(),
        args.unknown.len(),
        draws.number(),
        lower.display(),
        upper.display(),
        100.0 * coverage,
        filled.evaluations
    );
    Ok(())
}

impl Impute {
    /// The draws behind an interval.
    fn enough(&self, coverage: f64) -> Result<Draws, UsageError> {
        if !(0.001..=0.999).contains(&coverage) {
            return Err(UsageError(format!("interval is {coverage}, but must be in 0.001…0.999")));
        }
        let fewest = Draws::covering(coverage);
        match self.draws {
            None => Ok(fewest),
            Some(number) => Draws::of(number, coverage).ok_or_else(|| {
                let fewest = fewest.number();
                UsageError(format!(
                    "draws is {number}, but an interval of {coverage} takes at least {fewest}"
                ))
            }),
        }
    }
}

/// `DIR/NAME-end.npy` for `DIR/NAME.npy`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{end}.npy"))
}

pub fn solve(args: &Solve) -> Result<()> {
    check_count("times", args.times, 1..=MAX_SWEEPS)?;
    let (bytes, values) = args.files.read(&args.out)?;
    let network = args.files.without_codec(&bytes)?;
    let model = network.model();
    let dim = model.dim();
    let (mut mean, mut end) = (vec![0.0; dim], vec![0.0; dim]);
    model.to_data(&vec![0.0; dim], &mut mean);
    model.to_data(&vec![1.0; dim], &mut end);
    let scale: Vec<f32> = end.iter().zip(&mean).map(|(end, mean)| end - mean).collect();
    let matrix = data::read(&args.matrix)?;
    if matrix.dim() != dim {
        bail!("{}: {} columns, but the model has {dim} dimensions", args.matrix.display(), matrix.dim());
    }
    let measurement = Measurement::new(matrix.values(), &mean, &scale)
        .map_err(|what| anyhow!("{}: {what}", args.matrix.display()))?;
    if values.dim() != measurement.rows() {
        let (have, rows) = (values.dim(), measurement.rows());
        bail!(
            "{}: {have} columns, but {} has {rows} rows: give a value for each",
            args.files.data.display(),
            args.matrix.display()
        );
    }
    let points = args.files.fits(apply::solve(&network, &measurement, &values, args.times, args.seed))?;
    save(&args.out, &points)?;
    println!("{}: {} points", args.out.display(), points.len());
    Ok(())
}

pub fn detect(args: &Detect) -> Result<()> {
    let (bytes, rows) = args.files.read(&args.out)?;
    let network = network(&args.files.model, &bytes)?;
    let scores = args.files.fits(apply::anomaly_scores(&network, &rows))?;
    let (Some(scores), Some(detector)) = (scores, network.model().detector()) else {
        bail!("{} has no anomaly detector; export the run again", args.files.model.display());
    };
    let mut text = String::from("score,anomaly\n");
    for &score in &scores {
        let _ = writeln!(text, "{score},{}", u8::from(detector.is_anomaly(score)));
    }
    write_atomic(&args.out, text.as_bytes()).with_context(|| cannot_write(&args.out))?;
    let found = scores.iter().filter(|&&score| detector.is_anomaly(score)).count();
    println!(
        "{}: {found} of {} rows are anomalies (score above {:.4}, which 1 % of the training data exceed)",
        args.out.display(),
        scores.len(),
        detector.threshold
    );
    Ok(())
}

impl Files {
    /// The model's bytes and the rows; refuses an output that is there.
    fn read(&self, out: &Path) -> Result<(Vec<u8>, Points)> {
        refuse_existing(out)?;
        Ok((read_model(&self.model)?, data::read(&self.data)?))
    }

    /// The network of a model whose state are the data themselves.
    fn without_codec<'a>(&self, bytes: &'a [u8]) -> Result<Network<'a>> {
        let network = network(&self.model, bytes)?;
        if network.model().decoder_macs() > 0 {
            bail!(
                "{} has a codec: its network sees no single columns; train one without --latent",
                self.model.display()
            );
        }
        Ok(network)
    }

    /// Names both files where they do not fit.
    fn fits<T>(&self, result: Result<T, tinyscore::Error>) -> Result<T> {
        result.map_err(|e| anyhow!("{} with {}: {e}", self.model.display(), self.data.display()))
    }
}

fn save(path: &Path, points: &Points) -> Result<()> {
    npy::save(path, points).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; give a writable place with --out", path.display())
}
