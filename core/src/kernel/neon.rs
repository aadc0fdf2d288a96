//! NEON: a block is four registers of four rows.
//!
//! ```text
//! Pairs   LD2 parts the two columns of eight rows; SMLAL, SMLAL2 by element multiply four rows by one activation
//! Quads   SDOT by element, where the machine has it: four rows by four activations
//! ```
//!
//! A tile of one block and 5 points keeps 20 registers of sums; one point alone takes 4 blocks, to hide the latency of
//! its sums. 16 products take four SMLAL or one SDOT and, in a tile, a fifth of the loads of weights.

#![allow(unsafe_code)]

use super::blocked::{Block, Blocked, Format, Portable, ROWS, Unit};
use crate::activation::Curve;
use core::arch::aarch64::*;
use core::arch::asm;
use core::array::from_fn;
use std::arch::is_aarch64_feature_detected;
use std::vec::Vec;

/// A machine that has these instructions.
#[derive(Clone, Copy, Debug)]
pub struct Neon {
    dotprod: bool,
}

impl Neon {
    /// With and without the dot product, if this machine has it.
    pub fn available() -> Vec<Self> {
        let dotprod = is_aarch64_feature_detected!("dotprod").then_some(Self { dotprod: true });
        dotprod.into_iter().chain([Self { dotprod: false }]).collect()
    }

    pub fn name(self) -> &'static str {
        if self.dotprod { "NEON with dot product" } else { "NEON" }
    }

    pub fn narrow(self) -> Format {
        if self.dotprod { Format::Quads } else { Format::Pairs }
    }
}

impl Unit for Neon {
    fn multiply(&self, weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
        match weights.format {
            Format::Pairs => multiply::<false>(weights, x, start, sums),
            Format::Quads if self.dotprod => multiply::<true>(weights, x, start, sums),
            Format::Quads => Portable.multiply(weights, x, start, sums),
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
        Portable.activate(sums, multipliers, curve, format, y);
    }
}

/// All tiles: points in fives and what is left, blocks in fours or one by one.
fn multiply<const QUADS: bool>(weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
    weights.assert_fits(x, start, sums);
    let points = x.chunks(5 * weights.words).zip(sums.chunks_mut(5 * start.len()));
    for (x, sums) in points {
        match sums.len() / start.len() {
            1 => strip::<QUADS, 4, 1>(weights, x, start, sums),
            2 => strip::<QUADS, 2, 2>(weights, x, start, sums),
            3 => strip::<QUADS, 1, 3>(weights, x, start, sums),
            4 => strip::<QUADS, 1, 4>(weights, x, start, sums),
            _ => strip::<QUADS, 1, 5>(weights, x, start, sums),
        }
    }
}

/// All blocks of `C` points, `R` at a time.
fn strip<const QUADS: bool, const R: usize, const C: usize>(
    weights: &Blocked,
    x: &[u32],
    start: &[Block],
    sums: &mut [Block],
) {
    let mut first = 0;
    while first < start.len() {
        if first + R <= start.len() {
            tile::<QUADS, R, C>(weights, first, x, start, sums);
            first += R;
        } else {
            tile::<QUADS, 1, C>(weights, first, x, start, sums);
            first += 1;
        }
    }
}

/// `R` blocks of `C` points, by four words at a time, of which each row has a multiple.
#[inline]
fn tile<const QUADS: bool, const R: usize, const C: usize>(
    weights: &Blocked,
    first: usize,
    x: &[u32],
    start: &[Block],
    sums: &mut [Block],
) {
    let (words, blocks) = (weights.words, start.len());
    let mut tile: [[[int32x4_t; 4]; C]; R] = from_fn(|r| [load(&start[first + r]); C]);
    let rows: [&[[Block<u32>; 4]]; R] =
        from_fn(|r| weights.weights[(first + r) * words..][..words].as_chunks().0);
    let x: [&[[u32; 4]]; C] = from_fn(|c| x[c * words..][..words].as_chunks().0);
    for k in 0..words / 4 {
        // SAFETY: the target has NEON; sixteen bytes.
        let x = x.map(|x| unsafe { vld1q_s16((&raw const x[k]).cast()) });
        for (row, sums) in rows.iter().zip(&mut tile) {
            let [w0, w1, w2, w3] = &row[k];
            add_word::<QUADS, C, 0, 1>(sums, w0, &x);
            add_word::<QUADS, C, 2, 3>(sums, w1, &x);
            add_word::<QUADS, C, 4, 5>(sums, w2, &x);
            add_word::<QUADS, C, 6, 7>(sums, w3, &x);
        }
    }
    for (r, points) in tile.iter().enumerate() {
        for (c, &block) in points.iter().enumerate() {
            store(block, &mut sums[c * blocks + first + r]);
        }
    }
}

/// The products of the word whose halves are lanes `LOW` and `HIGH` of each of x.
#[inline(always)]
fn add_word<const QUADS: bool, const C: usize, const LOW: i32, const HIGH: i32>(
    sums: &mut [[int32x4_t; 4]; C],
    w: &Block<u32>,
    x: &[int16x8_t; C],
) {
    if QUADS {
        let w = load(w);
        for (sums, &x) in sums.iter_mut().zip(x) {
            *sums = from_fn(|i| dot::<LOW>(sums[i], w[i], x));
        }
    } else {
        let halves: *const i16 = (&raw const *w).cast();
        // SAFETY: the target has NEON; twice sixteen halves.
        let (first, last) = unsafe { (vld2q_s16(halves), vld2q_s16(halves.add(ROWS))) };
        for (sums, &x) in sums.iter_mut().zip(x) {
            let [a, b, c, d] = *sums;
            let ([a, b], [c, d]) = (
                eight_rows::<HIGH>(eight_rows::<LOW>([a, b], first.0, x), first.1, x),
                eight_rows::<HIGH>(eight_rows::<LOW>([c, d], last.0, x), last.1, x),
            );
            *sums = [a, b, c, d];
        }
    }
}

/// A weight of eight rows times an activation.
#[inline(always)]
fn eight_rows<const LANE: i32>([first, last]: [int32x4_t; 2], w: int16x8_t, x: int16x8_t) -> [int32x4_t; 2] {
    // SAFETY: the target has NEON.
    unsafe { [vmlal_laneq_s16::<LANE>(first, vget_low_s16(w), x), vmlal_high_laneq_s16::<LANE>(last, w, x)] }
}

/// Four weights of four rows times the activations whose first half is lane `LOW`. The intrinsic is not stable yet.
#[inline(always)]
fn dot<const LOW: i32>(sums: int32x4_t, w: int32x4_t, x: int16x8_t) -> int32x4_t {
    let mut sums = sums;
    // SAFETY: only for machines that have it; reads and writes registers.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {w:v}.16b, {x:v}.4b[{word}]",
            sums = inout(vreg) sums,
            w = in(vreg) w,
            x = in(vreg) x,
            word = const LOW / 2,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

#[inline(always)]
fn load<T>(block: &Block<T>) -> [int32x4_t; 4] {
    const { assert!(size_of::<Block<T>>() == 64) };
    let words: *const i32 = (&raw const *block).cast();
    // SAFETY: the target has NEON; a block is four registers.
    from_fn(|i| unsafe { vld1q_s32(words.add(4 * i)) })
}

#[inline(always)]
fn store(sums: [int32x4_t; 4], block: &mut Block) {
    for (sums, words) in sums.into_iter().zip(block.0.as_chunks_mut::<4>().0) {
        // SAFETY: the target has NEON; four words.
        unsafe { vst1q_s32(words.as_mut_ptr(), sums) };
    }
}
