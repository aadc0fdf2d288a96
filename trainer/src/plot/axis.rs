//! A linear or logarithmic axis with few, round ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::Ranged;

/// One axis of a chart.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    range: Range<f64>,
    log: bool,
}

impl Axis {
    /// Covers all finite `values` (with `log`, the positive ones) with a margin of 3 %.
    ///
    /// None where there is no such value.
    pub fn over(values: impl Iterator<Item = f64>, log: bool) -> Option<Self> {
        let shown = values.filter(|v| shows(*v, log)).map(|v| place(v, log));
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let margin = match high - low {
            width if width > 0.0 => 0.03 * width,
            _ => 0.5 * low.abs().max(1.0),
        };
        let axis = Self { range: low - margin..high + margin, log };
        (low <= high).then_some(axis)
    }

    /// Whether the axis has a place for `value`.
    pub fn shows(&self, value: f64) -> bool {
        shows(value, self.log)
    }

    fn ticks(&self, count: usize) -> Vec<f64> {
        match self.log {
            true => log_ticks(&self.range, count),
            false => linear_ticks(&self.range, count),
        }
    }
}

fn shows(value: f64, log: bool) -> bool {
    value.is_finite() && (!log || value > 0.0)
}

fn place(value: f64, log: bool) -> f64 {
    if log { value.log10() } else { value }
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `count`.
pub(super) fn linear_ticks(range: &Range<f64>, count: usize) -> Vec<f64> {
    let raw = (range.end - range.start) / count.max(2) as f64;
    let decade = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|s| *s >= raw * 0.999);
    let step = step.unwrap_or(10.0 * decade);
    let (first, last) = ((range.start / step).ceil() as i64, (range.end / step).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Powers of ten, thinned to `count`; within two decades 2 and 5 as well.
fn log_ticks(range: &Range<f64>, count: usize) -> Vec<f64> {
    let decades = range.start.floor() as i32..=range.end.ceil() as i32;
    let stride = 1 + (range.end - range.start) as usize / count.max(2);
    let fine: &[f64] = if range.end - range.start < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let ticks = decades.step_by(stride).flat_map(|d| fine.iter().map(move |m| m * 10_f64.powi(d)));
    ticks.filter(|t| range.contains(&t.log10())).collect()
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (place(*value, self.log) - self.range.start) / (self.range.end - self.range.start);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        self.ticks(hint.bold_points())
    }

    fn range(&self) -> Range<f64> {
        match self.log {
            true => 10_f64.powf(self.range.start)..10_f64.powf(self.range.end),
            false => self.range.clone(),
        }
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        format_tick(*value)
    }
}

/// Plain between 0.001 and 9,999, thousands as k, the rest with an exponent.
pub(super) fn format_tick(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        m if (1e4..1e6).contains(&m) => format!("{}k", round(value / 1e3)),
        m if (1e-3..1e4).contains(&m) => round(value).to_string(),
        _ => format!("{:e}", round(value)),
    }
}

/// Six digits: a tick such as 3 × 0.1 must not print its rounding error.
fn round(value: f64) -> f64 {
    let digits = format!("{value:.5e}");
    digits.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(low: f64, high: f64, log: bool) -> Axis {
        Axis::over([low, high].into_iter(), log).unwrap()
    }

    fn labels(axis: &Axis, count: usize) -> Vec<String> {
        axis.ticks(count).iter().map(|t| axis.format_ext(t)).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&axis(0.0, 1.0, false), 6), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&axis(0.0, 12_000.0, false), 5), ["0", "5000", "10k"]);
    }

    #[test]
    fn log_ticks_are_decades_and_finer_on_a_short_axis() {
        assert_eq!(labels(&axis(0.002, 60.0, true), 6), ["0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&axis(0.9, 6.0, true), 6), ["1", "2", "5"]);
        assert_eq!(labels(&axis(1e-9, 1e6, true), 5).len(), 4);
    }

    #[test]
    fn a_log_axis_maps_decades_evenly() {
        let axis = Axis { range: 0.0..2.0, log: true };
        assert_eq!(axis.map(&10.0, (0, 100)), 50);
        assert_eq!(axis.map(&1.0, (100, 0)), 100);
    }

    #[test]
    fn only_what_has_a_place_counts() {
        assert!(Axis::over([0.0, -1.0, f64::NAN].into_iter(), true).is_none());
        let axis = Axis::over([0.0, 1.0, 100.0, f64::INFINITY].into_iter(), true).unwrap();
        assert_eq!(axis.range, -0.06..2.06);
    }

    #[test]
    fn a_single_value_gets_some_width() {
        assert_eq!(axis(4.0, 4.0, false).range, 2.0..6.0);
    }

    #[test]
    fn small_and_large_numbers_are_short() {
        let labels = [1e-5, 0.3 * 3.0, 25_000.0, 2e7, -0.5].map(format_tick);
        assert_eq!(labels, ["1e-5", "0.9", "25k", "2e7", "-0.5"]);
    }
}
