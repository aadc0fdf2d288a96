//! The integer score network.
//!
//! A multi-layer perceptron with int8 weights, 16-bit activations and 32-bit sums: for each layer
//!
//! ```text
//! sum_j = bias_j + Σ_i w_ji·x_i            (first layer: + the noise level's row)
//! z_j   = saturate16(round(sum_j·multiplier_j/2³²))
//! y_j   = the activation at z_j: a table, interpolated, and straight lines beyond its ends
//! ```
//!
//! The first layer may be split, for data whose modes are narrow against their distance: it sees every
//! input twice, the second time divided by 128 (rounded down), which gives its weights 15 bits.
//!
//! Floats appear only at its two ends: x is rounded to integers, and the last sums are scaled to ε̂.
//! Preconditioning follows Karras et al. 2022 (Table 1), with the coefficients of each level in the blob.

use crate::activation::activation;
use crate::arith::{quantize, rounded_high, saturate16};
use crate::blob::{Layer, half_float, word};
use crate::kernel::dense;
use crate::{Error, Model, Score};

/// Outputs computed together: sums of one tile stay in registers or on the stack.
const TILE: usize = 8;

/// A network ready to evaluate: a checked model and scratch memory of 4·`H` bytes.
#[derive(Clone, Debug)]
pub struct Mlp<'a, const H: usize> {
    model: Model<'a>,
    front: [i16; H],
    back: [i16; H],
}

impl<'a, const H: usize> Mlp<'a, H> {
    /// # Errors
    /// [`Error::TooWide`] if a layer of the model, its input included, is wider than `H`.
    pub fn new(model: Model<'a>) -> Result<Self, Error> {
        match model.width() {
            width if width > H => Err(Error::TooWide { width, capacity: H }),
            _ => Ok(Self { model, front: [0; H], back: [0; H] }),
        }
    }

    /// Reads and checks a model, then as [`new`](Self::new).
    ///
    /// # Errors
    /// Those of [`Model::from_bytes`] and of [`new`](Self::new).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::new(Model::from_bytes(bytes)?)
    }

    /// The model.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }
}

impl<const H: usize> Score for Mlp<'_, H> {
    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn levels(&self) -> usize {
        crate::Levels::count(&self.model.levels())
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        let Self { model, front, back } = self;
        let coefficients = model.levels().get(level);
        for (q, &x) in front.iter_mut().zip(x) {
            *q = quantize(coefficients.input_gain * x, model.input_limit());
        }
        if model.split() {
            let (whole, parts) = front.split_at_mut_checked(model.dim()).unwrap_or((&mut [], &mut []));
            for (part, q) in parts.iter_mut().zip(whole) {
                *part = *q >> 7;
            }
        }
        let (mut input, mut output) = (front, back);
        let mut condition = model.condition(level);
        if let Some((last, hidden)) = model.layers().split_last() {
            for layer in hidden {
                hidden_layer(layer, condition, input, output);
                core::mem::swap(&mut input, &mut output);
                condition = &[];
            }
            output_layer(last, condition, input, |j, sum, scale| {
                if let (Some(eps), Some(x)) = (eps.get_mut(j), x.get(j)) {
                    *eps = coefficients.skip * x + coefficients.output_gain * (sum as f32 * scale);
                }
            });
        }
    }
}

/// One hidden layer, in integers only.
fn hidden_layer(layer: &Layer<'_>, condition: &[u8], input: &[i16], output: &mut [i16]) {
    let sections = layer.sections();
    let input = input.get(..layer.inputs).unwrap_or(input);
    let weights = sections.weights.chunks((TILE * layer.inputs).max(1));
    for (tile, (weights, output)) in weights.zip(output.chunks_mut(TILE)).enumerate() {
        let sums = tile_sums(tile, weights, sections.biases, condition, input);
        for (i, (y, sum)) in output.iter_mut().zip(sums).enumerate() {
            let z = saturate16(rounded_high(sum, word(sections.scales, TILE * tile + i)));
            *y = activation(&sections.curve, z);
        }
    }
}

/// The last layer: calls `emit(j, sum_j, scale_j)` for every output.
fn output_layer(layer: &Layer<'_>, condition: &[u8], input: &[i16], mut emit: impl FnMut(usize, i32, f32)) {
    let sections = layer.sections();
    let input = input.get(..layer.inputs).unwrap_or(input);
    let weights = sections.weights.chunks((TILE * layer.inputs).max(1));
    for (tile, weights) in weights.enumerate() {
        let sums = tile_sums(tile, weights, sections.biases, condition, input);
        for (i, sum) in sums.into_iter().enumerate() {
            let j = TILE * tile + i;
            emit(j, sum, half_float(sections.scales, j));
        }
    }
}

/// Sums of the tile's outputs, those past the layer's end 0.
fn tile_sums(tile: usize, weights: &[u8], biases: &[u8], condition: &[u8], input: &[i16]) -> [i32; TILE] {
    let mut sums = [0; TILE];
    for (i, sum) in sums.iter_mut().enumerate() {
        let j = TILE * tile + i;
        *sum = word(biases, j).wrapping_add(word(condition, j));
    }
    dense(weights, input, &mut sums);
    sums
}
