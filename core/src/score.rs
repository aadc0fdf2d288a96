//! The seam between models and samplers.

/// A model of the score at numbered noise levels.
///
/// Implemented by the integer network, by the trainer's float network, by closed-form densities in
/// tests, and by wrappers around any of these.
pub trait Score {
    /// Number of dimensions.
    fn dim(&self) -> usize;

    /// Number of noise levels.
    fn levels(&self) -> usize;

    /// Writes ε̂(x, σ_level) = −σ·∇log p(x; σ) into `eps`. Both slices have [`dim`](Self::dim)
    /// entries; a level past the last one is read as the last.
    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]);

    /// The same for many points, one after another in `x` and `eps`: the bits of [`noise`](Self::noise),
    /// sooner where the model has a way.
    fn noise_batch(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        let dim = self.dim().max(1);
        for (x, eps) in x.chunks(dim).zip(eps.chunks_mut(dim)) {
            self.noise(x, level, eps);
        }
    }
}

impl<S: Score + ?Sized> Score for &mut S {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn levels(&self) -> usize {
        (**self).levels()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        (**self).noise(x, level, eps);
    }

    fn noise_batch(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        (**self).noise_batch(x, level, eps);
    }
}
