//! The dense kernel for many points at once: weights in blocks of sixteen rows, one for each lane of a vector.
//!
//! A word is 32 bits: of activations two `i16` or four `i8`, of weights as many. Word k
//! of a block holds word k of its sixteen rows, so that a sum needs no step across lanes:
//!
//! ```text
//! sums[row] += Σ_i weight_i·x_i     over the two or four i of a word, for all sixteen rows
//! ```
//!
//! Activations of 8 bits are kept plus [`OFFSET`]; the sums start at −OFFSET·Σw, which takes that out again.
//!
//! Rows and columns are padded to sixteen with weights of zero, so what the padding of x holds does not matter.

use crate::activation::{Curve, activation};
use crate::arith::{quantize, rounded_high, saturate16};
use alloc::vec::Vec;

/// What is added to activations of 8 bits: x86 multiplies unsigned by signed numbers, others signed by signed.
pub const OFFSET: u8 = if cfg!(target_arch = "x86_64") { 128 } else { 0 };
/// Rows of a block.
pub const ROWS: usize = 16;

/// A number for each row of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Block<T = i32>(pub [T; ROWS]);

/// How activations lie in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Two of 16 bits.
    Pairs,
    /// Four of 8 bits.
    Quads,
}

impl Format {
    /// Words of `columns` activations.
    pub fn words(self, columns: usize) -> usize {
        match self {
            Self::Pairs => columns.div_ceil(ROWS) * ROWS / 2,
            Self::Quads => columns.div_ceil(ROWS) * ROWS / 4,
        }
    }
}

/// The weights of a layer.
#[derive(Clone, Debug)]
pub struct Blocked {
    pub format: Format,
    /// Words of a row.
    pub words: usize,
    /// blocks × words
    pub weights: Vec<Block<u32>>,
}

impl Blocked {
    /// Of `rows` rows of `columns` weights `weight(row, column)`.
    pub fn new(format: Format, rows: usize, columns: usize, weight: impl Fn(usize, usize) -> i8) -> Self {
        let at = |row, column| if row < rows && column < columns { weight(row, column) } else { 0 };
        let word = |row, k| match format {
            Format::Pairs => join([0, 1].map(|i| i16::from(at(row, 2 * k + i)))),
            Format::Quads => u32::from_le_bytes([0, 1, 2, 3].map(|i| at(row, 4 * k + i) as u8)),
        };
        let words = format.words(columns);
        let block =
            |first: usize| (0..words).map(move |k| Block(core::array::from_fn(|i| word(first + i, k))));
        Self { format, words, weights: (0..rows).step_by(ROWS).flat_map(block).collect() }
    }

    /// What the offset of activations adds to the sum of a row.
    pub fn excess(&self, row: usize) -> i32 {
        if self.format == Format::Pairs {
            return 0;
        }
        let words = self.weights[row / ROWS * self.words..][..self.words].iter();
        let weights = words.flat_map(|block| block.0[row % ROWS].to_le_bytes());
        i32::from(OFFSET) * weights.map(|w| i32::from(w as i8)).sum::<i32>()
    }

    /// That the shapes are those of [`Unit::multiply`], on which units rely that go by pointers.
    pub fn assert_fits(&self, x: &[u32], start: &[Block], sums: &[Block]) {
        assert_eq!(self.weights.len(), start.len() * self.words, "a start for every block");
        assert_eq!(x.len() * start.len(), sums.len() * self.words, "sums for every point and block");
    }
}

/// Two numbers of 16 bits as a word.
fn join([low, high]: [i16; 2]) -> u32 {
    u32::from(low as u16) | u32::from(high as u16) << 16
}

/// The arithmetic of many points, as a vector unit has it. Every implementation gives the same bits.
pub trait Unit {
    /// For every point of `x`, each a row of `weights.words` words, the sums of all blocks on top of `start`.
    /// Shapes: `x` n × words, `start` blocks, `sums` n × blocks.
    fn multiply(&self, weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]);

    /// The next layer's activations from `sums`, n × blocks, in words of `format`.
    fn activate(
        &self,
        sums: &[Block],
        multipliers: &[Block],
        curve: &Curve<'_>,
        format: Format,
        y: &mut [u32],
    );

    /// The first layer's activations: round(gain·x) within ±limit, padded with zeros. `x` is n × dim.
    fn quantize(&self, x: &[f32], dim: usize, gain: f32, limit: i16, format: Format, y: &mut [u32]) {
        quantize_all(x, dim, format, y, |x, y| pack(x.map(|x| quantize(gain * x, limit)), format, y));
    }

    /// ε̂ = skip·x + gain·(sum·scale) with `gains` = (skip, gain); `x` and `eps` are n × dim.
    fn scale(
        &self,
        sums: &[Block],
        scales: &[Block<f32>],
        gains: (f32, f32),
        dim: usize,
        x: &[f32],
        eps: &mut [f32],
    ) {
        scale_all(sums, scales, gains, dim, x, eps);
    }
}

/// Plain Rust: the twin that every other unit must equal.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Unit for Portable {
    fn multiply(&self, weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
        let Blocked { format, words, weights: blocks } = weights;
        for (x, sums) in x.chunks_exact(*words).zip(sums.chunks_exact_mut(start.len())) {
            for ((sums, start), weights) in sums.iter_mut().zip(start).zip(blocks.chunks_exact(*words)) {
                *sums = *start;
                for (weights, &x) in weights.iter().zip(x) {
                    for (sum, &w) in sums.0.iter_mut().zip(&weights.0) {
                        *sum = sum.wrapping_add(dot(*format, w, x));
                    }
                }
            }
        }
    }

    fn activate(
        &self,
        sums: &[Block],
        multipliers: &[Block],
        curve: &Curve<'_>,
        format: Format,
        y: &mut [u32],
    ) {
        let sums = with_multipliers(sums, multipliers);
        for ((sums, multipliers), y) in sums.zip(y.chunks_exact_mut(format.words(ROWS))) {
            let z = |i: usize| saturate16(rounded_high(sums.0[i], multipliers.0[i]));
            pack(core::array::from_fn(|i| activation(curve, z(i).into())), format, y);
        }
    }
}

/// Products of a word of weights and a word of activations.
fn dot(format: Format, w: u32, x: u32) -> i32 {
    match format {
        Format::Pairs => {
            let product = |shift: u32| i32::from((w >> shift) as i16) * i32::from((x >> shift) as i16);
            product(0).wrapping_add(product(16))
        }
        Format::Quads => {
            let x = x.to_le_bytes().map(|x| i32::from((x ^ OFFSET) as i8) + i32::from(OFFSET));
            let product = |i: usize| i32::from(w.to_le_bytes()[i] as i8) * x[i];
            product(0) + product(1) + product(2) + product(3)
        }
    }
}

/// Sixteen activations into words.
#[inline(always)]
fn pack(values: [i16; ROWS], format: Format, y: &mut [u32]) {
    match format {
        Format::Pairs => y.iter_mut().zip(values.as_chunks().0).for_each(|(y, &pair)| *y = join(pair)),
        Format::Quads => {
            for (y, &quad) in y.iter_mut().zip(values.as_chunks::<4>().0) {
                *y = u32::from_le_bytes(quad.map(|v| v as u8 ^ OFFSET));
            }
        }
    }
}

/// The sums of all points, each block beside its multipliers.
#[inline(always)]
pub fn with_multipliers<'a>(
    sums: &'a [Block],
    multipliers: &'a [Block],
) -> impl Iterator<Item = (&'a Block, &'a Block)> {
    sums.chunks_exact(multipliers.len()).flat_map(move |sums| sums.iter().zip(multipliers))
}

/// [`Unit::quantize`] by sixteen values at a time.
#[inline(always)]
pub fn quantize_all(
    x: &[f32],
    dim: usize,
    format: Format,
    y: &mut [u32],
    sixteen: impl Fn(&[f32; ROWS], &mut [u32]),
) {
    for (x, y) in x.chunks_exact(dim).zip(y.chunks_exact_mut(format.words(dim))) {
        let (whole, rest) = x.as_chunks();
        let mut last = [0.0; ROWS];
        last[..rest.len()].copy_from_slice(rest);
        let words = y.chunks_exact_mut(format.words(ROWS));
        whole.iter().chain([&last]).zip(words).for_each(|(x, y)| sixteen(x, y));
    }
}

/// [`Unit::scale`], compiled for the unit that calls it.
#[inline(always)]
pub fn scale_all(
    sums: &[Block],
    scales: &[Block<f32>],
    (skip, gain): (f32, f32),
    dim: usize,
    x: &[f32],
    eps: &mut [f32],
) {
    let points = sums.chunks_exact(scales.len()).zip(x.chunks_exact(dim)).zip(eps.chunks_exact_mut(dim));
    for ((sums, x), eps) in points {
        let blocks = sums.iter().zip(scales).zip(x.chunks(ROWS)).zip(eps.chunks_mut(ROWS));
        for (((sums, scales), x), eps) in blocks {
            for (((&sum, &scale), &x), eps) in sums.0.iter().zip(&scales.0).zip(x).zip(eps) {
                let f = sum as f32 * scale;
                *eps = skip * x + gain * f;
            }
        }
    }
}
