//! The Boltzmann machine with lateral weights in floats, and its learning rule (Ackley, Hinton & Sejnowski 1985, eq. 7):
//!
//! ```text
//! Δwᵢⱼ ∝ ⟨sᵢsⱼ⟩ with the data clamped − ⟨sᵢsⱼ⟩ free        Δbᵢ ∝ ⟨sᵢ⟩ clamped − ⟨sᵢ⟩ free
//! ```
//!
//! Both averages are over chains that persist from update to update (Tieleman 2008): one for each row of the data with its
//! visible units clamped, and free ones.

use super::contrastive_divergence::{Momentum, Progress, Training, check_converging};
use super::{Points, draw, pool, sigmoid};
use crate::config::UsageError;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// Biases and symmetric weights of all units, the visible ones first.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Visible units.
    pub visible: usize,
    /// b, one per unit
    pub b: Vec<f32>,
    /// w, units × units, symmetric, 0 from a unit to itself
    pub w: Vec<f32>,
}

impl Machine {
    /// What the integers of a blob stand for.
    pub fn of_blob(machine: &tinyscore::BoltzmannMachine<'_>) -> Self {
        let unit = 0.5_f32.powi(machine.shift() as i32);
        let n = machine.units();
        Self {
            visible: machine.visible(),
            b: (0..n).map(|i| unit * machine.bias(i) as f32).collect(),
            w: (0..n * n).map(|k| unit * machine.weight(k / n, k % n) as f32).collect(),
        }
    }

    /// bᵢ + Σⱼ wᵢⱼsⱼ
    pub fn input(&self, i: usize, s: &[f32]) -> f32 {
        let row = &self.w[i * s.len()..][..s.len()];
        self.b[i] + row.iter().zip(s).map(|(w, s)| w * s).sum::<f32>()
    }

    /// Draws the units from `first` on in turn, each given all others, at inverse temperature β towards `base` as biases.
    pub fn sweep(
        &self,
        s: &mut [f32],
        first: usize,
        base: Option<(&[f32], f32)>,
        rng: &mut Xoshiro256PlusPlus,
    ) {
        for i in first..s.len() {
            let x = self.input(i, s);
            let x = base.map_or(x, |(base, beta)| (1.0 - beta) * base[i] + beta * x);
            s[i] = draw(sigmoid(x), rng);
        }
    }

    /// E(s)
    pub fn energy(&self, s: &[f32]) -> f64 {
        let half = |i: usize| f64::from(s[i]) * f64::from(self.b[i] + self.input(i, s)) / 2.0;
        -(0..s.len()).map(half).sum::<f64>()
    }

    /// Learns the rows of `data`, from the log-odds of its columns.
    ///
    /// # Errors
    /// A training that diverges.
    pub fn train(
        data: &Points,
        log_odds: &[f32],
        settings: &Training,
        progress: Progress<'_, Self>,
    ) -> Result<Self, UsageError> {
        let (visible, units) = (data.dim(), data.dim() + settings.hidden);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
        let mut b = log_odds.to_vec();
        b.resize(units, 0.0);
        let mut machine = Self { visible, b, w: vec![0.0; units * units] };
        // Equal hidden units would stay equal.
        for i in visible..units {
            for j in 0..i {
                let w = 0.1 * tinyscore::normal::standard_normal(&mut rng);
                (machine.w[i * units + j], machine.w[j * units + i]) = (w, w);
            }
        }
        let start = |row: &[f32]| row.iter().copied().chain(vec![0.0; settings.hidden]).collect::<Vec<f32>>();
        let mut clamped: Vec<Vec<f32>> = data.rows().map(start).collect();
        let mut free: Vec<Vec<f32>> =
            (0..settings.chains).map(|i| clamped[i % clamped.len()].clone()).collect();
        let (mut momentum_b, mut momentum_w) = (Momentum::new(units), Momentum::new(units * units));
        for update in 0..settings.updates {
            let rate = settings.rate(update);
            let batch = settings.batch(clamped.len(), &mut rng);
            let mut chosen: Vec<Vec<f32>> = batch.iter().map(|&i| clamped[i].clone()).collect();
            let run = |chains: &mut [Vec<f32>], first: usize, stream: u64| {
                chains.par_iter_mut().enumerate().for_each(|(i, s)| {
                    let mut rng = pool(settings.seed, update, (stream << 32) + i as u64);
                    (0..settings.k).for_each(|_| machine.sweep(s, first, None, &mut rng));
                });
            };
            run(&mut chosen, visible, 0);
            run(&mut free, 0, 1);
            let (plus, minus) = (averages(&chosen), averages(&free));
            batch.iter().zip(chosen).for_each(|(&i, s)| clamped[i] = s);
            let difference =
                |plus: &[f32], minus: &[f32]| plus.iter().zip(minus).map(|(p, m)| p - m).collect::<Vec<_>>();
            momentum_b.climb(&mut machine.b, &difference(&plus.0, &minus.0), rate, 0.0);
            momentum_w.climb(&mut machine.w, &difference(&plus.1, &minus.1), rate, settings.weight_decay);
            (0..units).for_each(|i| machine.w[i * units + i] = 0.0);
            check_converging(&machine.w, update, settings)?;
            progress(update, &machine);
        }
        Ok(machine)
    }
}

/// ⟨sᵢ⟩ and ⟨sᵢsⱼ⟩
fn averages(states: &[Vec<f32>]) -> (Vec<f32>, Vec<f32>) {
    let units = states[0].len();
    let (mut one, mut two) = (vec![0.0; units], vec![0.0; units * units]);
    let share = 1.0 / states.len() as f32;
    for s in states {
        for (i, row) in two.chunks_exact_mut(units).enumerate().filter(|(i, _)| s[*i] != 0.0) {
            one[i] += share;
            row.iter_mut().zip(s).for_each(|(two, s)| *two += share * s);
        }
    }
    (one, two)
}
