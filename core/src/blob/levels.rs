//! Noise levels as they lie in the blob.

use super::layout::float;
use crate::Levels;

/// Bytes of a noise level.
pub const LEVEL: usize = 28;

/// One noise level of a model. With x in model units,
///
/// ```text
/// input  = round(input_gain·x)
/// ε̂_j   = skip·x_j + output_gain·scale_j·accumulator_j
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Level {
    /// σ
    pub sigma: f32,
    /// From model units to integers of the first layer: c_in times the input scale.
    pub input_gain: f32,
    /// How much of x goes straight to ε̂: (1 − c_skip)/σ.
    pub skip: f32,
    /// From the last layer's integers to ε̂: −c_out/σ times the output scale's power of two.
    pub output_gain: f32,
    /// Mean of ε̂² per dimension over noisy data of this level.
    pub power: f32,
    /// What quantization adds to ε̂ on average: the root mean square over dimensions of the mean error.
    pub bias: f32,
    /// Variance per dimension of the error that quantization makes in ε̂.
    pub variance: f32,
}

/// The noise levels of a model, read in place.
#[derive(Clone, Copy, Debug)]
pub struct LevelTable<'a>(pub(super) &'a [u8]);

impl LevelTable<'_> {
    /// Level number `i`; past the last one, the last.
    pub fn get(&self, i: usize) -> Level {
        let at = LEVEL / 4 * i.min(self.count().saturating_sub(1));
        let [sigma, input_gain, skip, output_gain, power, bias, variance] =
            [0, 1, 2, 3, 4, 5, 6].map(|field| float(self.0, at + field));
        Level { sigma, input_gain, skip, output_gain, power, bias, variance }
    }
}

impl Levels for LevelTable<'_> {
    fn count(&self) -> usize {
        self.0.len() / LEVEL
    }

    fn sigma(&self, i: usize) -> f32 {
        float(self.0, LEVEL / 4 * i)
    }

    fn power(&self, i: usize) -> f32 {
        self.get(i).power
    }
}
