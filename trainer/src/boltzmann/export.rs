//! From floats to the integers of a blob.
//!
//! All weights and biases are in units of 2⁻ˢ, 0 ≤ s ≤ 6, so that a unit's input is a sum of integers in the units of the
//! core's table. The s with the least squared error of the weights is taken: the finest whose bytes reach far enough, or,
//! if a few weights lie far out, one that saturates them. Where a unit's sum could then pass its bits, a coarser one.
//! Machines of real visible units have a finer table to reach: s ≤ 8, and biases in units of 2⁻ˢ⁻⁸.

use super::model::Model;
use tinyscore::Error;
use tinyscore::blob::{BoltzmannSource, GaussianSource, RbmSource, StackSource};

/// The blob of a machine.
///
/// # Errors
/// What the core finds wrong with it.
pub fn export(model: &Model, name: &str) -> Result<Vec<u8>, Error> {
    let weights: Vec<f32> = match model {
        Model::Stack(layers) => layers.iter().flat_map(|rbm| &rbm.w).copied().collect(),
        Model::Machine(machine) => machine.w.clone(),
        Model::Gaussian(rbm) => rbm.w.clone(),
    };
    let mut out = vec![0; 4096 + 64 * model.parameters()];
    let most = if matches!(model, Model::Gaussian(_)) { 8 } else { 6 };
    let mut shift = best_shift(&weights, most);
    let length = loop {
        match encode(model, name, shift, &mut out) {
            Err(Error::Malformed(_)) if shift > 0 => shift -= 1,
            done => break done?,
        }
    };
    out.truncate(length);
    Ok(out)
}

fn encode(model: &Model, name: &str, shift: u8, out: &mut [u8]) -> Result<usize, Error> {
    match model {
        Model::Stack(layers) => {
            let layers: Vec<_> = layers
                .iter()
                .map(|rbm| {
                    (biases(&rbm.a, shift, 16_000), biases(&rbm.b, shift, 16_000), bytes(&rbm.w, shift))
                })
                .collect();
            let sources: Vec<_> = layers
                .iter()
                .map(|(a, b, w)| RbmSource { visible_biases: a, hidden_biases: b, weights: w })
                .collect();
            StackSource { name, shift, layers: &sources }.encode(out)
        }
        Model::Machine(machine) => {
            let (biases, weights) = (biases(&machine.b, shift, 16_000), bytes(&machine.w, shift));
            let visible = machine.visible;
            BoltzmannSource { name, shift, visible, biases: &biases, weights: &weights }.encode(out)
        }
        Model::Gaussian(rbm) => {
            let (visible, hidden) = (rbm.a.len(), rbm.b.len());
            let turned: Vec<f32> =
                (0..hidden * visible).map(|k| rbm.w[k % visible * hidden + k / visible]).collect();
            let sigma = rbm.log_sigma.iter().map(|l| l.exp());
            let standard: Vec<(f32, f32)> = rbm.a.iter().copied().zip(sigma).collect();
            GaussianSource {
                name,
                shift,
                standard: &standard,
                hidden_biases: &biases(&rbm.b, shift + 8, 1 << 28),
                weights: &bytes(&turned, shift),
            }
            .encode(out)
        }
    }
}

fn best_shift(weights: &[f32], most: u8) -> u8 {
    let error = |shift: u8| {
        let unit = 0.5_f64.powi(shift.into());
        let off = |(w, q): (&f32, i8)| (f64::from(*w) - unit * f64::from(q)).powi(2);
        weights.iter().zip(bytes(weights, shift)).map(off).sum::<f64>()
    };
    (0..=most).min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(most)
}

fn bytes(weights: &[f32], shift: u8) -> Vec<i8> {
    let scale = 2.0_f32.powi(shift.into());
    weights.iter().map(|w| (scale * w).round().clamp(-127.0, 127.0) as i8).collect()
}

fn biases(biases: &[f32], shift: u8, most: i32) -> Vec<i32> {
    let scale = 2.0_f32.powi(shift.into());
    biases.iter().map(|b| ((scale * b).round() as i32).clamp(-most, most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_unit_that_reaches_is_taken() {
        for (largest, shift) in [(1.9, 6), (2.1, 5), (3.9, 5), (7.9, 4), (120.0, 0)] {
            let weights: Vec<f32> = (0..100).map(|i| largest * (i as f32 / 49.5 - 1.0)).collect();
            assert_eq!(best_shift(&weights, 6), shift, "{largest}");
        }
    }
}
