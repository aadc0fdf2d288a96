//! Plans as they lie in the blob.

use super::layout::{float, word};
use crate::{Plan, Step};

/// Bytes of a row.
pub const STEP: usize = 32;

/// A plan stored in a model: no mathematics needed on the device.
#[derive(Clone, Copy, Debug)]
pub struct StoredPlan<'a> {
    pub(super) rows: &'a [u8],
    pub(super) history: usize,
    pub(super) prior: f32,
}

impl Plan for StoredPlan<'_> {
    fn rows(&self) -> usize {
        self.rows.len() / STEP
    }

    fn step(&self, row: usize) -> Step {
        let row = self.rows.get(STEP * row..).unwrap_or_default();
        let [level, flags] = [word(row, 0) as u16, ((word(row, 0) as u32) >> 16) as u16];
        let [a, s, b, c1, c2, c3, d] = [1, 2, 3, 4, 5, 6, 7].map(|i| float(row, i));
        Step { level, evaluate: flags & 1 != 0, save: flags & 2 != 0, a, s, b, c: [c1, c2, c3], d }
    }

    fn prior(&self) -> f32 {
        self.prior
    }

    fn levels(&self) -> usize {
        (0..self.rows()).map(|row| usize::from(self.step(row).level) + 1).max().unwrap_or(0)
    }

    fn history(&self) -> usize {
        self.history
    }
}

/// The bytes of a row.
pub fn step_bytes(step: &Step) -> [u8; STEP] {
    let flags = u32::from(step.evaluate) | u32::from(step.save) << 1;
    let [c1, c2, c3] = step.c;
    let floats = [step.a, step.s, step.b, c1, c2, c3, step.d].map(f32::to_bits);
    let words = core::iter::once(u32::from(step.level) | flags << 16).chain(floats);
    let mut bytes = [0; STEP];
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
