//! Adam on the host: one pass over flat memory for moments, parameters and average.

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Cpu, Gradients, Tensor};
use rayon::prelude::*;

use super::{Optimizer, Parameters, Snapshot, Step};
use crate::simd::dispatch;

/// Parameters per unit of work. Fixed, so that the norm's sum never depends on the threads.
const CHUNK: usize = 1 << 15;
/// Partial sums of the norm.
const LANES: usize = 8;

/// Adam's state in the order of [`Mlp::flatten`](crate::mlp::Mlp::flatten).
#[derive(Debug)]
pub struct FlatAdam {
    values: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    ema: Vec<f32>,
    gradient: Vec<f32>,
}

impl Optimizer<Cpu> for FlatAdam {
    fn new(parameters: &Parameters<Cpu>, snapshot: &Snapshot) -> Self {
        let values = parameters.flatten();
        Self {
            gradient: vec![0.0; values.len()],
            values,
            first: snapshot.first.flatten(),
            second: snapshot.second.flatten(),
            ema: snapshot.ema.flatten(),
        }
    }

    fn update(&mut self, parameters: &mut Parameters<Cpu>, gradients: Vec<Gradients<f32, Cpu>>, step: &Step) {
        self.gather(parameters, gradients);
        let rule = Rule::new(step, clip_factor(&self.gradient, step));
        self.apply(&rule);
        self.scatter(parameters);
    }

    fn state(&self) -> [Vec<f32>; 3] {
        [self.first.clone(), self.second.clone(), self.ema.clone()]
    }
}

impl FlatAdam {
    /// Sums the parts' gradients into flat memory, in the parts' order.
    fn gather(&mut self, parameters: &Parameters<Cpu>, mut parts: Vec<Gradients<f32, Cpu>>) {
        let mut rest = &mut self.gradient[..];
        for layer in &parameters.layers {
            let weight = take(&layer.weight, &mut parts);
            let bias = take(&layer.bias, &mut parts);
            for parts in [weight, bias] {
                let (head, tail) = rest.split_at_mut(parts[0].len());
                sum_parts(head, &parts);
                rest = tail;
            }
        }
    }

    fn apply(&mut self, rule: &Rule) {
        let moments = chunks(&mut self.first).zip(chunks(&mut self.second));
        let rest = chunks(&mut self.ema).zip(self.gradient.chunks(CHUNK));
        let all = chunks(&mut self.values).zip(moments).zip(rest);
        map_chunks(all, |((values, (first, second)), (ema, gradient))| {
            rule.apply(values, first, second, ema, gradient);
        });
    }

    /// Copies the new values to the tensors.
    fn scatter(&self, parameters: &mut Parameters<Cpu>) {
        let mut rest = &self.values[..];
        for layer in &mut parameters.layers {
            let (weight, tail) = rest.split_at(layer.weight.shape().num_elements());
            let (bias, tail) = tail.split_at(layer.bias.shape().num_elements());
            layer.weight.copy_from(weight);
            layer.bias.copy_from(bias);
            rest = tail;
        }
    }
}

/// Moves each part's gradient of `tensor` out; zeros where the loss does not depend on it.
fn take<S: Shape>(tensor: &Tensor<S, f32, Cpu>, parts: &mut [Gradients<f32, Cpu>]) -> Vec<Vec<f32>> {
    let each = |part: &mut Gradients<f32, Cpu>| {
        let gradient = part.get_or_alloc_mut(tensor).expect("room for a gradient");
        std::mem::take::<Vec<f32>>(gradient)
    };
    parts.iter_mut().map(each).collect()
}

fn chunks(values: &mut [f32]) -> std::slice::ChunksMut<'_, f32> {
    values.chunks_mut(CHUNK)
}

/// Results in the order of the chunks; without the way to another thread and back if there is but
/// one.
fn map_chunks<T: Send, R: Send>(chunks: impl Iterator<Item = T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    let chunks: Vec<T> = chunks.collect();
    if chunks.len() == 1 {
        chunks.into_iter().map(f).collect()
    } else {
        chunks.into_par_iter().map(f).collect()
    }
}

fn sum_parts(sum: &mut [f32], parts: &[Vec<f32>]) {
    map_chunks(chunks(sum).enumerate(), |(index, sum)| {
        let range = index * CHUNK..index * CHUNK + sum.len();
        sum.copy_from_slice(&parts[0][range.clone()]);
        for part in &parts[1..] {
            let pairs = sum.iter_mut().zip(&part[range.clone()]);
            pairs.for_each(|(sum, value)| *sum += value);
        }
    });
}

fn clip_factor(gradient: &[f32], step: &Step) -> f32 {
    if step.hyper.clip_norm.is_infinite() {
        return 1.0;
    }
    let sums = map_chunks(gradient.chunks(CHUNK), sum_of_squares);
    step.clip_factor(sums.iter().sum::<f64>().sqrt() as f32)
}

fn sum_of_squares(values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for chunk in values.chunks(LANES) {
        let lanes = sums.iter_mut().zip(chunk);
        lanes.for_each(|(sum, &value)| *sum += f64::from(value) * f64::from(value));
    }
    sums.iter().sum()
}

/// The scalars of the update, ready for the inner loop.
#[derive(Clone, Copy, Debug)]
struct Rule {
    clip: f32,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    rate: f32,
    inverse_correction2: f32,
    keep: f32,
    average: f32,
}

impl Rule {
    fn new(step: &Step, clip: f32) -> Self {
        let hyper = step.hyper;
        Self {
            clip,
            beta1: hyper.beta1,
            beta2: hyper.beta2,
            epsilon: hyper.epsilon,
            rate: step.lr / step.correction(hyper.beta1),
            inverse_correction2: 1.0 / step.correction(hyper.beta2),
            keep: 1.0 - step.lr * hyper.weight_decay,
            average: 1.0 - step.ema_decay(),
        }
    }

    /// One pass over slices of equal length.
    fn apply(
        &self,
        values: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        ema: &mut [f32],
        gradient: &[f32],
    ) {
        let moments = first.iter_mut().zip(second);
        let rest = ema.iter_mut().zip(gradient);
        let all = values.iter_mut().zip(moments).zip(rest);
        dispatch(
            #[inline(always)]
            || all.for_each(|((p, (m, v)), (e, g))| self.apply_one(p, m, v, e, *g)),
        );
    }

    #[inline(always)]
    fn apply_one(&self, p: &mut f32, m: &mut f32, v: &mut f32, e: &mut f32, g: f32) {
        let g = self.clip * g;
        *m = self.beta1 * *m + (1.0 - self.beta1) * g;
        *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
        let root = (*v * self.inverse_correction2).sqrt() + self.epsilon;
        *p = self.keep * *p - self.rate * *m / root;
        *e += self.average * (*p - *e);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Batch, Hyper, OrdinaryAdam, objective};
    use crate::mlp::{Activation, Mlp};
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const EXAMPLES: usize = 20;

    /// Parameters and optimizer state after ten steps, each differentiated in two parts.
    fn run<O: Optimizer<Cpu>>(clip_norm: f32) -> Vec<Vec<f32>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let net = Mlp::new(&[4, 9, 3], Activation::Tanh, &mut rng);
        let mut parameters = Parameters::new(Cpu::default(), &net);
        let mut optimizer = O::new(&parameters, &Snapshot::initial(&net));
        let wave = |n| -> Vec<f32> { (0..n).map(|i| (i as f32 * 1.9).sin()).collect() };
        let (inputs, targets, weights) = (wave(EXAMPLES * 4), wave(EXAMPLES * 3), vec![1.0; EXAMPLES]);
        let batch = Batch { inputs: &inputs, targets: &targets, weights: &weights };
        for before in 0..10 {
            let parts =
                [0..7, 7..EXAMPLES].map(|rows| objective::differentiate(&parameters, &batch, rows).gradients);
            let hyper = Hyper { clip_norm, weight_decay: 0.1, ema: 0.5, ..Hyper::default() };
            let step = Step { hyper, lr: 0.01, before };
            optimizer.update(&mut parameters, parts.into(), &step);
        }
        let [first, second, ema] = optimizer.state();
        vec![parameters.flatten(), first, second, ema]
    }

    #[test]
    fn flat_equals_ordinary_to_1e_5() {
        for clip_norm in [0.05, 100.0, f32::INFINITY] {
            let (flat, ordinary) = (run::<FlatAdam>(clip_norm), run::<OrdinaryAdam<Cpu>>(clip_norm));
            for (flat, ordinary) in flat.iter().flatten().zip(ordinary.iter().flatten()) {
                assert!((flat - ordinary).abs() < 1e-5, "{flat} for {ordinary}");
            }
        }
        assert_ne!(run::<FlatAdam>(0.05)[0], run::<FlatAdam>(100.0)[0]);
    }

    /// Adam written out for one parameter in double precision.
    #[test]
    fn update_matches_double_precision() {
        let hyper = Hyper { weight_decay: 0.1, ..Hyper::default() };
        let (mut value, mut first, mut second, mut ema) = ([0.5_f32], [0.0_f32], [0.0_f32], [0.5_f32]);
        let (mut p, mut m, mut v) = (0.5_f64, 0.0_f64, 0.0_f64);
        for (before, g) in [0.3, -0.2, 0.05].into_iter().enumerate() {
            let step = Step { hyper, lr: 0.1, before: before as u64 };
            Rule::new(&step, 0.5).apply(&mut value, &mut first, &mut second, &mut ema, &[g]);
            let (g, t) = (0.5 * f64::from(g), before as i32 + 1);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let direction = m / (1.0 - 0.9_f64.powi(t)) / ((v / (1.0 - 0.999_f64.powi(t))).sqrt() + 1e-8);
            p -= 0.1 * (direction + 0.1 * p);
            assert!((f64::from(value[0]) - p).abs() < 1e-5, "{} for {p}", value[0]);
        }
    }
}
