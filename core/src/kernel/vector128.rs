//! NEON on AArch64 and SIMD128 on WebAssembly, registers of 128 bits: eight columns of four rows at once.
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
//!
//! Optimized for speed, the portable kernel takes about as many, as compilers find these instructions themselves; optimized for
//! size, four times as many. Activations stay portable: there is no load from a place for each lane.

pub use super::portable::{TILE, activations, add, add_row, interpolate, load, rounded_high};
use super::{Input, by_four};
use registers::{Lanes, Sums, and, multiply_add, read, shift_right, total, zero};

/// As [`portable::dense`](super::portable::dense).
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 {
        by_four(bits, weights, biases, input, sums, &|weights| four_rows(weights, weights, input.x, nibbles));
    } else {
        by_four(bits, weights, biases, input, sums, &|weights| {
            let (first, second) = input.pairs(weights);
            four_rows(first, second, input.x, bytes)
        });
    }
}

/// Two pairs of zipped rows.
#[inline(always)]
fn bytes(first: Lanes, second: Lanes) -> [Lanes; 4] {
    [shift_right::<8>(first), and(first, 255), shift_right::<8>(second), and(second, 255)]
}

/// Four zipped rows.
#[inline(always)]
fn nibbles(w: Lanes, _: Lanes) -> [Lanes; 4] {
    [shift_right::<12>(w), and(shift_right::<8>(w), 15), and(shift_right::<4>(w), 15), and(w, 15)]
}

/// Σ w·x of the four rows that `part` makes of the lanes of two slices of weights.
#[inline(always)]
fn four_rows(first: &[u8], second: &[u8], x: &[i16], part: impl Fn(Lanes, Lanes) -> [Lanes; 4]) -> [i32; 4] {
    let (first, first_rest) = first.as_chunks::<16>();
    let (second, second_rest) = second.as_chunks::<16>();
    let (x, x_rest) = x.as_chunks::<8>();
    let mut sums = [zero(); 4];
    for ((first, second), x) in first.iter().zip(second).zip(x) {
        sums = add_columns(sums, part(read(first), read(second)), read(x));
    }
    if !x_rest.is_empty() {
        let (first, second) = (padded::<_, 16>(first_rest), padded::<_, 16>(second_rest));
        sums = add_columns(sums, part(read(&first), read(&second)), read(&padded::<_, 8>(x_rest)));
    }
    sums.map(total)
}

/// Written out for compilers that optimize for size.
#[inline(always)]
fn add_columns([s0, s1, s2, s3]: [Sums; 4], [w0, w1, w2, w3]: [Lanes; 4], x: Lanes) -> [Sums; 4] {
    [multiply_add(s0, w0, x), multiply_add(s1, w1, x), multiply_add(s2, w2, x), multiply_add(s3, w3, x)]
}

/// The last columns, zeros behind them.
fn padded<T: Copy + Default, const N: usize>(rest: &[T]) -> [T; N] {
    let mut all = [T::default(); N];
    all.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
    all
}

/// What the kernel needs of NEON, which `build.rs` saw in the target.
#[cfg(target_arch = "aarch64")]
mod registers {
    use core::arch::aarch64::*;

    pub type Lanes = int16x8_t;
    /// Of the first and of the last four columns: one sum of both would wait for itself.
    pub type Sums = [int32x4_t; 2];

    #[inline(always)]
    pub fn zero() -> Sums {
        // SAFETY: the target has NEON.
        [unsafe { vdupq_n_s32(0) }; 2]
    }

    #[inline(always)]
    pub fn read<T>(bytes: &T) -> Lanes {
        const { assert!(size_of::<T>() == 16) };
        // SAFETY: the target has NEON; sixteen bytes, of any alignment and value.
        unsafe { vreinterpretq_s16_u8(vld1q_u8((&raw const *bytes).cast())) }
    }

    #[inline(always)]
    pub fn shift_right<const N: i32>(lanes: Lanes) -> Lanes {
        // SAFETY: the target has NEON.
        unsafe { vshrq_n_s16::<N>(lanes) }
    }

    #[inline(always)]
    pub fn and(lanes: Lanes, mask: i16) -> Lanes {
        // SAFETY: the target has NEON.
        unsafe { vandq_s16(lanes, vdupq_n_s16(mask)) }
    }

    #[inline(always)]
    pub fn multiply_add([low, high]: Sums, w: Lanes, x: Lanes) -> Sums {
        // SAFETY: the target has NEON.
        unsafe { [vmlal_s16(low, vget_low_s16(w), vget_low_s16(x)), vmlal_high_s16(high, w, x)] }
    }

    #[inline(always)]
    pub fn total([low, high]: Sums) -> i32 {
        // SAFETY: the target has NEON.
        unsafe { vaddvq_s32(vaddq_s32(low, high)) }
    }
}

/// What the kernel needs of SIMD128, which `build.rs` saw in the target.
#[cfg(target_arch = "wasm32")]
mod registers {
    use core::arch::wasm32::*;

    pub type Lanes = v128;
    pub type Sums = v128;

    #[inline(always)]
    pub fn zero() -> Sums {
        i32x4_splat(0)
    }

    #[inline(always)]
    pub fn read<T>(bytes: &T) -> Lanes {
        const { assert!(size_of::<T>() == 16) };
        // SAFETY: sixteen bytes, of any alignment and value.
        unsafe { v128_load((&raw const *bytes).cast()) }
    }

    #[inline(always)]
    pub fn shift_right<const N: u32>(lanes: Lanes) -> Lanes {
        i16x8_shr(lanes, N)
    }

    #[inline(always)]
    pub fn and(lanes: Lanes, mask: i16) -> Lanes {
        v128_and(lanes, i16x8_splat(mask))
    }

    #[inline(always)]
    pub fn multiply_add(sums: Sums, w: Lanes, x: Lanes) -> Sums {
        i32x4_add(sums, i32x4_dot_i16x8(w, x))
    }

    #[inline(always)]
    pub fn total(sums: Sums) -> i32 {
        let sums = i32x4_add(sums, i32x4_shuffle::<2, 3, 0, 1>(sums, sums));
        i32x4_extract_lane::<0>(sums).wrapping_add(i32x4_extract_lane::<1>(sums))
    }
}
