//! Energy networks: the integers are those of the rules, the gradient is the energy's, the samplers draw from it.

use rand_core::Rng;
use tests::{Tiny, WayBack, between, with_checksum};
use tinyscore::blob::Kind;
use tinyscore::sampler::{Ancestral, ClampedLangevin, Mala, Sampler};
use tinyscore::{Energy, EnergyMlp, EnergyModel, Error, Levels, Model, Rbm, Score, rng::stream};
use trainer::backend::{Cpu, Hyper, Learner, OfGradient};
use trainer::config::{Config, Preset};
use trainer::data::Toy;
use trainer::dataset::Dataset;
use trainer::denoiser::{Denoiser, Embedding, Precondition};
use trainer::mlp::Activation;
use trainer::objective::{Chains, Generator, Objective, ObjectiveName};
use trainer::partition::Law;
use trainer::quantize::{Calibration, Export, quantize};
use trainer::sample::{Network, network};
use trainer::train::Task;

fn encoded(tiny: &Tiny) -> Vec<u8> {
    let sigmas: Vec<f32> = tiny.levels.iter().map(|l| l.sigma).collect();
    tiny.encode(&Ancestral::new(1.0).unwrap().plan(sigmas).unwrap()).unwrap()
}

fn tiny() -> Vec<u8> {
    encoded(&Tiny::energy(&[3, 9, 17, 1], 7, |_| 8))
}

fn opened(blob: &[u8]) -> EnergyMlp<'_, Vec<i16>> {
    match network(blob).unwrap() {
        Network::Energy(network) => network,
        Network::Score(_) => panic!("an energy network"),
    }
}

/// Against wide integers and the chain rule written out, over odd shapes, one hidden layer and more, and 4 bits.
#[test]
fn energy_and_gradient_follow_the_written_rules() {
    let shapes: [&[usize]; 6] =
        [&[1, 1, 1], &[2, 5, 1], &[3, 9, 17, 1], &[5, 33, 130, 7, 1], &[2, 64, 64, 64, 1], &[9, 257, 3, 1]];
    for (seed, widths) in (0..).zip(shapes) {
        for bits in [8, 4] {
            let tiny = Tiny::energy(widths, seed, |i| if i == 1 { bits } else { 8 });
            let blob = encoded(&tiny);
            let mut network = opened(&blob);
            let mut rng = stream(seed, 5);
            for (i, level) in (0..60).zip((0..5).cycle()) {
                let x: Vec<f32> = (0..widths[0]).map(|_| between(&mut rng, 6000) as f32 * 1e-3).collect();
                let mut eps = vec![0.0; widths[0]];
                let energy = network.energy_and_noise(&x, level, &mut eps);
                let (expected, noise) = tiny.energy_and_noise(&x, level);
                let what = format!("{widths:?}, {bits} bits, point {i}");
                assert_eq!(energy.to_bits(), expected.to_bits(), "{what}: {energy} for {expected}");
                assert_eq!(eps, noise, "{what}");
                assert_eq!(network.energy(&x, level).to_bits(), energy.to_bits(), "{what}");
                let mut again = vec![0.0; widths[0]];
                network.noise(&x, level, &mut again);
                assert_eq!(again, eps, "{what}");
            }
        }
    }
}

const SIGMAS: [f32; 4] = [3.0, 1.0, 0.3, 0.1];

/// A float network, trained a little so that it is not that of a fresh one, and its blob.
fn trained(activation: Activation, hidden: &[usize]) -> (Denoiser, Vec<u8>, trainer::Points) {
    use rand::SeedableRng;
    let mut rng = Generator::seed_from_u64(5);
    let embedding = Embedding { features: 8, sigma_min: 0.1, sigma_max: 3.0 };
    let denoiser = Denoiser::new(2, hidden, activation, Precondition::Edm, embedding, 0, &mut rng);
    let mut denoiser = denoiser.into_energy(&mut rng);
    let config = Config { points: 5000, ..Config::new("moons", Preset::Default) };
    let data = Dataset::load(&config).unwrap().standard;
    let objective = Objective::new(&config, &Dataset::load(&config).unwrap()).unwrap();
    let mut learner = Learner::new(Cpu::default(), &denoiser.net, Hyper::default());
    let task = Task {
        objective: &objective,
        denoiser: &denoiser,
        data: &data,
        config: &config.training,
        seed: 1,
        grids: &[],
        before: 0,
    };
    let mut losses = Vec::new();
    for step in 0..600 {
        let batch = objective.draw(&denoiser, &data, 256, &mut rng);
        losses.extend(batch.step(&mut learner, &task, (step, 2e-3, true), &mut Chains::default()).unwrap());
    }
    let (first, last) = (losses[..20].iter().sum::<f32>(), losses[580..].iter().sum::<f32>());
    assert!(last < 0.98 * first, "it learns: {first} to {last}");
    denoiser.net = learner.net();
    let seen = Calibration::new(&denoiser, &data, &SIGMAS, 2000, &mut rng);
    let export = Export {
        name: "moons",
        sigmas: &SIGMAS,
        weight_bits: 8,
        activation_bits: 16,
        codec: None,
        mean: &[0.0; 2],
        scale: &[1.0; 2],
        data: &data,
    };
    let plan = Ancestral::new(1.0).unwrap().plan(&SIGMAS[..]).unwrap();
    let blob = quantize(&denoiser, &seen, &export).blob(&denoiser, &seen, &export, &plan).unwrap();
    (denoiser, blob, data)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The integer gradient against the float one and against differences of the integer energy.
#[test]
fn the_integer_gradient_is_the_floats_and_that_of_the_integer_energy() {
    for (activation, hidden) in
        [(Activation::Silu, &[48, 32][..]), (Activation::Tanh, &[40]), (Activation::Elu, &[32, 32, 32])]
    {
        let (denoiser, blob, data) = trained(activation, hidden);
        let mut integer = opened(&blob);
        let mut float = denoiser.at_levels(&SIGMAS);
        let mut rng = stream(3, 0);
        for (level, sigma) in SIGMAS.into_iter().enumerate() {
            let (mut found, mut expected, mut slopes) = (Vec::new(), Vec::new(), Vec::new());
            let mut energies = (Vec::new(), Vec::new());
            for i in 0..400 {
                let noise = || tinyscore::normal::standard_normal(&mut rng);
                let z: Vec<f32> = std::iter::repeat_with(noise).take(2).collect();
                let x: Vec<f32> = data.row(i).iter().zip(z).map(|(x, z)| x + sigma * z).collect();
                let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
                energies.0.push(integer.energy_and_noise(&x, level, &mut a));
                energies.1.push(float.energy_and_noise(&x, level, &mut b));
                for j in 0..2 {
                    let mut moved = |h: f32| {
                        let mut x = x.clone();
                        x[j] += h;
                        integer.energy(&x, level)
                    };
                    let h = 0.1 * sigma;
                    slopes.push(sigma * (moved(h) - moved(-h)) / (2.0 * h));
                }
                found.extend(a);
                expected.extend(b);
            }
            let what = format!("{activation:?} {hidden:?} at {sigma}");
            let (same, own) = (cosine(&found, &expected), cosine(&found, &slopes));
            assert!(same > 0.999, "{what}: cosine {same} with the float gradient");
            assert!(own > 0.99, "{what}: cosine {own} with differences of the energy");
            // Energies are known but for a constant.
            let shift = energies.0.iter().zip(&energies.1).map(|(a, b)| a - b).sum::<f32>() / 400.0;
            let error =
                energies.0.iter().zip(&energies.1).map(|(a, b)| (a - b - shift).abs()).fold(0.0, f32::max);
            assert!(error < 0.25, "{what}: energies {error} nats apart");
        }
    }
}

/// Long chains of MALA have the moments that a grid gives exp(−E) of the integer energy; unadjusted ones of that step do
/// not.
#[test]
fn mala_draws_from_the_integer_energy() {
    let (_, blob, _) = trained(Activation::Silu, &[32, 32]);
    let mut model = opened(&blob);
    let (level, h) = (1, 1.0 / 16.0);
    let at = |i: usize| (i as f32 + 0.5) * h - 8.0;
    let mut expected = [0.0_f64; 6];
    for (i, j) in (0..256).flat_map(|i| (0..256).map(move |j| (i, j))) {
        let [x, y] = [at(i), at(j)];
        let p = f64::from(-model.energy(&[x, y], level)).exp();
        let moments = [1.0, x, y, x * x, x * y, y * y];
        expected.iter_mut().zip(moments).for_each(|(sum, m)| *sum += p * f64::from(m));
    }
    let mut moments = |rate: f32, always: bool| {
        let (chains, steps) = (40, 4000);
        let (mut sums, mut accepted) = ([0.0_f64; 6], 0);
        for i in 0..chains {
            let sigma = [SIGMAS[level]];
            let levels = tinyscore::levels::At::new(&SIGMAS[..], level).unwrap();
            let mut chain = Mala::<_, 2>::new(rate, &levels, &mut model, stream(8, i)).unwrap();
            let (mut x, mut rng) = ([0.0_f32; 2], stream(9, i));
            for step in 0..steps {
                if always {
                    let mut eps = [0.0; 2];
                    model.noise(&x, level, &mut eps);
                    for (x, eps) in x.iter_mut().zip(eps) {
                        let z = tinyscore::normal::standard_normal(&mut rng);
                        *x += sigma[0] * (-rate * eps + (2.0 * rate).sqrt() * z);
                    }
                } else {
                    accepted += usize::from(chain.step(&mut model));
                    x.copy_from_slice(chain.state());
                }
                if step >= 100 {
                    let [x, y] = x;
                    let moments = [1.0, x, y, x * x, x * y, y * y];
                    sums.iter_mut().zip(moments).for_each(|(sum, m)| *sum += f64::from(m));
                }
            }
        }
        (sums.map(|sum| sum / sums[0]), accepted as f64 / f64::from(chains as u32 * steps))
    };
    let expected = expected.map(|sum| sum / expected[0]);
    let (found, acceptance) = moments(0.7, false);
    let error = |found: [f64; 6]| found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!((0.3..0.95).contains(&acceptance), "{acceptance}");
    assert!(error(found) < 0.05, "{found:?} for {expected:?}");
    let (unadjusted, _) = moments(0.7, true);
    assert!(error(unadjusted) > 0.1, "{unadjusted:?} for {expected:?}");
}

/// Within their limit, 60 steps, and lower in energy than where they began.
#[test]
fn clamped_chains_descend_within_their_limit() {
    let (_, blob, _) = trained(Activation::Silu, &[32, 32]);
    let mut model = opened(&blob);
    let level = tinyscore::levels::At::new(&SIGMAS[..], 2).unwrap();
    let (mut before, mut after, mut touched) = (0.0, 0.0, 0);
    for (i, limit) in (0..200).zip([1.5, 0.3].into_iter().cycle()) {
        let mut chain = ClampedLangevin::<_, 2>::new(limit, &level, &model, stream(1, i)).unwrap();
        before += model.energy(chain.state(), 2);
        let mut same = chain.clone();
        chain.run(&mut model);
        (0..60).for_each(|_| same.step(&mut model));
        assert_eq!(chain.state(), same.state());
        assert!(chain.state().iter().all(|x| x.abs() <= limit), "{:?}", chain.state());
        touched += usize::from(chain.state().iter().any(|x| x.abs() == limit));
        after += model.energy(chain.state(), 2);
    }
    assert!(after < before - 20.0 && touched > 20, "{before} to {after}, {touched} at the limit");
    let refused = ClampedLangevin::<_, 2>::new(0.0, &[1.0], &model, stream(1, 0)).unwrap_err();
    assert!(matches!(refused, Error::Parameter { name: "limit", .. }));
    let wide = ClampedLangevin::<_, 1>::new(1.0, &[1.0], &model, stream(1, 0)).unwrap_err();
    assert_eq!(wide, Error::TooManyDimensions { dim: 2, capacity: 1 });
}

#[test]
fn what_was_written_is_read() {
    let blob = tiny();
    let energy = EnergyModel::from_bytes(&blob).unwrap();
    let model = energy.model();
    assert_eq!(Kind::of(&blob), Ok(Kind::Energy));
    assert_eq!(model.widths().collect::<Vec<_>>(), [3, 9, 17, 1]);
    assert_eq!((model.dim(), model.data_dim(), model.levels().count()), (3, 3, 5));
    assert_eq!(energy.macs(), 2 * (3 * 9 + 9 * 17) + 17);
    assert_eq!(energy.scratch(), 37 + 9 + 17);
    let refused = EnergyMlp::new(energy.clone(), vec![0; 62]).unwrap_err();
    assert_eq!(refused, Error::Scratch { needed: 63, have: 62 });
    assert!(EnergyMlp::new(energy, vec![0; 63]).is_ok());
}

#[test]
fn kinds_are_told_apart() {
    let (energy, score) = (tiny(), encoded(&Tiny::new(&[3, 9, 3], 7)));
    let error = Model::from_bytes(&energy).unwrap_err();
    assert_eq!(error, Error::Kind { found: Kind::Energy, asked: Kind::Score });
    assert!(error.to_string().contains("EnergyModel::from_bytes"), "{error}");
    let error = EnergyModel::from_bytes(&score).unwrap_err();
    assert_eq!(error, Error::Kind { found: Kind::Score, asked: Kind::Energy });
    assert!(Rbm::from_bytes(&energy).is_err());
}

#[test]
fn damage_is_an_error() {
    let blob = tiny();
    for length in 0..blob.len() {
        assert!(matches!(EnergyModel::from_bytes(&blob[..length]), Err(Error::Truncated { .. })), "{length}");
    }
    for i in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[i] ^= 0x55;
        assert!(EnergyModel::from_bytes(&damaged).is_err(), "byte {i}");
    }
}

/// With the checksum made right again: refused, or a model that stays finite.
#[test]
fn a_forged_blob_is_an_error_or_a_model_that_cannot_panic() {
    let blob = tiny();
    let (mut accepted, mut refused) = (0, 0);
    for i in (0..16).chain(20..blob.len()) {
        for mask in [0x01, 0x80, 0xff, 0x7f] {
            let mut forged = blob.clone();
            forged[i] ^= mask;
            let forged = with_checksum(forged);
            let Ok(model) = EnergyModel::from_bytes(&forged) else {
                refused += 1;
                continue;
            };
            accepted += 1;
            let (dim, scratch) = (model.model().dim(), vec![0; model.scratch()]);
            let mut network = EnergyMlp::new(model, scratch).unwrap();
            for value in [0.0, 1.0, -1e30, f32::INFINITY, f32::NAN] {
                let mut eps = vec![0.0; dim];
                let energy = network.energy_and_noise(&vec![value; dim], 1000, &mut eps);
                assert!(energy.is_finite(), "byte {i} ^ {mask:#x}: {energy}");
            }
            let mut chain = Mala::<_, 8>::new(0.5, &[0.05], &mut network, stream(1, 1)).unwrap();
            (0..3).for_each(|_| _ = chain.step(&mut network));
            assert!(chain.state().iter().all(|x| x.is_finite()));
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused");
}

/// Other weights on the way back than on the way there, and derivatives that could overflow.
#[test]
fn the_way_back_is_checked() {
    let blob = tiny();
    // The last section but one group: the first layer turned round, 9 columns of two rows of 3.
    let mut forged = blob.clone();
    let at = forged.len() - 48;
    forged[at] ^= 4;
    let error = EnergyModel::from_bytes(&with_checksum(forged)).unwrap_err();
    assert_eq!(error, Error::Malformed("weights of the way back"));
    let mut wide = Tiny::energy(&[2, 3, 600, 1], 7, |_| 8);
    wide.layers[1].weights.fill(127);
    wide.layers[1].table.fill(1);
    let plan = Ancestral::new(1.0).unwrap().plan([1.0]).unwrap();
    assert_eq!(wide.encode(&plan).unwrap_err(), Error::Malformed("a derivative's sum could overflow"));
    let mut silent = Tiny::energy(&[2, 3, 1], 7, |_| 8);
    silent.way_back.as_mut().unwrap().unit = f32::NAN;
    assert_eq!(silent.encode(&plan).unwrap_err(), Error::Malformed("unit of energies"));
}

/// Chains at one noise level; the same training twice, and continued with the chains of the first half.
#[test]
fn contrastive_divergence_learns_and_names_a_divergence() {
    use rand::SeedableRng;
    let config = Config { points: 5000, ..Config::new(Toy::Moons.name(), Preset::Default) }.with_energy();
    let mut config = config.with_objective(ObjectiveName::Pcd);
    config.net.hidden = vec![24, 24];
    config.objective.contrastive.langevin_steps = 10;
    config.objective.contrastive.buffer = 512;
    config.training.batch = 128;
    let data = Dataset::load(&config).unwrap();
    let objective = Objective::new(&config, &data).unwrap();
    let mut rng = Generator::seed_from_u64(1);
    let embedding = Embedding { features: 0, sigma_min: 0.01, sigma_max: 6.0 };
    let denoiser = Denoiser::new(2, &[24, 24], Activation::Silu, Precondition::Edm, embedding, 0, &mut rng);
    let denoiser = denoiser.into_energy(&mut rng);
    let run = |steps: u64, rate: f32| {
        let mut learner =
            Learner::new(Cpu::default(), &denoiser.net, Hyper { beta1: 0.0, ..Hyper::default() });
        let (mut chains, mut rng) = (Chains::default(), Generator::seed_from_u64(2));
        let (denoiser, data, config) = (&denoiser, &data.standard, &config.training);
        let task = Task { objective: &objective, denoiser, data, config, seed: 1, grids: &[], before: 0 };
        for step in 0..steps {
            // The draw is only of the generator's state, which must move on.
            let batch = objective.draw(denoiser, data, 128, &mut rng);
            rng.next_u64();
            batch.step(&mut learner, &task, (step, rate, true), &mut chains)?;
        }
        Ok((chains, Denoiser { net: learner.net(), ..denoiser.clone() }))
    };
    let (chains, learnt) = run(150, 2e-3).unwrap();
    assert_eq!(chains.states.len(), 512 * 2);
    let law = Law::of(Toy::Moons, &data.codec.standardizer).unwrap();
    let [before, after] = [&denoiser, &learnt].map(|d| law.divergence(&d.at_levels(&[0.1]), 0, 0.1));
    assert!(after < 0.1 * before, "KL {before} to {after}");
    let last = chains.diagnoses[149];
    assert!((0.5..=1.0).contains(&last.acceptance) && (0.05..2.0).contains(&last.gradient), "{last:?}");
    let diverged: trainer::objective::Diverged = run(400, 30.0).map(drop).unwrap_err();
    assert!(diverged.to_string().contains("smaller --learning-rate"), "{diverged}");
}

/// A regression of the gradient finds an f with the slope sin.
#[test]
fn a_slope_is_learnt_by_its_values() {
    use rand::SeedableRng;
    use trainer::backend::Batch;
    let mut rng = Generator::seed_from_u64(4);
    let net = trainer::mlp::Mlp::new(&[1, 16, 1], Activation::Silu, &mut rng);
    let mut learner = Learner::new(Cpu::default(), &net, Hyper::default());
    let inputs: Vec<f32> = (0..64).map(|i| i as f32 / 16.0 - 2.0).collect();
    let targets: Vec<f32> = inputs.iter().map(|x| x.sin()).collect();
    let weights = vec![1.0; 64];
    let batch = OfGradient(Batch { inputs: &inputs, targets: &targets, weights: &weights });
    let first = learner.step_on(&batch, 5e-3, true).unwrap();
    (0..500).for_each(|_| _ = learner.step_on(&batch, 5e-3, false));
    let last = learner.step_on(&batch, 5e-3, true).unwrap();
    assert!(last < 0.02 * first, "{first} to {last}");
}

/// Nothing would write its ε̂. The reader's check is met by a blob of a score network whose header says otherwise.
#[test]
fn a_network_without_a_hidden_layer_is_no_energy() {
    let mut flat = Tiny::new(&[3, 1], 1);
    flat.way_back = Some(WayBack { unit: 1.0, top: vec![1; 3], multipliers: Vec::new() });
    let plan = Ancestral::new(1.0).unwrap().plan([4.0]).unwrap();
    let refused = Error::Malformed("an energy network without a hidden layer");
    assert_eq!(flat.encode(&plan).unwrap_err(), refused);
    let mut forged = Tiny::new(&[1, 1], 1).encode(&plan).unwrap();
    forged[24] = Kind::Energy as u8;
    assert_eq!(EnergyModel::from_bytes(&with_checksum(forged)).unwrap_err(), refused);
}

/// The energy is divided by the input's gain.
#[test]
fn gains_of_zero_are_refused() {
    for gain in [0.0, -0.0, -1.0, f32::MIN_POSITIVE, f32::NAN] {
        let mut tiny = Tiny::energy(&[3, 9, 1], 7, |_| 8);
        tiny.levels[2].input_gain = gain;
        let plan = Ancestral::new(1.0).unwrap().plan([4.0]).unwrap();
        assert_eq!(tiny.encode(&plan).unwrap_err(), Error::Malformed("gains of a noise level"), "{gain}");
    }
}
