//! Rounding weights so that a layer's output changes least: GPTQ (Frantar et al. 2023, Algorithm 1),
//! which is optimal brain surgery (Hassibi & Stork 1993) column by column.
//!
//! The layer sees the inputs a of the network quantized so far, but shall give the float network's
//! pre-activations z. With C = E[aaᵀ] + λI,
//!
//! ```text
//! W ← W + E[(z − Wa)aᵀ]·C⁻¹                            refit
//! for each column i:  ŵ_i = s·round(w_i/s),  w_j ← w_j − (w_i − ŵ_i)·U_ij/U_ii   for all j > i
//! ```
//!
//! with C⁻¹ = UᵀU, U upper triangular. Columns that are not rounded (the noise level's features, the
//! bias) come last and take what error is left.

use crate::mlp::Dense;
use nalgebra::{Cholesky, DMatrix, DVector};

/// λ over the mean of the diagonal of C.
const DAMPING: f64 = 1e-6;
/// The largest weight of a row becomes this share of the largest integer: corrections need some room.
const SHARE: f64 = 0.95;

/// A layer whose first columns are rounded.
#[derive(Clone, Debug)]
pub struct Rounded {
    /// outputs × rounded columns, within ±`largest`
    pub integers: Vec<i32>,
    /// One per output: weight = integer·scale.
    pub scales: Vec<f32>,
    /// The layer that results, with its other columns and biases refitted.
    pub layer: Dense,
}

/// Rounds the first `columns` inputs of `layer` to integers within ±`largest`. `inputs` are rows of a and `targets` rows of z.
/// `smallest_scale` bounds a row's scale from below, given its bias.
pub fn round_layer(
    layer: &Dense,
    columns: usize,
    largest: i32,
    inputs: &[f32],
    targets: &[f32],
    smallest_scale: impl Fn(usize, f32) -> f32,
) -> Rounded {
    let a = with_ones(inputs, layer.inputs);
    let n = a.ncols();
    let mut covariance = a.transpose() * &a / a.nrows() as f64;
    let damping = DAMPING * covariance.trace() / n as f64;
    covariance.iter_mut().step_by(n + 1).for_each(|c| *c += damping);
    let inverse = Cholesky::new(covariance).map(|c| c.inverse()).unwrap_or_else(|| DMatrix::identity(n, n));
    let mut w = with_bias(layer);
    let z = DMatrix::from_row_iterator(a.nrows(), layer.outputs, targets.iter().map(|&z| f64::from(z)));
    let residual = z - &a * w.transpose();
    w += (residual.transpose() * &a / a.nrows() as f64) * &inverse;
    let u = upper_factor(inverse);
    let mut rounded = Rounded { integers: Vec::new(), scales: Vec::new(), layer: layer.clone() };
    for j in 0..layer.outputs {
        let mut row: DVector<f64> = w.row(j).transpose();
        let most = row.rows(0, columns).amax();
        let scale = (most / (SHARE * f64::from(largest)))
            .max(f64::from(smallest_scale(j, row[n - 1] as f32)))
            .max(1e-30);
        for i in 0..columns {
            let integer = (row[i] / scale).round().clamp(f64::from(-largest), f64::from(largest));
            let error = (row[i] - integer * scale) / u[(i, i)];
            for k in i + 1..n {
                row[k] -= error * u[(i, k)];
            }
            row[i] = integer * scale;
            rounded.integers.push(integer as i32);
        }
        rounded.scales.push(scale as f32);
        let weight = &mut rounded.layer.weight[j * layer.inputs..][..layer.inputs];
        weight.iter_mut().zip(row.iter()).for_each(|(w, v)| *w = *v as f32);
        rounded.layer.bias[j] = row[n - 1] as f32;
    }
    rounded
}

/// Rows of `inputs` with a last column of ones, for the bias.
fn with_ones(inputs: &[f32], width: usize) -> DMatrix<f64> {
    let rows = inputs.chunks_exact(width);
    let values = rows.flat_map(|row| row.iter().map(|&v| f64::from(v)).chain([1.0]));
    DMatrix::from_row_iterator(inputs.len() / width, width + 1, values)
}

/// Weights with the bias as the last column.
fn with_bias(layer: &Dense) -> DMatrix<f64> {
    let rows = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
    let values = rows.flat_map(|(row, &b)| row.iter().copied().chain([b]).map(f64::from));
    DMatrix::from_row_iterator(layer.outputs, layer.inputs + 1, values)
}

/// U with m = UᵀU.
fn upper_factor(m: DMatrix<f64>) -> DMatrix<f64> {
    let n = m.nrows();
    Cholesky::new(m).map_or_else(|| DMatrix::identity(n, n), |c| c.l().transpose())
}
