//! The reference kernel in plain Rust: every other kernel must equal it.

use super::{Input, by_four};
use crate::activation::{Curve, activation};

/// Outputs computed together.
#[cfg_attr(any(kernel = "dsp", kernel = "mve"), allow(dead_code))]
pub const TILE: usize = 32;

/// `sums[j] = biases[j] + Σ_i w[j, i]·x[i]`, with `weights` in zipped rows.
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 {
        by_four(bits, weights, biases, input, sums, &|weights| rows_of_nibbles(weights, input.values()));
    } else {
        by_four(bits, weights, biases, input, sums, &|weights| {
            rows_of_bytes(input.pairs(weights), input.values())
        });
    }
}

/// `sums += words`
#[inline]
pub fn add(sums: &mut [i32], words: &[[u8; 4]]) {
    for (sum, word) in sums.iter_mut().zip(words) {
        *sum = sum.wrapping_add(super::load(word));
    }
}

/// Adds the first and third byte of a word to the halves of the first sum of a pair, the second and fourth to those of
/// the second.
#[inline]
pub fn add_row(sums: &mut [[u32; 2]], words: &[[u8; 4]]) {
    add_halves(sums, words.iter().map(|&word| u32::from_le_bytes(word)));
}

/// As [`add_row`].
#[inline]
pub fn add_halves(sums: &mut [[u32; 2]], words: impl Iterator<Item = u32>) {
    for ([even, odd], word) in sums.iter_mut().zip(words) {
        *even = even.wrapping_add(word & 0x00ff_00ff);
        *odd = odd.wrapping_add(word >> 8 & 0x00ff_00ff);
    }
}

/// Requantization and activation; Σy.
#[inline]
pub fn activations(curve: &Curve<'_>, sums: &[i32], multipliers: &[[u8; 4]], outputs: &mut [i16]) -> i32 {
    let mut total = 0;
    for ((y, &sum), multiplier) in outputs.iter_mut().zip(sums).zip(multipliers) {
        *y = activation(curve, super::rounded_high(sum, super::load(multiplier)));
        total += i32::from(*y);
    }
    total
}

/// (left·(width − f) + right·f + width/2), where `knots` are left and right, `i16`, and 0 ≤ f ≤ width ≤ 2⁸.
#[inline]
pub fn interpolate(knots: &[u8; 4], f: i32, width: i32) -> i32 {
    let left = i32::from(i16::from_le_bytes([knots[0], knots[1]]));
    let right = i32::from(i16::from_le_bytes([knots[2], knots[3]]));
    left * width + (right - left) * f + (width >> 1)
}

/// A number as it lies in the blob.
#[inline]
pub fn load(word: &[u8; 4]) -> i32 {
    i32::from_le_bytes(*word)
}

/// round(acc·multiplier/2³²), ties towards +∞.
#[inline]
pub fn rounded_high(acc: i32, multiplier: i32) -> i32 {
    ((acc as i64 * multiplier as i64 + (1 << 31)) >> 32) as i32
}

/// Σ w·x of two pairs of zipped rows, in the low bytes with the offset.
fn rows_of_bytes((first, second): (&[u8], &[u8]), x: impl Iterator<Item = i32>) -> [i32; 4] {
    let [mut s0, mut s1, mut s2, mut s3] = [0_i32; 4];
    for ((&first, &second), x) in first.as_chunks().0.iter().zip(second.as_chunks().0).zip(x) {
        let [first, second] = [i16::from_le_bytes(first), i16::from_le_bytes(second)];
        s0 = s0.wrapping_add(i32::from(first >> 8) * x);
        s1 = s1.wrapping_add(i32::from(first & 255) * x);
        s2 = s2.wrapping_add(i32::from(second >> 8) * x);
        s3 = s3.wrapping_add(i32::from(second & 255) * x);
    }
    [s0, s1, s2, s3]
}

/// Σ w·x of four zipped rows, in all but the first with the offset.
fn rows_of_nibbles(weights: &[u8], x: impl Iterator<Item = i32>) -> [i32; 4] {
    let [mut s0, mut s1, mut s2, mut s3] = [0_i32; 4];
    for (&lane, x) in weights.as_chunks().0.iter().zip(x) {
        let lane = i16::from_le_bytes(lane);
        s0 = s0.wrapping_add(i32::from(lane >> 12) * x);
        s1 = s1.wrapping_add(i32::from(lane >> 8 & 15) * x);
        s2 = s2.wrapping_add(i32::from(lane >> 4 & 15) * x);
        s3 = s3.wrapping_add(i32::from(lane & 15) * x);
    }
    [s0, s1, s2, s3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_rows_on_top_of_biases() {
        let lanes: [i16; 4] = [256 + 3 + 128, 256 * -2 + 127 + 128, 256 * 127 - 127 + 128, 128];
        let weights = lanes.map(i16::to_le_bytes);
        let (biases, mut sums) = ([10_i32, -5, 0, 0].map(i32::to_le_bytes), [9; 4]);
        dense(
            8,
            weights.as_flattened(),
            &biases,
            &Input { x: &[100, -200, 32_767, 7], total: 100 - 200 + 32_767 + 7 },
            &mut sums,
        );
        assert_eq!(sums[..2], [10 + 100 + 400 + 4_161_409, -5 + 300 - 25_400 - 4_161_409]);
    }

    #[test]
    fn sums_four_rows_of_nibbles() {
        let lanes: [i16; 2] = [4096 * -7 + 256 * (7 + 8) + 16 * (-3 + 8) + 2 + 8, 0x888];
        let weights = lanes.map(i16::to_le_bytes);
        let (biases, mut sums) = ([1_i32, 2, 3, 4].map(i32::to_le_bytes), [9; 4]);
        dense(4, weights.as_flattened(), &biases, &Input { x: &[-1000, 9], total: 9 - 1000 }, &mut sums);
        assert_eq!(sums, [7001, -6998, 3003, -1996]);
    }
}
