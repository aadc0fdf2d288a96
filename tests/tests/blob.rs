//! The blob: what is written is read, and nothing damaged is believed or panics.

use proptest::prelude::*;
use tests::{CLASSES, Tiny, with_checksum};
use tinyscore::sampler::{DpmSolver2M, Heun, Sampler};
use tinyscore::{
    Chain, Conditional, Detector, Error, Guided, Known, Levels, Mlp, Model, Plan, Score, rng::stream,
};
use trainer::sample::{Network, network};

fn tiny() -> Vec<u8> {
    let tiny = Tiny::new(&[3, 9, 17, 3], 7);
    let sigmas: Vec<f32> = tiny.levels.iter().map(|l| l.sigma).collect();
    tiny.encode(&Heun.plan(sigmas).unwrap()).unwrap()
}

#[test]
fn what_was_written_is_read() {
    let blob = tiny();
    let model = Model::from_bytes(&blob).unwrap();
    assert_eq!((model.name(), model.dim(), model.width()), ("tiny", 3, 17));
    assert_eq!(model.widths().collect::<Vec<_>>(), [3, 9, 17, 3]);
    assert_eq!(model.macs(), 3 * 9 + 9 * 17 + 17 * 3);
    assert_eq!(model.levels().count(), 5);
    assert_eq!((model.levels().sigma(0), model.levels().sigma(5)), (4.0, 0.0));
    let mut data = [0.0; 3];
    model.to_data(&[0.0, 1.0, -1.0], &mut data);
    assert_eq!(data, [0.25, 2.25, -1.75]);
    let mut x = [0.0; 3];
    model.to_model(&data, &mut x);
    assert_eq!(x, [0.0, 1.0, -1.0]);
    assert_eq!(with_checksum(blob.clone()), blob);
}

#[test]
fn the_stored_plan_is_the_computed_one() {
    let blob = tiny();
    let model = Model::from_bytes(&blob).unwrap();
    let (stored, computed) = (model.plan(), Heun.plan(model.levels()).unwrap());
    assert_eq!((stored.rows(), stored.history(), stored.levels()), (9, 1, 5));
    assert_eq!(stored.prior(), computed.prior());
    for row in 0..9 {
        assert_eq!(stored.step(row), computed.step(row));
    }
}

#[test]
fn bytes_after_the_end_are_ignored() {
    let mut blob = tiny();
    let length = blob.len();
    blob.extend([0xff; 100]);
    assert_eq!(Model::from_bytes(&blob).unwrap().as_bytes().len(), length);
}

#[test]
fn every_truncation_is_an_error() {
    let blob = tiny();
    for length in 0..blob.len() {
        let error = Model::from_bytes(&blob[..length]).unwrap_err();
        assert!(matches!(error, Error::Truncated { have, .. } if have == length), "{length}: {error}");
    }
}

#[test]
fn every_flip_of_a_byte_is_an_error() {
    let blob = tiny();
    for i in 0..blob.len() {
        for mask in [0x01, 0x80, 0xff, 0x55] {
            let mut damaged = blob.clone();
            damaged[i] ^= mask;
            assert!(Model::from_bytes(&damaged).is_err(), "byte {i} ^ {mask:#x}");
        }
    }
}

/// With the checksum made right again, a changed byte may pass: then the model must evaluate without a
/// panic and stay finite.
#[test]
fn a_forged_blob_is_an_error_or_a_model_that_cannot_panic() {
    let blob = tiny();
    let mut accepted = 0;
    for i in (0..16).chain(20..blob.len()) {
        for mask in [0x01, 0x80, 0xff, 0x7f] {
            let mut forged = blob.clone();
            forged[i] ^= mask;
            let forged = with_checksum(forged);
            if let Ok(mut network) = network(&forged) {
                accepted += 1;
                exercise(&mut network);
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

fn exercise(network: &mut Network<'_>) {
    let dim = network.dim();
    for value in [0.0, 1.0, -1e30, f32::INFINITY, f32::NAN] {
        let mut eps = vec![0.0; dim];
        network.noise(&vec![value; dim], 1000, &mut eps);
    }
    let plan = network.model().plan();
    if let Ok(mut chain) = Chain::<_, 8, 3>::new(&plan, network, stream(1, 1)) {
        chain.run(&plan, network);
        assert!(chain.state().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn misfits_are_named_with_both_numbers() {
    let blob = tiny();
    let model = Model::from_bytes(&blob).unwrap();
    assert_eq!(Mlp::new(model.clone(), [0; 36]).unwrap_err(), Error::Scratch { needed: 37, have: 36 });
    let network = Mlp::new(model.clone(), [0; 37]).unwrap();
    let plan = model.plan();
    let start = |_| stream(1, 0);
    let error = Chain::<_, 2>::new(&plan, &network, start(())).unwrap_err();
    assert_eq!(error, Error::TooManyDimensions { dim: 3, capacity: 2 });
    let error = Chain::<_, 3, 0>::new(&plan, &network, start(())).unwrap_err();
    assert_eq!(error, Error::History { asked: 1, capacity: 0 });
    let six = DpmSolver2M.plan([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]).unwrap();
    let error = Chain::<_, 3>::new(&six, &network, start(())).unwrap_err();
    assert_eq!(error, Error::MissingLevels { asked: 6, have: 5 });
    let error = Chain::<_, 3>::from_state(&plan, &network, start(()), &[0.0; 2]).unwrap_err();
    assert_eq!(error, Error::Length { dim: 3, have: 2 });
}

#[test]
fn a_small_buffer_says_what_is_needed() {
    let tiny = Tiny::new(&[2, 3, 2], 1);
    let whole = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap();
    let Err(Error::Truncated { needed, .. }) = Model::from_bytes(&whole[..30]) else { panic!() };
    assert_eq!(needed, whole.len());
}

#[test]
fn messages_say_what_to_do() {
    let blob = tiny();
    let mut other = blob.clone();
    other[10] = 9;
    for (bytes, part) in [
        (&b"not a blob, but long enough for the prefix"[..], "wrong magic"),
        (&blob[..100], "copy or flash it again"),
        (&other[..], "arithmetic version 9"),
    ] {
        let message = Model::from_bytes(bytes).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

/// A row whose sum could pass 2³¹ is refused, not wrapped.
#[test]
fn an_overflowing_layer_is_refused() {
    let mut tiny = Tiny::new(&[2, 3, 2], 1);
    tiny.layers[0].biases[1] = i32::MAX - 10;
    let error = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap_err();
    assert_eq!(error, Error::Malformed("a layer's sum could overflow"));
    let mut tiny = Tiny::new(&[2, 3, 2], 1);
    tiny.layers[0].weights[0] = -128;
    let error = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap_err();
    assert_eq!(error, Error::Malformed("a weight out of its range"));
    let mut tiny = Tiny::with_bits(&[2, 3, 2], 1, |_| 4);
    tiny.layers[0].weights[0] = 8;
    let error = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap_err();
    assert_eq!(error, Error::Malformed("a weight out of its range"));
}

/// The lanes of a layer's padding hold zero weights, and no field the most negative number.
#[test]
fn padding_and_the_range_of_weights_are_checked() {
    let tiny = Tiny::new(&[3, 9, 3], 7);
    let blob = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap();
    let lane = |w0: i8, w1: i8| (256 * i16::from(w0) + i16::from(w1) + 128).to_le_bytes();
    let weights = &tiny.layers[0].weights;
    let first: Vec<u8> = (0..3).flat_map(|c| lane(weights[c], weights[3 + c])).chain(lane(0, 0)).collect();
    let at = blob.windows(8).position(|window| window == first).unwrap();
    let last = at + 8 * 4;
    assert_eq!(blob[last + 6..last + 8], lane(0, 0));
    for (at, byte, message) in [
        (at, 0, "a weight out of its range"),
        (at + 1, 0x80, "a weight out of its range"),
        (at + 6, 1, "padding of weights"),
        (at + 7, 1, "padding of weights"),
        (last, 127, "padding of weights"),
    ] {
        let mut forged = blob.clone();
        forged[at] = byte;
        assert_eq!(Model::from_bytes(&with_checksum(forged)).unwrap_err(), Error::Malformed(message));
    }
}

/// The blob of a codec of 2 latents and 3 data, in which no section may lie beyond.
#[test]
fn a_codec_is_checked() {
    let tiny = Tiny::new(&[2, 5, 2], 1).with_codec(8, 3, 1);
    let plan = Heun.plan([1.0]).unwrap();
    let blob = tiny.encode(&plan).unwrap();
    let model = Model::from_bytes(&blob).unwrap();
    assert_eq!((model.dim(), model.data_dim(), model.decoder_macs()), (2, 3, 6));
    // The header's codec: outputs, bits, gain.
    let header = [&[3, 8][..], &1000_f32.to_le_bytes()].concat();
    let at = blob.windows(6).position(|window| window == header).unwrap();
    for (at, byte, message) in [
        (at + 1, 3, "codec"),
        (at, 0, "codec"),
        (at + 5, 0xc4, "gain of the codec"),
        (at + 5, 0x7f, "gain of the codec"),
        (at, 30, "length and shapes disagree"),
    ] {
        let mut forged = blob.clone();
        forged[at] = byte;
        assert_eq!(Model::from_bytes(&with_checksum(forged)).unwrap_err(), Error::Malformed(message));
    }
    let mut wrong = tiny.clone();
    wrong.codec.as_mut().unwrap().1[0] = -128;
    assert_eq!(wrong.encode(&plan).unwrap_err(), Error::Malformed("a weight out of its range"));
    let wide = Tiny::new(&[257, 5, 257], 1).with_codec(8, 300, 1);
    assert_eq!(wide.encode(&plan).unwrap_err(), Error::Malformed("codec"));
}

/// Latents of data that the codec made are the ones it made them of: its columns are orthogonal here.
#[test]
fn orthogonal_latents_come_back() {
    let mut tiny = Tiny::new(&[2, 5, 2], 1);
    tiny.codec = Some((8, vec![100, 50, 50, -100, 0, 0]));
    let blob = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap();
    let model = Model::from_bytes(&blob).unwrap();
    let (mut data, mut x) = ([0.0; 3], [0.0; 2]);
    model.to_data(&[0.125, -1.5], &mut data);
    assert_eq!(data[2], 0.25);
    model.to_model(&data, &mut x);
    assert!((x[0] - 0.125).abs() < 1e-5 && (x[1] + 1.5).abs() < 1e-5, "{x:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// So does its codec.
    #[test]
    fn the_codec_equals_its_rule(
        dim in 1_usize..80,
        data in 1_usize..300,
        seed: u64,
        four: bool,
        x in prop::collection::vec(-50.0_f32..50.0, 80),
    ) {
        let tiny = Tiny::new(&[dim, 3, dim], seed).with_codec(if four { 4 } else { 8 }, data, seed);
        let blob = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap();
        let mut decoded = vec![0.0; data];
        Model::from_bytes(&blob).unwrap().to_data(&x[..dim], &mut decoded);
        let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&decoded), bits(&tiny.decoded(&x[..dim])));
    }

    /// The core's network equals the written rules in wide integers, bit for bit, in any shape.
    #[test]
    fn the_network_equals_its_rules(
        dim in 1_usize..6,
        hidden in prop::collection::vec(1_usize..40, 1..5),
        seed: u64,
        x in prop::collection::vec(-8.0_f32..8.0, 6),
        level in 0_usize..5,
        class in prop::option::of(0..CLASSES),
        four: u8,
    ) {
        let widths: Vec<usize> = [dim].into_iter().chain(hidden).chain([dim]).collect();
        let tiny = Tiny::with_bits(&widths, seed, |layer| if four >> layer & 1 == 1 { 4 } else { 8 });
        let blob = tiny.encode(&Heun.plan([1.0]).unwrap()).unwrap();
        let mut network = network(&blob).unwrap();
        network.choose(class).unwrap();
        let mut eps = vec![0.0; dim];
        network.noise(&x[..dim], level, &mut eps);
        let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&eps), bits(&tiny.noise(&x[..dim], level, class)));
    }
}

/// What is divided by is far enough from 0 that no quotient is infinite.
#[test]
fn a_gain_of_zero_and_a_subnormal_sigma_or_scale_are_refused() {
    let plan = Heun.plan([1.0]).unwrap();
    let least = 1.0 / tinyscore::arith::BOUND;
    let with = |change: &dyn Fn(&mut Tiny)| {
        let mut tiny = Tiny::new(&[2, 3, 2], 1);
        change(&mut tiny);
        tiny.encode(&plan)
    };
    for gain in [0.0, -0.0, -1.0, 1e-39, 0.5 * least, f32::NAN] {
        let error = with(&|tiny| tiny.levels[4].input_gain = gain).unwrap_err();
        assert_eq!(error, Error::Malformed("gains of a noise level"), "{gain}");
    }
    for sigma in [0.0, 1e-39, 0.5 * least, f32::NAN] {
        let error = with(&|tiny| tiny.levels[4].sigma = sigma).unwrap_err();
        assert_eq!(error, Error::Malformed("noise levels must descend and be positive"), "{sigma}");
    }
    assert!(with(&|tiny| (tiny.levels[4].sigma, tiny.levels[4].input_gain) = (least, least)).is_ok());
    // The only scale of 2 lies before the plan's 32 bytes.
    let blob = Tiny::new(&[1, 3, 1], 1).encode(&plan).unwrap();
    let at = blob.len() - 32 - 16 + 4;
    assert_eq!(blob[at..at + 4], 2.0_f32.to_le_bytes());
    for scale in [0.0, 1e-39, -1.0] {
        let mut forged = blob.clone();
        forged[at..at + 4].copy_from_slice(&f32::to_le_bytes(scale));
        let error = Model::from_bytes(&with_checksum(forged)).unwrap_err();
        assert_eq!(error, Error::Malformed("mean or scale"), "{scale}");
    }
}

/// A detector of one level many times over would take seconds on a device and tell no more.
#[test]
fn a_detector_looks_at_each_level_once() {
    let plan = Heun.plan([1.0]).unwrap();
    let detector = |first, stride, count| {
        let mut tiny = Tiny::new(&[2, 3, 2], 1);
        tiny.detector = Detector { first, stride, count, threshold: 0.75 };
        tiny.encode(&plan).map(|_| ())
    };
    let again = Error::Malformed("an anomaly detector that looks at one level again and again");
    for count in [2, 5, 65_535] {
        assert_eq!(detector(0, 0, count), Err(again), "{count}");
    }
    for (first, stride, count) in [(0, 1, 6), (5, 0, 1), (4, 1, 2), (1, 2, 65_535), (65_535, 65_535, 65_535)]
    {
        assert_eq!(detector(first, stride, count), Err(Error::Malformed("anomaly detector")), "{first}");
    }
    for (first, stride, count) in [(0, 1, 5), (4, 0, 1), (4, 9, 1), (0, 0, 0), (0, 4, 2)] {
        assert_eq!(detector(first, stride, count), Ok(()), "{first}");
    }
}

/// Of an affine network without hidden layers, too, every entry is written; whatever was there before.
#[test]
fn every_entry_of_the_noise_is_written() {
    for widths in [&[3, 3][..], &[1, 1], &[7, 9, 7], &[70, 5, 70]] {
        let blob = Tiny::new(widths, 3).encode(&Heun.plan([1.0]).unwrap()).unwrap();
        let model = Model::from_bytes(&blob).unwrap();
        let (dim, x) = (model.dim(), vec![0.5; model.dim()]);
        let mut mlp = Mlp::new(model.clone(), vec![0; model.scratch()]).unwrap();
        let noise = |score: &mut dyn Score, before: f32| {
            let mut eps = vec![before; dim];
            score.noise(&x, 1, &mut eps);
            eps
        };
        let mut network = network(&blob).unwrap();
        let expected = noise(&mut mlp, f32::NAN);
        assert!(expected.iter().all(|eps| eps.is_finite()), "{widths:?}");
        assert_eq!(noise(&mut mlp, 7.0), expected, "{widths:?}");
        assert_eq!(noise(&mut network, f32::NAN), expected, "{widths:?}");
        let mut guided = Guided::<_, 70>::new(network.clone(), 1, 2.0).unwrap();
        assert!(noise(&mut guided, f32::NAN).iter().all(|eps| eps.is_finite()), "{widths:?}");
        let mask = vec![true; dim];
        let mut known = Known::new(network, model.levels(), &x, &mask).unwrap();
        assert_eq!(noise(&mut known, f32::NAN), vec![0.0; dim], "{widths:?}");
    }
}
