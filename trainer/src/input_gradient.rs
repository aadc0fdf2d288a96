//! A network of one number on the host, and its gradient by the input: back-propagation, layer by layer.
//!
//! ```text
//! δ_L = w ∘ a′(z_L)        δ_l = (W_{l+1}ᵀ·δ_{l+1}) ∘ a′(z_l)        ∇f = W_1ᵀ·δ_1
//! ```

use crate::mlp::{Activation, Dense, Mlp};
use rayon::prelude::*;

/// Examples that go through the layers together.
const BLOCK: usize = 64;

/// f and ∇f.
#[derive(Clone, Debug)]
pub struct InputGradient {
    layers: Vec<Dense>,
    /// Of each layer the transposed weights, no biases.
    turned: Vec<Dense>,
    activation: Activation,
}

impl InputGradient {
    /// Of a network of one output.
    ///
    /// # Panics
    /// With another number of outputs.
    pub fn new(net: &Mlp) -> Self {
        assert_eq!(net.outputs(), 1);
        let turned = |layer: &Dense| {
            let column = |i: usize| layer.weight.iter().skip(i).step_by(layer.inputs).copied();
            Dense {
                inputs: layer.outputs,
                outputs: layer.inputs,
                weight: (0..layer.inputs).flat_map(column).collect(),
                bias: vec![0.0; layer.inputs],
            }
        };
        let turned = net.layers.iter().map(turned).collect();
        Self { layers: net.layers.clone(), turned, activation: net.activation }
    }

    /// f of n inputs (n × inputs) and its gradients (n × inputs); the same bits for any number of threads.
    pub fn of_batch(&self, inputs: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let width = self.layers[0].inputs;
        let each = |x: &[f32]| self.with_derivatives(x, |_, _| ());
        let parts: Vec<_> = inputs.par_chunks(BLOCK * width).map(each).collect();
        let (values, gradients): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (values.concat(), gradients.concat())
    }

    /// f of one input and its gradient.
    pub fn of_one(&self, input: &[f32]) -> (f32, Vec<f32>) {
        let (values, gradient) = self.with_derivatives(input, |_, _| ());
        (values[0], gradient)
    }

    /// As [`of_batch`](Self::of_batch), on this thread, with the derivatives by the outputs of hidden layer l shown as
    /// `inspect(l, derivatives)`, n × outputs, from the last one down.
    pub fn with_derivatives(
        &self,
        inputs: &[f32],
        mut inspect: impl FnMut(usize, &[f32]),
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut a, mut slopes) = (inputs.to_vec(), Vec::new());
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        for layer in hidden {
            a = layer.pre_activations(&a);
            let mut slope = vec![0.0; a.len()];
            self.activation.apply_with_slopes(&mut a, &mut slope);
            slopes.push(slope);
        }
        let values = last.pre_activations(&a);
        let mut derivatives = last.weight.repeat(values.len());
        for (l, (slope, turned)) in slopes.iter().zip(&self.turned).enumerate().rev() {
            inspect(l, &derivatives);
            derivatives.iter_mut().zip(slope).for_each(|(d, slope)| *d *= slope);
            derivatives = turned.pre_activations(&derivatives);
        }
        (values, derivatives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn gradients_are_finite_differences_of_the_forward_pass() {
        const H: f32 = 1e-2;
        for activation in [Activation::Silu, Activation::Elu, Activation::Tanh] {
            let net = Mlp::new(&[3, 21, 17, 1], activation, &mut Xoshiro256PlusPlus::seed_from_u64(9));
            let inputs: Vec<f32> = (0..3 * 150).map(|i| 1.5 * (0.7 * i as f32).sin()).collect();
            let (values, gradients) = InputGradient::new(&net).of_batch(&inputs);
            assert_eq!(values, net.forward_batch(&inputs));
            for (i, gradient) in gradients.iter().enumerate() {
                let moved = |h: f32| {
                    let mut x = inputs[i / 3 * 3..][..3].to_vec();
                    x[i % 3] += h;
                    net.forward_batch(&x)[0]
                };
                let expected = (moved(H) - moved(-H)) / (2.0 * H);
                assert!((gradient - expected).abs() < 2e-3, "{activation:?} {i}: {gradient} for {expected}");
            }
        }
    }
}
