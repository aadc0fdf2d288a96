//! Weights as they lie in the blob: the rows of a layer zipped, two rows of 8 bits or four of 4 bits.
//!
//! A lane is 16 bits, one column of the zipped rows, the first row in its highest bits. A field holds its weight
//! plus half its range, except that the lane's topmost bit is inverted. As a signed number the lane is then
//!
//! ```text
//! 8 bits:  2⁸·w₀ + (w₁ + 2⁷)
//! 4 bits:  2¹²·w₀ + 2⁸·(w₁ + 8) + 2⁴·(w₂ + 8) + (w₃ + 8)
//! ```
//!
//! without a carry between rows, so that one multiplication serves all of them.

/// Rows that are zipped.
pub fn zipped(bits: u8) -> usize {
    if bits == 4 { 4 } else { 2 }
}

/// Bytes of `outputs` rows of `inputs` columns; both are rounded up, columns to an even number.
pub fn packed(bits: u8, inputs: usize, outputs: usize) -> usize {
    outputs.div_ceil(zipped(bits)) * 4 * inputs.div_ceil(2)
}

/// The weight of zipped row `row` in a lane.
pub fn weight(bits: u8, lane: [u8; 2], row: usize) -> i32 {
    let half = 1 << (bits - 1);
    let fields = i32::from(u16::from_le_bytes(lane) ^ 0x8000);
    (fields >> (16 - usize::from(bits) * (row + 1)) & (2 * half - 1)) - half
}

/// The lane of a column, from the weights of its zipped rows.
pub fn lane(bits: u8, column: impl Iterator<Item = i8>) -> [u8; 2] {
    let half = 1 << (bits - 1);
    let fields = column
        .take(zipped(bits))
        .fold(0, |fields, w| fields << bits | ((i32::from(w) + half) & (2 * half - 1)));
    (fields as u16 ^ 0x8000).to_le_bytes()
}

/// The lanes of a matrix in their order, by the weight of a row and a column.
pub fn lanes(
    bits: u8,
    inputs: usize,
    outputs: usize,
    weight: impl Fn(usize, usize) -> i8,
) -> impl Iterator<Item = [u8; 2]> {
    let (rows, columns) = (zipped(bits), 2 * inputs.div_ceil(2));
    let at = move |row, column| if row < outputs && column < inputs { weight(row, column) } else { 0 };
    let groups =
        (0..outputs).step_by(rows).flat_map(move |first| (0..columns).map(move |column| (first, column)));
    groups.map(move |(first, column)| lane(bits, (first..first + rows).map(|row| at(row, column))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn lanes_hold_every_weight_and_zeros_beyond() {
        let weights: Vec<i8> = (0..15).map(|i| i - 7).collect();
        for bits in [8, 4] {
            let lanes: Vec<_> = lanes(bits, 3, 5, |row, column| weights[3 * row + column]).collect();
            let rows = zipped(bits);
            assert_eq!(2 * lanes.len(), packed(bits, 3, 5));
            for (i, &lane) in lanes.iter().enumerate() {
                for k in 0..rows {
                    let (row, column) = (i / 4 * rows + k, i % 4);
                    let expected = if row < 5 && column < 3 { weights[3 * row + column] } else { 0 };
                    assert_eq!(
                        weight(bits, lane, k),
                        expected.into(),
                        "{bits} bits, row {row}, column {column}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_lane_is_the_sum_of_its_rows() {
        assert_eq!(i16::from_le_bytes(lane(8, [-127, 127].into_iter())), 256 * -127 + 127 + 128);
        let four = lane(4, [-7, 7, -3, 2].into_iter());
        assert_eq!(i16::from_le_bytes(four), 4096 * -7 + 256 * (7 + 8) + 16 * (-3 + 8) + 2 + 8);
    }
}
