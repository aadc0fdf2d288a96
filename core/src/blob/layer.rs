//! Dense layers as they lie in the blob.

use super::layout::{Cursor, padded, short};
use super::weights::{packed, weight, zipped};
use crate::activation::{Curve, TABLE};
use crate::kernel::TILE;

/// Bytes of an activation: table, shift, two slopes.
const CURVE: usize = 2 * TABLE + 6;

/// A matrix of integers.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub inputs: usize,
    pub outputs: usize,
    /// Of each weight: 8 or 4.
    pub bits: u8,
    /// In lanes of zipped rows.
    pub weights: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// The weight of an input to an output; 0 outside.
    pub fn weight(&self, output: usize, input: usize) -> i8 {
        let rows = zipped(self.bits);
        let lane = output / rows * 2 * self.inputs.div_ceil(2) + input;
        let (lanes, _) = self.weights.as_chunks();
        lanes.get(lane).map_or(0, |&lane| weight(self.bits, lane, output % rows) as i8)
    }

    /// The weights of a tile of outputs.
    pub fn tile(&self, tile: usize) -> &'a [u8] {
        let bytes = packed(self.bits, self.inputs, TILE);
        let weights = self.weights.get(bytes * tile..).unwrap_or_default();
        weights.get(..bytes).unwrap_or(weights)
    }
}

/// One dense layer.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    pub matrix: Matrix<'a>,
    /// outputs, `i32`, and those of the rows that fill up a group of zipped ones
    pub biases: &'a [u8],
    pub after: After<'a>,
}

/// What becomes of a layer's sums.
#[derive(Clone, Copy, Debug)]
pub enum After<'a> {
    /// Hidden layers: `multipliers`, outputs × `i32`, then the activation.
    Activation { multipliers: &'a [u8], curve: Curve<'a> },
    /// The last layer: outputs × `f16`.
    Scale { scales: &'a [u8] },
}

/// The layers in turn, cut out of their bytes.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    widths: &'a [u16],
    bits: &'a [u8],
    cursor: Cursor<'a>,
}

impl<'a> Layers<'a> {
    /// `bytes` has the length [`bytes`](Self::bytes) of these widths; of fewer, the layers that it has.
    pub fn new(widths: &'a [u16], bits: &'a [u8], bytes: &'a [u8]) -> Self {
        Self { widths, bits, cursor: Cursor(bytes) }
    }

    /// Bytes of all layers of these widths.
    pub fn bytes(widths: &[u16], bits: &[u8]) -> usize {
        let shapes = widths.iter().zip(widths.iter().skip(1)).zip(bits).enumerate();
        let sizes = shapes.map(|(i, ((&inputs, &outputs), &bits))| {
            let (inputs, outputs) = (usize::from(inputs), usize::from(outputs));
            let hidden = i + 2 < widths.len();
            let after = if hidden { padded(4 * outputs) + padded(CURVE) } else { padded(2 * outputs) };
            padded(packed(bits, inputs, outputs)) + padded(4 * outputs) + after
        });
        sizes.sum()
    }
}

impl<'a> Iterator for Layers<'a> {
    type Item = Layer<'a>;

    fn next(&mut self) -> Option<Layer<'a>> {
        let [inputs, rest @ ..] = self.widths else {
            return None;
        };
        let outputs = usize::from(*rest.first()?);
        let inputs = usize::from(*inputs);
        let [bits, others @ ..] = self.bits else {
            return None;
        };
        (self.widths, self.bits) = (rest, others);
        let weights = self.cursor.section(packed(*bits, inputs, outputs))?;
        let biases = self.cursor.section(4 * outputs.next_multiple_of(4))?;
        let after = if rest.len() > 1 {
            let multipliers = self.cursor.section(4 * outputs)?;
            let (table, ends) = self.cursor.section(CURVE)?.split_first_chunk()?;
            let [shift, left_slope, right_slope] = [0, 1, 2].map(|i| short(ends, i));
            let curve = Curve { table, shift: (shift & 15) as u32, left_slope, right_slope };
            After::Activation { multipliers, curve }
        } else {
            After::Scale { scales: self.cursor.section(2 * outputs)? }
        };
        Some(Layer { matrix: Matrix { inputs, outputs, bits: *bits, weights }, biases, after })
    }
}
