//! Models that know their density, not only its slope.

use crate::Score;

/// A score with its energy.
///
/// Implemented by closed-form densities, and by networks whose score is the gradient of an energy.
pub trait Energy: Score {
    /// −log p(x; σ_level) up to a constant that may depend on the level. `x` has [`dim`](Score::dim)
    /// entries; a level past the last one is read as the last.
    fn energy(&mut self, x: &[f32], level: usize) -> f32;
}

impl<E: Energy + ?Sized> Energy for &mut E {
    fn energy(&mut self, x: &[f32], level: usize) -> f32 {
        (**self).energy(x, level)
    }
}
