//! The one container that data, samples and metrics share.

use std::slice::ChunksExact;

/// `n` points of `dim` coordinates each, stored row by row, with or without a class for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    dim: usize,
    values: Vec<f32>,
    labels: Vec<u16>,
}

impl Points {
    /// Takes `values` as rows of `dim` coordinates: shape `(values.len() / dim, dim)`.
    ///
    /// # Panics
    /// If `dim` is zero or does not divide the number of values.
    pub fn new(dim: usize, values: Vec<f32>) -> Self {
        assert!(dim > 0, "points need at least one coordinate");
        assert_eq!(values.len() % dim, 0, "{} values are no whole number of rows of {dim}", values.len());
        Self { dim, values, labels: Vec::new() }
    }

    /// No points yet, with room for `rows` rows of `dim` coordinates.
    ///
    /// # Panics
    /// If `dim` is zero.
    pub fn with_capacity(dim: usize, rows: usize) -> Self {
        Self::new(dim, Vec::with_capacity(dim * rows))
    }

    /// The same points with their classes, shape `(n,)`; none for points without.
    ///
    /// # Panics
    /// If there is neither one for each point nor none.
    pub fn with_labels(mut self, labels: Vec<u16>) -> Self {
        assert!(labels.is_empty() || labels.len() == self.len(), "a label for each point, or none");
        self.labels = labels;
        self
    }

    /// The class of point `i`, if the points have classes.
    pub fn label(&self, i: usize) -> Option<u16> {
        self.labels.get(i).copied()
    }

    /// The classes of all points, or none.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Number of classes: one more than the largest label.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&largest| usize::from(largest) + 1)
    }

    /// The points of these numbers, with their classes.
    ///
    /// # Panics
    /// If one is not there.
    pub fn pick(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self::new(self.dim, values).with_labels(rows.iter().filter_map(|&i| self.label(i)).collect())
    }

    /// Number of points, n.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Coordinates per point, d.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The coordinates of point `i`, shape `(d,)`.
    ///
    /// # Panics
    /// If `i >= len()`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// All points in order, each of shape `(d,)`.
    pub fn rows(&self) -> ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dim)
    }

    /// All coordinates, row by row, shape `(n * d,)`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Appends one point of shape `(d,)`.
    ///
    /// # Panics
    /// If `row` has not exactly `dim()` coordinates, or the points have labels.
    pub fn push_row(&mut self, row: &[f32]) {
        assert!(self.labels.is_empty(), "a row without a label");
        assert_eq!(row.len(), self.dim, "a row of another dimension");
        self.values.extend_from_slice(row);
    }

    /// The first `n` points, or all where there are fewer.
    pub fn take(&self, n: usize) -> Self {
        let end = n.min(self.len()) * self.dim;
        let labels = self.labels.iter().take(n).copied().collect();
        Self::new(self.dim, self.values[..end].to_vec()).with_labels(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Points {
        Points::new(2, vec![1., 2., 3., 4., 5., 6.])
    }

    #[test]
    fn rows_are_contiguous_and_in_order() {
        let p = three();
        assert_eq!((p.len(), p.dim()), (3, 2));
        assert_eq!(p.row(1), [3., 4.]);
        assert_eq!(p.rows().last().unwrap(), [5., 6.]);
    }

    #[test]
    fn take_clips_at_the_end() {
        assert_eq!(three().take(2).values(), [1., 2., 3., 4.]);
        assert_eq!(three().take(9), three());
    }

    #[test]
    fn push_row_grows_by_one_point() {
        let mut p = Points::with_capacity(2, 1);
        assert!(p.is_empty());
        p.push_row(&[7., 8.]);
        assert_eq!(p.row(0), [7., 8.]);
    }

    #[test]
    #[should_panic(expected = "whole number of rows")]
    fn a_ragged_buffer_is_refused() {
        Points::new(2, vec![0.; 3]);
    }

    #[test]
    #[should_panic(expected = "another dimension")]
    fn a_row_of_another_dimension_is_refused() {
        three().push_row(&[1.]);
    }
}
