//! The training loop's one step, with plain vectors outside.

use super::{Backend, Batch, Differential, Hyper, Objective, Optimizer, Parameters, Step};
use crate::mlp::Mlp;

/// The whole training state on the host; enough to continue to the same result bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The parameters.
    pub net: Mlp,
    /// Their exponential moving average.
    pub ema: Mlp,
    /// Adam's first moment, in the shape of the network.
    pub first: Mlp,
    /// Adam's second moment, in the shape of the network.
    pub second: Mlp,
    /// Steps made.
    pub steps: u64,
}

impl Snapshot {
    /// The state before the first step from `net`.
    pub fn initial(net: &Mlp) -> Self {
        let zero = net.unflatten(&vec![0.0; net.parameters()]);
        Self { net: net.clone(), ema: net.clone(), first: zero.clone(), second: zero, steps: 0 }
    }
}

/// A network in training.
pub struct Learner<B: Backend> {
    parameters: Parameters<B>,
    optimizer: B::Optimizer,
    hyper: Hyper,
    steps: u64,
    /// Gives flat host vectors their shape; its values are stale.
    shape: Mlp,
}

impl<B: Backend> Learner<B> {
    /// Starts from `net`.
    pub fn new(device: B, net: &Mlp, hyper: Hyper) -> Self {
        Self::resume(device, &Snapshot::initial(net), hyper)
    }

    /// Continues from `snapshot`.
    pub fn resume(device: B, snapshot: &Snapshot, hyper: Hyper) -> Self {
        let parameters = Parameters::new(device, &snapshot.net);
        Self {
            optimizer: B::Optimizer::new(&parameters, snapshot),
            parameters,
            hyper,
            steps: snapshot.steps,
            shape: snapshot.net.clone(),
        }
    }

    /// One optimizer step at learning rate `lr` on a regression batch. Returns the loss before the
    /// step when `read_loss`; reading it waits for the device.
    ///
    /// # Panics
    /// If the batch's lengths do not fit the network.
    pub fn step(&mut self, batch: Batch<'_>, lr: f32, read_loss: bool) -> Option<f32> {
        let examples = batch.weights.len();
        assert_eq!(batch.inputs.len(), examples * self.shape.inputs());
        assert_eq!(batch.targets.len(), examples * self.shape.outputs());
        self.step_on(&batch, lr, read_loss)
    }

    /// [`Learner::step`] for any objective.
    ///
    /// # Panics
    /// If the objective has no examples.
    pub fn step_on(&mut self, objective: &impl Objective<B>, lr: f32, read_loss: bool) -> Option<f32> {
        assert!(objective.examples() > 0);
        let parts = B::differentiate(&self.parameters, objective);
        let loss = read_loss.then(|| total_loss(&parts));
        let gradients = parts.into_iter().map(|part| part.gradients).collect();
        let step = Step { hyper: self.hyper, lr, before: self.steps };
        self.optimizer.update(&mut self.parameters, gradients, &step);
        self.steps += 1;
        loss
    }

    /// The parameters.
    pub fn net(&self) -> Mlp {
        self.shape.unflatten(&self.parameters.flatten())
    }

    /// The exponential moving average of the parameters.
    pub fn ema(&self) -> Mlp {
        let [_, _, ema] = self.optimizer.state();
        self.shape.unflatten(&ema)
    }

    /// The whole state.
    pub fn snapshot(&self) -> Snapshot {
        let [first, second, ema] = self.optimizer.state();
        Snapshot {
            net: self.net(),
            ema: self.shape.unflatten(&ema),
            first: self.shape.unflatten(&first),
            second: self.shape.unflatten(&second),
            steps: self.steps,
        }
    }
}

fn total_loss<B: Backend>(parts: &[Differential<B>]) -> f32 {
    let each = |part: &Differential<B>| f64::from(part.loss.as_vec()[0]);
    parts.iter().map(each).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Layer, Matrix, Scalar};
    use crate::mlp::{Activation, Dense, Scratch};
    use dfdx::tensor::Trace;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    const EXAMPLES: usize = 150;

    fn net(widths: &[usize], activation: Activation) -> Mlp {
        Mlp::new(widths, activation, &mut Xoshiro256PlusPlus::seed_from_u64(11))
    }

    fn wave(n: usize, step: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * step).sin()).collect()
    }

    /// Inputs of width 3, targets of width 2 by a known linear map, weights about 1.
    struct Data {
        inputs: Vec<f32>,
        targets: Vec<f32>,
        weights: Vec<f32>,
    }

    impl Data {
        fn linear() -> Self {
            // A plain wave's columns would be linearly dependent.
            let chirp = |i| (0.37 * (i * i) as f32).sin();
            let inputs: Vec<f32> = (0..EXAMPLES * 3).map(chirp).collect();
            let map = |x: &[f32]| [x[0] - 2.0 * x[1] + 0.5, 0.25 * x[2] - 1.0];
            Self {
                targets: inputs.chunks(3).flat_map(map).collect(),
                inputs,
                weights: wave(EXAMPLES, 0.9).iter().map(|w| 1.0 + 0.5 * w).collect(),
            }
        }

        fn batch(&self) -> Batch<'_> {
            Batch { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
        }
    }

    fn loss_on_the_host(net: &Mlp, data: &Data) -> f32 {
        let y = net.forward_batch(&data.inputs);
        let row = |((y, t), w): ((&[f32], &[f32]), &f32)| {
            let squares = y.iter().zip(t).map(|(y, t)| (y - t) * (y - t));
            w * squares.sum::<f32>() / 2.0
        };
        let rows = y.chunks(2).zip(data.targets.chunks(2)).zip(&data.weights);
        rows.map(row).sum::<f32>() / EXAMPLES as f32
    }

    #[test]
    fn one_layer_finds_the_linear_map() {
        let data = Data::linear();
        let mut learner = Learner::new(Cpu::default(), &net(&[3, 2], Activation::Silu), Hyper::default());
        for step in 0..3000 {
            learner.step(data.batch(), 0.02 * (1.0 - step as f32 / 3000.0), false);
        }
        let Dense { weight, bias, .. } = &learner.net().layers[0];
        let expected = [1.0, -2.0, 0.0, 0.0, 0.0, 0.25, 0.5, -1.0];
        for (found, expected) in weight.iter().chain(bias).zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{found} for {expected}");
        }
    }

    #[test]
    fn every_activation_learns() {
        let data = Data::linear();
        for activation in [Activation::Silu, Activation::Elu, Activation::Relu, Activation::Tanh] {
            let start = net(&[3, 24, 24, 2], activation);
            let mut learner = Learner::new(Cpu::default(), &start, Hyper::default());
            for _ in 0..400 {
                learner.step(data.batch(), 3e-3, false);
            }
            let ratio = loss_on_the_host(&learner.net(), &data) / loss_on_the_host(&start, &data);
            assert!(ratio < 0.02, "{activation:?}: {ratio}");
        }
    }

    #[test]
    fn reported_loss_is_the_loss_before_the_step() {
        let data = Data::linear();
        let start = net(&[3, 8, 2], Activation::Elu);
        let mut learner = Learner::new(Cpu::default(), &start, Hyper::default());
        let loss = learner.step(data.batch(), 0.1, true).unwrap();
        assert!((loss / loss_on_the_host(&start, &data) - 1.0).abs() < 1e-5);
        assert_eq!(learner.step(data.batch(), 0.1, false), None);
    }

    #[test]
    fn device_forward_matches_the_host_to_2e_6() {
        let net = net(&[18, 40, 33, 5], Activation::Silu);
        let inputs = wave(70 * 18, 0.7);
        let parameters = Parameters::new(Cpu::default(), &net);
        let x = parameters.matrix(&inputs, 18).leaky_traced();
        let device = parameters.traced().forward(x, false).as_vec();
        for (device, host) in device.iter().zip(net.forward_batch(&inputs)) {
            assert!((device - host).abs() < 2e-6);
        }
        let first = net.forward(&inputs[..18], &mut Scratch::default()).to_vec();
        assert_eq!(net.forward_batch(&inputs)[..5], first);
    }

    fn train(learner: &mut Learner<Cpu>, steps: usize) {
        let data = Data::linear();
        (0..steps).for_each(|_| assert!(learner.step(data.batch(), 3e-3, true).is_some()));
    }

    fn all_on() -> Hyper {
        Hyper { weight_decay: 0.02, clip_norm: 0.3, ema: 0.9, ..Hyper::default() }
    }

    #[test]
    fn resuming_continues_bit_for_bit() {
        let start = net(&[3, 16, 2], Activation::Silu);
        let mut whole = Learner::new(Cpu::default(), &start, all_on());
        train(&mut whole, 12);
        let halfway = whole.snapshot();
        train(&mut whole, 12);
        let mut resumed = Learner::resume(Cpu::default(), &halfway, all_on());
        assert_eq!(resumed.snapshot(), halfway);
        train(&mut resumed, 12);
        assert_eq!(resumed.snapshot(), whole.snapshot());
    }

    #[test]
    fn threads_do_not_change_the_result() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let start = net(&[3, 150, 130, 2], Activation::Silu);
            let mut learner = Learner::new(Cpu::default(), &start, all_on());
            pool.install(|| train(&mut learner, 8));
            learner.snapshot()
        };
        assert_eq!(run(1), run(2));
    }

    #[test]
    fn clipping_bounds_the_gradient() {
        let data = Data::linear();
        let start = net(&[3, 8, 2], Activation::Silu);
        let norm = |clip_norm| {
            let hyper = Hyper { clip_norm, ..Hyper::default() };
            let mut learner = Learner::new(Cpu::default(), &start, hyper);
            learner.step(data.batch(), 1e-3, false);
            let first = learner.snapshot().first.flatten();
            // After one step the first moment is (1 - beta1) times the gradient.
            10.0 * first.iter().map(|m| m * m).sum::<f32>().sqrt()
        };
        let free = norm(f32::INFINITY);
        assert!(free > 0.5 && (norm(0.01) - 0.01).abs() < 1e-6);
        assert_eq!(norm(2.0 * free), free);
    }

    #[test]
    fn average_follows_its_formula() {
        let mut learner = Learner::new(Cpu::default(), &net(&[3, 8, 2], Activation::Silu), all_on());
        let mut expected = learner.net().flatten();
        for t in 0..200 {
            train(&mut learner, 1);
            let decay = f32::min(0.9, (1.0 + t as f32) / (10.0 + t as f32));
            let net = learner.net().flatten();
            for (average, value) in expected.iter_mut().zip(net) {
                *average = decay * *average + (1.0 - decay) * value;
            }
        }
        for (found, expected) in learner.ema().flatten().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn weight_decay_is_decoupled() {
        let data = Data::linear();
        let start = net(&[3, 8, 2], Activation::Silu);
        let after = |weight_decay| {
            let hyper = Hyper { weight_decay, ..Hyper::default() };
            let mut learner = Learner::new(Cpu::default(), &start, hyper);
            learner.step(data.batch(), 0.01, false);
            learner.net().flatten()
        };
        for ((with, without), start) in after(0.5).iter().zip(after(0.0)).zip(start.flatten()) {
            assert!((without - with - 0.005 * start).abs() < 1e-6);
        }
    }

    /// Regression with weights rounded to sixteenths, by straight-through gradients.
    struct Rounded<'a>(Batch<'a>);

    impl Objective<Cpu> for Rounded<'_> {
        fn examples(&self) -> usize {
            EXAMPLES
        }

        fn loss(&self, parameters: &Parameters<Cpu>, rows: std::ops::Range<usize>) -> Scalar<Cpu> {
            const ROUND: f32 = 12_582_912.0;
            let x = parameters.matrix(&self.0.inputs[3 * rows.start..3 * rows.end], 3);
            let mut net = parameters.traced();
            let round = |w: Matrix<Cpu>| (w * 16.0 + ROUND - ROUND) * (1.0 / 16.0);
            let layers = net.layers.into_iter();
            net.layers = layers.map(|l| Layer { weight: round(l.weight), ..l }).collect();
            let y = net.forward(x.leaky_traced(), false);
            let scale = |w: &f32| w / (2 * EXAMPLES) as f32;
            let weights: Vec<f32> = self.0.weights[rows.clone()].iter().map(scale).collect();
            Cpu::square_error(y, &self.0.targets[2 * rows.start..2 * rows.end], &weights)
        }
    }

    fn rounded(mut net: Mlp) -> Mlp {
        let weights = net.layers.iter_mut().flat_map(|layer| &mut layer.weight);
        weights.for_each(|w| *w = (*w * 16.0).round_ties_even() / 16.0);
        net
    }

    #[test]
    fn other_objectives_train_through_other_tensors() {
        let data = Data::linear();
        let start = net(&[3, 24, 2], Activation::Silu);
        let mut learner = Learner::new(Cpu::default(), &start, Hyper::default());
        let loss = learner.step_on(&Rounded(data.batch()), 3e-3, true).unwrap();
        let expected = loss_on_the_host(&rounded(start), &data);
        assert!((loss / expected - 1.0).abs() < 1e-5);
        for step in 0..600 {
            learner.step_on(&Rounded(data.batch()), 3e-3 * (1.0 - step as f32 / 600.0), false);
        }
        let ratio = loss_on_the_host(&rounded(learner.net()), &data) / expected;
        assert!(ratio < 0.03, "{ratio}");
    }
}
