//! NEON: a block is four registers of four rows.
//!
//! ```text
//! Pairs   LD2 parts the two columns of eight rows; SMLAL and SMLAL2 by element: 4 rows × 1 activation
//! Quads   SDOT by element, where the machine has it:                            4 rows × 4 activations
//! ```
//!
//! A tile of one block and 4 points keeps 16 registers of sums; one point alone takes 4 blocks, to hide the latency of
//! its sums. 16 products take four SMLAL or one SDOT, the bound; loads make that 38 instructions for 128 products of a tile
//! and 24 for 256. What all machines of this kind have is called NEON; the dot product is asked for.

#![allow(unsafe_code)]

use super::blocked::{Block, Blocked, Format, Portable, ROWS, Unit, with_multipliers};
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
        let sums = with_multipliers(sums, multipliers);
        for ((sum, multiplier), y) in sums.zip(y.chunks_exact_mut(format.words(ROWS))) {
            let (sum, multiplier) = (load(sum), load(multiplier));
            pack(from_fn(|i| curved(rounded_high(sum[i], multiplier[i]), curve)), format, y);
        }
    }
}

/// All tiles: points in fours and what is left, blocks in fours or one by one.
fn multiply<const QUADS: bool>(weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
    weights.assert_fits(x, start, sums);
    let points = x.chunks(4 * weights.words).zip(sums.chunks_mut(4 * start.len()));
    for (x, sums) in points {
        match sums.len() / start.len() {
            1 => strip::<QUADS, 4, 1>(weights, x, start, sums),
            2 => strip::<QUADS, 2, 2>(weights, x, start, sums),
            3 => strip::<QUADS, 1, 3>(weights, x, start, sums),
            _ => strip::<QUADS, 1, 4>(weights, x, start, sums),
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

/// `R` blocks of `C` points.
#[inline]
fn tile<const QUADS: bool, const R: usize, const C: usize>(
    weights: &Blocked,
    first: usize,
    x: &[u32],
    start: &[Block],
    sums: &mut [Block],
) {
    let (words, blocks) = (weights.words, start.len());
    let mut sum: [[[int32x4_t; 4]; C]; R] = from_fn(|r| [load(&start[first + r]); C]);
    let rows: [&[Block<u32>]; R] = from_fn(|r| &weights.weights[(first + r) * words..][..words]);
    let x: [&[u32]; C] = from_fn(|c| &x[c * words..][..words]);
    for k in 0..words {
        // SAFETY: the target has NEON.
        let x = x.map(|x| unsafe { vsetq_lane_s32::<0>(x[k] as i32, vdupq_n_s32(0)) });
        for r in 0..R {
            let w = if QUADS { load(&rows[r][k]) } else { load_parted(&rows[r][k]) };
            for c in 0..C {
                sum[r][c] = if QUADS { add_quads(sum[r][c], w, x[c]) } else { add_pairs(sum[r][c], w, x[c]) };
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            store(sum[r][c], &mut sums[c * blocks + first + r]);
        }
    }
}

/// The first columns of eight rows, the second ones, and those of the other eight rows.
#[inline(always)]
fn load_parted(block: &Block<u32>) -> [int32x4_t; 4] {
    let halves: *const i16 = (&raw const *block).cast();
    // SAFETY: the target has NEON; twice sixteen halves.
    let (upper, lower) = unsafe { (vld2q_s16(halves), vld2q_s16(halves.add(ROWS))) };
    // SAFETY: the target has NEON.
    [upper.0, upper.1, lower.0, lower.1].map(|w| unsafe { vreinterpretq_s32_s16(w) })
}

/// Adds two products to each row's sum; `x` is a word in the first lane.
#[inline(always)]
fn add_pairs([s0, s1, s2, s3]: [int32x4_t; 4], w: [int32x4_t; 4], x: int32x4_t) -> [int32x4_t; 4] {
    // SAFETY: the target has NEON.
    unsafe {
        let ([a, b, c, d], x) = (w.map(|w| vreinterpretq_s16_s32(w)), vreinterpretq_s16_s32(x));
        let s0 = vmlal_laneq_s16::<0>(s0, vget_low_s16(a), x);
        let s1 = vmlal_high_laneq_s16::<0>(s1, a, x);
        let s2 = vmlal_laneq_s16::<0>(s2, vget_low_s16(c), x);
        let s3 = vmlal_high_laneq_s16::<0>(s3, c, x);
        let s0 = vmlal_laneq_s16::<1>(s0, vget_low_s16(b), x);
        let s1 = vmlal_high_laneq_s16::<1>(s1, b, x);
        let s2 = vmlal_laneq_s16::<1>(s2, vget_low_s16(d), x);
        let s3 = vmlal_high_laneq_s16::<1>(s3, d, x);
        [s0, s1, s2, s3]
    }
}

/// Adds four products to each row's sum. The intrinsic is not stable yet.
#[inline(always)]
fn add_quads(mut sums: [int32x4_t; 4], w: [int32x4_t; 4], x: int32x4_t) -> [int32x4_t; 4] {
    for (sums, w) in sums.iter_mut().zip(w) {
        // SAFETY: `multiply` takes this way only where `available` saw the instruction; it uses registers alone.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[0]",
                inout(vreg) *sums, in(vreg) w, in(vreg) x,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
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

/// Sixteen activations into words.
#[inline(always)]
fn pack([a, b, c, d]: [int32x4_t; 4], format: Format, y: &mut [u32]) {
    assert_eq!(y.len(), format.words(ROWS));
    let y = y.as_mut_ptr().cast();
    // SAFETY: the target has NEON; y has the 32 bytes of eight words, or the 16 bytes of four.
    unsafe {
        let halves = |low, high| vmovn_high_s32(vmovn_s32(low), high);
        let (first, last) = (halves(a, b), halves(c, d));
        match format {
            Format::Pairs => vst1q_s16_x2(y, int16x8x2_t(first, last)),
            Format::Quads => vst1q_s8(y.cast(), vmovn_high_s16(vmovn_s16(first), last)),
        }
    }
}

/// As [`activation`](crate::activation::activation), on four rows.
#[inline(always)]
fn curved(z: int32x4_t, curve: &Curve<'_>) -> int32x4_t {
    let Curve { table, shift, left_slope, right_slope } = *curve;
    let reach = 128 << shift;
    // SAFETY: the target has NEON. A segment is 0…255, and its two knots end with byte 513 of the table's 514.
    unsafe {
        let int = |v: i32| vdupq_n_s32(v);
        let within = |v, low, high| vmaxq_s32(vminq_s32(v, int(high)), int(low));
        let down = int(-(shift as i32));
        let z = within(z, -32_768, 32_767);
        let inside = within(z, -reach, reach - 1);
        let mut segments = [0; 4];
        vst1q_s32(segments.as_mut_ptr(), vaddq_s32(vshlq_s32(inside, down), int(128)));
        let knots = segments.map(|k| table.as_ptr().cast::<i32>().byte_add(2 * k as usize).read_unaligned());
        let knots = vld1q_s32(knots.as_ptr());
        let (left, right) = (vshrq_n_s32::<16>(vshlq_n_s32::<16>(knots)), vshrq_n_s32::<16>(knots));
        let rise = vmulq_s32(vsubq_s32(right, left), vandq_s32(inside, int((1 << shift) - 1)));
        let y = vaddq_s32(left, vrshlq_s32(rise, down));
        let slope = vbslq_s32(vcltzq_s32(z), int(left_slope.into()), int(right_slope.into()));
        let line = vrshrq_n_s32::<14>(vmulq_s32(vsubq_s32(z, inside), slope));
        let far = within(vaddq_s32(y, line), -32_768, 32_767);
        vbslq_s32(vceqq_s32(z, inside), y, far)
    }
}

/// As [`rounded_high`](crate::arith::rounded_high).
#[inline(always)]
fn rounded_high(sum: int32x4_t, multiplier: int32x4_t) -> int32x4_t {
    // SAFETY: the target has NEON.
    unsafe {
        let low = vmull_s32(vget_low_s32(sum), vget_low_s32(multiplier));
        vrshrn_high_n_s64::<32>(vrshrn_n_s64::<32>(low), vmull_high_s32(sum, multiplier))
    }
}
