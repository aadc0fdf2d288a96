//! Quality over the number of evaluations, for every sampler that is a plan.
//!
//! At a budget of evaluations a sampler takes as many levels as the budget allows, spread as the run's
//! settings say; churn finds three more between any two of them. The network is the float one, as it has
//! every level. Langevin dynamics at one level takes all its steps at the smallest σ, so its row says what
//! annealing is for.

use crate::config::{Config, Preset};
use crate::data::Toy;
use crate::evaluate::{mixture_modes, sw2};
use crate::exact::GaussianMixture;
use crate::plot::{PlotError, curve};
use crate::points::Points;
use crate::run::Run;
use crate::sample::{Method, Options, draw};
use anyhow::{Result, anyhow};
use indicatif::ProgressBar;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use tinyscore::Plan;

/// Largest numbers of evaluations.
pub const BUDGETS: [usize; 8] = [4, 5, 8, 10, 15, 20, 35, 50];
/// Solvers of the probability flow.
pub const DETERMINISTIC: [Method; 5] =
    [Method::Ddim, Method::Heun, Method::DpmSolver2M, Method::Ipndm, Method::Deis];
/// Those that add noise.
pub const STOCHASTIC: [Method; 7] = [
    Method::Ancestral,
    Method::Ddpm,
    Method::DdpmTilde,
    Method::DpmSolverSde2M,
    Method::Churn,
    Method::ReverseSde,
    Method::PredictorCorrector,
];
/// Langevin dynamics, of one level and annealed.
pub const LANGEVIN: [Method; 5] = [
    Method::Langevin,
    Method::UnderdampedLangevin,
    Method::AnnealedLangevin,
    Method::AnnealedLangevinNotes,
    Method::AnnealedLangevinSnr,
];
/// Model levels for each one taken.
const BETWEEN: usize = 4;
/// Seed of the chains.
const SEED: u64 = 1;

/// One sampler at one budget on one data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The data set.
    pub data: String,
    /// The sampler.
    pub sampler: String,
    /// Evaluations allowed.
    pub budget: usize,
    /// Evaluations used.
    pub evaluations: usize,
    /// Noise levels taken.
    pub steps: usize,
    /// Sliced 2-Wasserstein distance to the reference; for the mixture that of the whitened modes.
    pub sw2: f64,
}

/// All entries of some data sets.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sweep {
    /// Of two draws of real data, by data set.
    pub floors: Vec<(String, f64)>,
    /// The measurements.
    pub entries: Vec<Entry>,
}

impl Sweep {
    /// Adds a trained run.
    ///
    /// # Errors
    /// When its checkpoint is missing, or its settings do not fit a sampler.
    pub fn add_run(&mut self, run: &Run, bar: &ProgressBar) -> Result<()> {
        let denoiser = run.trained()?;
        let samples = run.data.reference.len();
        let distance = |x: &Points| match run.data.toy {
            Some(Toy::Mixture) => mixture_modes(x).whitened_sw2,
            _ => sw2(x, &run.data.reference),
        };
        self.floors.push((run.config.data.clone(), distance(&run.data.other)));
        self.add(&run.config, bar, |sigmas, plan| {
            let x = draw(&denoiser.at_levels(sigmas), plan, samples, SEED, |_| ())?;
            Ok(distance(&run.data.codec.decode(&x)))
        })
    }

    /// Adds the two-mode mixture with its exact score, 10,000 samples each.
    ///
    /// # Errors
    /// None, unless a plan cannot be built.
    pub fn add_exact(&mut self, bar: &ProgressBar) -> Result<()> {
        let config = Config::new(Toy::Mixture.name(), Preset::Default);
        self.add(&config, bar, |sigmas, plan| {
            let x = draw(&GaussianMixture::two_modes(sigmas), plan, 10_000, SEED, |_| ())?;
            Ok(mixture_modes(&x).whitened_sw2)
        })
    }

    fn add(
        &mut self,
        config: &Config,
        bar: &ProgressBar,
        measure: impl Fn(&[f32], &(dyn Plan + Send + Sync)) -> Result<f64>,
    ) -> Result<()> {
        for sampler in DETERMINISTIC.into_iter().chain(STOCHASTIC).chain(LANGEVIN) {
            for budget in BUDGETS {
                let (steps, sigmas) = most_steps(sampler, budget, config)?;
                let plan = plan(sampler, &sigmas, steps)?;
                self.entries.push(Entry {
                    data: config.data.clone(),
                    sampler: sampler.name(),
                    budget,
                    evaluations: plan.evaluations(),
                    steps,
                    sw2: measure(&sigmas, &*plan)?,
                });
                bar.inc(1);
            }
        }
        Ok(())
    }

    /// One line per sampler and data set, one column per budget; the best of a column has a star.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for data in self.sets() {
            let _ = write!(out, "{data:<24}");
            BUDGETS.iter().for_each(|budget| _ = write!(out, "{budget:>9}"));
            out.push('\n');
            for sampler in self.samplers() {
                let _ = write!(out, "  {sampler:<22}");
                for budget in BUDGETS {
                    let best = self.entries.iter().filter(|e| e.data == data && e.budget == budget);
                    let best = best.map(|e| e.sw2).fold(f64::INFINITY, f64::min);
                    let sw2 = self.find(data, sampler, budget).map_or(f64::NAN, |e| e.sw2);
                    let _ = write!(out, "{sw2:>8.3}{}", if sw2 == best { "*" } else { " " });
                }
                out.push('\n');
            }
            if let Some((_, floor)) = self.floors.iter().find(|(name, _)| name == data) {
                let _ = writeln!(out, "  {:<22}{floor:>8.3}", "real vs real");
            }
        }
        out
    }

    /// Draws the mean over the data sets against the evaluations used, the deterministic samplers into
    /// sweep-ode.png, those that add noise into sweep-sde.png, Langevin dynamics into sweep-langevin.png.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn plot(&self, dir: &Path) -> Result<(), PlotError> {
        let mean = |sampler: &str, budget: usize| {
            let cells = self.entries.iter().filter(|e| e.sampler == sampler && e.budget == budget);
            let (n, x, y) =
                cells.fold((0.0, 0.0, 0.0), |(n, x, y), e| (n + 1.0, x + e.evaluations as f64, y + e.sw2));
            (x / n, y / n)
        };
        for (file, title, methods) in [
            ("sweep-ode.png", "Deterministic samplers", &DETERMINISTIC[..]),
            ("sweep-sde.png", "Samplers with noise", &STOCHASTIC[..]),
            ("sweep-langevin.png", "Langevin dynamics", &LANGEVIN[..]),
        ] {
            let names: Vec<String> = methods.iter().map(|method| method.name()).collect();
            let line = |name: &String| BUDGETS.iter().map(|&budget| mean(name, budget)).collect();
            let lines: Vec<(&str, Vec<(f64, f64)>)> =
                names.iter().map(|name| (name.as_str(), line(name))).collect();
            let y_label = "SW2, mean over the data sets";
            curve(&dir.join(file), title, "evaluations", y_label, &lines, true, true)?;
        }
        Ok(())
    }

    fn sets(&self) -> Vec<&str> {
        let mut sets: Vec<&str> = self.entries.iter().map(|e| e.data.as_str()).collect();
        sets.dedup();
        sets
    }

    fn samplers(&self) -> Vec<&str> {
        let mut samplers = Vec::new();
        for entry in &self.entries {
            if !samplers.contains(&entry.sampler.as_str()) {
                samplers.push(entry.sampler.as_str());
            }
        }
        samplers
    }

    fn find(&self, data: &str, sampler: &str, budget: usize) -> Option<&Entry> {
        self.entries.iter().find(|e| e.data == data && e.sampler == sampler && e.budget == budget)
    }
}

/// Number of measurements per data set.
pub const fn cells() -> u64 {
    (BUDGETS.len() * (DETERMINISTIC.len() + STOCHASTIC.len() + LANGEVIN.len())) as u64
}

fn plan<'a>(sampler: Method, sigmas: &'a [f32], steps: usize) -> Result<Box<dyn Plan + Send + Sync + 'a>> {
    let options = Options { per_level: 2, ..Options::default() };
    sampler.plan(sigmas, steps, &options).map_err(|e| anyhow!("sampler {}: {e}", sampler.name()))
}

/// The most levels for which the sampler keeps within the budget, and the model's levels for them.
fn most_steps(sampler: Method, budget: usize, config: &Config) -> Result<(usize, Vec<f32>)> {
    let mut best = None;
    for steps in 1..=budget {
        let mut config = config.clone();
        config.export.levels = BETWEEN * (steps - 1) + 1;
        let sigmas = config.sigmas()?;
        if plan(sampler, &sigmas, steps)?.evaluations() <= budget {
            best = Some((steps, sigmas));
        }
    }
    best.ok_or_else(|| anyhow!("sampler {} needs more than {budget} evaluations", sampler.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sweep whose distance is known without drawing.
    fn counted() -> Sweep {
        let mut sweep = Sweep::default();
        let config = Config::new(Toy::Moons.name(), Preset::Default);
        let distance = |_: &[f32], plan: &(dyn Plan + Send + Sync)| Ok(1.0 / plan.evaluations() as f64);
        sweep.add(&config, &ProgressBar::hidden(), distance).unwrap();
        sweep.floors.push((config.data, 0.125));
        sweep
    }

    #[test]
    fn every_sampler_uses_its_budget() {
        let sweep = counted();
        assert_eq!(sweep.entries.len() as u64, cells());
        let config = Config::new(Toy::Moons.name(), Preset::Default);
        for Entry { sampler, budget, evaluations, steps, .. } in &sweep.entries {
            let methods = DETERMINISTIC.into_iter().chain(STOCHASTIC).chain(LANGEVIN);
            let method = methods.into_iter().find(|method| method.name() == *sampler).unwrap();
            let mut config = config.clone();
            config.export.levels = BETWEEN * steps + 1;
            let sigmas = config.sigmas().unwrap();
            let one_more = plan(method, &sigmas, steps + 1).unwrap().evaluations();
            assert!(evaluations <= budget && one_more > *budget, "{sampler} {budget}: {evaluations}");
        }
        assert_eq!(sweep.find("moons", "heun", 20).unwrap().evaluations, 19);
        assert_eq!(sweep.find("moons", "predictor-corrector", 20).unwrap().steps, 10);
    }

    #[test]
    fn the_table_marks_the_best() {
        let table = counted().table();
        let row = |name: &str| {
            let line = table.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            line.split_whitespace().skip(1).collect::<Vec<_>>()
        };
        assert_eq!(
            row("ddim"),
            ["0.250*", "0.200*", "0.125*", "0.100*", "0.067*", "0.050*", "0.029*", "0.020*"]
        );
        assert_eq!(row("heun")[..4], ["0.333", "0.200*", "0.143", "0.111"]);
        assert_eq!(row("real"), ["vs", "real", "0.125"]);
    }

    #[test]
    fn three_pictures_are_drawn() {
        let folder = tempfile::tempdir().unwrap();
        counted().plot(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
