//! AVX-512 with VNNI: sixteen rows in a register, up to 64 multiplications in one instruction.
//!
//! A tile keeps up to 24 registers of sums, of 2 blocks × 12 points: each word of x is spread over a register once and
//! meets both words of weights. Few points take more blocks together, to hide the latency of their sums.
//!
//! The bound is two products of registers a cycle, so 128 multiply–accumulates with 8-bit and 64 with 16-bit activations.

#![allow(unsafe_code)]

use super::blocked::{Block, Blocked, Format, OFFSET, ROWS, Unit, quantize_all, scale_all, with_multipliers};
use crate::activation::Curve;
use crate::arith::HALF;
use core::arch::asm;
use core::arch::x86_64::*;
use core::array::from_fn;
use std::is_x86_feature_detected;

/// A machine that has these instructions.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// If this machine has them.
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        has.then_some(Self(()))
    }
}

impl Unit for Avx512 {
    fn multiply(&self, weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
        weights.assert_fits(x, start, sums);
        // SAFETY: `detect` found the instructions, and the shapes agree.
        unsafe { multiply(weights, x, start, sums) }
    }

    fn activate(
        &self,
        sums: &[Block],
        multipliers: &[Block],
        curve: &Curve<'_>,
        format: Format,
        y: &mut [u32],
    ) {
        // SAFETY: `detect` found the instructions.
        unsafe { activate(sums, multipliers, curve, format, y) }
    }

    fn quantize(&self, x: &[f32], dim: usize, gain: f32, limit: i16, format: Format, y: &mut [u32]) {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        fn vector(x: &[f32], dim: usize, gain: f32, limit: i16, format: Format, y: &mut [u32]) {
            quantize_all(x, dim, format, y, |x, y| pack(rounded(x, gain, limit), format, y));
        }
        // SAFETY: `detect` found the instructions.
        unsafe { vector(x, dim, gain, limit, format, y) }
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
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
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

/// All strips: points in twelves or as many fewer as shares them evenly.
///
/// # Safety
/// `x` is n × words, `sums` n × blocks, `start` blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn multiply(weights: &Blocked, x: &[u32], start: &[Block], sums: &mut [Block]) {
    let (words, blocks) = (weights.words, start.len());
    let points = sums.len() / blocks;
    let strips = points.div_ceil(12);
    for i in 0..strips {
        let [point, next] = [i, i + 1].map(|i| i * points / strips);
        let x = x[point * words..].as_ptr();
        let sums = sums[point * blocks..].as_mut_ptr();
        // SAFETY: from `point` on there are at least as many rows of x and sums as a strip takes.
        unsafe {
            match next - point {
                1 => strip::<8, 1>(weights, x, start, sums),
                2 => strip::<8, 2>(weights, x, start, sums),
                3 => strip::<8, 3>(weights, x, start, sums),
                4 => strip::<4, 4>(weights, x, start, sums),
                5 => strip::<4, 5>(weights, x, start, sums),
                6 => strip::<4, 6>(weights, x, start, sums),
                7 => strip::<2, 7>(weights, x, start, sums),
                8 => strip::<2, 8>(weights, x, start, sums),
                9 => strip::<2, 9>(weights, x, start, sums),
                10 => strip::<2, 10>(weights, x, start, sums),
                11 => strip::<2, 11>(weights, x, start, sums),
                _ => strip::<2, 12>(weights, x, start, sums),
            }
        }
    }
}

/// All blocks of `C` points, `R` at a time.
///
/// # Safety
/// `x` has `C` rows of words, `sums` `C` rows of blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn strip<const R: usize, const C: usize>(
    weights: &Blocked,
    x: *const u32,
    start: &[Block],
    sums: *mut Block,
) {
    let (words, blocks) = (weights.words, start.len());
    // SAFETY: as this function's.
    let x: [&[u32]; C] = from_fn(|c| unsafe { core::slice::from_raw_parts(x.add(c * words), words) });
    let mut first = 0;
    while first < blocks {
        // SAFETY: blocks first…first + R − 1, or the one, exist in weights, start and sums.
        unsafe {
            if first + R <= blocks {
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
/// Blocks first…first + R − 1 exist in all arguments; `x` has rows of words; `sums` has `C` rows of blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
#[expect(clippy::needless_range_loop, reason = "blocks r and points c, as in a matrix product")]
unsafe fn tile<const R: usize, const C: usize>(
    weights: &Blocked,
    first: usize,
    x: [&[u32]; C],
    start: &[Block],
    sums: *mut Block,
) {
    let (words, blocks) = (weights.words, start.len());
    let mut sum: [[__m512i; C]; R] = from_fn(|r| [load(&start[first + r]); C]);
    let rows: [*const Block<u32>; R] = from_fn(|r| weights.weights[(first + r) * words..].as_ptr());
    for k in 0..words {
        // SAFETY: k < words, which is the length of all rows.
        let w: [__m512i; R] = from_fn(|r| unsafe { _mm512_load_si512(rows[r].add(k).cast()) });
        for c in 0..C {
            // SAFETY: as above.
            let x = _mm512_set1_epi32(unsafe { *x[c].get_unchecked(k) } as i32);
            for r in 0..R {
                sum[r][c] = add_products(weights.format, sum[r][c], w[r], x);
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            // SAFETY: as this function's.
            unsafe { _mm512_store_si512(sums.add(c * blocks + first + r).cast(), sum[r][c]) };
        }
    }
}

/// sum + Σ w·x of the two or four products of each word.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn add_products(format: Format, sum: __m512i, w: __m512i, x: __m512i) -> __m512i {
    match format {
        Format::Pairs => {
            let mut sum = sum;
            // The intrinsic function would be taken apart into two instructions.
            // SAFETY: it adds registers.
            unsafe {
                asm!("vpdpwssd {}, {}, {}", inlateout(zmm_reg) sum, in(zmm_reg) w, in(zmm_reg) x,
                    options(pure, nomem, nostack, preserves_flags));
            }
            sum
        }
        Format::Quads => _mm512_dpbusd_epi32(sum, x, w),
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load<T>(block: &Block<T>) -> __m512i {
    const { assert!(size_of::<T>() == 4) };
    // SAFETY: a block is 64 aligned bytes.
    unsafe { _mm512_load_si512((&raw const *block).cast()) }
}

/// As [`activation`](crate::activation::activation) and the rounding before it, on sixteen rows. Both knots of a
/// segment come in one word and go into one multiplication of pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn activate(sums: &[Block], multipliers: &[Block], curve: &Curve<'_>, format: Format, y: &mut [u32]) {
    let int = |v: i32| _mm512_set1_epi32(v);
    let Curve { table, shift, .. } = *curve;
    let (width, shift_by) = (1 << shift, _mm_cvtsi32_si128(shift as i32));
    let sums = with_multipliers(sums, multipliers);
    for ((sum, multiplier), y) in sums.zip(y.chunks_exact_mut(format.words(ROWS))) {
        let z = rounded_high(load(sum), load(multiplier));
        let from_the_left = _mm512_add_epi32(z, int(128 * width));
        let inside = _mm512_min_epu32(from_the_left, int(256 * width - 1));
        // SAFETY: a segment is 0…255, and its two knots end with byte 513 of the table's 514.
        let knots =
            unsafe { _mm512_i32gather_epi32::<2>(_mm512_srl_epi32(inside, shift_by), table.as_ptr().cast()) };
        let fraction = _mm512_and_si512(inside, int(width - 1));
        let parts = _mm512_sub_epi32(_mm512_slli_epi32::<16>(fraction), fraction); // −f and f, as halves
        let parts = _mm512_add_epi32(parts, int(width));
        let out = _mm512_add_epi32(_mm512_madd_epi16(knots, parts), int(width >> 1));
        let mut out = _mm512_sra_epi32(out, shift_by);
        let outside = _mm512_cmpneq_epi32_mask(inside, from_the_left);
        if outside != 0 {
            out = _mm512_mask_blend_epi32(outside, out, beyond(curve, z, out));
        }
        pack(out, format, y);
    }
}

/// On the straight lines beyond the table, of which `right` is the value at its right end.
#[target_feature(enable = "avx512f")]
#[cold]
fn beyond(curve: &Curve<'_>, z: __m512i, right: __m512i) -> __m512i {
    let int = |v: i32| _mm512_set1_epi32(v);
    let saturated = |v| _mm512_max_epi32(_mm512_min_epi32(v, int(32_767)), int(-32_768));
    let (z, reach, left) =
        (saturated(z), 128 << curve.shift, i16::from_le_bytes([curve.table[0], curve.table[1]]));
    let below = _mm512_cmplt_epi32_mask(z, int(0));
    let ends = _mm512_mask_blend_epi32(below, int(reach - 1), int(-reach));
    let y = _mm512_mask_blend_epi32(below, right, int(left.into()));
    let slope = _mm512_mask_blend_epi32(below, int(curve.right_slope.into()), int(curve.left_slope.into()));
    let line = _mm512_mullo_epi32(_mm512_sub_epi32(z, ends), slope);
    let line = _mm512_srai_epi32::<14>(_mm512_add_epi32(line, int(1 << 13)));
    saturated(_mm512_add_epi32(y, line))
}

/// Sixteen activations into words.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn pack(values: __m512i, format: Format, y: &mut [u32]) {
    assert_eq!(y.len(), format.words(ROWS));
    // SAFETY: y has the 32 bytes of eight words, or the 16 bytes of four.
    unsafe {
        match format {
            Format::Pairs => _mm256_storeu_si256(y.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(values)),
            Format::Quads => {
                let bytes = _mm_xor_si128(_mm512_cvtepi32_epi8(values), _mm_set1_epi8(OFFSET as i8));
                _mm_storeu_si128(y.as_mut_ptr().cast(), bytes);
            }
        }
    }
}

/// As [`quantize`](crate::arith::quantize) of gain·x: what is no number gives 0, and bounds before rounding are those
/// after, as they are whole.
#[target_feature(enable = "avx512f")]
#[inline]
fn rounded(x: &[f32; ROWS], gain: f32, limit: i16) -> __m512i {
    let float = |v: f32| _mm512_set1_ps(v);
    // SAFETY: sixteen floats.
    let v = _mm512_mul_ps(float(gain), unsafe { _mm512_loadu_ps(x.as_ptr()) });
    let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, float(0.0));
    let v = _mm512_add_ps(v, _mm512_mask_blend_ps(below, float(HALF), float(-HALF)));
    let limit = f32::from(limit);
    let within = _mm512_max_ps(_mm512_min_ps(v, float(limit)), float(-limit));
    _mm512_maskz_cvttps_epi32(_mm512_cmp_ps_mask::<_CMP_ORD_Q>(v, v), within)
}

/// As [`rounded_high`](crate::arith::rounded_high).
#[target_feature(enable = "avx512f")]
#[inline]
fn rounded_high(sum: __m512i, multiplier: __m512i) -> __m512i {
    let half = _mm512_set1_epi64(1 << 31);
    let even = _mm512_add_epi64(_mm512_mul_epi32(sum, multiplier), half);
    let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(sum), _mm512_srli_epi64::<32>(multiplier));
    _mm512_mask_shuffle_epi32::<0b11_11_01_01>(_mm512_add_epi64(odd, half), 0x5555, even)
}
