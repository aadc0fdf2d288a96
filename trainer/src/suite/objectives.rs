//! Every objective on the two-mode mixture, with the same network, steps and sampling plan: which of them
//! meet the mixture's gates, and by how much the others miss them.

use super::{Gate, mixture_gates, number, trained};
use crate::atomic::write_atomic;
use crate::backend::DeviceName;
use crate::config::{Config, Preset};
use crate::data::Toy;
use crate::objective::{ObjectiveConfig, ObjectiveName};
use crate::report::Report;
use crate::sde::Schedule;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The one noise level of the denoising entry that has one: the modes' own width.
const ONE_SIGMA: f32 = 0.05;

/// Steps of DDPM's chain, those of Nichol & Dhariwal: the 1,000 of Ho et al. jump from σ = 0.010 to 0.015 and
/// to 0.019, between which a network with an embedding of σ does not interpolate.
const CHAIN: usize = 4000;

/// One line of the table.
struct Entry {
    name: &'static str,
    config: Config,
}

/// What is written for one line.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    objective: ObjectiveConfig,
    training_steps: u64,
    report: &'a Report,
    missed: Vec<Missed>,
}

/// A gate that was not met.
#[derive(Clone, Serialize)]
struct Missed {
    gate: &'static str,
    value: f64,
    bound: f64,
}

fn entries() -> Vec<Entry> {
    let mixture = Config::new(Toy::Mixture.name(), Preset::Default);
    let entry = |name, objective| Entry { name, config: mixture.clone().with_objective(objective) };
    let with = |name, objective, change: fn(&mut ObjectiveConfig)| {
        let mut entry = entry(name, objective);
        change(&mut entry.config.objective);
        entry
    };
    vec![
        entry("esm", ObjectiveName::Esm),
        entry("dsm", ObjectiveName::Dsm),
        entry("ncsn", ObjectiveName::Ncsn),
        with("ddpm", ObjectiveName::Ddpm, |o| o.steps = CHAIN),
        with("ddpm, cosine", ObjectiveName::Ddpm, |o| (o.schedule, o.steps) = (Schedule::Cosine, CHAIN)),
        entry("v-prediction", ObjectiveName::VPrediction),
        entry("x0-prediction", ObjectiveName::X0Prediction),
        entry("edm", ObjectiveName::Edm),
        entry("ism", ObjectiveName::Ism),
        entry("ssm", ObjectiveName::Ssm),
        with("dsm, one σ", ObjectiveName::Dsm, |o| o.sigma = Some(ONE_SIGMA)),
        with("ism, clean points", ObjectiveName::Ism, |o| o.sigma = Some(0.0)),
    ]
}

/// Trains the mixture by every objective below `dir` and writes `objectives.json`. Returns the table, and
/// whether the default objective met the gates.
///
/// # Errors
/// When a training fails, or is stopped.
pub fn objectives(dir: &Path, device: DeviceName, stop: &AtomicBool) -> Result<(String, bool)> {
    // Evaluations and parameters are the same for all.
    let gates: Vec<Gate> = mixture_gates().into_iter().take(6).collect();
    let mut table = format!("{:<20}", "int8");
    gates.iter().for_each(|gate| table += &format!("{:>24}", gate.name));
    table += "\n";
    let (mut notes, mut reports, mut passed) = (String::new(), Vec::new(), true);
    for Entry { name, config } in entries() {
        let folder = name.replace(", ", "-").replace([' ', 'σ'], "_");
        let report = trained(&dir.join(folder), name, config.clone(), device, stop)?;
        let missed = missed(&gates, &report);
        let _ = write!(table, "{name:<20}");
        gates.iter().for_each(|gate| table += &format!("{:>24}", number(gate.values(&report)[0])));
        let _ = writeln!(table, "  {}", if missed.is_empty() { "pass" } else { "FAIL" });
        for Missed { gate, value, bound } in &missed {
            let _ = writeln!(notes, "{name}: {gate} is {}, the gate {bound}", number(*value));
        }
        passed &= missed.is_empty() || config.objective != ObjectiveConfig::default();
        reports.push((name, config, report, missed));
    }
    let lines: Vec<Line<'_>> = reports
        .iter()
        .map(|(name, config, report, missed)| Line {
            name,
            objective: config.objective,
            training_steps: config.training.steps,
            report,
            missed: missed.clone(),
        })
        .collect();
    write_atomic(&dir.join("objectives.json"), serde_json::to_string_pretty(&lines)?.as_bytes())?;
    let _ = write!(table, "{:<20}", "gate");
    for gate in &gates {
        let _ = write!(table, "{:>24}", format!("{} … {}", gate.good.start(), gate.good.end()));
    }
    Ok((format!("{table}\n\n{notes}"), passed))
}

fn missed(gates: &[Gate], report: &Report) -> Vec<Missed> {
    let verdict = |gate: &Gate| {
        let [value, ..] = gate.values(report);
        let bound = if value < *gate.good.start() { *gate.good.start() } else { *gate.good.end() };
        (!gate.good.contains(&value)).then_some(Missed { gate: gate.name, value, bound })
    };
    gates.iter().filter_map(verdict).collect()
}
