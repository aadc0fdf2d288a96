//! Judging: runs, suites, samplers by their evaluations, and likelihoods.

use super::commands::{free, read_model, refuse_existing};
use super::settings::only;
use super::stop::stop_flag;
use super::{Eval, Likelihood, SuiteName, boltzmann};
use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::path::{Path, PathBuf};
use trainer::config::UsageError;
use trainer::data::{self, Toy};
use trainer::judge::Judge;
use trainer::likelihood::{self, FloatFlow, NegativeLogLikelihood, log_likelihoods};
use trainer::report::Report;
use trainer::run::{Run, bar};
use trainer::sweep::{self, Sweep};
use trainer::{Points, checkpoint, dataset, output, suite};

/// Refuses the options that belong to another of the ways to judge.
fn check_given(args: &Eval, given: &[String]) -> Result<(), UsageError> {
    let (reads, who): (&[&str], &str) = match args.suite {
        _ if args.sweep => (&["run", "sweep", "exact", "out"], "a sweep"),
        None => (&["run"], "judging a run"),
        Some(SuiteName::Rbm) => (&["suite", "data", "out"], "the suite rbm"),
        Some(SuiteName::Bits) => (&["suite", "data", "qat", "device", "out"], "the suite bits"),
        Some(SuiteName::Objectives) => (&["suite", "device", "out"], "the suite objectives"),
        Some(SuiteName::Digits | SuiteName::Mnist) => {
            (&["suite", "data", "seeds", "device", "out"], "this suite")
        }
        Some(_) => (&["suite", "seeds", "device", "out"], "this suite"),
    };
    only(given, reads, who)
}

pub fn eval(args: &Eval, given: &[String]) -> Result<()> {
    check_given(args, given)?;
    match (&args.run, args.suite) {
        _ if args.sweep => eval_sweep(args),
        (Some(dir), _) if trainer::boltzmann::run::is_run(dir) => boltzmann::eval(dir),
        (Some(dir), _) => eval_run(dir),
        (None, Some(name)) => eval_suite(args, name),
        (None, None) => bail!("give a run folder or --suite"),
    }
}

fn eval_run(dir: &Path) -> Result<()> {
    let run = Run::open(dir)?;
    run.complete()?;
    let judge = Judge::new(&run.data)?;
    let [float, int8] = ["samples-float.npy", "samples-int8.npy"]
        .map(|file| anyhow::Ok(judge.of(&data::read(&run.file(file))?)?));
    let (float, int8, real) = (float?, int8?, judge.of(&run.data.other)?);
    let gaussian = judge.gaussian(run.config.sampling.samples, run.config.seed)?;
    let uses = run.uses(&read_model(&run.file("model.postcard"))?)?;
    let report = run.finished()?.with_context(|| {
        format!("{0} has no metrics.json; finish it with `trainer train --resume {0}`", dir.display())
    })?;
    // What the samples do not tell stays as the training found it.
    print!("{}", Report { float, int8, gaussian, floor: real, uses, ..report }.table());
    Ok(())
}

fn eval_sweep(args: &Eval) -> Result<()> {
    let (runs, dir) = match &args.run {
        Some(dir) => (runs_in(dir)?, dir.clone()),
        None => (Vec::new(), PathBuf::from("runs/sweep-exact")),
    };
    let dir = args.out.clone().unwrap_or(dir);
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot make the folder {}; give another with --out", dir.display()))?;
    let mut sweep = Sweep::default();
    let bar = bar("sweeping", sweep::cells() * runs.len().max(1) as u64);
    if args.exact {
        sweep.add_exact(&bar)?;
    }
    for run in &runs {
        sweep.add_run(run, &bar)?;
    }
    bar.finish();
    trainer::write_atomic(&dir.join("sweep.json"), serde_json::to_string_pretty(&sweep)?.as_bytes())?;
    sweep.plot(&dir)?;
    println!("SW2 (of the mixture: of its whitened modes) at evaluations of at most\n{}", sweep.table());
    println!("Made in {}: sweep.json, sweep-ode.png, sweep-sde.png, sweep-langevin.png", dir.display());
    Ok(())
}

/// The run in this folder, or those in the folders in it.
fn runs_in(dir: &Path) -> Result<Vec<Run>> {
    let is_run = |path: &Path| path.join("config.toml").is_file();
    if is_run(dir) {
        return Ok(vec![Run::open(dir)?]);
    }
    let entries = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read {}; give the folder of a run or of a suite", dir.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| is_run(p)).collect();
    paths.sort();
    if paths.is_empty() {
        bail!("no run in {}; train one, or a suite with `trainer eval --suite 2d`", dir.display());
    }
    paths.iter().map(|path| Run::open(path)).collect()
}

fn eval_suite(args: &Eval, name: SuiteName) -> Result<()> {
    let dir = |label: &str| args.out.clone().unwrap_or_else(|| free(&format!("runs/suite-{label}")));
    let (device, stop) = (args.device.available()?, stop_flag());
    let (table, passed) = match name {
        SuiteName::Mixture => {
            suite::suite(&dir("mixture"), &suite::plane(&[Toy::Mixture]), args.seeds, device, stop)
        }
        SuiteName::Plane => {
            let sets: Vec<Toy> = Toy::ALL.into_iter().filter(|&t| t != Toy::Mixture).collect();
            suite::suite(&dir("2d"), &suite::plane(&sets), args.seeds, device, stop)
        }
        SuiteName::All => suite::suite(&dir("all"), &suite::plane(&Toy::ALL), args.seeds, device, stop),
        SuiteName::Digits => {
            suite::suite(&dir("digits"), &suite::digits(args.data.as_deref()), args.seeds, device, stop)
        }
        SuiteName::Mnist => {
            suite::suite(&dir("mnist"), &suite::mnist(args.data.as_deref()), args.seeds, device, stop)
        }
        SuiteName::Windows => suite::suite(&dir("windows"), &suite::windows(), args.seeds, device, stop),
        SuiteName::Bits => suite::bits(&dir("bits"), args.data.as_deref(), args.qat, device, stop),
        SuiteName::Energies => suite::suite(&dir("energies"), &suite::energies(), args.seeds, device, stop),
        SuiteName::Rbm => {
            let data = args.data.as_deref().unwrap_or("digits");
            trainer::boltzmann::suite::suite(&dir("rbm"), data, stop)
        }
        SuiteName::Objectives => suite::objectives(&dir("objectives"), device, stop),
    }?;
    println!("\n{table}");
    if !passed {
        bail!("a gate was missed");
    }
    Ok(())
}

pub fn likelihood(args: &Likelihood) -> Result<()> {
    if args.n == 0 {
        return Err(UsageError("n is 0, but must be at least 1".into()).into());
    }
    if !(1e-7..=0.1).contains(&args.tolerance) {
        let what = format!("tolerance is {}, but must be in 1e-7…0.1", args.tolerance);
        return Err(UsageError(what).into());
    }
    args.out.as_deref().map_or(Ok(()), |out| output::format(out).map(drop))?;
    args.out.as_deref().map_or(Ok(()), refuse_existing)?;
    let run = float_run(&args.run)?;
    if run.config.net.energy {
        let what = "likelihood integrates a score network, but the run trained an energy network, whose report has its KL where the data's law is known: give another run";
        return Err(UsageError(what.into()).into());
    }
    let denoiser = run.trained()?;
    let (name, points) = likelihood_points(args, &run)?;
    let training = &run.config.training;
    let settings = likelihood::Settings {
        sigma_min: training.sigma_min,
        sigma_max: training.sigma_max,
        tolerance: args.tolerance,
        seed: args.seed,
    };
    let standard = run.data.codec.encode(&points);
    let standardizer = &run.data.codec.standardizer;
    let logs = log_likelihoods(&FloatFlow::new(&denoiser), &standard, &settings)?;
    let NegativeLogLikelihood { nats, error, bits_per_dim } = NegativeLogLikelihood::new(&logs, standardizer);
    println!(
        "{name}: {} points of {} dimensions, σ from {} to {}, divergence {}",
        points.len(),
        standard.dim(),
        settings.sigma_min,
        settings.sigma_max,
        if standard.dim() <= likelihood::EXACT { "exact" } else { "by Hutchinson's estimate" },
    );
    println!("negative log-likelihood: {nats:.4} ± {error:.4} nats, {bits_per_dim:.4} bits per dimension");
    if run.data.codec.has_latents() {
        println!("note: of the {} components that the network sees, not of the data", standard.dim());
    }
    if let Some(out) = &args.out {
        let one = |&log: &f64| NegativeLogLikelihood::new(&[log], standardizer).nats as f32;
        let rows = Points::new(1, logs.iter().map(one).collect());
        output::save(out, &rows, &["nats".into()])
            .with_context(|| format!("cannot write {}; give a writable place with --out", out.display()))?;
        println!("{}: the negative log-likelihood of every point, in nats", out.display());
    }
    Ok(())
}

/// The run of a folder, or of the checkpoint in it. An int8 model is no float network.
fn float_run(path: &Path) -> Result<Run> {
    if path.extension().is_some_and(|e| e == "postcard") {
        let what = format!(
            "{} is a model for the chip: its int8 network is a staircase and has no divergence, which the \
             likelihood integrates; give the run folder that it was exported from, with its float {}",
            path.display(),
            checkpoint::FILE
        );
        return Err(UsageError(what).into());
    }
    match path.parent() {
        Some(folder) if path.is_file() && path.ends_with(checkpoint::FILE) => Run::open(folder),
        _ => Run::open(path),
    }
}

/// A name and at most n points, in data units.
fn likelihood_points(args: &Likelihood, run: &Run) -> Result<(String, Points)> {
    let Some(data) = &args.data else {
        return Ok((format!("{}, held back", run.config.data), run.data.reference.take(args.n)));
    };
    let points = match dataset::named(data, Some(run.data.dim())) {
        Some(set) => set.draw(args.n, &mut Xoshiro256PlusPlus::seed_from_u64(args.seed)),
        None => {
            let names = if run.data.names.len() == run.data.dim() { &run.data.names[..] } else { &[] };
            data::read_table(dataset::file(data)?)?.in_order_of(names).complete()?.take(args.n)
        }
    };
    if points.dim() != run.data.dim() {
        let (have, want) = (points.dim(), run.data.dim());
        let what = format!(
            "{data} has {have} dimensions, but the run's data {} have {want}: give data of {want} columns",
            run.config.data
        );
        return Err(UsageError(what).into());
    }
    Ok((data.clone(), points))
}
