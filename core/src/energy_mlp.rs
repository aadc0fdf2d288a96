//! The integer energy network: E(x; σ) and its gradient by back-propagation in integers.
//!
//! A perceptron f of one output, computed as the score network is ([`Mlp`](crate::Mlp)), gives with the coefficients of
//! each noise level (Karras et al. 2022, Table 1; c_in is the input gain)
//!
//! ```text
//! E(x; σ) = (skip·‖x‖²/2 + gain/c_in·f(c_in·x))/σ
//! ε̂(x; σ) = σ·∇E = skip·x + gain·∇f
//! ```
//!
//! and ∇f follows from the chain rule through the layers (Rumelhart, Hinton & Williams 1986), from the last hidden one
//! down: with the weights w of the layer above, the activation a at z and everything in 16 bits,
//!
//! ```text
//! t_i = saturate16(round(Σ_j w_ji·δ_j·multiplier_i/2³²))        (the top: t_i = w_i, stored)
//! δ_i = saturate16(round(t_i·a′(z_i)/2¹⁴))
//! ```
//!
//! and ∇f = Σ_j w_ji·δ_j at the bottom. a′ is the slope of the activation's table, smoothed; the state beyond the input's
//! range is seen as at its edge. It agrees with the float network's gradient to a cosine above .999.

use crate::activation::slope;
use crate::arith::{bounded, quantize, saturate16};
use crate::blob::{After, Aligned, EnergyModel, Level, half};
use crate::kernel::{Input, TILE, activations, dense, load, rounded_high};
use crate::mlp::{Sum, halves, words};
use crate::{Conditional, Energy, Error, Levels, Score};

/// An energy network ready to evaluate: a checked model and scratch memory.
///
/// The scratch is the caller's, as for an [`Mlp`](crate::Mlp).
#[derive(Clone, Debug)]
pub struct EnergyMlp<'a, S> {
    model: EnergyModel<'a>,
    class: &'a [u8],
    scratch: S,
}

impl<'a, S: AsMut<[i16]>> EnergyMlp<'a, S> {
    /// `scratch` must have at least [`EnergyModel::scratch`] entries.
    ///
    /// # Errors
    /// [`Error::Scratch`] if it has fewer.
    pub fn new(model: EnergyModel<'a>, mut scratch: S) -> Result<Self, Error> {
        let (needed, have) = (model.scratch(), scratch.as_mut().len());
        if have < needed {
            Err(Error::Scratch { needed, have })
        } else {
            Ok(Self { model, class: &[], scratch })
        }
    }

    /// The model.
    pub fn model(&self) -> &EnergyModel<'a> {
        &self.model
    }

    /// E(x; σ_level), and its gradient if `eps` is given.
    fn evaluate(&mut self, x: &[f32], level: usize, eps: Option<&mut [f32]>) -> f32 {
        let Self { model: energy, class, scratch } = self;
        let model = energy.model();
        let at = model.levels().get(level);
        let (scratch, slopes) = scratch.as_mut().split_at_mut_checked(model.scratch()).unwrap_or_default();
        let (mut input, mut output) = halves(model, scratch);
        let mut total = 0;
        for (q, &x) in input.iter_mut().zip(x) {
            *q = quantize(at.input_gain * x, model.input_limit());
            total += i32::from(*q);
        }
        let mut conditions = [model.condition(level), *class];
        let (mut sums, mut f, mut below) = ([0; TILE], 0.0, 0);
        for layer in model.layers() {
            let sum = Sum { layer, conditions, input: Input::new(input, layer.matrix.inputs, total) };
            let count = layer.matrix.outputs;
            match layer.after {
                After::Activation { multipliers, curve } => {
                    total = 0;
                    let output = output.get_mut(..count).unwrap_or_default();
                    let slopes = slopes.get_mut(below..).unwrap_or_default();
                    let tiles = output.chunks_mut(TILE).zip(slopes.chunks_mut(TILE));
                    for (tile, (output, slopes)) in (0..).zip(tiles) {
                        sum.of_tile(tile, &mut sums);
                        let multipliers = words(multipliers, tile);
                        total += activations(&curve, &sums, multipliers, output);
                        for ((d, &sum), m) in slopes.iter_mut().zip(&sums).zip(multipliers) {
                            *d = slope(&curve, rounded_high(sum, load(m)));
                        }
                    }
                    below += count;
                }
                After::Scale { scales } => {
                    sum.of_tile(0, &mut sums);
                    let [first, ..] = sums;
                    f = first as f32 * scales.first_chunk().map_or(0.0, |&scale| half(scale));
                }
            }
            core::mem::swap(&mut input, &mut output);
            conditions = [&[]; 2];
        }
        if let Some(eps) = eps {
            backward(energy, slopes.get(..below).unwrap_or_default(), [input, output], &at, x, eps);
        }
        let square = x.iter().fold(0.0, |sum, x| sum + x * x);
        bounded((at.skip * (0.5 * square) + at.output_gain / at.input_gain * (energy.unit() * f)) / at.sigma)
    }
}

/// ε̂, from the slopes of all hidden units.
fn backward(
    energy: &EnergyModel<'_>,
    mut slopes: &[i16],
    [mut input, mut output]: [&mut [i16]; 2],
    at: &Level,
    x: &[f32],
    eps: &mut [f32],
) {
    /// Biases of which there are none.
    static NONE: Aligned<[[u8; 4]; TILE]> = Aligned([[0; 4]; TILE]);
    let count = energy.top().len() / 2;
    let (below, here) = slopes.split_at_checked(slopes.len().wrapping_sub(count)).unwrap_or_default();
    slopes = below;
    let mut total = 0;
    for ((delta, &top), &slope) in input.iter_mut().zip(energy.top().as_chunks().0).zip(here) {
        *delta = gated(i16::from_le_bytes(top), slope);
        total += i32::from(*delta);
    }
    let mut sums = [0; TILE];
    for layer in energy.layers() {
        let matrix = layer.matrix;
        let input_of = Input::new(input, matrix.inputs, total);
        let last = layer.multipliers.is_empty();
        let rows = if last { 0 } else { matrix.outputs };
        let (below, here) = slopes.split_at_checked(slopes.len().wrapping_sub(rows)).unwrap_or_default();
        slopes = below;
        total = 0;
        for (tile, first) in (0..).zip((0..matrix.outputs).step_by(TILE)) {
            let rows = (matrix.outputs - first).next_multiple_of(4);
            let biases = NONE.0.get(..rows).unwrap_or(&NONE.0);
            dense(matrix.bits, matrix.tile(tile), biases, &input_of, &mut sums);
            if last {
                let ends = eps.iter_mut().zip(x).skip(first);
                for ((eps, &x), &sum) in ends.zip(&sums) {
                    *eps = at.skip * x + at.output_gain * sum as f32;
                }
            } else {
                let deltas = output.iter_mut().zip(here).skip(first).zip(words(layer.multipliers, tile));
                for (((delta, &slope), m), &sum) in deltas.zip(&sums) {
                    *delta = gated(saturate16(rounded_high(sum, load(m))), slope);
                    total += i32::from(*delta);
                }
            }
        }
        core::mem::swap(&mut input, &mut output);
    }
}

/// round(t·slope/2¹⁴)
fn gated(t: i16, slope: i16) -> i16 {
    saturate16((i32::from(t) * i32::from(slope) + (1 << 13)) >> 14)
}

impl<S: AsMut<[i16]>> Score for EnergyMlp<'_, S> {
    fn dim(&self) -> usize {
        self.model.model().dim()
    }

    fn levels(&self) -> usize {
        self.model.model().levels().count()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.evaluate(x, level, Some(eps));
    }
}

impl<S: AsMut<[i16]>> Energy for EnergyMlp<'_, S> {
    fn energy(&mut self, x: &[f32], level: usize) -> f32 {
        self.evaluate(x, level, None)
    }

    fn energy_and_noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) -> f32 {
        self.evaluate(x, level, Some(eps))
    }
}

impl<S: AsMut<[i16]>> Conditional for EnergyMlp<'_, S> {
    fn classes(&self) -> usize {
        self.model.model().classes()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        self.class = self.model.model().chosen(class)?;
        Ok(())
    }
}
