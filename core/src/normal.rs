//! Standard normal numbers from integers, one 32-bit draw each.
//!
//! The quantile −Φ⁻¹ of the tail probability p ∈ (2⁻³³, ½) is interpolated linearly between
//! checked-in knots, 16 per octave of p; the draw's top bit is the sign. No rejection, so the number
//! of draws per normal is always one, and the time is constant up to the count of leading zeros.
//!
//! Accuracy, all asserted in tests: |z − Φ⁻¹| < 4·10⁻⁴ everywhere; the mean is exactly 0, the variance
//! within 2·10⁻⁴ of 1, the kurtosis within 10⁻³ of 3; |z| ≤ 6.34, and every tail probability down to
//! 2⁻³³ is right within 0.3 %.

use crate::normal_knots::KNOTS;
use rand_core::Rng;

/// Draws z ~ N(0, 1); one [`next_u32`](Rng::next_u32) each.
///
/// ```
/// use tinyscore::{normal::standard_normal, rng::stream};
/// let z = standard_normal(&mut stream(1, 0));
/// assert!(z.abs() < 6.35);
/// ```
#[inline]
pub fn standard_normal(rng: &mut impl Rng) -> f32 {
    // The conversion rounds once, to the nearest f32; the scaling is a power of two, so exact.
    fixed_normal(rng.next_u32()) as f32 * (1.0 / 268_435_456.0)
}

/// The normal number of the draw `u`, in units of 2⁻²⁸. The top bit of `u` is the sign; the other 31
/// are the tail probability p = (2·(u mod 2³¹) + 1)/2³³.
pub fn fixed_normal(u: u32) -> i32 {
    let tail = (u << 1) | 1;
    let zeros = tail.leading_zeros();
    let normalised = tail << zeros;
    let knot = ((31 - zeros) * 16 + ((normalised >> 27) & 15)) as usize;
    let fraction = ((normalised >> 12) & 0x7fff) as i32;
    let below = KNOTS[knot.min(511)] as i32;
    let above = KNOTS[(knot + 1).min(512)] as i32;
    let z = (below << 15) - (below - above) * fraction;
    if u >> 31 == 0 { z } else { -z }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    const UNIT: f64 = 268_435_456.0;

    /// Upper tail probability of the standard normal.
    fn tail(z: f64) -> f64 {
        0.5 * libm::erfc(z / core::f64::consts::SQRT_2)
    }

    fn knot_probability(q: usize) -> f64 {
        libm::exp2((q / 16) as f64 - 33.0) * (1.0 + (q % 16) as f64 / 16.0)
    }

    /// Mean over all draws of a function of |z|, by Gauss–Legendre of 3 points on every segment.
    fn mean(f: impl Fn(f64) -> f64) -> f64 {
        let nodes = [
            (0.112_701_665_379_258_31, 5.0 / 18.0),
            (0.5, 8.0 / 18.0),
            (0.887_298_334_620_741_7, 5.0 / 18.0),
        ];
        (0..512)
            .map(|q| {
                let (below, above) = (f64::from(KNOTS[q]) / 8192.0, f64::from(KNOTS[q + 1]) / 8192.0);
                let weight = 2.0 * (knot_probability(q + 1) - knot_probability(q));
                weight * nodes.iter().map(|(t, w)| w * f(below + t * (above - below))).sum::<f64>()
            })
            .sum()
    }

    #[test]
    fn every_knot_is_the_quantile_rounded() {
        for (q, &knot) in KNOTS.iter().enumerate() {
            let p = knot_probability(q);
            let (low, high) = ((f64::from(knot) - 0.501) / 8192.0, (f64::from(knot) + 0.501) / 8192.0);
            assert!(tail(high) <= p && p <= tail(low), "knot {q}");
        }
    }

    #[test]
    fn moments_are_those_of_the_normal() {
        assert!((mean(|_| 1.0) - 1.0).abs() < 1e-9);
        let variance = mean(|z| z * z);
        assert!((variance - 1.0).abs() < 2e-4, "{variance}");
        let kurtosis = mean(|z| z * z * z * z) / (variance * variance);
        assert!((kurtosis - 3.0).abs() < 1e-3, "{kurtosis}");
    }

    #[test]
    fn quantile_is_accurate_and_symmetric() {
        for i in 0..200_000_u32 {
            // Every octave: a draw shifted right by 0 to 30 bits.
            let u = (i.wrapping_mul(2_654_435_761) % (1 << 31)) >> (i % 31);
            let z = f64::from(fixed_normal(u)) / UNIT;
            let p = (2.0 * f64::from(u) + 1.0) / 8_589_934_592.0;
            assert!(tail(z + 4e-4) <= p && p <= tail(z - 4e-4), "draw {u}: {z}");
            assert_eq!(fixed_normal(u | 1 << 31), -fixed_normal(u), "draw {u}");
        }
    }

    #[test]
    fn tails_are_right_to_the_last_draw() {
        for u in [0_u32, 1, 5, 77, 1000, 123_456, 9_999_999] {
            let z = f64::from(fixed_normal(u)) / UNIT;
            let p = (2.0 * f64::from(u) + 1.0) / 8_589_934_592.0;
            assert!((tail(z) / p - 1.0).abs() < 3e-3, "draw {u}: {}", tail(z) / p);
        }
        assert!(f64::from(fixed_normal(0)) / UNIT < 6.34);
    }

    #[test]
    fn samples_pass_a_kolmogorov_smirnov_test() {
        let mut rng = stream(7, 0);
        let mut z = [0.0_f32; 20_000];
        z.fill_with(|| standard_normal(&mut rng));
        z.sort_unstable_by(f32::total_cmp);
        let n = z.len() as f64;
        let distance = z
            .iter()
            .enumerate()
            .fold(0.0_f64, |d, (i, &z)| d.max((1.0 - tail(f64::from(z)) - (i as f64 + 0.5) / n).abs()));
        assert!(distance * n.sqrt() < 1.63, "{distance}"); // 1 % critical value
    }
}
