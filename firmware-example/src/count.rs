//! What layers cost, of a model too large for some boards' flash: the emulator puts its blob into memory, at the
//! address that the variable MODEL_AT has when this is compiled.

use crate::bench::part;
use crate::board::{Board, Failure};
use core::hint::black_box;
use tinyscore::arith::quantize;
use tinyscore::{Mlp, Model, Score, conformance};

/// The widest layer it has room for.
const WIDTH: usize = 784;
/// Largest blob.
const BYTES: usize = 1 << 20;

/// Compares the target's kernel with the portable one, then, of a model, measures the hidden layer that comes first, with
/// activations that fit bytes and others, and a whole evaluation.
///
/// # Errors
/// When no model is there.
pub fn main<B: Board>(board: &mut B) -> Result<(), Failure> {
    writeln!(board, "kernel {}", conformance::kernel_differences())?;
    let Some(address) = option_env!("MODEL_AT") else { return Ok(()) };
    let mut scratch = [0; 2 * WIDTH + 1];
    let mut network = Mlp::new(Model::from_bytes(blob(address))?, &mut scratch)?;
    let mut eps = [0.0; WIDTH];
    let (dim, level) = (network.dim().min(WIDTH), Score::levels(&network) / 2);
    let gain = network.model().levels().get(level).input_gain;
    // Of two layers the first one's input stays where it was.
    for (name, value) in [("bytes", 0.0), ("layer", 0.5)] {
        let (x, eps) = (&[value; WIDTH][..dim], &mut eps[..dim]);
        network.noise(x, level, eps);
        let total = dim as i32 * i32::from(quantize(gain * value, i16::MAX));
        part(board, name, 1, |_| _ = black_box(network.hidden_layer(black_box(level), total)))?;
    }
    let (x, eps) = (&[0.5; WIDTH][..dim], &mut eps[..dim]);
    part(board, "evaluation", 1, |_| network.noise(black_box(x), level, eps))
}

/// The memory behind the address.
fn blob(digits: &str) -> &'static [u8] {
    let address = address(digits.as_bytes());
    // Safe: the emulated board has that much memory there.
    unsafe { core::slice::from_raw_parts(address as *const u8, BYTES) }
}

/// Of digits.
const fn address(digits: &[u8]) -> usize {
    let (mut value, mut i) = (0, 0);
    while i < digits.len() {
        value = 10 * value + (digits[i] - b'0') as usize;
        i += 1;
    }
    value
}
