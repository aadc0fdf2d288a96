//! The core's samplers against exact scores, with no network in sight.
//!
//! Each check compares one number of many chains with what theory says, and is used by `verify` and by
//! the tests.

use crate::evaluate::mixture_modes;
use crate::exact::GaussianMixture;
use crate::sample::draw;
use std::fmt;
use tinyscore::levels::{At, Spacing};
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Ddim, DpmSolver2M, Heun, Langevin, Sampler};
use tinyscore::{Chain, Error, Plan};

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
        write!(f, "{:<58}{:>9.4}  in {low:.3} … {high:.3}  {verdict}", self.name, self.value)
    }
}

/// All checks; about a second.
///
/// # Errors
/// None, unless a plan cannot be built.
pub fn checks() -> Result<Vec<Check>, Error> {
    let mut checks = vec![
        modes("DPM-Solver++(2M), 20 evaluations: per-mode sd ratio", |l| DpmSolver2M.plan(l), 20, 1.0)?,
        modes("Heun, 39 evaluations: per-mode sd ratio", |l| Heun.plan(l), 20, 1.0)?,
        modes("ancestral, 100 evaluations: per-mode sd ratio", |l| Ancestral::new(1.0)?.plan(l), 100, 0.93)?,
    ];
    for e in [0.05, 0.2, 0.5] {
        checks.push(langevin(e)?);
    }
    checks.push(order("DDIM: order of convergence", |l| Ddim.plan(l), 1.0)?);
    checks.push(order("Heun: order of convergence", |l| Heun.plan(l), 2.0)?);
    checks.push(order("DPM-Solver++(2M): order of convergence", |l| DpmSolver2M.plan(l), 2.0)?);
    Ok(checks)
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
    let score = GaussianMixture::single(1, 0.0, &sigmas);
    let plan = Langevin::new(e, 200)?.plan(At::new(&sigmas[..], 0)?)?;
    let samples = draw(&score, &plan, CHAINS * 5, 1, |_| ())?;
    let square: f64 = samples.values().iter().map(|x| f64::from(x * x)).sum();
    let inflation = square / samples.len() as f64 / 0.25;
    let theory = f64::from(2.0 * e / (1.0 - (1.0 - e) * (1.0 - e)));
    Ok(Check::near(format!("Langevin, e = {e}: stationary variance/σ²"), inflation, theory, 0.02 * theory))
}

/// Order of an ODE sampler on N(0, 1), whose probability flow is x ∝ √(1 + σ²): from the errors at σ_min
/// with 24 and 48 geometric levels.
fn order<P: Plan>(
    name: &str,
    plan: impl Fn(Vec<f32>) -> Result<P, Error>,
    expected: f64,
) -> Result<Check, Error> {
    let error = |levels: usize| -> Result<f64, Error> {
        let mut sigmas = vec![0.0; levels];
        Spacing::Geometric.fill(RANGE.0, RANGE.1, &mut sigmas)?;
        let mut score = GaussianMixture::single(1, 1.0, &sigmas);
        let plan = plan(sigmas.clone())?;
        let mut chain = Chain::<_, 1>::from_state(&plan, &score, stream(1, 0), &[6.0])?;
        while chain.row() + 1 < plan.rows() {
            chain.step(&plan, &mut score);
        }
        let growth = |sigma: f32| (1.0 + f64::from(sigma).powi(2)).sqrt();
        Ok((f64::from(chain.state()[0]) - 6.0 * growth(RANGE.1) / growth(RANGE.0)).abs())
    };
    Ok(Check::near(name, (error(24)? / error(48)?).log2(), expected, 0.3))
}

fn karras(levels: usize) -> Result<Vec<f32>, Error> {
    let mut sigmas = vec![0.0; levels];
    Spacing::Karras { rho: 7.0 }.fill(RANGE.0, RANGE.1, &mut sigmas)?;
    Ok(sigmas)
}
