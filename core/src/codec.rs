//! A linear codec: the network works on k latents, and one matrix of int8 makes the d data of them (principal component
//! analysis: Pearson 1901; Hotelling 1933).
//!
//! ```text
//! q_i = round(gain·z_i)
//! x_j = mean_j + scale_j·Σ_i w_ji·q_i
//! z_i = Σ_j D_ji·(x_j − mean_j)/Σ_j D_ji²        with D_ji = gain·scale_j·w_ji
//! ```
//!
//! The last line, from data to latents, is the least-squares one for orthogonal columns, which components have but for
//! rounding. Sums of the second line are integers, by the dense kernel.

use crate::arith::quantize;
use crate::blob::Matrix;
use crate::kernel::{Input, TILE, dense};
use serde::{Deserialize, Serialize};

/// Most latents.
pub const MAX_LATENTS: usize = 256;

/// What the header says of a codec.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Codec {
    /// d
    pub outputs: u16,
    /// Of each weight: 8 or 4.
    pub bits: u8,
    /// Integers per unit of a latent.
    pub gain: f32,
}

/// Where kernels can load words.
#[repr(align(4))]
struct Words<T>(T);

static NO_BIASES: Words<[[u8; 4]; TILE]> = Words([[0; 4]; TILE]);

impl Codec {
    /// `data[j]` = the j-th (mean, scale) of `standard` applied to the j-th sum.
    #[inline(never)] // or its buffers lie beside those of the network
    pub fn decode(
        &self,
        matrix: &Matrix<'_>,
        x: &[f32],
        data: &mut [f32],
        standard: impl Fn(usize) -> (f32, f32),
    ) {
        let (mut latents, mut sums) = (Words([0_i16; MAX_LATENTS]), [0; TILE]);
        let mut total = 0;
        for (q, &x) in latents.0.iter_mut().zip(x) {
            *q = quantize(self.gain * x, i16::MAX);
            total += i32::from(*q);
        }
        let input = Input::new(&mut latents.0, matrix.inputs, total);
        for (tile, data) in data.chunks_mut(TILE).enumerate() {
            dense(matrix.bits, matrix.tile(tile), &NO_BIASES.0, &input, &mut sums);
            for (j, (data, &sum)) in (TILE * tile..).zip(data.iter_mut().zip(&sums)) {
                let (mean, scale) = standard(j);
                *data = mean + scale * sum as f32;
            }
        }
    }

    /// The latents of `data`; see [`decode`](Self::decode).
    pub fn encode(
        &self,
        matrix: &Matrix<'_>,
        data: &[f32],
        x: &mut [f32],
        standard: impl Fn(usize) -> (f32, f32),
    ) {
        for (i, x) in x.iter_mut().enumerate() {
            let (mut product, mut square) = (0.0, 0.0);
            for (j, data) in data.iter().enumerate() {
                let (mean, scale) = standard(j);
                let d = self.gain * scale * f32::from(matrix.weight(j, i));
                product += d * (data - mean);
                square += d * d;
            }
            *x = if square > 0.0 { product / square } else { 0.0 };
        }
    }
}
