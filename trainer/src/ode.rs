//! The method of Dormand & Prince 1980 of order 5(4) for ordinary differential equations dy/dt = f(t, y), with the
//! step size control of Hairer, Nørsett & Wanner 1993, section II.4.
//!
//! ```text
//! k_i = f(t + c_i·h, y + h·Σ_j a_ij·k_j)
//! y′  = y + h·Σ b_i·k_i ,   error = h·Σ e_i·k_i
//! ```
//!
//! The last k of a step is the first of the next.

use thiserror::Error;

/// Most steps of a solution, taken or refused.
const STEPS: usize = 100_000;
const STAGES: usize = 7;

const C: [f64; STAGES] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
/// The last row is b.
const A: [[f64; STAGES - 1]; STAGES] = [
    [0.0; 6],
    [1.0 / 5.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0],
    [9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0.0],
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// b of order five less b of order four.
const E: [f64; STAGES] =
    [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0];

/// Why there is no solution.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum OdeError {
    /// The steps became too many.
    #[error("the ODE solver gave up at t = {at}: more than {STEPS} steps; allow a larger error")]
    TooManySteps {
        /// How far it came.
        at: f64,
    },
    /// A value that is no number.
    #[error("the ODE solver met a value that is not finite at t = {at}; is the model trained?")]
    NotFinite {
        /// Where.
        at: f64,
    },
}

/// Carries `y` from `t` = `from` to `to`, with an error of each step of at most `tolerance`·(1 + |y|), root mean
/// square over the components; returns the number of evaluations of `f(t, y, dy)`.
///
/// # Errors
/// [`OdeError`], with `y` where it came to.
pub fn dormand_prince(
    mut f: impl FnMut(f64, &[f64], &mut [f64]),
    (from, to): (f64, f64),
    y: &mut [f64],
    tolerance: f64,
) -> Result<usize, OdeError> {
    let mut k: [Vec<f64>; STAGES] = std::array::from_fn(|_| vec![0.0; y.len()]);
    let mut new = y.to_vec();
    let (mut t, mut h) = (from, 0.01 * (to - from));
    f(t, y, &mut k[0]);
    let mut evaluations = 1;
    for _ in 0..STEPS {
        let last = (to - t - h) * h <= 0.0;
        if last {
            h = to - t;
        }
        for i in 1..STAGES {
            for (n, new) in new.iter_mut().enumerate() {
                *new = y[n] + h * (0..i).map(|j| A[i][j] * k[j][n]).sum::<f64>();
            }
            f(t + C[i] * h, &new, &mut k[i]);
        }
        evaluations += STAGES - 1;
        let square = |n: usize| {
            let error: f64 = h * (0..STAGES).map(|i| E[i] * k[i][n]).sum::<f64>();
            (error / (tolerance * (1.0 + y[n].abs().max(new[n].abs())))).powi(2)
        };
        let error = ((0..y.len()).map(square).sum::<f64>() / y.len() as f64).sqrt();
        if !error.is_finite() {
            return Err(OdeError::NotFinite { at: t });
        }
        if error <= 1.0 {
            t += h;
            y.copy_from_slice(&new);
            k.swap(0, STAGES - 1);
            if last {
                return Ok(evaluations);
            }
        }
        h *= (0.9 * error.powf(-0.2)).clamp(0.2, 5.0);
    }
    Err(OdeError::TooManySteps { at: t })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pendulum of unit frequency, over and back.
    fn error(tolerance: f64, (from, to): (f64, f64)) -> (f64, usize) {
        let mut y = [from.cos(), -from.sin()];
        let spring = |_: f64, y: &[f64], dy: &mut [f64]| dy.copy_from_slice(&[y[1], -y[0]]);
        let evaluations = dormand_prince(spring, (from, to), &mut y, tolerance).unwrap();
        ((y[0] - to.cos()).hypot(y[1] + to.sin()), evaluations)
    }

    #[test]
    fn the_error_follows_the_tolerance() {
        for span in [(0.0, 20.0), (20.0, 0.0), (-3.0, 4.5)] {
            for tolerance in [1e-4, 1e-6, 1e-9] {
                let (error, _) = error(tolerance, span);
                assert!(error < 30.0 * tolerance && error > 1e-4 * tolerance, "{span:?}: {error}");
            }
        }
    }

    /// Order 5: an error 10⁵ times smaller takes ten times the steps.
    #[test]
    fn the_order_is_five() {
        let ((coarse, few), (fine, many)) = (error(1e-4, (0.0, 200.0)), error(1e-9, (0.0, 200.0)));
        let order = (coarse / fine).ln() / (many as f64 / few as f64).ln();
        assert!((4.5..5.7).contains(&order), "{order}");
    }

    /// dy/dt = 5t⁴ is integrated without error, and time is handed on.
    #[test]
    fn a_polynomial_of_degree_four_is_exact() {
        let mut y = [0.0];
        dormand_prince(|t, _, dy| dy[0] = 5.0 * t.powi(4), (0.0, 2.0), &mut y, 1e9).unwrap();
        assert!((y[0] - 32.0).abs() < 1e-12, "{}", y[0]);
    }

    #[test]
    fn what_has_no_solution_is_an_error() {
        let mut y = [1.0];
        let blow_up = dormand_prince(|_, y, dy| dy[0] = y[0] * y[0], (0.0, 2.0), &mut y, 1e-8);
        assert!(blow_up.is_err(), "{y:?}");
        let mut y = [1.0];
        let nan = dormand_prince(|_, _, dy| dy[0] = f64::NAN, (0.0, 1.0), &mut y, 1e-3);
        assert_eq!(nan, Err(OdeError::NotFinite { at: 0.0 }));
    }
}
