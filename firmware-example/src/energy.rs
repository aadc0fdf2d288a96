//! Draws the two moons from an energy network by the Metropolis-adjusted Langevin algorithm: accepted and refused by the
//! integer energy, with the same bits everywhere. Then the energies of a point on a moon and of one between them.

use crate::bench::{Cost, cost};
use crate::board::{Board, Failure};
use crate::model::moons::{DIM, SCRATCH, model};
use crate::plot::Density;
use tinyscore::rng::{Xoshiro128PlusPlus, stream};
use tinyscore::sampler::Mala;
use tinyscore::{Digest, Energy, EnergyMlp};

/// Chains, one sample each.
const SAMPLES: u64 = 100;
/// Steps of a chain.
const STEPS: usize = 120;
/// Of a step, over σ².
const RATE: f32 = 0.7;

type Chain = Mala<Xoshiro128PlusPlus, DIM>;

/// Draws, shows, counts.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main<B: Board>(board: &mut B) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let mut network = EnergyMlp::new(model()?, &mut scratch)?;
    let common = network.model().model().clone();
    let levels = common.levels();
    writeln!(board, "{}: {DIM} dimensions, {} bytes of flash", common.name(), common.as_bytes().len())?;
    let (mut density, mut digest, mut accepted) = (Density::default(), Digest::new(), 0);
    for i in 0..SAMPLES {
        let mut chain = Chain::new(RATE, &levels, &mut network, stream(1, i))?;
        for _ in 0..STEPS {
            chain.step(&mut network);
            board.pause();
        }
        density.add(chain.state());
        digest.update(chain.state());
        accepted += chain.accepted();
    }
    write!(board, "{density}")?;
    let percent = 100 * accepted / (SAMPLES as usize * STEPS);
    writeln!(
        board,
        "{SAMPLES} chains of {STEPS} steps, {percent} % accepted, digest {:016x}",
        digest.finish()
    )?;
    for (name, data) in [("on the upper moon", [-0.58, 1.5]), ("between the moons", [0.0, 0.0])] {
        let mut x = [0.0; DIM];
        common.to_model(&data, &mut x);
        writeln!(board, "energy {name}: {:.3}", network.energy(&x, 0))?;
    }
    let mut chain = Chain::new(RATE, &levels, &mut network, stream(2, 0))?;
    let (_, Cost { amount, unit, stack }) = cost::<B, _>(|_| chain.step(&mut network));
    Ok(writeln!(
        board,
        "cost {amount} {unit} a step, {} bytes of state and scratch, {stack} bytes of stack",
        size_of::<Chain>() + 2 * SCRATCH
    )?)
}
