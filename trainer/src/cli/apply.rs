//! Commands that use a model on data: denoise, impute, detect.

use super::boltzmann;
use super::commands::{network, read_model, refuse_existing};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use trainer::apply::{self, Denoising, Draws, Noise};
use trainer::boltzmann::config::{MAX_SWEEPS, check_count};
use trainer::config::UsageError;
use trainer::data::{self, Table};
use trainer::inverse::Measurement;
use trainer::output;
use trainer::points::Points;
use trainer::sample::Network;

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
    /// Strength of the noise in units of the standardized data [default: estimated, for each row, or for all together
    /// where rows have fewer than 16 numbers]
    #[arg(long)]
    sigma: Option<f32>,
    /// Draw from the clean data given the noisy, instead of their mean
    #[arg(long)]
    draw: bool,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows in data units: .csv with the names of DATA's columns, or .npy, float32 of shape (n, d)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Impute {
    #[command(flatten)]
    pub(super) files: Files,
    /// Columns to fill in, by name or number from 0; what they hold in the file does not matter [default: the gaps of
    /// each row: empty cells, NaN, NA, null]
    #[arg(long, value_name = "NAME|I,…", value_delimiter = ',')]
    pub(super) unknown: Vec<String>,
    /// Write the mean of many draws instead of one, and beside FILE the ends of intervals that cover the truth
    /// with this probability: FILE-lower and FILE-upper
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
    /// Rows in data units: .csv with the names of DATA's columns, or .npy, float32 of shape (n, d)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
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
    /// Points in data units: .csv, or .npy, float32 of shape (n, d)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Detect {
    #[command(flatten)]
    files: Files,
    /// Scores and verdicts, one line a row: .csv, or .npy, float32 of shape (n, 2)
    #[arg(long, value_name = "FILE.csv|FILE.npy")]
    out: PathBuf,
}

pub fn denoise(args: &Denoise) -> Result<()> {
    let noise = match args.sigma {
        Some(sigma) if !(sigma > 0.0 && sigma.is_finite()) => {
            return Err(UsageError(format!("sigma is {sigma}, but must be positive")).into());
        }
        sigma => sigma.map(Noise::Known),
    };
    let (bytes, table) = args.files.read(&args.out)?;
    let network = network(&args.files.model, &bytes)?;
    let how = if args.draw { Denoising::Draw } else { Denoising::Mean };
    let noise = noise.unwrap_or_else(|| Noise::unknown(network.model().dim()));
    let (names, rows) = (table.names(), table.complete()?);
    args.files.refuse_far_off(&network, &rows)?;
    let (clean, mut sigmas) = args.files.fits(apply::denoise(&network, &rows, how, noise, args.seed))?;
    save(&args.out, &clean, &names)?;
    sigmas.sort_unstable_by(f32::total_cmp);
    let (least, median, most) = (sigmas[0], sigmas[sigmas.len() / 2], sigmas[sigmas.len() - 1]);
    let sigma = match noise {
        Noise::Known(_) => format!("{median:.4}"),
        Noise::OfAllRows => format!("{median:.4} (estimated of all rows together)"),
        Noise::OfEachRow => format!("{median:.4} (median of {least:.4}…{most:.4}, estimated for each row)"),
    };
    println!("{}: {} rows, taken as data with noise of σ {sigma}", args.out.display(), clean.len());
    Ok(())
}

pub fn impute(args: &Impute) -> Result<()> {
    check_count("times", args.times.unwrap_or(TIMES), 1..=MAX_SWEEPS)?;
    let (bytes, table) = args.files.read(&args.out)?;
    let (names, rows) = (table.names(), args.gaps(table)?);
    if boltzmann::is_binary(&bytes) {
        return boltzmann::impute(args, &bytes, rows, &names);
    }
    let network = args.files.without_codec(&bytes)?;
    if args.binarize.is_some() {
        let what = format!("{} is a score network: leave binarize out", args.files.model.display());
        return Err(UsageError(what).into());
    }
    args.files.refuse_far_off(&network, &rows)?;
    let times = args.times.unwrap_or(TIMES);
    let mask = |i: usize| rows.row(i).iter().map(|x| !x.is_nan()).collect::<Vec<bool>>();
    let Some(coverage) = args.interval else {
        let full = args.files.fits(apply::fill_in(&network, &rows, mask, times, args.seed))?;
        save(&args.out, &full, &names)?;
        println!("{}: {}", args.out.display(), filled_in(&rows));
        return Ok(());
    };
    let draws = args.enough(coverage)?;
    let [lower, upper] = ["lower", "upper"].map(|end| beside(&args.out, end));
    [&lower, &upper].into_iter().try_for_each(|path| refuse_existing(path))?;
    let filled = args.files.fits(apply::fill_in_between(&network, &rows, mask, times, draws, args.seed))?;
    let files = [(&*lower, &filled.lower), (&*upper, &filled.upper), (&*args.out, &filled.mean)];
    output::save_all(&files, &names).with_context(|| cannot_write(&args.out))?;
    println!(
        "{}: {} by the mean of {} draws; {} and {}: between them lies {} %; {} evaluations a row",
        args.out.display(),
        filled_in(&rows),
        draws.number(),
        lower.display(),
        upper.display(),
        100.0 * coverage,
        filled.evaluations
    );
    Ok(())
}

/// What is done to rows with gaps.
pub(super) fn filled_in(rows: &Points) -> String {
    let (n, dim) = (rows.len(), rows.dim());
    let gaps = rows.values().iter().filter(|x| x.is_nan()).count();
    let whole = (0..dim).filter(|&j| rows.rows().all(|row| row[j].is_nan())).count();
    if gaps == whole * n {
        return format!("{n} rows, {whole} of {dim} columns filled in");
    }
    let with = rows.rows().filter(|row| row.iter().any(|x| x.is_nan())).count();
    format!("{n} rows, {gaps} gaps in {with} of them filled in")
}

impl Impute {
    /// The rows with NaN for what is to be filled in.
    fn gaps(&self, table: Table) -> Result<Points> {
        let find = |name: &String| table.find(name.trim()).map_err(|e| UsageError(format!("unknown: {e}")));
        let unknown = self.unknown.iter().map(find).collect::<Result<Vec<usize>, _>>()?;
        let rows = table.with_gaps(&unknown)?;
        let dim = rows.dim();
        let cell = |(i, &x): (usize, &f32)| if unknown.contains(&(i % dim)) { f32::NAN } else { x };
        let values: Vec<f32> = rows.values().iter().enumerate().map(cell).collect();
        if values.iter().all(|x| !x.is_nan()) {
            let data = self.files.data.display();
            return Err(UsageError(format!(
                "{data} has no gaps: name the columns to fill in with --unknown"
            ))
            .into());
        }
        Ok(Points::new(dim, values))
    }

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

/// `DIR/NAME-end.csv` for `DIR/NAME.csv`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let [stem, extension] =
        [path.file_stem(), path.extension()].map(|part| part.unwrap_or_default().to_string_lossy());
    path.with_file_name(format!("{stem}-{end}.{extension}"))
}

pub fn solve(args: &Solve) -> Result<()> {
    check_count("times", args.times, 1..=MAX_SWEEPS)?;
    let (bytes, table) = args.files.read_columns(&args.out, &[])?;
    let values = table.complete()?;
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
    if let Some(row) = measurement.far_off(&values) {
        bail!(
            "{}: row {} cannot be measured of a point within 10⁶ standard deviations of the training data: correct or remove it",
            args.files.data.display(),
            row + 1
        );
    }
    let points = args.files.fits(apply::solve(&network, &measurement, &values, args.times, args.seed))?;
    save(&args.out, &points, &output::names_beside(&args.files.model))?;
    println!("{}: {} points", args.out.display(), points.len());
    Ok(())
}

pub fn detect(args: &Detect) -> Result<()> {
    let (bytes, table) = args.files.read(&args.out)?;
    let rows = table.complete()?;
    let network = network(&args.files.model, &bytes)?;
    let scores = args.files.fits(apply::anomaly_scores(&network, &rows))?;
    let (Some(scores), Some(detector)) = (scores, network.model().detector()) else {
        bail!("{} has no anomaly detector; export the run again", args.files.model.display());
    };
    let verdict = |&score: &f32| [score, f32::from(u8::from(detector.is_anomaly(score)))];
    let verdicts = Points::new(2, scores.iter().flat_map(verdict).collect());
    save(&args.out, &verdicts, &["score", "anomaly"].map(String::from))?;
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
    /// The model's bytes and rows of the data that it was trained on.
    fn read(&self, out: &Path) -> Result<(Vec<u8>, Table)> {
        self.read_columns(out, &output::names_beside(&self.model))
    }

    /// The model's bytes and data of these columns, if they have names; refuses an output that is there, or has no
    /// format.
    fn read_columns(&self, out: &Path, names: &[String]) -> Result<(Vec<u8>, Table)> {
        output::format(out)?;
        refuse_existing(out)?;
        let (bytes, table) = (read_model(&self.model)?, data::read_table(&self.data)?.in_order_of(names));
        table.notes.iter().for_each(|text| println!("note: {}: {text}", self.data.display()));
        Ok((bytes, table))
    }

    /// Refuses rows that no training data are near to, such as those of other units.
    fn refuse_far_off(&self, network: &Network<'_>, rows: &Points) -> Result<()> {
        let Some((row, column)) = self.fits(apply::far_off(network, rows))? else { return Ok(()) };
        bail!(
            "{}: row {} lies more than 10⁶ standard deviations from the training data, as in column {}: correct or remove it",
            self.data.display(),
            row + 1,
            column + 1
        )
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

fn save(path: &Path, points: &Points, names: &[String]) -> Result<()> {
    output::save(path, points, names).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; give a writable place with --out", path.display())
}
