//! Compositions of ordinary dfdx ops, for devices without kernels of their own.

use dfdx::prelude::{Axes2, Axis, BroadcastTo, PermuteTo, SumTo, TryMatMul};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Gradients, Tensor, WithEmptyTape};

use super::{Backend, Layer, Matrix, Optimizer, Parameters, Scalar, Snapshot, Step, Untraced};
use crate::mlp::{Activation, Mlp};

/// f(x Wᵀ + b); see [`Backend::dense`].
pub fn dense<B: Backend>(x: Matrix<B>, layer: Layer<B>, activation: Option<Activation>) -> Matrix<B> {
    let product = x.matmul(layer.weight.permute::<_, Axes2<1, 0>>());
    let shape = *product.shape();
    let z = product + layer.bias.broadcast_like::<_, Axis<0>>(&shape);
    match activation {
        Some(activation) => activate(z, activation),
        None => z,
    }
}

fn activate<B: Backend>(z: Matrix<B>, activation: Activation) -> Matrix<B> {
    match activation {
        Activation::Silu => z.with_empty_tape().sigmoid() * z,
        Activation::Elu => z.with_empty_tape().relu() + ((-((-z).relu())).exp() - 1.0),
        Activation::Relu => z.relu(),
        Activation::Tanh => (z * 2.0).sigmoid() * 2.0 - 1.0,
    }
}

/// Weighted sum of squares; see [`Backend::square_error`].
pub fn square_error<B: Backend>(y: Matrix<B>, targets: &[f32], weights: &[f32]) -> Scalar<B> {
    let device = y.device().clone();
    let shape = *y.shape();
    let target = device.tensor_from_vec(targets.to_vec(), shape);
    let weight = device.tensor_from_vec(weights.to_vec(), (weights.len(),));
    let error = (y - target).square();
    (error * weight.broadcast_like::<_, Axis<1>>(&shape)).sum()
}

/// Σᵢⱼ yᵢⱼ·otherᵢⱼ
pub fn inner_product<B: Backend>(y: Matrix<B>, other: &[f32]) -> Scalar<B> {
    let other = y.device().tensor_from_vec(other.to_vec(), *y.shape());
    (y * other).sum()
}

/// Adam on the device, tensor by tensor.
#[derive(Debug)]
pub struct OrdinaryAdam<B: Backend> {
    first: Parameters<B>,
    second: Parameters<B>,
    ema: Parameters<B>,
}

impl<B: Backend> Optimizer<B> for OrdinaryAdam<B> {
    fn new(parameters: &Parameters<B>, snapshot: &Snapshot) -> Self {
        let on_device = |net: &Mlp| Parameters::new(parameters.device.clone(), net);
        Self {
            first: on_device(&snapshot.first),
            second: on_device(&snapshot.second),
            ema: on_device(&snapshot.ema),
        }
    }

    fn update(&mut self, parameters: &mut Parameters<B>, gradients: Vec<Gradients<f32, B>>, step: &Step) {
        let gradients = clip(sum_by_layer(parameters, gradients), step);
        let moments = self.first.layers.iter_mut().zip(&mut self.second.layers);
        let states = moments.zip(&mut self.ema.layers);
        let layers = parameters.layers.iter_mut().zip(gradients);
        for ((p, g), ((m, v), e)) in layers.zip(states) {
            let state = [&mut m.weight, &mut v.weight, &mut e.weight];
            update_tensor(&mut p.weight, g.weight, state, step);
            let state = [&mut m.bias, &mut v.bias, &mut e.bias];
            update_tensor(&mut p.bias, g.bias, state, step);
        }
    }

    fn state(&self) -> [Vec<f32>; 3] {
        [&self.first, &self.second, &self.ema].map(Parameters::flatten)
    }
}

fn update_tensor<B: Backend, S: Shape>(
    value: &mut Tensor<S, f32, B>,
    gradient: Tensor<S, f32, B>,
    [first, second, ema]: [&mut Tensor<S, f32, B>; 3],
    step: &Step,
) {
    let Step { hyper, lr, .. } = *step;
    first.axpy(hyper.beta1, &gradient, 1.0 - hyper.beta1);
    second.axpy(hyper.beta2, &gradient.square(), 1.0 - hyper.beta2);
    let corrected = second.clone() * (1.0 / step.correction(hyper.beta2));
    let direction = first.clone() / (corrected.sqrt() + hyper.epsilon);
    let rate = lr / step.correction(hyper.beta1);
    value.axpy(1.0 - lr * hyper.weight_decay, &direction, -rate);
    let decay = step.ema_decay();
    ema.axpy(decay, value, 1.0 - decay);
}

type Plain<B> = Layer<B, Untraced>;

fn sum_by_layer<B: Backend>(parameters: &Parameters<B>, mut parts: Vec<Gradients<f32, B>>) -> Vec<Plain<B>> {
    let layer = |layer: &Plain<B>| Layer {
        weight: sum_of(&layer.weight, &mut parts),
        bias: sum_of(&layer.bias, &mut parts),
    };
    parameters.layers.iter().map(layer).collect()
}

fn sum_of<B: Backend, S: Shape>(
    value: &Tensor<S, f32, B>,
    parts: &mut [Gradients<f32, B>],
) -> Tensor<S, f32, B> {
    let mut each = parts.iter_mut().map(|part| {
        // A parameter that the loss does not use has no gradient yet.
        part.try_alloc_for(value).expect("room for a gradient");
        part.get(value)
    });
    let first = each.next().expect("at least one part");
    each.fold(first, |mut sum, part| {
        sum.axpy(1.0, &part, 1.0);
        sum
    })
}

/// Scales the gradients on the device, so that nothing has to be read back.
fn clip<B: Backend>(gradients: Vec<Plain<B>>, step: &Step) -> Vec<Plain<B>> {
    if step.hyper.clip_norm.is_infinite() {
        return gradients;
    }
    let squares = gradients.iter().map(square_norm).reduce(|a, b| a + b);
    // The offset keeps a zero gradient from dividing by zero.
    let norm = squares.expect("at least one layer").sqrt() + f32::MIN_POSITIVE;
    let factor = (norm.recip() * step.hyper.clip_norm).clamp(0.0, 1.0);
    let each = |gradient| scaled(gradient, factor.clone());
    gradients.into_iter().map(each).collect()
}

fn square_norm<B: Backend>(gradient: &Plain<B>) -> Scalar<B, Untraced> {
    let weight = gradient.weight.clone().square().sum::<(), Axes2<0, 1>>();
    weight + gradient.bias.clone().square().sum::<(), Axis<0>>()
}

fn scaled<B: Backend>(gradient: Plain<B>, factor: Scalar<B, Untraced>) -> Plain<B> {
    let rows = *gradient.weight.shape();
    let row = *gradient.bias.shape();
    Layer {
        weight: gradient.weight * factor.clone().broadcast_like::<_, Axes2<0, 1>>(&rows),
        bias: gradient.bias * factor.broadcast_like::<_, Axis<0>>(&row),
    }
}
