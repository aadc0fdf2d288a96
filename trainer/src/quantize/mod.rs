//! From a float network to a blob: calibrate ranges over all noise levels, then round.
//!
//! Weights are integers of 8 or 4 bits with one scale per output channel; activations are integers of a chosen width.
//! The trainer only decides the numbers: what they give is computed by the core alone.

mod measure;
mod rounding;
mod way_back;

use crate::backend::{Grid, largest_weight};
use crate::denoiser::{Coefficients, Denoiser};
use crate::fidelity::noisy;
use crate::mlp::{Activation, Dense, Mlp};
use crate::points::Points;
use half::f16;
use measure::{calibrate_detector, measure_levels};
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use rounding::{Evidence, round_layer};
use tinyscore::blob::{CodecSource, EnergySource, LayerSource, Level, Source, Stage, TABLE};
use tinyscore::{Detector, Error, Plan, Score};
use way_back::WayBack;

/// Seed of the directions of derivatives.
const DIRECTIONS: u64 = 0xd1;
/// Room above the largest value seen in calibration.
const MARGIN: f32 = 1.1;
/// The first layer's input reaches at least this far: beyond it lie one in 10⁴ of normal numbers.
const INPUT_RANGE: f32 = 4.0;
/// Largest sum that weights may take, leaving the rest of 31 bits to the biases.
const SUM_BOUND: f32 = 1_500_000_000.0;
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

impl Calibration {
    /// A normal direction in the first `dim` of each input's `width` numbers.
    fn directions(&self, dim: usize, width: usize) -> Vec<f32> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(DIRECTIONS);
        let mut direction = |i: usize| if i % width < dim { rng.sample(StandardNormal) } else { 0.0 };
        (0..self.inputs.len()).map(&mut direction).collect()
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
    /// Bits of the weights between hidden layers, 8 or 4.
    pub weight_bits: u32,
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

/// Quantizes `denoiser` on the evidence `seen`.
pub fn quantize(denoiser: &Denoiser, seen: &Calibration, export: &Export<'_>) -> Quantized {
    let mut refitted = denoiser.clone();
    let dim = denoiser.dim();
    let wide = ((1_i32 << (export.activation_bits - 1)) - 1) as f32;
    let first_width = denoiser.net.inputs();
    let observed = seen.inputs.chunks_exact(first_width).map(|row| largest(&row[..dim])).fold(0.0, f32::max);
    let mut reach = (observed * MARGIN).max(INPUT_RANGE);
    let (mut zero, mut most, mut columns) = (0.0, 32_767.0, dim);
    let (mut float, mut integer) = (seen.inputs.clone(), seen.inputs.clone());
    let directions = if denoiser.is_energy { seen.directions(dim, first_width) } else { Vec::new() };
    let mut tangents = Tangents { float: directions.clone(), integer: directions };
    let (mut dense, mut activations): (Vec<Integers>, Vec<Knots>) = (Vec::new(), Vec::new());
    let last = denoiser.net.layers.len() - 1;
    for i in 0..=last {
        // Digits with 4 bits at the ends as well, 16 kB less of 128: Fréchet distance .818, trained for it .758; so, .730
        // and .728.
        let layer = &refitted.net.layers[i];
        let bits = if i == 0 || i == last { 8 } else { export.weight_bits as u8 };
        let targets = layer.pre_activations(&float);
        let slopes = linear(layer).pre_activations(&tangents.float);
        // No weights on the grid may overflow a sum.
        let limit = f32::min(most, (SUM_BOUND / (columns as f32 * largest_weight(bits))).floor());
        let rows = if i == 0 { largest_rows(&refitted, export.sigmas) } else { Vec::new() };
        let bias_room = |j: usize, bias: f32| {
            let bias = rows.get(j).copied().unwrap_or(bias.abs());
            1.5 * bias * limit / (BIAS_BOUND * reach)
        };
        let evidence = Evidence {
            inputs: [&integer, &tangents.integer],
            targets: [&targets, &slopes],
            weights: &seen.weights,
        };
        let rounded = round_layer(layer, columns, largest_weight(bits), &evidence, bias_room);
        let sums = rounded.layer.pre_activations(&integer);
        let grid = Grid { bits, scales: rounded.scales, columns, zero, step: reach / limit, limit };
        let weights = rounded.integers.iter().map(|&w| w as i8).collect();
        let ints = Integers { weights, grid };
        let activation = denoiser.net.activation;
        tangents = tangents.through([(layer, &targets), (&rounded.layer, &sums)], activation);
        refitted.net.layers[i] = rounded.layer;
        float = targets.iter().map(|&z| activation.apply(z)).collect();
        let mut knots = Knots::new(activation, &sums, &ints.units(), export.activation_bits);
        if denoiser.is_energy {
            knots.reach = knots.reach.max(knots.least_reach());
        }
        integer = sums.iter().map(|&z| knots.interpolate(z)).collect();
        (reach, zero, most, columns) = (knots.reach, knots.centre, wide, ints.grid.scales.len());
        dense.push(ints);
        activations.push(knots);
    }
    activations.pop();
    let way_back = denoiser.is_energy.then(|| WayBack::new(&refitted.net, &dense, &activations, seen));
    Quantized { denoiser: refitted, dense, activations, way_back }
}

/// Derivatives along a direction for each input, in the float network and in the integer one: n × width of a layer.
struct Tangents {
    float: Vec<f32>,
    integer: Vec<f32>,
}

impl Tangents {
    /// Behind a layer and its activation, by the layers and their pre-activations.
    fn through(self, [float, integer]: [(&Dense, &[f32]); 2], activation: Activation) -> Self {
        let next = |tangents: &[f32], (layer, z): (&Dense, &[f32])| {
            let moved = linear(layer).pre_activations(tangents);
            moved.iter().zip(z).map(|(t, &z)| t * activation.value_and_slope(z).1).collect()
        };
        Self { float: next(&self.float, float), integer: next(&self.integer, integer) }
    }
}

/// The layer without its biases.
fn linear(layer: &Dense) -> Dense {
    Dense { bias: vec![0.0; layer.outputs], ..layer.clone() }
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

/// A dense layer in integers: w ≈ weight·scale, x ≈ integer·step, sums in units of both.
#[derive(Clone, Debug)]
struct Integers {
    weights: Vec<i8>,
    grid: Grid,
}

impl Integers {
    /// What one of a channel's sum stands for.
    fn units(&self) -> Vec<f32> {
        self.grid.scales.iter().map(|s| s * self.grid.step).collect()
    }

    /// With what the zero of the input adds.
    fn biases(&self, layer: &Dense) -> Vec<f32> {
        let sum = |row: &[i8]| row.iter().map(|&w| f32::from(w)).sum::<f32>();
        let sums = self.weights.chunks_exact(self.grid.columns).map(sum).zip(&self.grid.scales);
        sums.zip(&layer.bias).map(|((sum, scale), bias)| bias + self.grid.zero * scale * sum).collect()
    }

    /// Values in the units of the sums.
    fn sums(&self, values: &[f32]) -> Vec<i32> {
        values.iter().zip(self.units()).map(|(v, unit)| (v / unit).round() as i32).collect()
    }
}

/// The activation at the table's 257 pre-activations, and its straight continuation.
#[derive(Clone, Debug)]
struct Knots {
    /// What one of the pre-activation's integers stands for.
    step: f32,
    /// Integers between two knots: 2^shift.
    shift: u16,
    values: [f32; TABLE],
    /// Below and above the table.
    slopes: [f32; 2],
    /// What the integer 0 stands for.
    centre: f32,
    /// Largest distance of the activation from it.
    reach: f32,
}

impl Knots {
    /// Of pre-activations like `sums`, or over more where a multiplier would not fit 31 bits; the table over the part
    /// where `activation` is curved. 8 `bits` are too few for what was not seen, and for values about zero alone.
    fn new(activation: Activation, sums: &[f32], units: &[f32], bits: u32) -> Self {
        let step = (largest(sums) * MARGIN / 32_767.0).max(2.01 * largest(units));
        let (curved, slopes) = shape(activation);
        let highest = sums.iter().copied().fold(0.0, f32::max);
        let (top, table, slopes) = match slopes {
            [_, 1.0] if bits == 8 => (highest, highest.max(curved), [0.0; 2]),
            slopes => (f32::INFINITY, curved, slopes),
        };
        let shift = libm::log2f(table / (128.0 * step)).ceil().clamp(0.0, 8.0) as u16;
        let spacing = f32::from(1_u16 << shift) * step;
        let value = |z: f32| activation.apply(z.min(top));
        let values: [f32; TABLE] = std::array::from_fn(|k| value((k as f32 - 128.0) * spacing));
        let ends = [-32_768.0, 32_767.0].map(|z| value(z * step));
        let all = || values.iter().chain(&ends).copied();
        let (low, high) = (all().fold(f32::INFINITY, f32::min), all().fold(f32::NEG_INFINITY, f32::max));
        let centre = if bits == 8 { 0.5 * (low + high) } else { 0.0 };
        Self { step, shift, values, slopes, centre, reach: (high - centre).max(centre - low) }
    }

    /// That with which no slope, of integers by integers, leaves the 16 bits that the way back has for it.
    fn least_reach(&self) -> f32 {
        const STEEPEST: f32 = 1.1;
        const LARGEST: f32 = 1.9;
        STEEPEST / LARGEST * self.step * 32_767.0
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
        (self.values.map(|y| ((y - self.centre) / step).round() as i16), self.slopes.map(slope))
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
#[derive(Clone, Debug)]
pub struct Quantized {
    /// With the float parts that rounding refitted.
    denoiser: Denoiser,
    dense: Vec<Integers>,
    /// Between the layers.
    activations: Vec<Knots>,
    /// Of an energy network.
    way_back: Option<WayBack>,
}

impl Quantized {
    /// What weights and activations are rounded to, layer by layer.
    pub fn grids(&self) -> Vec<Grid> {
        self.dense.iter().map(|d| d.grid.clone()).collect()
    }

    /// With its weights as floats.
    pub fn net(&self) -> &Mlp {
        &self.denoiser.net
    }

    /// The weights of `net` on this one's grid.
    pub fn with_weights(&self, net: &Mlp) -> Self {
        let mut rounded = self.clone();
        rounded.denoiser.net = net.clone();
        for (Integers { weights, grid }, layer) in rounded.dense.iter_mut().zip(&net.layers) {
            let largest = grid.largest();
            let rows = layer.weight.chunks_exact(layer.inputs).zip(&grid.scales);
            let integer = |w: &f32, scale: &f32| (w / scale).round().clamp(-largest, largest) as i8;
            *weights = rows
                .flat_map(|(row, scale)| row[..grid.columns].iter().map(move |w| integer(w, scale)))
                .collect();
        }
        rounded
    }

    /// The blob, with `plan` stored in it; its errors are measured against `denoiser` on the evidence `seen`.
    ///
    /// # Errors
    /// When the core refuses the result: too many layers, too wide, a name too long.
    pub fn blob(
        &self,
        denoiser: &Denoiser,
        seen: &Calibration,
        export: &Export<'_>,
        plan: &(impl Plan + ?Sized),
    ) -> Result<Vec<u8>, Error> {
        let mut levels = self.levels(export.sigmas);
        let draft = self.encode(export, &levels, Detector::default(), plan)?;
        measure_levels(&draft, denoiser, seen, &mut levels)?;
        let detector = calibrate_detector(&draft, export.data)?;
        self.encode(export, &levels, detector, plan)
    }

    /// The output scales' power of two, which goes into the levels; of an energy network the derivatives' unit.
    fn output_unit(&self) -> f32 {
        if let Some(way_back) = &self.way_back {
            return way_back.unit;
        }
        let output = &self.dense[self.dense.len() - 1];
        libm::exp2f(libm::log2f(largest(&output.units())).ceil())
    }

    /// The noise levels, with nothing measured yet.
    fn levels(&self, sigmas: &[f32]) -> Vec<Level> {
        let level = |&sigma: &f32| {
            let Coefficients { input, skip, gain } = self.denoiser.precondition.at(sigma);
            let (input_gain, output_gain) = (input / self.dense[0].grid.step, gain * self.output_unit());
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
        let Self { denoiser, dense, activations, way_back } = self;
        let units = dense[dense.len() - 1].units();
        let scales: Vec<f16> = match way_back {
            Some(_) => vec![f16::ONE],
            None => units.iter().map(|u| f16::from_f32(u / self.output_unit())).collect(),
        };
        let biases: Vec<Vec<i32>> = dense
            .iter()
            .zip(&denoiser.net.layers)
            .enumerate()
            .map(|(i, (d, layer))| {
                // The first layer's bias is in the conditions.
                if i == 0 { vec![0; layer.outputs] } else { d.sums(&d.biases(layer)) }
            })
            .collect();
        let hidden = activations.iter().zip(dense).zip(&dense[1..]);
        let hidden: Vec<_> = hidden
            .map(|((knots, d), next)| {
                (knots.multipliers(&d.units()), knots.table(next.grid.step), knots.shift)
            })
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
            .map(|((d, biases), stage)| LayerSource { bits: d.grid.bits, weights: &d.weights, biases, stage })
            .collect();
        let sums =
            |rows: Vec<Vec<f32>>| -> Vec<i32> { rows.iter().flat_map(|row| dense[0].sums(row)).collect() };
        let hidden_widths = denoiser.net.layers.iter().map(|layer| layer.outputs);
        let widths: Vec<usize> = std::iter::once(denoiser.dim()).chain(hidden_widths).collect();
        let source = Source {
            name: export.name,
            widths: &widths,
            input_limit: dense[0].grid.limit as i16,
            levels,
            conditions: &sums(condition_rows(denoiser, export.sigmas)),
            classes: &sums(class_rows(denoiser)),
            detector,
            layers: &layers,
            codec: export.codec,
            mean: export.mean,
            scale: export.scale,
        };
        let Some(WayBack { top, multipliers, unit }) = way_back else {
            return grown(|blob| source.encode(&plan, blob));
        };
        let multipliers: Vec<&[i32]> = multipliers.iter().map(Vec::as_slice).collect();
        let unit = units[0] / (unit * dense[0].grid.step);
        let source = EnergySource { network: source, unit, top, multipliers: &multipliers };
        grown(|blob| source.encode(&plan, blob))
    }
}

/// What `encode` writes, in a buffer of the size that it asks for.
fn grown(encode: impl Fn(&mut [u8]) -> Result<usize, Error>) -> Result<Vec<u8>, Error> {
    let needed = match encode(&mut []) {
        Err(Error::Buffer { needed, .. }) => needed,
        other => other?,
    };
    let mut blob = vec![0; needed];
    encode(&mut blob)?;
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Parameters};
    use crate::data::Toy;
    use crate::denoiser::{Embedding, Precondition};
    use crate::sample::network;
    use dfdx::tensor::Trace;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use tinyscore::sampler::{Ddim, Sampler};

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    /// Weights that left their grid, as in training, are seen by the fake quantizer as the core has them in its blob.
    #[test]
    fn the_rounded_forward_pass_is_the_cores() {
        for (weight_bits, activation_bits, activation) in [
            (8, 8, Activation::Silu),
            (4, 8, Activation::Silu),
            (4, 8, Activation::Tanh),
            (4, 16, Activation::Elu),
        ] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
            let sigmas = [4.0, 1.0, 0.25];
            let embedding = Embedding { features: 4, sigma_min: 0.25, sigma_max: 4.0 };
            let denoiser = Denoiser::new(2, &[40, 30], activation, Precondition::Edm, embedding, 0, &mut rng);
            let data = Toy::Moons.draw(500, &mut rng);
            let seen = Calibration::new(&denoiser, &data, &sigmas, 400, &mut rng);
            let (mean, scale) = (&[0.0; 2], &[1.0; 2]);
            let name = "test";
            let export = Export {
                name,
                sigmas: &sigmas,
                weight_bits,
                activation_bits,
                codec: None,
                mean,
                scale,
                data: &data,
            };
            let rounded = quantize(&denoiser, &seen, &export);
            let moved: Vec<f32> =
                denoiser.net.flatten().iter().map(|w| w * (1.0 + 0.1 * rng.random::<f32>())).collect();
            let moved = denoiser.net.unflatten(&moved);
            let plan = Ddim.plan(&sigmas[..]).unwrap();
            let blob = rounded.with_weights(&moved).blob(&denoiser, &seen, &export, &plan).unwrap();
            let mut core = network(&blob).unwrap();
            let parameters = Parameters::new(Cpu::default(), &moved);
            let x = parameters.matrix(&seen.inputs, denoiser.net.inputs()).leaky_traced();
            let fake = parameters.traced().forward_rounded(x, &rounded.grids()).as_vec();
            let mut found = Vec::new();
            for (i, x) in seen.points.chunks(2).enumerate() {
                let (level, mut eps) = (i / 400, [0.0; 2]);
                core.noise(x, level, &mut eps);
                let Coefficients { skip, gain, .. } = denoiser.precondition.at(sigmas[level]);
                found.extend(eps.iter().zip(x).map(|(eps, x)| (eps - skip * x) / gain));
            }
            let what = format!("W{weight_bits}A{activation_bits} {activation:?}");
            let (same, float) = (cosine(&found, &fake), cosine(&found, &moved.forward_batch(&seen.inputs)));
            assert!(same > 0.9999, "{what}: {same}");
            // With weights of 8 bits most of the difference is the table's.
            let closer = if weight_bits == 4 { 5.0 } else { 1.0 };
            assert!(1.0 - float > closer * (1.0 - same), "{what}: {same}, without rounding {float}");
        }
    }
}
