//! Commands about settings: advise, distill.

use super::commands::{execute, free};
use super::settings::{SourceArgs, quoted};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use trainer::advise::{Advice, advise as advice};
use trainer::backend::DeviceName;
use trainer::bounds::{check_count, check_memory};
use trainer::config::{Config, DistillationConfig, Preset, SpacingKind, UsageError};
use trainer::dataset::{self, Dataset};
use trainer::distill::Distillation;
use trainer::run::Run;
use trainer::sample::Method;

#[derive(Debug, Args)]
pub struct Advise {
    /// A data set (see `list`), or a .csv, .npy or IDX file, or a folder of such
    data: String,
    #[command(flatten)]
    source: SourceArgs,
    /// Error of variances and standard deviations to aim at, 0…1
    #[arg(long, default_value_t = 0.02)]
    tolerance: f64,
}

#[derive(Debug, Args)]
pub struct Distill {
    /// Folder of a finished training, the teacher
    run: PathBuf,
    /// Evaluations of the student: its noise levels
    #[arg(short, long, value_name = "K", default_value_t = 4)]
    evaluations: usize,
    /// What the student learns
    #[arg(long, default_value = "trajectory")]
    by: Distillation,
    /// Smallest noise level of the student, in units of the standardized data
    #[arg(long, default_value_t = 0.25)]
    sigma_min: f32,
    /// Ways of the teacher to learn from
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    ways: usize,
    /// Optimizer steps [default: those of the teacher]
    #[arg(long, value_name = "N")]
    training_steps: Option<u64>,
    /// Where to train
    #[arg(long, default_value_t, value_enum)]
    device: DeviceName,
    /// Folder for the student's run; must be empty or new [default: RUN-K]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn advise(args: &Advise) -> Result<()> {
    if !(args.tolerance > 0.0 && args.tolerance < 1.0) {
        return Err(UsageError(format!("tolerance is {}, but must be in 0…1", args.tolerance)).into());
    }
    let mut config = Config::new(&args.data, Preset::Default);
    args.source.apply(&mut config.source);
    config.check()?;
    let data = Dataset::load(&config)?;
    if dataset::named(&args.data, None).is_none() {
        data.summary(&args.data).iter().for_each(|line| println!("{line}"));
    }
    let a: Advice = advice(&data.standard, args.tolerance, config.seed)?;
    println!("{}: {} points of {} dimensions, standardized", args.data, data.train.len(), data.dim());
    println!("  largest noise level      {:.3}, the largest distance of two points", a.sigma_max);
    println!("  smallest noise level     {:.4}, from the distance to the nearest neighbour", a.sigma_min);
    println!(
        "  evaluations              {} of DPM-Solver++(2M), for sd right to {}",
        a.evaluations, args.tolerance
    );
    println!(
        "  annealed Langevin        {} levels (ratio {:.3}), signal-to-noise ratio {:.4}",
        a.langevin_levels, a.ratio, a.snr
    );
    println!("    whose step of {:.4}·σ² makes variances {} too large", a.langevin_rate, args.tolerance);
    println!(
        "Use it: train --data {}{} --sigma-max {:.3} --sigma-min {:.4} --sampler dpmpp-2m --steps {} --levels {}",
        quoted(&args.data),
        args.source.given(),
        a.sigma_max,
        a.sigma_min,
        a.evaluations,
        2 * a.evaluations - 1
    );
    Ok(())
}

pub fn distill(args: &Distill) -> Result<()> {
    let device = args.device.available()?;
    let teacher_run = Run::open(&args.run)?;
    let teacher = teacher_run.trained()?;
    let mut config = teacher_run.config.clone();
    check_count("evaluations", args.evaluations, 1..=4096)?;
    check_count("ways", args.ways, 1..=100_000_000)?;
    check_memory("ways", args.ways, (args.evaluations + 1) * teacher.dim())?;
    if teacher.classes > 0 {
        return Err(UsageError("the teacher knows classes, but distillation is for models without: train one without --conditional".into()).into());
    }
    config.export.spacing = SpacingKind::Karras;
    config.export.levels = args.evaluations;
    config.export.sigma_min = args.sigma_min;
    config.sampling.choose(Method::Ddim);
    config.sampling.steps = args.evaluations;
    config.training.steps = args.training_steps.unwrap_or(config.training.steps);
    config.distillation =
        Some(DistillationConfig { teacher: std::path::absolute(&args.run)?, by: args.by, ways: args.ways });
    let dir = args.out.clone().unwrap_or_else(|| {
        let name = args.run.display().to_string();
        free(&format!("{}-{}", name.trim_end_matches('/'), args.evaluations))
    });
    let run = Run::create(&dir, config)?.on(device);
    execute(run)
}
