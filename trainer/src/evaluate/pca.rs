//! Principal components.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::frechet::moments;
use crate::Points;

/// The directions in which a cloud varies most (Pearson 1901): eigenvectors of its covariance.
#[derive(Clone, Debug)]
pub struct Pca {
    mean: DVector<f64>,
    /// k × d
    directions: DMatrix<f64>,
}

impl Pca {
    /// The first `k` components of `points`, shape `(n, d)`, or all d.
    ///
    /// # Panics
    /// If there are fewer than two points.
    pub fn fit(points: &Points, k: usize) -> Self {
        let (mean, covariance) = moments(points);
        let eigen = SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..points.dim()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let first: Vec<_> = order.iter().take(k).map(|&i| eigen.eigenvectors.column(i).transpose()).collect();
        Self { mean, directions: DMatrix::from_rows(&first) }
    }

    /// The components of `points`, shape `(n, k)`.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn project(&self, points: &Points) -> Points {
        let k = self.directions.nrows();
        let mut values = Vec::with_capacity(points.len() * k);
        for row in points.rows() {
            let x = DVector::from_iterator(row.len(), row.iter().map(|&x| f64::from(x))) - &self.mean;
            values.extend((&self.directions * x).iter().map(|&x| x as f32));
        }
        Points::new(k, values)
    }

    /// The points with these components, shape `(n, d)`: the nearest to the ones they were projected from.
    ///
    /// # Panics
    /// If the number of components differs.
    pub fn reconstruct(&self, components: &Points) -> Points {
        let d = self.mean.len();
        let mut values = Vec::with_capacity(components.len() * d);
        for row in components.rows() {
            let c = DVector::from_iterator(row.len(), row.iter().map(|&c| f64::from(c)));
            values.extend((self.directions.tr_mul(&c) + &self.mean).iter().map(|&x| x as f32));
        }
        Points::new(d, values)
    }

    /// How much of each component there is in each of the d data dimensions.
    pub fn rows(&self) -> impl Iterator<Item = Vec<f32>> {
        self.directions.column_iter().map(|column| column.iter().map(|&v| v as f32).collect())
    }

    /// Squared distance of each point from the plane of the components: the error of reconstruction.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn residuals(&self, points: &Points) -> Vec<f32> {
        let projected = self.project(points);
        let square = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>();
        let one = |(row, inside): (&[f32], &[f32])| {
            let whole = square(&mut row.iter().zip(&self.mean).map(|(&x, mean)| f64::from(x) - mean));
            (whole - square(&mut inside.iter().map(|&x| f64::from(x)))) as f32
        };
        points.rows().zip(projected.rows()).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::super::frechet;
    use super::*;

    /// The components of a stretched axis are that axis, centred.
    #[test]
    fn the_longest_axis_comes_first() {
        let values = (0..100_i16).flat_map(|i| [f32::from(i % 7), 3.0 * f32::from(i), f32::from(i % 2)]);
        let points = Points::new(3, values.collect());
        let first = Pca::fit(&points, 1).project(&points);
        let off = Pca::fit(&points, 2).residuals(&points);
        assert!(off[0] < 0.3 && Pca::fit(&points, 3).residuals(&points)[0].abs() < 1e-2, "{off:?}");
        close(f64::from(first.row(99)[0] - first.row(0)[0]).abs(), 297.0, 0.01);
        close(first.values().iter().map(|&x| f64::from(x)).sum(), 0.0, 0.1);
    }

    #[test]
    fn it_agrees_with_the_reference() {
        let (a, b) = (cloud(6, false), cloud(6, true));
        let pca = Pca::fit(&a, 2);
        close(frechet(&pca.project(&a), &pca.project(&b)).unwrap(), 0.130064023419667, 1e-5);
    }
}
