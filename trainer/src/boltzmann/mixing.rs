//! Whether two samples can be of one distribution, by the means of their columns.

use super::Points;

/// Standard errors of a difference of means that chance does not make in any of some thousand columns.
const ERRORS: f64 = 5.0;

/// A column whose means differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Its number, from 0.
    pub column: usize,
    /// Its means.
    pub means: [f64; 2],
}

/// The column whose means differ most in units of its standard deviation, if by more than `least` of them and more than chance
/// makes.
pub fn difference(a: &Points, b: &Points, least: f64) -> Option<Difference> {
    let of_column = |column: usize| {
        let [(mean_a, var_a), (mean_b, var_b)] = [a, b].map(|points| moments(points, column));
        let error = (var_a / a.len() as f64 + var_b / b.len() as f64).sqrt();
        let (off, sd) = ((mean_a - mean_b).abs(), (0.5 * (var_a + var_b)).sqrt());
        let differ = off > ERRORS * error && off > least * sd;
        differ.then_some((off / sd, Difference { column, means: [mean_a, mean_b] }))
    };
    let found = (0..a.dim()).filter_map(of_column).max_by(|a, b| a.0.total_cmp(&b.0));
    found.map(|(_, difference)| difference)
}

/// Mean and variance of a column.
fn moments(points: &Points, column: usize) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = points.rows().map(|row| f64::from(row[column])).sum::<f64>() / n;
    let square = points.rows().map(|row| (f64::from(row[column]) - mean).powi(2)).sum::<f64>();
    (mean, square / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_that_differ_are_told_from_chance() {
        let share = |ones: usize| {
            let rows = (0..1000).flat_map(|i| [f32::from(i % 2 == 0), f32::from(i < ones)]);
            Points::new(2, rows.collect())
        };
        assert_eq!(difference(&share(500), &share(540), 0.01), None, "less than five errors");
        let found = difference(&share(300), &share(700), 0.1).unwrap();
        assert_eq!(found, Difference { column: 1, means: [0.3, 0.7] });
        assert_eq!(difference(&share(300), &share(700), 2.0), None);
        assert!(difference(&share(0), &share(1000), 2.0).is_some(), "of no spread");
    }
}
