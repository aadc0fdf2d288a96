//! Dense layer and activation as one op of the host's tape.

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Cpu, CpuError, Gradients, Merge, PutTape, SplitTape, Tape, Tensor, TensorFromVec};

use super::gemm::{View, add_product};
use super::{Layer, Matrix, Untraced, Vector};
use crate::mlp::Activation;

/// f(x Wᵀ + b); see [`Backend::dense`](super::Backend::dense).
pub fn dense(
    x: Matrix<Cpu>,
    layer: Layer<Cpu>,
    activation: Option<Activation>,
    input_gradient: bool,
) -> Matrix<Cpu> {
    let (x, tape) = x.split_tape();
    let (weight, weight_tape) = layer.weight.split_tape();
    let (bias, bias_tape) = layer.bias.split_tape();
    let mut tape = tape.merge(weight_tape).merge(bias_tape);
    let (y, slopes) = forward(&x, &weight, &bias, activation);
    let backward = Backward { x, weight, bias, slopes, input_gradient };
    let ghost = y.ghost();
    tape.add_backward_op(move |gradients| {
        let gradient = std::mem::take::<Vec<f32>>(gradients.get_or_alloc_mut(&ghost)?);
        backward.run(gradients, gradient)
    });
    y.put_tape(tape)
}

/// The values, n x outputs, and the derivative of the activation at each (none without one).
fn forward(
    x: &Matrix<Cpu, Untraced>,
    weight: &Matrix<Cpu, Untraced>,
    bias: &Vector<Cpu, Untraced>,
    activation: Option<Activation>,
) -> (Matrix<Cpu, Untraced>, Vec<f32>) {
    let ((examples, inputs), (outputs, _)) = (*x.shape(), *weight.shape());
    let mut z = to_host(bias).repeat(examples);
    let (x_data, weight_data) = (to_host(x), to_host(weight));
    let transposed = View::new(&weight_data, outputs, inputs).transposed();
    add_product(&mut z, View::new(&x_data, examples, inputs), transposed);
    let mut slopes = Vec::new();
    if let Some(activation) = activation {
        slopes.resize(z.len(), 0.0);
        activation.apply_with_slopes(&mut z, &mut slopes);
    }
    (x.device().tensor_from_vec(z, (examples, outputs)), slopes)
}

/// What the backward pass needs; the tensors share their data with the forward pass.
struct Backward {
    x: Matrix<Cpu, Untraced>,
    weight: Matrix<Cpu, Untraced>,
    bias: Vector<Cpu, Untraced>,
    slopes: Vec<f32>,
    input_gradient: bool,
}

impl Backward {
    fn run(&self, gradients: &mut Gradients<f32, Cpu>, mut z: Vec<f32>) -> Result<(), CpuError> {
        let ((examples, inputs), (outputs, _)) = (*self.x.shape(), *self.weight.shape());
        z.iter_mut().zip(&self.slopes).for_each(|(z, slope)| *z *= slope);
        add_columns(gradients.get_or_alloc_mut(&self.bias)?, &z);
        let z = View::new(&z, examples, outputs);
        let x = to_host(&self.x);
        let weight = gradients.get_or_alloc_mut(&self.weight)?;
        add_product(weight, z.transposed(), View::new(&x, examples, inputs));
        if self.input_gradient {
            let weight = to_host(&self.weight);
            let x = gradients.get_or_alloc_mut(&self.x)?;
            add_product(x, z, View::new(&weight, outputs, inputs));
        }
        Ok(())
    }
}

/// Adds the column sums of the row-major `rows` to `sums`.
fn add_columns(sums: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

/// The data of a tensor that is neither permuted nor broadcast. dfdx lends no slice of it; the copy
/// is small beside a product.
fn to_host<S: Shape>(tensor: &Tensor<S, f32, Cpu>) -> Vec<f32> {
    let mut data = vec![0.0; tensor.shape().num_elements()];
    tensor.copy_into(&mut data);
    debug_assert!(is_in_order(&data, &tensor.as_vec()), "a permuted tensor");
    data
}

fn is_in_order(data: &[f32], expected: &[f32]) -> bool {
    data.iter().map(|x| x.to_bits()).eq(expected.iter().map(|x| x.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Parameters, ordinary};
    use crate::mlp::Mlp;
    use dfdx::prelude::{Axes2, Backward, SumTo};
    use dfdx::tensor::Trace;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const ACTIVATIONS: [Option<Activation>; 5] =
        [None, Some(Activation::Silu), Some(Activation::Elu), Some(Activation::Relu), Some(Activation::Tanh)];
    const EXAMPLES: usize = 6;

    /// One layer of 5 inputs and 4 outputs, the inputs of 6 examples, and a cotangent.
    fn case() -> (Mlp, Vec<f32>, Vec<f32>) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let net = Mlp::new(&[5, 4], Activation::Silu, &mut rng);
        let wave =
            |n, phase: f32| -> Vec<f32> { (0..n).map(|i| (1.7 * i as f32 + phase).sin() * 1.5).collect() };
        (net, wave(EXAMPLES * 5, 0.3), wave(EXAMPLES * 4, 1.0))
    }

    type Op = fn(Matrix<Cpu>, Layer<Cpu>, Option<Activation>) -> Matrix<Cpu>;

    fn fused(x: Matrix<Cpu>, layer: Layer<Cpu>, f: Option<Activation>) -> Matrix<Cpu> {
        dense(x, layer, f, true)
    }

    fn values(op: Op, net: &Mlp, x: &[f32], f: Option<Activation>) -> Vec<f32> {
        let parameters = Parameters::new(Cpu::default(), net);
        let layer = parameters.traced().layers.remove(0);
        op(parameters.matrix(x, 5).leaky_traced(), layer, f).as_vec()
    }

    /// Gradients of Σ cotangent · y with respect to weight, bias and x, one after the other.
    fn gradients(op: Op, f: Option<Activation>) -> Vec<f32> {
        let (net, x, cotangent) = case();
        let parameters = Parameters::new(Cpu::default(), &net);
        let x = parameters.matrix(&x, 5);
        let y = op(x.leaky_trace(), parameters.traced().layers.remove(0), f);
        let loss = (y * parameters.matrix(&cotangent, 4)).sum::<(), Axes2<0, 1>>();
        let all = loss.backward();
        let layer = &parameters.layers[0];
        let parts = [all.get(&layer.weight).as_vec(), all.get(&layer.bias).as_vec()];
        [parts.concat(), all.get(&x).as_vec()].concat()
    }

    /// Derivative of Σ cotangent · y with respect to element `index` of weight, bias, x.
    fn central_difference(f: Option<Activation>, index: usize) -> f64 {
        let (net, x, cotangent) = case();
        let shifted = |h: f32| {
            let mut all = [net.flatten(), x.clone()].concat();
            all[index] += h;
            let (flat, x) = all.split_at(net.parameters());
            values(fused, &net.unflatten(flat), x, f)
        };
        let (above, below) = (shifted(4e-3), shifted(-4e-3));
        let change = above.iter().zip(&below).map(|(a, b)| f64::from(a - b));
        let terms = change.zip(&cotangent).map(|(d, &c)| d * f64::from(c));
        terms.sum::<f64>() / 8e-3
    }

    #[test]
    fn gradients_match_finite_differences() {
        for f in ACTIVATIONS {
            for (index, gradient) in gradients(fused, f).into_iter().enumerate() {
                let expected = central_difference(f, index);
                let error = (f64::from(gradient) - expected).abs();
                assert!(error < 5e-4, "{f:?} {index}: {gradient} for {expected}");
            }
        }
    }

    #[test]
    fn fused_equals_ordinary_ops_to_2e_6() {
        let (net, x, _) = case();
        for f in ACTIVATIONS {
            let pairs = [
                (values(fused, &net, &x, f), values(ordinary::dense, &net, &x, f)),
                (gradients(fused, f), gradients(ordinary::dense, f)),
            ];
            for (a, b) in pairs.iter().flat_map(|(a, b)| a.iter().zip(b)) {
                assert!((a - b).abs() < 2e-6 * (1.0 + b.abs()), "{f:?}: {a} for {b}");
            }
        }
    }

    #[test]
    fn input_gradient_is_left_out_on_request() {
        let (net, x, _) = case();
        let parameters = Parameters::new(Cpu::default(), &net);
        let x = parameters.matrix(&x, 5);
        let y = dense(x.leaky_trace(), parameters.traced().layers.remove(0), None, false);
        let mut all = y.sum::<(), Axes2<0, 1>>().backward();
        assert!(all.get_or_alloc_mut(&x).unwrap().iter().all(|&g| g == 0.0));
        assert_eq!(all.get(&parameters.layers[0].bias).as_vec(), [EXAMPLES as f32; 4]);
    }

    #[test]
    fn tapes_of_all_operands_survive() {
        let (net, x, _) = case();
        let parameters = Parameters::new(Cpu::default(), &net);
        let traced = parameters.traced().layers.remove(0);
        let doubled = Layer { weight: traced.weight * 2.0, bias: traced.bias * 3.0 };
        let x = parameters.matrix(&x, 5);
        let y = dense(x.leaky_trace() * 1.0, doubled, None, true);
        let all = y.sum::<(), Axes2<0, 1>>().backward();
        let layer = &parameters.layers[0];
        assert_eq!(all.get(&layer.bias).as_vec(), [3.0 * EXAMPLES as f32; 4]);
        let column: f32 = x.as_vec().chunks(5).map(|row| row[0]).sum();
        assert!((all.get(&layer.weight).as_vec()[0] - 2.0 * column).abs() < 1e-5);
        let doubled: f32 = (0..4).map(|o| 2.0 * net.layers[0].weight[o * 5]).sum();
        assert!((all.get(&x).as_vec()[0] - doubled).abs() < 1e-5);
    }
}
