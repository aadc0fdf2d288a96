//! A restricted Boltzmann machine dreams digits: block Gibbs sampling in integers, without one multiplication, and the
//! instructions that a sweep takes. The lower half of the last dream is then drawn anew, given the upper one.

use crate::bench::{Cost, cost};
use crate::board::{Board, Failure};
use tinyscore::rng::{Xoshiro128PlusPlus, stream};
use tinyscore::{Digest, Gibbs, Rbm, include_model, is_set};

/// Words of the wider layer.
const WORDS: usize = 2;
/// Pixels in a line of an image.
const WIDTH: usize = 8;
/// Dreams.
const DREAMS: usize = 5;
/// Sweeps before each.
const SWEEPS: usize = 200;

type Chain = Gibbs<Xoshiro128PlusPlus, WORDS>;

/// Dreams, fills in, counts.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main<B: Board>(board: &mut B) -> Result<(), Failure> {
    let rbm = Rbm::from_bytes(include_model!("../../core/models/rbm.postcard"))?;
    writeln!(board, "{} visible and {} hidden units", rbm.visible(), rbm.hidden())?;
    let mut dreams = [[0; WORDS]; DREAMS];
    for (i, dream) in dreams.iter_mut().enumerate() {
        let mut chain = Chain::new(&rbm, stream(1, i as u64))?;
        for _ in 0..SWEEPS {
            chain.sweep(&rbm);
            board.pause();
        }
        *dream = *chain.visible();
    }
    images(board, &dreams)?;
    let ([known, values], mut chain) = ([[!0, 0], dreams[DREAMS - 1]], Chain::new(&rbm, stream(2, 0))?);
    writeln!(board, "the last one's lower half, given the upper")?;
    for dream in &mut dreams {
        (0..SWEEPS).for_each(|_| chain.sweep_known(&rbm, &known, &values));
        *dream = *chain.visible();
    }
    images(board, &dreams)?;
    writeln!(board, "free energy {:.3} nats", chain.free_energy(&rbm))?;
    let ((), Cost { amount, unit, stack }) = cost::<B, _>(|_| chain.run(&rbm, SWEEPS));
    Ok(writeln!(
        board,
        "cost {} {unit} a sweep, {} bytes of state, {stack} bytes of stack",
        amount / SWEEPS as u64,
        size_of::<Chain>()
    )?)
}

/// Side by side, then their digest.
fn images(board: &mut impl Board, dreams: &[[u32; WORDS]; DREAMS]) -> Result<(), Failure> {
    let mut digest = Digest::new();
    for line in 0..32 * WORDS / WIDTH {
        for dream in dreams {
            let on = |column| is_set(dream, WIDTH * line + column);
            (0..WIDTH).try_for_each(|column| board.write_str(if on(column) { "##" } else { " ." }))?;
            board.write_str("   ")?;
        }
        writeln!(board)?;
    }
    for &word in dreams.iter().flatten() {
        digest.update(&[(word & 0xffff) as f32, (word >> 16) as f32]);
    }
    Ok(writeln!(board, "digest {:016x}", digest.finish())?)
}
