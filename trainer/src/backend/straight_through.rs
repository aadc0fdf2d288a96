//! The forward pass of the integer network in floats, with straight-through gradients (Bengio, Léonard & Courville
//! 2013), for quantization-aware training (Jacob et al. 2018, eq. 12, symmetric):
//!
//! ```text
//! q(r; s, n) = s·round(clamp(r/s, −n, n))       ∂q/∂r := 1 for |r| ≤ n·s, else 0
//! y = q(f(z); s_y, n_y)       z = b + Σ_i q(w_i; s_w, n_w)·x_i
//! ```
//!
//! with a scale s_w for each output. What the core rounds besides, sums and the knots of its table, is left out: its
//! output has a cosine above .9999 with this.

use std::ops::Range;

use dfdx::prelude::{Axis, BroadcastTo};
use dfdx::shapes::HasShape;
use dfdx::tensor::WithEmptyTape;

use super::{Backend, Batch, Layer, Matrix, Network, Objective, Parameters, Scalar};

/// 1.5·2²³: adding it leaves no room for a fraction, so that subtracting it again rounds.
const ROUND: f32 = 12_582_912.0;

/// n of weights of so many bits.
pub fn largest_weight(bits: u8) -> f32 {
    ((1 << (bits - 1)) - 1) as f32
}

/// What a layer's weights and inputs are rounded to.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Bits of a weight.
    pub bits: u8,
    /// s_w of each output.
    pub scales: Vec<f32>,
    /// Inputs whose weights are rounded; those behind are exact.
    pub columns: usize,
    /// What the input's integer 0 stands for.
    pub zero: f32,
    /// s of the input.
    pub step: f32,
    /// n of the input.
    pub limit: f32,
}

impl Grid {
    /// n of weights.
    pub fn largest(&self) -> f32 {
        largest_weight(self.bits)
    }

    /// q of the weights.
    fn weights<B: Backend>(&self, weight: Matrix<B>) -> Matrix<B> {
        let (outputs, inputs) = *weight.shape();
        let device = weight.device().clone();
        let scales = device.tensor_from_vec(self.scales.clone(), (outputs,));
        let scales = scales.broadcast_like::<_, Axis<1>>(weight.shape());
        let rounded = round(weight.with_empty_tape() / scales.clone(), self.largest()) * scales;
        if self.columns == inputs {
            return rounded;
        }
        let mask = |i| if i % inputs < self.columns { 1.0 } else { 0.0 };
        let mask = device.tensor_from_vec((0..outputs * inputs).map(mask).collect(), (outputs, inputs));
        rounded * mask.clone() + weight * (-mask + 1.0)
    }

    /// q of the inputs; of the first layer's those behind the columns too, whose steps are far below their weights'.
    fn inputs<B: Backend>(&self, x: Matrix<B>) -> Matrix<B> {
        round((x - self.zero) * (1.0 / self.step), self.limit) * self.step + self.zero
    }
}

/// round(clamp(v, −n, n)), straight through; ties to even.
fn round<B: Backend>(v: Matrix<B>, n: f32) -> Matrix<B> {
    v.clamp(-n, n) + ROUND - ROUND
}

impl<B: Backend> Network<B> {
    /// [`forward`](Self::forward) with every layer's weights and inputs on their grid.
    pub fn forward_rounded(self, x: Matrix<B>, grids: &[Grid]) -> Matrix<B> {
        let last = self.layers.len() - 1;
        let activation = self.activation;
        let layers = self.layers.into_iter().zip(grids).enumerate();
        layers.fold(x, |x, (index, (layer, grid))| {
            let layer = Layer { weight: grid.weights(layer.weight), bias: layer.bias };
            B::dense(grid.inputs(x), layer, (index < last).then_some(activation), index > 0)
        })
    }
}

/// A regression batch seen by the rounded network.
#[derive(Clone, Copy, Debug)]
pub struct Aware<'a> {
    /// What to learn.
    pub batch: Batch<'a>,
    /// One for each layer.
    pub grids: &'a [Grid],
}

impl<B: Backend> Objective<B> for Aware<'_> {
    fn examples(&self) -> usize {
        self.batch.weights.len()
    }

    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B> {
        self.batch.loss_by(parameters, rows, |net, x| net.forward_rounded(x, self.grids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, inner_product};
    use crate::mlp::{Activation, Dense, Mlp};
    use dfdx::tensor::Trace;
    use dfdx::tensor_ops::Backward;

    /// Weights to ±0.7 in steps of 0.1 but for the last column, inputs 0.5 ± 1 in steps of a quarter.
    fn grid() -> Grid {
        Grid { bits: 4, scales: vec![0.1; 2], columns: 2, zero: 0.5, step: 0.25, limit: 4.0 }
    }

    fn layer(weight: [f32; 6]) -> Dense {
        Dense { inputs: 3, outputs: 2, weight: weight.to_vec(), bias: vec![0.0; 2] }
    }

    #[test]
    fn weights_pass_gradients_inside_their_range_alone() {
        let net =
            Mlp { layers: vec![layer([0.26, 0.9, 0.26, -0.71, -0.64, 3.0])], activation: Activation::Relu };
        let parameters = Parameters::new(Cpu::default(), &net);
        let x = parameters.matrix(&[0.3, 1.2, 9.0], 3).leaky_traced();
        let y = parameters.traced().forward_rounded(x, &[grid()]);
        // Inputs become ¼, 1¼ and 1½, weights .3, .7, .26 and −.7, −.6, 3.
        let expected = [0.075 + 0.875 + 0.39, -0.175 - 0.75 + 4.5];
        y.as_vec().iter().zip(expected).for_each(|(y, e)| assert!((y - e).abs() < 1e-6, "{y} for {e}"));
        let gradient = inner_product(y, &[1.0, 2.0]).backward().get(&parameters.layers[0].weight).as_vec();
        assert_eq!(gradient, [0.25, 0.0, 1.5, 0.0, 2.5, 3.0]);
    }

    #[test]
    fn activations_pass_gradients_inside_their_range_alone() {
        let last = Dense { inputs: 2, outputs: 1, weight: vec![0.3, 0.3], bias: vec![0.0] };
        let first = Dense { bias: vec![0.1, 3.0], ..layer([0.5; 6]) };
        let net = Mlp { layers: vec![first, last], activation: Activation::Relu };
        let parameters = Parameters::new(Cpu::default(), &net);
        let x = parameters.matrix(&[0.5, 0.5, 0.5], 3).leaky_traced();
        let grids = [grid(), Grid { scales: vec![0.1], ..grid() }];
        let y = parameters.traced().forward_rounded(x, &grids);
        // Hidden .85 becomes .75, and 3.75 the largest, 1.5.
        assert!((y.as_vec()[0] - 0.3 * 2.25).abs() < 1e-6, "{:?}", y.as_vec());
        let gradients = inner_product(y, &[1.0]).backward();
        let bias = gradients.get(&parameters.layers[0].bias).as_vec();
        assert!((bias[0] - 0.3).abs() < 1e-6 && bias[1] == 0.0, "{bias:?}");
    }
}
