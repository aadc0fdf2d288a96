//! Activations as tables of 257 knots about zero, with straight lines beyond.

use crate::arith::saturate16;

/// Entries of an activation table: the ends of 256 segments.
pub const TABLE: usize = 257;

/// An activation: a table about zero and straight lines beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// [`TABLE`] × `i16`, at the pre-activations (i − 128)·2^shift
    pub table: &'a [u8; 2 * TABLE],
    /// 0…8
    pub shift: u32,
    /// Slopes below and above the table, in units of 2⁻¹⁴.
    pub left_slope: i16,
    pub right_slope: i16,
}

impl Curve<'_> {
    /// Largest magnitude that it can give.
    pub fn largest(&self) -> u32 {
        let (knots, _) = self.table.as_chunks::<2>();
        let knots = knots.iter().fold(0, |largest, &y| i16::from_le_bytes(y).unsigned_abs().max(largest));
        let [low, high] = [i16::MIN, i16::MAX].map(|z| activation(self, z).unsigned_abs());
        u32::from(knots.max(low).max(high))
    }
}

/// Activation of the pre-activation `z`, rounded to nearest with ties towards +∞: inside the table linear
/// between its knots, 2^shift apart about z = 0, beyond its ends a straight line of the given slope.
#[inline]
pub fn activation(curve: &Curve<'_>, z: i16) -> i16 {
    let Curve { table, shift, left_slope, right_slope } = *curve;
    let (z, reach) = (i32::from(z), 128 << shift);
    let inside = z.max(-reach).min(reach - 1); // no clamp, which can panic
    let segment = ((inside >> shift) + 128) as u8 as usize;
    let knot = |i: usize| i32::from(i16::from_le_bytes([table[2 * i], table[2 * i + 1]]));
    let (left, right) = (knot(segment), knot(segment + 1));
    let fraction = inside & ((1 << shift) - 1);
    let y = left + (((right - left) * fraction + ((1 << shift) >> 1)) >> shift);
    if z == inside {
        return y as i16;
    }
    let slope = if z < 0 { left_slope } else { right_slope };
    saturate16(y + (((z - inside) * i32::from(slope) + (1 << 13)) >> 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(bytes: &[u8; 2 * TABLE], shift: u32) -> Curve<'_> {
        Curve { table: bytes, shift, left_slope: 0, right_slope: 1 << 13 }
    }

    #[test]
    fn activation_interpolates_between_knots() {
        let mut table = [0; 2 * TABLE];
        for (i, bytes) in table.chunks_exact_mut(2).enumerate() {
            let y = if i < 128 { 0 } else { (i as i16 - 128) * 100 };
            bytes.copy_from_slice(&y.to_le_bytes());
        }
        let wide = [(-32_768, 0), (-1, 0), (0, 0), (256, 100), (384, 150), (2, 1), (1, 0), (32_767, 12_800)];
        for (z, y) in wide {
            assert_eq!(activation(&curve(&table, 8), z), y, "{z}");
        }
        // Knots 4 apart: the table ends at 512, half slope from 511 on.
        for (z, y) in [(4, 100), (2, 50), (511, 12_775), (512, 12_776), (1511, 13_275), (-600, 0)] {
            assert_eq!(activation(&curve(&table, 2), z), y, "{z}");
        }
    }
}
