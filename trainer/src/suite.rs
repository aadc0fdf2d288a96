//! The gates, by one command: trains every 2-D set and prints int8 against gate and floor.

mod objectives;

pub use objectives::objectives;

use crate::config::{Config, Preset};
use crate::data::Toy;
use crate::report::Report;
use crate::run::{Run, whole};
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// One number with its bound.
struct Gate {
    name: &'static str,
    value: fn(&Report) -> f64,
    floor: fn(&Report) -> f64,
    good: std::ops::RangeInclusive<f64>,
}

/// The gates of the two-mode mixture: at most 35 evaluations and 10,000 parameters.
fn mixture_gates() -> Vec<Gate> {
    macro_rules! mode {
        ($name:literal, $field:ident, $range:expr) => {
            Gate {
                name: $name,
                value: |r| r.int8.modes.as_ref().map_or(f64::NAN, |m| m.$field),
                floor: |r| r.floor.modes.as_ref().map_or(f64::NAN, |m| m.$field),
                good: $range,
            }
        };
    }
    vec![
        mode!("share of the + mode", share_plus, 0.485..=0.515),
        mode!("per-mode sd ratio", sd_ratio, 0.90..=1.10),
        mode!("within 3 sd", within_3sd, 0.965..=1.0),
        mode!("outside 6 sd", outside_6sd, 0.0..=0.001),
        mode!("whitened per-mode SW2", whitened_sw2, 0.0..=0.25),
        Gate {
            name: "score error R",
            value: |r| r.score_error.unwrap_or(f64::NAN),
            floor: |_| 0.0,
            good: 0.0..=0.002,
        },
        Gate { name: "evaluations", value: |r| r.evaluations as f64, floor: |_| f64::NAN, good: 1.0..=35.0 },
        Gate {
            name: "parameters",
            value: |r| r.parameters as f64,
            floor: |_| f64::NAN,
            good: 1.0..=10_000.0,
        },
    ]
}

/// The gates of another 2-D set: at most 20 evaluations and 40,000 parameters.
fn plane_gates(toy: Toy) -> Vec<Gate> {
    let bound = match toy {
        Toy::EightGaussians => 0.066,
        Toy::Checkerboard => 0.040,
        _ => 0.035,
    };
    vec![
        Gate { name: "SW2", value: |r| r.int8.sw2, floor: |r| r.floor.sw2, good: 0.0..=bound },
        Gate { name: "C2ST", value: |r| r.int8.c2st, floor: |r| r.floor.c2st, good: 0.0..=0.55 },
        Gate {
            name: "SW2 int8 − float",
            value: |r| r.int8.sw2 - r.float.sw2,
            floor: |_| 0.0,
            good: -1.0..=0.005,
        },
        Gate {
            name: "C2ST int8 − float",
            value: |r| r.int8.c2st - r.float.c2st,
            floor: |_| 0.0,
            good: -1.0..=0.02,
        },
        Gate { name: "evaluations", value: |r| r.evaluations as f64, floor: |_| f64::NAN, good: 1.0..=20.0 },
        Gate {
            name: "parameters",
            value: |r| r.parameters as f64,
            floor: |_| f64::NAN,
            good: 1.0..=40_000.0,
        },
    ]
}

/// The gates of every int8 network.
fn fidelity_gates() -> Vec<Gate> {
    vec![
        Gate { name: "worst cosine", value: |r| r.worst_cosine, floor: |_| 1.0, good: 0.999..=1.0 },
        Gate { name: "worst relative L2", value: |r| r.worst_relative_l2, floor: |_| 0.0, good: 0.0..=0.03 },
    ]
}

/// Median; of an even number the lower middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// Trains the sets over seeds 1…`seeds` below `dir`, unless they are there, and judges the medians.
///
/// # Errors
/// When a training fails, or is stopped.
pub fn suite(dir: &Path, sets: &[Toy], seeds: u64, stop: &AtomicBool) -> Result<(String, bool)> {
    let mut out =
        format!("{:<18}{:<24}{:>10}{:>18}{:>12}\n", "int8, median", "", "value", "gate", "real vs real");
    let mut passed = true;
    for &toy in sets {
        let reports = (1..=seeds).map(|seed| one(dir, toy, seed, stop)).collect::<Result<Vec<_>>>()?;
        let mut gates = if toy == Toy::Mixture { mixture_gates() } else { plane_gates(toy) };
        gates.extend(fidelity_gates());
        for Gate { name, value, floor, good } in gates {
            let value = median(reports.iter().map(value).collect());
            let floor = median(reports.iter().map(floor).collect());
            let met = good.contains(&value);
            passed &= met;
            let bound = format!("{} … {}", good.start(), good.end());
            let verdict = if met { "" } else { "  MISSED" };
            let (value, floor) = (number(value), number(floor));
            let _ = writeln!(out, "{:<18}{name:<24}{value:>10}{bound:>18}{floor:>14}{verdict}", toy.name());
        }
    }
    Ok((out, passed))
}

/// Counts without decimals, other numbers with five or, if large, two; nothing for none.
fn number(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else if value >= 2.0 {
        let decimals = if value.fract() == 0.0 { 0 } else { 2 };
        format!("{value:.decimals$}")
    } else {
        format!("{value:.5}")
    }
}

/// The report of one training by the set's default settings.
fn one(dir: &Path, toy: Toy, seed: u64, stop: &AtomicBool) -> Result<Report> {
    let mut config = Config::new(toy.name(), Preset::Default);
    config.seed = seed;
    let folder = dir.join(format!("{}-{seed}", toy.name()));
    trained(&folder, &format!("{} seed {seed}", toy.name()), config, stop)
}

/// The report of one training, announced as `what`; one that is there is continued, or read if finished.
fn trained(folder: &Path, what: &str, config: Config, stop: &AtomicBool) -> Result<Report> {
    println!("{what}");
    let started = folder.join("config.toml").exists();
    let run = if started { Run::open(folder)? } else { Run::create(folder, config.clone())? };
    if run.config != config {
        bail!("{} holds a training with other settings; give another folder with --out", folder.display());
    }
    match run.finished()? {
        Some(report) => Ok(report),
        None => whole(&run, stop)?.with_context(|| {
            let dir = folder.parent().unwrap_or(folder).display();
            format!("stopped; the same command with --out {dir} continues")
        }),
    }
}
