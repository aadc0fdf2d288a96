//! How well a score tells two groups apart.

/// The area under the receiver operating characteristic (Hanley & McNeil 1982): the share of pairs in which the
/// anomaly has the larger score, ties half. NaN where a group is empty.
pub fn auc(normal: &[f32], anomalies: &[f32]) -> f64 {
    let mut normal = normal.to_vec();
    normal.sort_unstable_by(f32::total_cmp);
    let below = |a: &f32| normal.partition_point(|n| n < a) + normal.partition_point(|n| n <= a);
    let pairs = 2 * normal.len() * anomalies.len();
    anomalies.iter().map(below).sum::<usize>() as f64 / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_ties_half() {
        assert_eq!(auc(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 1.0);
        assert_eq!(auc(&[1.0, 2.0], &[0.0, 1.5, 2.0]), (0.0 + 1.0 + 1.5) / 6.0);
        assert!(auc(&[], &[1.0]).is_nan());
    }
}
