//! Samples and imputations of a blob of a Boltzmann machine of any kind, by the core.

use super::Points;
use super::starts::Starts;
use crate::config::UsageError;
use rand::Rng;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use tinyscore::blob::{Kind, MAX_COUNT};
use tinyscore::rng::stream;
use tinyscore::{BoltzmannMachine, Dbn, Error, GaussianGibbs, GaussianRbm, Gibbs, Rbm, is_set};

/// Draws row number i of the rows from the first one on.
type Row<'a> = dyn Fn(usize) -> Vec<u32> + Sync + 'a;

/// Chains that are carried before it is looked whether to stop.
const BLOCK: usize = 64;

/// Samples of 0 and 1, or of real units in units of the data, of chains 0…n − 1 of `seed` after so many sweeps from one of
/// `starts` each, or from where the core's chains start by themselves; `None` if `stop` was set meanwhile.
///
/// # Errors
/// When the blob is damaged, or a score network's.
pub fn sample(
    blob: &[u8],
    starts: Option<&Starts>,
    n: usize,
    (seed, sweeps): (u64, usize),
    stop: &AtomicBool,
    done: impl Fn() + Sync,
) -> Result<Option<Points>, Error> {
    let start = |i: usize| starts.map(|starts| starts.of(i as u64));
    let rng = |i: usize| stream(seed, i as u64);
    let blocks = |dim, row: &Row<'_>| in_blocks(n, stop, |chains| rows(dim, chains, &done, row));
    if Kind::of(blob)? == Kind::GaussianRbm {
        let rbm = GaussianRbm::from_bytes(blob)?;
        let row = |i| dream_real(&rbm, start(i), rng(i), sweeps);
        return Ok(in_blocks(n, stop, |chains| real_rows(rbm.visible(), chains, &done, &row)));
    }
    if Kind::of(blob)? == Kind::BoltzmannMachine {
        let machine = BoltzmannMachine::from_bytes(blob)?;
        let words = machine.units().div_ceil(32);
        return Ok(blocks(machine.visible(), &|i| {
            let mut rng = rng(i);
            let mut state = start(i).map_or_else(|| vec![0; words], |units| bits(units, words));
            (0..sweeps).for_each(|_| machine.sweep(&mut state, &vec![0; words], &mut rng));
            state
        }));
    }
    let dbn = Dbn::from_bytes(blob)?;
    let row: Box<Row<'_>> = match dbn.words() {
        0..=4 => Box::new(|i| dream::<4>(&dbn, start(i), rng(i), sweeps)),
        5..=32 => Box::new(|i| dream::<32>(&dbn, start(i), rng(i), sweeps)),
        _ => Box::new(|i| dream::<128>(&dbn, start(i), rng(i), sweeps)),
    };
    Ok(blocks(dbn.visible(), &row))
}

/// The rows of all chains, a block at a time, unless `stop` is set.
fn in_blocks(n: usize, stop: &AtomicBool, rows: impl Fn(Range<usize>) -> Points) -> Option<Points> {
    let mut all = rows(0..n.min(BLOCK));
    for first in (BLOCK..n).step_by(BLOCK) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        rows(first..n.min(first + BLOCK)).rows().for_each(|row| all.push_row(row));
    }
    Some(all)
}

fn dream<const N: usize>(dbn: &Dbn<'_>, start: Option<&[f32]>, rng: impl Rng, sweeps: usize) -> Vec<u32> {
    let chain = match start {
        Some(units) => {
            let words = bits(units, N);
            dbn.chain_from(&std::array::from_fn::<u32, N, _>(|k| words[k]), rng)
        }
        None => dbn.chain(rng),
    };
    let Ok(mut chain) = chain else { return Vec::new() };
    chain.run(&dbn.top(), sweeps);
    dbn.descend(&mut chain).to_vec()
}

/// A row in units of the data, from u of the visible units.
fn dream_real(rbm: &GaussianRbm<'_>, start: Option<&[f32]>, rng: impl Rng, sweeps: usize) -> Vec<f32> {
    let chain = match start {
        Some(u) => {
            let u: Vec<i16> = u.iter().map(|u| (256.0 * u).round() as i16).collect();
            Chain::from_state(rbm, &u, rng)
        }
        None => Chain::new(rbm, rng),
    };
    let Ok(mut chain) = chain else { return Vec::new() };
    chain.run(rbm, sweeps);
    let mut row = vec![0.0; rbm.visible()];
    rbm.to_data(chain.visible(), &mut row);
    row
}

/// Units of 0 and 1, 32 a word.
fn bits(units: &[f32], words: usize) -> Vec<u32> {
    let mut bits = vec![0; words.max(units.len().div_ceil(32))];
    units.iter().enumerate().for_each(|(i, &on)| bits[i / 32] |= u32::from(on == 1.0) << (i % 32));
    bits
}

/// Rows whose unknown columns, and cells that are NaN, are drawn given the others.
///
/// # Errors
/// When the blob is damaged or of a kind that cannot, or the data do not fit.
pub fn fill_in(
    blob: &[u8],
    data: &Points,
    unknown: &[usize],
    seed: u64,
    sweeps: usize,
) -> Result<Points, UsageError> {
    let core = |e: Error| UsageError(e.to_string());
    let kind = Kind::of(blob).map_err(core)?;
    let visible = match kind {
        Kind::Rbm => Rbm::from_bytes(blob).map_err(core)?.visible(),
        Kind::BoltzmannMachine => BoltzmannMachine::from_bytes(blob).map_err(core)?.visible(),
        Kind::GaussianRbm => GaussianRbm::from_bytes(blob).map_err(core)?.visible(),
        _ => {
            let what = "impute draws given known units, which a deep belief network cannot do exactly: give an rbm, a bm or a gaussian-rbm";
            return Err(UsageError(what.into()));
        }
    };
    if data.dim() != visible {
        let what = format!("the data have {} columns, but the model has {visible} visible units", data.dim());
        return Err(UsageError(what));
    }
    if let Some(column) = unknown.iter().find(|&&column| column >= visible) {
        return Err(UsageError(format!(
            "unknown names column {column}, but the columns are 0…{}",
            visible - 1
        )));
    }
    let is_known = |row: usize, column: usize| !unknown.contains(&column) && !data.row(row)[column].is_nan();
    if kind == Kind::GaussianRbm {
        let rbm = GaussianRbm::from_bytes(blob).map_err(core)?;
        let row = |i: usize| {
            let known: Vec<bool> = (0..visible).map(|j| is_known(i, j)).collect();
            gaussian(&rbm, stream(seed, i as u64), sweeps, &known, data.row(i))
        };
        return Ok(real_rows(visible, 0..data.len(), &|| (), &row));
    }
    let words = visible.div_ceil(32).max(1);
    let bits = |on: &dyn Fn(usize) -> bool, words: usize| {
        let mut bits = vec![0_u32; words];
        (0..visible).filter(|&i| on(i)).for_each(|i| bits[i / 32] |= 1 << (i % 32));
        bits
    };
    let known = |row: usize, words| bits(&|i| is_known(row, i), words);
    let values = |row: usize, words| bits(&|i| data.row(row)[i] == 1.0, words);
    if kind == Kind::BoltzmannMachine {
        let machine = BoltzmannMachine::from_bytes(blob).map_err(core)?;
        let words = machine.units().div_ceil(32);
        return Ok(rows(visible, 0..data.len(), &|| (), &|i| {
            let (mut state, mut rng) = (values(i, words), stream(seed, i as u64));
            let known = known(i, words);
            (0..sweeps).for_each(|_| machine.sweep(&mut state, &known, &mut rng));
            state
        }));
    }
    let rbm = Rbm::from_bytes(blob).map_err(core)?;
    let widest = words.max(rbm.hidden().div_ceil(32));
    let (known, of) = (|i: usize| known(i, words), |i: usize| values(i, words));
    let row: Box<Row<'_>> = match widest {
        0..=4 => Box::new(|i| clamped::<4>(&rbm, &known(i), &of(i), (seed, i), sweeps)),
        5..=32 => Box::new(|i| clamped::<32>(&rbm, &known(i), &of(i), (seed, i), sweeps)),
        _ => Box::new(|i| clamped::<128>(&rbm, &known(i), &of(i), (seed, i), sweeps)),
    };
    Ok(rows(visible, 0..data.len(), &|| (), &row))
}

/// Most visible units of a format's machine, and words of its hidden ones.
type Chain<R> = GaussianGibbs<R, MAX_COUNT, { MAX_COUNT / 32 }>;

/// A row in units of the data; the known columns are those of `data`.
fn gaussian(rbm: &GaussianRbm<'_>, rng: impl Rng, sweeps: usize, known: &[bool], data: &[f32]) -> Vec<f32> {
    let Ok(mut chain) = Chain::new(rbm, rng) else { return Vec::new() };
    let mut u = vec![0; data.len()];
    rbm.to_units(data, &mut u);
    (0..sweeps).for_each(|_| chain.sweep_known(rbm, known, &u));
    let mut row = vec![0.0; rbm.visible()];
    rbm.to_data(chain.visible(), &mut row);
    let given = row.iter_mut().zip(data).zip(known).filter(|(_, known)| **known);
    given.for_each(|((x, data), _)| *x = *data);
    row
}

fn clamped<const N: usize>(
    rbm: &Rbm<'_>,
    known: &[u32],
    values: &[u32],
    (seed, i): (u64, usize),
    sweeps: usize,
) -> Vec<u32> {
    let wide = |words: &[u32]| std::array::from_fn::<u32, N, _>(|i| words.get(i).copied().unwrap_or(0));
    let Ok(mut chain) = Gibbs::<_, N>::new(rbm, stream(seed, i as u64)) else { return Vec::new() };
    let (known, values) = (wide(known), wide(values));
    (0..sweeps).for_each(|_| chain.sweep_known(rbm, &known, &values));
    chain.visible().to_vec()
}

fn rows(dim: usize, chains: Range<usize>, done: &(impl Fn() + Sync), row: &Row<'_>) -> Points {
    let one = |i: usize| {
        let units = row(i);
        (0..dim).map(|i| f32::from(is_set(&units, i))).collect()
    };
    real_rows(dim, chains, done, &one)
}

fn real_rows(
    dim: usize,
    chains: Range<usize>,
    done: &(impl Fn() + Sync),
    row: &(impl Fn(usize) -> Vec<f32> + Sync),
) -> Points {
    let one = |i: usize| {
        let row = row(i);
        done();
        row
    };
    let all: Vec<Vec<f32>> = chains.into_par_iter().map(one).collect();
    Points::new(dim, all.concat())
}
