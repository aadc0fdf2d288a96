//! A run folder of binary units: settings, blob, float weights, samples, numbers and pictures.

use super::config::{Config, Family};
use super::model::{LogLikelihood, Model};
use super::{LOG_NORMAL, Points, binarize, export::export, log_odds, refuse_equal, use_blob};
use crate::config::{self, Preset, UsageError};
use crate::data::{Kind, Standardizer};
use crate::dataset::{Dataset, named};
use crate::evaluate::frechet;
use crate::npy;
use crate::output;
use crate::plot::{curve, image_grid};
use crate::run::{bar, digest};
use crate::write_atomic;
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Points of the curve of training.
const MEASURED: u64 = 20;
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
        let part = |i: usize| frechet(&samples.pick(&(i * n..(i + 1) * n).collect::<Vec<_>>()), &self.test);
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
        let data = Data::load(&config)?;
        config.check(data.train.dim())?;
        let taken = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if taken || dir.is_file() {
            bail!("{} is not empty; give another folder with --out", dir.display());
        }
        let cannot = || format!("cannot write into {}; give a writable folder with --out", dir.display());
        std::fs::create_dir_all(dir).with_context(cannot)?;
        write_atomic(&dir.join("config.toml"), toml::to_string_pretty(&config)?.as_bytes())
            .with_context(cannot)?;
        if data.names.len() == data.train.dim() {
            output::keep_names(dir, &data.names).with_context(cannot)?;
        }
        Ok(Self { dir: dir.to_owned(), config, data })
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
        let data = Data::load(&config)?;
        config.check(data.train.dim())?;
        Ok(Self { dir: dir.to_owned(), config, data })
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Trains, exports, samples through the core, judges and draws.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn whole(&self) -> Result<Report> {
        let start = Instant::now();
        let (config, updates) = (&self.config, self.config.updates);
        let layers = config.hidden.len() as u64;
        let bar = bar("training", updates * layers);
        let mut lines = [vec![], vec![]];
        let (train, test) = (self.data.train.take(self.data.test.len()), &self.data.test);
        let model = Model::train(config, &self.data.train, &mut |layer, update, model| {
            bar.inc(1);
            let at = update + 1;
            if layer == 0 && at.is_multiple_of(updates.div_ceil(MEASURED)) {
                for (line, rows) in lines.iter_mut().zip([&train, test]) {
                    line.extend(model.reconstruction_error(rows).map(|e| (at as f64, e)));
                }
            }
        })?;
        bar.finish();
        let seconds = start.elapsed().as_secs_f64();
        model.save(&self.file("checkpoint.safetensors"))?;
        let name = Path::new(&config.data).file_stem().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().filter(char::is_ascii).take(tinyscore::blob::NAME).collect();
        let blob = export(&model, &name).map_err(|e| anyhow!("export: {e}"))?;
        write_atomic(&self.file("model.postcard"), &blob)?;
        let samples = self.sample(&blob)?;
        npy::save(&self.file("samples-int8.npy"), &samples)?;
        let report = self.report(&model, &blob, &samples, seconds)?;
        write_atomic(&self.file("metrics.json"), serde_json::to_string_pretty(&report)?.as_bytes())?;
        if let Some(width) = self.data.width {
            for (file, what, points) in
                [("samples.png", "by the integer core", &samples), ("data.png", "data", test)]
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
        let [train, test] = lines;
        if !train.is_empty() {
            let lines = [("training data", train), ("test data", test)];
            curve(
                &self.file("training.png"),
                &config.data,
                "update",
                "reconstruction error",
                &lines,
                false,
                false,
            )?;
        }
        Ok(report)
    }

    /// Samples of the core from the blob.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn sample(&self, blob: &[u8]) -> Result<Points> {
        let Config { samples, seed, sweeps, .. } = self.config;
        let bar = bar("sampling int8", samples as u64);
        let samples = use_blob::sample(blob, samples, seed, sweeps, || bar.inc(1))?;
        bar.finish();
        Ok(samples)
    }

    /// The numbers of the run's files, found again.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn judge(&self) -> Result<Report> {
        let path = self.file("model.postcard");
        let blob =
            std::fs::read(&path).with_context(|| format!("cannot read {}; train again", path.display()))?;
        let of_blob = Model::of_blob(&blob).map_err(|e| anyhow!("{}: {e}", path.display()))?;
        let model = of_blob.load(&self.file("checkpoint.safetensors"))?;
        self.report(&model, &blob, &self.sample(&blob)?, 0.0)
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
        })
    }
}
