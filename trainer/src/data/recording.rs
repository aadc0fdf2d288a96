//! Windows cut from recordings.

use std::path::Path;

use super::DataError;
use crate::Points;

/// Every column of `rows` cut into windows of `length` rows, `stride` apart, shape `(n, length)`: the windows
/// of the first column, then those of the second. A window's class is that of its rows; one whose rows are of
/// several is left out.
///
/// # Errors
/// When not one window fits.
pub(super) fn windows(path: &Path, rows: &Points, length: usize, stride: usize) -> Result<Points, DataError> {
    let starts = || (0..(rows.len() + 1).saturating_sub(length)).step_by(stride);
    let is_pure = |&start: &usize| (start..start + length).all(|i| rows.label(i) == rows.label(start));
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
