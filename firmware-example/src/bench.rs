//! What each part of the program costs: instructions (on a real board: cycles) and stack.

use crate::board::{Board, Failure};
use crate::model::{self, DIM, HISTORY, WIDTH};
use crate::stack;
use core::fmt;
use core::hint::black_box;
use tinyscore::levels::Pick;
use tinyscore::normal::standard_normal;
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Sampler};
use tinyscore::{Chain, Error, Levels, Mlp, Plan, Score};

type Network = Mlp<'static, WIDTH>;

/// Gaussians measured together.
const GAUSSIANS: u64 = 64;

/// Measures all parts and prints one line for each.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main(board: &mut impl Board) -> Result<(), Failure> {
    let mut network = model::network()?;
    let (levels, stored) = (network.model().levels(), network.model().plan());
    shape(board, &network)?;
    if stored.rows() > 0 {
        parts(board, &mut network, &stored)
    } else {
        let few = Pick::new(levels, levels.count().min(16))?;
        parts(board, &mut network, &Ancestral::new(1.0)?.plan(few)?)
    }
}

fn shape(board: &mut impl Board, network: &Network) -> fmt::Result {
    let model = network.model();
    writeln!(board, "macs {}", model.macs())?;
    writeln!(board, "blob {}", model.as_bytes().len())?;
    writeln!(board, "ram {}", size_of::<Network>() + size_of_val(&chain_size()))
}

/// As large as a chain.
fn chain_size() -> impl Sized {
    core::mem::MaybeUninit::<Chain<tinyscore::rng::Xoshiro128PlusPlus, DIM, HISTORY>>::uninit()
}

fn parts(board: &mut impl Board, network: &mut Network, plan: &impl Plan) -> Result<(), Failure> {
    let mut rng = stream(1, 0);
    let mut bench = Bench { board };
    bench.part("load", 1, |_| black_box(model::network()).is_ok())?;
    bench.part("gaussian", GAUSSIANS, |_| {
        (0..GAUSSIANS).fold(0.0, |sum, _| sum + standard_normal(&mut rng))
    })?;
    let level = Score::levels(network) / 2;
    let mut eps = [0.0; DIM];
    bench.part("evaluation", 1, |_| network.noise(black_box(&[0.5; DIM]), level, &mut eps))?;
    let mut chain = Chain::<_, DIM, HISTORY>::new(plan, network, stream(1, 0))?;
    bench.part("step", 1, |_| chain.step(plan, network))?;
    bench.part("sample", 1, |_| sample(network, plan))?;
    bench.part("all", 1, |_| model::network().map(|mut network| sample(&mut network, plan)))?;
    writeln!(bench.board, "evaluations {}", plan.evaluations())?;
    Ok(())
}

/// One sample in data units.
fn sample(network: &mut Network, plan: &impl Plan) -> Result<[f32; DIM], Error> {
    let mut data = [0.0; DIM];
    let mut chain = Chain::<_, DIM, HISTORY>::new(plan, network, stream(1, 0))?;
    chain.run(plan, network);
    network.model().to_data(chain.state(), &mut data);
    Ok(data)
}
