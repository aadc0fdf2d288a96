//! Boltzmann machines: restricted ones of binary or real visible units, deep belief networks, and ones with lateral weights,
//! from data to a blob and its exact likelihood.
//!
//! They train on plain loops over rows, shared among threads; whatever is reported of an integer model was read from its
//! blob by the core.

pub mod ais;
pub mod config;
pub mod contrastive_divergence;
pub mod enumeration;
pub mod export;
pub mod gaussian_rbm;
pub mod learner;
pub mod machine;
pub mod mixing;
pub mod model;
pub mod rbm;
pub mod run;
pub mod starts;
pub mod suite;
pub mod tensor_file;
pub mod use_blob;

use crate::config::UsageError;
use crate::points::Points;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// ln √(2π): of the standard normal's Z.
const LOG_NORMAL: f64 = 0.918_938_533_204_672_8;

/// 1/(1 + e⁻ˣ)
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + eˣ)
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 with probability `p`, else 0.
pub(crate) fn draw(p: f32, rng: &mut Xoshiro256PlusPlus) -> f32 {
    f32::from(rng.random::<f32>() < p)
}

/// A generator of its own for each pair of numbers, so that threads do not matter.
pub(crate) fn pool(seed: u64, a: u64, b: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(
        seed ^ a.rotate_left(40) ^ b.rotate_left(20).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

/// Rows of 0 and 1: 1 from the threshold up, or as they are if they hold nothing else.
///
/// # Errors
/// Values that are neither, without a threshold.
pub fn binarize(what: &str, points: &Points, threshold: Option<f32>) -> Result<Points, UsageError> {
    if threshold.is_some_and(f32::is_nan) {
        return Err(UsageError("binarize is NaN, but must be a number".into()));
    }
    let bad = points.values().iter().position(|&x| x != 0.0 && x != 1.0);
    if let (None, Some(at)) = (threshold, bad) {
        let (row, column, value) = (at / points.dim() + 1, at % points.dim() + 1, points.values()[at]);
        let largest = points.values().iter().copied().fold(f32::MIN, f32::max);
        let least = points.values().iter().copied().fold(f32::MAX, f32::min);
        return Err(UsageError(format!(
            "{what}: row {row}, column {column} holds {value}, but the units are binary: give a threshold, such as --binarize {} (the values are {least} to {largest})",
            least + (largest - least) / 2.0
        )));
    }
    let threshold = threshold.unwrap_or(1.0);
    let values = points.values().iter().map(|&x| f32::from(x >= threshold)).collect();
    Ok(Points::new(points.dim(), values).with_labels(points.labels().to_vec()))
}

/// That there is something to learn from rows of 0 and 1.
fn refuse_equal(what: &str, binary: &Points) -> Result<(), UsageError> {
    let first = binary.values()[0];
    if binary.values().iter().any(|&x| x != first) {
        return Ok(());
    }
    Err(UsageError(format!(
        "{what}: every value is {first}, which leaves nothing to learn: give --binarize a threshold between the smallest and the largest value"
    )))
}

/// ln(p/(1 − p)) of each column's share of ones, as if half a one and half a zero more had been seen.
pub fn log_odds(data: &Points) -> Vec<f32> {
    let mut ones = vec![0.5_f32; data.dim()];
    data.rows().for_each(|row| ones.iter_mut().zip(row).for_each(|(o, v)| *o += v));
    ones.iter().map(|o| (o / (data.len() as f32 + 1.0 - o)).ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(visible: usize, hidden: usize) -> rbm::Rbm {
        let mut rng = pool(3, 0, 0);
        let mut rbm = rbm::Rbm::new(&vec![-0.3; visible], hidden, &mut rng);
        rbm.w.iter_mut().for_each(|w| *w *= 8.0);
        rbm
    }

    /// ln Z by every pair of states, without a Gray code.
    #[test]
    fn the_partition_function_is_the_sum_over_all_states() {
        for (visible, hidden) in [(3, 5), (7, 2), (12, 11)] {
            let rbm = machine(visible, hidden);
            let states = (0..1_u32 << visible).map(|s| {
                let v: Vec<f32> = (0..visible).map(|i| (s >> i & 1) as f32).collect();
                -rbm.free_energy(&v)
            });
            let exact = enumeration::log_sum(states);
            let found = enumeration::log_partition(&rbm).unwrap();
            assert!((found - exact).abs() < 1e-4, "{visible}×{hidden}: {found}, not {exact}");
        }
        let error = enumeration::log_partition(&machine(21, 22)).unwrap_err().to_string();
        assert!(error.contains("21 units") && error.contains("--likelihood ais"), "{error}");
    }

    #[test]
    fn annealed_importance_sampling_agrees_with_enumeration() {
        let rbm = machine(20, 12);
        let exact = enumeration::log_partition(&rbm).unwrap();
        let (found, error) = ais::log_partition(&rbm, &[0.4; 20], 300, 500, 1);
        assert!((found - exact).abs() < 0.1, "{found} ± {error}, not {exact}");
        assert!((found - exact).abs() < 4.0 * error && error < 0.05, "{found} ± {error}, not {exact}");
    }

    /// A machine without hidden units learns the pair correlation of two columns.
    #[test]
    fn machines_learn_what_their_data_have_in_common() {
        let rows = [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]];
        let data = Points::new(2, rows.concat().repeat(20));
        let entropy = [0.4_f64, 0.4, 0.2].iter().map(|p| p * p.ln()).sum::<f64>();
        for (model, hidden, method) in [
            (config::Family::Rbm, 4, config::Method::Cd),
            (config::Family::Rbm, 4, config::Method::Pcd),
            (config::Family::Bm, 1, config::Method::Pcd),
        ] {
            let config = config::Config {
                hidden: vec![hidden],
                method,
                updates: 3000,
                batch: 100,
                ..config::Config::new(model, "pairs")
            };
            let trained = model::Model::train(&config, &data).unwrap();
            let how = config::LikelihoodBy::Exact;
            let found = trained.log_likelihood(&data, &[0.0; 2], how, 1).unwrap().unwrap().nats;
            assert!(
                found > entropy - 0.06 && found <= entropy + 1e-6,
                "{model:?} {method:?}: {found}, at best {entropy}"
            );
            let blob = export::export(&trained, "pairs").unwrap();
            let int8 = model::Model::of_blob(&blob).unwrap();
            let int8 = int8.log_likelihood(&data, &[0.0; 2], how, 1).unwrap().unwrap().nats;
            assert!((int8 - found).abs() < 0.05, "{int8}, in floats {found}");
            let unknown = use_blob::fill_in(&blob, &data, &[1], 1, 50).unwrap();
            let same = unknown.rows().filter(|row| row[0] == row[1]).count();
            assert!((60..=98).contains(&same), "{same} of 100 alike");
            assert!(use_blob::fill_in(&blob, &data, &[2], 1, 1).is_err());
        }
    }

    /// A density whose integral is Z.
    #[test]
    fn the_partition_function_of_real_units_is_an_integral() {
        let mut rng = pool(3, 0, 0);
        let mut rbm = gaussian_rbm::GaussianRbm::new(1, 5, &mut rng);
        rbm.w.iter_mut().for_each(|w| *w *= 20.0);
        (rbm.a, rbm.log_sigma) = (vec![3.0], vec![-1.0]);
        let density = |k: i32| rbm.log_unnormalized(&[k as f32 / 100.0]).exp() / 100.0;
        let exact = (-2000..2000).map(density).sum::<f64>().ln();
        let found = enumeration::log_partition_of_gaussian(&rbm).unwrap();
        assert!((found - exact).abs() < 1e-4, "{found}, not {exact}");
        let (found, error) = ais::log_partition(&rbm, &[], 300, 500, 1);
        assert!((found - exact).abs() < 0.1 && error < 0.05, "{found} ± {error}, not {exact}");
    }

    /// Four clusters. Two hidden units could tell them apart; four find it, in pairs.
    #[test]
    fn a_machine_of_real_units_learns_its_kind_of_data() {
        let mut rng = pool(5, 0, 0);
        let mut normal = || tinyscore::normal::standard_normal(&mut rng);
        let sign = |on: bool| if on { 1.0 } else { -1.0 };
        let rows = (0..2000).flat_map(|k| {
            let (x, y) = (sign(k % 2 == 0), sign(k % 4 < 2));
            [10.0 + 3.0 * x + normal(), 0.02 * (2.0 * x + 2.0 * y + normal()), 3.0 * y + normal()]
        });
        let data = Points::new(3, rows.collect());
        let config = config::Config {
            hidden: vec![4],
            learning_rate: 0.02,
            ..config::Config::new(config::Family::GaussianRbm, "clusters")
        };
        let trained = model::Model::train(&config, &data).unwrap();
        let how = config::LikelihoodBy::Exact;
        let likelihood =
            |model: &model::Model| model.log_likelihood(&data, &[], how, 1).unwrap().unwrap().nats;
        // One of four, the normal of each, the scales.
        let entropy = 4.0_f64.ln() + 3.0 * (LOG_NORMAL + 0.5) + 0.02_f64.ln();
        let found = likelihood(&trained);
        // The normal of the same covariance has −2.94.
        assert!(found > -entropy - 0.25 && found < -entropy + 0.1, "{found}, at best {}", -entropy);
        let blob = export::export(&trained, "clusters").unwrap();
        let int8 = likelihood(&model::Model::of_blob(&blob).unwrap());
        assert!((int8 - found).abs() < 0.02, "{int8}, in floats {found}");
        let filled = use_blob::fill_in(&blob, &data.take(200), &[0], 1, 50).unwrap();
        let right = |(a, b): &(&[f32], &[f32])| a[1..] == b[1..] && (a[0] > 10.0) == (b[0] > 10.0);
        let same = filled.rows().zip(data.rows()).filter(right).count();
        assert!(same > 160, "{same} of 200 on the side of the truth");
    }

    #[test]
    fn what_a_machine_cannot_learn_is_named() {
        let train = |model, learning_rate, values: Vec<f32>| {
            let config = config::Config { learning_rate, ..config::Config::new(model, "") };
            let trained = model::Model::train(&config, &Points::new(2, values));
            trained.unwrap_err().to_string()
        };
        let rows = || (0..40).map(|k| ((k * k) % 7) as f32).collect();
        let error = train(config::Family::GaussianRbm, 1.0, rows());
        assert!(
            error.contains("diverged: after ") && error.contains("--learning-rate (it was 1)"),
            "{error}"
        );
        let error = train(config::Family::GaussianRbm, 0.01, vec![1.0, 2.0, 3.0, 2.0]);
        assert!(error.contains("column 1 of the data is constant"), "{error}");
    }

    #[test]
    fn values_that_are_not_binary_are_named_with_a_threshold() {
        let grey = Points::new(2, vec![0.0, 1.0, 0.0, 16.0]);
        let error = binarize("digits.csv", &grey, None).unwrap_err().to_string();
        assert!(error.starts_with("digits.csv: row 2, column 2 holds 16"), "{error}");
        assert!(error.contains("--binarize 8"), "{error}");
        assert_eq!(binarize("", &grey, Some(8.0)).unwrap().values(), [0.0, 0.0, 0.0, 1.0]);
        let black = binarize("", &grey, Some(99.0)).unwrap();
        assert_eq!(black.values(), [0.0; 4], "a row to be filled in may be so");
        assert!(refuse_equal("", &black).unwrap_err().to_string().contains("every value is 0"));
        assert_eq!(refuse_equal("", &Points::new(2, vec![0.0, 1.0])), Ok(()));
        assert!(binarize("", &grey, Some(f32::NAN)).is_err());
        let binary = Points::new(2, vec![0.0, 1.0]);
        assert_eq!(binarize("", &binary, None).unwrap(), binary);
    }

    /// On are the first eight of sixteen columns more than the last: 1, as many ½, less 0.
    fn side(v: &[f32]) -> f64 {
        let (first, last) = v.split_at(8);
        let more = first.iter().sum::<f32>() - last.iter().sum::<f32>();
        if more == 0.0 { 0.5 } else { f64::from(u8::from(more > 0.0)) }
    }

    /// The exact share of [`side`] in a machine of sixteen visible units.
    fn exact_share(rbm: &rbm::Rbm) -> f64 {
        let mut share = [0.0, 0.0];
        for s in 0..1_u32 << 16 {
            let v: Vec<f32> = (0..16).map(|i| (s >> i & 1) as f32).collect();
            let p = (-rbm.free_energy(&v)).exp();
            share[0] += side(&v) * p;
            share[1] += p;
        }
        share[0] / share[1]
    }

    /// Samples after so few sweeps that no chain leaves its mode.
    fn sampled(model: &model::Model, seed: u64) -> (model::Model, Points) {
        let blob = export::export(model, "modes").unwrap();
        let int8 = model::Model::of_blob(&blob).unwrap();
        let never = std::sync::atomic::AtomicBool::new(false);
        let starts = int8.starts(seed);
        assert!(starts.effective() > 200.0, "{}", starts.effective());
        let samples = use_blob::sample(&blob, Some(&starts), 2000, (seed, 20), &never, || ()).unwrap();
        let own = use_blob::sample(&blob, None, 200, (seed, 20), &never, || ()).unwrap().unwrap();
        assert!(
            mixing::difference(samples.as_ref().unwrap(), &own, 0.1).is_some(),
            "the device's start shows"
        );
        (int8, samples.unwrap())
    }

    /// Two modes of unequal mass that no chain of 20 sweeps crosses between; the core's own start is in one of them.
    fn two_modes() -> rbm::Rbm {
        let sign = |i: usize| if i < 8 { 1.0 } else { -1.0 };
        let a = (0..16).map(|i| -2.0 * sign(i)).collect();
        let w = (0..16 * 4).map(|k| 1.5 * sign(k / 4)).collect();
        rbm::Rbm { a, b: vec![-3.5; 4], w }
    }

    #[test]
    fn samples_have_the_shares_of_the_model() {
        for seed in 1..4 {
            let (model, samples) = sampled(&model::Model::Stack(vec![two_modes()]), seed);
            let model::Model::Stack(layers) = model else { panic!() };
            let (exact, found) = (exact_share(&layers[0]), samples.rows().map(side).sum::<f64>() / 2000.0);
            assert!((0.2..0.8).contains(&exact) && (found - exact).abs() < 0.05, "{found}, exactly {exact}");
            // Below the same machine a layer that hands its units down, but for one in fifty.
            let w = (0..16 * 16).map(|k| if k / 16 == k % 16 { 8.0 } else { 0.0 }).collect();
            let below = rbm::Rbm { a: vec![-4.0; 16], b: vec![0.0; 16], w };
            let (_, samples) = sampled(&model::Model::Stack(vec![below, two_modes()]), seed);
            let found = samples.rows().map(side).sum::<f64>() / 2000.0;
            assert!((found - exact).abs() < 0.05, "{found} in a network, exactly {exact}");
        }
    }

    /// Clusters 16 standard deviations apart.
    #[test]
    fn samples_of_real_units_have_the_shares_of_the_model() {
        let rbm =
            gaussian_rbm::GaussianRbm { a: vec![0.0], log_sigma: vec![0.0], b: vec![-128.8], w: vec![16.0] };
        for seed in 1..4 {
            let (model, samples) = sampled(&model::Model::Gaussian(rbm.clone()), seed);
            let model::Model::Gaussian(int8) = model else { panic!() };
            let exact = f64::from(sigmoid(int8.b[0] + 0.5 * int8.w[0] * int8.w[0]));
            let found = samples.rows().filter(|row| row[0] > 8.0).count() as f64 / 2000.0;
            assert!((0.2..0.8).contains(&exact) && (found - exact).abs() < 0.05, "{found}, exactly {exact}");
        }
    }

    /// 30 rows of a hundred in one of two modes, which few chains leave while the machine learns.
    #[test]
    fn a_machine_learns_the_shares_of_far_modes() {
        let mut rng = pool(1, 0, 0);
        let row = |k: usize| (0..16).map(move |i| if (i < 8) == (k % 10 < 3) { 0.9 } else { 0.1 });
        let values = (0..2000).flat_map(row).map(|p| draw(p, &mut rng)).collect();
        let data = Points::new(16, values);
        let config = config::Config {
            hidden: vec![8],
            updates: 1500,
            chains: 200,
            k: 1,
            batch: 100,
            ..config::Config::new(config::Family::Rbm, "modes")
        };
        let of_data = data.rows().map(side).sum::<f64>() / 2000.0;
        for seed in 1..4 {
            let config = config::Config { seed, ..config.clone() };
            let model::Model::Stack(layers) = model::Model::train(&config, &data).unwrap() else { panic!() };
            let exact = exact_share(&layers[0]);
            assert!((exact - of_data).abs() < 0.1, "{exact}, in the data {of_data}");
        }
    }

    /// Interrupted after any update, in any layer, a training goes on to the same machine.
    #[test]
    fn a_training_that_goes_on_from_a_checkpoint_ends_with_the_same_machine() {
        let values = (0..60 * 5).map(|k| f32::from((k * k + k / 7) % 3 == 0)).collect();
        let data = Points::new(5, values);
        let dir = tempfile::tempdir().unwrap();
        for (model, hidden, method) in [
            (config::Family::Rbm, vec![4], config::Method::Pcd),
            (config::Family::Rbm, vec![4], config::Method::Cd),
            (config::Family::Dbn, vec![3, 4, 3], config::Method::Pcd),
            (config::Family::Bm, vec![3], config::Method::Pcd),
            (config::Family::GaussianRbm, vec![3], config::Method::Pcd),
        ] {
            let config = config::Config {
                hidden,
                method,
                updates: 20,
                batch: 30,
                chains: 10,
                learning_rate: 0.05,
                ..config::Config::new(model, "")
            };
            let whole = model::Model::train(&config, &data).unwrap();
            for stop in [0, 1, 13, 19, 20, 21, 40, 59] {
                let what = format!("{model:?} {method:?} {stop}");
                let path = dir.path().join(&what);
                let mut learner = learner::Learner::new(&config, &data).unwrap();
                for _ in 0..stop {
                    learner.step().unwrap();
                }
                let (made, other) = (learner.updates(), [1.0, 2.0]);
                learner.save(&path, &[("other", &other)]).unwrap();
                let file = tensor_file::TensorFile::read(&path).unwrap();
                let mut learner = learner::Learner::load(&config, &data, &file).unwrap();
                assert_eq!(
                    (learner.updates(), file.vector("other").unwrap()),
                    (made, other.to_vec()),
                    "{what}"
                );
                while learner.step().unwrap() {}
                assert_eq!(learner.model(), whole, "{what}");
                let changed = config::Config { batch: 31, ..config.clone() };
                let error = learner::Learner::load(&changed, &data, &file).unwrap_err().to_string();
                assert!(error.contains("config.toml has changed"), "{error}");
                let error = learner::Learner::load(&config, &data.take(59), &file).unwrap_err().to_string();
                assert!(error.contains("the data file has changed"), "{error}");
            }
        }
    }
}
