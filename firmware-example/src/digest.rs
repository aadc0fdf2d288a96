//! One digest per sampler, as `trainer digest MODEL` prints them on a desktop.

use crate::board::{Board, Failure};
use crate::model::{self, DATA, DIM, SCRATCH};
use tinyscore::blob::Kind;
use tinyscore::conformance::{SAMPLES, digests, energy_digests};
use tinyscore::{EnergyMlp, EnergyModel, Mlp};

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
    let mut written = Ok(());
    let report = |name: &str, digest| {
        written = written.and_then(|()| writeln!(board, "digest {name} {digest:016x}"));
        board.pause();
    };
    if Kind::of(model::blob())? == Kind::Energy {
        let model = EnergyModel::from_bytes(model::blob())?;
        let mut network = EnergyMlp::new(model.clone(), &mut scratch)?;
        energy_digests::<DIM, DATA>(model.model(), &mut network, COUNT, report)?;
    } else {
        let model = model::model()?;
        digests::<DIM, DATA>(&model, &mut Mlp::new(model.clone(), &mut scratch)?, COUNT, report)?;
    }
    Ok(written?)
}
