//! The network's weights as tensors, and the traced network built from them.

use dfdx::tensor::Trace;

use super::{Backend, Matrix, Traced, Untraced, Vector};
use crate::mlp::{Activation, Mlp};

/// Weight (outputs x inputs) and bias (outputs) of one dense layer.
#[derive(Clone, Debug)]
pub struct Layer<B: Backend, T = Traced<B>> {
    /// outputs x inputs, row-major.
    pub weight: Matrix<B, T>,
    /// One per output.
    pub bias: Vector<B, T>,
}

/// The trainable tensors of a multi-layer perceptron.
#[derive(Clone, Debug)]
pub struct Parameters<B: Backend> {
    /// From the input to the output.
    pub layers: Vec<Layer<B, Untraced>>,
    /// After every layer but the last.
    pub activation: Activation,
    /// Where the tensors lie.
    pub device: B,
}

impl<B: Backend> Parameters<B> {
    /// Copies `net` to `device`.
    pub fn new(device: B, net: &Mlp) -> Self {
        let layer = |dense: &crate::mlp::Dense| Layer {
            weight: device.tensor_from_vec(dense.weight.clone(), (dense.outputs, dense.inputs)),
            bias: device.tensor_from_vec(dense.bias.clone(), (dense.outputs,)),
        };
        Self { layers: net.layers.iter().map(layer).collect(), activation: net.activation, device }
    }

    /// Every parameter on the host, in the order of [`Mlp::flatten`].
    pub fn flatten(&self) -> Vec<f32> {
        let each = |layer: &Layer<B, Untraced>| [layer.weight.as_vec(), layer.bias.as_vec()];
        self.layers.iter().flat_map(each).flatten().collect()
    }

    /// A network whose tapes lead back to these tensors. Losses may put other tensors in the place
    /// of its own, provided that their tapes lead back here as well.
    pub fn traced(&self) -> Network<B> {
        let layer = |layer: &Layer<B, Untraced>| Layer {
            weight: layer.weight.leaky_trace(),
            bias: layer.bias.leaky_trace(),
        };
        Network { layers: self.layers.iter().map(layer).collect(), activation: self.activation }
    }

    /// `data` as an untraced n x `columns` matrix on the device.
    pub fn matrix(&self, data: &[f32], columns: usize) -> Matrix<B, Untraced> {
        let shape = (data.len() / columns, columns);
        self.device.tensor_from_vec(data.to_vec(), shape)
    }
}

/// Traced layers, ready for one forward pass.
#[derive(Debug)]
pub struct Network<B: Backend> {
    /// From the input to the output.
    pub layers: Vec<Layer<B>>,
    /// After every layer but the last.
    pub activation: Activation,
}

impl<B: Backend> Network<B> {
    /// n x outputs for `x` of n x inputs. With `input_gradient` false, the gradient with respect
    /// to `x` may be left at zero.
    pub fn forward(self, x: Matrix<B>, input_gradient: bool) -> Matrix<B> {
        let last = self.layers.len() - 1;
        let activation = self.activation;
        let layers = self.layers.into_iter().enumerate();
        layers.fold(x, |x, (index, layer)| {
            let activation = (index < last).then_some(activation);
            B::dense(x, layer, activation, input_gradient || index > 0)
        })
    }
}
