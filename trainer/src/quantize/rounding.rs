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
//! with expectations over weighted examples, of an energy network also of derivatives along random directions, as its
//! gradient is what counts (Czarnecki et al. 2017), and C⁻¹ = UᵀU, U upper triangular. Columns that are not rounded (the noise level's features, the
//! bias) come last and take what error is left.

use crate::mlp::Dense;
use crate::product::product;
use nalgebra::{Cholesky, DMatrix, DVector};

/// λ over the mean of the diagonal of C.
const DAMPING: f64 = 1e-3;
/// The largest weight of a row becomes one of these shares of the largest integer, whichever costs least:
/// corrections need some room, and above 1 a few large weights are cut for a finer grid.
const SHARES: [f64; 5] = [0.8, 0.95, 1.1, 1.3, 1.6];

/// What a layer sees and shall give: n examples of values and, or not, as many of derivatives, which see no bias.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// n × inputs each: rows of a
    pub inputs: [&'a [f32]; 2],
    /// n × outputs each: rows of z
    pub targets: [&'a [f32]; 2],
    /// n: how much an example counts
    pub weights: &'a [f32],
}

impl Evidence<'_> {
    /// Weighted rows of a, with a last column for the bias.
    fn inputs(&self, width: usize) -> DMatrix<f64> {
        let values = self.inputs.iter().zip([1.0, 0.0]).flat_map(|(rows, constant)| {
            let rows = rows.chunks_exact(width).zip(self.weights);
            rows.flat_map(move |(row, &w)| row.iter().copied().chain([constant]).map(move |v| weighted(v, w)))
        });
        let count = self.inputs.iter().map(|rows| rows.len() / width).sum();
        DMatrix::from_row_iterator(count, width + 1, values)
    }

    /// Weighted rows of z.
    fn targets(&self, width: usize) -> DMatrix<f64> {
        let values = self.targets.iter().flat_map(|rows| {
            let rows = rows.chunks_exact(width).zip(self.weights);
            rows.flat_map(|(row, &w)| row.iter().map(move |&v| weighted(v, w)))
        });
        let count = self.targets.iter().map(|rows| rows.len() / width).sum();
        DMatrix::from_row_iterator(count, width, values)
    }
}

/// Squares of this are squares of `value` times the weight.
fn weighted(value: f32, weight: f32) -> f64 {
    f64::from(value) * f64::from(weight).sqrt()
}

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

/// Rounds the first `columns` inputs of `layer` to integers within ±`largest`. `smallest_scale` bounds a
/// row's scale from below, given its number and its bias.
pub fn round_layer(
    layer: &Dense,
    columns: usize,
    largest: f32,
    evidence: &Evidence<'_>,
    smallest_scale: impl Fn(usize, f32) -> f32,
) -> Rounded {
    let a = evidence.inputs(layer.inputs);
    let n = a.ncols();
    let count = a.nrows() as f64;
    let mut covariance = product(&a.transpose(), &a) / count;
    let damping = DAMPING * covariance.trace() / n as f64;
    covariance.iter_mut().step_by(n + 1).for_each(|c| *c += damping);
    let inverse = Cholesky::new(covariance).map(|c| c.inverse()).unwrap_or_else(|| DMatrix::identity(n, n));
    let mut w = with_bias(layer);
    let z = evidence.targets(layer.outputs);
    let residual = z - product(&a, &w.transpose());
    w += product(&(product(&residual.transpose(), &a) / count), &inverse);
    let u = upper_factor(inverse);
    let mut rounded = Rounded { integers: Vec::new(), scales: Vec::new(), layer: layer.clone() };
    for j in 0..layer.outputs {
        let row: DVector<f64> = w.row(j).transpose();
        let most = row.rows(0, columns).amax();
        let least = f64::from(smallest_scale(j, row[n - 1] as f32)).max(1e-30);
        let scales = SHARES.map(|share| (most / (share * f64::from(largest))).max(least));
        let rows = scales.map(|scale| round_row(row.clone(), columns, scale, largest, &u));
        let best = rows.into_iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
        let RoundedRow { integers, scale, row, .. } = best.expect("more than one share");
        rounded.integers.extend(integers);
        rounded.scales.push(scale as f32);
        let weight = &mut rounded.layer.weight[j * layer.inputs..][..layer.inputs];
        weight.iter_mut().zip(row.iter()).for_each(|(w, v)| *w = *v as f32);
        rounded.layer.bias[j] = row[n - 1] as f32;
    }
    rounded
}

/// One output's weights after rounding, and the expected square of what that does to z.
struct RoundedRow {
    integers: Vec<i32>,
    scale: f64,
    row: DVector<f64>,
    loss: f64,
}

fn round_row(
    mut row: DVector<f64>,
    columns: usize,
    scale: f64,
    largest: f32,
    u: &DMatrix<f64>,
) -> RoundedRow {
    let bound = f64::from(largest);
    let (mut integers, mut loss) = (Vec::with_capacity(columns), 0.0);
    for i in 0..columns {
        let integer = (row[i] / scale).round().clamp(-bound, bound);
        let error = (row[i] - integer * scale) / u[(i, i)];
        loss += error * error;
        for k in i + 1..row.len() {
            row[k] -= error * u[(i, k)];
        }
        row[i] = integer * scale;
        integers.push(integer as i32);
    }
    RoundedRow { integers, scale, row, loss }
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
