//! The commands.

use super::settings::{self, check_options, only};
use super::stop::{settled, stop_flag};
use super::{Interpolate, Quantize, Sample, Train, boltzmann};
use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tinyscore::sampler::{Heun, Sampler};
use tinyscore::{Compensated, Conditional, Guided, Levels, Model, Plan, conformance};
use trainer::backend::{self, DeviceName};
use trainer::bounds::check_count;
use trainer::config::{Config, Preset, UsageError};
use trainer::data::{self, Set};
use trainer::fidelity::AtLevel;
use trainer::objective::ObjectiveName;
use trainer::report::{Report, worst};
use trainer::run::{Run, digest as hash, draw_blob};
use trainer::sample::{self, MAX_DIM, Method, Network, Options};
use trainer::{Points, closed_form, dataset, latent, output};

/// The demonstration.
pub fn demo() -> Result<()> {
    println!("No command given: training the two-mode mixture, from data to chip (see --help).");
    let device = DeviceName::default().available()?;
    execute(Run::create(&free("runs/mixture"), Config::new("mixture", Preset::Default))?.on(device))
}

pub fn train(args: &Train, given: &[String]) -> Result<()> {
    let device = args.device.available()?;
    if let Some(dir) = &args.resume {
        let reads = ["resume", "device", "checkpoint_every"];
        only(given, &reads, "--resume, which goes on by the settings of the run,")?;
        if trainer::boltzmann::run::is_run(dir) {
            return boltzmann::resume(dir, args.every()?);
        }
        return resume(dir, device, args.every()?);
    }
    let every = args.every()?;
    let config = args.settings.resolve(args.binary.energy(), given)?;
    let dir = args.out.clone().unwrap_or_else(|| {
        let name = Path::new(&config.data).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        free(&format!("runs/{name}"))
    });
    execute(Run::create(&dir, config)?.on(device).saving_every(every))
}

impl Train {
    /// Time between two checkpoints.
    pub fn every(&self) -> Result<Duration, UsageError> {
        Duration::try_from_secs_f64(self.checkpoint_every).map_err(|_| {
            UsageError(format!("checkpoint_every is {}, but must be 0 or more", self.checkpoint_every))
        })
    }
}

/// Goes on with the training in a folder.
fn resume(dir: &Path, device: DeviceName, every: Duration) -> Result<()> {
    let run = Run::open(dir)?.on(device).saving_every(every).locked()?;
    let shown = dir.display();
    let start = run.start()?;
    match &start {
        None => println!("{shown}: no checkpoint yet, starting over"),
        Some(checkpoint) => {
            println!("{shown}: resuming at step {} of {}", run.steps_of(checkpoint), run.steps())
        }
    }
    let complete = start.is_some_and(|checkpoint| run.steps_of(&checkpoint) == run.steps());
    match run.finished()? {
        Some(report) if complete => {
            println!("{shown} is finished; its report:");
            conclude(&run, &report);
            Ok(())
        }
        _ => execute(run),
    }
}

/// `path`, or with the first number that makes it free.
pub fn free(path: &str) -> PathBuf {
    let numbered = (2..).map(|i| PathBuf::from(format!("{path}-{i}")));
    std::iter::once(PathBuf::from(path)).chain(numbered).find(|p| !p.exists()).unwrap_or_default()
}

/// Trains, exports, samples, compares and draws.
pub fn execute(run: Run) -> Result<()> {
    announce(&run);
    let dir = quoted(&run.dir);
    let remedy = format!("; the checkpoint is in {dir}: continue with `trainer train --resume {dir}`");
    let trained = run.train(stop_flag())?;
    if settled(remedy.clone()) || trained.interrupted {
        bail!("interrupted{remedy}");
    }
    conclude(&run, &run.finish(&trained)?);
    Ok(())
}

/// A path as a shell reads it.
pub fn quoted(path: &Path) -> String {
    settings::quoted(&path.display().to_string())
}

fn announce(run: &Run) {
    if dataset::named(&run.config.data, None).is_none() {
        run.data.summary(&run.config.data).iter().for_each(|line| println!("{line}"));
    }
    let parameters = run.fresh().net.parameters();
    println!("{}: {} points to train on, {parameters} parameters", run.config.data, run.data.train.len());
}

fn conclude(run: &Run, report: &Report) {
    let dir = quoted(&run.dir);
    print_report(report);
    println!(
        "\nMade in {dir}: model.postcard ({} bytes, for the chip), samples-int8.npy, samples-float.npy,\n\
         report.md, metrics.json, config.toml, checkpoint.safetensors and the pictures\n{}.\n\
         Next: cargo run -p trainer -- inspect {}",
        report.blob_bytes,
        run.pictures().join(", "),
        quoted(&run.file("model.postcard")),
    );
}

fn print_report(report: &Report) {
    println!(
        "\n{} samples by {} in {} evaluations of {} multiply–accumulates; trained in {:.0} s\n",
        report.samples, report.sampler, report.evaluations, report.macs, report.training_seconds
    );
    print!("{}", report.table());
    println!(
        "\n{} against float: cosine at least {:.5}, relative L2 at most {:.2} % at every noise level",
        report.integer(),
        report.worst_cosine,
        100.0 * report.worst_relative_l2
    );
}

pub fn quantize(args: &Quantize) -> Result<()> {
    let mut run = Run::open(&args.run)?;
    let checkpoint = run.complete()?;
    let (denoiser, aware) = (run.averaged(&checkpoint), run.aware(&checkpoint)?);
    let bits = |run: &Run| (run.config.export.weight_bits, run.config.export.activation_bits);
    let trained_for = bits(&run);
    args.export.apply(&mut run.config.export);
    args.sampling.apply(&mut run.config.sampling);
    run.config.check()?;
    // Weights that were trained for other bits are on another grid.
    let aware = aware.filter(|_| bits(&run) == trained_for);
    let blob = run.export(&denoiser, aware.as_ref())?;
    let e = &run.config.export;
    let path = args.out.clone().unwrap_or_else(|| {
        run.file(&format!("model-{}-w{}a{}.postcard", e.levels, e.weight_bits, e.activation_bits))
    });
    write_new(&path, &blob)?;
    let (cosine, l2) = worst(&run.fidelity(&denoiser, &blob)?);
    println!(
        "{}: {} bytes; cosine at least {cosine:.5}, relative L2 at most {:.2} %",
        path.display(),
        blob.len(),
        100.0 * l2
    );
    Ok(())
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    refuse_existing(path)?;
    trainer::write_atomic(path, bytes)
        .with_context(|| format!("cannot write {}; give a writable place with --out", path.display()))
}

/// A link that leads nowhere is there, too.
pub fn refuse_existing(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        bail!("{} exists; give another file with --out, or remove it", path.display());
    }
    Ok(())
}

/// A model file's bytes.
pub fn read_model(path: &Path) -> Result<Vec<u8>> {
    // A pipe may never end, nor begin.
    if path.metadata().is_ok_and(|about| !about.is_file()) {
        bail!("cannot read the model {}: it is not a regular file; give a model.postcard", path.display());
    }
    std::fs::read(path)
        .with_context(|| format!("cannot read the model {}; give a model.postcard", path.display()))
}

pub fn network<'a>(path: &Path, bytes: &'a [u8]) -> Result<Network<'a>> {
    boltzmann::refuse(path, bytes)?;
    sample::network(bytes).map_err(|e| anyhow!("{}: {e}", path.display()))
}

pub fn sample(args: &Sample, given: &[String]) -> Result<()> {
    check_count("n", args.n, 1..=100_000_000)?;
    output::format(&args.out)?;
    let bytes = read_model(&args.model)?;
    if boltzmann::is_binary(&bytes) {
        return boltzmann::sample(args, &bytes);
    }
    let network = network(&args.model, &bytes)?;
    refuse_existing(&args.out)?;
    let names = output::names_beside(&args.model);
    let out = (&*args.out, &names[..]);
    let model = network.model();
    // No descent of levels where there is one.
    let one = model.levels().count() == 1 && model.plan().rows() == 0;
    let energy = matches!(network, Network::Energy(_));
    let sampler = args.sampler.or((energy && one).then_some(Method::Mala));
    match sampler {
        Some(sampler) => check_options(sampler, given)?,
        None if network.model().plan().rows() > 0 => stored(given)?,
        None => check_options(Method::Ancestral, given)?,
    }
    if let Some(sampler @ (Method::Mala | Method::ClampedLangevin)) = sampler {
        return sample_energy(args, sampler, &network);
    }
    let plan = plan(args, network.model())?;
    let compensated = Compensated::new(&*plan, network.model().levels());
    let plan: &(dyn Plan + Sync) = if args.compensate { &compensated } else { &*plan };
    let digest = match args.class {
        None => draw_blob(network.model(), &network, plan, args.n, args.seed, out),
        Some(class) => {
            let guided = Guided::<_, MAX_DIM>::new(network.clone(), class, args.guidance)
                .map_err(|e| UsageError(format!("{}: {e}", args.model.display())))?;
            draw_blob(network.model(), &guided, plan, args.n, args.seed, out)
        }
    }?;
    println!(
        "{}: {} samples of {} dimensions, {} evaluations each; digest {digest:016x}",
        args.out.display(),
        args.n,
        network.model().data_dim(),
        plan.evaluations() * if args.guidance > 0.0 { 2 } else { 1 },
    );
    Ok(())
}

/// Refuses what the plan stored in a model does not read.
fn stored(given: &[String]) -> Result<(), UsageError> {
    let reads = ["model", "n", "seed", "compensate", "class", "guidance", "out"];
    only(given, &reads, "the plan stored in the model")
        .map_err(|e| UsageError(format!("{e}, or name a --sampler")))
}

/// Samples by what needs the energy itself.
fn sample_energy(args: &Sample, sampler: Method, network: &Network<'_>) -> Result<()> {
    let Network::Energy(energy) = network else {
        let what = format!("sampler {}: {}", sampler.name(), tinyscore::Error::NoEnergy);
        return Err(UsageError(what).into());
    };
    if args.guidance > 0.0 || args.compensate {
        let what =
            format!("sampler {} takes neither --guidance nor --compensate; leave them out", sampler.name());
        return Err(UsageError(what).into());
    }
    let mut energy = energy.clone();
    let wrong = |e| UsageError(format!("sampler {}: {e}", sampler.name()));
    energy.choose(args.class).map_err(wrong)?;
    let (model, levels) = (network.model(), network.model().levels());
    let mut options = Options::default();
    if levels.count() == 1 {
        options.per_level = 1000;
    }
    args.options.apply(&mut options);
    let (points, how) = if sampler == Method::Mala {
        let steps = args.steps.unwrap_or_else(|| levels.count());
        let drawn = sample::draw_mala(&energy, levels, steps, &options, args.n, args.seed);
        let (points, accepted) = drawn.map_err(wrong)?;
        (
            points,
            format!("{} steps each, {:.1} % of them accepted", steps * options.per_level, 100.0 * accepted),
        )
    } else {
        let points =
            sample::draw_clamped(&energy, levels, options.limit, args.n, args.seed).map_err(wrong)?;
        (points, "60 clamped steps each".to_owned())
    };
    let points = sample::in_data_units(model, points.rows());
    output::save(&args.out, &points, &output::names_beside(&args.model))
        .with_context(|| format!("cannot write {}; give a writable place with --out", args.out.display()))?;
    let (out, n, dim) = (args.out.display(), args.n, model.data_dim());
    println!("{out}: {n} samples of {dim} dimensions, {how}; digest {:016x}", hash(&points));
    Ok(())
}

/// The plan that the arguments ask for; by default the stored one.
fn plan<'a>(args: &Sample, model: &Model<'a>) -> Result<Box<dyn Plan + Send + Sync + 'a>> {
    let mut options = Options::default();
    args.options.apply(&mut options);
    let (stored, levels) = (model.plan(), model.levels());
    let sampler = match (args.sampler, args.steps) {
        (None, None) if stored.rows() > 0 => return Ok(Box::new(stored)),
        (sampler, _) => sampler.unwrap_or(Method::Ancestral),
    };
    let steps = args.steps.unwrap_or_else(|| levels.count());
    let plan = sampler.plan(levels, steps, &options);
    plan.map_err(|e| UsageError(format!("sampler {} with {steps} steps: {e}", sampler.name())).into())
}

pub fn verify(dir: &Path) -> Result<()> {
    let run = Run::open(dir)?;
    let denoiser = run.trained()?;
    let path = run.file("model.postcard");
    let blob = read_model(&path)?;
    network(&path, &blob)?;
    let levels = run.fidelity(&denoiser, &blob)?;
    print_levels(&levels);
    let (cosine, l2) = worst(&levels);
    println!("\nsamplers against closed-form scores:");
    // Fewer bits cannot stay as close, and what was trained for its bits need not.
    let free = run.config.export.weight_bits < 8 || run.config.training.qat_steps > 0;
    let mut good = free || (cosine >= 0.999 && l2 <= 0.03);
    for check in closed_form::checks()? {
        println!("  {check}");
        good &= check.passed();
    }
    let samples = run.draw_int8(&blob, run.config.seed)?;
    println!("\nhash of {} int8 samples: {:016x}", samples.len(), hash(&samples));
    if !good {
        bail!(
            "int8 and float, or a sampler and its exact law, differ by more than allowed (cosine 0.999, relative L2 3 %)"
        );
    }
    Ok(())
}

fn print_levels(levels: &[AtLevel]) {
    println!("int8 against float, and both against the exact score R(σ) where it is known:");
    println!("{:>10}{:>12}{:>14}{:>12}{:>12}", "σ", "cosine", "relative L2", "R int8", "R float");
    for l in levels {
        let number = |r: Option<f64>| r.map_or("-".to_owned(), |r| format!("{r:.6}"));
        println!(
            "{:>10.5}{:>12.6}{:>14.6}{:>12}{:>12}",
            l.sigma,
            l.cosine,
            l.relative_l2,
            number(l.error),
            number(l.float_error)
        );
    }
}

pub fn plot(dir: &Path) -> Result<()> {
    let run = Run::open(dir)?;
    let checkpoint = run.complete()?;
    let blob = read_model(&run.file("model.postcard"))?;
    let [float, int8] = ["samples-float.npy", "samples-int8.npy"].map(|file| data::read(&run.file(file)));
    let levels = run.fidelity(&run.averaged(&checkpoint), &blob)?;
    run.plot(&checkpoint, &blob, &float?, &int8?, &levels)?;
    println!("drawn again in {}", dir.display());
    Ok(())
}

pub fn interpolate(args: &Interpolate) -> Result<()> {
    if args.n < 2 {
        return Err(UsageError(format!("n is {}, but must be at least 2", args.n)).into());
    }
    output::format(&args.out)?;
    let bytes = read_model(&args.model)?;
    let mut network = network(&args.model, &bytes)?;
    refuse_existing(&args.out)?;
    let levels = network.model().levels();
    let plan = Heun.plan(levels)?;
    let [a, b] = [args.from, args.to].map(|seed| latent::of_seed(&network, &plan, seed));
    let path = latent::interpolate(&a?, &b?, args.n);
    let mut samples = Points::with_capacity(network.model().data_dim(), args.n);
    let mut data = vec![0.0; network.model().data_dim()];
    for z in path.rows() {
        let x = latent::decode(&mut network, levels, z)?;
        network.model().to_data(&x, &mut data);
        samples.push_row(&data);
    }
    output::save(&args.out, &samples, &output::names_beside(&args.model))
        .with_context(|| format!("cannot write {}; give a writable place with --out", args.out.display()))?;
    println!(
        "{}: {} samples from seed {} to seed {}, {} evaluations each",
        args.out.display(),
        args.n,
        args.from,
        args.to,
        plan.evaluations() - 1
    );
    Ok(())
}

pub fn inspect(path: &Path) -> Result<()> {
    let bytes = read_model(path)?;
    if boltzmann::is_binary(&bytes) {
        return boltzmann::inspect(path, &bytes);
    }
    let network = network(path, &bytes)?;
    let model = network.model();
    let widths: Vec<String> = model.widths().map(|w| w.to_string()).collect();
    let (levels, plan) = (model.levels(), model.plan());
    let (dim, scratch) = (model.dim(), 2 * network.scratch());
    let (kind, owner) = match &network {
        Network::Score(_) => ("score network", "Mlp"),
        Network::Energy(_) => ("energy network, with its way back", "EnergyMlp"),
    };
    println!("{}", path.display());
    println!("  name                {}", model.name());
    println!("  kind                {kind}");
    println!("  layers              {} (integer weights, one scale per output)", widths.join("-"));
    println!(
        "  noise levels        {}, σ from {} to {}",
        levels.count(),
        levels.sigma(0),
        levels.sigma(levels.count() - 1)
    );
    println!("  stored plan         {} rows, {} evaluations", plan.rows(), plan.evaluations());
    println!("  bytes in flash      {}", model.as_bytes().len());
    println!("  MACs per evaluation {}", network.macs());
    if model.decoder_macs() > 0 {
        let (latents, data, macs) = (model.dim(), model.data_dim(), model.decoder_macs());
        println!("  codec               {latents} latents to {data} data, {macs} MACs once a sample");
    }
    println!(
        "  RAM                 {} bytes: {} of scratch memory for the {owner}, {} for Chain::<_, {dim}>",
        scratch + 16 * dim,
        scratch,
        16 * dim
    );
    println!("  CRC-32              {:08x}", model.checksum());
    Ok(())
}

pub fn list() -> Result<()> {
    println!("data sets (--data), or a .csv, .npy or IDX file, or a folder:");
    for set in Set::all() {
        println!("  {:<26}{}", set.name(), set.describe());
    }
    println!("\nobjectives (--objective):");
    list_values(&ObjectiveName::ALL);
    println!("\nsamplers (--sampler):");
    list_values(Method::value_variants());
    Ok(())
}

pub fn devices() -> Result<()> {
    backend::devices().iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Each with its name and its help.
fn list_values(values: &[impl ValueEnum]) {
    for value in values.iter().filter_map(ValueEnum::to_possible_value) {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        println!("  {:<26}{help}", value.get_name());
    }
}

pub fn digest(path: &Path) -> Result<()> {
    let bytes = read_model(path)?;
    let mut network = network(path, &bytes)?;
    let model = network.model().clone();
    let report = |name: &str, digest| println!("digest {name} {digest:016x}");
    let samples = conformance::SAMPLES;
    match &mut network {
        Network::Energy(network) => {
            conformance::energy_digests::<MAX_DIM, MAX_DIM>(&model, network, samples, report)
        }
        network => conformance::digests::<MAX_DIM, MAX_DIM>(&model, network, samples, report),
    }
    .map_err(|e| anyhow!("{}: {e}", path.display()))
}
