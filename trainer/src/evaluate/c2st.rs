//! Classifier two-sample test.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::check_dims;
use super::neighbours::squared_distance;
use crate::Points;

const FOLDS: usize = 5;
const LIMIT: usize = 2000;
const SEED: u64 = 0;

/// Accuracy of a `k`-nearest-neighbour classifier that tells two clouds apart: 0.5 ideal, 1 disjoint.
///
/// Five stratified folds shuffled by a fixed seed; every point is judged by its `k` nearest ones in the
/// other four folds, a tie counts for `a`. Shapes `(n, d)` and `(m, d)`, of which the first 2,000 points
/// count; k is 15 for 2-D sets and 5 for images.
/// Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017.
///
/// `None` if a cloud has fewer than five points, or the other folds fewer than `k`.
///
/// # Panics
/// If the dimensions differ.
pub fn c2st(a: &Points, b: &Points, k: usize) -> Option<f64> {
    check_dims(a, b);
    let (a, b) = (a.take(LIMIT), b.take(LIMIT));
    let others: usize = [&a, &b].map(|cloud| cloud.len() - cloud.len().div_ceil(FOLDS)).iter().sum();
    if a.len().min(b.len()) < FOLDS || others < k {
        return None;
    }
    let labelled = labelled(&a, &b);
    let right = labelled.par_iter().filter(|point| classify(point, &labelled, k) == point.from_b);
    Some(right.count() as f64 / labelled.len() as f64)
}

struct Labelled<'a> {
    row: &'a [f32],
    from_b: bool,
    fold: usize,
}

fn labelled<'a>(a: &'a Points, b: &'a Points) -> Vec<Labelled<'a>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut points = Vec::with_capacity(a.len() + b.len());
    for (cloud, from_b) in [(a, false), (b, true)] {
        let mut folds: Vec<usize> = (0..cloud.len()).map(|i| i % FOLDS).collect();
        folds.shuffle(&mut rng);
        points.extend(cloud.rows().zip(folds).map(|(row, fold)| Labelled { row, from_b, fold }));
    }
    points
}

/// Whether most of the `k` nearest points outside its fold are from `b`.
fn classify(point: &Labelled, labelled: &[Labelled], k: usize) -> bool {
    let others = labelled.iter().filter(|other| other.fold != point.fold);
    let mut votes: Vec<(f64, bool)> =
        others.map(|other| (squared_distance(point.row, other.row), other.from_b)).collect();
    assert!((1..=votes.len()).contains(&k), "{} points have no {k} neighbours", votes.len());
    let (nearest, last, _) = votes.select_nth_unstable_by(k - 1, |x, y| x.0.total_cmp(&y.0));
    let for_b = nearest.iter().filter(|vote| vote.1).count() + usize::from(last.1);
    2 * for_b > k
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud, gaussian};
    use super::*;

    #[test]
    fn disjoint_clouds_are_always_told_apart() {
        let (a, b) = (gaussian(100, 2, 0.0, 1.0, 1), gaussian(100, 2, 20.0, 1.0, 2));
        assert_eq!(c2st(&a, &b, 15).unwrap(), 1.0);
    }

    #[test]
    fn equal_laws_are_told_apart_by_chance_only() {
        let (a, b) = (gaussian(1000, 2, 0.0, 1.0, 1), gaussian(1000, 2, 0.0, 1.0, 2));
        close(c2st(&a, &b, 15).unwrap(), 0.5, 0.03);
    }

    /// The best classifier of N(0, 1) and N(2, 1) is right with probability Φ(1) = 0.8413.
    #[test]
    fn overlapping_gaussians_give_nearly_the_bayes_rate() {
        let (a, b) = (gaussian(1000, 1, 0.0, 1.0, 1), gaussian(1000, 1, 2.0, 1.0, 2));
        close(c2st(&a, &b, 15).unwrap(), 0.8413, 0.02);
    }

    /// Every number of points a side gets an answer or none, from the one on that has enough neighbours.
    #[test]
    fn few_points_have_no_accuracy() {
        let cloud = cloud(2, false);
        let known: Vec<bool> = (1..30).map(|n| c2st(&cloud.take(n), &cloud, 15).is_some()).collect();
        assert_eq!(known.iter().position(|&known| known), Some(4), "five a side");
        let pair = |n: usize| c2st(&cloud.take(n), &cloud.take(n), 15).is_some();
        assert_eq!((1..30).find(|&n| pair(n)), Some(10), "eight of ten a side are 16 others");
        assert!((10..30).all(pair));
    }

    #[test]
    fn the_folds_of_each_side_are_equal() {
        let (a, b) = (cloud(2, false), cloud(2, true));
        let points = labelled(&a, &b);
        for fold in 0..FOLDS {
            for from_b in [false, true] {
                let count = points.iter().filter(|p| p.fold == fold && p.from_b == from_b).count();
                assert_eq!(count, 40);
            }
        }
    }

    /// A point must not vote for itself: pairs of equal points would all be classified right.
    #[test]
    fn a_point_does_not_judge_itself() {
        let (a, b) = (cloud(2, false), cloud(2, false));
        assert!(c2st(&a, &b, 1).unwrap() < 0.5);
    }

    /// Other folds than the reference's.
    #[test]
    fn it_agrees_with_the_reference() {
        close(c2st(&cloud(2, false), &cloud(2, true), 15).unwrap(), 0.6325, 0.03);
    }
}
