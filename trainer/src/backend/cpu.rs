//! The host: fused ops, and a batch differentiated in parts on several threads.

use dfdx::tensor::Cpu;
use rayon::prelude::*;

use super::adam::FlatAdam;
use super::{
    Backend, Differential, Layer, Matrix, Objective, Parameters, Scalar, dense, objective, square_error,
};
use crate::mlp::Activation;

/// Examples in one part of a batch. Not a function of the number of threads, so that neither are
/// the sums over the parts.
const PART: usize = 64;

impl Backend for Cpu {
    type Optimizer = FlatAdam;

    fn dense(
        x: Matrix<Self>,
        layer: Layer<Self>,
        activation: Option<Activation>,
        input_gradient: bool,
    ) -> Matrix<Self> {
        dense::dense(x, layer, activation, input_gradient)
    }

    fn square_error(y: Matrix<Self>, targets: &[f32], weights: &[f32]) -> Scalar<Self> {
        square_error::square_error(y, targets, weights)
    }

    fn differentiate<O: Objective<Self>>(
        parameters: &Parameters<Self>,
        objective: &O,
    ) -> Vec<Differential<Self>> {
        let examples = objective.examples();
        let parts = examples.div_ceil(PART);
        let part = |index: usize| {
            let start = index * PART;
            let rows = start..examples.min(start + PART);
            objective::differentiate(parameters, objective, rows)
        };
        (0..parts).into_par_iter().map(part).collect()
    }
}
