//! Maximum mean discrepancy.

use rayon::prelude::*;

use super::check_dims;
use super::neighbours::squared_distance;
use crate::Points;

/// Kernel standard deviations, in units of the data.
const WIDTHS: [f64; 5] = [0.1, 0.25, 0.5, 1.0, 2.0];
/// Points taken of each cloud: the cost is quadratic.
const LIMIT: usize = 2000;

/// Unbiased squared maximum mean discrepancy, mean over Gaussian kernels of sd 0.1, ¼, ½, 1 and 2.
///
/// Zero in the mean for equal laws, and then often negative; shapes `(n, d)` and `(m, d)`, of which
/// the first 2,000 points count. Gretton et al., "A kernel two-sample test", 2012, equation 3.
///
/// # Panics
/// If a cloud has fewer than two points or the dimensions differ.
pub fn mmd2(a: &Points, b: &Points) -> f64 {
    check_dims(a, b);
    let (a, b) = (a.take(LIMIT), b.take(LIMIT));
    assert!(a.len() > 1 && b.len() > 1, "two points a side at least");
    let (n, m) = (a.len() as f64, b.len() as f64);
    let cross = kernel_sum(&a, &b) / (n * m);
    mean_of_pairs(&a) + mean_of_pairs(&b) - 2.0 * cross
}

/// Mean kernel over pairs of different points.
fn mean_of_pairs(points: &Points) -> f64 {
    let n = points.len() as f64;
    (kernel_sum(points, points) - n) / (n * (n - 1.0))
}

fn kernel_sum(a: &Points, b: &Points) -> f64 {
    let row_sum = |x| b.rows().map(|y| kernel(squared_distance(x, y))).sum::<f64>();
    let sums: Vec<f64> = a.values().par_chunks_exact(a.dim()).map(row_sum).collect();
    sums.iter().sum()
}

/// Mean over widths of exp(−r² / 2s²).
fn kernel(squared: f64) -> f64 {
    WIDTHS.iter().map(|s| (-squared / (2.0 * s * s)).exp()).sum::<f64>() / WIDTHS.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud, gaussian};
    use super::*;

    /// E k = Π s/√(s² + 2) · exp(−δ²/(2(s² + 2))) per axis for unit Gaussians whose means differ by δ.
    #[test]
    fn shifted_gaussians_give_the_closed_form() {
        let shift = 1.0_f64;
        let expected = |s: f64| {
            let v = s * s + 2.0;
            2.0 * s / v.sqrt() * (1.0 - (-shift * shift / (2.0 * v)).exp())
        };
        let closed = WIDTHS.map(expected).iter().sum::<f64>() / 5.0;
        let (a, b) = (gaussian(2000, 1, 0.0, 1.0, 1), gaussian(2000, 1, shift, 1.0, 2));
        close(mmd2(&a, &b), closed, 0.015);
    }

    #[test]
    fn two_points_a_side_are_counted_by_hand() {
        let (a, b) = (Points::new(1, vec![0.0, 1.0]), Points::new(1, vec![0.0, 1.0]));
        close(mmd2(&a, &b), kernel(1.0) - 1.0, 1e-15);
    }

    #[test]
    fn it_agrees_with_the_reference() {
        close(mmd2(&cloud(2, false), &cloud(2, true)), 0.023952835493761, 1e-12);
    }
}
