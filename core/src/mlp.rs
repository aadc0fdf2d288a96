//! The integer score network.
//!
//! A multi-layer perceptron with int8 weights, 16-bit activations and 32-bit sums: for each layer
//!
//! ```text
//! sum_j = bias_j + Σ_i w_ji·x_i            (first layer: + the rows of the noise level and the class)
//! z_j   = saturate16(round(sum_j·multiplier_j/2³²))
//! y_j   = the activation at z_j: a table, interpolated, and straight lines beyond its ends
//! ```
//!
//! Floats appear only at its two ends: x is rounded to integers, and the last sums are scaled to ε̂.
//! Preconditioning follows Karras et al. 2022 (Table 1), with the coefficients of each level in the blob.

use crate::activation::{Curve, activation};
use crate::arith::{quantize, rounded_high, saturate16};
use crate::blob::{After, Layer, Level, half_float, packed, word};
use crate::kernel::dense;
use crate::{Conditional, Error, Model, Score};

/// Outputs computed together: sums of one tile stay in registers or on the stack.
const TILE: usize = 8;

/// A network ready to evaluate: a checked model and scratch memory for the activations of two layers.
///
/// The scratch is the caller's: an array, a slice of a static one, a `Vec` on a desktop. What it holds
/// does not matter.
#[derive(Clone, Debug)]
pub struct Mlp<'a, S> {
    model: Model<'a>,
    class: &'a [u8],
    scratch: S,
}

impl<'a, S: AsMut<[i16]>> Mlp<'a, S> {
    /// `scratch` must have at least [`Model::scratch`] entries, which is 2·width + 3 at most.
    ///
    /// # Errors
    /// [`Error::Scratch`] if it has fewer.
    pub fn new(model: Model<'a>, mut scratch: S) -> Result<Self, Error> {
        let (needed, have) = (model.scratch(), scratch.as_mut().len());
        if have < needed {
            Err(Error::Scratch { needed, have })
        } else {
            Ok(Self { model, class: &[], scratch })
        }
    }

    /// The model.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }
}

impl<S: AsMut<[i16]>> Score for Mlp<'_, S> {
    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn levels(&self) -> usize {
        crate::Levels::count(&self.model.levels())
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        evaluate(&self.model, self.class, self.scratch.as_mut(), x, level, eps);
    }
}

impl<S: AsMut<[i16]>> Conditional for Mlp<'_, S> {
    fn classes(&self) -> usize {
        self.model.classes()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        self.class = self.model.chosen(class)?;
        Ok(())
    }
}

/// ε̂(x, σ_level), with the activations of one layer in each half of `scratch`.
fn evaluate(model: &Model<'_>, class: &[u8], scratch: &mut [i16], x: &[f32], level: usize, eps: &mut [f32]) {
    let skipped = scratch.as_ptr().align_offset(4).min(1);
    let aligned = scratch.get_mut(skipped..).unwrap_or_default();
    let (mut input, mut output) = aligned.split_at_mut_checked(model.scratch() / 2).unwrap_or_default();
    let gain = model.levels().get(level).input_gain;
    for (q, &x) in input.iter_mut().zip(x) {
        *q = quantize(gain * x, model.input_limit());
    }
    pad(input, model.dim());
    let mut conditions = [model.condition(level), class];
    for layer in model.layers() {
        match layer.after {
            After::Activation { multipliers, curve } => {
                hidden_layer(&layer, conditions, multipliers, &curve, input, output);
            }
            After::Scale { scales } => {
                output_layer(&layer, conditions, scales, &model.levels().get(level), input, x, eps);
            }
        }
        pad(output, layer.outputs);
        core::mem::swap(&mut input, &mut output);
        conditions = [&[]; 2];
    }
}

/// Makes the first `count` activations an even number.
fn pad(activations: &mut [i16], count: usize) {
    if let Some(padding) = activations.get_mut(count) {
        *padding = 0;
    }
}

/// A hidden layer, in integers only.
fn hidden_layer(
    layer: &Layer<'_>,
    conditions: [&[u8]; 2],
    multipliers: &[u8],
    curve: &Curve<'_>,
    input: &[i16],
    output: &mut [i16],
) {
    tiles(layer, conditions, input, |j, sum| {
        let z = saturate16(rounded_high(sum, word(multipliers, j)));
        if let Some(y) = output.get_mut(j) {
            *y = activation(curve, z);
        }
    });
}

/// The last layer, to floats.
fn output_layer(
    layer: &Layer<'_>,
    conditions: [&[u8]; 2],
    scales: &[u8],
    level: &Level,
    input: &[i16],
    x: &[f32],
    eps: &mut [f32],
) {
    tiles(layer, conditions, input, |j, sum| {
        if let (Some(eps), Some(x)) = (eps.get_mut(j), x.get(j)) {
            let f = sum as f32 * half_float(scales, j);
            *eps = level.skip * x + level.output_gain * f;
        }
    });
}

/// Calls `emit(j, sum_j)` for every output of a layer, in their order.
fn tiles(layer: &Layer<'_>, conditions: [&[u8]; 2], input: &[i16], mut emit: impl FnMut(usize, i32)) {
    let tiles = layer.weights.chunks(packed(layer.bits, layer.inputs, TILE).max(1));
    for (weights, first) in tiles.zip((0..).step_by(TILE)) {
        let mut sums = [0; TILE];
        tile_sums(first, weights, layer, conditions, input, &mut sums);
        for (i, &sum) in sums.iter().enumerate() {
            emit(first + i, sum);
        }
    }
}

/// Sums of the outputs from number `first` on; those past the layer's end do not matter.
#[inline(never)]
fn tile_sums(
    first: usize,
    weights: &[u8],
    layer: &Layer<'_>,
    conditions: [&[u8]; 2],
    input: &[i16],
    sums: &mut [i32; TILE],
) {
    for words in [layer.biases, conditions[0], conditions[1]] {
        let (words, _) = words.get(4 * first..).unwrap_or_default().as_chunks();
        for (sum, &word) in sums.iter_mut().zip(words) {
            *sum = sum.wrapping_add(i32::from_le_bytes(word));
        }
    }
    dense(layer.bits, weights, input.get(..2 * layer.inputs.div_ceil(2)).unwrap_or(input), sums);
}
