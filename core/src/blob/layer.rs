//! Dense layers as they lie in the blob.

use super::layout::{Cursor, padded, short};
use crate::activation::{Curve, TABLE};

/// Bytes of an activation: table, shift, two slopes.
const CURVE: usize = 2 * TABLE + 6;

/// One dense layer; its sections are cut out when it is used.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    pub inputs: usize,
    pub outputs: usize,
    pub hidden: bool,
    pub bytes: &'a [u8],
}

/// The sections of a layer.
pub struct Sections<'a> {
    /// outputs × inputs, `i8`
    pub weights: &'a [u8],
    /// outputs, `i32`
    pub biases: &'a [u8],
    /// hidden: outputs × `i32` multipliers; last: outputs × `f16` scales
    pub scales: &'a [u8],
    /// hidden: the activation
    pub curve: Curve<'a>,
}

/// Bytes of all sections of a layer, each padded.
pub fn layer_bytes(inputs: usize, outputs: usize, hidden: bool) -> usize {
    let scales = if hidden { padded(4 * outputs) + padded(CURVE) } else { padded(2 * outputs) };
    padded(outputs * inputs) + padded(4 * outputs) + scales
}

impl<'a> Layer<'a> {
    pub fn sections(&self) -> Sections<'a> {
        static NO_TABLE: [u8; 2 * TABLE] = [0; 2 * TABLE];
        let mut cursor = Cursor(self.bytes);
        let weights = cursor.section(self.outputs * self.inputs);
        let biases = cursor.section(4 * self.outputs);
        let scales = cursor.section(if self.hidden { 4 } else { 2 } * self.outputs);
        let curve = cursor.section(CURVE);
        let (table, rest) = curve.split_first_chunk().unwrap_or((&NO_TABLE, &[]));
        let [shift, left_slope, right_slope] = [0, 1, 2].map(|i| short(rest, i));
        let curve = Curve { table, shift: (shift & 15) as u32, left_slope, right_slope };
        Sections { weights, biases, scales, curve }
    }
}
