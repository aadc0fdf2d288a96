//! Windows cut from recordings.

use std::path::Path;

use super::table::{MAX_VALUES, Table};
use super::text::short;
use super::{DataError, Standardizer};
use crate::Points;

/// Means further apart than this many common standard deviations, or standard deviations of a larger ratio, are
/// those of different quantities.
const APART: f64 = 3.0;

/// Leaves out the columns that are called a time and rise by the same step from row to row.
pub(super) fn without_time(mut table: Table, notes: &mut Vec<String>) -> Table {
    const TIMES: [&str; 4] = ["time", "timestamp", "t", "seconds"];
    let is_time = |table: &Table, j: usize| {
        let name = &table.columns[j].name;
        TIMES.iter().any(|time| name.eq_ignore_ascii_case(time)) && rises_evenly(table.column(j))
    };
    while let Some(j) = (0..table.dim()).find(|&j| table.dim() > 1 && is_time(&table, j)) {
        notes.push(format!("column `{}` is a time that rises evenly and is left out", table.columns[j].name));
        table = table.without(j);
    }
    table
}

/// But for the rounding of single precision.
fn rises_evenly(values: impl Iterator<Item = f32>) -> bool {
    let values: Vec<f64> = values.map(f64::from).collect();
    let [first, .., last] = values[..] else { return false };
    let step = (last - first) / (values.len() - 1) as f64;
    let slack = 0.01 * step + f64::from(f32::EPSILON) * first.abs().max(last.abs());
    let on_line = |(i, x): (usize, &f64)| (x - first - step * i as f64).abs() <= slack;
    step > 0.0 && values.iter().enumerate().all(on_line)
}

/// Refuses recordings that one scale does not suit.
pub(super) fn refuse_other_units(path: &Path, rows: &Points, names: &[String]) -> Result<(), DataError> {
    if rows.is_empty() {
        return Ok(());
    }
    let measured = Standardizer::fit(rows);
    let (mean, sd) = (|j: usize| f64::from(measured.mean()[j]), |j: usize| f64::from(measured.scale()[j]));
    let apart = |i: usize, j: usize| {
        let common = (0.5 * (sd(i).powi(2) + sd(j).powi(2))).sqrt();
        (mean(i) - mean(j)).abs() > APART * common || sd(i) > APART * sd(j) || sd(j) > APART * sd(i)
    };
    let describe = |j: usize| {
        let name = names.get(j).map_or_else(|| format!("column {}", j + 1), |name| short(name));
        format!("{name} {} ± {}", three_digits(mean(j)), three_digits(sd(j)))
    };
    match (1..rows.dim()).find(|&j| apart(0, j)) {
        None => Ok(()),
        Some(j) => Err(DataError::OtherUnits { path: path.to_owned(), one: describe(0), other: describe(j) }),
    }
}

/// About three digits that matter.
pub(crate) fn three_digits(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        0.1..10.0 => format!("{x:.2}"),
        10.0..100.0 => format!("{x:.1}"),
        100.0..1e6 => format!("{x:.0}"),
        _ => format!("{x:.2e}"),
    }
}

/// Every column of `rows` cut into windows of `length` rows, `stride` apart, shape `(n, length)`: the windows
/// of the first column, then those of the second. A window's class is that of its rows; one whose rows are of
/// several is left out.
///
/// # Errors
/// When not one window fits, or there are too many.
pub(super) fn windows(path: &Path, rows: &Points, length: usize, stride: usize) -> Result<Points, DataError> {
    let starts = || (0..(rows.len() + 1).saturating_sub(length)).step_by(stride);
    let is_pure = |&start: &usize| (start..start + length).all(|i| rows.label(i) == rows.label(start));
    let values = rows.dim() as u64 * starts().len() as u64 * length as u64;
    if values > MAX_VALUES as u64 {
        return Err(DataError::TooLarge { path: path.to_owned(), values });
    }
    let mut cut = Points::with_capacity(length, 0);
    let mut labels = Vec::new();
    for column in 0..rows.dim() {
        for start in starts().filter(is_pure) {
            let window: Vec<f32> = (start..start + length).map(|i| rows.row(i)[column]).collect();
            cut.push_row(&window);
            labels.extend(rows.label(start));
        }
    }
    if cut.is_empty() {
        return Err(DataError::ShortRecording { path: path.to_owned(), rows: rows.len(), length });
    }
    Ok(cut.with_labels(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(rows: &Points, length: usize, stride: usize) -> Result<Points, DataError> {
        windows(Path::new("a.csv"), rows, length, stride)
    }

    #[test]
    fn windows_start_a_stride_apart_column_after_column() {
        let rows = Points::new(2, (0..10).map(|i| i as f32).collect());
        let found = cut(&rows, 3, 2).unwrap();
        assert_eq!(found.values(), [0., 2., 4., 4., 6., 8., 1., 3., 5., 5., 7., 9.]);
        assert_eq!(cut(&rows, 5, 9).unwrap().len(), 2);
    }

    #[test]
    fn a_window_over_two_classes_is_left_out() {
        let rows = Points::new(1, (0..6).map(|i| i as f32).collect()).with_labels(vec![4, 4, 4, 4, 1, 1]);
        let found = cut(&rows, 2, 1).unwrap();
        assert_eq!(found.labels(), [4, 4, 4, 1]);
        assert_eq!(found.row(3), [4.0, 5.0]);
    }

    #[test]
    fn a_window_longer_than_the_recording_is_refused() {
        let error = cut(&Points::new(1, vec![0.0; 5]), 6, 1).unwrap_err();
        assert!(matches!(error, DataError::ShortRecording { rows: 5, length: 6, .. }));
    }
}
