//! Memorisation test.

use super::check_dims;
use super::neighbours::squared_nearest;
use crate::Points;

/// Median nearest distance from samples to training points over that from test to training points.
///
/// About 1 for new samples of the same law; under 0.8 the model memorises. Shapes `(m, d)`, `(n, d)`
/// and `(t, d)`; the cost is n·(m + t). NaN where the test points are training points.
///
/// # Panics
/// If a cloud is empty or the dimensions differ.
pub fn nn_ratio(samples: &Points, train: &Points, test: &Points) -> f64 {
    check_dims(samples, train);
    check_dims(test, train);
    median_nearest(samples, train) / median_nearest(test, train)
}

fn median_nearest(from: &Points, to: &Points) -> f64 {
    assert!(!from.is_empty() && !to.is_empty(), "no points to compare");
    median(squared_nearest(from, to).iter().map(|d| d.sqrt()).collect())
}

/// The middle value, or the mean of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() % 2 {
        0 => 0.5 * (values[half - 1] + values[half]),
        _ => values[half],
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud, gaussian};
    use super::*;

    #[test]
    fn fresh_draws_give_one_and_copies_nearly_zero() {
        let [train, test, fresh] = [1, 2, 3].map(|seed| gaussian(1000, 2, 0.0, 1.0, seed));
        close(nn_ratio(&fresh, &train, &test), 1.0, 0.12);
        let copies = train.values().iter().map(|x| x + 1e-4).collect();
        assert!(nn_ratio(&Points::new(2, copies), &train, &test) < 0.02);
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn it_agrees_with_the_reference() {
        let (samples, train) = (cloud(2, true), cloud(2, false));
        let test = Points::new(2, train.values().iter().map(|x| 0.9 * x + 0.05).collect());
        close(nn_ratio(&samples, &train, &test), 1.889231327723962, 1e-6);
    }
}
