//! The GPU against the CPU: needs one, so `tests/gpu.sh` runs it.
#![cfg(feature = "cuda")]

use rand::SeedableRng;
use std::sync::atomic::AtomicBool;
use trainer::Points;
use trainer::backend::{
    Aware, Backend, Batch, Contrast, Cpu, Cuda, DeviceError, DeviceName, Grid, Hyper, Learner,
    Objective as Loss, OfGradient, Snapshot, open_cuda,
};
use trainer::checkpoint::{Checkpoint, Origin};
use trainer::config::{Config, Preset};
use trainer::dataset::Dataset;
use trainer::denoiser::{Denoiser, Embedding, Precondition};
use trainer::mlp::{Activation, Mlp};
use trainer::objective::{
    Generator, ImplicitScoreMatching, Noise, Objective, ObjectiveName, SlicedScoreMatching, Tangents,
};
use trainer::run::{Run, bar};
use trainer::train::{Task, TrainError, Trained, Watch, train};

const NOISE: Noise = Noise::Every { min: 0.01, max: 6.0 };
const ACTIVATIONS: [Activation; 4] = [Activation::Silu, Activation::Elu, Activation::Relu, Activation::Tanh];
static GO_ON: AtomicBool = AtomicBool::new(false);

fn gpu() -> Cuda {
    open_cuda(0).unwrap_or_else(|error| panic!("{error}"))
}

fn wave(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * step).sin()).collect()
}

fn net(activation: Activation) -> Mlp {
    Mlp::new(&[6, 70, 33, 3], activation, &mut Generator::seed_from_u64(3))
}

/// Loss and state after one step: the first moment is the gradient, times .1.
fn step<B: Backend>(device: &B, net: &Mlp, loss: &impl Loss<B>, hyper: Hyper) -> (f32, Snapshot) {
    let mut learner = Learner::new(device.clone(), net, hyper);
    (learner.step_on(loss, 1e-3, true).unwrap(), learner.snapshot())
}

/// One step's loss and gradients to 2·10⁻⁴ of the largest, and so its parameters and their average.
fn same_step(what: &str, net: &Mlp, loss: &(impl Loss<Cpu> + Loss<Cuda>)) {
    let whole = Hyper { weight_decay: 0.1, ema: 0.5, ..Hyper::default() };
    for hyper in [whole, Hyper { clip_norm: 0.01, ..whole }] {
        let (a, b) = (step(&Cpu::default(), net, loss, hyper), step(&gpu(), net, loss, hyper));
        assert!((a.0 - b.0).abs() < 1e-4 * (1.0 + a.0.abs()), "{what}: loss {} for {}", b.0, a.0);
        same(what, &a.1.first, &b.1.first, 2e-4);
        same(what, &a.1.second, &b.1.second, 1e-3);
        // Adam's first step is the sign of the gradient, whatever its size.
        let first = a.1.first.flatten();
        let largest = first.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        let sure: Vec<bool> = first.iter().map(|g| g.abs() > 1e-3 * largest).collect();
        for (a, b) in [(&a.1.net, &b.1.net), (&a.1.ema, &b.1.ema)] {
            let pairs = a.flatten().into_iter().zip(b.flatten()).zip(&sure).filter(|(_, sure)| **sure);
            pairs.for_each(|((a, b), _)| assert!((a - b).abs() < 2e-5, "{what}: {b} for {a}"));
        }
    }
}

fn same(what: &str, a: &Mlp, b: &Mlp, tolerance: f32) {
    let (a, b) = (a.flatten(), b.flatten());
    let largest = a.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    for (i, (a, b)) in a.iter().zip(&b).enumerate() {
        assert!((a - b).abs() <= tolerance * largest, "{what}, {i}: {b} for {a}, largest {largest}");
    }
}

struct Data {
    inputs: Vec<f32>,
    targets: Vec<f32>,
    weights: Vec<f32>,
}

impl Data {
    fn new(n: usize) -> Self {
        let weights = wave(n, 0.9).iter().map(|w| 1.0 + 0.5 * w).collect();
        Self { inputs: wave(n * 6, 0.7), targets: wave(n * 3, 1.3), weights }
    }

    fn batch(&self) -> Batch<'_> {
        Batch { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

/// Matrix product, bias, activation, square error, and Adam with clipping, decay and average.
#[test]
fn regressions_are_the_cpus() {
    for activation in ACTIVATIONS {
        for n in [1, 150] {
            same_step(&format!("{activation:?}, {n}"), &net(activation), &Data::new(n).batch());
        }
    }
}

/// Rounding, clamping, and the mask of exact columns.
#[test]
fn quantization_aware_steps_are_the_cpus() {
    let grid = |outputs, columns| Grid {
        bits: 4,
        scales: (0..outputs).map(|i| 0.05 + 0.001 * i as f32).collect(),
        columns,
        zero: 0.25,
        step: 1.0 / 64.0,
        limit: 127.0,
    };
    let data = Data::new(150);
    for activation in ACTIVATIONS {
        let grids = [grid(70, 4), grid(33, 70), grid(3, 33)];
        let loss = Aware { batch: data.batch(), grids: &grids };
        let (a, b) = (
            step(&Cpu::default(), &net(activation), &loss, Hyper::default()),
            step(&gpu(), &net(activation), &loss, Hyper::default()),
        );
        // A sum rounded otherwise may fall on the other side of a half, by one of 64 parts.
        assert!((a.0 - b.0).abs() < 2e-3 * (1.0 + a.0), "{activation:?}: loss {} for {}", b.0, a.0);
        same(&format!("{activation:?}"), &a.1.first, &b.1.first, 1e-2);
    }
}

/// Forward tangents and inner products.
#[test]
fn objectives_without_a_target_are_the_cpus() {
    for activation in [Activation::Silu, Activation::Elu, Activation::Tanh] {
        let denoiser = denoiser(&[40, 40], activation);
        let data = Points::new(2, wave(600, 1.7));
        let rng = || Generator::seed_from_u64(5);
        let exact =
            Tangents::draw(&ImplicitScoreMatching { noise: NOISE }, &denoiser, &data, 150, &mut rng());
        let sliced = Tangents::draw(
            &SlicedScoreMatching { noise: NOISE, probes: 3 },
            &denoiser,
            &data,
            150,
            &mut rng(),
        );
        same_step(&format!("ism, {activation:?}"), &denoiser.net, &exact);
        same_step(&format!("ssm, {activation:?}"), &denoiser.net, &sliced);
    }
}

/// A regression of the gradient by the first four of six inputs, and a difference of energies.
#[test]
fn gradients_of_energies_are_the_cpus() {
    let (inputs, targets) = (wave(150 * 6, 0.7), wave(150 * 4, 1.1));
    let (weights, factors) = (vec![0.5; 150], wave(150, 0.3));
    for activation in ACTIVATIONS {
        let net = Mlp::new(&[6, 70, 33, 1], activation, &mut Generator::seed_from_u64(3));
        let batch = Batch { inputs: &inputs, targets: &targets, weights: &weights };
        same_step(&format!("gradient, {activation:?}"), &net, &OfGradient(batch));
        let contrast = Contrast { inputs: &inputs, factors: &factors, penalty: 0.1 };
        same_step(&format!("contrast, {activation:?}"), &net, &contrast);
    }
}

fn denoiser(hidden: &[usize], activation: Activation) -> Denoiser {
    let embedding = Embedding { features: 6, sigma_min: 0.01, sigma_max: 6.0 };
    Denoiser::new(2, hidden, activation, Precondition::Edm, embedding, 0, &mut Generator::seed_from_u64(8))
}

fn config(objective: ObjectiveName, steps: u64) -> Config {
    let mut config = Config::new("mixture", Preset::Default).with_objective(objective);
    config.points = 5000;
    config.net.hidden = vec![40, 40];
    config.training.steps = steps;
    config.training.batch = 256;
    config
}

/// Trains on `device` until `config`'s last step.
fn trained<B: Backend>(
    device: &B,
    config: &Config,
    start: Option<Checkpoint>,
) -> Result<Trained, TrainError> {
    let data = Dataset::load(config).unwrap();
    let objective = Objective::new(config, &data).unwrap();
    let mut denoiser = denoiser(&config.net.hidden, Activation::Silu);
    if config.net.energy {
        denoiser = denoiser.into_energy(&mut Generator::seed_from_u64(8));
    }
    let task = Task {
        objective: &objective,
        denoiser: &denoiser,
        data: &data.standard,
        config: &config.training,
        seed: 1,
        grids: &[],
        before: 0,
    };
    let start = start.unwrap_or_else(|| Checkpoint::initial(&denoiser.net));
    train(device, &task, start, &Watch::new(&GO_ON, &bar("training", 1)))
}

/// Batches are the same, so that the losses are, but for the roundings of 400 steps.
#[test]
fn every_objective_trains_to_the_cpus_loss() {
    let all = ObjectiveName::ALL.into_iter().filter(|name| !name.is_contrastive());
    let mut energy = config(ObjectiveName::Dsm, 400).with_energy();
    (energy.net.hidden, energy.training.steps) = (vec![40, 40], 400);
    for config in all.map(|name| config(name, 400)).chain([energy]) {
        let name = config.objective.name;
        let loss = |trained: Result<Trained, TrainError>| trained.unwrap().checkpoint.losses;
        let (a, b) = (loss(trained(&Cpu::default(), &config, None)), loss(trained(&gpu(), &config, None)));
        assert_eq!(a.len(), b.len());
        for ((step, a), (_, b)) in a.iter().zip(&b) {
            assert!((a - b).abs() < 0.02 * (0.1 + a.abs()), "{name:?} at {step}: {b} for {a}");
        }
    }
}

/// Chains leave each other in time; what they learn must not.
#[test]
fn contrastive_divergence_learns_as_on_the_cpu() {
    for name in [ObjectiveName::Cd, ObjectiveName::Pcd] {
        let mut config = config(name, 300).with_energy();
        config.net.hidden = vec![40, 40];
        config.training.steps = 300;
        let gap = |trained: Result<Trained, TrainError>| {
            let diagnoses = trained.unwrap().chains.diagnoses;
            diagnoses[3..].iter().map(|d| d.gap).sum::<f32>() / diagnoses[3..].len() as f32
        };
        let (a, b) = (gap(trained(&Cpu::default(), &config, None)), gap(trained(&gpu(), &config, None)));
        assert!((a - b).abs() < 0.2 * (0.5 + a.abs()), "{name:?}: a gap of {b} for {a}");
    }
}

/// 150 steps on one device and 150 on the other, through a file, end where 300 on the CPU do.
#[test]
fn a_training_goes_on_on_the_other_device() {
    let folder = tempfile::tempdir().unwrap();
    let whole = config(ObjectiveName::Dsm, 300);
    let stop_at = |steps: u64| {
        let mut config = whole.clone();
        config.training.steps = steps;
        config
    };
    let saved = |trained: Trained, name: &str| {
        let path = folder.path().join(name);
        trained.checkpoint.save(&path, &Origin::default()).unwrap();
        let net = denoiser(&whole.net.hidden, Activation::Silu).net;
        Checkpoint::load(&path, &net, &Origin::default()).unwrap()
    };
    let on_cpu = |config: &Config, start| trained(&Cpu::default(), config, start).unwrap();
    let on_gpu = |config: &Config, start| trained(&gpu(), config, start).unwrap();
    let (first, last) = (stop_at(150), stop_at(300));
    let straight = on_cpu(&last, Some(saved(on_cpu(&first, None), "cpu"))).checkpoint.snapshot;
    let there = on_gpu(&last, Some(saved(on_cpu(&first, None), "there"))).checkpoint.snapshot;
    let back = on_cpu(&last, Some(saved(on_gpu(&first, None), "back"))).checkpoint.snapshot;
    for (what, other) in [("to the GPU", there), ("from the GPU", back)] {
        assert_eq!(other.steps, 300);
        same(what, &straight.net, &other.net, 1e-2);
        same(what, &straight.ema, &other.ema, 1e-2);
    }
}

/// Bytes used on the GPU, and by this process on the host.
fn memory() -> (usize, usize) {
    let gpu = &trainer::backend::gpus().unwrap()[0];
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    (gpu.memory.0 - gpu.memory.1, 4096 * resident)
}

/// Run it by itself: other tests on the GPU take memory as well.
#[test]
fn fifty_thousand_steps_need_no_more_memory_than_a_thousand() {
    let device = gpu();
    let data = Data::new(32);
    let mut learner =
        Learner::new(device, &net(Activation::Silu), Hyper { clip_norm: 1.0, ..Hyper::default() });
    let mut steps = |n: usize| (0..n).for_each(|i| _ = learner.step(data.batch(), 1e-4, i % 50 == 0));
    steps(1000);
    let before = memory();
    steps(49_000);
    let after = memory();
    assert!(after.0 <= before.0 + (4 << 20), "GPU: {} bytes, then {}", before.0, after.0);
    assert!(after.1 <= before.1 + (32 << 20), "host: {} bytes, then {}", before.1, after.1);
}

/// The message names a batch, and that batch then trains.
#[test]
fn a_batch_beyond_memory_is_named_with_one_that_fits() {
    let device = gpu();
    let mut config = config(ObjectiveName::Dsm, 1);
    config.net.hidden = vec![4096, 4096];
    // Four values of a hidden unit, where a dozen are kept.
    config.training.batch = trainer::backend::gpus().unwrap()[0].memory.0 / (4 * 4096 * 4);
    let Err(TrainError::Device(DeviceError::OutOfMemory { batch, fits: Some(fits) })) =
        trained(&device, &config, None)
    else {
        panic!("a batch of {} fits", config.training.batch);
    };
    assert_eq!(batch, config.training.batch);
    config.training.batch = fits;
    assert!(!trained(&device, &config, None).unwrap().interrupted);
}

/// Everything after training is the CPU's: the blob of a checkpoint does not depend on the device that is chosen.
#[test]
fn a_run_trained_here_is_finished_by_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(ObjectiveName::Dsm, 300);
    settings.training.qat_steps = 50;
    let run = Run::create(&folder.path().join("run"), settings).unwrap().on(DeviceName::Cuda);
    let checkpoint = run.train(&GO_ON).unwrap().checkpoint;
    let blob =
        |run: &Run| run.export(&run.averaged(&checkpoint), run.aware(&checkpoint).unwrap().as_ref()).unwrap();
    let there = Run::open(&run.dir).unwrap();
    assert_eq!(blob(&run), blob(&there));
    assert_eq!(run.draw_int8(&blob(&run), 1).unwrap(), there.draw_int8(&blob(&there), 1).unwrap());
}
