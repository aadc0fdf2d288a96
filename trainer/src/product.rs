//! Matrix products with the same bits on every processor.
//!
//! Libraries choose a kernel by the processor, and each kernel adds in an order of its own. What decides a rounding must
//! not hang on that: here c_ij = Σ_k a_ik·b_kj is added in the order of k, without contraction, by any vector unit and any
//! number of threads.

use crate::simd::dispatch;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Columns of the result that share each load of a column of a.
const TILE: usize = 4;
/// Columns of a that stay in the cache while all columns of the result pass.
const BLOCK: usize = 256;

/// a·b.
///
/// # Panics
/// If a has not as many columns as b has rows.
pub fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    assert_eq!(a.ncols(), b.nrows(), "the shapes of a product");
    let (rows, inner) = a.shape();
    let mut c = DMatrix::zeros(rows, b.ncols());
    if rows == 0 || inner == 0 {
        return c;
    }
    for first in (0..inner).step_by(BLOCK) {
        let block = first..inner.min(first + BLOCK);
        let a = &a.as_slice()[block.start * rows..block.end * rows];
        let tiles = c.as_mut_slice().par_chunks_mut(TILE * rows).zip(b.as_slice().par_chunks(TILE * inner));
        tiles.for_each(|(c, b)| {
            let b: Vec<&[f64]> = b.chunks_exact(inner).map(|column| &column[block.clone()]).collect();
            dispatch(
                #[inline(always)]
                || add_tile(c, a, &b, rows),
            );
        });
    }
    c
}

/// Adds to at most [`TILE`] columns of c.
#[inline(always)]
fn add_tile(c: &mut [f64], a: &[f64], b: &[&[f64]], rows: usize) {
    if let ([b0, b1, b2, b3], true) = (b, c.len() == TILE * rows) {
        let (c0, c) = c.split_at_mut(rows);
        let (c1, c) = c.split_at_mut(rows);
        let (c2, c3) = c.split_at_mut(rows);
        for (k, a) in a.chunks_exact(rows).enumerate() {
            let factors = [b0[k], b1[k], b2[k], b3[k]];
            for i in 0..rows {
                c0[i] += a[i] * factors[0];
                c1[i] += a[i] * factors[1];
                c2[i] += a[i] * factors[2];
                c3[i] += a[i] * factors[3];
            }
        }
        return;
    }
    for (c, b) in c.chunks_exact_mut(rows).zip(b) {
        for (a, factor) in a.chunks_exact(rows).zip(*b) {
            c.iter_mut().zip(a).for_each(|(c, a)| *c += a * factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums in the order of k, one by one.
    fn plain(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
        let sum = |i, j| (0..a.ncols()).fold(0.0, |sum, k| sum + a[(i, k)] * b[(k, j)]);
        DMatrix::from_fn(a.nrows(), b.ncols(), sum)
    }

    /// Bit for bit, over shapes that leave a rest of every tile and block.
    #[test]
    fn sums_are_added_in_order() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 7, 4), (5, 600, 9), (33, 257, 6), (2, 256, 8)] {
            let cell = |i: usize, j: usize| ((i * 37 + j * 101 + 13) as f64 * 0.7123).sin();
            let (a, b) = (DMatrix::from_fn(rows, inner, cell), DMatrix::from_fn(inner, columns, cell));
            assert_eq!(product(&a, &b), plain(&a, &b), "{rows} × {inner} × {columns}");
        }
        assert_eq!(product(&DMatrix::zeros(3, 0), &DMatrix::zeros(0, 2)), DMatrix::zeros(3, 2));
    }
}
