//! Exact nearest neighbours by brute force: any dimension, no index to build.

use rayon::prelude::*;

use crate::Points;
use crate::simd::dispatch;

/// Partial sums of a distance.
const LANES: usize = 8;

/// Squared Euclidean distance.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    dispatch(
        #[inline(always)]
        || sum_of_squares(a, b),
    )
}

#[inline(always)]
fn sum_of_squares(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32, y: f32| (f64::from(x) - f64::from(y)).powi(2);
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        sums = std::array::from_fn(|i| sums[i] + square(a[i], b[i]));
    }
    let tail: f64 = a_tail.iter().zip(b_tail).map(|(&x, &y)| square(x, y)).sum();
    sums.iter().sum::<f64>() + tail
}

/// Squared distance from every point to its `k`-th nearest other one, shape `(n,)`.
///
/// # Panics
/// If there are no `k` others.
pub(super) fn squared_radii(points: &Points, k: usize) -> Vec<f64> {
    assert!(points.len() > k, "{} points have no {k} neighbours each", points.len());
    let radius = |row| {
        let mut squares: Vec<f64> = points.rows().map(|other| squared_distance(row, other)).collect();
        // The point itself, at distance zero, takes rank zero.
        *squares.select_nth_unstable_by(k, f64::total_cmp).1
    };
    points.values().par_chunks_exact(points.dim()).map(radius).collect()
}

/// Squared distance from every point of `from` to the nearest of `to`, shape `(from.len(),)`.
pub(super) fn squared_nearest(from: &Points, to: &Points) -> Vec<f64> {
    let nearest = |row| to.rows().map(|other| squared_distance(row, other)).fold(f64::INFINITY, f64::min);
    from.values().par_chunks_exact(from.dim()).map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f32]) -> Points {
        Points::new(1, values.to_vec())
    }

    #[test]
    fn radii_leave_the_point_itself_out() {
        assert_eq!(squared_radii(&line(&[0.0, 1.0, 3.0]), 1), [1.0, 1.0, 4.0]);
        assert_eq!(squared_radii(&line(&[0.0, 1.0, 3.0]), 2), [9.0, 4.0, 9.0]);
    }

    #[test]
    fn nearest_looks_into_the_other_cloud() {
        assert_eq!(squared_nearest(&line(&[0.0, 5.0]), &line(&[1.0, 3.0])), [1.0, 4.0]);
    }

    #[test]
    #[should_panic(expected = "no 3 neighbours")]
    fn too_few_points_are_refused() {
        squared_radii(&line(&[0.0, 1.0, 3.0]), 3);
    }
}
