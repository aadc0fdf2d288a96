//! The Gaussian–Bernoulli restricted Boltzmann machine in floats, as in the core's `gaussian_rbm`, and its learning rule (Cho,
//! Ilin & Raiko 2011, eq. 8–11, with the visible units centred and in units of their noise):
//!
//! ```text
//! u = (v − a)/σ,  r = w·p(h | v)
//! Δwᵢⱼ ∝ ⟨uᵢ p(hⱼ = 1 | v)⟩    Δbⱼ ∝ ⟨p(hⱼ = 1 | v)⟩    Δaᵢ ∝ σᵢ⟨uᵢ − rᵢ⟩    Δ ln σᵢ ∝ ⟨uᵢ(uᵢ − rᵢ)⟩
//! ```
//!
//! each over data minus the same over chains; that of a is the gradient times σ², so that units of data do not matter.

use super::contrastive_divergence::Harmonium;
use super::{draw, sigmoid, softplus};
use crate::data::Standardizer;
use rand_xoshiro::Xoshiro256PlusPlus;
use tinyscore::normal::standard_normal;

/// Means, noise, biases of the hidden units, and weights.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianRbm {
    /// a, one per visible unit
    pub a: Vec<f32>,
    /// ln σ, one per visible unit
    pub log_sigma: Vec<f32>,
    /// b, one per hidden unit
    pub b: Vec<f32>,
    /// w, visible × hidden, row-major
    pub w: Vec<f32>,
}

impl GaussianRbm {
    /// For standardized data: weights from N(0, 0.1²), all spread taken as noise.
    pub fn new(visible: usize, hidden: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        let w = (0..visible * hidden).map(|_| 0.1 * standard_normal(rng)).collect();
        Self { a: vec![0.0; visible], log_sigma: vec![0.0; visible], b: vec![0.0; hidden], w }
    }

    /// The same machine of data that were standardized so.
    pub fn in_units(mut self, standard: &Standardizer) -> Self {
        let units = standard.mean().iter().zip(standard.scale());
        for ((a, log_sigma), (mean, scale)) in self.a.iter_mut().zip(&mut self.log_sigma).zip(units) {
            *a = mean + scale * *a;
            *log_sigma += scale.ln();
        }
        self
    }

    /// What the integers of a blob stand for.
    pub fn of_blob(rbm: &tinyscore::GaussianRbm<'_>) -> Self {
        let (visible, hidden) = (rbm.visible(), rbm.hidden());
        let unit = 0.5_f32.powi(rbm.shift() as i32);
        let (a, sigma): (Vec<f32>, Vec<f32>) = (0..visible).map(|i| rbm.standard(i)).unzip();
        Self {
            a,
            log_sigma: sigma.iter().map(|sigma| sigma.ln()).collect(),
            b: (0..hidden).map(|j| unit / 256.0 * rbm.bias(j) as f32).collect(),
            w: (0..visible * hidden).map(|k| unit * rbm.weight(k / hidden, k % hidden) as f32).collect(),
        }
    }

    /// u of v.
    pub fn units(&self, v: &[f32]) -> Vec<f32> {
        let columns = self.a.iter().zip(&self.log_sigma);
        v.iter().zip(columns).map(|(v, (a, log_sigma))| (v - a) / log_sigma.exp()).collect()
    }

    /// bⱼ + Σᵢ uᵢwᵢⱼ
    pub fn up(&self, u: &[f32], x: &mut [f32]) {
        x.copy_from_slice(&self.b);
        for (row, u) in self.w.chunks_exact(self.b.len()).zip(u) {
            x.iter_mut().zip(row).for_each(|(x, w)| *x += u * w);
        }
    }

    /// Σⱼ wᵢⱼhⱼ
    pub fn down(&self, h: &[f32], u: &mut [f32]) {
        for (u, row) in u.iter_mut().zip(self.w.chunks_exact(self.b.len())) {
            *u = row.iter().zip(h).map(|(w, h)| w * h).sum();
        }
    }

    /// −F(v) as a density of v: ln of what Z normalizes where Z is that of u.
    pub fn log_unnormalized(&self, v: &[f32]) -> f64 {
        let (u, mut x) = (self.units(v), vec![0.0; self.b.len()]);
        self.up(&u, &mut x);
        let visible: f64 =
            u.iter().zip(&self.log_sigma).map(|(u, l)| -f64::from(u * u) / 2.0 - f64::from(*l)).sum();
        visible + x.iter().map(|&x| softplus(x.into())).sum::<f64>()
    }

    /// Squared error per visible unit of v → p(h | v) → the mean of p(v | h).
    pub fn reconstruction_error(&self, v: &[f32]) -> f64 {
        let (u, mut h, mut back) = (self.units(v), vec![0.0; self.b.len()], vec![0.0; v.len()]);
        self.up(&u, &mut h);
        h.iter_mut().for_each(|h| *h = sigmoid(*h));
        self.down(&h, &mut back);
        let errors = back.iter().zip(&u).zip(&self.log_sigma);
        errors.map(|((x, u), l)| f64::from((x - u) * l.exp()).powi(2)).sum::<f64>() / v.len() as f64
    }
}

impl Harmonium for GaussianRbm {
    fn sweep(&self, v: &mut [f32], h: &mut [f32], rng: &mut Xoshiro256PlusPlus) {
        self.up(&self.units(v), h);
        h.iter_mut().for_each(|h| *h = draw(sigmoid(*h), rng));
        self.down(h, v);
        for ((v, a), log_sigma) in v.iter_mut().zip(&self.a).zip(&self.log_sigma) {
            *v = a + log_sigma.exp() * (*v + standard_normal(rng));
        }
    }

    fn add_gradient(&self, v: &[f32], share: f32, gradient: &mut [Vec<f32>]) {
        let [of_w, of_b, of_a, of_log_sigma] = gradient else { return };
        let (u, mut h, mut r) = (self.units(v), vec![0.0; self.b.len()], vec![0.0; v.len()]);
        self.up(&u, &mut h);
        h.iter_mut().for_each(|h| *h = sigmoid(*h));
        self.down(&h, &mut r);
        of_b.iter_mut().zip(&h).for_each(|(b, h)| *b += share * h);
        for (i, row) in of_w.chunks_exact_mut(h.len()).enumerate() {
            row.iter_mut().zip(&h).for_each(|(w, h)| *w += share * u[i] * h);
            of_a[i] += share * self.log_sigma[i].exp() * (u[i] - r[i]);
            of_log_sigma[i] += share * u[i] * (u[i] - r[i]);
        }
    }

    fn log_unnormalized(&self, v: &[f32]) -> f64 {
        GaussianRbm::log_unnormalized(self, v)
    }

    fn parameters(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.w, &mut self.b, &mut self.a, &mut self.log_sigma]
    }

    fn hidden(&self) -> usize {
        self.b.len()
    }
}
