//! Models of binary units: one or a stack of restricted Boltzmann machines, and Boltzmann machines with lateral weights.

use super::layout::{Cursor, Widths, check_prefix, padded, take_header, word};
use super::write::encode;
use super::{Kind, MAX_COUNT, NAME, SHAPES};
use crate::Error;
use crate::rbm::{Connections, Rbm, packed, shuffled};
use crate::sigmoid::FRACTION;
use serde::{Deserialize, Serialize};

/// Largest magnitude of a sum of weights and bias of a restricted machine: two of them share a word. As a bias its
/// negative keeps a missing unit off.
const MAX_SUM: i32 = i16::MAX as i32;
/// Largest magnitude of a bias of a machine with lateral weights.
const MAX_BIAS: i32 = 1 << 20;

/// The header, in postcard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header<'a> {
    kind: u8,
    pub name: &'a str,
    pub shift: u8,
    /// Of a stack, from the visible units up; of other machines the visible and the hidden ones.
    pub widths: Widths,
}

impl<'a> Header<'a> {
    /// The header of one of these kinds, with at most this shift, and what follows it; `asked` is what an error names.
    pub fn read(
        bytes: &'a [u8],
        asked: Kind,
        kinds: &[Kind],
        most: u32,
    ) -> Result<(Self, Kind, &'a [u8]), Error> {
        let (header, found, rest) = take_header::<Self>(bytes, asked, kinds)?;
        if header.name.len() > NAME {
            return Err(Error::Malformed("name longer than 32 bytes"));
        }
        if u32::from(header.shift) > most {
            return Err(Error::Malformed("shift of the weights"));
        }
        Ok((header, found, rest))
    }
}

/// A checked stack of restricted Boltzmann machines.
#[derive(Clone, Debug)]
pub struct Stack<'a> {
    header: Header<'a>,
    kind: Kind,
    layers: &'a [u8],
}

impl<'a> Stack<'a> {
    /// `asked` is what an error names.
    pub fn from_bytes(bytes: &'a [u8], asked: Kind) -> Result<Self, Error> {
        let bytes = check_prefix(bytes)?;
        let (header, kind, layers) = Header::read(bytes, asked, &[Kind::Rbm, Kind::Dbn], FRACTION)?;
        let good = |&n: &u16| (1..=MAX_COUNT).contains(&usize::from(n));
        let right = if kind == Kind::Rbm { header.widths.len() == 2 } else { header.widths.len() > 2 };
        if !right || !header.widths.iter().all(good) {
            return Err(Error::Malformed("numbers of units"));
        }
        let stack = Self { header, kind, layers };
        let needed = (0..stack.layers()).map(|i| stack.bytes(i)).sum::<usize>();
        if layers.len() != needed {
            return Err(Error::Malformed(SHAPES));
        }
        (0..stack.layers()).filter_map(|i| stack.layer(i)).try_for_each(|rbm| check(&rbm))?;
        Ok(stack)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn name(&self) -> &str {
        self.header.name
    }

    pub fn widths(&self) -> impl Iterator<Item = usize> {
        self.header.widths.iter().copied().map(usize::from)
    }

    pub fn layers(&self) -> usize {
        self.header.widths.len().saturating_sub(1)
    }

    /// Visible and hidden units of a machine.
    fn shape(&self, i: usize) -> (usize, usize) {
        let width = |i| self.header.widths.get(i).copied().map_or(0, usize::from);
        (width(i), width(i + 1))
    }

    fn bytes(&self, i: usize) -> usize {
        let (visible, hidden) = self.shape(i);
        let (v, h) = (in_fours(visible), in_fours(hidden));
        padded(2 * v) + padded(2 * h) + padded(visible * h) + padded(hidden * v)
    }

    /// A machine of the stack, counted from the visible units.
    pub fn layer(&self, i: usize) -> Option<Rbm<'a>> {
        let before = (0..i).map(|i| self.bytes(i)).sum::<usize>();
        let mut cursor = Cursor(self.layers.get(before..)?);
        let (visible, hidden) = self.shape(i);
        let (v, h) = (in_fours(visible), in_fours(hidden));
        let (a, b) = (cursor.section(2 * v)?, cursor.section(2 * h)?);
        let (up, down) = (cursor.section(visible * h)?, cursor.section(hidden * v)?);
        let shift = u32::from(self.header.shift);
        Some(Rbm {
            up: Connections { shape: (visible, hidden), weights: up, biases: b, shift },
            down: Connections { shape: (hidden, visible), weights: down, biases: a, shift },
        })
    }

    /// The highest machine.
    pub fn top(&self) -> Rbm<'a> {
        let empty = Connections { shape: (0, 0), weights: &[], biases: &[], shift: 0 };
        self.layer(self.layers().saturating_sub(1)).unwrap_or(Rbm { up: empty, down: empty })
    }
}

/// Units of a layer and those that fill up its last four.
fn in_fours(units: usize) -> usize {
    units.next_multiple_of(4)
}

/// That no sum of either direction can overflow, missing units stay off, and both directions have the same weights.
fn check(rbm: &Rbm<'_>) -> Result<(), Error> {
    for way in [&rbm.up, &rbm.down] {
        let (inputs, outputs) = way.shape;
        for j in 0..in_fours(outputs) {
            let sum: i32 = (0..inputs).map(|i| way.weight(i, j).abs()).sum();
            let bias = way.bias(j);
            if j < outputs && sum + bias.abs() > MAX_SUM {
                return Err(Error::Malformed("a unit's sum could overflow"));
            }
            if j >= outputs && (sum, bias) != (0, -MAX_SUM) {
                return Err(Error::Malformed("padding of units"));
            }
        }
        if way.weights.contains(&0) {
            return Err(Error::Malformed("a weight out of its range"));
        }
    }
    let turned = Rbm { up: rbm.down, down: rbm.up };
    for i in 0..rbm.visible() {
        if (0..rbm.hidden()).any(|j| rbm.weight(i, j) != turned.weight(j, i)) {
            return Err(Error::Malformed("weights of both directions"));
        }
    }
    Ok(())
}

/// A checked Boltzmann machine.
#[derive(Clone, Debug)]
pub struct Lateral<'a> {
    pub name: &'a str,
    pub shift: u32,
    pub visible: usize,
    pub units: usize,
    /// units × units, `i8`, symmetric
    pub weights: &'a [u8],
    /// units, `i32`
    pub biases: &'a [u8],
}

impl<'a> Lateral<'a> {
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let bytes = check_prefix(bytes)?;
        let (header, _, rest) =
            Header::read(bytes, Kind::BoltzmannMachine, &[Kind::BoltzmannMachine], FRACTION)?;
        let [visible, hidden] = *header.widths else {
            return Err(Error::Malformed("numbers of units"));
        };
        let (visible, units) = (usize::from(visible), usize::from(visible) + usize::from(hidden));
        if visible == 0 || units > MAX_COUNT {
            return Err(Error::Malformed("numbers of units"));
        }
        let mut cursor = Cursor(rest);
        let biases = cursor.section(4 * units).ok_or(Error::Malformed(SHAPES))?;
        let weights = cursor.section(units * units).ok_or(Error::Malformed(SHAPES))?;
        if !cursor.0.is_empty() {
            return Err(Error::Malformed(SHAPES));
        }
        let machine = Self { name: header.name, shift: header.shift.into(), visible, units, weights, biases };
        machine.check()?;
        Ok(machine)
    }

    /// At most 2¹² weights of 7 bits and a bias of 20: no sum can overflow.
    fn check(&self) -> Result<(), Error> {
        if (0..self.units).any(|i| !(-MAX_BIAS..=MAX_BIAS).contains(&word(self.biases, i))) {
            return Err(Error::Malformed("bias of a unit"));
        }
        let weight = |i: usize, j: usize| self.weights.get(i * self.units + j).copied().unwrap_or(0);
        for i in 0..self.units {
            if weight(i, i) != 0 || (0..i).any(|j| weight(i, j) != weight(j, i)) {
                return Err(Error::Malformed("weights of both directions"));
            }
        }
        if self.weights.contains(&0x80) {
            return Err(Error::Malformed("a weight out of its range"));
        }
        Ok(())
    }
}

/// A restricted Boltzmann machine to be written.
#[derive(Clone, Copy, Debug)]
pub struct RbmSource<'a> {
    /// One per visible unit; all numbers are in units of 2^−shift.
    pub visible_biases: &'a [i32],
    /// One per hidden unit.
    pub hidden_biases: &'a [i32],
    /// visible × hidden, row-major, in −127…127
    pub weights: &'a [i8],
}

/// A stack of them to be written; of one, an [`Rbm`].
#[derive(Clone, Copy, Debug)]
pub struct StackSource<'a> {
    /// At most [`NAME`] bytes.
    pub name: &'a str,
    /// 0…6
    pub shift: u8,
    /// From the visible units up.
    pub layers: &'a [RbmSource<'a>],
}

impl StackSource<'_> {
    /// Writes the blob to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the size needed, or what [`Dbn::from_bytes`](crate::Dbn::from_bytes) finds wrong with it.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Error> {
        let all = self.layers.iter().flat_map(|layer| layer.visible_biases.iter().chain(layer.hidden_biases));
        if all.into_iter().any(|bias| !(-MAX_SUM..=MAX_SUM).contains(bias)) {
            return Err(Error::Malformed("a unit's sum could overflow"));
        }
        let kind = if self.layers.len() == 1 { Kind::Rbm } else { Kind::Dbn };
        let visible = self.layers.first().map_or(0, |layer| layer.visible_biases.len());
        let hidden = self.layers.iter().map(|layer| layer.hidden_biases.len());
        let meet = |(above, below): (&RbmSource<'_>, &RbmSource<'_>)| {
            above.visible_biases.len() == below.hidden_biases.len()
        };
        if !self.layers.iter().skip(1).zip(self.layers).all(meet) {
            return Err(Error::Malformed("layers that do not meet"));
        }
        let header = header(kind, self.name, self.shift, core::iter::once(visible).chain(hidden))?;
        let blob = encode(out, &header, |writer| {
            for RbmSource { visible_biases, hidden_biases, weights } in self.layers {
                let (visible, hidden) = (visible_biases.len(), hidden_biases.len());
                writer.section(biases(visible_biases));
                writer.section(biases(hidden_biases));
                writer.section(rows(visible, hidden, |i, j| weights.get(hidden * i + j)));
                writer.section(rows(hidden, visible, |j, i| weights.get(hidden * i + j)));
            }
        })?;
        Stack::from_bytes(blob, kind)?;
        Ok(blob.len())
    }
}

/// A Boltzmann machine to be written.
#[derive(Clone, Copy, Debug)]
pub struct BoltzmannSource<'a> {
    /// At most [`NAME`] bytes.
    pub name: &'a str,
    /// 0…6
    pub shift: u8,
    /// The first units are visible.
    pub visible: usize,
    /// One per unit, in units of 2^−shift.
    pub biases: &'a [i32],
    /// units × units, symmetric, in −127…127, none from a unit to itself
    pub weights: &'a [i8],
}

impl BoltzmannSource<'_> {
    /// Writes the blob to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// As [`StackSource::encode`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Error> {
        let hidden = self.biases.len().saturating_sub(self.visible);
        let header =
            header(Kind::BoltzmannMachine, self.name, self.shift, [self.visible, hidden].into_iter())?;
        let blob = encode(out, &header, |writer| {
            writer.section(self.biases.iter().map(|b| b.to_le_bytes()));
            writer.section(self.weights.iter().map(|w| w.to_le_bytes()));
        })?;
        Lateral::from_bytes(blob)?;
        Ok(blob.len())
    }
}

pub fn header(
    kind: Kind,
    name: &str,
    shift: u8,
    units: impl Iterator<Item = usize>,
) -> Result<Header<'_>, Error> {
    let mut widths = Widths::new();
    for units in units {
        let units = u16::try_from(units).map_err(|_| Error::Malformed("numbers of units"))?;
        widths.push(units).map_err(|_| Error::Malformed("too many layers"))?;
    }
    Ok(Header { kind: kind as u8, name, shift, widths })
}

/// In pairs, with those of the units that fill up the last four.
fn biases(biases: &[i32]) -> impl Iterator<Item = [u8; 4]> {
    let at = |i| biases.get(i).copied().unwrap_or(-MAX_SUM);
    (0..in_fours(biases.len()) / 2).map(move |k| packed(at(2 * k), at(2 * k + 1)).to_le_bytes())
}

/// Bytes as [`Connections`] has them.
fn rows<'a>(
    inputs: usize,
    outputs: usize,
    weight: impl Fn(usize, usize) -> Option<&'a i8>,
) -> impl Iterator<Item = [u8; 1]> {
    (0..inputs * in_fours(outputs)).map(move |k| {
        let (i, byte) = (k / in_fours(outputs), k % in_fours(outputs));
        let j = byte / 4 * 4 + shuffled(byte % 4);
        let weight = weight(i, j).filter(|_| j < outputs);
        [(i32::from(weight.copied().unwrap_or(0)) + 128) as u8]
    })
}
