//! Maximum mean discrepancy.

use rayon::prelude::*;

use super::check_dims;
use super::neighbours::squared_distance;
use crate::Points;

/// Kernel standard deviations for sets of the plane, in units of the data.
pub const WIDTHS: [f64; 5] = [0.1, 0.25, 0.5, 1.0, 2.0];
/// Others are these shares of the median distance.
const SHARES: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
/// Points whose distances are looked at for the median.
const MEDIAN_OF: usize = 500;
/// Points taken of each cloud: the cost is quadratic.
const LIMIT: usize = 2000;

/// Kernel standard deviations that see clouds like `points` in any dimension and unit: ¼, ½, 1, 2 and 4 times the median
/// distance of two of its first 500 points (Gretton et al. 2012, section 8); `None` where that is zero.
pub fn median_widths(points: &Points) -> Option<[f64; 5]> {
    let points = points.take(MEDIAN_OF);
    let rows: Vec<&[f32]> = points.rows().collect();
    let pairs = (0..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let mut squares: Vec<f64> = pairs.map(|(i, j)| squared_distance(rows[i], rows[j])).collect();
    let middle = squares.len() / 2;
    let median = squares
        .get(middle)
        .is_some()
        .then(|| *squares.select_nth_unstable_by(middle, f64::total_cmp).1)?
        .sqrt();
    (median > 0.0).then(|| SHARES.map(|share| share * median))
}

/// Unbiased squared maximum mean discrepancy, mean over Gaussian kernels of these standard deviations.
///
/// Zero in the mean for equal laws, and then often negative; shapes `(n, d)` and `(m, d)`, of which
/// the first 2,000 points count. Gretton et al., "A kernel two-sample test", 2012, equation 3. `None` if a cloud has fewer
/// than two points.
///
/// # Panics
/// If the dimensions differ.
pub fn mmd2(a: &Points, b: &Points, widths: &[f64; 5]) -> Option<f64> {
    check_dims(a, b);
    let (a, b) = (a.take(LIMIT), b.take(LIMIT));
    if a.len().min(b.len()) < 2 {
        return None;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let cross = kernel_sum(&a, &b, widths) / (n * m);
    Some(mean_of_pairs(&a, widths) + mean_of_pairs(&b, widths) - 2.0 * cross)
}

/// Mean kernel over pairs of different points.
fn mean_of_pairs(points: &Points, widths: &[f64; 5]) -> f64 {
    let n = points.len() as f64;
    (kernel_sum(points, points, widths) - n) / (n * (n - 1.0))
}

fn kernel_sum(a: &Points, b: &Points, widths: &[f64; 5]) -> f64 {
    let row_sum = |x| b.rows().map(|y| kernel(squared_distance(x, y), widths)).sum::<f64>();
    let sums: Vec<f64> = a.values().par_chunks_exact(a.dim()).map(row_sum).collect();
    sums.iter().sum()
}

/// Mean over widths of exp(−r² / 2s²).
fn kernel(squared: f64, widths: &[f64; 5]) -> f64 {
    widths.iter().map(|s| (-squared / (2.0 * s * s)).exp()).sum::<f64>() / widths.len() as f64
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
        close(mmd2(&a, &b, &WIDTHS).unwrap(), closed, 0.015);
    }

    #[test]
    fn two_points_a_side_are_counted_by_hand() {
        let (a, b) = (Points::new(1, vec![0.0, 1.0]), Points::new(1, vec![0.0, 1.0]));
        close(mmd2(&a, &b, &WIDTHS).unwrap(), kernel(1.0, &WIDTHS) - 1.0, 1e-15);
    }

    #[test]
    fn it_agrees_with_the_reference() {
        close(mmd2(&cloud(2, false), &cloud(2, true), &WIDTHS).unwrap(), 0.023952835493761, 1e-12);
    }

    /// Two laws in 100 dimensions that differ clearly: fixed widths of the plane see nothing of it, the median's do, and
    /// equal laws stay near zero, in any unit.
    #[test]
    fn many_dimensions_are_seen_by_the_median() {
        let (a, same, wide) = (
            gaussian(300, 100, 0.0, 1.0, 1),
            gaussian(300, 100, 0.0, 1.0, 2),
            gaussian(300, 100, 0.0, 1.3, 3),
        );
        assert!(mmd2(&a, &wide, &WIDTHS).unwrap().abs() < 1e-6);
        let widths = median_widths(&a).unwrap();
        assert!(mmd2(&a, &wide, &widths).unwrap() > 0.01 && mmd2(&a, &same, &widths).unwrap().abs() < 1e-3);
        let unit = |points: &Points| Points::new(100, points.values().iter().map(|x| 1e6 * x).collect());
        let widths = median_widths(&unit(&a)).unwrap();
        assert!(mmd2(&unit(&a), &unit(&wide), &widths).unwrap() > 0.01);
    }

    #[test]
    fn few_or_equal_points_have_none() {
        let cloud = cloud(2, false);
        assert!(mmd2(&cloud.take(1), &cloud, &WIDTHS).is_none());
        assert!(median_widths(&cloud.take(1)).is_none());
        assert!(median_widths(&Points::new(1, vec![3.0; 9])).is_none());
    }
}
