//! Comparison of this target's kernel with the portable one, on the target itself.

use super::{Input, activations, add, add_row, dense, interpolate, portable, rounded_high};
use crate::activation::{Curve, TABLE};
use crate::blob::lane;
use rand_core::Rng;

/// Columns of the largest layer: 127·2¹⁵·COLUMNS < 2³¹.
const COLUMNS: usize = 512;
/// Rows computed together.
const ROWS: usize = 8;

/// Layers and interpolations whose sums differ: all small shapes and larger ones, weights of 8 and 4 bits, numbers at random and at
/// their bounds, memory of every alignment.
pub fn differences(rng: &mut impl Rng) -> usize {
    let mut count = 0;
    for columns in (1..42).chain([63, 64, 127, 128, 200, 257, COLUMNS]) {
        for bits in [8, 4] {
            for (bounds, limit) in [(false, i16::MAX), (true, i16::MAX), (false, 127), (true, 127)] {
                let shift = rng.next_u32() as usize;
                let numbers = Numbers { bits, bounds, limit };
                count += usize::from(differ(rng, &numbers, columns, [shift % 2, shift / 2 % 4]));
                count += usize::from(differ(rng, &numbers, columns, [0, 0]));
            }
        }
    }
    count += (0..100).filter(|_| activations_differ(rng)).count();
    count += (0..100).filter(|_| rows_differ(rng)).count();
    count + (0..1000).filter(|_| interpolations_differ(rng) || products_differ(rng)).count()
}

fn rows_differ(rng: &mut impl Rng) -> bool {
    let mut bytes = [0; 4 * ROWS];
    bytes.iter_mut().for_each(|byte| *byte = rng.next_u32() as u8);
    let from = rng.next_u32() as usize % 8;
    let (words, _) = bytes.get(from..).unwrap_or_default().as_chunks();
    let mut sums = [[0; 2]; ROWS].map(|pair| pair.map(|_: u32| rng.next_u32()));
    let mut twin = sums;
    add_row(&mut sums, words);
    portable::add_row(&mut twin, words);
    sums != twin
}

fn interpolations_differ(rng: &mut impl Rng) -> bool {
    let (knots, width) = (rng.next_u32().to_le_bytes(), 1 << (rng.next_u32() % 9));
    let f = rng.next_u32() as i32 & (width - 1);
    interpolate(&knots, f, width) != portable::interpolate(&knots, f, width)
}

fn activations_differ(rng: &mut impl Rng) -> bool {
    let mut bytes = [0; 2 * TABLE];
    bytes.iter_mut().for_each(|byte| *byte = rng.next_u32() as u8);
    let mut any = || rng.next_u32() as i32;
    let (shift, wide) = (any() as u32 % 9, any() & 15);
    let curve = Curve { table: &bytes, shift, left_slope: any() as i16, right_slope: any() as i16 };
    let sums = [0; ROWS].map(|_| any() >> wide);
    let multipliers = [0; ROWS].map(|_| (any() >> 12).to_le_bytes());
    let count = any() as usize % (ROWS + 1);
    let (mut outputs, mut twins) = ([0; ROWS], [0; ROWS]);
    let multipliers = multipliers.get(..count).unwrap_or_default();
    let total = activations(&curve, &sums, multipliers, &mut outputs);
    let twin = portable::activations(&curve, &sums, multipliers, &mut twins);
    let (mut more, mut words) = (sums, sums);
    add(&mut more, multipliers);
    portable::add(&mut words, multipliers);
    (total, outputs, more) != (twin, twins, words)
}

fn products_differ(rng: &mut impl Rng) -> bool {
    let extreme =
        [i32::MIN, i32::MIN + 1, -0x10000, -0x8000, -1, 0, 1, 0x7fff, 0xffff, 0x7fff_7fff, i32::MAX];
    let mut any = || {
        let word = rng.next_u32();
        extreme.get((word % 32) as usize).copied().unwrap_or(word as i32)
    };
    let (acc, multiplier) = (any(), any());
    rounded_high(acc, multiplier) != portable::rounded_high(acc, multiplier)
}

/// Weights and activations.
struct Numbers {
    bits: u8,
    /// Whether they are as large as can be.
    bounds: bool,
    /// Of the activations.
    limit: i16,
}

fn differ(rng: &mut impl Rng, numbers: &Numbers, columns: usize, shifts: [usize; 2]) -> bool {
    let &Numbers { bits, bounds, limit } = numbers;
    let (mut x, mut weights, mut sums) = ([0; COLUMNS + 2], [0; ROWS * COLUMNS + 4], [0; ROWS]);
    let largest = (1 << (bits - 1)) - 1;
    let mut within = |bound: i32| match rng.next_u32() {
        word if bounds => {
            if word & 1 == 0 {
                bound
            } else {
                -bound
            }
        }
        word => (word >> 1) as i32 % (bound + 1) * if word & 1 == 0 { 1 } else { -1 },
    };
    let x = x.get_mut(shifts[0]..).unwrap_or_default();
    let mut total = 0;
    for x in x.iter_mut().take(columns) {
        *x = within(limit.into()) as i16;
        total += i32::from(*x);
    }
    let even = columns.next_multiple_of(2);
    let weights = weights.get_mut(shifts[1]..).unwrap_or_default();
    let (weights, _) =
        weights.split_at_mut_checked(ROWS / (16 / usize::from(bits)) * 2 * even).unwrap_or_default();
    for (i, bytes) in weights.as_chunks_mut().0.iter_mut().enumerate() {
        let inside = i % even < columns;
        *bytes = lane(bits, [0; 4].map(|_| if inside { within(largest) as i8 } else { 0 }).into_iter());
    }
    let biases = [0; ROWS].map(|_| within(i32::MAX - 1).to_le_bytes());
    let input = Input::new(x, columns, total);
    let mut twin = sums;
    dense(bits, weights, &biases, &input, &mut sums);
    portable::dense(bits, weights, &biases, &input, &mut twin);
    sums != twin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_equals_its_twin_here() {
        assert_eq!(differences(&mut crate::rng::stream(1, 0)), 0);
    }
}
