//! What a model must satisfy beyond its shapes, so that nothing can fail after it.

use super::layout::{half_float, word};
use super::stored_plan::STEP;
use super::{Level, Model};
use crate::arith::is_bounded;
use crate::{Error, Levels, Plan};

/// Bound of the factors that the output is computed with; keeps ε̂ finite for every state.
const MAX_GAIN: f32 = 1_048_576.0;

impl Model<'_> {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.check_levels()?;
        self.check_layers()?;
        let standard = (0..self.dim).all(|j| {
            let (mean, scale) = self.standard(j);
            is_bounded(mean) && is_bounded(scale) && scale > 0.0
        });
        if !standard {
            return Err(Error::Malformed("mean or scale"));
        }
        self.check_plan()
    }

    fn check_levels(&self) -> Result<(), Error> {
        let mut above = 1.000_001e6;
        for i in 0..self.levels.count() {
            let Level { sigma, input_gain, skip, output_gain } = self.levels.get(i);
            if !(sigma > 0.0 && sigma < above) {
                return Err(Error::Malformed("noise levels must descend and be positive"));
            }
            let gains = [input_gain, skip, output_gain];
            if gains.iter().any(|&g| !(-MAX_GAIN..=MAX_GAIN).contains(&g)) {
                return Err(Error::Malformed("gains of a noise level"));
            }
            above = sigma;
        }
        Ok(())
    }

    /// No −128 among the weights, and no sum that could overflow.
    fn check_layers(&self) -> Result<(), Error> {
        let mut limit = u64::from(self.input_limit.unsigned_abs());
        if limit == 0 {
            return Err(Error::Malformed("input limit"));
        }
        let mut conditions = self.conditions;
        for layer in &self.layers {
            let sections = layer.sections();
            for (j, row) in sections.weights.chunks_exact(layer.inputs.max(1)).enumerate() {
                if row.contains(&0x80) {
                    return Err(Error::Malformed("a weight of -128"));
                }
                let weights: u64 = row.iter().map(|&w| u64::from((w as i8).unsigned_abs())).sum();
                let bias = u64::from(word(sections.biases, j).unsigned_abs());
                let condition = conditions.chunks_exact((4 * layer.outputs).max(1));
                let condition = condition.map(|row| word(row, j).unsigned_abs()).max().unwrap_or(0);
                if weights * limit + bias + u64::from(condition) > i32::MAX as u64 {
                    return Err(Error::Malformed("a layer's sum could overflow"));
                }
            }
            if !layer.hidden && (0..layer.outputs).any(|j| !half_float(sections.scales, j).is_finite()) {
                return Err(Error::Malformed("output scale"));
            }
            limit = sections.curve.largest();
            if layer.hidden && sections.curve.shift > 8 {
                return Err(Error::Malformed("shift of an activation"));
            }
            conditions = &[];
        }
        Ok(())
    }

    fn check_plan(&self) -> Result<(), Error> {
        let plan = self.plan;
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
