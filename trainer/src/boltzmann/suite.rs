//! The gates of machines of binary units, by one command.

use super::config::{Config, Family};
use super::export::export;
use super::model::Model;
use super::run::{Report, Run};
use anyhow::{Context, Result, anyhow, bail};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Least test log-likelihood in nats, of 12 and 16 hidden units.
const GATES: [(usize, f64); 2] = [(12, -19.0), (16, -18.5)];
/// Most nats that integers may lose.
const LOSS: f64 = 0.1;
/// Seeds of the networks, of which medians are compared.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Trains on binarized 8×8 digits in the folder `data` and judges; the table, and whether all gates are met.
///
/// # Errors
/// When a training fails.
pub fn suite(dir: &Path, data: &str, stop: &AtomicBool) -> Result<(String, bool)> {
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
        finished(Run::create(&dir.join(name), config)?.whole(stop)?)
    };
    for (hidden, gate) in GATES {
        let report = train(&format!("rbm-{hidden}"), config(Family::Rbm, &[hidden]))?;
        let [float, int8] = [report.float, report.int8].map(|l| l.map_or(f64::NAN, |l| l.nats));
        let name = format!("RBM, {hidden} hidden");
        line(&name, "independent units", report.independent, String::new(), true);
        line(&name, "log-likelihood, float", float, format!("≥ {gate}"), float >= gate);
        line(&name, "log-likelihood, int8", int8, format!("≥ {gate}"), int8 >= gate);
        line(&name, "Fréchet distance", report.frechet, String::new(), true);
        line(&name, "float − int8", float - int8, format!("≤ {LOSS}"), float - int8 <= LOSS);
    }
    let wide = train("rbm-64", config(Family::Rbm, &[64]))?;
    line("RBM, 64 hidden", "Fréchet distance", wide.frechet, String::new(), true);
    let (mut alone, mut deep) = (SEEDS.map(|_| f64::NAN), SEEDS.map(|_| f64::NAN));
    for (seed, (alone, deep)) in SEEDS.into_iter().zip(alone.iter_mut().zip(&mut deep)) {
        let name = format!("dbn-{seed}");
        println!("{name}");
        let run = Run::create(&dir.join(name), Config { seed, ..config(Family::Dbn, &[16, 64]) })?;
        *deep = finished(run.whole(stop)?)?.frechet;
        *alone = frechet_of_lowest(&run, stop)?;
    }
    let [alone, deep] = [alone, deep].map(|mut all| {
        all.sort_unstable_by(f64::total_cmp);
        all[SEEDS.len() / 2]
    });
    line("DBN, 16 and 64 hidden", "Fréchet distance", deep, format!("< {alone:.3}"), deep < alone);
    line("  lowest RBM alone", "Fréchet distance", alone, String::new(), true);
    line("real vs real", "Fréchet distance", wide.frechet_of_train, String::new(), true);
    Ok((out, passed))
}

/// What was not interrupted.
fn finished<T>(result: Option<T>) -> Result<T> {
    result.context("interrupted; start the suite again")
}

/// Of samples of a network's lowest machine without those above.
fn frechet_of_lowest(run: &Run, stop: &AtomicBool) -> Result<f64> {
    let blob = std::fs::read(run.file("model.postcard"))?;
    let core = |e| anyhow!("{}: {e}", run.dir.display());
    let Model::Stack(mut layers) = Model::of_blob(&blob).map_err(core)? else { bail!("no network") };
    layers.truncate(1);
    let blob = export(&Model::Stack(layers), "lowest").map_err(core)?;
    Ok(run.data.frechet(&finished(run.sample(&blob, stop)?)?))
}
