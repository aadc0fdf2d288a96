//! The Boltzmann machine with lateral weights in floats, and its learning rule (Ackley, Hinton & Sejnowski 1985, eq. 7):
//!
//! ```text
//! Δwᵢⱼ ∝ ⟨sᵢsⱼ⟩ with the data clamped − ⟨sᵢsⱼ⟩ free        Δbᵢ ∝ ⟨sᵢ⟩ clamped − ⟨sᵢ⟩ free
//! ```
//!
//! Both averages are over chains that persist from update to update (Tieleman 2008): one for each row of the data with its
//! visible units clamped, and free ones.

use super::contrastive_divergence::{Momentum, Training, check_converging};
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
}

/// A machine in training: all that its further updates depend on, but data and settings.
#[derive(Clone, Debug)]
pub struct Learning {
    /// As it is.
    pub machine: Machine,
    /// Updates made.
    pub updates: u64,
    /// Of biases and weights.
    momenta: [Momentum; 2],
    /// Chains, all units of one after the other: of each row of the data, and free ones.
    clamped: Vec<f32>,
    free: Vec<f32>,
}

impl Learning {
    /// From the log-odds of the data's columns on.
    pub fn new(data: &Points, log_odds: &[f32], settings: &Training) -> Self {
        let (visible, units) = (data.dim(), data.dim() + settings.hidden);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
        let mut b = log_odds.to_vec();
        b.resize(units, 0.0);
        let mut machine = Machine { visible, b, w: vec![0.0; units * units] };
        // Equal hidden units would stay equal.
        for i in visible..units {
            for j in 0..i {
                let w = 0.1 * tinyscore::normal::standard_normal(&mut rng);
                (machine.w[i * units + j], machine.w[j * units + i]) = (w, w);
            }
        }
        let start = |row: usize| data.row(row).iter().copied().chain(vec![0.0; settings.hidden]);
        let clamped = (0..data.len()).flat_map(start).collect();
        let free = (0..settings.chains).flat_map(|i| start(i % data.len())).collect();
        let momenta = [units, units * units].map(Momentum::new);
        Self { machine, updates: 0, momenta, clamped, free }
    }

    /// Everything but the number of updates.
    pub fn tensors(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let [b, w] = &mut self.momenta;
        let named = |(name, values): (&str, _)| (name.to_owned(), values);
        [
            ("b", &mut self.machine.b),
            ("w", &mut self.machine.w),
            ("momenta.b", &mut b.0),
            ("momenta.w", &mut w.0),
            ("clamped", &mut self.clamped),
            ("free", &mut self.free),
        ]
        .map(named)
        .into()
    }

    /// One update.
    ///
    /// # Errors
    /// A training that diverges.
    pub fn step(&mut self, settings: &Training) -> Result<(), UsageError> {
        let Self { machine, updates, momenta: [momentum_b, momentum_w], clamped, free } = self;
        let (units, update) = (machine.b.len(), *updates);
        let rate = settings.rate(update);
        let batch = settings.batch(clamped.len() / units, update);
        let mut chosen: Vec<f32> =
            batch.iter().flat_map(|&i| clamped[i * units..][..units].to_vec()).collect();
        let run = |chains: &mut [f32], first: usize, stream: u64| {
            chains.par_chunks_mut(units).enumerate().for_each(|(i, s)| {
                let mut rng = pool(settings.seed, update, (stream << 32) + i as u64);
                (0..settings.k).for_each(|_| machine.sweep(s, first, None, &mut rng));
            });
        };
        run(&mut chosen, machine.visible, 0);
        run(free, 0, 1);
        let (plus, minus) = (averages(&chosen, units), averages(free, units));
        let rows = batch.iter().zip(chosen.chunks_exact(units));
        rows.for_each(|(&i, s)| clamped[i * units..][..units].copy_from_slice(s));
        let difference =
            |plus: &[f32], minus: &[f32]| plus.iter().zip(minus).map(|(p, m)| p - m).collect::<Vec<_>>();
        momentum_b.climb(&mut machine.b, &difference(&plus.0, &minus.0), rate, 0.0);
        momentum_w.climb(&mut machine.w, &difference(&plus.1, &minus.1), rate, settings.weight_decay);
        (0..units).for_each(|i| machine.w[i * units + i] = 0.0);
        check_converging(&machine.w, update, settings)?;
        *updates += 1;
        Ok(())
    }
}

/// ⟨sᵢ⟩ and ⟨sᵢsⱼ⟩
fn averages(states: &[f32], units: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut one, mut two) = (vec![0.0; units], vec![0.0; units * units]);
    let share = units as f32 / states.len() as f32;
    for s in states.chunks_exact(units) {
        for (i, row) in two.chunks_exact_mut(units).enumerate().filter(|(i, _)| s[*i] != 0.0) {
            one[i] += share;
            row.iter_mut().zip(s).for_each(|(two, s)| *two += share * s);
        }
    }
    (one, two)
}
