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

/// Sets the power of ε̂ and the bias and variance of its error at each level, by the integer and the float network on the
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
        let mut power = 0.0_f64;
        let mut errors = vec![(0.0_f64, 0.0_f64); dim];
        for x in points.chunks_exact(dim) {
            integer.noise(x, k, &mut a);
            float.noise(x, k, &mut b);
            power += a.iter().map(|a| f64::from(a * a)).sum::<f64>();
            for ((a, b), (sum, squares)) in a.iter().zip(&b).zip(&mut errors) {
                let error = f64::from(a - b);
                *sum += error;
                *squares += error * error;
            }
        }
        let (all, each) = (points.len() as f64, (points.len() / dim) as f64);
        let squares = errors.iter().map(|(_, squares)| squares).sum::<f64>() / all;
        let bias = errors.iter().map(|(sum, _)| (sum / each).powi(2)).sum::<f64>() / dim as f64;
        level.power = (power / all) as f32;
        (level.bias, level.variance) = (bias.sqrt() as f32, (squares - bias) as f32);
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

#[cfg(test)]
mod tests {
    use super::super::{Export, quantize};
    use super::*;
    use crate::data::Toy;
    use crate::denoiser::{Embedding, Precondition};
    use crate::mlp::Activation;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use tinyscore::Model;
    use tinyscore::sampler::{Ddim, Sampler};

    /// An integer network that is off by a constant in one of two dimensions has that for its bias, over √2,
    /// and the variance of one that is not.
    #[test]
    fn a_constant_error_is_bias_and_no_variance() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let sigmas = [4.0, 1.0, 0.25];
        let embedding = Embedding { features: 4, sigma_min: 0.25, sigma_max: 4.0 };
        let denoiser = Denoiser::new(2, &[16], Activation::Silu, Precondition::Edm, embedding, 0, &mut rng);
        let data = Toy::Moons.draw(500, &mut rng);
        let seen = Calibration::new(&denoiser, &data, &sigmas, 400, &mut rng);
        let export = Export {
            name: "test",
            sigmas: &sigmas,
            weight_bits: 8,
            activation_bits: 16,
            codec: None,
            mean: &[0.0; 2],
            scale: &[1.0; 2],
            data: &data,
        };
        let plan = Ddim.plan(&sigmas[..]).unwrap();
        let blob = quantize(&denoiser, &seen, &export).blob(&denoiser, &seen, &export, &plan).unwrap();
        let measured = |denoiser: &Denoiser| {
            let table = Model::from_bytes(&blob).unwrap().levels();
            let mut levels = [0, 1, 2].map(|k| table.get(k));
            measure_levels(&blob, denoiser, &seen, &mut levels).unwrap();
            levels
        };
        let mut shifted = denoiser.clone();
        shifted.net.layers[1].bias[0] += 0.5;
        for (right, off) in measured(&denoiser).iter().zip(measured(&shifted)) {
            let shift = 0.5 * denoiser.precondition.at(off.sigma).gain.abs() / 2_f32.sqrt();
            assert!((off.bias / shift - 1.0).abs() < 0.02, "{off:?} {shift}");
            assert!(right.bias < 0.02 * shift && right.variance > 0.0, "{right:?}");
            assert!((off.variance / right.variance - 1.0).abs() < 0.02, "{right:?} {off:?}");
            assert_eq!(off.power, right.power);
        }
    }
}
