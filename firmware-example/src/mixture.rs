//! Draws points from the model and shows them, then takes wishes line by line.
//!
//! The sampler yields after each of its steps, so one loop here serves the chain and the board's
//! watchdog; an executor could drive the same two calls.

use crate::apply;
use crate::board::{Board, Failure};
use crate::command::{Choice, Command, HELP, LINE, Wish, parse, read_line};
use crate::model::{self, DATA, DIM, HISTORY, SCRATCH};
use crate::plot::{Density, REACH};
use tinyscore::levels::Pick;
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, AnnealedLangevin, Ddim, Ddpm, DpmSolver2M, Heun, Sampler, StepRule};
use tinyscore::{Chain, Conditional, Error, Guided, Levels, Mlp, Model, Plan, Score};

/// The network with its scratch memory on the stack.
pub type Network<'s> = Mlp<'static, &'s mut [i16; SCRATCH]>;

/// Points printed with their coordinates.
const SHOWN: u64 = 5;

/// Draws once, then answers lines until the input ends or says `quit`.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main(board: &mut impl Board) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(model::model()?, &mut scratch)?;
    introduce(board, &network)?;
    let mut wish = first_wish(&network);
    draw(board, &mut network, &wish)?;
    loop {
        write!(board, "> ")?;
        let Some(line) = read_line(board) else {
            writeln!(board)?;
            return Ok(());
        };
        network.choose(None)?;
        match line.as_deref().map(|line| parse(line, wish)) {
            None => writeln!(board, "a line has at most {LINE} bytes of text")?,
            Some(Err(refusal)) => writeln!(board, "{refusal}")?,
            Some(Ok(Command::Help)) => board.write_str(HELP)?,
            Some(Ok(Command::Quit)) => return Ok(()),
            Some(Ok(Command::Denoise(point))) => apply::denoise(board, &mut network, &point)?,
            Some(Ok(Command::Fill(point))) => apply::fill(board, &mut network, &point)?,
            Some(Ok(Command::Score(point))) => apply::score(board, &mut network, &point)?,
            Some(Ok(Command::Draw(new))) => match draw(board, &mut network, &new) {
                Err(Failure::Core(error)) => writeln!(board, "{error}")?,
                result => {
                    result?;
                    wish = new;
                }
            },
        }
    }
}

fn introduce(board: &mut impl Board, network: &Network<'_>) -> Result<(), Failure> {
    let model = network.model();
    writeln!(
        board,
        "{}: {} dimensions, {} levels, {} bytes of flash",
        model.name(),
        DIM,
        model.levels().count(),
        model.as_bytes().len()
    )?;
    Ok(())
}

/// What is drawn without being asked: by the stored plan, if there is one.
fn first_wish(network: &Network<'_>) -> Wish {
    let stored = network.model().plan().rows() > 0;
    let choice = if stored { Choice::Stored } else { Choice::Ancestral };
    let levels = network.model().levels().count().min(16) as u64;
    Wish { seed: 1, samples: 1000, choice, levels, class: None, guidance: 0.0 }
}

/// Draws what is wished for.
fn draw(board: &mut impl Board, network: &mut Network<'_>, wish: &Wish) -> Result<(), Failure> {
    let levels = network.model().levels();
    let stored = network.model().plan();
    let few = |count: u64| Pick::new(levels, count as usize);
    let model = network.model().clone();
    let mut by = |plan: &dyn Plan| match wish.class {
        None => samples(board, &model, network, wish, &plan),
        Some(class) => {
            let mut guided = Guided::<_, DIM>::new(&mut *network, class, wish.guidance)?;
            samples(board, &model, &mut guided, wish, &plan)
        }
    };
    match wish.choice {
        Choice::Stored => by(&stored),
        Choice::Ancestral => by(&Ancestral::new(1.0)?.plan(few(wish.levels)?)?),
        Choice::Ddpm => by(&Ddpm::Beta.plan(few(wish.levels)?)?),
        Choice::Ddim => by(&Ddim.plan(few(wish.levels)?)?),
        Choice::Heun => by(&Heun.plan(few(wish.levels)?)?),
        Choice::DpmSolver => by(&DpmSolver2M.plan(few(wish.levels)?)?),
        Choice::AnnealedLangevin => {
            let rule = StepRule::SignalToNoise(0.16);
            by(&AnnealedLangevin::new(rule, 2, true)?.plan(few(wish.levels)?)?)
        }
    }
}

/// Draws by one plan, prints the first points and shows the density of all.
fn samples(
    board: &mut impl Board,
    model: &Model<'_>,
    score: &mut impl Score,
    wish: &Wish,
    plan: &impl Plan,
) -> Result<(), Failure> {
    let mut density = Density::default();
    for i in 0..wish.samples {
        let state = sample(board, score, wish.seed, i, plan)?;
        density.add(&state);
        if i < SHOWN {
            point(board, model, &state)?;
        }
    }
    write!(board, "{density}")?;
    corners(board, model)?;
    let evaluations = plan.evaluations();
    writeln!(board, "{} samples of seed {}, {evaluations} evaluations each", wish.samples, wish.seed)?;
    Ok(())
}

/// Chain number `i`, one step after the other.
fn sample(
    board: &mut impl Board,
    score: &mut impl Score,
    seed: u64,
    i: u64,
    plan: &impl Plan,
) -> Result<[f32; DIM], Error> {
    let mut chain = Chain::<_, DIM, HISTORY>::new(plan, score, stream(seed, i))?;
    while chain.step(plan, score) {
        board.pause();
    }
    let mut state = [0.0; DIM];
    state.iter_mut().zip(chain.state()).for_each(|(to, &from)| *to = from);
    Ok(state)
}

/// Prints a point in data units.
pub fn point(board: &mut impl Board, model: &Model<'_>, state: &[f32]) -> Result<(), Failure> {
    let mut data = [0.0; DATA];
    model.to_data(state, &mut data);
    for value in data {
        write!(board, "{value:9.4}")?;
    }
    writeln!(board)?;
    Ok(())
}

/// Prints what the plot's lower left and upper right corner are in data units.
fn corners(board: &mut impl Board, model: &Model<'_>) -> Result<(), Failure> {
    for (name, corner) in [("lower left", -REACH), ("upper right", REACH)] {
        write!(board, "{name}:")?;
        point(board, model, &[corner; DIM])?;
    }
    Ok(())
}
