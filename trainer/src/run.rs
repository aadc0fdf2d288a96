//! A run folder: everything from the settings to the pictures, in files of fixed names.

use crate::atomic::write_atomic;
use crate::backend::{Device, DeviceName};
use crate::bounds::check_memory;
use crate::checkpoint::{self, Checkpoint, Origin};
use crate::codec;
use crate::config::{Config, DistillationConfig, NetConfig, TrainingConfig, UsageError};
use crate::data::{Kind, Source, Toy};
use crate::dataset::Dataset;
use crate::denoiser::{Denoiser, Embedding};
use crate::distill::Ways;
use crate::evaluate::eight_shares;
use crate::fidelity::{AtLevel, fidelity};
use crate::judge::Judge;
use crate::lock::Lock;
use crate::npy;
use crate::objective::{Diagnosis, Objective, ObjectiveConfig};
use crate::output::{self, RowWriter};
use crate::partition::Law;
use crate::plot::{Frame, Zoom, chain_path, curve, image_grid, landscape, scatter_panels, table};
use crate::points::Points;
use crate::quantize::{Calibration, Export, Quantized, quantize};
use crate::report::{EnergyQuality, Report, worst};
use crate::sample::{Network, draw, draw_chains, draw_classes, in_data_units, network, path};
use crate::stdio;
use crate::train::{Task, Trained, Watch, train};
use crate::uses::Uses;
use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tinyscore::blob::LevelTable;
use tinyscore::levels::Spacing;
use tinyscore::{Conditional, Digest, Energy, Levels, Model, Plan, Score};

/// Points of calibration, over all levels.
const CALIBRATION: usize = 60_000;
/// Levels and ends of the averaged score error.
const ERROR_LEVELS: (usize, f32, f32) = (25, 6.0, 0.01);

/// Where the density of an energy network is compared with the data's.
const KL_SIGMA: f32 = 0.1;

/// Keeps the starts of a teacher's ways apart from the samples'.
const WAYS: u64 = 0xd157;

/// Keeps the draws of gaps apart from the samples'.
const GAPS: u64 = 0x6a9;
/// Learning rate of quantization-aware training over that of training.
const QAT_RATE: f32 = 0.1;

/// Lines of a sheet of images, and columns where there are no classes.
const GRID: usize = 10;

/// A run folder with its settings and data.
#[derive(Debug)]
pub struct Run {
    /// The folder.
    pub dir: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Its data.
    pub data: Dataset,
    /// Where it trains; all else is done by the processor.
    pub device: DeviceName,
    /// Time between two checkpoints of its training.
    pub checkpoint_every: Duration,
    /// Held while it trains.
    _lock: Option<Lock>,
}

impl Run {
    /// Makes the folder, which must not hold a run yet, and writes the settings into it.
    ///
    /// # Errors
    /// When there is something in it, it cannot be written, or the data have a defect.
    pub fn create(dir: &Path, config: Config) -> Result<Self> {
        config.check()?;
        let config = config.with_absolute_paths()?;
        let data = Dataset::load(&config)?;
        // Float, integer, and what a metric makes of them.
        check_memory("samples", config.sampling.samples, 4 * data.dim())?;
        Objective::new(&config, &data)?;
        if config.net.conditional && data.train.classes() == 0 {
            let what = format!(
                "conditional is asked for, but {} has no labels: leave it out, or give labelled data",
                config.data
            );
            return Err(UsageError(what).into());
        }
        let lock = Lock::new_folder(dir)?;
        let run = Self { _lock: Some(lock), ..Self::of(dir, config, data) };
        write_atomic(&run.file("config.toml"), toml::to_string_pretty(&run.config)?.as_bytes())
            .with_context(|| {
                format!("cannot write into {}; give a writable folder with --out", dir.display())
            })?;
        if run.data.kind == Kind::Points {
            output::keep_names(dir, &run.data.names)?;
        }
        Ok(run)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// When it holds no settings, or the data have a defect.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.toml");
        if !path.is_file() {
            bail!(
                "{} is not a run folder (it has no config.toml); give the folder of a training",
                dir.display()
            );
        }
        if crate::boltzmann::run::is_run(dir) {
            return Err(UsageError(format!(
                "{} holds a Boltzmann machine, but this command is for score networks: of machines there are eval, sample, impute and inspect",
                dir.display()
            ))
            .into());
        }
        let config = Config::read(&path)?;
        config.check()?;
        let data = Dataset::load(&config).with_context(|| format!("data of {}", path.display()))?;
        Ok(Self::of(dir, config, data))
    }

    fn of(dir: &Path, config: Config, data: Dataset) -> Self {
        let (dir, device, checkpoint_every) = (dir.to_owned(), DeviceName::Cpu, checkpoint::EVERY);
        Self { dir, config, data, device, checkpoint_every, _lock: None }
    }

    /// The same, in which no other process may train from now on.
    ///
    /// # Errors
    /// When one does.
    pub fn locked(self) -> Result<Self> {
        Ok(Self { _lock: Some(Lock::new(&self.dir)?), ..self })
    }

    /// The same, trained on `device`.
    pub fn on(self, device: DeviceName) -> Self {
        Self { device, ..self }
    }

    /// The same, with this time between two checkpoints.
    pub fn saving_every(self, checkpoint_every: Duration) -> Self {
        Self { checkpoint_every, ..self }
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A network with the fresh weights of the run's seed.
    pub fn fresh(&self) -> Denoiser {
        let net = &self.config.net;
        let t = &self.config.training;
        let embedding = Embedding { features: net.embedding, sigma_min: t.sigma_min, sigma_max: t.sigma_max };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.config.seed);
        let classes = if net.conditional { self.data.train.classes() } else { 0 };
        let dim = self.data.standard.dim();
        let denoiser =
            Denoiser::new(dim, &net.hidden, net.activation, net.precondition, embedding, classes, &mut rng);
        if net.energy { denoiser.into_energy(&mut rng) } else { denoiser }
    }

    /// The checkpoint in the folder.
    ///
    /// # Errors
    /// When there is none, or it is damaged or of another shape.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        Checkpoint::load(&self.file(checkpoint::FILE), &self.fresh().net, &self.origin())
    }

    /// The checkpoint, if the training goes on from one.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint), but for one that is not there yet.
    pub fn start(&self) -> Result<Option<Checkpoint>> {
        self.file(checkpoint::FILE).exists().then(|| self.checkpoint()).transpose()
    }

    /// The checkpoint of a training that has come to its end.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint), and when the training was interrupted.
    pub fn complete(&self) -> Result<Checkpoint> {
        let dir = self.dir.display();
        let unfinished = |at: u64| {
            let steps = self.steps();
            anyhow!(
                "{dir} is at step {at} of {steps} of its training: finish it with `trainer train --resume {dir}`"
            )
        };
        let checkpoint = self.start()?.ok_or_else(|| unfinished(0))?;
        let at = self.steps_of(&checkpoint);
        if at < self.steps() { Err(unfinished(at)) } else { Ok(checkpoint) }
    }

    /// All steps of the training.
    pub fn steps(&self) -> u64 {
        self.config.training.steps + self.config.training.qat_steps
    }

    /// Steps that a checkpoint has behind it.
    pub fn steps_of(&self, checkpoint: &Checkpoint) -> u64 {
        let before = if checkpoint.float.is_some() { self.config.training.steps } else { 0 };
        before + checkpoint.snapshot.steps
    }

    /// By what the weights of this run come to be.
    fn origin(&self) -> Origin {
        let Config { seed, points, source, objective, net, training, distillation, .. } = &self.config;
        let settings = Trains {
            seed: *seed,
            points: *points,
            source: Source { labels: None, ..source.clone() },
            objective: *objective,
            net: net.clone(),
            training: training.clone(),
            distillation: distillation.clone(),
        };
        let mut data = Digest::new();
        data.update(self.data.train.values());
        data.update(&self.data.train.labels().iter().map(|&label| label.into()).collect::<Vec<f32>>());
        let settings = toml::to_string(&settings).unwrap_or_default();
        Origin { settings, data: format!("{:016x}", data.finish()) }
    }

    /// The trained network: the averaged weights of the checkpoint.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn trained(&self) -> Result<Denoiser> {
        Ok(self.averaged(&self.complete()?))
    }

    /// The network with a checkpoint's averaged weights.
    pub fn averaged(&self, checkpoint: &Checkpoint) -> Denoiser {
        Denoiser { net: checkpoint.float().clone(), ..self.fresh() }
    }

    /// The integer network of a checkpoint from quantization-aware training, on the grid of the settings.
    ///
    /// # Errors
    /// When the noise levels are wrong.
    pub fn aware(&self, checkpoint: &Checkpoint) -> Result<Option<Quantized>> {
        let aware = &checkpoint.snapshot.ema;
        let rounded = checkpoint.float.as_ref().map(|_| self.rounded(&self.averaged(checkpoint)));
        Ok(rounded.transpose()?.map(|rounded| rounded.with_weights(aware)))
    }

    /// `denoiser` after post-training quantization.
    fn rounded(&self, denoiser: &Denoiser) -> Result<Quantized> {
        let sigmas = self.config.sigmas()?;
        Ok(quantize(denoiser, &self.calibrate(denoiser, &sigmas), &self.export_settings(&sigmas)))
    }

    /// Trains from the folder's checkpoint if there is one, and writes one in the end.
    ///
    /// # Errors
    /// When the checkpoint cannot be read or written, the objective does not suit the data, or the device fails.
    pub fn train(&self, stop: &AtomicBool) -> Result<Trained> {
        let start = self.start()?;
        match &self.config.distillation {
            None => self.train_by(&Objective::new(&self.config, &self.data)?, &self.fresh(), start, stop),
            Some(distillation) => {
                let teacher = Self::open(&distillation.teacher).context("the teacher")?;
                let denoiser = teacher.trained()?;
                let last = teacher.config.export.sigma_min;
                let ways = Ways::new(
                    &denoiser,
                    &self.config.sigmas()?,
                    last,
                    distillation.ways,
                    self.config.seed ^ WAYS,
                )
                .map_err(|e| anyhow!("the teacher's ways: {e}"))?;
                self.train_by(&Objective::Distilled(distillation.by, ways), &denoiser, start, stop)
            }
        }
    }

    /// Trains `denoiser` by an objective of its own, then on the grid of its integers if the settings say so, and
    /// writes a checkpoint after each.
    ///
    /// # Errors
    /// When the device fails, which leaves an earlier checkpoint, or the checkpoint cannot be written.
    pub fn train_by(
        &self,
        objective: &Objective,
        denoiser: &Denoiser,
        start: Option<Checkpoint>,
        stop: &AtomicBool,
    ) -> Result<Trained> {
        let Config { training: config, seed, .. } = &self.config;
        let data = &self.data.standard;
        let task = Task { objective, denoiser, data, config, seed: *seed, grids: &[], before: 0 };
        let start = start.unwrap_or_else(|| Checkpoint::initial(&denoiser.net));
        let (checkpoint, seconds) = match start {
            Checkpoint { float: Some(_), .. } => (start, 0.0),
            Checkpoint { float: None, .. } => {
                let trained = self.train_task("training", &task, start, stop)?;
                if trained.interrupted || config.qat_steps == 0 {
                    return Ok(trained);
                }
                (trained.checkpoint, trained.seconds)
            }
        };
        let rounded = self.rounded(&self.averaged(&checkpoint))?;
        let start = match checkpoint {
            Checkpoint { float: Some(_), .. } => checkpoint,
            Checkpoint { snapshot, losses, float: None, .. } => {
                Checkpoint { losses, float: Some(snapshot.ema), ..Checkpoint::initial(rounded.net()) }
            }
        };
        let rate = QAT_RATE * config.learning_rate;
        let fine = TrainingConfig { steps: config.qat_steps, learning_rate: rate, ..config.clone() };
        let task = Task { config: &fine, grids: &rounded.grids(), before: config.steps, ..task };
        let trained = self.train_task("rounding", &task, start, stop)?;
        Ok(Trained { seconds: seconds + trained.seconds, ..trained })
    }

    fn train_task(
        &self,
        what: &'static str,
        task: &Task<'_>,
        start: Checkpoint,
        stop: &AtomicBool,
    ) -> Result<Trained> {
        let bar = bar(what, task.config.steps);
        let (path, origin) = (self.file(checkpoint::FILE), self.origin());
        let save = |checkpoint: Checkpoint| {
            // The training goes on, and the last checkpoint is an error where it cannot be written.
            if let Err(error) = checkpoint.save(&path, &origin) {
                bar.suspend(|| stdio::error(format_args!("warning: {error:#}")));
            }
        };
        let watch = Watch { stop, bar: &bar, every: self.checkpoint_every, save: &save };
        let trained = match self.device.open()? {
            Device::Cpu(device) => train(&device, task, start, &watch),
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => train(&device, task, start, &watch),
        }?;
        bar.finish();
        trained.checkpoint.save(&path, &origin)?;
        Ok(trained)
    }

    /// The report of a finished run; `None` before it is finished.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn finished(&self) -> Result<Option<Report>> {
        read_report(&self.file("metrics.json"))
    }

    /// Calibrates on the training data.
    pub fn calibrate(&self, denoiser: &Denoiser, sigmas: &[f32]) -> Calibration {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.config.seed ^ 0xca1);
        Calibration::new(denoiser, &self.data.standard, sigmas, CALIBRATION.div_ceil(sigmas.len()), &mut rng)
    }

    /// Quantizes `denoiser` at the levels `sigmas`, or takes the weights of quantization-aware training, with `plan`
    /// stored in the blob.
    ///
    /// # Errors
    /// When the core refuses the result.
    pub fn quantize(
        &self,
        denoiser: &Denoiser,
        aware: Option<&Quantized>,
        sigmas: &[f32],
        plan: &dyn Plan,
    ) -> Result<Vec<u8>> {
        let (export, seen) = (self.export_settings(sigmas), self.calibrate(denoiser, sigmas));
        let rounded = aware.cloned().unwrap_or_else(|| quantize(denoiser, &seen, &export));
        let blob = rounded.blob(denoiser, &seen, &export, plan);
        blob.map_err(|e| match e {
            // Data are checked when they are read: only weights can be that large.
            tinyscore::Error::Malformed(what) => anyhow!(
                "training diverged: the network's {what} is beyond what a model file holds; train again with a smaller --learning-rate or --clip-norm"
            ),
            e => anyhow!("quantization: {e}"),
        })
    }

    fn export_settings<'a>(&'a self, sigmas: &'a [f32]) -> Export<'a> {
        Export {
            name: self.name(),
            sigmas,
            weight_bits: self.config.export.weight_bits,
            activation_bits: self.config.export.activation_bits,
            codec: self.data.stored.source(),
            mean: &self.data.stored.mean,
            scale: &self.data.stored.scale,
            data: &self.data.standard,
        }
    }

    /// That of the data, as much of it as a blob holds.
    fn name(&self) -> &str {
        let name =
            Path::new(&self.config.data).file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        &name[..name.floor_char_boundary(tinyscore::blob::NAME)]
    }

    /// The blob of the run's settings.
    ///
    /// # Errors
    /// As [`quantize`](Self::quantize).
    pub fn export(&self, denoiser: &Denoiser, aware: Option<&Quantized>) -> Result<Vec<u8>> {
        let sigmas = self.config.sigmas()?;
        let plan = self.plan(&sigmas[..])?;
        // Thousands of Langevin steps are computed on the device instead.
        let stored: &dyn Plan = if plan.rows() <= 256 { &*plan } else { &NoPlan };
        self.quantize(denoiser, aware, &sigmas, stored)
    }

    /// The plan of the run's settings on `levels`.
    ///
    /// # Errors
    /// When the sampler does not fit the levels.
    pub fn plan<'a, L>(&self, levels: L) -> Result<Box<dyn Plan + Send + Sync + 'a>>
    where
        L: Levels + Copy + Send + Sync + 'a,
    {
        let s = &self.config.sampling;
        s.sampler.plan(levels, s.steps, &s.options).map_err(|e| anyhow!("sampler {}: {e}", s.sampler.name()))
    }

    /// Float samples, in data units.
    ///
    /// # Errors
    /// When sampler and network do not fit.
    pub fn draw_float(&self, denoiser: &Denoiser, seed: u64) -> Result<Points> {
        let sigmas = self.config.sigmas()?;
        let plan = self.plan(&sigmas[..])?;
        let x = self.draw("sampling float", &denoiser.at_levels(&sigmas), &*plan, (seed, 0.0))?;
        Ok(self.data.codec.decode(&x))
    }

    /// Samples of the core from the blob, in data units.
    ///
    /// # Errors
    /// When the blob is damaged or does not fit.
    pub fn draw_int8(&self, blob: &[u8], seed: u64) -> Result<Points> {
        self.draw_guided(blob, seed, 0.0)
    }

    /// The same guided towards their classes.
    ///
    /// # Errors
    /// When the blob is damaged or does not fit.
    pub fn draw_guided(&self, blob: &[u8], seed: u64, guidance: f32) -> Result<Points> {
        let network = network(blob)?;
        let plan = self.plan(network.model().levels())?;
        let x = self.draw("sampling int8", &network, &*plan, (seed, guidance))?;
        Ok(in_data_units(network.model(), x.rows()).with_labels(x.labels().to_vec()))
    }

    /// In model units; of images and windows the classes in turn, of points all together.
    fn draw(
        &self,
        what: &'static str,
        score: &(impl Conditional + Clone + Send + Sync),
        plan: &(dyn Plan + Sync),
        (seed, guidance): (u64, f32),
    ) -> Result<Points> {
        let n = self.config.sampling.samples;
        let bar = bar(what, n as u64);
        let done = |k| bar.inc(k as u64);
        let points = match self.data.kind {
            Kind::Points => draw(score, plan, n, seed, done),
            Kind::Images | Kind::Windows => draw_classes(score, plan, n, (seed, guidance), done),
        }?;
        bar.finish();
        Ok(points)
    }

    /// Fidelity at the blob's own levels.
    ///
    /// # Errors
    /// When the blob is damaged.
    pub fn fidelity(&self, denoiser: &Denoiser, blob: &[u8]) -> Result<Vec<AtLevel>> {
        let network = network(blob)?;
        Ok(fidelity(&network, denoiser, &self.data.standard, self.data.toy, self.config.seed ^ 0xf1d))
    }

    /// Score error R of the integer and the float network averaged over 25 levels, where it is known.
    ///
    /// # Errors
    /// When the network cannot be quantized at those levels.
    pub fn score_error(&self, denoiser: &Denoiser, aware: Option<&Quantized>) -> Result<Option<(f64, f64)>> {
        if self.data.toy != Some(Toy::Mixture) || denoiser.embedding.features == 0 {
            return Ok(None);
        }
        let (count, largest, smallest) = ERROR_LEVELS;
        let mut sigmas = vec![0.0; count];
        Spacing::Geometric.fill(largest, smallest, &mut sigmas)?;
        let blob = self.quantize(denoiser, aware, &sigmas, &NoPlan)?;
        let levels = self.fidelity(denoiser, &blob)?;
        let mean = |f: fn(&AtLevel) -> Option<f64>| levels.iter().filter_map(f).sum::<f64>() / count as f64;
        Ok(Some((mean(|l| l.error), mean(|l| l.float_error))))
    }

    /// Everything after training: blob, samples, metrics and pictures.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(&self, trained: &Trained) -> Result<Report> {
        let denoiser = self.averaged(&trained.checkpoint);
        let aware = self.aware(&trained.checkpoint)?;
        let blob = self.export(&denoiser, aware.as_ref())?;
        write_atomic(&self.file("model.postcard"), &blob)?;
        let seed = self.config.seed;
        let (float, int8) = (self.draw_float(&denoiser, seed)?, self.draw_int8(&blob, seed)?);
        self.save("samples-float", &float)?;
        self.save("samples-int8", &int8)?;
        let report = self.report(trained, (&denoiser, aware.as_ref()), &blob, (&float, &int8))?;
        self.plot(&trained.checkpoint, &blob, &float, &int8, &report.levels)?;
        self.plot_chains(&trained.chains.diagnoses)?;
        write_atomic(&self.file("report.md"), report.markdown(&self.pictures()).as_bytes())?;
        // The last file: with it the run is finished.
        write_atomic(&self.file("metrics.json"), serde_json::to_string_pretty(&report)?.as_bytes())?;
        Ok(report)
    }

    /// As a .npy file, with the classes beside it.
    fn save(&self, name: &str, points: &Points) -> Result<()> {
        npy::save(&self.file(&format!("{name}.npy")), points)?;
        if !points.labels().is_empty() {
            let labels = points.labels().iter().map(|&label| label.into()).collect();
            npy::save(&self.file(&format!("{name}-labels.npy")), &Points::new(1, labels))?;
        }
        Ok(())
    }

    fn report(
        &self,
        trained: &Trained,
        (denoiser, aware): (&Denoiser, Option<&Quantized>),
        blob: &[u8],
        (float, int8): (&Points, &Points),
    ) -> Result<Report> {
        let levels = self.fidelity(denoiser, blob)?;
        let errors = self.score_error(denoiser, aware)?;
        let (worst_cosine, worst_relative_l2) = worst(&levels);
        let network = network(blob)?;
        let model = network.model();
        let sigmas = self.config.sigmas()?;
        let judge = Judge::new(&self.data)?;
        let (seed, guidance) = (self.config.seed, self.config.sampling.guidance);
        let guided = if guidance > 0.0 && denoiser.classes > 0 {
            Some(judge.of(&self.draw_guided(blob, seed, guidance)?)?)
        } else {
            None
        };
        let post = match aware {
            Some(_) => Some(judge.of(&self.draw_int8(&self.export(denoiser, None)?, seed)?)?),
            None => None,
        };
        Ok(Report {
            data: self.config.data.clone(),
            objective: self.config.learns(),
            seed: self.config.seed,
            parameters: denoiser.net.parameters(),
            training_steps: self.config.training.steps,
            qat_steps: self.config.training.qat_steps,
            weight_bits: self.config.export.weight_bits,
            activation_bits: self.config.export.activation_bits,
            training_seconds: trained.seconds,
            loss: trained.checkpoint.losses.last().map(|&(_, loss)| loss),
            sampler: self.config.sampling.sampler.name(),
            evaluations: self.plan(&sigmas[..])?.evaluations(),
            samples: int8.len(),
            blob_bytes: blob.len(),
            macs: network.macs(),
            codec: codec::Loss::measure(&self.data.codec, model, &self.data.reference),
            sample_digest: format!("{:016x}", digest(int8)),
            float: judge.of(float)?,
            post,
            int8: judge.of(int8)?,
            guided,
            gaussian: judge.gaussian(int8.len(), seed)?,
            floor: judge.of(&self.data.other)?,
            energy: self.energy(&network, int8, trained),
            uses: self.uses(blob)?,
            score_error: errors.map(|e| e.0),
            float_score_error: errors.map(|e| e.1),
            worst_cosine,
            worst_relative_l2,
            levels,
        })
    }

    /// How good the integer energy is, of an energy network.
    fn energy(&self, network: &Network<'_>, int8: &Points, trained: &Trained) -> Option<EnergyQuality> {
        let Network::Energy(energy) = network else { return None };
        let law = self.data.toy.and_then(|toy| Law::of(toy, &self.data.codec.standardizer));
        let (levels, diagnosis) = (network.model().levels(), trained.chains.diagnoses.last().copied());
        let level = comparable(levels);
        let kl = law.map(|law| (levels.sigma(level), law.divergence(energy, level, levels.sigma(level))));
        let shares = (self.data.toy == Some(Toy::EightGaussians)).then(|| eight_shares(int8));
        Some(EnergyQuality { kl, shares, diagnosis })
    }

    /// How good the blob is at what models of windows are used for.
    ///
    /// # Errors
    /// When the blob is damaged or does not fit.
    pub fn uses(&self, blob: &[u8]) -> Result<Uses> {
        Ok(Uses::judge(&network(blob)?, &self.data, self.config.seed ^ GAPS)?)
    }

    /// Draws the pictures that suit the data.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn plot(
        &self,
        checkpoint: &Checkpoint,
        blob: &[u8],
        float: &Points,
        int8: &Points,
        levels: &[AtLevel],
    ) -> Result<()> {
        let loss = binned(&checkpoint.losses);
        // Without a target a loss is known but for a constant, and may be negative.
        let positive = loss.iter().all(|&(_, loss)| loss > 0.0);
        let lines = [("loss, smoothed", loss)];
        curve(&self.file("training.png"), "Training", "step", "loss", &lines, false, positive)?;
        let by_level = |f: fn(&AtLevel) -> f64| levels.iter().map(|l| (f64::from(l.sigma), f(l))).collect();
        let lines = [("relative L2 of int8 against float", by_level(|l| l.relative_l2))];
        curve(
            &self.file("fidelity.png"),
            "int8 against float",
            "σ",
            "relative error of ε̂",
            &lines,
            true,
            true,
        )?;
        match self.data.kind {
            Kind::Images => self.plot_images(blob, int8),
            Kind::Windows => self.plot_windows(int8),
            Kind::Points if self.data.toy.is_some() => self.plot_plane(blob, float, int8),
            Kind::Points => self.plot_table(blob, float, int8),
        }
    }

    /// Of a user's own columns.
    fn plot_table(&self, blob: &[u8], float: &Points, int8: &Points) -> Result<()> {
        let tables =
            [("data", &self.data.reference), ("float samples", float), ("int8 samples (core)", int8)];
        let name = self.name();
        table(&self.file("samples.png"), name, &self.data.names, &tables)?;
        if self.data.dim() == 2 {
            let frame = Frame::of(&self.data.reference);
            let on = |points: &Points| frame.apply(points, [0, 1]);
            self.plot_chain(blob, on, &on(&self.data.reference))?;
        }
        Ok(())
    }

    /// The way of a chain in the plane, as `on` sees it.
    fn plot_chain(&self, blob: &[u8], on: impl Fn(&Points) -> Points, reference: &Points) -> Result<()> {
        let network = network(blob)?;
        let plan = self.plan(network.model().levels())?;
        let states = path(&mut network.clone(), &*plan, self.config.seed)?;
        let states = on(&self.data.codec.decode(&states));
        let states: Vec<[f32; 2]> = states.rows().map(|r| [r[0], r[1]]).collect();
        let title = format!("A chain of {} in {} rows", self.config.sampling.sampler.name(), plan.rows());
        Ok(chain_path(&self.file("chain.png"), &title, &states, reference)?)
    }

    /// The pictures that there are of this run.
    pub fn pictures(&self) -> Vec<&'static str> {
        let all = [
            "samples.png",
            "data.png",
            "codec.png",
            "chain.png",
            "energy.png",
            "chains.png",
            "training.png",
            "fidelity.png",
        ];
        all.into_iter().filter(|file| self.file(file).exists()).collect()
    }

    /// How contrastive divergence went.
    fn plot_chains(&self, diagnoses: &[Diagnosis]) -> Result<()> {
        if diagnoses.is_empty() {
            return Ok(());
        }
        let line =
            |f: fn(&Diagnosis) -> f32| diagnoses.iter().map(|d| (d.step as f64, f(d).into())).collect();
        let lines = [
            ("energy gap, nats", line(|d| d.gap)),
            ("root mean square of σ·∇E", line(|d| d.gradient)),
            ("acceptance", line(|d| d.acceptance)),
        ];
        curve(&self.file("chains.png"), "Data against samples", "step", "value", &lines, false, false)?;
        Ok(())
    }

    /// A class in each column; data above what the codec makes of them.
    fn plot_images(&self, blob: &[u8], int8: &Points) -> Result<()> {
        let width = self.data.width.unwrap_or(1);
        let real = &self.data.reference;
        let columns = |images: &Points| if classes_in(images) > 1 { classes_in(images) } else { GRID };
        let most = self.data.train.values().iter().copied().fold(0.0, f32::max);
        for (file, title, images) in
            [("samples.png", "int8 samples (core)", int8.clone()), ("data.png", "data", by_class(real))]
        {
            let columns = columns(&images);
            let images = images.take(columns * GRID);
            image_grid(&self.file(file), title, &images, width, columns, 0.0..most)?;
        }
        if self.data.codec.has_latents() {
            let test = by_class(real);
            let columns = columns(&test);
            let test = test.take(4 * columns);
            let made = codec::reconstructed(network(blob)?.model(), &test);
            let mut pairs = Points::with_capacity(test.dim(), 2 * test.len());
            for (test, made) in
                test.values().chunks(columns * test.dim()).zip(made.values().chunks(columns * test.dim()))
            {
                test.chunks(real.dim()).chain(made.chunks(real.dim())).for_each(|row| pairs.push_row(row));
            }
            let title = "data, and below what the codec makes of them";
            image_grid(&self.file("codec.png"), title, &pairs, width, columns, 0.0..most)?;
        }
        Ok(())
    }

    /// Two windows of each class.
    fn plot_windows(&self, int8: &Points) -> Result<()> {
        for (file, title, windows) in [
            ("samples.png", "int8 samples (core)", int8.clone()),
            ("data.png", "data", by_class(&self.data.reference)),
        ] {
            let classes = classes_in(&windows).max(1);
            let name = |i: usize| {
                let turn = i / classes + 1;
                windows
                    .label(i)
                    .map_or(format!("window {turn}"), |label| format!("{}, {turn}", self.class(label)))
            };
            let names: Vec<String> = (0..windows.len().min(2 * classes)).map(name).collect();
            let line = |row: &[f32]| (0..).zip(row).map(|(t, &x)| (f64::from(t), f64::from(x))).collect();
            let lines: Vec<(&str, Vec<(f64, f64)>)> =
                names.iter().zip(windows.rows()).map(|(name, row)| (name.as_str(), line(row))).collect();
            curve(&self.file(file), title, "sample", "value", &lines, false, false)?;
        }
        Ok(())
    }

    /// How a picture calls a class.
    fn class(&self, label: u16) -> String {
        match self.data.class_names.get(usize::from(label)) {
            Some(name) if *name != label.to_string() => format!("class {label} ({name})"),
            _ => format!("class {label}"),
        }
    }

    fn plot_plane(&self, blob: &[u8], float: &Points, int8: &Points) -> Result<()> {
        let mode = 2.0 / 4.01_f64.sqrt();
        let sd = 0.1 / 4.01_f64.sqrt();
        let zoom = (self.data.toy == Some(Toy::Mixture)).then(|| Zoom {
            centre: [mode, mode],
            half_width: 5.0 * sd,
            rings: vec![sd, 2.0 * sd, 3.0 * sd],
        });
        let panels =
            [("data", &self.data.reference), ("float samples", float), ("int8 samples (core)", int8)];
        scatter_panels(&self.file("samples.png"), &self.config.data, &panels, zoom.as_ref())?;
        self.plot_chain(blob, Points::clone, &self.data.reference)?;
        if let Network::Energy(mut energy) = network(blob)? {
            let (model, levels) = (energy.model().model().clone(), energy.model().model().levels());
            let level = comparable(levels);
            let title = format!("{}: int8 energy at σ = {:.3}", self.config.data, levels.sigma(level));
            landscape(&self.file("energy.png"), &title, &self.data.reference, |point| {
                let mut x = [0.0; 2];
                model.to_model(&point, &mut x);
                energy.energy(&x, level)
            })?;
        }
        Ok(())
    }
}

/// The numbers of a finished run of any kind; `None` where there are none yet.
///
/// # Errors
/// When they are damaged.
pub fn read_report<R: DeserializeOwned>(path: &Path) -> Result<Option<R>> {
    let Ok(report) = std::fs::read(path) else { return Ok(None) };
    let damaged = || format!("{} is damaged; remove it", path.display());
    serde_json::from_slice(&report).with_context(damaged).map(Some)
}

/// The settings that decide the weights.
#[derive(Serialize)]
struct Trains {
    seed: u64,
    points: usize,
    source: Source,
    objective: ObjectiveConfig,
    net: NetConfig,
    training: TrainingConfig,
    distillation: Option<DistillationConfig>,
}

/// The level whose density is compared with the data's.
fn comparable(levels: LevelTable<'_>) -> usize {
    let far = |k: &usize| (levels.sigma(*k) / KL_SIGMA).ln().abs();
    (0..levels.count()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}

/// Classes of which there are examples.
fn classes_in(points: &Points) -> usize {
    points.labels().iter().collect::<BTreeSet<_>>().len()
}

/// Real data with the classes in turn, as samples are, as far as there are some of each; classes without any are
/// skipped.
fn by_class(points: &Points) -> Points {
    let rows = |class| (0..points.len()).filter(move |&i| points.label(i) == Some(class));
    let present = (0..points.classes() as u16).filter(|&class| rows(class).next().is_some());
    let mut of_class: Vec<_> = present.map(rows).collect();
    let mut order = Vec::new();
    while let Some(turn) = of_class.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
        if turn.is_empty() {
            return points.clone();
        }
        order.extend(turn);
    }
    points.pick(&order)
}

/// At most 200 points of the training curve, each the mean of its stretch.
fn binned(losses: &[(u64, f32)]) -> Vec<(f64, f64)> {
    let mean = |bin: &[(u64, f32)]| {
        let n = bin.len() as f64;
        (bin.iter().map(|l| l.0 as f64).sum::<f64>() / n, bin.iter().map(|l| f64::from(l.1)).sum::<f64>() / n)
    };
    losses.chunks(losses.len().div_ceil(200).max(1)).map(mean).collect()
}

/// Chains that are drawn before their samples are written.
const PORTION: usize = 6000;

/// Draws by the score of a blob, such as its network or that guided, in data units, into a file that grows as they
/// come, below these names of the columns; returns the hash of all.
///
/// # Errors
/// When plan and model do not fit, or the file cannot be written.
pub fn draw_blob(
    model: &Model<'_>,
    score: &(impl Score + Clone + Send + Sync),
    plan: &(dyn Plan + Sync),
    n: usize,
    seed: u64,
    (out, names): (&Path, &[String]),
) -> Result<u64> {
    let cannot = || format!("cannot write {}; give a writable place with --out", out.display());
    let mut file = RowWriter::create(out, n, model.data_dim(), names).with_context(cannot)?;
    let (bar, mut digest) = (bar("sampling int8", n as u64), Digest::new());
    for first in (0..n).step_by(PORTION) {
        let chains = first..n.min(first + PORTION);
        let points = draw_chains(score, plan, chains, seed, |k| bar.inc(k as u64))?;
        let points = in_data_units(model, points.rows());
        digest.update(points.values());
        points.rows().try_for_each(|row| file.push_row(row)).with_context(cannot)?;
    }
    file.finish().with_context(cannot)?;
    bar.finish();
    Ok(digest.finish())
}

/// The hash of samples.
pub fn digest(points: &Points) -> u64 {
    let mut digest = Digest::new();
    digest.update(points.values());
    digest.finish()
}

/// A progress bar; hidden where there is no terminal.
pub fn bar(what: &'static str, length: u64) -> ProgressBar {
    let template = "{prefix:>14} {bar:40} {percent:>3}% {pos}/{len} {elapsed}<{eta} {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}

/// Trains, exports, samples, compares and draws; `None` when stopped before the end.
///
/// # Errors
/// When any of it fails; what was written stays.
pub fn whole(run: &Run, stop: &AtomicBool) -> Result<Option<Report>> {
    let trained = run.train(stop)?;
    if trained.interrupted {
        return Ok(None);
    }
    run.finish(&trained).map(Some)
}

/// No stored plan.
#[derive(Clone, Copy, Debug)]
pub struct NoPlan;

impl Plan for NoPlan {
    fn rows(&self) -> usize {
        0
    }

    fn step(&self, _row: usize) -> tinyscore::Step {
        tinyscore::Step::new(0, 0.0, 0.0)
    }

    fn prior(&self) -> f32 {
        0.0
    }

    fn levels(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class without examples has no column; the others come in turn until one is used up.
    #[test]
    fn classes_without_examples_are_skipped() {
        let points = |labels: &[u16]| {
            Points::new(1, (0..labels.len()).map(|i| i as f32).collect()).with_labels(labels.to_vec())
        };
        assert_eq!(by_class(&points(&[1, 2, 2, 1, 2])).labels(), [1, 2, 1, 2]);
        assert_eq!(by_class(&points(&[4, 4, 4])).values(), [0.0, 1.0, 2.0]);
        assert_eq!(by_class(&points(&[])), points(&[]));
        assert_eq!((classes_in(&points(&[1, 5, 5])), classes_in(&points(&[]))), (2, 0));
    }
}
