//! The gates, by one command: trains sets and prints int8 against gate, baseline and floor.

mod bits;
mod energies;
mod objectives;

pub use bits::bits;
pub use energies::energies;
pub use objectives::objectives;

use crate::backend::DeviceName;
use crate::config::{Config, Preset};
use crate::data::Toy;
use crate::report::{Quality, Report};
use crate::run::{Run, whole};
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Training steps of models without a fault: a detector is as good as a model of whole windows before that.
const DETECTOR_STEPS: u64 = 30_000;

/// One number of a report with its bounds.
struct Gate {
    name: &'static str,
    good: RangeInclusive<f64>,
    number: Number,
}

enum Number {
    /// A metric of the int8 samples, which baseline and floor have too.
    Metric(fn(&Quality) -> Option<f64>),
    /// Of int8 and of Gaussians.
    Beside(fn(&Report) -> Option<[f64; 2]>),
    /// Any other.
    Other(fn(&Report) -> f64),
}

impl Gate {
    fn metric(name: &'static str, good: RangeInclusive<f64>, number: fn(&Quality) -> Option<f64>) -> Self {
        Self { name, good, number: Number::Metric(number) }
    }

    fn beside(
        name: &'static str,
        good: RangeInclusive<f64>,
        numbers: fn(&Report) -> Option<[f64; 2]>,
    ) -> Self {
        Self { name, good, number: Number::Beside(numbers) }
    }

    fn other(name: &'static str, good: RangeInclusive<f64>, number: fn(&Report) -> f64) -> Self {
        Self { name, good, number: Number::Other(number) }
    }

    /// Of int8, of Gaussians and of real data; NaN where the report does not have it.
    fn values(&self, report: &Report) -> [f64; 3] {
        let or_none = |value: Option<f64>| value.unwrap_or(f64::NAN);
        match self.number {
            Number::Metric(metric) => [Some(&report.int8), report.gaussian.as_ref(), Some(&report.floor)]
                .map(|q| or_none(q.and_then(metric))),
            Number::Beside(numbers) => {
                let numbers = numbers(report);
                [or_none(numbers.map(|n| n[0])), or_none(numbers.map(|n| n[1])), f64::NAN]
            }
            Number::Other(number) => [number(report), f64::NAN, f64::NAN],
        }
    }
}

/// A training, and what it has to reach.
pub struct Entry {
    /// Its folder, but for the seed.
    name: String,
    config: Config,
    gates: Vec<Gate>,
    /// With the first seed only.
    once: bool,
}

/// The gates of the two-mode mixture.
fn mixture_gates() -> Vec<Gate> {
    let mut gates = vec![
        Gate::metric("share of the + mode", 0.485..=0.515, |q| Some(q.modes.as_ref()?.share_plus)),
        Gate::metric("per-mode sd ratio", 0.90..=1.10, |q| Some(q.modes.as_ref()?.sd_ratio)),
        Gate::metric("within 3 sd", 0.965..=1.0, |q| Some(q.modes.as_ref()?.within_3sd)),
        Gate::metric("outside 6 sd", 0.0..=0.001, |q| Some(q.modes.as_ref()?.outside_6sd)),
        Gate::metric("whitened per-mode SW2", 0.0..=0.25, |q| Some(q.modes.as_ref()?.whitened_sw2)),
        Gate::other("score error R", 0.0..=0.002, |r| r.score_error.unwrap_or(f64::NAN)),
    ];
    gates.extend(size_gates(35.0, 10_000.0));
    gates
}

/// By how much a metric of the integer samples is above that of the float ones.
fn difference(report: &Report, metric: fn(&Quality) -> Option<f64>) -> f64 {
    let values = [&report.int8, &report.float].map(|quality| metric(quality).unwrap_or(f64::NAN));
    values[0] - values[1]
}

/// The gates of another 2-D set.
fn plane_gates(toy: Toy) -> Vec<Gate> {
    let bound = match toy {
        Toy::EightGaussians => 0.066,
        Toy::Checkerboard => 0.040,
        _ => 0.035,
    };
    let mut gates = vec![
        Gate::metric("SW2", 0.0..=bound, |q| q.sw2),
        Gate::metric("C2ST", 0.0..=0.55, |q| q.c2st),
        Gate::other("SW2 int8 − float", -1.0..=0.005, |r| difference(r, |q| q.sw2)),
        Gate::other("C2ST int8 − float", -1.0..=0.02, |r| difference(r, |q| q.c2st)),
    ];
    gates.extend(size_gates(20.0, 40_000.0));
    gates
}

/// The gates of digits of 8 × 8 pixels.
fn digits_gates() -> Vec<Gate> {
    let mut gates = vec![
        Gate::metric("Fréchet distance", 0.0..=0.75, |q| q.realism.as_ref()?.fd),
        Gate::metric("accuracy", 0.97..=1.0, |q| q.realism.as_ref()?.accuracy),
        Gate::other("accuracy, guided", 0.99..=1.0, |r| accuracy(r.guided.as_ref())),
        Gate::metric("TSTR", 0.965..=1.0, |q| q.realism.as_ref()?.tstr),
        Gate::metric("C2ST", 0.0..=0.62, |q| q.c2st),
        Gate::other("FD int8 − float", -1.0..=0.03, |r| frechet(&r.int8) - frechet(&r.float)),
        Gate::other("accuracy int8 − float", -0.005..=1.0, |r| {
            accuracy(Some(&r.int8)) - accuracy(Some(&r.float))
        }),
    ];
    gates.extend(size_gates(10.0, 200_000.0));
    gates
}

/// The gates of images of 28 × 28 pixels.
fn mnist_gates() -> Vec<Gate> {
    let mut gates = vec![
        Gate::metric("Fréchet distance", 0.0..=8.0, |q| q.realism.as_ref()?.fd),
        Gate::metric("accuracy", 0.90..=1.0, |q| q.realism.as_ref()?.accuracy),
        Gate::other("accuracy, guided", 0.98..=1.0, |r| accuracy(r.guided.as_ref())),
        Gate::metric("TSTR", 0.91..=1.0, |q| q.realism.as_ref()?.tstr),
        Gate::metric("C2ST", 0.0..=0.68, |q| q.c2st),
        Gate::metric("recall", 0.55..=1.0, |q| q.realism.as_ref()?.recall),
        Gate::other("FD int8/float", 0.0..=1.08, |r| frechet(&r.int8) / frechet(&r.float)),
        Gate::other("accuracy int8 − float", -0.01..=1.0, |r| {
            accuracy(Some(&r.int8)) - accuracy(Some(&r.float))
        }),
        Gate::other("blob, bytes", 1.0..=262_144.0, |r| r.blob_bytes as f64),
    ];
    gates.extend(size_gates(10.0, 200_000.0));
    gates
}

/// Of the asked class; NaN where there is none.
fn accuracy(quality: Option<&Quality>) -> f64 {
    quality.and_then(|q| q.realism.as_ref()?.accuracy).unwrap_or(f64::NAN)
}

/// Fréchet distance.
fn frechet(quality: &Quality) -> f64 {
    quality.realism.as_ref().and_then(|realism| realism.fd).unwrap_or(f64::NAN)
}

/// The gates of windows of 64 samples.
fn windows_gates(largest_sw2: f64) -> Vec<Gate> {
    let mut gates = vec![
        Gate::metric("SW2", 0.0..=largest_sw2, |q| q.sw2),
        Gate::metric("C2ST", 0.0..=0.60, |q| q.c2st),
        Gate::metric("log-PSD error", 0.0..=0.15, |q| q.realism.as_ref()?.log_psd_error),
    ];
    gates.extend(filling_gates());
    gates.extend(size_gates(10.0, 52_000.0));
    gates
}

/// The gates of gaps filled in, in standard deviations of the data.
fn filling_gates() -> [Gate; 3] {
    [
        Gate::beside("gap: 90 % covers", 0.85..=0.95, |r| {
            let filling = r.uses.filling?;
            Some([filling.int8.coverage, filling.gaussians.coverage])
        }),
        Gate::beside("gap: mean width", 0.0..=1.4, |r| {
            let filling = r.uses.filling?;
            Some([filling.int8.width, filling.gaussians.width])
        }),
        Gate::beside("gap: RMSE", 0.0..=0.6, |r| {
            let filling = r.uses.filling?;
            Some([filling.int8.rmse, filling.gaussians.rmse])
        }),
    ]
}

/// The gates of a fault that no training saw.
fn detection_gates() -> Vec<Gate> {
    vec![
        Gate::beside("AUC of the unseen", 0.95..=1.0, |r| {
            r.uses.detection.map(|detection| [detection.int8, detection.gaussians])
        }),
        // A tie at 1.000 is one.
        Gate::other("AUC − best baseline's", -0.0005..=1.0, |r| {
            r.uses.detection.map_or(f64::NAN, |detection| detection.int8 - detection.baseline())
        }),
    ]
}

/// At most so many evaluations and parameters.
fn size_gates(evaluations: f64, parameters: f64) -> [Gate; 2] {
    [
        Gate::other("evaluations", 1.0..=evaluations, |r| r.evaluations as f64),
        Gate::other("parameters", 1.0..=parameters, |r| r.parameters as f64),
    ]
}

/// The gates of every int8 network; the gradient of an energy has gone through it twice.
fn fidelity_gates(energy: bool) -> [Gate; 2] {
    let (cosine, l2) = if energy { (0.99, 0.05) } else { (0.999, 0.03) };
    [
        Gate::other("worst cosine", cosine..=1.0, |r| r.worst_cosine),
        Gate::other("worst relative L2", 0.0..=l2, |r| r.worst_relative_l2),
    ]
}

/// Median; of an even number the lower middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// Sets of the plane by their default settings.
pub fn plane(sets: &[Toy]) -> Vec<Entry> {
    let entry = |&toy: &Toy| Entry {
        name: toy.name().to_owned(),
        config: Config::new(toy.name(), Preset::Default),
        gates: if toy == Toy::Mixture { mixture_gates() } else { plane_gates(toy) },
        once: false,
    };
    sets.iter().map(entry).collect()
}

/// Digits of 8 × 8 pixels: the drawn ones, or those in a folder.
pub fn digits(data: Option<&str>) -> Vec<Entry> {
    let config = Config::new(data.unwrap_or("digits"), Preset::Digits);
    vec![Entry { name: "digits".into(), config, gates: digits_gates(), once: false }]
}

/// Images of 28 × 28 pixels: drawn digits, or those in a folder.
pub fn mnist(data: Option<&str>) -> Vec<Entry> {
    let config = Config::new(data.unwrap_or("digits-28"), Preset::Mnist);
    vec![Entry { name: "mnist".into(), config, gates: mnist_gates(), once: false }]
}

/// Heartbeats and vibration, and each without one of its faults, which the detector has to find.
pub fn windows() -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, largest_sw2) in [("ecg", 0.07), ("vibration", 0.085)] {
        let config = Config::new(name, Preset::Windows);
        let gates = windows_gates(largest_sw2);
        entries.push(Entry { name: name.to_owned(), config: config.clone(), gates, once: false });
        for fault in [1, 2] {
            let mut config = config.clone();
            config.source.without = vec![fault];
            config.training.steps = DETECTOR_STEPS;
            let (name, gates) = (format!("{name}-without-{fault}"), detection_gates());
            entries.push(Entry { name, config, gates, once: true });
        }
    }
    entries
}

/// Trains over seeds 1…`seeds` below `dir`, unless they are there, and judges the medians.
///
/// # Errors
/// When a training fails, or is stopped.
pub fn suite(
    dir: &Path,
    entries: &[Entry],
    seeds: u64,
    device: DeviceName,
    stop: &AtomicBool,
) -> Result<(String, bool)> {
    let mut out = format!(
        "{:<21}{:<24}{:>10}{:>18}{:>12}{:>14}\n",
        "int8, median", "", "value", "gate", "Gaussians", "real vs real"
    );
    let mut passed = true;
    for Entry { name: set, config, gates, once } in entries {
        let one = |seed: u64| {
            let config = Config { seed, ..config.clone() };
            trained(&dir.join(format!("{set}-{seed}")), &format!("{set} seed {seed}"), config, device, stop)
        };
        let reports = (1..=if *once { 1 } else { seeds }).map(one).collect::<Result<Vec<_>>>()?;
        for gate in gates.iter().chain(&fidelity_gates(config.net.energy)) {
            let over = |i: usize| median(reports.iter().map(|report| gate.values(report)[i]).collect());
            let [value, gaussian, floor] = [0, 1, 2].map(over);
            let [gaussian, floor] = [gaussian, floor].map(number);
            let (name, met) = (gate.name, gate.good.contains(&value));
            passed &= met;
            let bound = format!("{} … {}", gate.good.start(), gate.good.end());
            let verdict = if met { "" } else { "  MISSED" };
            let value = number(value);
            let _ =
                writeln!(out, "{set:<21}{name:<24}{value:>10}{bound:>18}{gaussian:>12}{floor:>14}{verdict}");
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

/// The report of one training, announced as `what`; one that is there is continued, or read if finished.
fn trained(
    folder: &Path,
    what: &str,
    config: Config,
    device: DeviceName,
    stop: &AtomicBool,
) -> Result<Report> {
    println!("{what}");
    let config = config.with_absolute_paths()?;
    let started = folder.join("config.toml").exists();
    let run = if started { Run::open(folder)? } else { Run::create(folder, config.clone())? };
    if run.config != config {
        bail!("{} holds a training with other settings; give another folder with --out", folder.display());
    }
    match run.finished()? {
        Some(report) => Ok(report),
        None => whole(&run.on(device), stop)?.with_context(|| {
            let dir = folder.parent().unwrap_or(folder).display();
            format!("stopped; the same command with --out {dir} continues")
        }),
    }
}
