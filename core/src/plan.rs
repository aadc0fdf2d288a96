//! A sampler is a plan: a table of steps
//!
//! ```text
//! x ← a·x + s·x_saved + b·ε̂ + c₁·ε̂₋₁ + c₂·ε̂₋₂ + c₃·ε̂₋₃ + d·z ,   z ~ N(0, I)
//! ```
//!
//! where ε̂(x, σ) = −σ·∇log p(x; σ). Each algorithm computes its rows on demand from the noise levels
//! by its paper's formula, so a plan needs no memory; [`Chain`](crate::Chain) has the only loop.

/// Old evaluations a step can read.
pub const HISTORY: usize = 3;
/// Most rows of a sampler's plan; a chain that shall go on starts again from its state.
pub const MAX_ROWS: usize = 1 << 24;
/// Most noise levels of a sampler's plan: twice the product of two of their numbers fits 32 bits.
pub const MAX_LEVELS: usize = 1 << 15;

/// One row of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Step {
    /// The model's number of the noise level at which ε̂ is evaluated.
    pub level: u16,
    /// Evaluate ε̂ first (the old one moves into the history); otherwise the last ε̂ stays.
    pub evaluate: bool,
    /// Save the state as it was before this step.
    pub save: bool,
    /// Coefficient of the state.
    pub a: f32,
    /// Coefficient of the saved state.
    pub s: f32,
    /// Coefficient of ε̂.
    pub b: f32,
    /// Coefficients of the old evaluations, the newest first.
    pub c: [f32; HISTORY],
    /// Coefficient of the noise; no numbers are drawn where it is 0.
    pub d: f32,
}

impl Step {
    /// x ← x + b·ε̂ + d·z at `level`.
    pub fn new(level: usize, b: f32, d: f32) -> Self {
        let level = level.min(u16::MAX as usize) as u16;
        Self { level, evaluate: true, save: false, a: 1.0, s: 0.0, b, c: [0.0; HISTORY], d }
    }
}

/// A table of steps and the state it starts from.
pub trait Plan {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// Row number `row`, from 0.
    fn step(&self, row: usize) -> Step;

    /// Standard deviation of the initial state N(0, prior²·I), in model units: √(σ₀² + 1).
    fn prior(&self) -> f32;

    /// How many levels the model must have: one more than the largest number in the rows.
    fn levels(&self) -> usize;

    /// How many old evaluations the rows read, at most [`HISTORY`].
    fn history(&self) -> usize {
        0
    }

    /// Network evaluations of the whole plan.
    fn evaluations(&self) -> usize {
        (0..self.rows()).filter(|&row| self.step(row).evaluate).count()
    }
}

impl<P: Plan + ?Sized> Plan for &P {
    fn rows(&self) -> usize {
        (**self).rows()
    }

    fn step(&self, row: usize) -> Step {
        (**self).step(row)
    }

    fn prior(&self) -> f32 {
        (**self).prior()
    }

    fn levels(&self) -> usize {
        (**self).levels()
    }

    fn history(&self) -> usize {
        (**self).history()
    }
}
