//! Exact partition functions, by all states of the units that do not fall out of the sum.

use super::gaussian_rbm::GaussianRbm;
use super::machine::Machine;
use super::rbm::Rbm;
use super::{LOG_NORMAL, softplus};
use crate::config::UsageError;
use rayon::prelude::*;

/// Most units whose states are enumerated.
pub const MOST: usize = 20;

/// States that one thread takes at a time: these bits stay, the others count through a Gray code.
const LOW: usize = 10;

/// ln Σ eˣ
pub fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + values.map(|v| (v - largest).exp()).sum::<f64>().ln()
}

/// ln Σ over all states s of `units` binary units of exp(Σ bᵢsᵢ + rest(x)), where x = base + Σ sᵢ rowᵢ changes by one
/// row from state to state.
fn over_states(
    units: usize,
    base: &[f64],
    row: impl Fn(usize) -> Vec<f64> + Sync,
    value: impl Fn(usize, &[f64]) -> f64 + Sync,
) -> f64 {
    let low = LOW.min(units);
    let rows: Vec<Vec<f64>> = (0..units).map(row).collect();
    let part = |high: usize| {
        let start = high << low;
        let mut x = base.to_vec();
        let add = |row: &[f64], sign: f64, x: &mut [f64]| {
            x.iter_mut().zip(row).for_each(|(x, r)| *x += sign * r);
        };
        (low..units).filter(|i| start >> i & 1 == 1).for_each(|i| add(&rows[i], 1.0, &mut x));
        let mut values = Vec::with_capacity(1 << low);
        for step in 0..1_usize << low {
            let gray = step ^ (step >> 1);
            if step > 0 {
                let i = step.trailing_zeros() as usize;
                add(&rows[i], if gray >> i & 1 == 1 { 1.0 } else { -1.0 }, &mut x);
            }
            values.push(value(start | gray, &x));
        }
        log_sum(values.iter().copied())
    };
    let parts: Vec<f64> = (0..1_usize << (units - low)).into_par_iter().map(part).collect();
    log_sum(parts.iter().copied())
}

fn on(state: usize, units: usize) -> impl Iterator<Item = usize> {
    (0..units).filter(move |i| state >> i & 1 == 1)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// ln Z of a restricted Boltzmann machine, by the states of its smaller layer.
///
/// # Errors
/// When that has more than [`MOST`] units.
pub fn log_partition(rbm: &Rbm) -> Result<f64, UsageError> {
    let (visible, hidden) = (rbm.a.len(), rbm.b.len());
    refuse(visible.min(hidden))?;
    let column = |j: usize| (0..visible).map(|i| f64::from(rbm.w[i * hidden + j])).collect();
    let row = |i: usize| wide(&rbm.w[i * hidden..][..hidden]);
    let free = |biases: &[f32], state: usize, x: &[f64]| {
        let sum: f64 = on(state, biases.len()).map(|i| f64::from(biases[i])).sum();
        sum + x.iter().map(|&x| softplus(x)).sum::<f64>()
    };
    Ok(if hidden <= visible {
        over_states(hidden, &wide(&rbm.a), column, |state, x| free(&rbm.b, state, x))
    } else {
        over_states(visible, &wide(&rbm.b), row, |state, x| free(&rbm.a, state, x))
    })
}

/// ln Z of u of a Gaussian–Bernoulli machine: each hidden state is a normal of weight exp(b·h + |w·h|²/2).
///
/// # Errors
/// When there are more than [`MOST`] hidden units.
pub fn log_partition_of_gaussian(rbm: &GaussianRbm) -> Result<f64, UsageError> {
    let (visible, hidden) = (rbm.a.len(), rbm.b.len());
    refuse(hidden)?;
    let column = |j: usize| (0..visible).map(|i| f64::from(rbm.w[i * hidden + j])).collect();
    let value = |state: usize, x: &[f64]| {
        let biases: f64 = on(state, hidden).map(|j| f64::from(rbm.b[j])).sum();
        biases + x.iter().map(|x| x * x).sum::<f64>() / 2.0
    };
    Ok(visible as f64 * LOG_NORMAL + over_states(hidden, &vec![0.0; visible], column, value))
}

/// ln Z of a machine with lateral weights, by the states of all its units.
///
/// # Errors
/// When there are more than [`MOST`].
pub fn log_partition_of_machine(machine: &Machine) -> Result<f64, UsageError> {
    refuse(machine.b.len())?;
    Ok(over_units(machine, 0, &[]))
}

/// −F(v): ln Σ over hidden states of e⁻ᴱ.
///
/// # Errors
/// When there are more than [`MOST`] hidden units.
pub fn log_unnormalized(machine: &Machine, v: &[f32]) -> Result<f64, UsageError> {
    refuse(machine.b.len() - machine.visible)?;
    let mut s = v.to_vec();
    s.resize(machine.b.len(), 0.0);
    Ok(over_units(machine, machine.visible, v) - machine.energy(&s))
}

/// Over the states of the units from `first` on, those before being `fixed`; without the energy of the latter.
fn over_units(machine: &Machine, first: usize, fixed: &[f32]) -> f64 {
    let n = machine.b.len();
    let mut s = fixed.to_vec();
    s.resize(n, 0.0);
    // −E = Σ sᵢ(bᵢ + cᵢ)/2, where c are the inputs from fixed and free units.
    let b: Vec<f64> = (first..n).map(|i| f64::from(machine.input(i, &s))).collect();
    let row = |i: usize| wide(&machine.w[(first + i) * n + first..][..n - first]);
    over_states(n - first, &b, row, |state, x| on(state, n - first).map(|i| (b[i] + x[i]) / 2.0).sum())
}

pub(super) fn refuse(units: usize) -> Result<(), UsageError> {
    if units > MOST {
        return Err(UsageError(format!(
            "{units} units have too many states to enumerate (at most {MOST}): take annealed importance sampling, --likelihood ais"
        )));
    }
    Ok(())
}
