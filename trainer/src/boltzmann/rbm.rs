//! The restricted Boltzmann machine in floats: p(h | v), p(v | h) and free energy, as in the core's `rbm`.

use super::contrastive_divergence::Harmonium;
use super::{draw, sigmoid, softplus};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Biases of both layers, and weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm {
    /// a, one per visible unit
    pub a: Vec<f32>,
    /// b, one per hidden unit
    pub b: Vec<f32>,
    /// w, visible × hidden, row-major
    pub w: Vec<f32>,
}

impl Rbm {
    /// Weights from N(0, 0.1²), visible biases at the log-odds of the data, hidden ones 0 (Hinton 2012, §8).
    pub fn new(log_odds: &[f32], hidden: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        let w = (0..log_odds.len() * hidden).map(|_| 0.1 * tinyscore::normal::standard_normal(rng)).collect();
        Self { a: log_odds.to_vec(), b: vec![0.0; hidden], w }
    }

    /// The same with its layers swapped.
    pub fn turned(&self) -> Self {
        let (visible, hidden) = (self.a.len(), self.b.len());
        let w = (0..hidden * visible).map(|k| self.w[k % visible * hidden + k / visible]).collect();
        Self { a: self.b.clone(), b: self.a.clone(), w }
    }

    /// What the integers of a blob stand for.
    pub fn of_blob(rbm: &tinyscore::Rbm<'_>) -> Self {
        let unit = 0.5_f32.powi(rbm.shift() as i32);
        let float = |w: i32| unit * w as f32;
        let (visible, hidden) = (rbm.visible(), rbm.hidden());
        Self {
            a: (0..visible).map(|i| float(rbm.visible_bias(i))).collect(),
            b: (0..hidden).map(|j| float(rbm.hidden_bias(j))).collect(),
            w: (0..visible * hidden).map(|k| float(rbm.weight(k / hidden, k % hidden))).collect(),
        }
    }

    /// bⱼ + Σᵢ vᵢwᵢⱼ
    pub fn up(&self, v: &[f32], x: &mut [f32]) {
        x.copy_from_slice(&self.b);
        for (row, &v) in self.w.chunks_exact(self.b.len()).zip(v) {
            if v != 0.0 {
                x.iter_mut().zip(row).for_each(|(x, w)| *x += v * w);
            }
        }
    }

    /// aᵢ + Σⱼ wᵢⱼhⱼ
    pub fn down(&self, h: &[f32], x: &mut [f32]) {
        for ((x, row), a) in x.iter_mut().zip(self.w.chunks_exact(self.b.len())).zip(&self.a) {
            *x = a + row.iter().zip(h).map(|(w, h)| w * h).sum::<f32>();
        }
    }

    /// F(v)
    pub fn free_energy(&self, v: &[f32]) -> f64 {
        let mut x = vec![0.0; self.b.len()];
        self.up(v, &mut x);
        let visible: f64 = self.a.iter().zip(v).map(|(a, v)| f64::from(a * v)).sum();
        -visible - x.iter().map(|&x| softplus(f64::from(x))).sum::<f64>()
    }

    /// Squared error per visible unit of v → p(h | v) → p(v | h).
    pub fn reconstruction_error(&self, v: &[f32]) -> f64 {
        let (mut h, mut back) = (vec![0.0; self.b.len()], vec![0.0; v.len()]);
        self.up(v, &mut h);
        h.iter_mut().for_each(|h| *h = sigmoid(*h));
        self.down(&h, &mut back);
        back.iter().zip(v).map(|(x, v)| f64::from(sigmoid(*x) - v).powi(2)).sum::<f64>() / v.len() as f64
    }
}

impl Harmonium for Rbm {
    fn sweep(&self, v: &mut [f32], h: &mut [f32], rng: &mut Xoshiro256PlusPlus) {
        self.up(v, h);
        h.iter_mut().for_each(|h| *h = draw(sigmoid(*h), rng));
        self.down(h, v);
        v.iter_mut().for_each(|v| *v = draw(sigmoid(*v), rng));
    }

    fn add_gradient(&self, v: &[f32], share: f32, gradient: &mut [Vec<f32>]) {
        let [of_w, of_b, of_a] = gradient else { return };
        let mut h = vec![0.0; self.b.len()];
        self.up(v, &mut h);
        h.iter_mut().for_each(|h| *h = share * sigmoid(*h));
        of_b.iter_mut().zip(&h).for_each(|(b, h)| *b += h);
        let rows = of_w.chunks_exact_mut(h.len()).zip(of_a).zip(v);
        for ((row, a), &v) in rows.filter(|(_, v)| **v != 0.0) {
            *a += share * v;
            row.iter_mut().zip(&h).for_each(|(w, h)| *w += v * h);
        }
    }

    fn log_unnormalized(&self, v: &[f32]) -> f64 {
        -self.free_energy(v)
    }

    fn parameters(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.w, &mut self.b, &mut self.a]
    }

    fn hidden(&self) -> usize {
        self.b.len()
    }
}
