//! The gradient of a network of one number by its input, as traced ops: a loss may contain it, though dfdx has no
//! second backward pass.
//!
//! ```text
//! δ_L = w ∘ a′(z_L)        δ_l = (δ_{l+1}·W_{l+1}) ∘ a′(z_l)        ∇f = δ_1·W_1
//! ```

use std::ops::Range;

use dfdx::prelude::TryMatMul;
use dfdx::shapes::HasShape;
use dfdx::tensor::{Merge, PutTape, SplitTape, Trace, WithEmptyTape};

use super::tangents::value_and_slope;
use super::{Backend, Batch, Layer, Matrix, Network, Objective, Parameters, Scalar, Untraced};

impl<B: Backend> Network<B> {
    /// ∇f by the first `columns` inputs, n × columns, at `x` of n × inputs.
    pub fn input_gradient(self, x: Matrix<B, Untraced>, columns: usize) -> Matrix<B> {
        let device = x.device().clone();
        let (examples, inputs) = *x.shape();
        let activation = self.activation;
        let mut layers = self.layers;
        let last = layers.pop().expect("a network has layers");
        let (mut value, mut weights, mut slopes) = (x.leaky_traced(), Vec::new(), Vec::new());
        for (index, layer) in layers.into_iter().enumerate() {
            let Layer { weight, bias } = layer;
            weights.push(weight.with_empty_tape());
            let z = B::dense(value, Layer { weight, bias }, None, index > 0);
            let slope;
            (value, slope) = value_and_slope(z, activation);
            slopes.push(slope);
        }
        // The tape of all values is in the last one's.
        let (_, tape) = value.split_tape();
        let ones: Matrix<B, Untraced> = device.tensor_from_vec(vec![1.0; examples], (examples, 1));
        let mut delta = ones.leaky_traced().matmul(last.weight);
        for (index, (weight, slope)) in weights.into_iter().zip(slopes).enumerate().rev() {
            let weight = if index == 0 { weight.matmul(first(&device, inputs, columns)) } else { weight };
            delta = (delta * slope).matmul(weight);
        }
        let (delta, more) = delta.split_tape();
        delta.put_tape(tape.merge(more))
    }
}

/// Takes the first columns of a matrix when multiplied from the right.
fn first<B: Backend>(device: &B, inputs: usize, columns: usize) -> Matrix<B, Untraced> {
    let one = |i: usize| if i / columns == i % columns { 1.0 } else { 0.0 };
    device.tensor_from_vec((0..inputs * columns).map(one).collect(), (inputs, columns))
}

/// A regression batch whose targets are those of ∇f.
#[derive(Clone, Copy, Debug)]
pub struct OfGradient<'a>(pub Batch<'a>);

impl<B: Backend> Objective<B> for OfGradient<'_> {
    fn examples(&self) -> usize {
        self.0.weights.len()
    }

    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B> {
        let columns = self.0.targets.len() / self.0.weights.len();
        self.0.loss_by(parameters, rows, |net, x| net.input_gradient(x.split_tape().0, columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, inner_product};
    use crate::input_gradient::InputGradient;
    use crate::mlp::{Activation, Mlp};
    use dfdx::tensor_ops::Backward;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const EXAMPLES: usize = 4;

    fn net(activation: Activation) -> Mlp {
        Mlp::new(&[3, 7, 6, 1], activation, &mut Xoshiro256PlusPlus::seed_from_u64(4))
    }

    fn wave(n: usize, phase: f32) -> Vec<f32> {
        (0..n).map(|i| (1.9 * i as f32 + phase).sin() * 1.3).collect()
    }

    /// ∇f by the first two of three inputs.
    fn traced(parameters: &Parameters<Cpu>) -> Matrix<Cpu> {
        let x = parameters.matrix(&wave(EXAMPLES * 3, 0.2), 3);
        parameters.traced().input_gradient(x, 2)
    }

    #[test]
    fn it_is_the_gradient_of_the_host() {
        for activation in [Activation::Silu, Activation::Elu, Activation::Relu, Activation::Tanh] {
            let net = net(activation);
            let found = traced(&Parameters::new(Cpu::default(), &net)).as_vec();
            let (_, all) = InputGradient::new(&net).of_batch(&wave(EXAMPLES * 3, 0.2));
            for (row, all) in found.chunks(2).zip(all.chunks(3)) {
                let near = row.iter().zip(all).all(|(a, b)| (a - b).abs() < 2e-6);
                assert!(near, "{activation:?}: {row:?} for {all:?}");
            }
        }
    }

    /// f32 central differences of the host's gradient, by every parameter; the tolerance is a thousandth of the largest.
    #[test]
    fn its_derivatives_by_the_parameters_match_finite_differences() {
        const H: f32 = 5e-3;
        for activation in [Activation::Silu, Activation::Elu, Activation::Tanh] {
            let net = net(activation);
            let weights = wave(EXAMPLES * 2, 1.0);
            let parameters = Parameters::new(Cpu::default(), &net);
            let all = inner_product(traced(&parameters), &weights).backward();
            let (last, hidden) = parameters.layers.split_last().unwrap();
            let layers = hidden.iter().flat_map(|l| [all.get(&l.weight).as_vec(), all.get(&l.bias).as_vec()]);
            // The last bias is not part of the gradient.
            let found: Vec<f32> =
                layers.chain([all.get(&last.weight).as_vec(), vec![0.0]]).flatten().collect();
            let loss = |net: &Mlp| -> f64 {
                let (_, all) = InputGradient::new(net).of_batch(&wave(EXAMPLES * 3, 0.2));
                let firsts = all.chunks(3).flat_map(|row| &row[..2]);
                firsts.zip(&weights).map(|(g, w)| f64::from(*g) * f64::from(*w)).sum()
            };
            let (flat, largest) = (net.flatten(), found.iter().fold(0.0_f32, |m, g| m.max(g.abs())));
            assert!(largest > 0.1);
            for (index, gradient) in found.iter().enumerate() {
                let moved = |h: f32| {
                    let mut flat = flat.clone();
                    flat[index] += h;
                    loss(&net.unflatten(&flat))
                };
                let expected = ((moved(H) - moved(-H)) / f64::from(2.0 * H)) as f32;
                assert!(
                    (gradient - expected).abs() < 1e-3 * largest,
                    "{activation:?} {index}: {gradient} for {expected}"
                );
            }
        }
    }
}
