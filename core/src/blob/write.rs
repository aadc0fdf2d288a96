//! Writing a model.

use super::layout::{ALIGN, Bits, Header, MAGIC, StoredHead, Widths, checksum};
use super::stored_plan::step_bytes;
use super::weights::lanes;
use super::{FORMAT, Kind, Level, Model, NAME};
use crate::activation::TABLE;
use crate::arith::ARITHMETIC;
use crate::codec::Codec;
use crate::{Detector, Error, Plan};
use half::f16;
use serde::Serialize;

/// What a layer does with its sums.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// Requantize by one multiplier per output, in units of 2⁻³², then the activation table.
    Hidden {
        /// One per output.
        multipliers: &'a [i32],
        /// Activation at the pre-activations −128·2^shift, −127·2^shift, …, 128·2^shift.
        table: &'a [i16; TABLE],
        /// 0…8
        shift: u16,
        /// Slopes below and above the table, in units of 2⁻¹⁴.
        slopes: [i16; 2],
    },
    /// Scale to floats.
    Output {
        /// One per output.
        scales: &'a [f16],
    },
}

/// A dense layer to be written.
#[derive(Clone, Copy, Debug)]
pub struct LayerSource<'a> {
    /// Of each weight: 8 or 4.
    pub bits: u8,
    /// outputs × inputs, row-major, in −127…127 or −7…7
    pub weights: &'a [i8],
    /// One per output, in units of the sums.
    pub biases: &'a [i32],
    /// What follows the sums.
    pub stage: Stage<'a>,
}

/// A linear codec to be written.
#[derive(Clone, Copy, Debug)]
pub struct CodecSource<'a> {
    /// Of each weight: 8 or 4.
    pub bits: u8,
    /// Integers per unit of a latent; positive.
    pub gain: f32,
    /// data dimensions × latents, row-major, in −127…127 or −7…7
    pub weights: &'a [i8],
}

/// A model to be written.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// At most [`NAME`](super::NAME) bytes.
    pub name: &'a str,
    /// dim, hidden widths, dim; 1 at the end of an energy network
    pub widths: &'a [usize],
    /// Saturation of the first layer's integers.
    pub input_limit: i16,
    /// From the largest σ down.
    pub levels: &'a [Level],
    /// levels × first width: what each level adds to the first layer's sums.
    pub conditions: &'a [i32],
    /// classes × first width: what each class adds to the first layer's sums.
    pub classes: &'a [i32],
    /// What is an anomaly; of count 0 for none.
    pub detector: Detector,
    /// One per pair of widths.
    pub layers: &'a [LayerSource<'a>],
    /// From the network's latents to the data, if it has any.
    pub codec: Option<CodecSource<'a>>,
    /// Per data dimension.
    pub mean: &'a [f32],
    /// Per data dimension.
    pub scale: &'a [f32],
}

impl Source<'_> {
    /// Writes the model with `plan` stored in it to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the size needed, or what [`Model::from_bytes`] finds wrong with it.
    pub fn encode(&self, plan: &impl Plan, out: &mut [u8]) -> Result<usize, Error> {
        let blob = encode(out, &self.header(plan, Kind::Score)?, |writer| self.sections(plan, writer))?;
        Model::from_bytes(blob)?;
        Ok(blob.len())
    }

    pub(super) fn header(&self, plan: &impl Plan, kind: Kind) -> Result<Header<'_>, Error> {
        let small = |n: usize| u16::try_from(n).map_err(|_| Error::Malformed("a count above 4096"));
        let mut widths = Widths::new();
        for &width in self.widths {
            widths.push(small(width)?).map_err(|_| Error::Malformed("too many layers"))?;
        }
        let mut bits = Bits::new();
        for layer in self.layers {
            bits.push(layer.bits).map_err(|_| Error::Malformed("too many layers"))?;
            in_range(layer.bits, layer.weights)?;
        }
        let codec = match self.codec {
            Some(CodecSource { bits, gain, weights }) => {
                in_range(bits, weights)?;
                Some(Codec { outputs: small(self.mean.len())?, bits, gain })
            }
            None => None,
        };
        if self.name.len() > NAME {
            return Err(Error::Malformed("name longer than 32 bytes"));
        }
        Ok(Header {
            kind: kind as u8,
            name: self.name,
            widths,
            bits,
            input_limit: self.input_limit.unsigned_abs(),
            levels: small(self.levels.len())?,
            classes: small(self.classes.len() / self.widths.get(1).copied().unwrap_or(1).max(1))?,
            codec,
            detector: self.detector,
            plan: StoredHead {
                rows: small(plan.rows())?,
                history: plan.history() as u8,
                prior: plan.prior(),
            },
        })
    }

    pub(super) fn sections(&self, plan: &impl Plan, writer: &mut Writer<'_>) {
        writer.section(self.levels.iter().flat_map(|level| {
            let Level { sigma, input_gain, skip, output_gain, power, bias, variance } = *level;
            [sigma, input_gain, skip, output_gain, power, bias, variance].map(f32::to_le_bytes)
        }));
        writer.section(self.conditions.iter().map(|c| c.to_le_bytes()));
        writer.section(self.classes.iter().map(|c| c.to_le_bytes()));
        let shapes = self.widths.iter().zip(self.widths.iter().skip(1));
        for (layer, (&inputs, &outputs)) in self.layers.iter().zip(shapes) {
            let at = |row, column| from_matrix(layer.weights, inputs, row, column);
            writer.section(lanes(layer.bits, inputs, outputs, at));
            writer.section(layer.biases.iter().map(|b| b.to_le_bytes()));
            match layer.stage {
                Stage::Hidden { multipliers, table, shift, slopes } => {
                    writer.section(multipliers.iter().map(|m| m.to_le_bytes()));
                    let ends = [shift as i16, slopes[0], slopes[1]];
                    writer.section(table.iter().chain(&ends).map(|y| y.to_le_bytes()));
                }
                Stage::Output { scales } => writer.section(scales.iter().map(|s| s.to_le_bytes())),
            }
        }
        if let Some(CodecSource { bits, weights, .. }) = self.codec {
            let latents = self.widths.first().copied().unwrap_or(0);
            let at = |row, column| from_matrix(weights, latents, row, column);
            writer.section(lanes(bits, latents, self.mean.len(), at));
        }
        let standard = self.mean.iter().zip(self.scale);
        writer.section(standard.flat_map(|(m, s)| [m.to_le_bytes(), s.to_le_bytes()]));
        writer.section((0..plan.rows()).map(|row| step_bytes(&plan.step(row))));
    }
}

/// Writes prefix, header and sections to the start of `out`; the blob.
pub(super) fn encode<'o>(
    out: &'o mut [u8],
    header: &impl Serialize,
    sections: impl FnOnce(&mut Writer<'_>),
) -> Result<&'o [u8], Error> {
    let mut buffer = [0; 128];
    let header = postcard::to_slice(header, &mut buffer).map_err(|_| Error::Malformed("header"))?;
    let have = out.len();
    let mut writer = Writer { out, at: 0 };
    writer.put(&MAGIC);
    for version in [FORMAT, ARITHMETIC] {
        writer.put(&version.to_le_bytes());
    }
    writer.put(&[0; 8]); // length and checksum, filled in at the end
    writer.put(&(header.len() as u32).to_le_bytes());
    writer.put(header);
    writer.pad();
    sections(&mut writer);
    let Writer { out, at: needed } = writer;
    let Some(blob) = out.get_mut(..needed) else {
        return Err(Error::Buffer { needed, have });
    };
    blob[12..16].copy_from_slice(&(needed as u32).to_le_bytes());
    let crc = checksum(blob);
    blob[16..20].copy_from_slice(&crc.to_le_bytes());
    Ok(blob)
}

/// An entry of a row-major matrix; 0 outside.
pub(super) fn from_matrix(weights: &[i8], columns: usize, row: usize, column: usize) -> i8 {
    weights.get(row * columns + column).copied().unwrap_or(0)
}

/// Whether all weights fit their bits.
fn in_range(bits: u8, weights: &[i8]) -> Result<(), Error> {
    let largest = if bits == 4 { 7 } else { 127 };
    if weights.iter().any(|w| w.unsigned_abs() > largest) {
        return Err(Error::Malformed("a weight out of its range"));
    }
    Ok(())
}

/// Writes as far as the buffer goes and counts on, so that the size needed is known.
pub(super) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(to) = self.out.get_mut(self.at..end) {
            to.copy_from_slice(bytes);
        }
        self.at = end;
    }

    fn pad(&mut self) {
        while !self.at.is_multiple_of(ALIGN) {
            self.put(&[0]);
        }
    }

    pub fn section<const N: usize>(&mut self, items: impl Iterator<Item = [u8; N]>) {
        items.for_each(|item| self.put(&item));
        self.pad();
    }
}
