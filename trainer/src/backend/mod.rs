//! Training on a dfdx device; the only module that names dfdx.
//!
//! An [`Objective`] turns [`Parameters`] and some of the batch's examples into a traced loss, the
//! [`Backend`] differentiates it, and its [`Optimizer`] applies the gradients. [`Learner`] joins
//! the three and deals in plain vectors on its outside.

mod adam;
mod contrast;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod dense;
mod device;
mod gemm;
mod input_gradient;
mod learner;
mod objective;
mod optimizer;
mod ordinary;
mod parameters;
mod square_error;
mod straight_through;
mod tangents;

use dfdx::tensor::{NoneTape, OwnedTape, Tensor};
use dfdx::tensor_ops;

use crate::mlp::Activation;

pub use contrast::Contrast;
#[cfg(feature = "cuda")]
pub use cuda::{Gpu, gpus, open_cuda, sgemm_rate};
pub use device::{Device, DeviceError, DeviceName, Failure, devices};
pub use dfdx::tensor::Cpu;
#[cfg(feature = "cuda")]
pub use dfdx::tensor::Cuda;
pub use input_gradient::OfGradient;
pub use learner::{Learner, Snapshot};
pub use objective::{Batch, Differential, Objective};
pub use optimizer::{Hyper, Optimizer, Step};
pub use ordinary::{OrdinaryAdam, inner_product};
pub use parameters::{Layer, Network, Parameters};
pub use straight_through::{Aware, Grid, largest_weight};

/// Gradient tape of traced tensors.
pub type Traced<B> = OwnedTape<f32, B>;
/// Row-major matrix of run-time size on the device, traced unless said otherwise.
pub type Matrix<B, T = Traced<B>> = Tensor<(usize, usize), f32, B, T>;
/// Vector of run-time length on the device, traced unless said otherwise.
pub type Vector<B, T = Traced<B>> = Tensor<(usize,), f32, B, T>;
/// Scalar on the device, traced unless said otherwise.
pub type Scalar<B, T = Traced<B>> = Tensor<(), f32, B, T>;
/// Tape of tensors that are not traced.
pub type Untraced = NoneTape;

/// A dfdx device with its choice of kernels; the defaults are compositions of ordinary dfdx ops.
pub trait Backend: tensor_ops::Device<f32> {
    /// Holds the moments and averages, and updates the parameters.
    type Optimizer: Optimizer<Self>;

    /// f(x Wᵀ + b) for x of n x inputs, W of outputs x inputs; without `activation`, f(z) = z.
    ///
    /// With `input_gradient` false, the gradient with respect to x may be left at zero. Gradients
    /// of the result are consumed by the backward pass and cannot be read after it.
    fn dense(
        x: Matrix<Self>,
        layer: Layer<Self>,
        activation: Option<Activation>,
        input_gradient: bool,
    ) -> Matrix<Self> {
        let _ = input_gradient;
        ordinary::dense(x, layer, activation)
    }

    /// Σᵢ weightsᵢ Σⱼ (yᵢⱼ - targetᵢⱼ)² for y and `targets` of n x outputs and n `weights`.
    fn square_error(y: Matrix<Self>, targets: &[f32], weights: &[f32]) -> Scalar<Self> {
        ordinary::square_error(y, targets, weights)
    }

    /// Loss and gradients over all examples, as parts to be added in their order.
    fn differentiate<O: Objective<Self>>(
        parameters: &Parameters<Self>,
        objective: &O,
    ) -> Vec<Differential<Self>> {
        vec![objective::differentiate(parameters, objective, 0..objective.examples())]
    }

    /// Threads that draw batches for this device.
    fn drawing_threads() -> usize {
        1
    }

    /// Does `work` on the device, which may fail where the host does not.
    ///
    /// # Errors
    /// When the device failed; what `work` held there is freed.
    fn attempt<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        Ok(work())
    }
}
