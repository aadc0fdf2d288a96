//! The way back through an energy network, in integers: which scales its derivatives have.
//!
//! With s_j the scale of row j of a layer's weights, a hidden unit's derivative by its pre-activation is δ_j = γ·integer/s_j:
//! then the integers of the weights turned round give Σ_j w_ji·δ_j = γ·Σ_j integer weight·integer.

use super::{Calibration, Integers, Knots, largest};
use crate::input_gradient::InputGradient;
use crate::mlp::Mlp;

/// Largest derivative in calibration, which a slope of 2 leaves in 16 bits.
const REACH: f32 = 14_000.0;
/// Inputs of the calibration that are looked at.
const LOOKED_AT: usize = 20_000;

/// The numbers of [`tinyscore::blob::EnergySource`].
#[derive(Clone, Debug)]
pub struct WayBack {
    /// Derivatives by the last hidden layer's outputs.
    pub top: Vec<i16>,
    /// Of each hidden layer but the last, from below.
    pub multipliers: Vec<Vec<i32>>,
    /// γ of the first layer: what 1 of the result stands for.
    pub unit: f32,
}

impl WayBack {
    /// Of the network `net`, whose layers are `dense`, on the evidence `seen`.
    pub fn new(net: &Mlp, dense: &[Integers], activations: &[Knots], seen: &Calibration) -> Self {
        let hidden = activations.len();
        // Of a unit's derivative by its output, the part that is not in δ's slope: output step over step, times scale.
        let factors = |l: usize| -> Vec<f32> {
            let ratio = dense[l + 1].grid.step / activations[l].step;
            dense[l].grid.scales.iter().map(|scale| scale * ratio).collect()
        };
        let mut gammas = vec![f32::MIN_POSITIVE; hidden];
        let inputs = net.inputs() * (seen.inputs.len() / net.inputs()).div_ceil(LOOKED_AT);
        let few: Vec<f32> =
            seen.inputs.chunks(inputs).flat_map(|rows| &rows[..net.inputs()]).copied().collect();
        InputGradient::new(net).with_derivatives(&few, |l, derivatives| {
            let factors = factors(l);
            let scaled: Vec<f32> = derivatives
                .chunks_exact(factors.len())
                .flat_map(|row| row.iter().zip(&factors).map(|(d, factor)| d * factor))
                .collect();
            gammas[l] = largest(&scaled).max(f32::MIN_POSITIVE) / REACH;
        });
        let output = &dense[hidden];
        let top = output.weights.iter().zip(factors(hidden - 1));
        let top = top.map(|(&w, factor)| f32::from(w) * output.grid.scales[0] * factor / gammas[hidden - 1]);
        let multipliers = (0..hidden - 1).map(|l| {
            let ratios = factors(l).into_iter().map(|factor| gammas[l + 1] * factor / gammas[l]);
            ratios.map(|ratio| (f64::from(ratio) * 4_294_967_296.0).round() as i32).collect()
        });
        Self {
            top: top.map(|t| t.round() as i16).collect(),
            multipliers: multipliers.collect(),
            unit: gammas[0],
        }
    }
}
