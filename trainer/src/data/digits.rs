//! Digits drawn by a pen: strokes with random slant, turn, size, bend, shift, width and noise.

use std::f32::consts::PI;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::Points;

/// A point of the unit square, right and down.
type Point = [f32; 2];

/// Points of an arc.
const ARC: usize = 12;
/// Standard deviation of a pixel's noise, of full ink.
const NOISE: f32 = 0.03;

/// `n` images of `side` × `side` pixels, whole numbers from 0 to 16, as in the UCI set, or to 255 for more
/// than 8 × 8, as in MNIST; labelled by their digit.
pub(super) fn draw(n: usize, side: usize, rng: &mut impl Rng) -> Points {
    let most = if side > 8 { 255.0 } else { 16.0 };
    let (mut values, mut labels) = (Vec::with_capacity(n * side * side), Vec::with_capacity(n));
    for _ in 0..n {
        let digit = rng.random_range(0..10_u16);
        let strokes = written(strokes(digit), rng);
        let half_width = rng.random_range(0.045..0.085);
        for pixel in 0..side * side {
            let centre = [pixel % side, pixel / side].map(|i| (i as f32 + 0.5) / side as f32);
            let ink = (half_width - distance(&strokes, centre)) * side as f32 + 0.5;
            let noisy = ink.clamp(0.0, 1.0) + NOISE * normal(rng);
            values.push((most * noisy.clamp(0.0, 1.0)).round());
        }
        labels.push(digit);
    }
    Points::new(side * side, values).with_labels(labels)
}

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// The arc of an ellipse from one angle to another, in degrees clockwise from the right.
fn arc([x, y]: Point, [width, height]: Point, from: f32, to: f32) -> Vec<Point> {
    let point = |i: usize| {
        let (sin, cos) = libm::sincosf((from + (to - from) * i as f32 / ARC as f32) * PI / 180.0);
        [x + width * cos, y + height * sin]
    };
    (0..=ARC).map(point).collect()
}

/// The strokes of a digit as it is taught.
fn strokes(digit: u16) -> Vec<Vec<Point>> {
    match digit {
        0 => vec![arc([0.5, 0.5], [0.27, 0.4], -90.0, 270.0)],
        1 => vec![vec![[0.35, 0.28], [0.52, 0.1], [0.52, 0.9]]],
        2 => vec![[arc([0.5, 0.32], [0.24, 0.22], -170.0, 40.0), vec![[0.25, 0.9], [0.76, 0.9]]].concat()],
        3 => vec![arc([0.48, 0.3], [0.22, 0.2], -150.0, 90.0), arc([0.48, 0.7], [0.25, 0.2], -90.0, 150.0)],
        4 => vec![vec![[0.6, 0.9], [0.6, 0.1], [0.22, 0.62], [0.8, 0.62]]],
        5 => vec![[vec![[0.72, 0.1], [0.34, 0.1]], arc([0.48, 0.66], [0.24, 0.24], -130.0, 140.0)].concat()],
        6 => vec![[vec![[0.62, 0.1], [0.42, 0.3]], arc([0.5, 0.68], [0.21, 0.22], 180.0, 540.0)].concat()],
        7 => vec![vec![[0.25, 0.1], [0.75, 0.1], [0.42, 0.9]]],
        8 => vec![arc([0.5, 0.29], [0.19, 0.19], 90.0, 450.0), arc([0.5, 0.69], [0.23, 0.21], -90.0, 270.0)],
        _ => vec![[arc([0.5, 0.31], [0.21, 0.21], 0.0, 360.0), vec![[0.66, 0.62], [0.55, 0.9]]].concat()],
    }
}

/// The strokes as one hand writes them once.
fn written(strokes: Vec<Vec<Point>>, rng: &mut impl Rng) -> Vec<Vec<Point>> {
    let (slant, turn) = (0.15 * normal(rng), 0.1 * normal(rng));
    let size = [0.9 + 0.08 * normal(rng), 0.95 + 0.05 * normal(rng)];
    let shift = [0.03 * normal(rng), 0.03 * normal(rng)];
    let (bend, phase) = ([0.04 * normal(rng), 0.04 * normal(rng)], 2.0 * PI * rng.random::<f32>());
    let (sin, cos) = libm::sincosf(turn);
    let point = |[x, y]: Point| {
        let x = x + bend[0] * libm::sinf(2.0 * PI * y + phase) - 0.5;
        let y = y + bend[1] * libm::sinf(2.0 * PI * x + phase) - 0.5;
        let (x, y) = (size[0] * (x - slant * y), size[1] * y);
        [cos * x - sin * y + 0.5 + shift[0], sin * x + cos * y + 0.5 + shift[1]]
    };
    strokes.into_iter().map(|stroke| stroke.into_iter().map(point).collect()).collect()
}

/// From a point to the nearest stroke.
fn distance(strokes: &[Vec<Point>], at: Point) -> f32 {
    let lines = strokes.iter().flat_map(|stroke| stroke.iter().zip(stroke.iter().skip(1)));
    lines.map(|(&from, &to)| to_line(from, to, at)).fold(f32::INFINITY, f32::min)
}

/// From a point to a line from one end to the other.
fn to_line(from: Point, to: Point, at: Point) -> f32 {
    let ([dx, dy], [x, y]) = ([to[0] - from[0], to[1] - from[1]], [at[0] - from[0], at[1] - from[1]]);
    let share = ((x * dx + y * dy) / (dx * dx + dy * dy).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    (x - share * dx).hypot(y - share * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn some(n: usize, side: usize, seed: u64) -> Points {
        draw(n, side, &mut Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    #[test]
    fn pixels_are_whole_numbers_of_the_range_and_classes_are_equally_often() {
        for (side, most) in [(8, 16.0), (28, 255.0)] {
            let images = some(2000, side, 1);
            assert!(images.values().iter().all(|p| p.fract() == 0.0 && (0.0..=most).contains(p)));
            assert!(images.values().contains(&most));
            for digit in 0..10 {
                let count = images.labels().iter().filter(|&&label| label == digit).count();
                assert!((140..260).contains(&count), "{digit}: {count}");
            }
        }
    }

    /// The nearest of 1,000 other digits is nearly always the same digit, though no two are equal.
    #[test]
    fn a_digit_is_told_by_its_neighbour_and_no_two_are_equal() {
        for side in [8, 28] {
            let (known, asked) = (some(1000, side, 1), some(200, side, 2));
            let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
            let mut right = 0;
            for (i, row) in asked.rows().enumerate() {
                let all = (0..known.len()).map(|j| (far(row, known.row(j)), known.label(j)));
                let (distance, label) = all.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
                assert!(distance > 0.0);
                right += usize::from(label == asked.label(i));
            }
            assert!(right >= 180, "{side}: {right} of 200");
        }
    }

    #[test]
    fn the_distance_to_a_line_is_that_to_its_nearest_point() {
        for (at, expected) in [([2.0, 0.5], 0.5), ([-1.0, 0.0], 1.0), ([4.0, 4.0], 17_f32.sqrt())] {
            assert!((to_line([0.0, 0.0], [3.0, 0.0], at) - expected).abs() < 1e-6);
        }
        assert_eq!(to_line([1.0, 1.0], [1.0, 1.0], [1.0, 3.0]), 2.0);
    }
}
