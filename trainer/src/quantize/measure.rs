//! What is measured of the integer network itself, through the core: its errors, and what it calls an anomaly.

use super::Calibration;
use crate::denoiser::Denoiser;
use crate::points::Points;
use crate::sample::network;
use tinyscore::blob::Level;
use tinyscore::{Detector, Error, Levels, Score};

/// Levels that the anomaly score looks at.
const LOOKS: usize = 4;
/// From this σ on, about the spread of the data, down to the smallest level.
const LARGEST_LOOK: f32 = 1.0;
/// Share of the training data that is not called an anomaly.
const QUANTILE: f64 = 0.99;
/// Training points whose scores set the threshold.
const SCORED: usize = 4000;

/// Sets the mean square of ε̂ and of its error at each level, by the integer and the float network on the
/// calibration's points.
///
/// # Errors
/// When the blob is damaged.
pub fn measure_levels(
    blob: &[u8],
    denoiser: &Denoiser,
    seen: &Calibration,
    levels: &mut [Level],
) -> Result<(), Error> {
    let mut integer = network(blob)?;
    let sigmas: Vec<f32> = levels.iter().map(|level| level.sigma).collect();
    let mut float = denoiser.at_levels(&sigmas);
    let dim = denoiser.dim();
    let (mut a, mut b) = (vec![0.0; dim], vec![0.0; dim]);
    let points = seen.points.len() / (dim * levels.len());
    for (k, (level, points)) in levels.iter_mut().zip(seen.points.chunks_exact(points * dim)).enumerate() {
        let (mut power, mut error) = (0.0_f64, 0.0_f64);
        for x in points.chunks_exact(dim) {
            integer.noise(x, k, &mut a);
            float.noise(x, k, &mut b);
            power += a.iter().map(|a| f64::from(a * a)).sum::<f64>();
            error += a.iter().zip(&b).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>();
        }
        let count = points.len() as f64;
        (level.power, level.error) = ((power / count) as f32, (error / count) as f32);
    }
    Ok(())
}

/// A detector that lets 99 % of `data` (model units) pass.
///
/// # Errors
/// When the blob is damaged.
pub fn calibrate_detector(blob: &[u8], data: &Points) -> Result<Detector, Error> {
    let mut network = network(blob)?;
    let levels = network.model().levels();
    let last = levels.count() - 1;
    let first = (0..last).find(|&k| levels.sigma(k) <= LARGEST_LOOK).unwrap_or(last);
    let count = LOOKS.min(last - first + 1);
    let stride = (last - first) / (count - 1).max(1);
    let mut detector =
        Detector { first: first as u16, stride: stride as u16, count: count as u16, threshold: 0.0 };
    let mut eps = vec![0.0; data.dim()];
    let rows = data.rows().take(SCORED);
    let mut scores: Vec<f32> = rows.map(|x| detector.score(&mut network, x, &mut eps)).collect();
    scores.sort_unstable_by(f32::total_cmp);
    let at = ((scores.len() as f64 * QUANTILE) as usize).min(scores.len() - 1);
    detector.threshold = scores[at];
    Ok(detector)
}
