//! What windows of a signal are like along time: spectrum and autocorrelation.

use std::f64::consts::TAU;

use rayon::prelude::*;

use super::check_dims;
use crate::Points;

/// Lags of the autocorrelation, 1 to this.
const LAGS: usize = 19;
/// Power that is added before the logarithm.
const FLOOR: f64 = 1e-3;

/// Root mean square over frequencies of the difference of [`log_psd`].
///
/// # Panics
/// If a set is empty or the lengths differ.
pub fn log_psd_error(a: &Points, b: &Points) -> f64 {
    check_dims(a, b);
    root_mean_square(&log_psd(a), &log_psd(b))
}

/// Root mean square over lags of the difference of [`autocorrelation`].
///
/// # Panics
/// If a set is empty or the lengths differ.
pub fn acf_error(a: &Points, b: &Points) -> f64 {
    check_dims(a, b);
    root_mean_square(&autocorrelation(a), &autocorrelation(b))
}

fn root_mean_square(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}

/// Mean over windows of log(|Σ_t x_t e^(−2πi·kt/L)|² + 10⁻³) at k = 0…L/2.
///
/// # Panics
/// If there are no windows.
pub fn log_psd(windows: &Points) -> Vec<f64> {
    let length = windows.dim();
    let wave: Vec<(f64, f64)> = (0..length).map(|i| (TAU * i as f64 / length as f64).sin_cos()).collect();
    let power = |x: &[f32], k: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (t, &x) in x.iter().enumerate() {
            let (sin, cos) = wave[k * t % length];
            re += f64::from(x) * cos;
            im += f64::from(x) * sin;
        }
        (re * re + im * im + FLOOR).ln()
    };
    (0..=length / 2).into_par_iter().map(|k| mean(windows, |x| power(x, k))).collect()
}

/// Mean over windows of the autocorrelation Σ_t z_t·z_(t+k)/(L − k) over the variance, at lags k = 1…19 or as
/// many as there are, of centred windows z.
///
/// # Panics
/// If there are no windows.
pub fn autocorrelation(windows: &Points) -> Vec<f64> {
    let length = windows.dim();
    let at_lag = |x: &[f32], k: usize| {
        let centre = x.iter().map(|&x| f64::from(x)).sum::<f64>() / length as f64;
        let z: Vec<f64> = x.iter().map(|&x| f64::from(x) - centre).collect();
        let variance = z.iter().map(|z| z * z).sum::<f64>() / length as f64 + 1e-9;
        z.iter().zip(&z[k..]).map(|(a, b)| a * b).sum::<f64>() / (length - k) as f64 / variance
    };
    (1..=LAGS.min(length - 1)).into_par_iter().map(|k| mean(windows, |x| at_lag(x, k))).collect()
}

fn mean(windows: &Points, f: impl Fn(&[f32]) -> f64) -> f64 {
    assert!(!windows.is_empty(), "no windows to compare");
    windows.rows().map(f).sum::<f64>() / windows.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::*;
    use crate::data::Set;
    use rand::SeedableRng;

    /// A cosine of amplitude 2 has |rfft|² = L² at its frequency, and its own period.
    #[test]
    fn a_wave_has_one_line_and_its_own_autocorrelation() {
        let wave = Points::new(32, (0..32).map(|t| 2.0 * (TAU * f64::from(t) / 8.0).cos() as f32).collect());
        let psd = log_psd(&wave);
        close(psd[4], (32.0_f64 * 32.0).ln(), 1e-5);
        close(psd[5], FLOOR.ln(), 1e-3);
        let acf = autocorrelation(&wave);
        close(acf[7], 1.0, 1e-5);
        close(acf[3], -1.0, 0.05);
    }

    #[test]
    fn they_agree_with_the_reference() {
        close(log_psd_error(&cloud(24, false), &cloud(24, true)), 1.695150916647016, 1e-9);
        close(acf_error(&cloud(24, false), &cloud(24, true)), 0.001131447839840, 1e-9);
    }

    /// Of each class of 300,000 windows of an independent implementation: mean, sd, 4th moment, and mean and sd
    /// at times 26 and 44; log-PSD at bins 0, 1, 3, 6, 12, 20, 31; autocorrelation at lags 1, 2, 5, 10, 19.
    type Law = ([f64; 7], [f64; 7], [f64; 5]);

    const ECG: [Law; 3] = [
        (
            [0.0795, 0.1785, 0.021, 0.3862, 0.4208, 0.2437, 0.0801],
            [3.24, 1.671, 1.778, 1.558, 0.913, -2.358, -4.017],
            [0.7266, 0.2231, -0.0798, -0.1273, 0.0853],
        ),
        (
            [-0.0187, 0.1911, 0.0064, 0.3118, 0.2307, -0.3008, 0.0798],
            [0.153, 3.244, 0.791, 0.57, -4.035, -4.089, -4.098],
            [0.9634, 0.868, 0.3863, 0.0266, -0.53],
        ),
        (
            [0.1486, 0.209, 0.0278, 0.4998, 0.3417, 0.4446, 0.0958],
            [4.493, 3.208, 2.496, 1.455, 0.194, -3.041, -4.073],
            [0.8659, 0.5897, 0.0919, -0.1515, 0.03],
        ),
    ];
    const VIBRATION: [Law; 3] = [
        (
            [0.0, 0.3939, 0.0481, -0.0019, 0.3939, -0.0003, 0.393],
            [-0.451, 0.301, 5.408, 3.167, -0.763, -0.917, -0.941],
            [0.8782, 0.7185, -0.0471, -0.6674, 0.599],
        ),
        (
            [-0.0002, 0.9355, 1.2254, 0.0042, 0.9352, 0.0041, 0.9355],
            [0.955, 1.746, 7.318, 3.355, -0.231, -0.608, -0.714],
            [0.9427, 0.8107, 0.0716, -0.9105, 0.6984],
        ),
        (
            [0.052, 0.4487, 0.1087, 0.0524, 0.4509, 0.0507, 0.449],
            [2.1, 0.297, 5.408, 3.32, 2.961, -0.817, -0.95],
            [0.65, 0.4737, -0.058, -0.4415, 0.4219],
        ),
    ];

    fn moments(x: &Points) -> [f64; 7] {
        let over = |values: Vec<f64>| {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
        };
        let (mean, sd) = over(x.values().iter().map(|&v| v.into()).collect());
        let fourth = x.values().iter().map(|&v| f64::from(v).powi(4)).sum::<f64>() / x.values().len() as f64;
        let [(m26, s26), (m44, s44)] = [26, 44].map(|t| over(x.rows().map(|row| row[t].into()).collect()));
        [mean, sd, fourth, m26, s26, m44, s44]
    }

    /// To four standard errors of 10,000 windows a class.
    #[test]
    fn named_windows_have_the_law_of_the_independent_implementation() {
        for (name, laws) in [("ecg", ECG), ("vibration", VIBRATION)] {
            let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(3);
            let all = Set::named(name, None).unwrap().draw(30_000, &mut rng);
            for (class, (m, psd, acf)) in (0..).zip(laws) {
                let rows: Vec<usize> = (0..all.len()).filter(|&i| all.label(i) == Some(class)).collect();
                assert!(rows.len().abs_diff(10_000) < 400);
                let x = all.pick(&rows);
                for (i, got) in moments(&x).into_iter().enumerate() {
                    // A mean to its sd, others to themselves.
                    let scale = if [0, 3, 5].contains(&i) { m[i + 1] } else { m[i] };
                    close(got, m[i], 0.04 * scale);
                }
                let (found, bins) = (log_psd(&x), [0, 1, 3, 6, 12, 20, 31]);
                bins.iter().zip(psd).for_each(|(&bin, want)| close(found[bin], want, 0.06));
                let (found, lags) = (autocorrelation(&x), [1, 2, 5, 10, 19]);
                lags.iter().zip(acf).for_each(|(&lag, want)| close(found[lag - 1], want, 0.015));
            }
        }
    }
}
