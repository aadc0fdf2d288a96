//! AVX2: a block is two registers of eight rows, 16 multiplications in one instruction.
//!
//! Activations are pairs of 16 bits: without VNNI four of 8 bits have no faster exact way. A tile of one block and
//! 5 points keeps 10 registers of sums; one point alone takes 4 blocks.

#![allow(unsafe_code)]

use super::blocked::{
    Block, Blocked, Format, Portable, ROWS, Unit, quantize_all, scale_all, with_multipliers,
};
use crate::activation::Curve;
use crate::arith::HALF;
use core::arch::x86_64::*;
use core::array::from_fn;
use std::is_x86_feature_detected;

/// A machine that has these instructions.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// If this machine has them.
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

impl Unit for Avx2 {
    fn multiply(&self, weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
        weights.assert_fits(x, start, sums);
        match weights.format {
            // SAFETY: `detect` found the instructions, and the shapes agree.
            Format::Pairs => unsafe { multiply(weights, x, start, sums) },
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
        match format {
            // SAFETY: `detect` found the instructions.
            Format::Pairs => unsafe { activate(sums, multipliers, curve, y) },
            Format::Quads => Portable.activate(sums, multipliers, curve, format, y),
        }
    }

    fn quantize(&self, x: &[f32], dim: usize, gain: f32, limit: i16, format: Format, y: &mut [u32]) {
        #[target_feature(enable = "avx2")]
        fn vector(x: &[f32], dim: usize, gain: f32, limit: i16, y: &mut [u32]) {
            quantize_all(x, dim, Format::Pairs, y, |x, y| {
                let (halves, _) = x.as_chunks();
                pack([0, 1].map(|half| rounded(&halves[half], gain, limit)), y);
            });
        }
        match format {
            // SAFETY: `detect` found the instructions.
            Format::Pairs => unsafe { vector(x, dim, gain, limit, y) },
            Format::Quads => Portable.quantize(x, dim, gain, limit, format, y),
        }
    }

    fn scale(
        &self,
        sums: &[Block],
        scales: &[Block<f32>],
        gains: (f32, f32),
        dim: usize,
        x: &[f32],
        eps: &mut [f32],
    ) {
        #[target_feature(enable = "avx2")]
        fn vector(
            sums: &[Block],
            scales: &[Block<f32>],
            gains: (f32, f32),
            dim: usize,
            x: &[f32],
            eps: &mut [f32],
        ) {
            scale_all(sums, scales, gains, dim, x, eps);
        }
        // SAFETY: `detect` found the instructions.
        unsafe { vector(sums, scales, gains, dim, x, eps) }
    }
}

/// All tiles: points in fives and what is left, blocks in fours or one by one.
///
/// # Safety
/// `x` is n × words, `sums` n × blocks, `start` blocks.
#[target_feature(enable = "avx2")]
unsafe fn multiply(weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
    let (words, blocks) = (weights.words, start.len());
    let points = sums.len() / blocks;
    for point in (0..points).step_by(5) {
        let x = x[point * words..].as_ptr();
        let sums = sums[point * blocks..].as_mut_ptr();
        // SAFETY: the points from `point` on have at least as many rows of x and sums as a strip takes.
        unsafe {
            match points - point {
                1 => strip::<4, 1>(weights, x, start, sums),
                2 => strip::<2, 2>(weights, x, start, sums),
                3 => strip::<1, 3>(weights, x, start, sums),
                4 => strip::<1, 4>(weights, x, start, sums),
                _ => strip::<1, 5>(weights, x, start, sums),
            }
        }
    }
}

/// All blocks of `C` points, `R` at a time.
///
/// # Safety
/// `x` has `C` rows of words, `sums` `C` rows of blocks.
#[target_feature(enable = "avx2")]
unsafe fn strip<const R: usize, const C: usize>(
    weights: &Blocked,
    x: *const u32,
    start: &[Block],
    sums: *mut Block,
) {
    let mut first = 0;
    while first < start.len() {
        // SAFETY: blocks first…first + R − 1, or the one, exist in weights, start and sums.
        unsafe {
            if first + R <= start.len() {
                tile::<R, C>(weights, first, x, start, sums);
                first += R;
            } else {
                tile::<1, C>(weights, first, x, start, sums);
                first += 1;
            }
        }
    }
}

/// `R` blocks of `C` points.
///
/// # Safety
/// Blocks first…first + R − 1 exist in all arguments; `x` has `C` rows of words, `sums` `C` rows of blocks.
#[target_feature(enable = "avx2")]
#[inline]
#[expect(clippy::needless_range_loop, reason = "blocks r and points c, as in a matrix product")]
unsafe fn tile<const R: usize, const C: usize>(
    weights: &Blocked,
    first: usize,
    x: *const u32,
    start: &[Block],
    sums: *mut Block,
) {
    let (words, blocks) = (weights.words, start.len());
    let mut sum: [[[__m256i; 2]; C]; R] = from_fn(|r| [load(&start[first + r]); C]);
    let rows: [*const Block<u32>; R] = from_fn(|r| weights.weights[(first + r) * words..].as_ptr());
    for k in 0..words {
        // SAFETY: k < words, which is the length of all rows.
        let w: [[__m256i; 2]; R] = from_fn(|r| load(unsafe { &*rows[r].add(k) }));
        for c in 0..C {
            // SAFETY: as above.
            let x = _mm256_set1_epi32(unsafe { *x.add(c * words + k) } as i32);
            for r in 0..R {
                for half in 0..2 {
                    sum[r][c][half] = _mm256_add_epi32(sum[r][c][half], _mm256_madd_epi16(w[r][half], x));
                }
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            // SAFETY: as this function's.
            let out: *mut __m256i = unsafe { sums.add(c * blocks + first + r) }.cast();
            for half in 0..2 {
                // SAFETY: a block is two registers.
                unsafe { _mm256_store_si256(out.add(half), sum[r][c][half]) };
            }
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load<T>(block: &Block<T>) -> [__m256i; 2] {
    const { assert!(size_of::<T>() == 4) };
    let halves: *const __m256i = (&raw const *block).cast();
    // SAFETY: a block is 64 aligned bytes.
    from_fn(|half| unsafe { _mm256_load_si256(halves.add(half)) })
}

/// As [`activation`](crate::activation::activation) and the rounding before it, on sixteen rows.
#[target_feature(enable = "avx2")]
fn activate(sums: &[Block], multipliers: &[Block], curve: &Curve<'_>, y: &mut [u32]) {
    let sums = with_multipliers(sums, multipliers);
    for ((sum, multiplier), y) in sums.zip(y.chunks_exact_mut(ROWS / 2)) {
        let (sum, multiplier) = (load(sum), load(multiplier));
        pack([0, 1].map(|half| curved(rounded_high(sum[half], multiplier[half]), curve)), y);
    }
}

/// Sixteen activations into words. Packing goes by halves of registers: its middle quarters change places.
#[target_feature(enable = "avx2")]
#[inline]
fn pack([low, high]: [__m256i; 2], y: &mut [u32]) {
    assert_eq!(y.len(), ROWS / 2);
    let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
    // SAFETY: y has the 32 bytes of eight words.
    unsafe { _mm256_storeu_si256(y.as_mut_ptr().cast(), packed) };
}

/// As [`quantize`](crate::arith::quantize) of gain·x: what is no number gives 0, and bounds before rounding are those
/// after, as they are whole.
#[target_feature(enable = "avx2")]
#[inline]
fn rounded(x: &[f32; 8], gain: f32, limit: i16) -> __m256i {
    let float = |v: f32| _mm256_set1_ps(v);
    // SAFETY: eight floats.
    let v = _mm256_mul_ps(float(gain), unsafe { _mm256_loadu_ps(x.as_ptr()) });
    let below = _mm256_cmp_ps::<_CMP_LT_OQ>(v, float(0.0));
    let v = _mm256_add_ps(v, _mm256_blendv_ps(float(HALF), float(-HALF), below));
    let limit = f32::from(limit);
    let within = _mm256_max_ps(_mm256_min_ps(v, float(limit)), float(-limit));
    let ordered = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_ORD_Q>(v, v));
    _mm256_and_si256(_mm256_cvttps_epi32(within), ordered)
}

#[target_feature(enable = "avx2")]
#[inline]
fn curved(z: __m256i, curve: &Curve<'_>) -> __m256i {
    let int = |v: i32| _mm256_set1_epi32(v);
    let within = |v, low, high| _mm256_max_epi32(_mm256_min_epi32(v, int(high)), int(low));
    let Curve { table, shift, left_slope, right_slope } = *curve;
    let (reach, shift_by) = (128 << shift, _mm_cvtsi32_si128(shift as i32));
    let z = within(z, -32_768, 32_767);
    let inside = within(z, -reach, reach - 1);
    let segment = _mm256_add_epi32(_mm256_sra_epi32(inside, shift_by), int(128));
    // SAFETY: a segment is 0…255, and its two knots end with byte 513 of the table's 514.
    let knots = unsafe { _mm256_i32gather_epi32::<2>(table.as_ptr().cast(), segment) };
    let (left, right) =
        (_mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(knots)), _mm256_srai_epi32::<16>(knots));
    let fraction = _mm256_and_si256(inside, int((1 << shift) - 1));
    let rise = _mm256_mullo_epi32(_mm256_sub_epi32(right, left), fraction);
    let y =
        _mm256_add_epi32(left, _mm256_sra_epi32(_mm256_add_epi32(rise, int((1 << shift) >> 1)), shift_by));
    let slope =
        _mm256_blendv_epi8(int(right_slope.into()), int(left_slope.into()), _mm256_srai_epi32::<31>(z));
    let line = _mm256_mullo_epi32(_mm256_sub_epi32(z, inside), slope);
    let line = _mm256_srai_epi32::<14>(_mm256_add_epi32(line, int(1 << 13)));
    let far = within(_mm256_add_epi32(y, line), -32_768, 32_767);
    _mm256_blendv_epi8(far, y, _mm256_cmpeq_epi32(z, inside))
}

/// As [`rounded_high`](crate::arith::rounded_high).
#[target_feature(enable = "avx2")]
#[inline]
fn rounded_high(sum: __m256i, multiplier: __m256i) -> __m256i {
    let half = _mm256_set1_epi64x(1 << 31);
    let even = _mm256_add_epi64(_mm256_mul_epi32(sum, multiplier), half);
    let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(sum), _mm256_srli_epi64::<32>(multiplier));
    _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), _mm256_add_epi64(odd, half))
}
