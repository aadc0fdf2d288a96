//! Models that know their density, not only its slope.

use crate::Score;

/// A score with its energy.
///
/// Implemented by closed-form densities, and by the integer and the trainer's float energy network.
pub trait Energy: Score {
    /// −log p(x; σ_level) up to a constant that may depend on the level. `x` has [`dim`](Score::dim)
    /// entries; a level past the last one is read as the last.
    fn energy(&mut self, x: &[f32], level: usize) -> f32;

    /// The energy, and [`noise`](Score::noise) into `eps`: the same bits, sooner where the model has a way.
    fn energy_and_noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) -> f32 {
        self.noise(x, level, eps);
        self.energy(x, level)
    }
}

impl<E: Energy + ?Sized> Energy for &mut E {
    fn energy(&mut self, x: &[f32], level: usize) -> f32 {
        (**self).energy(x, level)
    }

    fn energy_and_noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) -> f32 {
        (**self).energy_and_noise(x, level, eps)
    }
}
