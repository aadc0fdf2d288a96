//! Forward processes: how data turn into noise in continuous time, as stochastic differential equations
//! (Song et al. 2021).
//!
//! ```text
//! dx = f(t)·x dt + g(t) dw ,   t in 0…1
//! x(t) given x(0)  ~  N(m(t)·x(0), s(t)²·I)
//! ```
//!
//! x(t)/m(t) is x(0) with noise of standard deviation σ(t) = s(t)/m(t), which is all that a network and a
//! sampler here have to know: the process decides which σ a training meets how often, and no more.

mod sub_vp;
mod variance_exploding;
mod variance_preserving;

pub use sub_vp::SubVariancePreserving;
pub use variance_exploding::VarianceExploding;
pub use variance_preserving::{BETA, Schedule, VariancePreserving};

/// Halvings of the search for a time; more than the bits of a double's fraction.
const HALVINGS: usize = 60;

/// A linear stochastic differential equation from data, at t = 0, to noise, at t = 1.
pub trait ForwardProcess {
    /// (m, s): factor of x(0) in the mean of x(t), and standard deviation about it.
    fn marginal(&self, t: f64) -> (f64, f64);

    /// f(t), which multiplied by x is the drift.
    fn drift(&self, t: f64) -> f64;

    /// g(t)
    fn diffusion(&self, t: f64) -> f64;

    /// Standard deviation of the noise that stands for x(1).
    fn prior(&self) -> f64;

    /// σ(t) = s/m, growing with t.
    fn sigma(&self, t: f64) -> f64 {
        let (mean, sd) = self.marginal(t);
        sd / mean
    }

    /// The time of σ, or the nearer end of 0…1 where no time has it.
    fn time(&self, sigma: f64) -> f64 {
        let halve = |(low, high): (f64, f64)| {
            let middle = 0.5 * (low + high);
            if self.sigma(middle) < sigma { (middle, high) } else { (low, middle) }
        };
        let (low, high) = (0..HALVINGS).fold((0.0, 1.0), |ends, _| halve(ends));
        0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn all() -> Vec<(&'static str, Box<dyn ForwardProcess>)> {
        vec![
            ("VE", Box::new(VarianceExploding { sigma_min: 0.01, sigma_max: 6.0 })),
            ("VP, linear", Box::new(VariancePreserving::new(Schedule::Linear))),
            ("VP, cosine", Box::new(VariancePreserving::new(Schedule::Cosine))),
            ("sub-VP", Box::new(SubVariancePreserving)),
        ]
    }

    /// dm/dt = f·m and d(s²)/dt = 2f·s² + g², by central differences.
    #[test]
    fn moments_solve_their_differential_equations() {
        const H: f64 = 1e-5;
        for (name, process) in all() {
            for t in [0.02, 0.1, 0.35, 0.5, 0.8, 0.97] {
                let slope = |f: &dyn Fn(f64) -> f64| (f(t + H) - f(t - H)) / (2.0 * H);
                let mean = |t| process.marginal(t).0;
                let variance = |t| process.marginal(t).1.powi(2);
                let (f, g) = (process.drift(t), process.diffusion(t));
                let expected = [f * mean(t), 2.0 * f * variance(t) + g * g];
                for (found, expected) in [slope(&mean), slope(&variance)].into_iter().zip(expected) {
                    let error = (found - expected).abs() / (1.0 + expected.abs());
                    assert!(error < 1e-6, "{name} at {t}: {found} for {expected}");
                }
            }
        }
    }

    /// Mean and standard deviation of 4,000 Euler–Maruyama paths of 500 steps from x(0) = 1, against the
    /// marginal: within four standard errors, and 1 % for the steps' own error.
    #[test]
    fn simulated_paths_have_the_marginal() {
        const PATHS: usize = 4000;
        const STEPS: usize = 500;
        for (name, process) in all() {
            for end in [0.3, 0.9] {
                let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
                let dt = end / STEPS as f64;
                // The variance-exploding process has σ_min already at the start.
                let (m0, s0) = process.marginal(0.0);
                let mut normal = || rng.sample::<f64, _>(StandardNormal);
                let mut x: Vec<f64> = (0..PATHS).map(|_| m0 + s0 * normal()).collect();
                for step in 0..STEPS {
                    let t = (step as f64 + 0.5) * dt;
                    let (drift, noise) = (process.drift(t) * dt, process.diffusion(t) * dt.sqrt());
                    x.iter_mut().for_each(|x| *x += drift * *x + noise * normal());
                }
                let n = PATHS as f64;
                let mean = x.iter().sum::<f64>() / n;
                let sd = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
                let (m, s) = process.marginal(end);
                assert!(
                    (mean - m).abs() < 4.0 * s / n.sqrt() + 0.01 * m,
                    "{name} at {end}: mean {mean}, {m}"
                );
                assert!(
                    (sd / s - 1.0).abs() < 4.0 / (2.0 * n).sqrt() + 0.01,
                    "{name} at {end}: sd {sd}, {s}"
                );
            }
        }
    }

    #[test]
    fn time_inverts_sigma() {
        for (name, process) in all() {
            for t in [0.05, 0.4, 0.9] {
                let found = process.time(process.sigma(t));
                assert!((found - t).abs() < 1e-9, "{name}: {found} for {t}");
            }
            assert!(process.time(0.0) < 1e-12 && process.time(1e30) > 1.0 - 1e-12, "{name}");
        }
    }

    /// By t = 1 what is left of unit-variance data is as wide as the prior, to the share of data in it.
    #[test]
    fn the_prior_is_what_data_end_as() {
        for (name, process) in all() {
            let (mean, sd) = process.marginal(1.0);
            assert!((sd / process.prior() - 1.0).abs() < 1e-4, "{name}: {sd}");
            assert!(mean / process.prior() < 0.17, "{name}: {mean}");
        }
    }
}
