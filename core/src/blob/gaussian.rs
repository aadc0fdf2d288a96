//! Restricted Boltzmann machines of real visible units.

use super::binary::{Header, header};
use super::check::is_standard;
use super::layout::{Cursor, check_prefix, float, word};
use super::write::encode;
use super::{Kind, MAX_COUNT, SHAPES};
use crate::Error;
use crate::gaussian_rbm::{MAX_NOISE, VISIBLE};

/// A checked machine.
#[derive(Clone, Debug)]
pub struct Gaussian<'a> {
    pub name: &'a str,
    pub shift: u32,
    pub visible: usize,
    pub hidden: usize,
    /// hidden, `i32`
    pub biases: &'a [u8],
    /// hidden × visible, `i8`
    pub weights: &'a [u8],
    /// visible, two `f32`: a and σ
    pub standard: &'a [u8],
}

impl<'a> Gaussian<'a> {
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let bytes = check_prefix(bytes)?;
        let (header, _, rest) = Header::read(bytes, Kind::GaussianRbm, &[Kind::GaussianRbm], VISIBLE)?;
        let good = |&n: &u16| (1..=MAX_COUNT).contains(&usize::from(n));
        let [visible, hidden] = *header.widths else {
            return Err(Error::Malformed("numbers of units"));
        };
        if !header.widths.iter().all(good) {
            return Err(Error::Malformed("numbers of units"));
        }
        let [visible, hidden] = [visible, hidden].map(usize::from);
        let mut cursor = Cursor(rest);
        let mut section = |length| cursor.section(length).ok_or(Error::Malformed(SHAPES));
        let (biases, weights) = (section(4 * hidden)?, section(hidden * visible)?);
        let standard = section(8 * visible)?;
        if !cursor.0.is_empty() {
            return Err(Error::Malformed(SHAPES));
        }
        let shift = header.shift.into();
        let machine = Self { name: header.name, shift, visible, hidden, biases, weights, standard };
        machine.check()?;
        Ok(machine)
    }

    /// That no sum of either direction can overflow, and the way to data is finite.
    fn check(&self) -> Result<(), Error> {
        if self.weights.contains(&0x80) {
            return Err(Error::Malformed("a weight out of its range"));
        }
        let weight = |i: usize, j: usize| self.weights.get(j * self.visible + i).map_or(0, |&w| w as i8);
        let magnitude = |i, j| i64::from(weight(i, j).unsigned_abs());
        for j in 0..self.hidden {
            let sum: i64 = (0..self.visible).map(|i| magnitude(i, j)).sum();
            let bias = i64::from(word(self.biases, j)).abs();
            // A half is added before it is rounded.
            if (sum << 15) + bias + (1 << VISIBLE << VISIBLE) > i64::from(i32::MAX) {
                return Err(Error::Malformed("a hidden unit's sum could overflow"));
            }
        }
        for i in 0..self.visible {
            let sum: i64 = (0..self.hidden).map(|j| magnitude(i, j)).sum();
            if (sum << (VISIBLE - self.shift)) + i64::from(MAX_NOISE) > i64::from(i16::MAX) {
                return Err(Error::Malformed("a visible unit's sum could overflow"));
            }
            let (a, sigma) = (float(self.standard, 2 * i), float(self.standard, 2 * i + 1));
            if !is_standard(a, sigma) {
                return Err(Error::Malformed("mean or scale"));
            }
        }
        Ok(())
    }
}

/// A Gaussian–Bernoulli restricted Boltzmann machine to be written.
#[derive(Clone, Copy, Debug)]
pub struct GaussianSource<'a> {
    /// At most [`NAME`](super::NAME) bytes.
    pub name: &'a str,
    /// s, 0…8: weights are in units of 2⁻ˢ, biases in units of 2⁻ˢ⁻⁸.
    pub shift: u8,
    /// a and σ, one pair per visible unit.
    pub standard: &'a [(f32, f32)],
    /// One per hidden unit.
    pub hidden_biases: &'a [i32],
    /// hidden × visible, row-major, in −127…127
    pub weights: &'a [i8],
}

impl GaussianSource<'_> {
    /// Writes the blob to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the size needed, or what
    /// [`GaussianRbm::from_bytes`](crate::GaussianRbm::from_bytes) finds wrong with it.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Error> {
        let widths = [self.standard.len(), self.hidden_biases.len()];
        let header = header(Kind::GaussianRbm, self.name, self.shift, widths.into_iter())?;
        let blob = encode(out, &header, |writer| {
            writer.section(self.hidden_biases.iter().map(|b| b.to_le_bytes()));
            writer.section(self.weights.iter().map(|w| w.to_le_bytes()));
            writer.section(self.standard.iter().flat_map(|&(a, sigma)| [a, sigma].map(f32::to_le_bytes)));
        })?;
        Gaussian::from_bytes(blob)?;
        Ok(blob.len())
    }
}
