//! Forward tangents: how a network's output changes along directions of its input, beside its value.
//!
//! ```text
//! z = W·a + b      ż = W·ȧ
//! a′ = f(z)        ȧ′ = f′(z)·ż
//! ```
//!
//! dfdx has no second backward pass. Made of traced ops that it differentiates once, tangents let a loss
//! contain derivatives of the network with respect to its input.

use dfdx::shapes::HasShape;
use dfdx::tensor::{Merge, PutTape, SplitTape, Trace, WithEmptyTape};

use super::{Backend, Layer, Matrix, Network, Untraced};
use crate::mlp::Activation;

impl<B: Backend> Network<B> {
    /// n x outputs for `x` of n x inputs, and the product of the Jacobian at `x` with each of
    /// `directions`, n x inputs, as n x outputs. The gradients with respect to `x` and `directions` are left
    /// at zero.
    pub fn forward_with_tangents(
        self,
        x: Matrix<B, Untraced>,
        directions: Vec<Matrix<B, Untraced>>,
    ) -> (Matrix<B>, Vec<Matrix<B>>) {
        let last = self.layers.len() - 1;
        let activation = self.activation;
        let mut value = x.leaky_traced();
        let mut tangents: Vec<Matrix<B>> = directions.into_iter().map(|v| v.leaky_traced()).collect();
        for (index, layer) in self.layers.into_iter().enumerate() {
            let inner = index > 0;
            let linear = |tangent| B::dense(tangent, without_bias(&layer), None, inner);
            tangents = tangents.into_iter().map(linear).collect();
            value = B::dense(value, layer, None, inner);
            if index < last {
                let (y, slope) = value_and_slope(value, activation);
                tangents = tangents.into_iter().map(|z| z * slope.with_empty_tape()).collect();
                value = y;
            }
        }
        (value, tangents)
    }
}

/// W with the gradients of `layer`, and a bias of zero. Its tape is left to `layer`.
fn without_bias<B: Backend>(layer: &Layer<B>) -> Layer<B> {
    let bias = layer.bias.device().zeros_like(&layer.bias).leaky_traced();
    Layer { weight: layer.weight.with_empty_tape(), bias }
}

/// f(z), and f'(z), whose tape is in that of f(z).
pub(super) fn value_and_slope<B: Backend>(z: Matrix<B>, activation: Activation) -> (Matrix<B>, Matrix<B>) {
    let (value, slope) = match activation {
        Activation::Silu => {
            let s = z.with_empty_tape().sigmoid();
            let value = s.with_empty_tape() * z;
            let slope = (-s.with_empty_tape() + 1.0) * value.with_empty_tape() + s;
            (value, slope)
        }
        Activation::Elu => {
            let e = (-((-z.with_empty_tape()).relu())).exp();
            (z.relu() + (e.with_empty_tape() - 1.0), e)
        }
        Activation::Relu => {
            let step: Vec<f32> = z.as_vec().iter().map(|&z| f32::from(u8::from(z > 0.0))).collect();
            let slope = z.device().tensor_from_vec(step, *z.shape()).leaky_traced();
            (z.relu(), slope)
        }
        Activation::Tanh => {
            let t = (z * 2.0).sigmoid() * 2.0 - 1.0;
            let slope = -t.with_empty_tape().square() + 1.0;
            (t, slope)
        }
    };
    let ((value, tape), (slope, more)) = (value.split_tape(), slope.split_tape());
    (value.put_tape(tape.merge(more)), slope.leaky_traced())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Parameters, inner_product, ordinary};
    use crate::mlp::Mlp;
    use dfdx::tensor_ops::Backward;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const ALL: [Activation; 4] = [Activation::Silu, Activation::Elu, Activation::Relu, Activation::Tanh];
    const EXAMPLES: usize = 5;
    const H: f32 = 5e-3;

    fn net(activation: Activation) -> Mlp {
        Mlp::new(&[3, 7, 6, 2], activation, &mut Xoshiro256PlusPlus::seed_from_u64(4))
    }

    fn wave(n: usize, phase: f32) -> Vec<f32> {
        (0..n).map(|i| (1.9 * i as f32 + phase).sin() * 1.3).collect()
    }

    /// Points and two directions.
    fn case() -> (Vec<f32>, [Vec<f32>; 2]) {
        (wave(EXAMPLES * 3, 0.2), [wave(EXAMPLES * 3, 1.0), wave(EXAMPLES * 3, 2.5)])
    }

    fn outputs(net: &Mlp) -> (Vec<f32>, Vec<Vec<f32>>) {
        let parameters = Parameters::new(Cpu::default(), net);
        let (x, directions) = case();
        let directions = directions.iter().map(|v| parameters.matrix(v, 3)).collect();
        let (y, tangents) = parameters.traced().forward_with_tangents(parameters.matrix(&x, 3), directions);
        (y.as_vec(), tangents.iter().map(|t| t.as_vec()).collect())
    }

    #[test]
    fn tangents_are_finite_differences_of_the_forward_pass() {
        for activation in ALL {
            let net = net(activation);
            let (x, directions) = case();
            let (y, tangents) = outputs(&net);
            for (a, b) in y.iter().zip(net.forward_batch(&x)) {
                assert!((a - b).abs() < 2e-6, "{activation:?}: value {a} for {b}");
            }
            for (v, tangent) in directions.iter().zip(&tangents) {
                let moved = |h: f32| {
                    let x: Vec<f32> = x.iter().zip(v).map(|(x, v)| x + h * v).collect();
                    net.forward_batch(&x)
                };
                let (above, below) = (moved(H), moved(-H));
                for ((a, b), t) in above.iter().zip(&below).zip(tangent) {
                    let expected = (a - b) / (2.0 * H);
                    assert!((t - expected).abs() < 1e-3, "{activation:?}: {t} for {expected}");
                }
            }
        }
    }

    /// Σ over values and tangents, each times a wave, by the parameters.
    fn loss(net: &Mlp) -> f64 {
        let (y, tangents) = outputs(net);
        let dot = |a: &[f32], b: Vec<f32>| -> f64 {
            a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let waves = tangents.iter().enumerate().map(|(m, t)| dot(t, wave(t.len(), 3.0 + m as f32)));
        dot(&y, wave(y.len(), 0.5)) + waves.sum::<f64>()
    }

    fn gradients(net: &Mlp) -> Vec<f32> {
        let parameters = Parameters::new(Cpu::default(), net);
        let (x, directions) = case();
        let directions = directions.iter().map(|v| parameters.matrix(v, 3)).collect();
        let (y, tangents) = parameters.traced().forward_with_tangents(parameters.matrix(&x, 3), directions);
        let first = inner_product(y, &wave(EXAMPLES * 2, 0.5));
        let products = tangents.into_iter().enumerate();
        let sum = products
            .fold(first, |sum, (m, t)| sum + ordinary::inner_product(t, &wave(EXAMPLES * 2, 3.0 + m as f32)));
        let all = sum.backward();
        let layers = parameters.layers.iter();
        layers.flat_map(|l| [all.get(&l.weight).as_vec(), all.get(&l.bias).as_vec()]).flatten().collect()
    }

    /// f32 central differences; the tolerance is a thousandth of the largest gradient.
    #[test]
    fn gradients_of_values_and_tangents_match_finite_differences() {
        for activation in [Activation::Silu, Activation::Elu, Activation::Tanh] {
            let net = net(activation);
            let flat = net.flatten();
            let found = gradients(&net);
            let largest = found.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
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
