//! One evaluation of the int8 network on a desktop, and whole samples: `cargo bench -p tests`.
//!
//! The chips' instructions are counted exactly by `cargo test --release -p tests --test instructions`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tests::Tiny;
use tinyscore::sampler::{Ancestral, Sampler};
use tinyscore::{BatchMlp, Instructions, Mlp, Model, Plan, Score};
use trainer::sample::{draw, network};

/// The mixture's, a latent, the source notes' pixel and MLPerf Tiny's anomaly-detection network.
const SHAPES: [(&str, &[usize]); 4] = [
    ("2-64-64-2", &[2, 64, 64, 2]),
    ("64-256-256-64", &[64, 256, 256, 64]),
    ("784-512-512-784", &[784, 512, 512, 784]),
    ("autoencoder", &[640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]),
];

/// A model of this shape with an ancestral plan of five evaluations.
fn blob(widths: &[usize]) -> Vec<u8> {
    let tiny = Tiny::new(widths, 1);
    let sigmas: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
    tiny.encode(&Ancestral::new(1.0).unwrap().plan(&sigmas[..]).unwrap()).unwrap()
}

fn evaluation(criterion: &mut Criterion) {
    for (name, widths) in SHAPES {
        let blob = blob(widths);
        let model = Model::from_bytes(&blob).unwrap();
        let mut group = criterion.benchmark_group(format!("evaluation {name}"));
        group.throughput(Throughput::Elements(model.macs() as u64));
        let (x, mut eps) = (vec![0.5; widths[0]], vec![0.0; widths[0]]);
        let mut one = Mlp::new(model.clone(), vec![0; model.scratch()]).unwrap();
        group.bench_function("Mlp, as on a chip", |bencher| bencher.iter(|| one.noise(&x, 2, &mut eps)));
        for instructions in Instructions::available() {
            let mut many = BatchMlp::new(model.clone(), instructions);
            for batch in [1, 64, 512] {
                let (x, mut eps) = (x.repeat(batch), eps.repeat(batch));
                group.throughput(Throughput::Elements((batch * model.macs()) as u64));
                group.bench_function(BenchmarkId::new(instructions.name(), batch), |bencher| {
                    bencher.iter(|| many.noise_batch(&x, 2, &mut eps));
                });
            }
        }
        group.finish();
    }
}

fn samples(criterion: &mut Criterion) {
    for (name, widths) in SHAPES {
        let blob = blob(widths);
        let network = network(&blob).unwrap();
        let plan = network.model().plan();
        let mut group = criterion.benchmark_group(format!("samples {name}"));
        group.sample_size(20);
        for batch in [1, 64, 512] {
            let macs = batch * plan.evaluations() * network.model().macs();
            group.throughput(Throughput::Elements(macs as u64));
            group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
                bencher.iter(|| draw(&network, &plan, batch, 1, |_| ()).unwrap());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, evaluation, samples);
criterion_main!(benches);
