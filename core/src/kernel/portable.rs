//! The reference kernel in plain Rust: every other kernel must equal it.

use crate::blob::weight;

/// `sums[j] += Σ_i w[j, i]·x[i]`. `weights` are whole groups of zipped rows of `bits` bits, two or four; `x` is
/// padded to an even length.
pub fn dense(bits: u8, weights: &[u8], x: &[i16], sums: &mut [i32]) {
    if bits == 4 { rows::<4>(weights, x, sums) } else { rows::<2>(weights, x, sums) }
}

/// With `N` rows zipped.
fn rows<const N: usize>(weights: &[u8], x: &[i16], sums: &mut [i32]) {
    let (groups, _) = sums.as_chunks_mut::<N>();
    for (weights, sums) in weights.chunks((2 * x.len()).max(1)).zip(groups) {
        let (lanes, _) = weights.as_chunks();
        for (&lane, &x) in lanes.iter().zip(x) {
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = sum.wrapping_add(weight(16 / N as u8, lane, row) * i32::from(x));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_rows_on_top_of_what_is_there() {
        let lanes: [i16; 4] = [256 + 3 + 128, 256 * -2 + 127 + 128, 256 * 127 - 127 + 128, 128];
        let weights = lanes.map(i16::to_le_bytes);
        let mut sums = [10, -5];
        dense(8, weights.as_flattened(), &[100, -200, 32_767, 7], &mut sums);
        assert_eq!(sums, [10 + 100 + 400 + 4_161_409, -5 + 300 - 25_400 - 4_161_409]);
    }

    #[test]
    fn sums_four_rows_of_nibbles() {
        let lanes: [i16; 2] = [4096 * -7 + 256 * (7 + 8) + 16 * (-3 + 8) + 2 + 8, 0x888];
        let weights = lanes.map(i16::to_le_bytes);
        let mut sums = [1, 2, 3, 4];
        dense(4, weights.as_flattened(), &[-1000, 9], &mut sums);
        assert_eq!(sums, [7001, -6998, 3003, -1996]);
    }
}
