//! Windows of sensors in three classes, labelled 0, 1, 2.

use std::f64::consts::TAU;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::Points;

/// The waves of a heartbeat, P, Q, R, S and T, by the time of their centre.
const CENTRE: [f64; 5] = [0.2, 0.36, 0.4, 0.44, 0.68];
/// Heights of the waves: normal, premature, ST-changed.
const HEIGHT: [[f64; 5]; 3] =
    [[0.15, -0.12, 1.0, -0.22, 0.3], [0.0, -0.05, 0.9, -0.6, -0.35], [0.15, -0.1, 0.9, 0.1, 0.5]];
/// Standard deviations of the waves.
const WIDTH: [[f64; 5]; 3] =
    [[0.035, 0.012, 0.016, 0.014, 0.05], [0.03, 0.03, 0.05, 0.05, 0.06], [0.035, 0.012, 0.018, 0.04, 0.07]];
/// Impacts a window from a damaged bearing.
const IMPACTS: f64 = 6.0;

fn normal(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// `n` windows of `length` samples; `wave(class, rng)` gives one's value at each time of 0…1, to which noise
/// of standard deviation `noise` is added.
fn windows<W: Fn(f64) -> f64, R: Rng>(
    n: usize,
    length: usize,
    noise: f64,
    rng: &mut R,
    wave: impl Fn(u16, &mut R) -> W,
) -> Points {
    let (mut values, mut labels) = (Vec::with_capacity(n * length), Vec::with_capacity(n));
    for _ in 0..n {
        let label = rng.random_range(0..3_u16);
        let wave = wave(label, rng);
        values.extend((0..length).map(|i| {
            let clean = wave(i as f64 / length as f64);
            (clean + noise * normal(rng)) as f32
        }));
        labels.push(label);
    }
    Points::new(length, values).with_labels(labels)
}

/// Heartbeats of five Gaussian waves that move, stretch and grow from beat to beat, on a wandering baseline:
/// normal, premature, ST-changed.
pub(super) fn ecg(n: usize, length: usize, rng: &mut impl Rng) -> Points {
    windows(n, length, 0.02, rng, |label, rng| {
        let (shift, stretch) = (0.03 * normal(rng), 1.0 + 0.06 * normal(rng));
        let class = usize::from(label);
        let waves: [[f64; 3]; 5] = std::array::from_fn(|i| {
            let centre = 0.4 + (CENTRE[i] - 0.4) * stretch + shift + 0.005 * normal(rng);
            let height = HEIGHT[class][i] * (1.0 + 0.12 * normal(rng));
            let width = WIDTH[class][i] * (1.0 + 0.1 * normal(rng));
            [centre, height, width]
        });
        let (wander, phase) = (0.05 * normal(rng), TAU * rng.random::<f64>());
        move |t| {
            let beat = waves.iter().map(|[c, h, w]| h * libm::exp(-0.5 * ((t - c) / w).powi(2))).sum::<f64>();
            beat + wander * libm::sin(TAU * t + phase)
        }
    })
}

/// About three turns of a machine, with its first overtone: normal, imbalance (a stronger first tone), and a
/// damaged bearing, whose impacts ring at 20 periods a window.
pub(super) fn vibration(n: usize, length: usize, rng: &mut impl Rng) -> Points {
    windows(n, length, 0.1, rng, |label, rng| {
        let (phase, speed) = (TAU * rng.random::<f64>(), 3.0 + 0.2 * normal(rng));
        let first = rng.random::<f64>() / IMPACTS;
        let tone = if label == 1 { 1.3 } else { 0.5 };
        let hits = if label == 2 { 1.2 } else { 0.0 };
        move |t| {
            let turn = TAU * speed * t + phase;
            let ringing = (-1..7).map(|k| t - first - f64::from(k) / IMPACTS).filter(|u| *u > 0.0);
            let hit: f64 = ringing.map(|u| libm::exp(-40.0 * u) * libm::sin(TAU * 20.0 * u)).sum();
            tone * libm::sin(turn) + 0.2 * libm::sin(2.0 * turn + 0.5) + hits * hit
        }
    })
}
