//! What a model must satisfy beyond its shapes, so that nothing can fail after it.

use super::layout::{is_finite_half, word};
use super::stored_plan::STEP;
use super::weights::{weight, zipped};
use super::{After, Level, Matrix, Model};
use crate::arith::{BOUND, is_bounded};
use crate::{Detector, Error, Levels, Plan};

/// Largest magnitude of a column's mean, 2¹²⁶.
pub const LARGEST_MEAN: f32 = f32::from_bits(0x7e80_0000);
/// Largest scale of a column, 2⁸⁶: of a state at its bound 2⁴⁰, mean + scale·state is finite.
pub const LARGEST_SCALE: f32 = f32::from_bits(0x6a80_0000);

/// Whether data of this mean and scale are finite for every state; some units take a subnormal scale for 0.
pub(super) fn is_standard(mean: f32, scale: f32) -> bool {
    (-LARGEST_MEAN..=LARGEST_MEAN).contains(&mean) && (f32::MIN_POSITIVE..=LARGEST_SCALE).contains(&scale)
}

/// Bound of the factors that the output is computed with; keeps ε̂ finite for every state.
const MAX_GAIN: f32 = 1_048_576.0;
/// Least of what is divided by, σ and the input's gain: a state over it is finite.
const LEAST: f32 = 1.0 / BOUND;

impl Model<'_> {
    #[inline(never)]
    pub(super) fn check(&self) -> Result<(), Error> {
        self.check_levels()?;
        self.check_layers()?;
        self.check_codec()?;
        let standard = (0..self.data_dim()).all(|j| {
            let (mean, scale) = self.standard(j);
            is_standard(mean, scale)
        });
        if !standard {
            return Err(Error::Malformed("mean or scale"));
        }
        self.check_detector()?;
        self.check_plan()
    }

    fn check_codec(&self) -> Result<(), Error> {
        let Some((codec, matrix)) = self.codec() else { return Ok(()) };
        if !(LEAST..=MAX_GAIN).contains(&codec.gain) {
            return Err(Error::Malformed("gain of the codec"));
        }
        for j in 0..matrix.outputs.next_multiple_of(zipped(matrix.bits)) {
            // At most 2⁸ latents of 15 bits with weights of 7: no sum can overflow.
            sum_of_weights(&matrix, j)?;
        }
        Ok(())
    }

    fn check_detector(&self) -> Result<(), Error> {
        let Detector { first, stride, count, threshold } = self.header.detector;
        let last = u32::from(first) + u32::from(count.saturating_sub(1)) * u32::from(stride);
        if (count > 0 && last as usize >= self.levels.count()) || !(0.0..=MAX_GAIN).contains(&threshold) {
            return Err(Error::Malformed("anomaly detector"));
        }
        if count > 1 && stride == 0 {
            return Err(Error::Malformed("an anomaly detector that looks at one level again and again"));
        }
        Ok(())
    }

    fn check_levels(&self) -> Result<(), Error> {
        let mut above = 1.000_001e6;
        for i in 0..self.levels.count() {
            let Level { sigma, input_gain, skip, output_gain, power, bias, variance } = self.levels.get(i);
            if !(sigma >= LEAST && sigma < above) {
                return Err(Error::Malformed("noise levels must descend and be positive"));
            }
            let gains = [skip, output_gain];
            let input = (LEAST..=MAX_GAIN).contains(&input_gain);
            if !input || gains.iter().any(|&g| !(-MAX_GAIN..=MAX_GAIN).contains(&g)) {
                return Err(Error::Malformed("gains of a noise level"));
            }
            if [power, bias, variance].iter().any(|v| !(0.0..=MAX_GAIN).contains(v)) {
                return Err(Error::Malformed("power, bias or variance of a noise level"));
            }
            above = sigma;
        }
        Ok(())
    }

    /// No weight out of its range, and no sum that could overflow.
    fn check_layers(&self) -> Result<(), Error> {
        let mut limit = u32::from(self.header.input_limit);
        if !(1..=i16::MAX as u32).contains(&limit) {
            return Err(Error::Malformed("input limit"));
        }
        let mut conditions = [self.conditions, self.classes];
        for layer in self.layers() {
            let outputs = layer.matrix.outputs;
            for j in 0..outputs.next_multiple_of(zipped(layer.matrix.bits)) {
                let weights = sum_of_weights(&layer.matrix, j)?;
                let bias = word(layer.biases, j).unsigned_abs();
                let mut largest = weights.checked_mul(limit).and_then(|sum| sum.checked_add(bias));
                for rows in conditions {
                    let column = rows.chunks_exact((4 * outputs).max(1)).map(|row| word(row, j));
                    let most = column.map(i32::unsigned_abs).max().unwrap_or(0);
                    largest = largest.and_then(|sum| sum.checked_add(most));
                }
                if largest.is_none_or(|sum| sum > i32::MAX as u32) {
                    return Err(Error::Malformed("a layer's sum could overflow"));
                }
            }
            match layer.after {
                After::Activation { curve, .. } if curve.shift > 8 => {
                    return Err(Error::Malformed("shift of an activation"));
                }
                After::Activation { curve, .. } => limit = curve.largest(),
                After::Scale { scales } => {
                    if (0..outputs).any(|j| !is_finite_half(scales, j)) {
                        return Err(Error::Malformed("output scale"));
                    }
                }
            }
            conditions = [&[]; 2];
        }
        Ok(())
    }

    fn check_plan(&self) -> Result<(), Error> {
        let plan = self.plan();
        let bad_row = |row| {
            let step = plan.step(row);
            let [c1, c2, c3] = step.c;
            let read = step.c.iter().rposition(|&c| c != 0.0).map_or(0, |i| i + 1);
            let flags = plan.rows.get(STEP * row + 2..STEP * row + 4).unwrap_or_default();
            ![step.a, step.s, step.b, c1, c2, c3, step.d].into_iter().all(is_bounded)
                || usize::from(step.level) >= self.levels.count()
                || read > plan.history
                || !matches!(flags, [0..=3, 0])
        };
        if !is_bounded(plan.prior) || (0..plan.rows()).any(bad_row) {
            return Err(Error::Malformed("stored plan"));
        }
        Ok(())
    }
}

/// Σ|w| of a row; the padding must be zero.
pub(super) fn sum_of_weights(matrix: &Matrix<'_>, j: usize) -> Result<u32, Error> {
    let &Matrix { inputs, outputs, bits, weights } = matrix;
    let (rows, columns) = (zipped(bits), 2 * inputs.div_ceil(2));
    let (lanes, _) = weights.get(j / rows * 2 * columns..).unwrap_or_default().as_chunks();
    let used = if j < outputs { inputs } else { 0 };
    let mut sum = 0;
    for (column, &lane) in lanes.iter().take(columns).enumerate() {
        let weight = weight(bits, lane, j % rows);
        if weight == -1 << (bits - 1) {
            return Err(Error::Malformed("a weight out of its range"));
        }
        if weight != 0 && column >= used {
            return Err(Error::Malformed("padding of weights"));
        }
        sum += weight.unsigned_abs();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::BOUND;

    #[test]
    fn data_are_finite_at_the_bounds_and_no_scale_is_beyond() {
        for mean in [-LARGEST_MEAN, LARGEST_MEAN] {
            assert!(is_standard(mean, LARGEST_SCALE));
            assert!([-BOUND, BOUND].iter().all(|x| (mean + LARGEST_SCALE * x).is_finite()));
        }
        assert_eq!(LARGEST_MEAN, LARGEST_SCALE * BOUND);
        let wrong = [(f32::NAN, 1.0), (2.0 * LARGEST_MEAN, 1.0), (0.0, 2.0 * LARGEST_SCALE), (0.0, f32::NAN)];
        assert!(wrong.into_iter().all(|(mean, scale)| !is_standard(mean, scale)));
        assert!(is_standard(6e20, 6e19) && is_standard(0.0, 1e-30) && !is_standard(0.0, 1e-39));
    }
}
