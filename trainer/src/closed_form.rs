//! The core's samplers against exact scores, with no network in sight.
//!
//! Each check compares one number of many chains with what theory says, and is used by `verify` and by
//! the tests.

use crate::evaluate::mixture_modes;
use crate::exact::GaussianMixture;
use crate::sample::draw;
use rayon::prelude::*;
use std::fmt;
use tinyscore::levels::{At, Pick, Spacing};
use tinyscore::rng::stream;
use tinyscore::sampler::{
    AnalyticDpm, Ancestral, Churn, Ddim, Deis, DpmSolver2M, DpmSolverSde2M, Heun, Ipndm, Langevin, Mala,
    PredictorCorrector, ReverseSde, Sampler, UnderdampedLangevin,
};
use tinyscore::{Chain, Error, HISTORY, Levels, Plan, Score, Step};

/// Chains per check.
const CHAINS: usize = 20_000;
/// Noise levels of the checks.
const RANGE: (f32, f32) = (6.0, 0.01);

/// A measured number and the range that theory allows.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its range.
    pub range: (f64, f64),
}

impl Check {
    fn near(name: impl Into<String>, value: f64, expected: f64, tolerance: f64) -> Self {
        Self { name: name.into(), value, range: (expected - tolerance, expected + tolerance) }
    }

    /// Whether the number lies in its range.
    pub fn passed(&self) -> bool {
        (self.range.0..=self.range.1).contains(&self.value)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "ok" } else { "FAILED" };
        let (low, high) = self.range;
        write!(f, "{:<64}{:>9.4}  in {low:.3} … {high:.3}  {verdict}", self.name, self.value)
    }
}

/// All checks; some seconds.
///
/// # Errors
/// None, unless a plan cannot be built.
pub fn checks() -> Result<Vec<Check>, Error> {
    let mut checks = vec![
        modes("DPM-Solver++(2M), 20 evaluations: per-mode sd ratio", |l| DpmSolver2M.plan(l), 20, 1.0)?,
        modes("Heun, 39 evaluations: per-mode sd ratio", |l| Heun.plan(l), 20, 1.0)?,
        modes("iPNDM of order 3, 20 evaluations: per-mode sd ratio", |l| Ipndm::new(3)?.plan(l), 20, 1.0)?,
        modes("ancestral, 100 evaluations: per-mode sd ratio", |l| Ancestral::new(1.0)?.plan(l), 100, 0.93)?,
        modes(
            "SDE-DPM-Solver++(2M), 20 evaluations: per-mode sd ratio",
            |l| DpmSolverSde2M.plan(l),
            20,
            1.0,
        )?,
        modes(
            "SDE-DPM-Solver++(2M), 40 evaluations: per-mode sd ratio",
            |l| DpmSolverSde2M.plan(l),
            40,
            1.0,
        )?,
        modes("churn, 79 evaluations: per-mode sd ratio", churn, 157, 1.0)?,
        modes("predictor-corrector, 159 evaluations: per-mode sd ratio", predictor_corrector, 80, 1.0)?,
        modes("reverse SDE, 500 evaluations: per-mode sd ratio", |l| ReverseSde.plan(l), 500, 1.0)?,
    ];
    checks.push(analytic_dpm()?);
    for e in [0.05, 0.2, 0.5] {
        checks.push(langevin(e)?);
    }
    for (e, friction) in [(0.05, 1.0), (0.5, 3.0)] {
        checks.push(underdamped_langevin(e, friction)?);
    }
    for e in [0.5, 1.0] {
        checks.extend(mala(e)?);
    }
    checks.push(mala_weights()?);
    let own_start = Ladder { spacing: Spacing::Geometric, range: RANGE, levels: [24, 48], exact: 0 };
    checks.push(order("DDIM: order of convergence", |l| Ddim.plan(l), 1.0, own_start)?);
    checks.push(order("Heun: order of convergence", |l| Heun.plan(l), 2.0, own_start)?);
    checks.push(order("DPM-Solver++(2M): order of convergence", |l| DpmSolver2M.plan(l), 2.0, own_start)?);
    for k in 1..=4 {
        let (name, even) =
            (format!("iPNDM of order {k}, even σ: order of convergence"), Spacing::Karras { rho: 1.0 });
        let ladder = Ladder { spacing: even, range: (6.0, 0.7), levels: [37, 73], exact: k - 1 };
        checks.push(order(name, |l| Ipndm::new(k)?.plan(l), k as f64, ladder)?);
    }
    for k in 1..=4 {
        let name = format!("DEIS of order {k}, geometric σ: order of convergence");
        let ladder =
            Ladder { spacing: Spacing::Geometric, range: (6.0, 0.3), levels: [37, 73], exact: k - 1 };
        checks.push(order(name, |l| Deis::new(k)?.plan(l), k as f64, ladder)?);
    }
    Ok(checks)
}

/// Levels of which the power is known.
#[derive(Clone, Copy)]
struct Measured<'a> {
    sigmas: &'a [f32],
    powers: &'a [f32],
}

impl Levels for Measured<'_> {
    fn count(&self) -> usize {
        self.sigmas.len()
    }

    fn sigma(&self, i: usize) -> f32 {
        self.sigmas.sigma(i)
    }

    fn power(&self, i: usize) -> f32 {
        self.powers.sigma(i)
    }
}

/// Of a Gaussian the optimal variance is the exact one, however few the steps.
fn analytic_dpm() -> Result<Check, Error> {
    let (sigmas, variance) = (karras(5)?, 0.25);
    let powers: Vec<f32> = sigmas.iter().map(|sigma| sigma * sigma / (variance + sigma * sigma)).collect();
    let plan = AnalyticDpm.plan(Measured { sigmas: &sigmas, powers: &powers })?;
    let samples = draw(&GaussianMixture::single(1, variance, &sigmas), &plan, CHAINS, 1, |_| ())?;
    let square: f64 = samples.values().iter().map(|x| f64::from(x * x)).sum();
    let ratio = square / samples.len() as f64 / f64::from(variance);
    Ok(Check::near("Analytic-DPM, 5 evaluations: variance of a Gaussian", ratio, 1.0, 0.04))
}

/// Churn on every fourth level.
fn churn(levels: Vec<f32>) -> Result<impl Plan, Error> {
    Churn::new(10.0, 0.0, 1e6, 1.0)?.plan(Pick::new(levels, 40)?)
}

/// Reverse diffusion with one correction a level.
fn predictor_corrector(levels: Vec<f32>) -> Result<impl Plan, Error> {
    PredictorCorrector::new(ReverseSde, 0.16, 1)?.plan(levels)
}

/// Mean over both modes of sd/true sd on the two-mode mixture.
fn modes<'a, P: Plan + Sync>(
    name: &str,
    plan: impl FnOnce(Vec<f32>) -> Result<P, Error> + 'a,
    levels: usize,
    expected: f64,
) -> Result<Check, Error> {
    let sigmas = karras(levels)?;
    let score = GaussianMixture::two_modes(&sigmas);
    let samples = draw(&score, &plan(sigmas.clone())?, CHAINS, 1, |_| ())?;
    Ok(Check::near(name, mixture_modes(&samples).sd_ratio, expected, 0.02))
}

/// Stationary variance of Langevin dynamics with α = e·σ² on p(x; σ) of a point: theory inflates σ² by
/// 2e/(1 − (1 − e)²).
fn langevin(e: f32) -> Result<Check, Error> {
    let sigmas = [0.5];
    let plan = Langevin::new(e, 200)?.plan(At::new(&sigmas[..], 0)?)?;
    let theory = f64::from(2.0 * e / (1.0 - (1.0 - e) * (1.0 - e)));
    stationary(format!("Langevin, e = {e}: stationary variance/σ²"), &plan, &sigmas, theory)
}

/// The same of underdamped Langevin dynamics: 1/(1 − e/2), whatever the friction.
fn underdamped_langevin(e: f32, friction: f32) -> Result<Check, Error> {
    let sigmas = [0.5];
    let plan = UnderdampedLangevin::new(e, friction, 200)?.plan(At::new(&sigmas[..], 0)?)?;
    let theory = f64::from(1.0 / (1.0 - e / 2.0));
    let name = format!("underdamped Langevin, e = {e}, friction {friction}: variance/σ²");
    stationary(name, &plan, &sigmas, theory)
}

/// Variance over σ² after the last row, on p(x; σ) of a point.
fn stationary(
    name: String,
    plan: &(impl Plan + Sync),
    sigmas: &[f32; 1],
    theory: f64,
) -> Result<Check, Error> {
    let score = GaussianMixture::single(1, 0.0, sigmas);
    let samples = draw(&score, plan, CHAINS * 5, 1, |_| ())?;
    let square: f64 = samples.values().iter().map(|x| f64::from(x * x)).sum();
    let inflation = square / samples.len() as f64 / f64::from(sigmas[0] * sigmas[0]);
    Ok(Check::near(name, inflation, theory, 0.02 * theory))
}

/// Last states and mean acceptance of `chains` chains of MALA of α = e·σ² in one dimension.
fn mala_chains(
    density: &GaussianMixture<'_>,
    e: f32,
    chains: usize,
    steps: usize,
) -> Result<(Vec<f64>, f64), Error> {
    let ends = (0..chains as u64).into_par_iter().map(|i| {
        let (mut density, levels) = (density.clone(), density.sigmas);
        let mut chain = Mala::<_, 1>::new(e, &levels, &mut density, stream(1, i))?;
        (0..steps).for_each(|_| _ = chain.step(&mut density));
        Ok((f64::from(chain.state()[0]), chain.accepted() as f64 / steps as f64))
    });
    let ends = ends.collect::<Result<Vec<_>, Error>>()?;
    let accepted = ends.iter().map(|end| end.1).sum::<f64>() / chains as f64;
    Ok((ends.into_iter().map(|end| end.0).collect(), accepted))
}

/// MALA keeps the variance that unadjusted Langevin dynamics of the same step inflates.
fn mala(e: f32) -> Result<[Check; 2], Error> {
    let chains = 5 * CHAINS;
    let (states, accepted) = mala_chains(&GaussianMixture::single(1, 0.0, &[0.5]), e, chains, 50)?;
    let variance = states.iter().map(|x| x * x).sum::<f64>() / chains as f64 / 0.25;
    let rate = Check { name: format!("MALA, e = {e}: acceptance"), value: accepted, range: (0.6, 0.999) };
    Ok([Check::near(format!("MALA, e = {e}: stationary variance/σ²"), variance, 1.0, 0.02), rate])
}

/// Modes of unequal weight, two widths from their middle: started with equal weights, the chains must
/// cross.
fn mala_weights() -> Result<Check, Error> {
    let density = GaussianMixture {
        means: vec![vec![-0.6], vec![0.6]],
        weights: vec![0.3, 0.7],
        variance: 0.05,
        sigmas: &[0.2],
        class: None,
    };
    let (states, _) = mala_chains(&density, 1.0, CHAINS, 300)?;
    let right = states.iter().filter(|&&x| x > 0.0).count() as f64 / CHAINS as f64;
    // .7 of Φ(2) and .3 of Φ(−2)
    Ok(Check::near("MALA: share of the side of a mode of weight .7", right, 0.690_9, 0.01))
}

/// How an order of convergence is measured.
#[derive(Clone, Copy)]
struct Ladder {
    spacing: Spacing,
    /// Largest and smallest σ.
    range: (f32, f32),
    /// Numbers of levels of the two runs.
    levels: [usize; 2],
    /// First rows replaced by the exact solution: a multistep method's own start is of lower order.
    exact: usize,
}

/// Order of an ODE sampler on N(0, 1), whose probability flow is x ∝ √(1 + σ²): from the errors at the smallest
/// σ with two numbers of levels.
fn order<P: Plan>(
    name: impl Into<String>,
    plan: impl Fn(Vec<f32>) -> Result<P, Error>,
    expected: f64,
    ladder: Ladder,
) -> Result<Check, Error> {
    let Ladder { spacing, range, levels, exact } = ladder;
    let growth = |sigma: f32| (1.0 + f64::from(sigma).powi(2)).sqrt();
    let error = |levels: usize| -> Result<f64, Error> {
        let mut sigmas = vec![0.0; levels];
        spacing.fill(range.0, range.1, &mut sigmas)?;
        let mut score = GaussianMixture::single(1, 1.0, &sigmas);
        let plan = plan(sigmas.clone())?;
        let mut chain = Chain::<_, 1, HISTORY>::from_state(&plan, &score, stream(1, 0), &[6.0])?;
        for row in 0..exact {
            let step = plan.step(row);
            let (x, eps) = chain.evaluation();
            score.noise(x, step.level.into(), eps);
            let a = (growth(sigmas[row + 1]) / growth(sigmas[row])) as f32;
            chain.apply(&Step { a, b: 0.0, c: [0.0; HISTORY], ..step });
        }
        while chain.row() + 1 < plan.rows() {
            chain.step(&plan, &mut score);
        }
        Ok((f64::from(chain.state()[0]) - 6.0 * growth(range.1) / growth(range.0)).abs())
    };
    Ok(Check::near(name, (error(levels[0])? / error(levels[1])?).log2(), expected, 0.3))
}

fn karras(levels: usize) -> Result<Vec<f32>, Error> {
    let mut sigmas = vec![0.0; levels];
    Spacing::Karras { rho: 7.0 }.fill(RANGE.0, RANGE.1, &mut sigmas)?;
    Ok(sigmas)
}
