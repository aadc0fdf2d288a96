//! Activations as tables of 257 knots about zero, with straight lines beyond.

use crate::arith::saturate16;
use crate::kernel::interpolate;

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
        let [low, high] = [-32768, 32767].map(|z| activation(self, z).unsigned_abs());
        u32::from(knots.max(low).max(high))
    }
}

/// Activation of the pre-activation `z`, rounded to nearest with ties towards +∞: inside the table linear
/// between its knots, 2^shift apart about z = 0, beyond its ends a straight line of the given slope.
#[inline]
pub fn activation(curve: &Curve<'_>, z: i32) -> i16 {
    let from_the_left = (z + (128 << curve.shift)) as u32;
    if from_the_left >> curve.shift < 256 { between_knots(curve, from_the_left) } else { beyond(curve, z) }
}

#[inline]
fn between_knots(curve: &Curve<'_>, from_the_left: u32) -> i16 {
    let Curve { table, shift, .. } = *curve;
    let segment = 2 * usize::from((from_the_left >> shift) as u8);
    let fraction = (from_the_left & ((1 << shift) - 1)) as i32;
    let (knots, _) = table[segment..].split_first_chunk().unwrap_or((&[0; 4], &[]));
    (interpolate(knots, fraction, 1 << shift) >> shift) as i16
}

/// Seldom: most pre-activations lie inside the table, and all if its shift is 8.
#[cold]
#[inline(never)]
fn beyond(curve: &Curve<'_>, z: i32) -> i16 {
    let (z, reach) = (i32::from(saturate16(z)), 128 << curve.shift);
    let inside = z.max(-reach).min(reach - 1); // no clamp, which can panic
    let y = i32::from(between_knots(curve, (inside + reach) as u32));
    let slope = i32::from(if z < 0 { curve.left_slope } else { curve.right_slope });
    saturate16(y + (((z - inside) * slope + (1 << 13)) >> 14))
}

/// Slope of the activation at the pre-activation `z`, in units of 2⁻¹⁴: inside the table linear between the central
/// differences of its knots, beyond its ends that of the straight line.
pub fn slope(curve: &Curve<'_>, z: i32) -> i16 {
    let shift = curve.shift;
    let from_the_left = (i32::from(saturate16(z)) + (128 << shift)) as u32;
    if from_the_left >> shift >= 256 {
        return if z < 0 { curve.left_slope } else { curve.right_slope };
    }
    let fraction = (from_the_left & ((1 << shift) - 1)) as i32;
    let (segment, (knots, _)) = ((from_the_left >> shift) as usize, curve.table.as_chunks::<2>());
    let knot = |i| knots.get(i).map_or(0, |&y| i32::from(i16::from_le_bytes(y)));
    let (left, right) = (knot(segment), knot(segment + 1));
    // At the table's ends twice the slope of the outermost segment.
    let before = if segment > 0 { knot(segment - 1) } else { 2 * left - right };
    let after = if segment < 255 { knot(segment + 2) } else { 2 * right - left };
    // Of two segments, in units of 2^-shift.
    let rise = (right - before) * ((1 << shift) - fraction) + (after - left) * fraction;
    let (up, down) = (13_u32.saturating_sub(2 * shift), (2 * shift).saturating_sub(13));
    saturate16(((rise << up) + ((1 << down) >> 1)) >> down)
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
