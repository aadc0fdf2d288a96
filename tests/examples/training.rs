//! Steps of training a second, batches included, and on a GPU the share of its sgemm: for `tests/compare.py` and
//! `tests/gpu.sh`, which measure PyTorch beside it.
//!
//! `cargo run --release -p tests --example training -- 784,512,512,784 BATCH THREADS [cpu|cuda]`

use rand::SeedableRng;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use trainer::Points;
use trainer::backend::{Backend, Device, DeviceName};
use trainer::checkpoint::Checkpoint;
use trainer::config::{Config, Preset, TrainingConfig};
use trainer::denoiser::{Denoiser, Embedding, Precondition};
use trainer::mlp::Activation;
use trainer::objective::{DenoisingScoreMatching, Generator, Noise, Objective};
use trainer::run::bar;
use trainer::train::{Task, Watch, train};

/// How long is measured, after a tenth of it.
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (widths, batch, threads, device) = match &arguments[..] {
        [widths, batch, threads] => (widths, batch, threads, "cpu"),
        [widths, batch, threads, device] => (widths, batch, threads, device.as_str()),
        _ => fail("give WIDTHS, BATCH, THREADS and perhaps cpu or cuda, such as 784,512,512,784 128 2"),
    };
    let number = |text: &str| text.parse::<usize>().expect("a whole number");
    let widths: Vec<usize> = widths.split(',').map(number).collect();
    let device = match device {
        "cpu" => DeviceName::Cpu,
        "cuda" => DeviceName::Cuda,
        other => fail(&format!("{other} is no device: give cpu or cuda")),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(number(threads)).build().expect("threads");
    pool.install(|| match device.open().unwrap_or_else(|e| fail(&e.to_string())) {
        Device::Cpu(device) => println!("{:.1}", measure(&device, &widths, number(batch)).0),
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            let (steps, operations) = measure(&device, &widths, number(batch));
            println!("{steps:.1} {:.3}", operations / trainer::backend::sgemm_rate(&device));
        }
    });
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(1);
}

/// Steps a second, and floating-point operations a second of their matrix products.
fn measure<B: Backend>(device: &B, widths: &[usize], batch: usize) -> (f64, f64) {
    let [dim, hidden @ .., _] = widths else { fail("give at least two widths") };
    let (min, max) = (0.01, 6.0);
    let embedding = Embedding { features: 20, sigma_min: min, sigma_max: max };
    let mut rng = Generator::seed_from_u64(1);
    let denoiser = Denoiser::new(*dim, hidden, Activation::Silu, Precondition::Edm, embedding, 0, &mut rng);
    let data = Points::new(*dim, (0..1000 * dim).map(|i| (i as f32).sin()).collect());
    let objective =
        Objective::Regression(Box::new(DenoisingScoreMatching { noise: Noise::Every { min, max } }));
    let config = TrainingConfig {
        batch,
        steps: 1 << 40,
        clip_norm: f32::INFINITY,
        ..Config::new("mixture", Preset::Default).training
    };
    let task = Task {
        objective: &objective,
        denoiser: &denoiser,
        data: &data,
        config: &config,
        seed: 1,
        grids: &[],
        before: 0,
    };
    let steps_in = |time: Duration| {
        let (stop, start) = (AtomicBool::new(false), Instant::now());
        let checkpoint = Checkpoint::initial(&denoiser.net);
        let trained = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(time);
                stop.store(true, Ordering::Relaxed);
            });
            train(device, &task, checkpoint, &Watch::new(&stop, &bar("", 1)))
        });
        let steps = trained.unwrap_or_else(|e| fail(&e.to_string())).checkpoint.snapshot.steps;
        steps as f64 / start.elapsed().as_secs_f64()
    };
    steps_in(TIME / 10);
    let steps = steps_in(TIME);
    // A product forwards and two backwards, but for the first layer's inputs, which need no gradient.
    let layers = denoiser.net.layers.iter().enumerate();
    let products: usize = layers.map(|(i, l)| l.inputs * l.outputs * if i > 0 { 3 } else { 2 }).sum();
    (steps, 2.0 * (products * batch) as f64 * steps)
}
