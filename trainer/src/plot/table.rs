//! A table's columns as a cloud or a distribution, whatever their units.

use std::path::Path;

use super::canvas::PlotError;
use super::curve::curve;
use super::scatter::scatter_panels;
use crate::Points;

/// Share of the values beyond each end of a picture.
const TAIL: f64 = 0.005;
/// Fewest and most parts of a distribution, of which there are as many as the root of the points.
const PARTS: [usize; 2] = [8, 60];

/// The middle 99 % of each column on −1…1, so that columns of other units and a few far values do not hide the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// From and to, of each column.
    pub ranges: Vec<[f64; 2]>,
}

impl Frame {
    /// Of `points`, shape `(n, d)`.
    pub fn of(points: &Points) -> Self {
        let range = |j: usize| {
            let mut column: Vec<f32> = points.rows().map(|row| row[j]).collect();
            column.sort_unstable_by(f32::total_cmp);
            let at = |share: f64| f64::from(column[((column.len() - 1) as f64 * share).round() as usize]);
            let [low, high] = [at(TAIL), at(1.0 - TAIL)];
            if low < high { [low, high] } else { [low - 1.0, low + 1.0] }
        };
        Self { ranges: (0..points.dim()).map(range).collect() }
    }

    /// The columns `columns` of points on the frame.
    pub fn apply(&self, points: &Points, columns: [usize; 2]) -> Points {
        let on = |row: &[f32], j: usize| {
            let [low, high] = self.ranges[j];
            (2.0 * (f64::from(row[j]) - low) / (high - low) - 1.0) as f32
        };
        Points::new(2, points.rows().flat_map(|row| columns.map(|j| on(row, j))).collect())
    }

    /// What −1 and 1 stand for.
    pub fn describe(&self, j: usize, name: &str) -> String {
        let [low, high] = self.ranges[j];
        format!("{name}: {}…{}", short(low), short(high))
    }
}

/// Four digits.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) {
        format!("{}", (x * 1e4).round() / 1e4)
    } else {
        format!("{x:.3e}")
    }
}

/// Draws the first two columns of labelled tables, or the distribution of the only one.
///
/// # Errors
/// When there is nothing to draw, or the file cannot be written.
pub fn table(
    path: &Path,
    title: &str,
    names: &[String],
    tables: &[(&str, &Points)],
) -> Result<(), PlotError> {
    let Some((_, first)) = tables.first() else {
        return Err(PlotError::Nothing { path: path.to_owned(), what: "there must be a table" });
    };
    let (frame, dim) = (Frame::of(first), first.dim());
    let name = |j: usize| names.get(j).cloned().unwrap_or_else(|| format!("column {j}"));
    if dim == 1 {
        let least = tables.iter().map(|(_, points)| points.len()).min().unwrap_or(0);
        let parts = least.isqrt().clamp(PARTS[0], PARTS[1]);
        let lines: Vec<_> = tables
            .iter()
            .map(|(label, points)| (*label, histogram(points, frame.ranges[0], parts)))
            .collect();
        return curve(path, title, &name(0), "share of the points", &lines, false, false);
    }
    let clouds: Vec<Points> = tables.iter().map(|(_, points)| frame.apply(points, [0, 1])).collect();
    let panels: Vec<(&str, &Points)> =
        tables.iter().zip(&clouds).map(|((label, _), cloud)| (*label, cloud)).collect();
    let of = if dim > 2 { format!(", the first two of {dim} columns") } else { String::new() };
    let title =
        format!("{title}{of}; −1…1 are {}, {}", frame.describe(0, &name(0)), frame.describe(1, &name(1)));
    scatter_panels(path, &title, &panels, None)
}

/// Middle and share of equal parts of a range; what lies beyond is in neither.
fn histogram(points: &Points, [low, high]: [f64; 2], parts: usize) -> Vec<(f64, f64)> {
    let mut counts = vec![0_usize; parts];
    for &x in points.values() {
        let at = (f64::from(x) - low) / (high - low) * parts as f64;
        if (0.0..parts as f64).contains(&at) {
            counts[at as usize] += 1;
        }
    }
    let middle = |i: usize| low + (i as f64 + 0.5) * (high - low) / parts as f64;
    counts.iter().enumerate().map(|(i, &n)| (middle(i), n as f64 / points.len() as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of other units, one with a value far away, both fill the frame.
    #[test]
    fn a_frame_holds_the_middle_of_every_column() {
        let rows =
            (0..=1000_u16).flat_map(|i| [f32::from(i), if i == 0 { 1e30 } else { 1e-12 * f32::from(i) }]);
        let points = Points::new(2, rows.collect());
        let frame = Frame::of(&points);
        let on = frame.apply(&points, [0, 1]);
        for j in 0..2 {
            let inside = on.rows().filter(|row| row[j].abs() <= 1.001).count();
            assert!((985..=995).contains(&inside), "column {j}: {inside}");
        }
        assert_eq!(frame.describe(0, "t"), "t: 5…995");
        assert_eq!(Frame::of(&Points::new(1, vec![7.25; 9])).ranges, [[6.25, 8.25]]);
    }

    #[test]
    fn every_number_of_columns_has_a_picture() {
        let dir = tempfile::tempdir().unwrap();
        for dim in [1, 2, 3, 9] {
            let points = Points::new(dim, (0..dim as u16 * 40).map(|i| f32::from(i % 17)).collect());
            let path = dir.path().join(format!("{dim}.png"));
            table(&path, "a table", &[], &[("data", &points), ("samples", &points.take(1))]).unwrap();
            assert!(path.exists());
        }
    }

    #[test]
    fn shares_add_to_what_lies_inside() {
        let points = Points::new(1, vec![0.0, 0.5, 0.99, 1.0, -3.0]);
        let shares: f64 = histogram(&points, [0.0, 1.0], 8).iter().map(|bar| bar.1).sum();
        assert!((shares - 0.6).abs() < 1e-12);
    }
}
