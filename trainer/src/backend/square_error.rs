//! The weighted square error as one op of the host's tape.

use dfdx::tensor::{Cpu, PutTape, SplitTape, Tape, TensorFromVec};

use super::{Matrix, Scalar};

/// Σᵢ weightsᵢ Σⱼ (yᵢⱼ - targetᵢⱼ)²; see
/// [`Backend::square_error`](super::Backend::square_error).
pub fn square_error(y: Matrix<Cpu>, targets: &[f32], weights: &[f32]) -> Scalar<Cpu> {
    let (y, mut tape) = y.split_tape();
    let mut slopes = y.as_vec();
    let loss = errors_to_slopes(&mut slopes, targets, weights);
    let loss = y.device().tensor_from_vec(vec![loss], ());
    let ghost = loss.ghost();
    tape.add_backward_op(move |gradients| {
        let factor = gradients.get_or_alloc_mut(&ghost)?[0];
        let sums = gradients.get_or_alloc_mut(&y)?.iter_mut();
        sums.zip(&slopes).for_each(|(sum, slope)| *sum += factor * slope);
        Ok(())
    });
    loss.put_tape(tape)
}

/// Replaces the values `y` by the derivatives of the error; returns the error.
fn errors_to_slopes(y: &mut [f32], targets: &[f32], weights: &[f32]) -> f32 {
    assert_eq!(y.len(), targets.len());
    let outputs = y.len() / weights.len();
    let rows = y.chunks_exact_mut(outputs).zip(targets.chunks_exact(outputs));
    let row = |((y, target), weight): ((&mut [f32], &[f32]), &f32)| {
        let mut sum = 0.0;
        for (y, target) in y.iter_mut().zip(target) {
            let error = *y - target;
            sum += error * error;
            *y = 2.0 * weight * error;
        }
        f64::from(weight * sum)
    };
    rows.zip(weights).map(row).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ordinary;
    use dfdx::tensor::Trace;
    use dfdx::tensor_ops::Backward;

    const Y: [f32; 6] = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5];
    const TARGETS: [f32; 6] = [0.0, 1.0, 1.5, 0.5, -0.25, -1.0];
    const WEIGHTS: [f32; 3] = [0.5, 2.0, 0.0];

    type Op = fn(Matrix<Cpu>, &[f32], &[f32]) -> Scalar<Cpu>;

    /// The loss, and its gradient multiplied by three.
    fn run(op: Op, y: &[f32]) -> (f32, Vec<f32>) {
        let y = Cpu::default().tensor_from_vec(y.to_vec(), (3, 2));
        let loss = op(y.leaky_trace(), &TARGETS, &WEIGHTS);
        let value = loss.as_vec()[0];
        (value, (loss * 3.0).backward().get(&y).as_vec())
    }

    #[test]
    fn gradient_matches_finite_differences() {
        let (_, gradient) = run(square_error, &Y);
        for index in 0..Y.len() {
            let shifted = |h: f32| {
                let mut y = Y;
                y[index] += h;
                run(square_error, &y).0
            };
            let expected = 3.0 * (shifted(0.01) - shifted(-0.01)) / 0.02;
            assert!((gradient[index] - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn equals_ordinary_ops_and_hand_calculation() {
        let (loss, gradient) = run(square_error, &Y);
        assert_eq!((loss, gradient), run(ordinary::square_error, &Y));
        // 0.5 (0.25 + 4) + 2 (0.25 + 0.0625)
        assert_eq!(loss, 2.75);
    }
}
