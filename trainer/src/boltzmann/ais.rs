//! Annealed importance sampling of a partition function (Neal, "Annealed importance sampling", 2001; Salakhutdinov & Murray,
//! "On the quantitative analysis of deep belief networks", 2008).
//!
//! ```text
//! p*_β goes from a base of independent units (β = 0) to the model (β = 1)
//! ln w = Σₖ ln p*_βₖ₊₁(xₖ) − ln p*_βₖ(xₖ),  xₖ₊₁ ~ Tβₖ₊₁(xₖ)        Z ≈ Z₀ · mean of w
//! ```

use super::enumeration::log_sum;
use super::gaussian_rbm::GaussianRbm;
use super::machine::Machine;
use super::rbm::Rbm;
use super::{LOG_NORMAL, draw, pool, sigmoid, softplus};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use tinyscore::normal::standard_normal;

/// Temperatures between base and model.
pub const TEMPERATURES: usize = 2000;
/// Independent runs.
pub const RUNS: usize = 500;

/// A model that can be annealed from independent units; binary ones of these biases, such as the log-odds of the data.
pub trait Anneal: Sync {
    /// Draws a state of the base.
    fn start(&self, base: &[f32], rng: &mut Xoshiro256PlusPlus) -> Vec<f32> {
        base.iter().map(|&b| draw(sigmoid(b), rng)).collect()
    }
    /// Biases of units that resemble the model's where nothing is known of its data: those that follow where every unit is
    /// on by half.
    fn base(&self) -> Vec<f32>;
    /// ln Z₀
    fn log_base(&self, base: &[f32]) -> f64;
    /// ln p*_to(x) − ln p*_from(x)
    fn log_step(&self, base: &[f32], x: &[f32], from: f32, to: f32) -> f64;
    /// A step that leaves p_β as it is.
    fn transition(&self, base: &[f32], x: &mut [f32], beta: f32, rng: &mut Xoshiro256PlusPlus);
}

/// The visible units; the hidden ones are summed out (Salakhutdinov & Murray, eq. 15–17).
impl Anneal for Rbm {
    fn base(&self) -> Vec<f32> {
        let mut base = vec![0.0; self.a.len()];
        self.down(&vec![0.5; self.b.len()], &mut base);
        base
    }

    fn log_base(&self, base: &[f32]) -> f64 {
        let hidden = self.b.len() as f64 * 2.0_f64.ln();
        hidden + base.iter().map(|&b| softplus(b.into())).sum::<f64>()
    }

    fn log_step(&self, base: &[f32], v: &[f32], from: f32, to: f32) -> f64 {
        let mut x = vec![0.0; self.b.len()];
        self.up(v, &mut x);
        let visible: f64 = self.a.iter().zip(base).zip(v).map(|((a, b), v)| f64::from((a - b) * v)).sum();
        let hidden = |x: &f32| softplus(f64::from(to * x)) - softplus(f64::from(from * x));
        f64::from(to - from) * visible + x.iter().map(hidden).sum::<f64>()
    }

    fn transition(&self, base: &[f32], v: &mut [f32], beta: f32, rng: &mut Xoshiro256PlusPlus) {
        let mut h = vec![0.0; self.b.len()];
        self.up(v, &mut h);
        h.iter_mut().for_each(|h| *h = draw(sigmoid(beta * *h), rng));
        self.down(&h, v);
        v.iter_mut().zip(base).for_each(|(v, b)| *v = draw(sigmoid((1.0 - beta) * b + beta * *v), rng));
    }
}

/// u of the visible units, from N(0, 1): −E without the factor β is that of the base, −Σᵢ uᵢ²/2.
impl Anneal for GaussianRbm {
    fn start(&self, _base: &[f32], rng: &mut Xoshiro256PlusPlus) -> Vec<f32> {
        self.a.iter().map(|_| standard_normal(rng)).collect()
    }

    /// None: the base is N(0, 1).
    fn base(&self) -> Vec<f32> {
        Vec::new()
    }

    fn log_base(&self, _base: &[f32]) -> f64 {
        self.b.len() as f64 * 2.0_f64.ln() + self.a.len() as f64 * LOG_NORMAL
    }

    fn log_step(&self, _base: &[f32], u: &[f32], from: f32, to: f32) -> f64 {
        let mut x = vec![0.0; self.b.len()];
        self.up(u, &mut x);
        x.iter().map(|x| softplus(f64::from(to * x)) - softplus(f64::from(from * x))).sum()
    }

    fn transition(&self, _base: &[f32], u: &mut [f32], beta: f32, rng: &mut Xoshiro256PlusPlus) {
        let mut h = vec![0.0; self.b.len()];
        self.up(u, &mut h);
        h.iter_mut().for_each(|h| *h = draw(sigmoid(beta * *h), rng));
        self.down(&h, u);
        u.iter_mut().for_each(|u| *u = beta * *u + standard_normal(rng));
    }
}

/// All units.
impl Anneal for Machine {
    fn base(&self) -> Vec<f32> {
        let half = vec![0.5; self.b.len()];
        (0..half.len()).map(|i| self.input(i, &half)).collect()
    }

    fn log_base(&self, base: &[f32]) -> f64 {
        base.iter().map(|&b| softplus(b.into())).sum()
    }

    fn log_step(&self, base: &[f32], s: &[f32], from: f32, to: f32) -> f64 {
        let of_base: f64 = base.iter().zip(s).map(|(b, s)| f64::from(b * s)).sum();
        f64::from(to - from) * (-self.energy(s) - of_base)
    }

    fn transition(&self, base: &[f32], s: &mut [f32], beta: f32, rng: &mut Xoshiro256PlusPlus) {
        self.sweep(s, 0, Some((base, beta)), rng);
    }
}

/// The ends of `runs` runs: a state, and ln w.
pub fn anneal(
    model: &impl Anneal,
    base: &[f32],
    runs: usize,
    temperatures: usize,
    seed: u64,
) -> Vec<(Vec<f32>, f64)> {
    let run = |run: usize| {
        let mut rng = pool(seed, run as u64, 0xa15);
        let mut x = model.start(base, &mut rng);
        let mut log_weight = 0.0;
        for k in 1..=temperatures {
            let [from, to] = [k - 1, k].map(|k| k as f32 / temperatures as f32);
            log_weight += model.log_step(base, &x, from, to);
            model.transition(base, &mut x, to, &mut rng);
        }
        (x, log_weight)
    };
    (0..runs).into_par_iter().map(run).collect()
}

/// ln Z and its standard error.
pub fn log_partition(
    model: &impl Anneal,
    base: &[f32],
    runs: usize,
    temperatures: usize,
    seed: u64,
) -> (f64, f64) {
    let ends = anneal(model, base, runs, temperatures, seed);
    let logs: Vec<f64> = ends.into_iter().map(|(_, log_weight)| log_weight).collect();
    let mean = log_sum(logs.iter().copied()) - (runs as f64).ln();
    let variance = logs.iter().map(|l| ((l - mean).exp() - 1.0).powi(2)).sum::<f64>() / (runs - 1) as f64;
    (model.log_base(base) + mean, (variance / runs as f64).sqrt())
}
