//! The integer score network for many points at once, for desktops: the same bits as [`Mlp`](crate::Mlp).
//!
//! Weights are copied into the order in which the machine's vector unit reads them. A layer whose activations
//! fit 8 bits takes four of them in one step where the unit can.

use crate::blob::{After, half, word};
use crate::kernel::{Block, Blocked, Format, Instructions, ROWS};
use crate::{Conditional, Error, Levels, Model, Score};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::array::from_fn;

/// Points that go through the layers together, so that what lies between two layers stays near.
const TOGETHER: usize = 64;

/// A network that evaluates many points at once. Its clones share the weights.
#[derive(Clone, Debug)]
pub struct BatchMlp<'a> {
    model: Model<'a>,
    class: &'a [u8],
    instructions: Instructions,
    layers: Arc<[Dense]>,
    /// Activations of all points before and after a layer.
    x: Vec<u32>,
    y: Vec<u32>,
    start: Vec<Block>,
    sums: Vec<Block>,
}

/// A layer in blocks of rows.
#[derive(Debug)]
struct Dense {
    weights: Blocked,
    biases: Vec<Block>,
    /// Of a hidden layer.
    multipliers: Vec<Block>,
    /// Of the last layer.
    scales: Vec<Block<f32>>,
}

impl<'a> BatchMlp<'a> {
    /// The network of `model`, computed by `instructions`.
    pub fn new(model: Model<'a>, instructions: Instructions) -> Self {
        let mut largest = u32::from(model.input_limit().unsigned_abs());
        let mut layers = Vec::new();
        for layer in model.layers() {
            let format = if largest <= 127 { instructions.narrow() } else { Format::Pairs };
            let weights = Blocked::new(format, layer.matrix.outputs, layer.matrix.inputs, |row, column| {
                layer.matrix.weight(row, column)
            });
            let mut dense = Dense {
                biases: blocks(layer.matrix.outputs, |j| {
                    word(layer.biases, j).wrapping_sub(weights.excess(j))
                }),
                weights,
                multipliers: Vec::new(),
                scales: Vec::new(),
            };
            match layer.after {
                After::Activation { multipliers, curve } => {
                    dense.multipliers = blocks(layer.matrix.outputs, |j| word(multipliers, j));
                    largest = curve.largest();
                }
                After::Scale { scales } => {
                    let (scales, _) = scales.as_chunks();
                    dense.scales = blocks(layer.matrix.outputs, |j| scales.get(j).copied().map_or(0.0, half));
                }
            }
            layers.push(dense);
        }
        let (x, y, start, sums) = Default::default();
        Self { model, class: &[], instructions, layers: layers.into(), x, y, start, sums }
    }

    /// The model.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }
}

/// `rows` numbers in blocks, zeros behind them.
fn blocks<T: Default>(rows: usize, at: impl Fn(usize) -> T) -> Vec<Block<T>> {
    let row = |j| if j < rows { at(j) } else { T::default() };
    (0..rows).step_by(ROWS).map(|first| Block(from_fn(|i| row(first + i)))).collect()
}

impl Score for BatchMlp<'_> {
    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn levels(&self) -> usize {
        Levels::count(&self.model.levels())
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        self.noise_batch(x, level, eps);
    }

    fn noise_batch(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        let few = TOGETHER * self.dim();
        for (x, eps) in x.chunks(few).zip(eps.chunks_mut(few)) {
            self.evaluate(x, level, eps);
        }
    }
}

impl BatchMlp<'_> {
    /// ε̂(x, σ_level) of all `points`.
    fn evaluate(&mut self, points: &[f32], level: usize, eps: &mut [f32]) {
        let Self { model, class, instructions, layers, x, y, start, sums } = self;
        let (unit, dim) = (instructions.unit(), model.dim());
        let (count, at) = (points.len() / dim, model.levels().get(level));
        let mut conditions = [model.condition(level), class];
        let mut formats = layers.iter().map(|dense| dense.weights.format);
        let format = formats.next().unwrap_or(Format::Pairs);
        let words = count * format.words(dim);
        unit.quantize(points, dim, at.input_gain, model.input_limit(), format, part(x, words));
        for (layer, dense) in model.layers().zip(layers.iter()) {
            start.clone_from(&dense.biases);
            conditions.iter().for_each(|words| add(words, start));
            let sums = part(sums, count * start.len());
            unit.multiply(&dense.weights, part(x, count * dense.weights.words), start, sums);
            match layer.after {
                After::Activation { curve, .. } => {
                    let format = formats.next().unwrap_or(Format::Pairs);
                    let words = count * format.words(layer.matrix.outputs);
                    unit.activate(sums, &dense.multipliers, &curve, format, part(y, words));
                    core::mem::swap(x, y);
                }
                After::Scale { .. } => {
                    unit.scale(sums, &dense.scales, (at.skip, at.output_gain), dim, points, eps);
                }
            }
            conditions = [&[]; 2];
        }
    }
}

/// The first `count` of a buffer that never shrinks.
fn part<T: Clone + Default>(buffer: &mut Vec<T>, count: usize) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, T::default());
    }
    &mut buffer[..count]
}

/// Adds words to the rows from the first on.
fn add(words: &[u8], rows: &mut [Block]) {
    let (words, _) = words.as_chunks();
    for (row, &word) in rows.iter_mut().flat_map(|block| &mut block.0).zip(words) {
        *row = row.wrapping_add(i32::from_le_bytes(word));
    }
}

impl Conditional for BatchMlp<'_> {
    fn classes(&self) -> usize {
        self.model.classes()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        self.class = self.model.chosen(class)?;
        Ok(())
    }
}
