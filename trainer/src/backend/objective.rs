//! Losses over a batch.

use std::ops::Range;

use dfdx::tensor::{Gradients, PutTape, SplitTape, Trace};
use dfdx::tensor_ops::Backward;

use super::{Backend, Matrix, Network, Parameters, Scalar, Untraced};

/// A loss that is a sum over examples, so that a batch can be differentiated in parts.
pub trait Objective<B: Backend>: Sync {
    /// Number of examples in the batch.
    fn examples(&self) -> usize;

    /// What the examples `rows` contribute to the loss of the whole batch, traced back to
    /// `parameters`.
    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B>;
}

/// A loss and its gradients with respect to the parameters.
#[derive(Debug)]
pub struct Differential<B: Backend> {
    /// Not yet read back from the device.
    pub loss: Scalar<B, Untraced>,
    /// By parameter tensor.
    pub gradients: Gradients<f32, B>,
}

/// Differentiates what the examples `rows` contribute.
pub fn differentiate<B: Backend>(
    parameters: &Parameters<B>,
    objective: &impl Objective<B>,
    rows: Range<usize>,
) -> Differential<B> {
    let (loss, tape) = objective.loss(parameters, rows).split_tape();
    let gradients = loss.clone().put_tape(tape).backward();
    Differential { loss, gradients }
}

/// A regression batch of n examples: the loss is the mean over examples of
/// weight · mean over outputs of (net(input) - target)².
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// n x inputs, row-major.
    pub inputs: &'a [f32],
    /// n x outputs, row-major.
    pub targets: &'a [f32],
    /// One per example.
    pub weights: &'a [f32],
}

impl Batch<'_> {
    /// The loss of the network as `forward` evaluates it.
    pub(super) fn loss_by<B: Backend>(
        &self,
        parameters: &Parameters<B>,
        rows: Range<usize>,
        forward: impl FnOnce(Network<B>, Matrix<B>) -> Matrix<B>,
    ) -> Scalar<B> {
        let examples = self.weights.len();
        let outputs = self.targets.len() / examples;
        let inputs = self.inputs.len() / examples;
        let scale = 1.0 / (examples * outputs) as f32;
        let x = &self.inputs[rows.start * inputs..rows.end * inputs];
        let x = parameters.matrix(x, inputs).leaky_traced();
        let y = forward(parameters.traced(), x);
        let weights: Vec<f32> = self.weights[rows.clone()].iter().map(|w| w * scale).collect();
        let targets = &self.targets[rows.start * outputs..rows.end * outputs];
        B::square_error(y, targets, &weights)
    }
}

impl<B: Backend> Objective<B> for Batch<'_> {
    fn examples(&self) -> usize {
        self.weights.len()
    }

    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B> {
        self.loss_by(parameters, rows, |net, x| net.forward(x, false))
    }
}
