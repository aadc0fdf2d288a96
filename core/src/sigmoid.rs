//! A binary unit's coin: on with probability σ(x) = 1/(1 + e⁻ˣ), by a comparison of random bits with a table.
//!
//! An input is an integer in units of 2⁻⁶, the table has σ(−|x|) at each of them in units of 2⁻¹⁶, and 16 raw bits
//! decide: below the threshold for the less likely side. No multiplication, no float. Each probability is right within
//! 2⁻¹⁷; beyond |x| = 11.78, where it is less than that, the unit does not hesitate.

use crate::sigmoid_thresholds::THRESHOLDS;

/// Inputs are in units of 2⁻⁶.
pub const FRACTION: u32 = 6;

/// 1 if a unit of the input `x` is on, else 0, by the uniform number `u` in 0…2¹⁶ − 1.
#[inline]
pub fn unit(x: i32, u: u32) -> u32 {
    let threshold = THRESHOLDS.get(x.unsigned_abs() as usize).copied().map_or(0, u32::from);
    // On if u is below the threshold and x < 0, or neither: by their signs, without a branch.
    (u.wrapping_sub(threshold) ^ !x as u32) >> 31
}

/// ln(1 + eˣ): −ln(1 − σ(x)).
pub fn softplus(x: f32) -> f32 {
    let (larger, magnitude) = if x > 0.0 { (x, x) } else { (0.0, -x) };
    larger + libm::log1pf(libm::expf(-magnitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_is_the_sigmoid_rounded() {
        for k in 0..1000 {
            let exact = 65_536.0 / (1.0 + libm::exp(f64::from(k) / 64.0));
            let threshold = THRESHOLDS.get(k as usize).copied().unwrap_or(0);
            assert!((f64::from(threshold) - exact).abs() <= 0.500_001, "{k}");
        }
    }

    #[test]
    fn the_share_of_draws_is_the_probability_on_both_sides() {
        for x in [-2000, -700, -64, -1, 0, 1, 64, 700, 2000] {
            let on = f64::from((0..1 << 16).map(|u| unit(x, u)).sum::<u32>());
            let exact = 65_536.0 / (1.0 + libm::exp(-f64::from(x) / 64.0));
            assert!((on - exact).abs() <= 0.500_001, "{x}: {on}");
        }
    }
}
