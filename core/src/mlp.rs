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

use crate::activation::Curve;
use crate::arith::quantize;
use crate::blob::{After, Layer, Level, half};
use crate::kernel::{Input, TILE, activations, add, dense};
use crate::{Conditional, Error, Model, Score};

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

    /// The first hidden layer alone, of activations with this sum: what benches time.
    #[doc(hidden)]
    pub fn hidden_layer(&mut self, level: usize, total: i32) -> i32 {
        let (input, output) = halves(&self.model, self.scratch.as_mut());
        let Some(layer) = self.model.layers().next() else { return 0 };
        let After::Activation { multipliers, curve } = layer.after else { return 0 };
        let input = Input::new(input, layer.matrix.inputs, total);
        let sum = Sum { layer, conditions: [self.model.condition(level), self.class], input };
        hidden_layer(&sum, multipliers, &curve, &mut [0; TILE], output)
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

/// Scratch memory for two layers, aligned to words.
pub(crate) fn halves<'s>(model: &Model<'_>, scratch: &'s mut [i16]) -> (&'s mut [i16], &'s mut [i16]) {
    let skipped = scratch.as_ptr().align_offset(4).min(1);
    let aligned = scratch.get_mut(skipped..).unwrap_or_default();
    aligned.split_at_mut_checked(model.scratch() / 2).unwrap_or_default()
}

/// ε̂(x, σ_level), with the activations of one layer in each half of `scratch`.
fn evaluate(model: &Model<'_>, class: &[u8], scratch: &mut [i16], x: &[f32], level: usize, eps: &mut [f32]) {
    let (mut input, mut output) = halves(model, scratch);
    let constants = model.levels().get(level);
    let mut total = 0;
    for (q, &x) in input.iter_mut().zip(x) {
        *q = quantize(constants.input_gain * x, model.input_limit());
        total += i32::from(*q);
    }
    let mut conditions = [model.condition(level), class];
    let mut sums = [0; TILE];
    for layer in model.layers() {
        let sum = Sum { layer, conditions, input: Input::new(input, layer.matrix.inputs, total) };
        match layer.after {
            After::Activation { multipliers, curve } => {
                total = hidden_layer(&sum, multipliers, &curve, &mut sums, output);
            }
            After::Scale { scales } => output_layer(&sum, scales, &constants, &mut sums, x, eps),
        }
        core::mem::swap(&mut input, &mut output);
        conditions = [&[]; 2];
    }
}

/// A hidden layer, in integers only; the sum of its outputs.
fn hidden_layer(
    sum: &Sum<'_>,
    multipliers: &[u8],
    curve: &Curve<'_>,
    sums: &mut [i32; TILE],
    output: &mut [i16],
) -> i32 {
    let mut total = 0;
    let output = output.get_mut(..sum.layer.matrix.outputs).unwrap_or_default();
    for (tile, output) in (0..).zip(output.chunks_mut(TILE)) {
        sum.of_tile(tile, sums);
        total += activations(curve, sums, words(multipliers, tile), output);
    }
    total
}

/// The last layer, to floats.
fn output_layer(
    sum: &Sum<'_>,
    scales: &[u8],
    level: &Level,
    sums: &mut [i32; TILE],
    x: &[f32],
    eps: &mut [f32],
) {
    let eps = eps.get_mut(..sum.layer.matrix.outputs).unwrap_or_default();
    let tiles = eps.chunks_mut(TILE).zip(x.chunks(TILE)).zip(scales.as_chunks().0.chunks(TILE));
    for (tile, ((eps, x), scales)) in (0..).zip(tiles) {
        sum.of_tile(tile, sums);
        for (((eps, &x), &scale), &sum) in eps.iter_mut().zip(x).zip(scales).zip(&*sums) {
            *eps = level.skip * x + level.output_gain * (sum as f32 * half(scale));
        }
    }
}

/// The words of a tile.
pub(crate) fn words(words: &[u8], tile: usize) -> &[[u8; 4]] {
    words.get(4 * TILE * tile..).unwrap_or_default().as_chunks().0
}

/// bias_j + Σ_i w_ji·x_i and what the first layer adds to it.
pub(crate) struct Sum<'a> {
    pub layer: Layer<'a>,
    pub conditions: [&'a [u8]; 2],
    pub input: Input<'a>,
}

impl Sum<'_> {
    /// Sums of the outputs of a tile; those past the layer's end do not matter.
    pub fn of_tile(&self, tile: usize, sums: &mut [i32; TILE]) {
        let Layer { matrix, biases, .. } = self.layer;
        dense(matrix.bits, matrix.tile(tile), words(biases, tile), &self.input, sums);
        for rows in self.conditions {
            add(sums, words(rows, tile));
        }
    }
}
