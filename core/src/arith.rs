//! The one place that rounds, saturates and bounds.
//!
//! Every target must give the same bits, so these rules use only integer operations and the
//! IEEE-754 operations + − × ÷ √. A change here changes outputs: raise [`ARITHMETIC`].

use crate::kernel;

/// Version of the arithmetic: the number formats, the rounding rules, the noise stream and the
/// order of random draws. Blobs carry it, and a model of another version is refused.
pub const ARITHMETIC: u16 = 1;

/// Largest magnitude of a sampler's state. A diverging plan stays at this bound instead of reaching
/// infinity, so no NaN can arise: products with coefficients below [`BOUND`] stay finite.
pub const BOUND: f32 = 1_099_511_627_776.0; // 2^40

/// Requantization: `round(acc · multiplier / 2³²)`, ties towards +∞.
///
/// One `SMMULR` on cores with the DSP extension.
///
/// ```
/// # use tinyscore::arith::rounded_high;
/// assert_eq!(rounded_high(6, 1 << 30), 2); // 1.5 rounds up
/// assert_eq!(rounded_high(-6, 1 << 30), -1); // −1.5 too
/// ```
#[inline]
pub fn rounded_high(acc: i32, multiplier: i32) -> i32 {
    kernel::rounded_high(acc, multiplier)
}

/// Saturates to the 16-bit range.
#[inline]
pub fn saturate16(v: i32) -> i16 {
    v.clamp(-32768, 32767) as i16
}

/// The largest number below ½: added before the fraction is cut off, it rounds every number to the nearest, halves away
/// from zero. ½ itself would take 0.49999997 to 1: their sum rounds to 1.
pub(crate) const HALF: f32 = f32::from_bits(0x3eff_ffff);

/// Rounds to the nearest integer (ties away from zero) within ±`limit`; NaN gives 0.
#[inline]
pub fn quantize(v: f32, limit: i16) -> i16 {
    let half = if v < 0.0 { -HALF } else { HALF };
    let limit = limit as i32;
    ((v + half) as i32).min(limit).max(-limit) as i16 // no clamp, which can panic
}

/// Keeps a state within ±[`BOUND`]; any other value, NaN included, becomes the bound of its sign.
#[inline]
pub fn bounded(v: f32) -> f32 {
    let magnitude = v.to_bits() & 0x7fff_ffff;
    if magnitude <= BOUND.to_bits() {
        v
    } else if v < 0.0 {
        -BOUND
    } else {
        BOUND
    }
}

/// Whether `v` is a number within ±[`BOUND`].
#[inline]
pub fn is_bounded(v: f32) -> bool {
    v.to_bits() & 0x7fff_ffff <= BOUND.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requantization_rounds_half_up_at_both_signs() {
        let quarter = 1 << 30;
        for (acc, expected) in [(1, 0), (2, 1), (3, 1), (-2, 0), (-3, -1), (-6, -1), (6, 2)] {
            assert_eq!(rounded_high(acc, quarter), expected, "{acc}/4");
        }
        assert_eq!(rounded_high(i32::MIN, i32::MAX), -0x3fff_ffff - 1 + 1);
    }

    #[test]
    fn quantize_rounds_to_nearest_and_saturates() {
        for (v, expected) in [(0.5, 1), (-0.5, -1), (1.49, 1), (-7.6, -8), (1e9, 100), (-1e9, -100)] {
            assert_eq!(quantize(v, 100), expected, "{v}");
        }
        assert_eq!(quantize(f32::NAN, 100), 0);
        assert_eq!(saturate16(40_000), 32_767);
        assert_eq!(saturate16(-40_000), -32_768);
    }

    /// In wide arithmetic: ⌊|v| + ½⌋ of 64 bits, in which the sum is exact.
    fn nearest(v: f32, limit: i16) -> i16 {
        let magnitude = libm::floor(f64::from(v).abs() + 0.5);
        let within = if magnitude > f64::from(limit) { limit } else { magnitude as i16 };
        if v < 0.0 { -within } else { within }
    }

    /// All integers and halves of 16 bits with their neighbours, all numbers of ¼…½, and others of every magnitude.
    #[test]
    fn quantize_rounds_every_number_to_the_nearest() {
        let check = |v: f32| {
            for v in [v, -v] {
                assert_eq!(quantize(v, i16::MAX), nearest(v, i16::MAX), "{v:e}");
                assert_eq!(quantize(v, 100), nearest(v, 100), "{v:e}");
            }
        };
        for n in 0..=2 * (i16::MAX as u32 + 1) {
            let bits = (n as f32 / 2.0).to_bits();
            (0..5).for_each(|step| check(f32::from_bits(bits.saturating_add(step).saturating_sub(2))));
        }
        (0.25_f32.to_bits()..=0.5_f32.to_bits()).for_each(|bits| check(f32::from_bits(bits)));
        (0..f32::INFINITY.to_bits()).step_by(4099).for_each(|bits| check(f32::from_bits(bits)));
    }

    #[test]
    fn bound_stops_infinity_and_nan() {
        assert_eq!(bounded(f32::INFINITY), BOUND);
        assert_eq!(bounded(f32::NEG_INFINITY), -BOUND);
        assert_eq!(bounded(f32::NAN), BOUND);
        assert_eq!(bounded(-f32::NAN), BOUND);
        assert_eq!(bounded(-1.5), -1.5);
        assert!(is_bounded(-BOUND) && !is_bounded(2.0 * BOUND) && !is_bounded(f32::NAN));
        // The largest step a bounded row can take stays finite.
        assert!((BOUND * BOUND * 7.0).is_finite());
    }
}
