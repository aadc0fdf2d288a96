//! The gates of machines of binary units, by one command.

use super::config::{Config, Family};
use super::run::{Report, Run};
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;

/// Least test log-likelihood in nats, of 12 and 16 hidden units.
const GATES: [(usize, f64); 2] = [(12, -19.0), (16, -18.5)];
/// Most nats that integers may lose.
const LOSS: f64 = 0.1;

/// Trains on binarized 8×8 digits in the folder `data` and judges; the table, and whether all gates are met.
///
/// # Errors
/// When a training fails.
pub fn suite(dir: &Path, data: &str) -> Result<(String, bool)> {
    let mut out = format!("{:<22}{:<26}{:>10}{:>14}\n", "binarized digits", "", "value", "gate");
    let mut passed = true;
    let mut line = |what: &str, name: &str, value: f64, gate: String, met: bool| {
        passed &= met;
        let _ =
            writeln!(out, "{what:<22}{name:<26}{value:>10.3}{gate:>14}{}", if met { "" } else { "  MISSED" });
    };
    let config = |family, hidden: &[usize]| Config {
        hidden: hidden.to_vec(),
        binarize: Some(8.0),
        ..Config::new(family, data)
    };
    let train = |name: &str, config: Config| -> Result<Report> {
        println!("{name}");
        Run::create(&dir.join(name), config)?.whole()
    };
    let mut single = f64::NAN;
    for (hidden, gate) in GATES {
        let report = train(&format!("rbm-{hidden}"), config(Family::Rbm, &[hidden]))?;
        let [float, int8] = [report.float, report.int8].map(|l| l.map_or(f64::NAN, |l| l.nats));
        let name = format!("RBM, {hidden} hidden");
        line(&name, "independent units", report.independent, String::new(), true);
        line(&name, "log-likelihood, float", float, format!("≥ {gate}"), float >= gate);
        line(&name, "log-likelihood, int8", int8, format!("≥ {gate}"), int8 >= gate);
        single = report.frechet;
        line(&name, "Fréchet distance", single, String::new(), true);
        line(&name, "float − int8", float - int8, format!("≤ {LOSS}"), float - int8 <= LOSS);
    }
    let wide = train("rbm-64", config(Family::Rbm, &[64]))?;
    let deep = train("dbn", config(Family::Dbn, &[64, 64]))?;
    line("RBM, 64 hidden", "Fréchet distance", wide.frechet, String::new(), true);
    let bound = format!("< {single:.3}");
    line("DBN, 64 and 64 hidden", "Fréchet distance", deep.frechet, bound, deep.frechet < single);
    line("real vs real", "Fréchet distance", deep.frechet_of_train, String::new(), true);
    Ok((out, passed))
}
