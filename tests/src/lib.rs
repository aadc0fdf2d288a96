//! What must hold between the crates: see the `tests` folder beside this file.
//!
//! This library makes small models of any shape from a seed, and evaluates them by the written rules
//! in wide integers, independently of the core's kernels.

use half::f16;
use rand_core::Rng;
use tinyscore::blob::{CodecSource, EnergySource, LayerSource, Level, Source, Stage, TABLE};
use tinyscore::levels::Spacing;
use tinyscore::rng::stream;
use tinyscore::{Detector, Error, Plan};

/// A hidden or last layer of a [`Tiny`] model.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Of each weight: 8 or 4.
    pub bits: u8,
    /// outputs × inputs
    pub weights: Vec<i8>,
    /// One per output.
    pub biases: Vec<i32>,
    /// One per output, in hidden layers.
    pub multipliers: Vec<i32>,
    /// Activation knots, in hidden layers.
    pub table: Box<[i16; TABLE]>,
    /// Their distance is 2^shift.
    pub shift: u16,
    /// Beyond them, in units of 2⁻¹⁴.
    pub slopes: [i16; 2],
    /// One per output, in the last layer.
    pub scales: Vec<f16>,
}

/// A model with pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Tiny {
    /// dim, hidden widths, dim
    pub widths: Vec<usize>,
    /// Saturation of the first layer's integers.
    pub input_limit: i16,
    /// From the largest σ down.
    pub levels: Vec<Level>,
    /// levels × first width
    pub conditions: Vec<i32>,
    /// classes × first width
    pub classes: Vec<i32>,
    /// One per pair of widths.
    pub layers: Vec<Layer>,
    /// From latents to data: its bits, and data dimensions × latents.
    pub codec: Option<(u8, Vec<i8>)>,
    /// Of an energy network.
    pub way_back: Option<WayBack>,
    /// What is an anomaly.
    pub detector: Detector,
}

/// What leads back through the layers of an energy network.
#[derive(Clone, Debug)]
pub struct WayBack {
    /// What 1 of its number stands for.
    pub unit: f32,
    /// Derivatives by the last hidden units.
    pub top: Vec<i16>,
    /// Of each hidden layer but the last, one per unit.
    pub multipliers: Vec<Vec<i32>>,
}

/// Integers per unit of a latent, in a [`Tiny`] codec.
const GAIN: f32 = 1000.0;
/// Of all its data.
const STANDARD: (f32, f32) = (0.25, 2.0);

/// Classes of a [`Tiny`] model.
pub const CLASSES: usize = 3;

impl Tiny {
    /// A model of this shape with five noise levels.
    pub fn new(widths: &[usize], seed: u64) -> Self {
        Self::with_bits(widths, seed, |_| 8)
    }

    /// With so many bits in the weights of each layer.
    pub fn with_bits(widths: &[usize], seed: u64, bits: impl Fn(usize) -> u8) -> Self {
        let mut rng = stream(seed, 0);
        let mut sigmas = [0.0; 5];
        Spacing::Geometric.fill(4.0, 0.05, &mut sigmas).expect("a good range");
        let level = |sigma: f32| {
            let variance = sigma * sigma + 1.0;
            Level {
                sigma,
                input_gain: 5000.0 / variance.sqrt(),
                skip: sigma / variance,
                output_gain: -1.0 / 16.0,
                power: 0.5,
                bias: 1e-3,
                variance: 1e-4,
            }
        };
        let pairs = widths.windows(2).enumerate();
        let layers = pairs.map(|(i, pair)| Layer::new(bits(i), pair[0], pair[1], &mut rng));
        Self {
            widths: widths.to_vec(),
            input_limit: 20_000,
            levels: sigmas.map(level).to_vec(),
            layers: layers.collect(),
            conditions: (0..5 * widths[1]).map(|_| between(&mut rng, 1_000_000)).collect(),
            classes: (0..CLASSES * widths[1]).map(|_| between(&mut rng, 1_000_000)).collect(),
            codec: None,
            way_back: None,
            detector: Detector { first: 1, stride: 2, count: 2, threshold: 0.75 },
        }
    }

    /// An energy network; the last of its widths is 1.
    pub fn energy(widths: &[usize], seed: u64, bits: impl Fn(usize) -> u8) -> Self {
        let mut rng = stream(seed, 2);
        let hidden = &widths[1..widths.len() - 1];
        let (last, others) = hidden.split_last().expect("a hidden layer");
        let top = (0..*last).map(|_| between(&mut rng, 32_000) as i16).collect();
        let words = |&n: &usize| (0..n).map(|_| between(&mut rng, 20_000_000)).collect();
        let multipliers = others.iter().map(words).collect();
        let way_back = Some(WayBack { unit: 3e-4, top, multipliers });
        Self { way_back, ..Self::with_bits(widths, seed, bits) }
    }

    /// The same with a codec for data of so many dimensions.
    pub fn with_codec(mut self, bits: u8, data: usize, seed: u64) -> Self {
        let mut rng = stream(seed, 1);
        let largest = (1 << (bits - 1)) - 1;
        let weights = (0..data * self.widths[0]).map(|_| between(&mut rng, largest) as i8);
        self.codec = Some((bits, weights.collect()));
        self
    }

    /// The same with activations of 8 bits.
    pub fn narrowed(mut self) -> Self {
        self.input_limit = 127;
        self.levels.iter_mut().for_each(|level| level.input_gain *= 0.01);
        for layer in &mut self.layers {
            layer.table.iter_mut().for_each(|y| *y = (*y / 100).clamp(-127, 127));
            layer.slopes = [0; 2];
            layer.multipliers.iter_mut().for_each(|m| *m = m.saturating_mul(16));
        }
        self
    }

    /// The same with all pre-activations inside the table, as nearly all of a trained model are.
    pub fn inside_the_table(mut self) -> Self {
        for layer in &mut self.layers {
            layer.shift = 8;
            layer.multipliers.fill(1 << 20);
        }
        self
    }

    /// The blob, with `plan` stored in it.
    ///
    /// # Errors
    /// What the core finds wrong with it.
    pub fn encode(&self, plan: &impl Plan) -> Result<Vec<u8>, Error> {
        let last = self.layers.len() - 1;
        let layers: Vec<LayerSource<'_>> =
            self.layers.iter().enumerate().map(|(i, layer)| layer.source(i < last)).collect();
        let dim = self.codec.as_ref().map_or(self.widths[0], |(_, weights)| weights.len() / self.widths[0]);
        let (mean, scale) = (vec![STANDARD.0; dim], vec![STANDARD.1; dim]);
        let codec =
            self.codec.as_ref().map(|(bits, weights)| CodecSource { bits: *bits, gain: GAIN, weights });
        let source = Source {
            name: "tiny",
            widths: &self.widths,
            input_limit: self.input_limit,
            levels: &self.levels,
            conditions: &self.conditions,
            classes: &self.classes,
            detector: self.detector,
            layers: &layers,
            codec,
            mean: &mean,
            scale: &scale,
        };
        let mut blob = vec![0; 1 << 22];
        let length = match &self.way_back {
            None => source.encode(plan, &mut blob)?,
            Some(WayBack { unit, top, multipliers }) => {
                let multipliers: Vec<&[i32]> = multipliers.iter().map(Vec::as_slice).collect();
                let source = EnergySource { network: source, unit: *unit, top, multipliers: &multipliers };
                source.encode(plan, &mut blob)?
            }
        };
        blob.truncate(length);
        Ok(blob)
    }
}

impl Tiny {
    /// Data units by the rules of `core/FORMAT.md`, for a model with a codec.
    pub fn decoded(&self, x: &[f32]) -> Vec<f32> {
        let latents: Vec<i64> = x.iter().map(|x| quantize(GAIN * x, i16::MAX)).collect();
        let rows = self.codec.iter().flat_map(|(_, weights)| weights.chunks_exact(latents.len()));
        let sum = |row: &[i8]| row.iter().zip(&latents).map(|(&w, q)| i64::from(w) * q).sum::<i64>();
        rows.map(|row| STANDARD.0 + STANDARD.1 * sum(row) as f32).collect()
    }

    /// ε̂ by the rules of `core/FORMAT.md`, in 64-bit integers.
    pub fn noise(&self, x: &[f32], level: usize, class: Option<usize>) -> Vec<f32> {
        let Level { input_gain, skip, output_gain, .. } = self.levels[level];
        let mut values: Vec<i64> = x.iter().map(|x| quantize(input_gain * x, self.input_limit)).collect();
        let first = self.widths[1];
        let rows = class.map(|class| &self.classes[class * first..][..first]);
        let level = &self.conditions[level * first..][..first];
        let mut condition: Vec<i32> =
            level.iter().enumerate().map(|(j, level)| level + rows.map_or(0, |row| row[j])).collect();
        let (last, hidden) = self.layers.split_last().expect("a layer");
        for layer in hidden {
            let sums = layer.sums(&values, &condition);
            values = sums.iter().zip(&layer.multipliers).map(|(&s, &m)| layer.activate(s, m)).collect();
            condition.clear();
        }
        let sums = last.sums(&values, &condition);
        let outputs = sums.iter().zip(&last.scales).zip(x);
        outputs.map(|((&s, scale), x)| skip * x + output_gain * (s as f32 * scale.to_f32())).collect()
    }
}

impl Tiny {
    /// E and ε̂ by the rules of `core/FORMAT.md`, in 64-bit integers.
    ///
    /// # Panics
    /// Unless it is an energy network.
    pub fn energy_and_noise(&self, x: &[f32], level: usize) -> (f32, Vec<f32>) {
        let Level { sigma, input_gain, skip, output_gain, .. } = self.levels[level];
        let WayBack { unit, top, multipliers } = self.way_back.as_ref().expect("an energy network");
        let mut values: Vec<i64> = x.iter().map(|x| quantize(input_gain * x, self.input_limit)).collect();
        let first = self.widths[1];
        let mut condition = self.conditions[level * first..][..first].to_vec();
        let (last, hidden) = self.layers.split_last().expect("a layer");
        let mut slopes = Vec::new();
        for layer in hidden {
            let sums = layer.sums(&values, &condition);
            values = sums.iter().zip(&layer.multipliers).map(|(&s, &m)| layer.activate(s, m)).collect();
            let slope = |(&s, &m): (&i64, &i32)| layer.slope(rounded_high(s, m));
            slopes.push(sums.iter().zip(&layer.multipliers).map(slope).collect::<Vec<_>>());
            condition.clear();
        }
        let sum = last.sums(&values, &condition)[0];
        let gated = |t: i64, slope: i64| (t * slope + (1 << 13)).div_euclid(1 << 14).clamp(-32_768, 32_767);
        let tops = top.iter().map(|&t| i64::from(t));
        let mut deltas: Vec<i64> = tops.zip(&slopes[hidden.len() - 1]).map(|(t, &d)| gated(t, d)).collect();
        for (l, layer) in hidden.iter().enumerate().rev() {
            let inputs = self.widths[l];
            let column = |i: usize| layer.weights.iter().skip(i).step_by(inputs).map(|&w| i64::from(w));
            let sums = (0..inputs).map(|i| column(i).zip(&deltas).map(|(w, d)| w * d).sum::<i64>());
            deltas = match l.checked_sub(1) {
                None => sums.collect(),
                Some(below) => {
                    let scaled = sums.zip(&multipliers[below]).map(|(s, &m)| rounded_high(s, m));
                    scaled.zip(&slopes[below]).map(|(t, &d)| gated(t, d)).collect()
                }
            };
        }
        let noise = deltas.iter().zip(x).map(|(&d, x)| skip * x + output_gain * d as f32).collect();
        let square = x.iter().fold(0.0, |sum, x| sum + x * x);
        let f = sum as f32 * last.scales[0].to_f32();
        ((skip * (0.5 * square) + output_gain / input_gain * (unit * f)) / sigma, noise)
    }
}

/// The integer nearest to `v`, halves away from zero, within ±`limit`: in 64 bits, in which ½ can be added exactly.
fn quantize(v: f32, limit: i16) -> i64 {
    f64::from(v).round().clamp(f64::from(-limit), f64::from(limit)) as i64
}

/// round(sum·multiplier/2³²), ties upwards, in 16 bits.
fn rounded_high(sum: i64, multiplier: i32) -> i64 {
    (sum * i64::from(multiplier) + (1 << 31)).div_euclid(1 << 32).clamp(-32_768, 32_767)
}

impl Layer {
    fn new(bits: u8, inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        let slope = 1 + (rng.next_u32() % 100) as i16;
        let largest = (1 << (bits - 1)) - 1;
        Self {
            bits,
            weights: (0..inputs * outputs).map(|_| between(rng, largest) as i8).collect(),
            biases: (0..outputs).map(|_| between(rng, 100_000)).collect(),
            // Every other one a power of two, which makes exact ties of rounding.
            multipliers: (0..outputs)
                .map(|j| if j % 2 == 0 { 1 << 24 } else { between(rng, 50_000_000) })
                .collect(),
            table: Box::new(std::array::from_fn(|i| (i as i16 - 128) * slope + between(rng, 300) as i16)),
            shift: (rng.next_u32() % 9) as u16,
            slopes: [between(rng, 9000) as i16, between(rng, 9000) as i16],
            scales: (0..outputs).map(|_| f16::from_f32(between(rng, 1000) as f32 * 1e-5)).collect(),
        }
    }

    fn source(&self, hidden: bool) -> LayerSource<'_> {
        let Self { bits, weights, biases, multipliers, table, shift, slopes, scales } = self;
        let stage = if hidden {
            Stage::Hidden { multipliers, table, shift: *shift, slopes: *slopes }
        } else {
            Stage::Output { scales }
        };
        LayerSource { bits: *bits, weights, biases, stage }
    }

    fn sums(&self, x: &[i64], condition: &[i32]) -> Vec<i64> {
        let rows = self.weights.chunks_exact(x.len()).zip(&self.biases).enumerate();
        rows.map(|(j, (row, &bias))| {
            let products: i64 = row.iter().zip(x).map(|(&w, x)| i64::from(w) * x).sum();
            products + i64::from(bias) + i64::from(condition.get(j).copied().unwrap_or(0))
        })
        .collect()
    }

    /// Requantization, the interpolated table and the lines beyond it, with floor divisions instead of shifts.
    fn activate(&self, sum: i64, multiplier: i32) -> i64 {
        let z = rounded_high(sum, multiplier);
        let (width, reach) = (1 << self.shift, 128 << self.shift);
        let inside = z.clamp(-reach, reach - 1);
        let (segment, fraction) = (inside.div_euclid(width) + 128, inside.rem_euclid(width));
        let [left, right] = [segment, segment + 1].map(|i| i64::from(self.table[i as usize]));
        let y = left + ((right - left) * fraction + width / 2).div_euclid(width);
        let slope = i64::from(self.slopes[usize::from(z > 0)]);
        let line = ((z - inside) * slope + (1 << 13)).div_euclid(1 << 14);
        if z == inside { y } else { (y + line).clamp(-32_768, 32_767) }
    }
}

impl Layer {
    /// Slope of the activation at z, in units of 2⁻¹⁴: central differences of the knots, interpolated.
    fn slope(&self, z: i64) -> i64 {
        let (width, reach) = (1 << self.shift, 128 << self.shift);
        if z < -reach || z >= reach {
            return i64::from(self.slopes[usize::from(z > 0)]);
        }
        let (segment, fraction) = (z.div_euclid(width) + 128, z.rem_euclid(width));
        let knot = |i: i64| i64::from(self.table[i as usize]);
        let twice = |i: i64| match i {
            0 => 2 * (knot(1) - knot(0)),
            256 => 2 * (knot(256) - knot(255)),
            i => knot(i + 1) - knot(i - 1),
        };
        let rise = twice(segment) * (width - fraction) + twice(segment + 1) * fraction;
        let unit = 2 * width * width;
        (2 * rise * (1 << 14) + unit).div_euclid(2 * unit).clamp(-32_768, 32_767)
    }
}

/// Uniform in −bound…bound.
pub fn between(rng: &mut impl Rng, bound: u32) -> i32 {
    (rng.next_u32() % (2 * bound + 1)) as i32 - bound as i32
}

/// CRC-32 by its bitwise definition, over all but bytes 16 to 19.
pub fn with_checksum(mut blob: Vec<u8>) -> Vec<u8> {
    let covered = blob[..16].iter().chain(&blob[20..]);
    let crc = !covered.fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    });
    blob[16..20].copy_from_slice(&crc.to_le_bytes());
    blob
}
