//! From a float network to a blob: calibrate ranges over all noise levels, then round.
//!
//! Weights are int8 with one scale per output channel; activations are integers of a chosen width. The
//! trainer only decides the numbers: what they give is computed by the core alone.

mod measure;
mod rounding;

use crate::denoiser::{Coefficients, Denoiser};
use crate::fidelity::noisy;
use crate::mlp::Activation;
use crate::points::Points;
use half::f16;
use measure::{calibrate_detector, measure_levels};
use rand::Rng;
use rounding::{Evidence, Rounded, round_layer};
use tinyscore::blob::{CodecSource, LayerSource, Level, Source, Stage, TABLE};
use tinyscore::{Detector, Error, Plan, Score};

/// Room above the largest value seen in calibration.
const MARGIN: f32 = 1.1;
/// The first layer's input reaches at least this far: beyond it lie one in 10⁴ of normal numbers.
const INPUT_RANGE: f32 = 4.0;
/// Largest sum that weights may take, leaving the rest of 31 bits to the biases.
const SUM_BOUND: f32 = 1_500_000_000.0;
/// Largest weight.
const LARGEST_WEIGHT: i32 = 127;
/// Largest bias, in units of the sums.
const BIAS_BOUND: f32 = 500_000_000.0;

/// Inputs of the network over noisy data, from all levels alike: the evidence that ranges and rounding
/// rest on.
#[derive(Clone, Debug)]
pub struct Calibration {
    inputs: Vec<f32>,
    /// The noisy points themselves, model units.
    points: Vec<f32>,
    /// One per input: gain²/E[ε̂²] at its level, which makes an error of F relative to ε̂.
    weights: Vec<f32>,
}

impl Calibration {
    /// `points` noisy points of `data` (model units) at every level.
    pub fn new(
        denoiser: &Denoiser,
        data: &Points,
        sigmas: &[f32],
        points: usize,
        rng: &mut impl Rng,
    ) -> Self {
        let mut seen = Self { inputs: Vec::new(), points: Vec::new(), weights: Vec::new() };
        for &sigma in sigmas {
            let mut score = denoiser.at_levels(std::slice::from_ref(&sigma));
            let mut eps = vec![0.0; data.dim()];
            let mut square = 0.0;
            for _ in 0..points {
                let (x, label) = noisy(data, sigma, rng);
                score.noise(&x, 0, &mut eps);
                square += eps.iter().map(|e| e * e).sum::<f32>();
                denoiser.append_input(&x, sigma, denoiser.shown(label, rng), &mut seen.inputs);
                seen.points.extend(x);
            }
            let gain = denoiser.precondition.at(sigma).gain;
            let weight = gain * gain * points as f32 / square.max(f32::MIN_POSITIVE);
            seen.weights.extend(std::iter::repeat_n(weight, points));
        }
        seen
    }
}

/// The largest magnitude.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, v| v.abs().max(m))
}

/// What an export decides.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// Name stored in the blob.
    pub name: &'a str,
    /// Noise levels, from the largest down.
    pub sigmas: &'a [f32],
    /// Bits of the hidden activations, 8 or 16.
    pub activation_bits: u32,
    /// From latents to data, if the points are latents.
    pub codec: Option<CodecSource<'a>>,
    /// Per data dimension, data units.
    pub mean: &'a [f32],
    /// Per data dimension, data units.
    pub scale: &'a [f32],
    /// Training points, model units: what is no anomaly.
    pub data: &'a Points,
}

/// Quantizes `denoiser` on the evidence `seen` and writes the blob with `plan` stored in it.
///
/// # Errors
/// When the core refuses the result: too many layers, too wide, a name too long.
pub fn quantize(
    denoiser: &Denoiser,
    seen: &Calibration,
    export: &Export<'_>,
    plan: &(impl Plan + ?Sized),
) -> Result<Vec<u8>, Error> {
    let mut refitted = denoiser.clone();
    let dim = denoiser.dim();
    let wide = ((1_i32 << (export.activation_bits - 1)) - 1) as f32;
    let first_width = denoiser.net.inputs();
    let observed = seen.inputs.chunks_exact(first_width).map(|row| largest(&row[..dim])).fold(0.0, f32::max);
    let mut reach = (observed * MARGIN).max(INPUT_RANGE);
    let mut limit = 32_767.0;
    let mut columns = dim;
    let (mut float, mut integer) = (seen.inputs.clone(), seen.inputs.clone());
    let (mut dense, mut activations): (Vec<Integers>, Vec<Knots>) = (Vec::new(), Vec::new());
    for i in 0..denoiser.net.layers.len() {
        let layer = &refitted.net.layers[i];
        let targets = layer.pre_activations(&float);
        let most = if i == 0 { largest_rows(&refitted, export.sigmas) } else { Vec::new() };
        let bias_room = |j: usize, bias: f32| {
            let bias = most.get(j).copied().unwrap_or(bias.abs());
            1.5 * bias * limit / (BIAS_BOUND * reach)
        };
        let evidence = Evidence { inputs: &integer, targets: &targets, weights: &seen.weights };
        let rounded = round_layer(layer, columns, LARGEST_WEIGHT, &evidence, bias_room);
        let sums = rounded.layer.pre_activations(&integer);
        let ints = Integers::new(&rounded, columns, reach, limit);
        refitted.net.layers[i] = rounded.layer;
        let activation = denoiser.net.activation;
        float = targets.iter().map(|&z| activation.apply(z)).collect();
        let knots = Knots::new(activation, largest(&sums) * MARGIN, &ints.units);
        integer = sums.iter().map(|&z| knots.interpolate(z)).collect();
        (reach, limit, columns) = (knots.reach, wide, ints.units.len());
        dense.push(ints);
        activations.push(knots);
    }
    activations.pop();
    let integers = Quantized { denoiser: refitted, dense, activations };
    let mut levels = integers.levels(export.sigmas);
    let draft = integers.encode(export, &levels, Detector::default(), plan)?;
    measure_levels(&draft, denoiser, seen, &mut levels)?;
    let detector = calibrate_detector(&draft, export.data)?;
    integers.encode(export, &levels, detector, plan)
}

/// What the embedding of each level adds to the first layer, with its bias: levels × first width.
fn condition_rows(denoiser: &Denoiser, sigmas: &[f32]) -> Vec<Vec<f32>> {
    let (first, dim) = (&denoiser.net.layers[0], denoiser.dim());
    let row = |&sigma: &f32| {
        let mut features = Vec::new();
        denoiser.embedding.append(sigma, &mut features);
        let weights = first.weight.chunks_exact(first.inputs).zip(&first.bias);
        weights.map(|(w, b)| b + w[dim..].iter().zip(&features).map(|(w, f)| w * f).sum::<f32>()).collect()
    };
    sigmas.iter().map(row).collect()
}

/// What each class adds to the first layer: classes × first width.
fn class_rows(denoiser: &Denoiser) -> Vec<Vec<f32>> {
    let first = &denoiser.net.layers[0];
    let column = |i: usize| first.weight.chunks_exact(first.inputs).map(|w| w[i]).collect();
    (first.inputs - denoiser.classes..first.inputs).map(column).collect()
}

/// Most that a level and a class together add to each of the first layer's sums.
fn largest_rows(denoiser: &Denoiser, sigmas: &[f32]) -> Vec<f32> {
    let most = |rows: &[Vec<f32>], j: usize| rows.iter().fold(0.0_f32, |m, row| row[j].abs().max(m));
    let (levels, classes) = (condition_rows(denoiser, sigmas), class_rows(denoiser));
    (0..denoiser.net.layers[0].outputs).map(|j| most(&levels, j) + most(&classes, j)).collect()
}

/// A dense layer in integers: w ≈ weight·unit/step, x ≈ integer·step, sums in `units`.
struct Integers {
    weights: Vec<i8>,
    /// What one of a channel's sum stands for.
    units: Vec<f32>,
    /// What one of the input's integers stands for.
    step: f32,
    /// Largest integer of the input.
    limit: f32,
}

impl Integers {
    /// The input of `rounded` lies within ±`reach` and takes integers to ±`wide`, or fewer where a sum
    /// could overflow.
    fn new(rounded: &Rounded, columns: usize, reach: f32, wide: f32) -> Self {
        let weights: Vec<i8> = rounded.integers.iter().map(|&w| w as i8).collect();
        let sum = |row: &[i8]| row.iter().map(|w| f32::from(w.unsigned_abs())).sum::<f32>();
        let largest_sum = weights.chunks_exact(columns).map(sum).fold(1.0, f32::max);
        let limit = wide.min((SUM_BOUND / largest_sum).floor());
        let step = reach / limit;
        Self { weights, units: rounded.scales.iter().map(|s| s * step).collect(), step, limit }
    }

    /// Values in the units of the sums.
    fn sums(&self, values: &[f32]) -> Vec<i32> {
        values.iter().zip(&self.units).map(|(v, unit)| (v / unit).round() as i32).collect()
    }
}

/// The activation at the table's 257 pre-activations, and its straight continuation.
struct Knots {
    /// What one of the pre-activation's integers stands for.
    step: f32,
    /// Integers between two knots: 2^shift.
    shift: u16,
    values: [f32; TABLE],
    /// Below and above the table.
    slopes: [f32; 2],
    /// Largest magnitude of the activation.
    reach: f32,
}

impl Knots {
    /// Pre-activations over ±`range`, or more where a multiplier would not fit 31 bits; the table over the
    /// part where `activation` is curved.
    fn new(activation: Activation, range: f32, units: &[f32]) -> Self {
        let step = (range / 32_767.0).max(2.01 * largest(units));
        let (curved, slopes) = shape(activation);
        let shift = (curved / (128.0 * step)).log2().ceil().clamp(0.0, 8.0) as u16;
        let spacing = f32::from(1_u16 << shift) * step;
        let values = std::array::from_fn(|k| activation.apply((k as f32 - 128.0) * spacing));
        let ends = [-32_768.0, 32_767.0].map(|z| activation.apply(z * step));
        let reach = largest(&values).max(largest(&ends));
        Self { step, shift, values, slopes, reach }
    }

    /// What the core makes of the pre-activation `z`, but for rounding.
    fn interpolate(&self, z: f32) -> f32 {
        let z = (z / self.step).clamp(-32_768.0, 32_767.0);
        let at = z / f32::from(1_u16 << self.shift) + 128.0;
        let inside = at.clamp(0.0, 256.0);
        let left = (inside as usize).min(TABLE - 2);
        let [below, above] = [self.values[left], self.values[left + 1]];
        let slope = self.slopes[usize::from(z > 0.0)];
        let line = slope * (at - inside) * f32::from(1_u16 << self.shift) * self.step;
        below + (above - below) * (inside - left as f32) + line
    }

    fn multipliers(&self, units: &[f32]) -> Vec<i32> {
        units
            .iter()
            .map(|u| (f64::from(*u) / f64::from(self.step) * 4_294_967_296.0).round() as i32)
            .collect()
    }

    /// The knots and the slopes, for outputs in units of `step`.
    fn table(&self, step: f32) -> ([i16; TABLE], [i16; 2]) {
        let slope = |s: f32| (s * self.step / step * 16_384.0).round().clamp(-32_767.0, 32_767.0) as i16;
        (self.values.map(|y| (y / step).round() as i16), self.slopes.map(slope))
    }
}

/// Where the activation is curved, |z| up to this, and its slopes below and above, to a ten-thousandth.
fn shape(activation: Activation) -> (f32, [f32; 2]) {
    match activation {
        Activation::Silu => (12.0, [0.0, 1.0]),
        Activation::Elu => (9.0, [0.0, 1.0]),
        Activation::Relu => (1e-6, [0.0, 1.0]),
        Activation::Tanh => (6.0, [0.0, 0.0]),
    }
}

/// A network in integers.
struct Quantized {
    /// With the float parts that rounding refitted.
    denoiser: Denoiser,
    dense: Vec<Integers>,
    /// Between the layers.
    activations: Vec<Knots>,
}

impl Quantized {
    /// The output scales' power of two, which goes into the levels.
    fn power_of_two(&self) -> f32 {
        let output = &self.dense[self.dense.len() - 1];
        largest(&output.units).log2().ceil().exp2()
    }

    /// The noise levels, with nothing measured yet.
    fn levels(&self, sigmas: &[f32]) -> Vec<Level> {
        let level = |&sigma: &f32| {
            let Coefficients { input, skip, gain } = self.denoiser.precondition.at(sigma);
            let (input_gain, output_gain) = (input / self.dense[0].step, gain * self.power_of_two());
            Level { sigma, input_gain, skip, output_gain, power: 0.0, bias: 0.0, variance: 0.0 }
        };
        sigmas.iter().map(level).collect()
    }

    /// The blob.
    fn encode(
        &self,
        export: &Export<'_>,
        levels: &[Level],
        detector: Detector,
        plan: &(impl Plan + ?Sized),
    ) -> Result<Vec<u8>, Error> {
        let Self { denoiser, dense, activations } = self;
        let units = dense[dense.len() - 1].units.iter();
        let scales: Vec<f16> = units.map(|u| f16::from_f32(u / self.power_of_two())).collect();
        let biases: Vec<Vec<i32>> = dense
            .iter()
            .zip(&denoiser.net.layers)
            .enumerate()
            .map(|(i, (d, layer))| {
                // The first layer's bias is in the conditions.
                if i == 0 { vec![0; layer.outputs] } else { d.sums(&layer.bias) }
            })
            .collect();
        let hidden = activations.iter().zip(dense).zip(&dense[1..]);
        let hidden: Vec<_> = hidden
            .map(|((knots, d), next)| (knots.multipliers(&d.units), knots.table(next.step), knots.shift))
            .collect();
        let stages = hidden.iter().map(|(multipliers, (table, slopes), shift)| Stage::Hidden {
            multipliers,
            table,
            shift: *shift,
            slopes: *slopes,
        });
        let stages = stages.chain([Stage::Output { scales: &scales }]);
        let layers: Vec<LayerSource<'_>> = dense
            .iter()
            .zip(&biases)
            .zip(stages)
            .map(|((d, biases), stage)| LayerSource { bits: 8, weights: &d.weights, biases, stage })
            .collect();
        let sums =
            |rows: Vec<Vec<f32>>| -> Vec<i32> { rows.iter().flat_map(|row| dense[0].sums(row)).collect() };
        let hidden_widths = denoiser.net.layers.iter().map(|layer| layer.outputs);
        let widths: Vec<usize> = std::iter::once(denoiser.dim()).chain(hidden_widths).collect();
        let source = Source {
            name: export.name,
            widths: &widths,
            input_limit: dense[0].limit as i16,
            levels,
            conditions: &sums(condition_rows(denoiser, export.sigmas)),
            classes: &sums(class_rows(denoiser)),
            detector,
            layers: &layers,
            codec: export.codec,
            mean: export.mean,
            scale: export.scale,
        };
        let mut blob = Vec::new();
        let plan = &plan;
        let needed = match source.encode(plan, &mut blob) {
            Err(Error::Buffer { needed, .. }) => needed,
            other => other?,
        };
        blob.resize(needed, 0);
        source.encode(plan, &mut blob)?;
        Ok(blob)
    }
}
