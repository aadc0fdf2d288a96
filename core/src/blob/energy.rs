//! Energy networks: a network of one output, and its matrices turned round for the way back.

use super::check::sum_of_weights;
use super::layer::Matrix;
use super::layout::{Cursor, check_prefix, float};
use super::weights::{lanes, packed, zipped};
use super::write::{Writer, encode, from_matrix};
use super::{Kind, Model, SHAPES, Source};
use crate::{Error, Plan};

/// Least and largest unit of an energy.
const UNITS: (f32, f32) = (1e-20, 1e20);

/// A checked energy network, borrowing its blob's bytes: a [`Model`] of one output, and what leads back from it.
#[derive(Clone, Debug)]
pub struct EnergyModel<'a> {
    model: Model<'a>,
    unit: f32,
    top: &'a [u8],
    backward: &'a [u8],
}

/// A layer turned round: from the derivatives by its outputs to those by its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    pub matrix: Matrix<'a>,
    /// Rows × `i32`; none for the first layer, whose sums are the result.
    pub multipliers: &'a [u8],
}

impl<'a> EnergyModel<'a> {
    /// Reads and checks an energy network. Bytes after its end are ignored.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let (model, mut rest) = Model::cut(check_prefix(bytes)?, Kind::Energy)?;
        let last = model.header.widths.iter().rev().nth(1).copied().map_or(0, usize::from);
        let mut section = |len| rest.section(len).ok_or(Error::Malformed(SHAPES));
        let (unit, top) = (float(section(4)?, 0), section(2 * last)?);
        let energy = Self { model, unit, top, backward: rest.0 };
        energy.model.check()?;
        energy.check()?;
        Ok(energy)
    }

    /// What it has in common with a score network: name, noise levels, stored plan, units of the data.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// Entries of scratch memory that a network for this model needs: [`Model::scratch`], and one for each hidden unit.
    pub fn scratch(&self) -> usize {
        self.model.scratch() + self.layers().map(|layer| layer.matrix.inputs).sum::<usize>()
    }

    /// Multiply–accumulate operations of the energy and its gradient together.
    pub fn macs(&self) -> usize {
        self.model.macs()
            + self.layers().map(|layer| layer.matrix.inputs * layer.matrix.outputs).sum::<usize>()
    }

    /// What 1 of the network's number stands for, before output gain over input gain.
    pub(crate) fn unit(&self) -> f32 {
        self.unit
    }

    /// The derivatives by the last hidden units, `i16`.
    pub(crate) fn top(&self) -> &'a [u8] {
        self.top
    }

    /// The layers turned round, from the last hidden one to the first.
    pub(crate) fn layers(&self) -> Layers<'_> {
        let [widths @ .., _] = &*self.model.header.widths else {
            return Layers { widths: &[], bits: &[], cursor: Cursor(&[]) };
        };
        Layers { widths, bits: &self.model.header.bits, cursor: Cursor(self.backward) }
    }

    /// That the way back is that of the network, and that no sum can overflow.
    fn check(&self) -> Result<(), Error> {
        if !(UNITS.0..=UNITS.1).contains(&self.unit) {
            return Err(Error::Malformed("unit of energies"));
        }
        let mut layers = self.layers();
        for i in (0..self.model.header.widths.len().saturating_sub(2)).rev() {
            let (back, forward) = (layers.next(), self.model.layers().nth(i));
            let (Some(Backward { matrix, .. }), Some(layer)) = (back, forward) else {
                return Err(Error::Malformed(SHAPES));
            };
            for row in 0..matrix.outputs.next_multiple_of(zipped(matrix.bits)) {
                // Derivatives have 16 bits.
                let largest = sum_of_weights(&matrix, row)?.checked_mul(1 << 15);
                if largest.is_none_or(|sum| sum > i32::MAX as u32) {
                    return Err(Error::Malformed("a derivative's sum could overflow"));
                }
            }
            let differ = |row| {
                (0..matrix.inputs)
                    .any(|column| matrix.weight(row, column) != layer.matrix.weight(column, row))
            };
            if (0..matrix.outputs).any(differ) {
                return Err(Error::Malformed("weights of the way back"));
            }
        }
        if layers.cursor.0.is_empty() { Ok(()) } else { Err(Error::Malformed(SHAPES)) }
    }
}

/// The layers turned round in turn, cut out of their bytes.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    /// From the data to the outputs of the next one.
    widths: &'a [u16],
    bits: &'a [u8],
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Layers<'a> {
    type Item = Backward<'a>;

    fn next(&mut self) -> Option<Backward<'a>> {
        let [rest @ .., inputs] = self.widths else {
            return None;
        };
        let (inputs, outputs) = (usize::from(*inputs), usize::from(*rest.last()?));
        let bits = *self.bits.get(rest.len() - 1)?;
        self.widths = rest;
        let weights = self.cursor.section(packed(bits, inputs, outputs))?;
        let words = if rest.len() > 1 { outputs } else { 0 };
        let multipliers = self.cursor.section(4 * words)?;
        Some(Backward { matrix: Matrix { inputs, outputs, bits, weights }, multipliers })
    }
}

/// An energy network to be written.
#[derive(Clone, Debug)]
pub struct EnergySource<'a> {
    /// Everything but the way back; the last of its widths is 1.
    pub network: Source<'a>,
    /// What 1 of the network's number stands for, before output gain over input gain.
    pub unit: f32,
    /// The derivatives by the last hidden units.
    pub top: &'a [i16],
    /// For each hidden layer but the last, from below: one multiplier per unit, in units of 2⁻³².
    pub multipliers: &'a [&'a [i32]],
}

impl EnergySource<'_> {
    /// Writes the model with `plan` stored in it to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the size needed, or what [`EnergyModel::from_bytes`] finds wrong with it.
    pub fn encode(&self, plan: &impl Plan, out: &mut [u8]) -> Result<usize, Error> {
        let header = self.network.header(plan, Kind::Energy)?;
        let blob = encode(out, &header, |writer| {
            self.network.sections(plan, writer);
            self.sections(writer);
        })?;
        EnergyModel::from_bytes(blob)?;
        Ok(blob.len())
    }

    fn sections(&self, writer: &mut Writer<'_>) {
        writer.section([self.unit.to_le_bytes()].into_iter());
        writer.section(self.top.iter().map(|d| d.to_le_bytes()));
        let Source { widths, layers, .. } = self.network;
        let hidden = layers.len().saturating_sub(1);
        let shapes = widths.iter().zip(widths.iter().skip(1));
        for (i, (layer, (&inputs, &outputs))) in layers.iter().zip(shapes).enumerate().take(hidden).rev() {
            let turned = |row, column| from_matrix(layer.weights, inputs, column, row);
            writer.section(lanes(layer.bits, outputs, inputs, turned));
            let below = i.checked_sub(1).and_then(|i| self.multipliers.get(i).copied());
            writer.section(below.unwrap_or_default().iter().map(|m| m.to_le_bytes()));
        }
    }
}
