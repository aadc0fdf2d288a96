//! How noisy is it? The discrepancy principle (Morozov 1966) for denoisers.
//!
//! At the right σ the noise that the model finds in x has the power that the model finds on average,
//!
//! ```text
//! ‖ε̂(x, σ)‖²/d = E‖ε̂(x, σ)‖²/d =: power(σ) ,
//! ```
//!
//! and it has more where σ is too small. The power of each level was measured when the model was exported.

use crate::Score;

/// The number of the smallest level at which `x` is not noisier than data of that level, by bisection:
/// ⌈log₂(levels)⌉ evaluations of `score`. `power` gives a level's power, as in
/// [`Level`](crate::blob::Level); `eps` is scratch memory of the model's dimension.
///
/// σ is measured with d numbers, so one vector tells it to about 1/√(2d) of itself where the noise is larger
/// than the data's own spread, and worse below.
pub fn noise_level(
    score: &mut impl Score,
    power: impl Fn(usize) -> f32,
    x: &[f32],
    eps: &mut [f32],
) -> usize {
    let (mut larger, mut smaller) = (0, score.levels().saturating_sub(1));
    while larger < smaller {
        let middle = larger.midpoint(smaller + 1);
        score.noise(x, middle, eps);
        if mean_square(eps) > power(middle) {
            smaller = middle - 1;
        } else {
            larger = middle;
        }
    }
    larger
}

/// ‖v‖²/d
pub(crate) fn mean_square(v: &[f32]) -> f32 {
    let sum = v.iter().fold(0.0, |sum, v| sum + v * v);
    sum / (v.len().max(1) as f32)
}
