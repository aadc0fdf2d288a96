//! Many points at once have the bits of each alone, on every vector unit of this machine.

use proptest::prelude::*;
use tests::Tiny;
use tinyscore::sampler::{Ddim, Sampler};
use tinyscore::{BatchMlp, Conditional, Instructions, Mlp, Model, Score};

/// Values of all sizes, some far beyond the first layer's range.
fn points(dim: usize, count: usize, seed: u64) -> Vec<f32> {
    let mut rng = tinyscore::rng::stream(seed, 1);
    let mut normal = || tinyscore::normal::standard_normal(&mut rng);
    let mut x: Vec<f32> = (0..dim * count).map(|i| normal() * [0.1, 1.0, 30.0][i % 3]).collect();
    // Halves of an integer of the narrow range, and what is no number.
    x[0] = 0.01;
    x[dim * count / 2] = [f32::NAN, f32::INFINITY, -0.0, f32::MIN][seed as usize % 4];
    x
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_batch_has_the_bits_of_its_points(
        dim in 1_usize..40, first in 1_usize..70, second in 1_usize..150, count in 1_usize..20,
        narrow: bool, fine: bool, class in proptest::option::of(0_usize..3), seed in 0_u64..1000,
    ) {
        let tiny = Tiny::with_bits(&[dim, first, second, dim], seed, |i| if fine || i == 0 { 8 } else { 4 });
        let tiny = if narrow { tiny.narrowed() } else { tiny };
        let sigmas: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
        let blob = tiny.encode(&Ddim.plan(&sigmas[..]).unwrap()).unwrap();
        let model = Model::from_bytes(&blob).unwrap();
        let mut one = Mlp::new(model.clone(), vec![0; model.scratch()]).unwrap();
        one.choose(class).unwrap();
        let x = points(dim, count, seed);
        let (mut expected, mut found) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for instructions in Instructions::available() {
            let mut many = BatchMlp::new(model.clone(), instructions);
            many.choose(class).unwrap();
            for level in 0..5 {
                one.noise_batch(&x, level, &mut expected);
                many.noise_batch(&x, level, &mut found);
                let bits = |eps: &[f32]| eps.iter().map(|e| if e.is_nan() { 0 } else { e.to_bits() }).collect::<Vec<_>>();
                prop_assert_eq!(bits(&expected), bits(&found), "{} at level {}", instructions.name(), level);
            }
        }
        // Not only the skip connection.
        let plain = |x: f32| x.abs() > 1000.0 || x.is_nan();
        prop_assert!(expected.iter().zip(&x).any(|(eps, x)| plain(*x) || *eps != tiny.levels[4].skip * x));
    }
}
