//! Machines of binary units: restricted Boltzmann machines, deep belief networks and Boltzmann machines with lateral
//! weights, from binary data to a blob and its exact likelihood.
//!
//! They train on plain loops over rows, shared among threads; whatever is reported of an integer model was read from its
//! blob by the core.

pub mod ais;
pub mod config;
pub mod contrastive_divergence;
pub mod enumeration;
pub mod export;
pub mod machine;
pub mod model;
pub mod rbm;
pub mod run;
pub mod suite;
pub mod use_blob;

use crate::config::UsageError;
use crate::points::Points;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// 1/(1 + e⁻ˣ)
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + eˣ)
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 with probability `p`, else 0.
pub(crate) fn draw(p: f32, rng: &mut Xoshiro256PlusPlus) -> f32 {
    f32::from(rng.random::<f32>() < p)
}

/// A generator of its own for each pair of numbers, so that threads do not matter.
pub(crate) fn pool(seed: u64, a: u64, b: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(
        seed ^ a.rotate_left(40) ^ b.rotate_left(20).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

/// Rows of 0 and 1: 1 from the threshold up, or as they are if they hold nothing else.
///
/// # Errors
/// Values that are neither, without a threshold; with one, none or all on the same side.
pub fn binarize(what: &str, points: &Points, threshold: Option<f32>) -> Result<Points, UsageError> {
    if threshold.is_some_and(f32::is_nan) {
        return Err(UsageError("binarize is NaN, but must be a number".into()));
    }
    let bad = points.values().iter().position(|&x| x != 0.0 && x != 1.0);
    if let (None, Some(at)) = (threshold, bad) {
        let (row, column, value) = (at / points.dim() + 1, at % points.dim() + 1, points.values()[at]);
        let largest = points.values().iter().copied().fold(f32::MIN, f32::max);
        let least = points.values().iter().copied().fold(f32::MAX, f32::min);
        return Err(UsageError(format!(
            "{what}: row {row}, column {column} holds {value}, but the units are binary: give a threshold, such as --binarize {} (the values are {least} to {largest})",
            least + (largest - least) / 2.0
        )));
    }
    let threshold = threshold.unwrap_or(1.0);
    let values: Vec<f32> = points.values().iter().map(|&x| f32::from(x >= threshold)).collect();
    if values.iter().all(|&x| x == values[0]) {
        return Err(UsageError(format!(
            "{what}: with the threshold {threshold} every value is {}: give one between the smallest and the largest value",
            values[0]
        )));
    }
    Ok(Points::new(points.dim(), values).with_labels(points.labels().to_vec()))
}

/// ln(p/(1 − p)) of each column's share of ones, as if half a one and half a zero more had been seen.
pub fn log_odds(data: &Points) -> Vec<f32> {
    let mut ones = vec![0.5_f32; data.dim()];
    data.rows().for_each(|row| ones.iter_mut().zip(row).for_each(|(o, v)| *o += v));
    ones.iter().map(|o| (o / (data.len() as f32 + 1.0 - o)).ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_not_binary_are_named_with_a_threshold() {
        let grey = Points::new(2, vec![0.0, 1.0, 0.0, 16.0]);
        let error = binarize("digits.csv", &grey, None).unwrap_err().to_string();
        assert!(error.starts_with("digits.csv: row 2, column 2 holds 16"), "{error}");
        assert!(error.contains("--binarize 8"), "{error}");
        assert_eq!(binarize("", &grey, Some(8.0)).unwrap().values(), [0.0, 0.0, 0.0, 1.0]);
        assert!(binarize("", &grey, Some(99.0)).unwrap_err().to_string().contains("every value is 0"));
        assert!(binarize("", &grey, Some(f32::NAN)).is_err());
        let binary = Points::new(2, vec![0.0, 1.0]);
        assert_eq!(binarize("", &binary, None).unwrap(), binary);
    }
}
