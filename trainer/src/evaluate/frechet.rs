//! Fréchet distance.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::check_dims;
use crate::Points;
use crate::product::product;

/// Fréchet distance of the Gaussians fitted to two clouds, in squared units of the data.
///
/// |μₐ − μᵦ|² + tr(Σₐ + Σᵦ − 2 (√Σₐ Σᵦ √Σₐ)^½), covariances with n − 1; shapes `(n, d)` and `(m, d)`.
/// Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982.
/// It falls with n: quote n and the value of two real draws beside it. `None` if a cloud has fewer than two points.
///
/// # Panics
/// If the dimensions differ.
pub fn frechet(a: &Points, b: &Points) -> Option<f64> {
    check_dims(a, b);
    if a.len().min(b.len()) < 2 {
        return None;
    }
    let ((mean_a, cov_a), (mean_b, cov_b)) = (moments(a), moments(b));
    let root = square_root(&cov_a);
    let cross = product(&product(&root, &cov_b), &root);
    let overlap: f64 = cross.symmetric_eigenvalues().iter().map(|&w| w.max(0.0).sqrt()).sum();
    Some((mean_a - mean_b).norm_squared() + cov_a.trace() + cov_b.trace() - 2.0 * overlap)
}

/// Mean `(d,)` and covariance `(d, d)`.
pub(super) fn moments(points: &Points) -> (DVector<f64>, DMatrix<f64>) {
    assert!(points.len() > 1, "two points at least");
    let values = points.values().iter().map(|&x| f64::from(x));
    let mut rows = DMatrix::from_row_iterator(points.len(), points.dim(), values);
    let mean = rows.row_mean();
    rows.row_iter_mut().for_each(|mut row| row -= &mean);
    let covariance = product(&rows.transpose(), &rows) / (points.len() - 1) as f64;
    (mean.transpose(), covariance)
}

/// The symmetric root; rounding may leave eigenvalues of a flat cloud just under zero.
pub(super) fn square_root(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(covariance.clone());
    let roots = eigen.eigenvalues.map(|w| w.max(0.0).sqrt());
    let mut scaled = eigen.eigenvectors.clone();
    scaled.column_iter_mut().zip(&roots).for_each(|(mut column, root)| column *= *root);
    product(&scaled, &eigen.eigenvectors.transpose())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::*;

    /// Four points with mean `m` and covariance diag(vx, vy) exactly.
    fn cross(m: [f32; 2], half: [f32; 2]) -> Points {
        let [x, y] = m;
        let [u, v] = half;
        Points::new(2, vec![x - u, y, x + u, y, x, y - v, x, y + v])
    }

    /// Commuting covariances: |Δμ|² + Σ (sₐ − sᵦ)², with variance 2h²/3 per axis here.
    #[test]
    fn axis_aligned_gaussians_give_the_closed_form() {
        let (a, b) = (cross([0.0, 0.0], [3.0, 1.0]), cross([1.0, 2.0], [1.5, 4.0]));
        close(frechet(&a, &b).unwrap(), 5.0 + 2.0 / 3.0 * (1.5 * 1.5 + 3.0 * 3.0), 1e-9);
    }

    /// Two lines at a right angle: no overlap, both traces remain.
    #[test]
    fn flat_clouds_across_each_other_give_both_traces() {
        let x = Points::new(2, vec![-1.0, 0.0, 1.0, 0.0]);
        let y = Points::new(2, vec![0.0, -2.0, 0.0, 2.0]);
        close(frechet(&x, &y).unwrap(), 2.0 + 8.0, 1e-7);
    }

    #[test]
    fn it_is_symmetric_and_zero_on_itself() {
        let (a, b) = (cloud(3, false), cloud(3, true));
        close(frechet(&a, &b).unwrap(), frechet(&b, &a).unwrap(), 1e-9);
        close(frechet(&a, &a).unwrap(), 0.0, 1e-9);
    }

    #[test]
    fn it_agrees_with_the_reference() {
        close(frechet(&cloud(2, false), &cloud(2, true)).unwrap(), 0.230691218516381, 1e-9);
        close(frechet(&cloud(5, false), &cloud(5, true)).unwrap(), 0.573965686490258, 1e-7);
    }
}
