//! Precision, recall, density and coverage.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check_dims;
use super::neighbours::{squared_distance, squared_nearest, squared_radii};
use crate::Points;

const K: usize = 5;

/// How far two clouds cover each other, with a ball out to its fifth neighbour about every point.
///
/// Kynkäänniemi et al., "Improved precision and recall", 2019 (the first two);
/// Naeem et al., "Reliable fidelity and diversity metrics", 2020 (the others).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prdc {
    /// Share of fake points inside the ball of some real one.
    pub precision: f64,
    /// Share of real points inside the ball of some fake one.
    pub recall: f64,
    /// Real balls about a fake point, mean over fake points, divided by five; about 1 is ideal.
    pub density: f64,
    /// Share of real balls that hold some fake point.
    pub coverage: f64,
}

/// Compares `fake` `(m, d)` with `real` `(n, d)`; the cost is quadratic. `None` if a cloud has fewer than six points.
///
/// # Panics
/// If the dimensions differ.
pub fn prdc(real: &Points, fake: &Points) -> Option<Prdc> {
    check_dims(real, fake);
    if real.len().min(fake.len()) <= K {
        return None;
    }
    let (real_balls, fake_balls) = (squared_radii(real, K), squared_radii(fake, K));
    let balls_about_fake = balls_about(fake, real, &real_balls);
    let nearest = squared_nearest(real, fake);
    Some(Prdc {
        precision: share(&balls_about_fake, |&n| n > 0),
        recall: share(&balls_about(real, fake, &fake_balls), |&n| n > 0),
        density: balls_about_fake.iter().sum::<usize>() as f64 / (K * fake.len()) as f64,
        coverage: nearest.iter().zip(&real_balls).filter(|(d, r)| d < r).count() as f64 / real.len() as f64,
    })
}

/// For every point the number of balls that hold it, shape `(points.len(),)`.
fn balls_about(points: &Points, centres: &Points, squared_radii: &[f64]) -> Vec<usize> {
    let count = |row| {
        let balls = centres.rows().zip(squared_radii);
        balls.filter(|&(centre, &r)| squared_distance(row, centre) < r).count()
    };
    points.values().par_chunks_exact(points.dim()).map(count).collect()
}

fn share<T>(items: &[T], holds: impl Fn(&T) -> bool) -> f64 {
    items.iter().filter(|item| holds(item)).count() as f64 / items.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud, gaussian};
    use super::*;

    #[test]
    fn disjoint_clouds_share_nothing() {
        let (real, fake) = (gaussian(50, 2, 0.0, 1.0, 1), gaussian(50, 2, 50.0, 1.0, 2));
        let none = Prdc { precision: 0.0, recall: 0.0, density: 0.0, coverage: 0.0 };
        assert_eq!(prdc(&real, &fake).unwrap(), none);
    }

    /// One of two real modes: all fakes are good, half of the real points are missed.
    #[test]
    fn a_dropped_mode_costs_recall_but_not_precision() {
        let fake = gaussian(300, 2, 0.0, 1.0, 1);
        let mut real = gaussian(300, 2, 0.0, 1.0, 2);
        gaussian(300, 2, 50.0, 1.0, 3).rows().for_each(|row| real.push_row(row));
        let p = prdc(&real, &fake).unwrap();
        assert!(p.precision > 0.9 && p.density > 0.8, "{p:?}");
        assert!((0.4..=0.5).contains(&p.recall) && (0.4..=0.5).contains(&p.coverage), "{p:?}");
    }

    #[test]
    fn it_agrees_with_the_reference() {
        let p = prdc(&cloud(2, false), &cloud(2, true)).unwrap();
        close(p.precision, 0.77, 1e-12);
        close(p.recall, 1.0, 1e-12);
        close(p.density, 0.711, 1e-12);
        close(p.coverage, 0.925, 1e-12);
    }

    #[test]
    fn five_points_have_no_fifth_neighbour() {
        let cloud = cloud(2, false);
        let known =
            |n: usize| prdc(&cloud, &cloud.take(n)).is_some() && prdc(&cloud.take(n), &cloud).is_some();
        assert_eq!(
            (1..9).map(known).collect::<Vec<_>>(),
            [false, false, false, false, false, true, true, true]
        );
    }
}
