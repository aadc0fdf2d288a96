//! One digest per sampler, as `trainer digest MODEL` prints them on a desktop.

use crate::board::{Board, Failure};
use crate::model::{self, DATA, DIM, SCRATCH};
use tinyscore::Mlp;
use tinyscore::conformance::{SAMPLES, digests};

/// Samples behind each digest: those of the promise, or the number that the variable DIGEST_SAMPLES has
/// when this is compiled.
const COUNT: u64 = match option_env!("DIGEST_SAMPLES") {
    Some(digits) => number(digits.as_bytes()),
    None => SAMPLES,
};

const fn number(digits: &[u8]) -> u64 {
    let (mut value, mut i) = (0, 0);
    while i < digits.len() {
        assert!(digits[i].is_ascii_digit(), "DIGEST_SAMPLES is not a number");
        value = 10 * value + (digits[i] - b'0') as u64;
        i += 1;
    }
    value
}

/// Prints the digests.
///
/// # Errors
/// When the blob is damaged or the console does not take the text.
pub fn main(board: &mut impl Board) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let model = model::model()?;
    let mut network = Mlp::new(model.clone(), &mut scratch)?;
    let mut written = Ok(());
    digests::<DIM, DATA>(&model, &mut network, COUNT, |name, digest| {
        written = written.and_then(|()| writeln!(board, "digest {name} {digest:016x}"));
        board.pause();
    })?;
    Ok(written?)
}
