//! AArch64 with NEON and WebAssembly with SIMD128: eight columns of four rows at once.
//!
//! A register holds eight columns of two zipped rows, 2⁸·a + b′ in each lane of 16 bits, with b′ = b + 2⁷:
//!
//! ```text
//! SSHR            i16x8.shr_s                          a
//! AND             v128.and                             b′
//! SMLAL, SMLAL2   i32x4.dot_i16x8_s, i32x4.add         S_a += Σ a·x
//! SMLAL, SMLAL2   i32x4.dot_i16x8_s, i32x4.add         S_b += Σ b′·x
//! ```
//!
//! The sums are modulo 2³², exact once 2⁷·Σx is taken out, because the blob's check bounds them. 16 products take these six
//! instructions, a load of weights and half of one of x, which serves two pairs of rows: 7.5. No kernel goes below 5, as
//! no instruction makes and adds more than four products of 16 bits (on WebAssembly: makes eight, adds none).
//!
//! Weights of 4 bits are four zipped rows, parted by three shifts and three masks: 8 instructions for 16 products.

pub use super::portable::{TILE, activations, add, add_row, interpolate, load, rounded_high};
use super::{Input, by_four};
use registers::{and, multiply_add, read, shift_right, total, zero};

/// As [`portable::dense`](super::portable::dense).
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 {
        by_four(bits, weights, biases, input, sums, &|weights| {
            four_rows(weights, weights, input.x, |w, _| {
                let [second, third] = [shift_right::<8>(w), shift_right::<4>(w)];
                [shift_right::<12>(w), and(second, 15), and(third, 15), and(w, 15)]
            })
        });
    } else {
        by_four(bits, weights, biases, input, sums, &|weights| {
            let (first, second) = weights.split_at_checked(2 * input.x.len()).unwrap_or_default();
            let second = if second.is_empty() { first } else { second };
            four_rows(first, second, input.x, |first, second| {
                [shift_right::<8>(first), and(first, 255), shift_right::<8>(second), and(second, 255)]
            })
        });
    }
}

/// Σ w·x of the four rows that `part` makes of lanes of two slices of weights.
#[inline(always)]
fn four_rows(first: &[u8], second: &[u8], x: &[i16], part: impl Fn(Lanes, Lanes) -> [Lanes; 4]) -> [i32; 4] {
    let (first, first_rest) = first.as_chunks();
    let (second, second_rest) = second.as_chunks();
    let (x, x_rest) = x.as_chunks();
    let mut sums = [zero(); 4];
    let mut columns = |first: &[u8; 16], second: &[u8; 16], x: &[i16; 8]| {
        let x = read(x);
        for (sum, w) in sums.iter_mut().zip(part(read(first), read(second))) {
            *sum = multiply_add(*sum, w, x);
        }
    };
    for ((first, second), x) in first.iter().zip(second).zip(x) {
        columns(first, second, x);
    }
    if !x_rest.is_empty() {
        columns(&padded(first_rest), &padded(second_rest), &padded(x_rest));
    }
    sums.map(total)
}

/// The last columns, zeros behind them.
fn padded<T: Copy + Default, const N: usize>(rest: &[T]) -> [T; N] {
    let mut all = [T::default(); N];
    all.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
    all
}

#[cfg(target_arch = "aarch64")]
use core::arch::aarch64::int16x8_t as Lanes;
#[cfg(target_arch = "wasm32")]
use core::arch::wasm32::v128 as Lanes;

/// What the kernel needs of NEON, which `build.rs` saw in the target.
#[cfg(target_arch = "aarch64")]
mod registers {
    use core::arch::aarch64::*;

    #[inline(always)]
    pub fn zero() -> int32x4_t {
        // SAFETY: the target has NEON.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    pub fn read<T>(bytes: &T) -> int16x8_t {
        const { assert!(size_of::<T>() == 16) };
        // SAFETY: the target has NEON; sixteen bytes, of any alignment and value.
        unsafe { vreinterpretq_s16_u8(vld1q_u8((&raw const *bytes).cast())) }
    }

    #[inline(always)]
    pub fn shift_right<const N: i32>(lanes: int16x8_t) -> int16x8_t {
        // SAFETY: the target has NEON.
        unsafe { vshrq_n_s16::<N>(lanes) }
    }

    #[inline(always)]
    pub fn and(lanes: int16x8_t, mask: i16) -> int16x8_t {
        // SAFETY: the target has NEON.
        unsafe { vandq_s16(lanes, vdupq_n_s16(mask)) }
    }

    /// Four sums, each with two products more.
    #[inline(always)]
    pub fn multiply_add(sums: int32x4_t, w: int16x8_t, x: int16x8_t) -> int32x4_t {
        // SAFETY: the target has NEON.
        unsafe { vmlal_high_s16(vmlal_s16(sums, vget_low_s16(w), vget_low_s16(x)), w, x) }
    }

    #[inline(always)]
    pub fn total(sums: int32x4_t) -> i32 {
        // SAFETY: the target has NEON.
        unsafe { vaddvq_s32(sums) }
    }
}

/// What the kernel needs of SIMD128, which `build.rs` saw in the target.
#[cfg(target_arch = "wasm32")]
mod registers {
    use core::arch::wasm32::*;

    #[inline(always)]
    pub fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    pub fn read<T>(bytes: &T) -> v128 {
        const { assert!(size_of::<T>() == 16) };
        // SAFETY: sixteen bytes, of any alignment and value.
        unsafe { v128_load((&raw const *bytes).cast()) }
    }

    #[inline(always)]
    pub fn shift_right<const N: u32>(lanes: v128) -> v128 {
        i16x8_shr(lanes, N)
    }

    #[inline(always)]
    pub fn and(lanes: v128, mask: i16) -> v128 {
        v128_and(lanes, i16x8_splat(mask))
    }

    /// Four sums, each with two products more.
    #[inline(always)]
    pub fn multiply_add(sums: v128, w: v128, x: v128) -> v128 {
        i32x4_add(sums, i32x4_dot_i16x8(w, x))
    }

    #[inline(always)]
    pub fn total(sums: v128) -> i32 {
        let sums = i32x4_add(sums, i32x4_shuffle::<2, 3, 0, 1>(sums, sums));
        i32x4_extract_lane::<0>(sums).wrapping_add(i32x4_extract_lane::<1>(sums))
    }
}
