//! What each part of the program costs: instructions (on a real board: cycles) and stack.

use crate::board::{Board, Failure};
use crate::model::{self, DATA, DIM, HISTORY, SCRATCH};
use crate::stack;
use core::fmt;
use core::hint::black_box;
use core::marker::PhantomData;
use tinyscore::levels::Pick;
use tinyscore::normal::standard_normal;
use tinyscore::rng::{Xoshiro128PlusPlus, stream};
use tinyscore::sampler::{Ancestral, Sampler};
use tinyscore::{Chain, Digest, Error, Levels, Mlp, Plan, Score};

type Network<'s> = Mlp<'static, &'s mut [i16; SCRATCH]>;

/// Gaussians measured together.
const GAUSSIANS: u64 = 64;

/// Measures all parts and prints one line for each.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main(board: &mut impl Board) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(model::model()?, &mut scratch)?;
    let (levels, stored) = (network.model().levels(), network.model().plan());
    shape(board, &network)?;
    if stored.rows() > 0 {
        parts(board, &mut network, &stored)
    } else {
        let few = Pick::new(levels, levels.count().min(16))?;
        parts(board, &mut network, &Ancestral::new(1.0)?.plan(few)?)
    }
}

fn shape(board: &mut impl Board, network: &Network<'_>) -> fmt::Result {
    let model = network.model();
    writeln!(board, "macs {}", model.macs())?;
    writeln!(board, "blob {}", model.as_bytes().len())?;
    writeln!(
        board,
        "ram {}",
        size_of::<Network<'_>>()
            + size_of::<[i16; SCRATCH]>()
            + size_of::<Chain<Xoshiro128PlusPlus, DIM, HISTORY>>()
    )
}

fn parts<B: Board>(board: &mut B, network: &mut Network<'_>, plan: &impl Plan) -> Result<(), Failure> {
    let mut rng = stream(1, 0);
    part(board, "load", 1, |_| _ = black_box(&model::model()))?;
    part(board, "gaussian", GAUSSIANS, |_| {
        black_box((0..GAUSSIANS).fold(0.0, |sum, _| sum + standard_normal(&mut rng)));
    })?;
    let level = Score::levels(network) / 2;
    let mut eps = [0.0; DIM];
    part(board, "evaluation", 1, |_| network.noise(black_box(&[0.5; DIM]), level, &mut eps))?;
    let mut chain = Chain::<_, DIM, HISTORY>::new(plan, network, stream(1, 0))?;
    part(board, "step", 1, |_| _ = chain.step(plan, network))?;
    part(board, "sample", 1, |clock| _ = black_box(sample(network, plan, clock)))?;
    part(board, "all", 1, |clock| _ = black_box(&all(plan, clock)))?;
    writeln!(board, "evaluations {}", plan.evaluations())?;
    Ok(())
}

/// One sample in data units; laps after each step, as a long sample overruns the board's clock.
fn sample<B: Board>(
    network: &mut Network<'_>,
    plan: &impl Plan,
    clock: &mut Clock<B>,
) -> Result<[f32; DATA], Error> {
    let mut chain = Chain::<_, DIM, HISTORY>::new(plan, network, stream(1, 0))?;
    while chain.step(plan, network) {
        clock.lap();
    }
    let mut data = [0.0; DATA];
    network.model().to_data(chain.state(), &mut data);
    Ok(data)
}

/// Reads the model and draws one sample.
fn all<B: Board>(plan: &impl Plan, clock: &mut Clock<B>) -> Result<[f32; DATA], Error> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(model::model()?, &mut scratch)?;
    sample(&mut network, plan, clock)
}

/// Adds up a board's ticks over laps shorter than its clock's range.
pub struct Clock<B> {
    last: u32,
    total: u64,
    board: PhantomData<B>,
}

impl<B: Board> Clock<B> {
    fn start() -> Self {
        Self { last: B::ticks(), total: 0, board: PhantomData }
    }

    /// Counts what was done since the last lap.
    pub fn lap(&mut self) {
        let now = B::ticks();
        self.total += u64::from(now.wrapping_sub(self.last) & 0x00ff_ffff);
        self.last = now;
    }
}

/// The ticks of `work` and of measuring.
fn ticks<B: Board, T>(work: impl FnOnce(&mut Clock<B>) -> T) -> (T, u64) {
    let mut clock = Clock::start();
    let result = work(&mut clock);
    clock.lap();
    (result, clock.total)
}

/// Measures `work`, which does its thing `count` times, and prints the cost of one.
pub fn part<B: Board>(
    board: &mut B,
    name: &str,
    count: u64,
    work: impl FnOnce(&mut Clock<B>),
) -> Result<(), Failure> {
    let ((), Cost { amount, unit, stack }) = cost::<B, _>(work);
    writeln!(board, "bench {name} {} {unit} {stack} bytes of stack", amount / count)?;
    Ok(())
}

/// What work costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// In units.
    pub amount: u64,
    /// Instructions, cycles, or time.
    pub unit: &'static str,
    /// Bytes.
    pub stack: usize,
}

/// Assumed energy of an instruction, or of a cycle where the board counts these. ST's result for the anomaly detection of
/// MLPerf Tiny on an STM32U385 (Cortex-M33) is 120 pJ per multiply–accumulate, and its code takes 2.18 cycles for
/// each on a Cortex-M4.
const PICOJOULES: u64 = 55;

/// Prints the digest of a result and what it cost; `memory` is what the program holds besides its stack.
///
/// # Errors
/// When the console fails.
pub fn conclude(
    board: &mut impl Board,
    name: &str,
    results: &[&[f32]],
    cost: &Cost,
    memory: usize,
) -> Result<(), Failure> {
    let mut digest = Digest::new();
    results.iter().for_each(|result| digest.update(result));
    writeln!(board, "digest {name} {:016x}", digest.finish())?;
    let Cost { amount, unit, stack } = *cost;
    write!(board, "cost {name} {amount} {unit}, {} bytes of RAM", stack + memory)?;
    if ["instructions", "cycles"].contains(&unit) {
        let nanojoules = amount * PICOJOULES / 1000;
        write!(board, ", about {}.{:03} mJ", nanojoules / 1_000_000, nanojoules / 1000 % 1000)?;
    }
    Ok(writeln!(board)?)
}

/// Does `work` and measures it.
pub fn cost<B: Board, T>(work: impl FnOnce(&mut Clock<B>) -> T) -> (T, Cost) {
    let nothing = ticks::<B, _>(|_| ()).1;
    let ((result, ticks), stack) = stack::used(|| ticks(work));
    let (unit, numerator, denominator) = B::TICK;
    (result, Cost { amount: ticks.saturating_sub(nothing) * numerator / denominator, unit, stack })
}
