//! A run folder of binary units: settings, blob, float weights, samples, numbers and pictures.

use super::config::{Config, Family};
use super::learner::{self, Learner};
use super::mixing::{Difference, difference};
use super::model::{LogLikelihood, Model};
use super::tensor_file::TensorFile;
use super::{LOG_NORMAL, Points, binarize, export::export, log_odds, refuse_equal, use_blob};
use crate::checkpoint::EVERY;
use crate::config::{self, Preset, UsageError};
use crate::data::{Kind, Standardizer};
use crate::dataset::{Dataset, named};
use crate::evaluate::frechet;
use crate::lock::Lock;
use crate::npy;
use crate::output;
use crate::plot::{self, image_grid};
use crate::run::{bar, digest, read_report};
use crate::write_atomic;
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Points of the curve of training.
const MEASURED: u64 = 20;
/// Chains that start as on a device, to compare with the samples.
const COMPARED: usize = 500;
/// Columns and lines of the sheet of samples.
const GRID: usize = 10;

/// Binary data in parts, or real ones of a Gaussian–Bernoulli machine.
#[derive(Clone, Debug)]
pub struct Data {
    /// What is trained on.
    pub train: Points,
    /// What the likelihood and the samples are judged on.
    pub test: Points,
    /// Pixels in a line of an image.
    pub width: Option<usize>,
    /// Names of the columns; none without a header.
    pub names: Vec<String>,
    /// What was read, line by line; of a named set nothing.
    pub summary: Vec<String>,
}

impl Data {
    /// Reads or draws them, and makes them binary where the units are.
    ///
    /// # Errors
    /// As [`Dataset::load`], and values that are not binary.
    pub fn load(settings: &Config) -> Result<Self> {
        let base = config::Config::new(&settings.data, Preset::Default);
        let Config { seed, points, .. } = *settings;
        let mut base = config::Config { source: settings.source.clone(), seed, points, ..base };
        base.net.latent = 0;
        let data = Dataset::load(&base)?;
        let is_set = named(&settings.data, None).is_some();
        let summary = if is_set { Vec::new() } else { data.summary(&settings.data) };
        let Dataset { train, reference, kind, width, names, .. } = data;
        let units = |points: &Points| match settings.model {
            Family::GaussianRbm => Ok(points.clone()),
            _ => binarize(&settings.data, points, settings.binarize),
        };
        let width = width.filter(|_| kind == Kind::Images);
        let (train, test) = (units(&train)?, units(&reference)?);
        if settings.model != Family::GaussianRbm {
            refuse_equal(&settings.data, &train)?;
        }
        if test.len() < 2 {
            let what = format!(
                "{}: one row is held back, but a comparison needs two: give more rows, or a larger --hold-out",
                settings.data
            );
            return Err(UsageError(what).into());
        }
        Ok(Self { train, test, width, names, summary })
    }

    /// Mean ln p of the test rows under independent columns: coins, or normals.
    pub fn independent(&self, family: Family) -> f64 {
        if family == Family::GaussianRbm {
            let standard = Standardizer::fit(&self.train);
            let test = standard.apply(&self.test);
            let squares: f64 = test.values().iter().map(|&u| f64::from(u * u) / 2.0).sum();
            let scales: f64 = standard.scale().iter().map(|&s| LOG_NORMAL + f64::from(s.ln())).sum();
            return -squares / test.len() as f64 - scales;
        }
        let odds = log_odds(&self.train);
        let row = |v: &[f32]| -> f64 {
            v.iter().zip(&odds).map(|(v, &b)| f64::from(v * b) - super::softplus(b.into())).sum()
        };
        self.test.rows().map(row).sum::<f64>() / self.test.len() as f64
    }

    /// Fréchet distance of parts as large as the test part.
    pub fn frechet(&self, samples: &Points) -> f64 {
        let n = self.test.len().min(samples.len());
        let part = |i: usize| {
            frechet(&samples.pick(&(i * n..(i + 1) * n).collect::<Vec<_>>()), &self.test).unwrap_or(f64::NAN)
        };
        let parts = samples.len() / n;
        (0..parts).map(part).sum::<f64>() / parts as f64
    }
}

/// The numbers of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The data set.
    pub data: String,
    /// Visible and hidden units.
    pub units: Vec<usize>,
    /// Seed of training and sampling.
    pub seed: u64,
    /// Parameters.
    pub parameters: usize,
    /// Updates, of each layer.
    pub updates: u64,
    /// Seconds of training.
    pub training_seconds: f64,
    /// Mean ln p of test rows in floats; none of a deep belief network.
    pub float: Option<LogLikelihood>,
    /// The same of the machine that the blob's integers stand for.
    pub int8: Option<LogLikelihood>,
    /// Of training rows, in floats.
    pub train: Option<LogLikelihood>,
    /// Under independent columns.
    pub independent: f64,
    /// Squared error per visible unit of test rows, up and down, in floats.
    pub reconstruction_error: Option<f64>,
    /// Fréchet distance of the core's samples from test rows.
    pub frechet: f64,
    /// The same of training rows.
    pub frechet_of_train: f64,
    /// Samples compared.
    pub samples: usize,
    /// Gibbs sweeps before each.
    pub sweeps: usize,
    /// Bytes of the blob.
    pub blob_bytes: usize,
    /// Hash of the samples.
    pub sample_digest: String,
    /// What is wrong with model or samples, and what to do.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Reconstruction errors by update: number, error, number, error, ….
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    train: Vec<f32>,
    test: Vec<f32>,
}

impl Curve {
    /// As it lies in a checkpoint.
    fn vectors(&self) -> [(&str, &[f32]); 2] {
        [("curve.train", &self.train), ("curve.test", &self.test)]
    }

    fn read(file: &TensorFile) -> Result<Self> {
        Ok(Self { train: file.vector("curve.train")?, test: file.vector("curve.test")? })
    }
}

impl Report {
    /// The table that a person reads.
    pub fn table(&self) -> String {
        let mut out = format!("  {:<34}{:>10}{:>10}\n", self.data, "float", "int8");
        let show = |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{v:.3}"));
        let (float, int8) = (self.float.map(|l| l.nats), self.int8.map(|l| l.nats));
        let name = "test log-likelihood, nats";
        let _ = writeln!(out, "  {name:<34}{:>10}{:>10}", show(float), show(int8));
        if let Some(error) = [self.float, self.int8].into_iter().flatten().map(|l| l.error).reduce(f64::max)
            && error > 0.0
        {
            let _ = writeln!(
                out,
                "  {:<34}{:>10}{:>10}",
                "  ± of annealed importance sampling",
                "",
                show(Some(error))
            );
        }
        let _ = writeln!(out, "  {:<34}{:>10}", "  of independent units", show(Some(self.independent)));
        let _ = writeln!(out, "  {:<34}{:>10}", "training log-likelihood", show(self.train.map(|l| l.nats)));
        let _ = writeln!(out, "  {:<34}{:>10}", "reconstruction error", show(self.reconstruction_error));
        let _ = writeln!(out, "  {:<34}{:>20}", "Fréchet distance of samples", show(Some(self.frechet)));
        let _ = writeln!(out, "  {:<34}{:>20}", "  of training data", show(Some(self.frechet_of_train)));
        self.warnings.iter().for_each(|warning| {
            let _ = writeln!(out, "  WARNING: {warning}.");
        });
        out
    }
}

/// A run folder with its settings and data.
#[derive(Debug)]
pub struct Run {
    /// The folder.
    pub dir: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Its data.
    pub data: Data,
    /// Time between two checkpoints of its training.
    pub checkpoint_every: Duration,
    /// Held while it trains.
    _lock: Option<Lock>,
}

/// Whether a folder holds such a run.
pub fn is_run(dir: &Path) -> bool {
    let text = std::fs::read_to_string(dir.join("config.toml")).unwrap_or_default();
    toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("model"))
}

impl Run {
    /// Makes the folder, which must be empty or new, and writes the settings into it.
    ///
    /// # Errors
    /// Settings or data that cannot be used, or a folder that is taken.
    pub fn create(dir: &Path, config: Config) -> Result<Self> {
        config.check_before_data()?;
        let config = config.with_absolute_paths()?;
        let data = Data::load(&config)?;
        config.check(data.train.dim())?;
        let cannot = || format!("cannot write into {}; give a writable folder with --out", dir.display());
        let lock = Lock::new_folder(dir)?;
        write_atomic(&dir.join("config.toml"), toml::to_string_pretty(&config)?.as_bytes())
            .with_context(cannot)?;
        if data.names.len() == data.train.dim() {
            output::keep_names(dir, &data.names).with_context(cannot)?;
        }
        Ok(Self { dir: dir.to_owned(), config, data, checkpoint_every: EVERY, _lock: Some(lock) })
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// When it holds no settings, or the data have a defect.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Config = toml::from_str(&text)
            .map_err(|e| UsageError(format!("{}: {e}\ncorrect that entry", path.display())))?;
        config.check_before_data()?;
        let data = Data::load(&config)?;
        config.check(data.train.dim())?;
        Ok(Self { dir: dir.to_owned(), config, data, checkpoint_every: EVERY, _lock: None })
    }

    /// The same, in which no other process may train from now on.
    ///
    /// # Errors
    /// When one does.
    pub fn locked(self) -> Result<Self> {
        Ok(Self { _lock: Some(Lock::new(&self.dir)?), ..self })
    }

    /// The same, with this time between two checkpoints.
    pub fn saving_every(self, checkpoint_every: Duration) -> Self {
        Self { checkpoint_every, ..self }
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The report of a finished run; `None` before it is finished.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn finished(&self) -> Result<Option<Report>> {
        read_report(&self.file("metrics.json"))
    }

    /// The training from its checkpoint on, if there is one, and its curve so far.
    ///
    /// # Errors
    /// Data that cannot be learned; a checkpoint that is damaged, or of other settings or data.
    pub fn learner(&self) -> Result<(Learner<'_>, Curve)> {
        let path = self.file(learner::FILE);
        if !path.exists() {
            return Ok((Learner::new(&self.config, &self.data.train)?, Curve::default()));
        }
        let file = TensorFile::read(&path)?;
        Ok((Learner::load(&self.config, &self.data.train, &file)?, Curve::read(&file)?))
    }

    /// Trains, from the checkpoint on if there is one, exports, samples through the core, judges and draws; `None` if
    /// `stop` was set meanwhile. A training that was stopped has left a checkpoint.
    ///
    /// # Errors
    /// A training that diverges, or a file that cannot be written.
    pub fn whole(&self, stop: &AtomicBool) -> Result<Option<Report>> {
        let start = Instant::now();
        let Some((model, curve)) = self.train(stop)? else { return Ok(None) };
        let seconds = start.elapsed().as_secs_f64();
        let config = &self.config;
        model.save(&self.file("checkpoint.safetensors"))?;
        let name = Path::new(&config.data).file_stem().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().filter(char::is_ascii).take(tinyscore::blob::NAME).collect();
        let blob = export(&model, &name).map_err(|e| anyhow!("export: {e}"))?;
        write_atomic(&self.file("model.postcard"), &blob)?;
        let Some(samples) = self.sample(&blob, stop)? else { return Ok(None) };
        npy::save(&self.file("samples-int8.npy"), &samples)?;
        let report = self.report(&model, &blob, &samples, seconds)?;
        self.draw(&samples, &curve)?;
        write_atomic(&self.file("metrics.json"), serde_json::to_string_pretty(&report)?.as_bytes())?;
        std::fs::remove_file(self.file(learner::FILE))?;
        Ok(Some(report))
    }

    /// The trained machine and its curve; `None` if `stop` was set before the end.
    fn train(&self, stop: &AtomicBool) -> Result<Option<(Model, Curve)>> {
        let path = self.file(learner::FILE);
        let (mut learner, mut curve) = self.learner()?;
        let bar = bar("training", learner.all_updates());
        bar.set_position(learner.updates());
        let mut saved = Instant::now();
        while learner.step()? {
            bar.inc(1);
            self.measure(&learner, &mut curve);
            let stopped = stop.load(Ordering::Relaxed);
            if stopped || saved.elapsed() >= self.checkpoint_every {
                learner.save(&path, &curve.vectors())?;
                saved = Instant::now();
            }
            if stopped {
                return Ok(None);
            }
        }
        bar.finish();
        learner.save(&path, &curve.vectors())?;
        Ok(Some((learner.model(), curve)))
    }

    /// Adds a point to the curve of the lowest layer, now and then.
    fn measure(&self, learner: &Learner<'_>, curve: &mut Curve) {
        let at = learner.updates();
        if !learner.is_lowest() || !at.is_multiple_of(self.config.updates.div_ceil(MEASURED)) {
            return;
        }
        let (model, test) = (learner.model(), &self.data.test);
        let train = self.data.train.take(test.len());
        for (line, rows) in [(&mut curve.train, &train), (&mut curve.test, test)] {
            line.extend(model.reconstruction_error(rows).into_iter().flat_map(|e| [at as f32, e as f32]));
        }
    }

    /// Samples of the core from the blob; `None` if `stop` was set meanwhile.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn sample(&self, blob: &[u8], stop: &AtomicBool) -> Result<Option<Points>> {
        let Config { samples, seed, sweeps, .. } = self.config;
        let bar = bar("sampling int8", samples as u64);
        let starts = Model::of_blob(blob)?.starts(seed);
        let samples = use_blob::sample(blob, Some(&starts), samples, (seed, sweeps), stop, || bar.inc(1))?;
        bar.finish();
        Ok(samples)
    }

    /// Draws samples and data, if they are images, and the curve.
    fn draw(&self, samples: &Points, curve: &Curve) -> Result<()> {
        let config = &self.config;
        if let Some(width) = self.data.width {
            for (file, what, points) in
                [("samples.png", "by the integer core", samples), ("data.png", "data", &self.data.test)]
            {
                image_grid(
                    &self.file(file),
                    &format!("{}: {what}", config.data),
                    &points.take(GRID * GRID),
                    width,
                    GRID,
                    0.0..1.0,
                )?;
            }
        }
        if curve.train.is_empty() {
            return Ok(());
        }
        let line = |values: &[f32]| values.chunks_exact(2).map(|p| (p[0].into(), p[1].into())).collect();
        Ok(plot::curve(
            &self.file("training.png"),
            &config.data,
            "update",
            "reconstruction error",
            &[("training data", line(&curve.train)), ("test data", line(&curve.test))],
            false,
            false,
        )?)
    }

    /// The numbers of the run's files, found again.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn judge(&self, stop: &AtomicBool) -> Result<Report> {
        let path = self.file("model.postcard");
        let blob =
            std::fs::read(&path).with_context(|| format!("cannot read {}; train again", path.display()))?;
        let of_blob = Model::of_blob(&blob).map_err(|e| anyhow!("{}: {e}", path.display()))?;
        let model = of_blob.load(&self.file("checkpoint.safetensors"))?;
        let Some(samples) = self.sample(&blob, stop)? else { bail!("interrupted") };
        self.report(&model, &blob, &samples, 0.0)
    }

    fn report(&self, model: &Model, blob: &[u8], samples: &Points, seconds: f64) -> Result<Report> {
        let (config, base) = (&self.config, log_odds(&self.data.train));
        let of = |model: &Model, rows| model.log_likelihood(rows, &base, config.likelihood, config.seed);
        let visible = self.data.train.dim();
        Ok(Report {
            data: config.data.clone(),
            units: std::iter::once(visible).chain(config.hidden.iter().copied()).collect(),
            seed: config.seed,
            parameters: model.parameters(),
            updates: config.updates,
            training_seconds: seconds,
            float: of(model, &self.data.test)?,
            int8: of(&Model::of_blob(blob)?, &self.data.test)?,
            train: of(model, &self.data.train)?,
            independent: self.data.independent(config.model),
            reconstruction_error: model.reconstruction_error(&self.data.test),
            frechet: self.data.frechet(samples),
            frechet_of_train: self.data.frechet(&self.data.train),
            samples: samples.len(),
            sweeps: config.sweeps,
            blob_bytes: blob.len(),
            sample_digest: format!("{:016x}", digest(samples)),
            warnings: self.warnings(blob, samples)?,
        })
    }

    /// What the samples' means give away: that chains do not forget their starts, or that the model is not that of the data.
    fn warnings(&self, blob: &[u8], samples: &Points) -> Result<Vec<String>> {
        let Config { seed, sweeps, .. } = self.config;
        let n = samples.len().min(COMPARED);
        let never = AtomicBool::new(false);
        let chains = use_blob::sample(blob, None, n, (seed, sweeps), &never, || ())?;
        let mut warnings = Vec::new();
        let own = chains.and_then(|own| difference(samples, &own, 0.1));
        if let Some(Difference { column, means: [ours, own] }) = own {
            warnings.push(format!(
                "after {sweeps} sweeps a chain still shows where it started: column {column} has mean {ours:.3} in the samples, whose chains start in every mode, and {own:.3} in chains that start as on a device. There, start from rows of samples-int8.npy (`from_state`), or take more sweeps"
            ));
        }
        if let Some(Difference { column, means: [ours, data] }) = difference(samples, &self.data.test, 0.3) {
            warnings.push(format!(
                "the model is not that of the data: column {column} has mean {ours:.3} in the samples and {data:.3} in the test data. Take more --chains or --training-steps, or another number of --hidden units"
            ));
        }
        Ok(warnings)
    }
}
