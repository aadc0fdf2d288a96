//! The difference of a network's one output between two sets of examples.

use std::ops::Range;

use dfdx::tensor::{Trace, WithEmptyTape};

use super::{Backend, Objective, Parameters, Scalar, inner_product};

/// Σ_i factor_i·f(x_i) + penalty·Σ_i f(x_i)²
#[derive(Clone, Copy, Debug)]
pub struct Contrast<'a> {
    /// n × inputs, row-major.
    pub inputs: &'a [f32],
    /// One per example.
    pub factors: &'a [f32],
    /// Of all squares.
    pub penalty: f32,
}

impl<B: Backend> Objective<B> for Contrast<'_> {
    fn examples(&self) -> usize {
        self.factors.len()
    }

    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B> {
        let width = self.inputs.len() / self.factors.len();
        let x = parameters.matrix(&self.inputs[rows.start * width..rows.end * width], width);
        let f = parameters.traced().forward(x.leaky_traced(), false);
        let (zeros, weights) = (vec![0.0; rows.len()], vec![self.penalty; rows.len()]);
        let squares = B::square_error(f.with_empty_tape(), &zeros, &weights);
        inner_product(f, &self.factors[rows]) + squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Hyper, Learner};
    use crate::mlp::{Activation, Mlp};
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    /// Each part of the loss by itself, and its slopes by the first moments of Adam after one step.
    #[test]
    fn loss_and_slopes_are_those_of_the_sums() {
        let net = Mlp::new(&[2, 9, 1], Activation::Silu, &mut Xoshiro256PlusPlus::seed_from_u64(2));
        let inputs: Vec<f32> = (0..2 * 70).map(|i| (1.3 * i as f32).sin()).collect();
        let factors: Vec<f32> = (0..70).map(|i| if i < 30 { 0.1 } else { -0.2 }).collect();
        let contrast = Contrast { inputs: &inputs, factors: &factors, penalty: 0.03 };
        let expected = |net: &Mlp| -> f64 {
            let terms = net.forward_batch(&inputs).into_iter().zip(&factors);
            terms.map(|(f, factor)| f64::from(factor * f + 0.03 * f * f)).sum()
        };
        let hyper = Hyper { beta1: 0.0, ..Hyper::default() };
        let mut learner = Learner::new(Cpu::default(), &net, hyper);
        let loss = learner.step_on(&contrast, 1e-3, true).unwrap();
        assert!((f64::from(loss) - expected(&net)).abs() < 1e-5);
        let (flat, slopes) = (net.flatten(), learner.snapshot().first.flatten());
        for (i, slope) in slopes.iter().enumerate() {
            let moved = |h: f32| {
                let mut flat = flat.clone();
                flat[i] += h;
                expected(&net.unflatten(&flat))
            };
            let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((f64::from(*slope) - difference).abs() < 3e-3, "{i}: {slope} for {difference}");
        }
    }
}
