//! How many multiply–accumulates a second the int8 network makes on this machine, whole samples included: for
//! `tests/compare.py`, which measures others beside it.
//!
//! `cargo run --release -p tests --example throughput -- 784,512,512,784 BATCH THREADS BITS`

use std::hint::black_box;
use std::time::{Duration, Instant};
use tests::Tiny;
use tinyscore::sampler::{Ddim, Sampler};
use tinyscore::{Levels, Plan, Score};
use trainer::sample::{draw, network};

/// How long each figure is measured.
const TIME: Duration = Duration::from_millis(700);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [widths, batch, threads, bits] = &arguments[..] else {
        eprintln!("give WIDTHS, BATCH, THREADS and the activations' BITS, such as 784,512,512,784 64 1 8");
        std::process::exit(2);
    };
    let number = |text: &str| text.parse::<usize>().expect("a whole number");
    let widths: Vec<usize> = widths.split(',').map(number).collect();
    let (batch, threads) = (number(batch), number(threads));
    let tiny = Tiny::new(&widths, 1);
    let tiny = if bits == "8" { tiny.narrowed() } else { tiny }.inside_the_table();
    let sigmas: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
    let blob = tiny.encode(&Ddim.plan(&sigmas[..]).expect("levels")).expect("a good model");
    let network = network(&blob).expect("a good model");
    let model = network.model().clone();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let x: Vec<f32> = (0..batch * widths[0]).map(|i| (i as f32).sin()).collect();
    // Every thread its own part of the batch, as in sampling.
    let part = batch.div_ceil(threads) * widths[0];
    let mut parts: Vec<_> = x.chunks(part).map(|x| (network.clone(), x, vec![0.0; x.len()])).collect();
    let level = model.levels().count() / 2;
    let evaluation = measure(|| match &mut parts[..] {
        [(network, x, eps)] => network.noise_batch(x, level, eps),
        parts => pool.scope(|scope| {
            for (network, x, eps) in parts {
                scope.spawn(|_| network.noise_batch(x, level, eps));
            }
        }),
    });
    let plan = model.plan();
    let sampling = measure(|| {
        black_box(pool.install(|| draw(&network, &plan, batch, 1, |_| ())).expect("it fits"));
    });
    let giga =
        |seconds: f64, evaluations: usize| (batch * evaluations * model.macs()) as f64 / seconds * 1e-9;
    println!("{:.2} {:.2}", giga(evaluation, 1), giga(sampling, plan.evaluations()));
}

/// Seconds that `work` takes: the least of as many times as fit, as what else the machine does only adds to it.
fn measure(mut work: impl FnMut()) -> f64 {
    work();
    let (mut least, start) = (f64::INFINITY, Instant::now());
    while start.elapsed() < TIME {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}
