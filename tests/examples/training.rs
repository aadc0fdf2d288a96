//! Steps of training a second on this machine's CPU, batches included: for `tests/compare.py`, which measures PyTorch
//! beside it.
//!
//! `cargo run --release -p tests --example training -- 784,512,512,784 BATCH THREADS`

use rand::SeedableRng;
use std::time::{Duration, Instant};
use trainer::Points;
use trainer::backend::{Cpu, Hyper, Learner};
use trainer::denoiser::{Denoiser, Embedding, Precondition};
use trainer::mlp::Activation;
use trainer::objective::{DenoisingScoreMatching, Generator, Noise, Objective};

/// How long is measured, after a tenth of it.
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [widths, batch, threads] = &arguments[..] else {
        eprintln!("give WIDTHS, BATCH and THREADS, such as 784,512,512,784 128 2");
        std::process::exit(2);
    };
    let number = |text: &str| text.parse::<usize>().expect("a whole number");
    let widths: Vec<usize> = widths.split(',').map(number).collect();
    let [dim, hidden @ .., _] = &widths[..] else { panic!("give at least two widths") };
    let (min, max) = (0.01, 6.0);
    let embedding = Embedding { features: 20, sigma_min: min, sigma_max: max };
    let mut rng = Generator::seed_from_u64(1);
    let denoiser = Denoiser::new(*dim, hidden, Activation::Silu, Precondition::Edm, embedding, 0, &mut rng);
    let data = Points::new(*dim, (0..1000 * dim).map(|i| (i as f32).sin()).collect());
    let objective =
        Objective::Regression(Box::new(DenoisingScoreMatching { noise: Noise::Every { min, max } }));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(number(threads)).build().expect("threads");
    let steps = pool.install(|| {
        let mut learner = Learner::new(Cpu::default(), &denoiser.net, Hyper::default());
        let mut during = |time: Duration| {
            let (start, mut steps) = (Instant::now(), 0);
            while start.elapsed() < time {
                objective.step(&mut learner, (&denoiser, &data), &[], number(batch), &mut rng, (1e-3, false));
                steps += 1;
            }
            f64::from(steps) / start.elapsed().as_secs_f64()
        };
        during(TIME / 10);
        during(TIME)
    });
    println!("{steps:.1}");
}
