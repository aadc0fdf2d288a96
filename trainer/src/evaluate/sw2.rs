//! Sliced 2-Wasserstein distance.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::check_dims;
use crate::Points;

const DIRECTIONS: usize = 500;
const SEED: u64 = 1234;

/// Sliced 2-Wasserstein distance of two clouds, in units of the data.
///
/// The root of the mean, over 500 fixed unit directions and over ranks, of the squared difference of
/// the sorted projections. For clouds that differ by a shift only it is about |shift| / √d.
/// Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures", 2015.
///
/// Of unequal clouds `(n, d)` and `(m, d)` the first min(n, m) points count.
///
/// # Panics
/// If a cloud is empty or the dimensions differ.
pub fn sw2(a: &Points, b: &Points) -> f64 {
    check_dims(a, b);
    let n = a.len().min(b.len());
    assert!(n > 0, "no points to compare");
    // Collected before the sum: its order, and so the last bit, must not depend on the threads.
    let squares: Vec<f64> = directions(a.dim())
        .par_iter()
        .map(|u| mean_squared_gap(&projections(a, u, n), &projections(b, u, n)))
        .collect();
    (squares.iter().sum::<f64>() / DIRECTIONS as f64).sqrt()
}

fn directions(dim: usize) -> Vec<Vec<f64>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut direction = || {
        let z: Vec<f64> = StandardNormal.sample_iter(&mut rng).take(dim).collect();
        let norm = z.iter().map(|x| x * x).sum::<f64>().sqrt();
        z.iter().map(|x| x / norm).collect()
    };
    (0..DIRECTIONS).map(|_| direction()).collect()
}

/// The first `n` points along `direction`, sorted.
fn projections(points: &Points, direction: &[f64], n: usize) -> Vec<f64> {
    let dot = |row: &[f32]| row.iter().zip(direction).map(|(&x, u)| f64::from(x) * u).sum();
    let mut sorted: Vec<f64> = points.rows().take(n).map(dot).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn mean_squared_gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud, gaussian};
    use super::*;

    #[test]
    fn a_shift_by_v_gives_its_length_over_root_d() {
        let shift = [3.0_f32, -4.0, 0.0];
        let a = cloud(3, false);
        let moved = a.values().iter().zip(shift.iter().cycle()).map(|(x, s)| x + s);
        let b = Points::new(3, moved.collect());
        close(sw2(&a, &b), 5.0 / 3.0_f64.sqrt(), 0.1);
    }

    #[test]
    fn a_stretch_of_a_gaussian_gives_the_difference_of_the_sds() {
        let (a, b) = (gaussian(4000, 2, 0.0, 1.0, 1), gaussian(4000, 2, 0.0, 1.5, 2));
        close(sw2(&a, &b), 0.5, 0.03);
    }

    #[test]
    fn it_is_zero_for_the_same_cloud_in_any_order() {
        let a = cloud(2, false);
        let mut rows: Vec<&[f32]> = a.rows().collect();
        rows.reverse();
        assert_eq!(sw2(&a, &Points::new(2, rows.concat())), 0.0);
    }

    /// In one dimension all directions agree, in two the reference used 500 others.
    #[test]
    fn it_agrees_with_the_reference() {
        close(sw2(&cloud(1, false), &cloud(1, true)), 0.350931480642584, 1e-12);
        close(sw2(&cloud(2, false), &cloud(2, true)), 0.344015468035159, 0.02 * 0.344015468035159);
    }

    #[test]
    fn the_longer_cloud_is_cut() {
        let (a, b) = (cloud(2, false), cloud(2, true));
        assert_eq!(sw2(&a.take(50), &b), sw2(&a.take(50), &b.take(50)));
    }
}
