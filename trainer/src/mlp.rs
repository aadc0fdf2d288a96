//! The host float network: plain vectors, the same bits on every machine and for every batch size.

use std::ops::Range;

use clap::ValueEnum;
use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::simd::dispatch;

/// Partial sums of a dot product; part of the result's definition, as the order of additions is.
const LANES: usize = 8;
/// Outputs computed together, so that each input is loaded once for all of them.
const TILE: usize = 4;
/// Examples that share one pass over the weights in a batch.
const BLOCK: usize = 32;

/// Hidden activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// z / (1 + e^-z)
    Silu,
    /// z for z >= 0, else e^z - 1
    Elu,
    /// max(z, 0)
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// Value at the pre-activation `z`.
    pub fn apply(self, z: f32) -> f32 {
        self.value_and_slope(z).0
    }

    /// 1/sqrt(E f(z)²) for z ~ N(0, 1), to two digits.
    fn gain(self) -> f32 {
        match self {
            Self::Silu => 1.68,
            Self::Elu => 1.25,
            Self::Relu => 1.41,
            Self::Tanh => 1.59,
        }
    }

    /// Value and derivative at the pre-activation `z`.
    #[inline(always)]
    pub fn value_and_slope(self, z: f32) -> (f32, f32) {
        match self {
            Self::Silu => silu(z),
            Self::Elu => elu(z),
            Self::Relu => relu(z),
            Self::Tanh => tanh(z),
        }
    }

    /// Replaces every pre-activation by its value.
    #[inline(always)]
    fn apply_all(self, z: &mut [f32]) {
        match self {
            Self::Silu => z.iter_mut().for_each(|z| *z = silu(*z).0),
            Self::Elu => z.iter_mut().for_each(|z| *z = elu(*z).0),
            Self::Relu => z.iter_mut().for_each(|z| *z = relu(*z).0),
            Self::Tanh => z.iter_mut().for_each(|z| *z = tanh(*z).0),
        }
    }

    /// Replaces every pre-activation by its value and stores the derivative in `slopes`.
    pub(crate) fn apply_with_slopes(self, z: &mut [f32], slopes: &mut [f32]) {
        dispatch(
            #[inline(always)]
            || match self {
                Self::Silu => map_both(z, slopes, silu),
                Self::Elu => map_both(z, slopes, elu),
                Self::Relu => map_both(z, slopes, relu),
                Self::Tanh => map_both(z, slopes, tanh),
            },
        )
    }
}

#[inline(always)]
fn map_both(values: &mut [f32], slopes: &mut [f32], f: impl Fn(f32) -> (f32, f32)) {
    for (value, slope) in values.iter_mut().zip(slopes) {
        (*value, *slope) = f(*value);
    }
}

#[inline(always)]
fn silu(z: f32) -> (f32, f32) {
    let s = sigmoid(z);
    (z * s, s * (1.0 + z * (1.0 - s)))
}

#[inline(always)]
fn elu(z: f32) -> (f32, f32) {
    let e = exp(z.min(0.0));
    if z < 0.0 { (e - 1.0, e) } else { (z, 1.0) }
}

#[inline(always)]
fn relu(z: f32) -> (f32, f32) {
    if z < 0.0 { (0.0, 0.0) } else { (z, f32::from(z > 0.0)) }
}

#[inline(always)]
fn tanh(z: f32) -> (f32, f32) {
    let t = 2.0 * sigmoid(2.0 * z) - 1.0;
    (t, 1.0 - t * t)
}

#[inline(always)]
fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + exp(-z))
}

/// e^x to about two units in the last place, branch-free so that loops over it vectorise, and free
/// of the platform's math library so that all machines agree. Saturates outside +-87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 with the low 12 mantissa bits cleared: exact when multiplied by small integers.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    f32::from_bits(exp_series(r).to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Taylor series of e^r for |r| <= ln 2 / 2.
#[inline(always)]
fn exp_series(r: f32) -> f32 {
    let high = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
    1.0 + (r + r * r * (0.5 + r * (1.0 / 6.0 + r * high)))
}

/// One dense layer y = W x + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Length of x.
    pub inputs: usize,
    /// Length of y.
    pub outputs: usize,
    /// W, outputs x inputs, row-major.
    pub weight: Vec<f32>,
    /// b, one per output.
    pub bias: Vec<f32>,
}

impl Dense {
    /// Weights uniform with standard deviation gain/sqrt(inputs), biases in +-1/sqrt(inputs).
    pub fn new(inputs: usize, outputs: usize, gain: f32, rng: &mut impl Rng) -> Self {
        let unit = 1.0 / (inputs as f32).sqrt();
        let mut draw = |n, bound: f32| (0..n).map(|_| bound * symmetric(rng)).collect();
        let weight = draw(inputs * outputs, 3.0_f32.sqrt() * gain * unit);
        Self { inputs, outputs, weight, bias: draw(outputs, unit) }
    }

    /// W x + b for every row: `x` is n x inputs, the result n x outputs.
    pub fn pre_activations(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        dispatch(|| self.apply(x, &mut y));
        y
    }

    /// `x`: n x inputs, `y`: n x outputs, both row-major.
    #[inline(always)]
    fn apply(&self, x: &[f32], y: &mut [f32]) {
        self.apply_with(&self.bias, x, y);
    }

    /// W x + `bias`.
    #[inline(always)]
    fn apply_with(&self, bias: &[f32], x: &[f32], y: &mut [f32]) {
        for first in (0..self.outputs).step_by(TILE) {
            self.apply_tile(first..self.outputs.min(first + TILE), bias, x, y);
        }
    }

    /// Computes the outputs `tile` of every example.
    #[inline(always)]
    fn apply_tile(&self, tile: Range<usize>, bias: &[f32], x: &[f32], y: &mut [f32]) {
        // A short last tile repeats its last row rather than taking another path.
        let index = |i: usize| (tile.start + i).min(tile.end - 1);
        let rows = std::array::from_fn(|i| &self.weight[index(i) * self.inputs..][..self.inputs]);
        let bias = &bias[tile.clone()];
        let y = y.chunks_exact_mut(self.outputs);
        for (x, y) in x.chunks_exact(self.inputs).zip(y) {
            let sums = dot_products(&rows, x);
            let y = y[tile.clone()].iter_mut();
            y.zip(bias).zip(sums).for_each(|((y, b), s)| *y = s + b);
        }
    }
}

/// Uniform in [-1, 1).
fn symmetric(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
}

#[inline(always)]
fn dot_products(rows: &[&[f32]; TILE], x: &[f32]) -> [f32; TILE] {
    let (x, x_tail) = x.as_chunks::<LANES>();
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let [a, b, c, d] = rows.map(|(row, _)| &row[..x.len()]);
    let mut sums = [[0.0; LANES]; TILE];
    for (k, x) in x.iter().enumerate() {
        sums[0] = add_products(sums[0], &a[k], x);
        sums[1] = add_products(sums[1], &b[k], x);
        sums[2] = add_products(sums[2], &c[k], x);
        sums[3] = add_products(sums[3], &d[k], x);
    }
    // Else the compiler transposes the sums, in the loop, for the sake of the additions below.
    let sums = std::hint::black_box(sums);
    std::array::from_fn(|i| {
        let tail = rows[i].1.iter().zip(x_tail);
        tail.fold(add_lanes(&sums[i]), |sum, (w, x)| sum + w * x)
    })
}

#[inline(always)]
fn add_products(sum: [f32; LANES], w: &[f32; LANES], x: &[f32; LANES]) -> [f32; LANES] {
    std::array::from_fn(|lane| sum[lane] + w[lane] * x[lane])
}

#[inline(always)]
fn add_lanes(sum: &[f32; LANES]) -> f32 {
    let half: [f32; 4] = std::array::from_fn(|i| sum[i] + sum[i + 4]);
    (half[0] + half[2]) + (half[1] + half[3])
}

/// Buffers that [`Mlp::forward`] reuses from call to call.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    current: Vec<f32>,
    next: Vec<f32>,
}

/// Multi-layer perceptron: activation after every layer but the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// From the input to the output.
    pub layers: Vec<Dense>,
    /// After every layer but the last.
    pub activation: Activation,
}

impl Mlp {
    /// `widths` = input, hidden.., output. Hidden layers start with the gain that keeps their signal at
    /// unit scale (He et al. 2015), or a deep net begins where every gradient vanishes; the last layer
    /// with a third of unit variance.
    ///
    /// # Panics
    /// With fewer than two widths, or a width of zero.
    pub fn new(widths: &[usize], activation: Activation, rng: &mut impl Rng) -> Self {
        assert!(widths.len() >= 2 && !widths.contains(&0));
        let hidden = widths.len() - 2;
        let gain = |i| if i < hidden { activation.gain() } else { 1.0 / 3.0_f32.sqrt() };
        let layers =
            widths.windows(2).enumerate().map(|(i, pair)| Dense::new(pair[0], pair[1], gain(i), rng));
        Self { layers: layers.collect(), activation }
    }

    /// The same network with its output multiplied by `factor`; towards zero for a start near the
    /// constant zero function.
    pub fn with_output_scaled(mut self, factor: f32) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.weight.iter_mut().for_each(|w| *w *= factor);
            last.bias.iter_mut().for_each(|b| *b *= factor);
        }
        self
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        let each = |layer: &Dense| layer.weight.len() + layer.bias.len();
        self.layers.iter().map(each).sum()
    }

    /// Whether every weight and bias is finite.
    pub fn is_finite(&self) -> bool {
        self.layers.iter().all(|layer| layer.weight.iter().chain(&layer.bias).all(|w| w.is_finite()))
    }

    /// Every parameter: for each layer its weight (row-major), then its bias.
    pub fn flatten(&self) -> Vec<f32> {
        let each = |layer: &Dense| [layer.weight.clone(), layer.bias.clone()];
        self.layers.iter().flat_map(each).flatten().collect()
    }

    /// A network of this shape and activation with the parameters `flat`, in the order of
    /// [`Mlp::flatten`].
    ///
    /// # Panics
    /// Unless `flat` has [`Mlp::parameters`] elements.
    pub fn unflatten(&self, flat: &[f32]) -> Self {
        assert_eq!(flat.len(), self.parameters());
        let mut net = self.clone();
        let mut rest = flat;
        for layer in &mut net.layers {
            for part in [&mut layer.weight, &mut layer.bias] {
                let (head, tail) = rest.split_at(part.len());
                part.copy_from_slice(head);
                rest = tail;
            }
        }
        net
    }

    /// Output for one input `x`; the result lies in `scratch`.
    pub fn forward<'a>(&self, x: &[f32], scratch: &'a mut Scratch) -> &'a [f32] {
        self.forward_with(x, scratch, |_, _| ())
    }

    /// [`Mlp::forward`] that shows every layer's pre-activations as `inspect(layer, values)`; the
    /// last layer's are the output.
    pub fn forward_with<'a>(
        &self,
        x: &[f32],
        scratch: &'a mut Scratch,
        inspect: impl FnMut(usize, &[f32]),
    ) -> &'a [f32] {
        assert_eq!(x.len(), self.inputs());
        self.forward_rows(x, scratch, inspect)
    }

    /// Outputs (n x outputs) for n inputs (n x inputs), both row-major; equal to [`Mlp::forward`]
    /// bit for bit, whatever the number of threads.
    pub fn forward_batch(&self, inputs: &[f32]) -> Vec<f32> {
        assert!(inputs.len().is_multiple_of(self.inputs()));
        let mut outputs = vec![0.0; inputs.len() / self.inputs() * self.outputs()];
        outputs
            .par_chunks_mut(BLOCK * self.outputs())
            .zip(inputs.par_chunks(BLOCK * self.inputs()))
            .for_each_init(Scratch::default, |scratch, (y, x)| {
                y.copy_from_slice(self.forward_rows(x, scratch, |_, _| ()));
            });
        outputs
    }

    /// The output at `x`, and its derivatives along the rows of `tangents` (n x inputs): n x outputs. Both lie
    /// in `scratch`; the output is that of [`Mlp::forward`] bit for bit.
    ///
    /// # Panics
    /// Unless `x` is one input.
    pub fn forward_tangents<'a>(
        &self,
        x: &[f32],
        tangents: &[f32],
        [values, derivatives]: &'a mut [Scratch; 2],
    ) -> (&'a [f32], &'a [f32]) {
        let rows = tangents.len() / self.inputs();
        let mut slopes = Vec::new();
        let Scratch { current, next } = derivatives;
        current.clear();
        current.extend_from_slice(tangents);
        let last = self.layers.len() - 1;
        let output = self.forward_with(x, values, |index, z| {
            let layer = &self.layers[index];
            next.resize(rows * layer.outputs, 0.0);
            let none = vec![0.0; layer.outputs];
            dispatch(
                #[inline(always)]
                || layer.apply_with(&none, current, next),
            );
            if index < last {
                slopes.clear();
                slopes.extend(z.iter().map(|&z| self.activation.value_and_slope(z).1));
                for row in next.chunks_exact_mut(layer.outputs) {
                    row.iter_mut().zip(&slopes).for_each(|(t, slope)| *t *= slope);
                }
            }
            std::mem::swap(current, next);
        });
        (output, current)
    }

    fn forward_rows<'a>(
        &self,
        x: &[f32],
        scratch: &'a mut Scratch,
        mut inspect: impl FnMut(usize, &[f32]),
    ) -> &'a [f32] {
        let examples = x.len() / self.inputs();
        scratch.current.clear();
        scratch.current.extend_from_slice(x);
        for (index, layer) in self.layers.iter().enumerate() {
            scratch.next.resize(examples * layer.outputs, 0.0);
            layer_forward(layer, &scratch.current, &mut scratch.next);
            inspect(index, &scratch.next);
            if index + 1 < self.layers.len() {
                activate(self.activation, &mut scratch.next);
            }
            std::mem::swap(&mut scratch.current, &mut scratch.next);
        }
        &scratch.current
    }
}

fn layer_forward(layer: &Dense, x: &[f32], y: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || layer.apply(x, y),
    )
}

fn activate(activation: Activation, z: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || activation.apply_all(z),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const ALL: [Activation; 4] = [Activation::Silu, Activation::Elu, Activation::Relu, Activation::Tanh];

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(7)
    }

    fn reference(activation: Activation, z: f64) -> f64 {
        match activation {
            Activation::Silu => z / (1.0 + (-z).exp()),
            Activation::Elu if z < 0.0 => z.exp_m1(),
            Activation::Relu => z.max(0.0),
            Activation::Elu => z,
            Activation::Tanh => z.tanh(),
        }
    }

    #[test]
    fn exponential_is_accurate_and_saturates() {
        for i in -8600..8600 {
            let x = i as f32 * 0.01;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2.5e-7, "{x}");
        }
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite());
    }

    #[test]
    fn gains_keep_unit_scale() {
        for activation in ALL {
            let (mut square, mut weight) = (0.0, 0.0);
            for i in -800..=800 {
                let z = i as f32 * 0.01;
                let density = (-0.5 * z * z).exp();
                square += density * activation.apply(z).powi(2);
                weight += density;
            }
            let gain = (weight / square).sqrt();
            assert!((activation.gain() / gain - 1.0).abs() < 0.01, "{activation:?}: {gain}");
        }
    }

    #[test]
    fn activations_match_their_formulas() {
        for activation in ALL {
            for i in -400..=400 {
                let z = i as f32 * 0.05;
                let exact = reference(activation, f64::from(z));
                let error = (f64::from(activation.apply(z)) - exact).abs();
                assert!(error < 3e-7 * (1.0 + exact.abs()), "{activation:?} {z}");
            }
            assert!(activation.apply(f32::NAN).is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn slopes_match_finite_differences() {
        for activation in ALL {
            for i in -80..=80 {
                let z = f64::from(i) * 0.1 + 0.05;
                let difference = reference(activation, z + 1e-5) - reference(activation, z - 1e-5);
                let slope = activation.value_and_slope(z as f32).1;
                assert!((f64::from(slope) - difference / 2e-5).abs() < 1e-6, "{activation:?} {z}");
            }
        }
    }

    #[test]
    fn names_are_lower_case() {
        assert_eq!(serde_json::to_string(&Activation::Silu).unwrap(), "\"silu\"");
        assert_eq!(Activation::from_str("tanh", false).unwrap(), Activation::Tanh);
    }

    fn naive(net: &Mlp, x: &[f32]) -> Vec<f64> {
        let mut x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        for (index, layer) in net.layers.iter().enumerate() {
            let row = |o: usize| {
                let w = &layer.weight[o * layer.inputs..][..layer.inputs];
                let dot: f64 = w.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum();
                dot + f64::from(layer.bias[o])
            };
            let z: Vec<f64> = (0..layer.outputs).map(row).collect();
            let last = index + 1 == net.layers.len();
            let f = |z| {
                if last { z } else { reference(net.activation, z) }
            };
            x = z.into_iter().map(f).collect();
        }
        x
    }

    #[test]
    fn forward_matches_double_precision() {
        for activation in ALL {
            let net = Mlp::new(&[19, 37, 22, 3], activation, &mut rng());
            let x: Vec<f32> = (0..19).map(|i| (i as f32 * 0.7).sin()).collect();
            let mut scratch = Scratch::default();
            let y = net.forward(&x, &mut scratch);
            for (y, exact) in y.iter().zip(naive(&net, &x)) {
                assert!((f64::from(*y) - exact).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn batch_equals_one_by_one() {
        let net = Mlp::new(&[18, 30, 7], Activation::Silu, &mut rng());
        let inputs: Vec<f32> = (0..18 * 77).map(|i| (i as f32).sin()).collect();
        let mut scratch = Scratch::default();
        let single: Vec<f32> =
            inputs.chunks(18).flat_map(|x| net.forward(x, &mut scratch).to_vec()).collect();
        assert_eq!(net.forward_batch(&inputs), single);
    }

    #[test]
    fn vector_width_does_not_change_the_bits() {
        let layer = Dense::new(37, 21, 1.0, &mut rng());
        let x: Vec<f32> = (0..37 * 9).map(|i| (i as f32).sin()).collect();
        for activation in ALL {
            let (mut plain, mut wide) = (vec![0.0; 21 * 9], vec![0.0; 21 * 9]);
            layer.apply(&x, &mut plain);
            activation.apply_all(&mut plain);
            layer_forward(&layer, &x, &mut wide);
            activate(activation, &mut wide);
            assert_eq!(plain, wide);
        }
    }

    #[test]
    fn inspection_shows_pre_activations() {
        let net = Mlp::new(&[3, 5, 2], Activation::Relu, &mut rng());
        let mut seen = Vec::new();
        let mut scratch = Scratch::default();
        let y = net.forward_with(&[1.0, -2.0, 0.5], &mut scratch, |i, z| {
            seen.push((i, z.to_vec()));
        });
        assert_eq!((seen[0].0, seen[0].1.len(), seen[1].0), (0, 5, 1));
        assert!(seen[0].1.iter().any(|&z| z < 0.0));
        assert_eq!(seen[1].1, y);
    }

    #[test]
    fn initial_weights_fill_their_interval() {
        let net = Mlp::new(&[16, 400, 2], Activation::Silu, &mut rng());
        let weight = &net.layers[0].weight;
        let largest = weight.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
        let bound = 3.0_f32.sqrt() * 1.68 / 4.0;
        assert!(largest <= bound && largest > 0.99 * bound);
        let mean_square = weight.iter().map(|w| w * w).sum::<f32>() / weight.len() as f32;
        assert!((mean_square * 16.0 / (1.68 * 1.68) - 1.0).abs() < 0.05);
        let scaled = net.clone().with_output_scaled(0.1);
        assert_eq!(scaled.layers[0], net.layers[0]);
        assert_eq!(scaled.layers[1].weight[3], 0.1_f32 * net.layers[1].weight[3]);
    }

    #[test]
    fn flatten_and_unflatten_are_inverse() {
        let net = Mlp::new(&[4, 6, 3], Activation::Elu, &mut rng());
        let flat = net.flatten();
        assert_eq!(flat.len(), net.parameters());
        assert_eq!(net.parameters(), 4 * 6 + 6 + 6 * 3 + 3);
        assert_eq!(flat[4 * 6], net.layers[0].bias[0]);
        let zero = net.clone().with_output_scaled(0.0);
        assert_eq!(zero.unflatten(&flat), net);
    }
}
