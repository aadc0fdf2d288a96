//! Boltzmann machines (Ackley, Hinton & Sejnowski, "A learning algorithm for Boltzmann machines", 1985): any two units, visible
//! or hidden, may be connected.
//!
//! ```text
//! E(s) = −Σᵢ bᵢsᵢ − Σ_{i<j} sᵢ wᵢⱼ sⱼ        p(sᵢ = 1 | the others) = σ(bᵢ + Σⱼ wᵢⱼsⱼ)
//! ```
//!
//! One unit after the other is drawn given all others, in their order, the visible ones first; each takes the lower half
//! of one draw of 32 bits. In integers as an [`Rbm`](crate::Rbm); made for small numbers of units.

use crate::Error;
use crate::blob::{Lateral, word};
use crate::sigmoid::{FRACTION, unit};
use rand_core::Rng;

/// A Boltzmann machine, borrowing its blob's bytes.
#[derive(Clone, Debug)]
pub struct BoltzmannMachine<'a>(pub(crate) Lateral<'a>);

impl<'a> BoltzmannMachine<'a> {
    /// Reads and checks a blob.
    ///
    /// # Errors
    /// As [`Model::from_bytes`](crate::Model::from_bytes).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        Lateral::from_bytes(bytes).map(Self)
    }

    /// Name given by the trainer.
    pub fn name(&self) -> &str {
        self.0.name
    }

    /// Number of visible units, which come first.
    pub fn visible(&self) -> usize {
        self.0.visible
    }

    /// Number of all units.
    pub fn units(&self) -> usize {
        self.0.units
    }

    /// s: a weight or bias of 1 stands for 2⁻ˢ.
    pub fn shift(&self) -> u32 {
        self.0.shift
    }

    /// wᵢⱼ = wⱼᵢ; outside, none.
    pub fn weight(&self, i: usize, j: usize) -> i32 {
        let inside = i < self.units() && j < self.units();
        let weight = self.0.weights.get(i * self.units() + j).filter(|_| inside);
        weight.map_or(0, |&w| i32::from(w as i8))
    }

    /// bᵢ
    pub fn bias(&self, i: usize) -> i32 {
        word(self.0.biases, i)
    }

    /// bᵢ + Σⱼ wᵢⱼsⱼ of the unit whose row this is, in units of 2⁻ˢ.
    fn input(row: &[u8], bias: i32, state: &[u32]) -> i32 {
        let mut sum = bias;
        for (word, weights) in state.iter().zip(row.chunks(32)) {
            let mut units = *word;
            for &weight in weights {
                if units & 1 == 1 {
                    sum = sum.wrapping_add(i32::from(weight as i8));
                }
                units >>= 1;
            }
        }
        sum
    }

    /// A sweep of Gibbs sampling over the state, 32 units a word; units of `known` stay as they are. Each takes its
    /// draw all the same.
    pub fn sweep(&self, state: &mut [u32], known: &[u32], rng: &mut impl Rng) {
        let mut rest = self.0.weights;
        for i in 0..self.units() {
            let (row, after) = rest.split_at_checked(self.units()).unwrap_or_default();
            rest = after;
            let scale = FRACTION.saturating_sub(self.shift());
            let on = unit(Self::input(row, self.bias(i), state) << scale, rng.next_u32() & 0xffff);
            if let Some(word) = state.get_mut(i / 32).filter(|_| !crate::is_set(known, i)) {
                *word = (*word & !(1 << (i % 32))) | on << (i % 32);
            }
        }
    }
}
