//! What every optimizer shares: its constants, and the scalars of one step.

use dfdx::tensor::Gradients;

use super::{Backend, Parameters, Snapshot};

/// Optimizer and averaging constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyper {
    /// Decay of Adam's first moment.
    pub beta1: f32,
    /// Decay of Adam's second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled decay of weights and biases, per unit of learning rate; 0 = Adam.
    pub weight_decay: f32,
    /// Largest Euclidean norm of the whole gradient; infinity = off.
    pub clip_norm: f32,
    /// Decay of the average of the parameters, warmed up as min(ema, (1 + t) / (10 + t)) with t
    /// the number of steps made before.
    pub ema: f32,
}

impl Default for Hyper {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            clip_norm: f32::INFINITY,
            ema: 0.999,
        }
    }
}

/// The scalars of one step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Constants of the run.
    pub hyper: Hyper,
    /// Learning rate.
    pub lr: f32,
    /// Steps made before this one.
    pub before: u64,
}

impl Step {
    /// 1 - beta^(steps with this one), which undoes the moment's start at zero.
    pub fn correction(&self, beta: f32) -> f32 {
        (1.0 - f64::from(beta).powf(self.before as f64 + 1.0)) as f32
    }

    /// Weight of the old average.
    pub fn ema_decay(&self) -> f32 {
        let t = self.before as f64;
        self.hyper.ema.min(((1.0 + t) / (10.0 + t)) as f32)
    }

    /// Factor that brings a gradient of this `norm` within the limit.
    pub fn clip_factor(&self, norm: f32) -> f32 {
        if norm > self.hyper.clip_norm { self.hyper.clip_norm / norm } else { 1.0 }
    }
}

/// Adam with decoupled weight decay, gradient clipping and an average of the parameters.
pub trait Optimizer<B: Backend>: Sized {
    /// Continues from `snapshot`, the parameters of which are `parameters`.
    fn new(parameters: &Parameters<B>, snapshot: &Snapshot) -> Self;

    /// Updates `parameters` by the sum of `gradients`.
    fn update(&mut self, parameters: &mut Parameters<B>, gradients: Vec<Gradients<f32, B>>, step: &Step);

    /// First moment, second moment and averaged parameters, each in the order of
    /// [`Mlp::flatten`](crate::mlp::Mlp::flatten).
    fn state(&self) -> [Vec<f32>; 3];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(before: u64) -> Step {
        let hyper = Hyper { clip_norm: 2.0, ..Hyper::default() };
        Step { hyper, lr: 0.1, before }
    }

    #[test]
    fn average_warms_up() {
        assert_eq!(step(0).ema_decay(), 0.1);
        assert_eq!(step(5).ema_decay(), 0.4);
        assert_eq!(step(1_000_000).ema_decay(), 0.999);
    }

    #[test]
    fn first_correction_is_one_minus_beta() {
        assert!((step(0).correction(0.9) - 0.1).abs() < 1e-7);
        assert!((step(1).correction(0.9) - 0.19).abs() < 1e-7);
    }

    #[test]
    fn clipping_only_shortens() {
        assert_eq!(step(0).clip_factor(1.5), 1.0);
        assert_eq!(step(0).clip_factor(8.0), 0.25);
    }
}
