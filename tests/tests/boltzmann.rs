//! Boltzmann machines of all kinds: Gibbs sampling in integers against enumeration of all states, and blobs that nothing
//! damaged passes for.

use rayon::prelude::*;
use tests::{between, with_checksum};
use tinyscore::blob::{BoltzmannSource, GaussianSource, Kind, RbmSource, StackSource};
use tinyscore::{
    BoltzmannMachine, Dbn, Error, GaussianGibbs, GaussianRbm, Gibbs, Model, Rbm, is_set, rng::stream,
};

/// A machine of random integers: biases below, above, weights.
struct Random {
    a: Vec<i32>,
    b: Vec<i32>,
    w: Vec<i8>,
}

impl Random {
    fn new(visible: usize, hidden: usize, seed: u64) -> Self {
        let mut rng = stream(seed, 0);
        let mut some = |count: usize, bound| (0..count).map(|_| between(&mut rng, bound)).collect::<Vec<_>>();
        let (a, b, w) = (some(visible, 40), some(hidden, 40), some(visible * hidden, 60));
        Self { a, b, w: w.into_iter().map(|w| w as i8).collect() }
    }

    fn source(&self) -> RbmSource<'_> {
        RbmSource { visible_biases: &self.a, hidden_biases: &self.b, weights: &self.w }
    }
}

fn encode(shift: u8, layers: &[RbmSource<'_>]) -> Result<Vec<u8>, Error> {
    let mut blob = vec![0; 1 << 16];
    let length = StackSource { name: "random", shift, layers }.encode(&mut blob)?;
    blob.truncate(length);
    Ok(blob)
}

fn rbm(visible: usize, hidden: usize, seed: u64) -> Vec<u8> {
    encode(5, &[Random::new(visible, hidden, seed).source()]).unwrap()
}

fn dbn() -> Vec<u8> {
    let layers = [Random::new(9, 6, 1), Random::new(6, 5, 2), Random::new(5, 7, 3)];
    encode(4, &layers.each_ref().map(Random::source)).unwrap()
}

/// A machine with lateral weights, and its blob.
fn lateral(visible: usize, units: usize, seed: u64) -> Vec<u8> {
    let mut rng = stream(seed, 0);
    let biases: Vec<i32> = (0..units).map(|_| between(&mut rng, 40)).collect();
    let mut weights = vec![0; units * units];
    for i in 0..units {
        for j in 0..i {
            let w = between(&mut rng, 50) as i8;
            (weights[i * units + j], weights[j * units + i]) = (w, w);
        }
    }
    let mut blob = vec![0; 1 << 14];
    let source = BoltzmannSource { name: "lateral", shift: 5, visible, biases: &biases, weights: &weights };
    let length = source.encode(&mut blob).unwrap();
    blob.truncate(length);
    blob
}

/// A machine of real visible units: what is written.
struct Gaussian {
    shift: u8,
    standard: Vec<(f32, f32)>,
    biases: Vec<i32>,
    weights: Vec<i8>,
}

impl Gaussian {
    /// Of two visible and three hidden units, with clusters that touch.
    fn small() -> Self {
        let biases = vec![-36_000, -29_500, -45_000];
        let weights = vec![90, 40, -50, 70, 60, -80];
        Self { shift: 5, standard: vec![(0.5, 2.0), (-1.0, 0.25)], biases, weights }
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { shift, standard, biases, weights } = self;
        let mut blob = vec![0; 1 << 12];
        let source =
            GaussianSource { name: "gaussian", shift: *shift, standard, hidden_biases: biases, weights };
        let length = source.encode(&mut blob)?;
        blob.truncate(length);
        Ok(blob)
    }
}

fn normalized(mut p: Vec<f64>) -> Vec<f64> {
    let z: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= z);
    p
}

/// p(v) by all states of both layers.
fn of_visible(rbm: &Rbm<'_>) -> Vec<f64> {
    let unit = 0.5_f64.powi(rbm.shift() as i32);
    let on = |state: usize, count: usize| (0..count).filter(move |i| state >> i & 1 == 1);
    let weight = |v: usize| {
        let a: i32 = on(v, rbm.visible()).map(|i| rbm.visible_bias(i)).sum();
        let inputs = (0..rbm.hidden())
            .map(|j| rbm.hidden_bias(j) + on(v, rbm.visible()).map(|i| rbm.weight(i, j)).sum::<i32>());
        inputs.fold((unit * f64::from(a)).exp(), |p, x| p * (1.0 + (unit * f64::from(x)).exp()))
    };
    normalized((0..1 << rbm.visible()).map(weight).collect())
}

/// p(v) by all states of all units.
fn of_machine(machine: &BoltzmannMachine<'_>) -> Vec<f64> {
    let (units, visible, unit) = (machine.units(), machine.visible(), 0.5_f64.powi(machine.shift() as i32));
    let mut p = vec![0.0; 1 << visible];
    for s in 0_usize..1 << units {
        let on = |&i: &usize| s >> i & 1 == 1;
        let energy =
            |i: usize| machine.bias(i) + (0..i).filter(on).map(|j| machine.weight(i, j)).sum::<i32>();
        let sum: i32 = (0..units).filter(on).map(energy).sum();
        p[s & ((1 << visible) - 1)] += (unit * f64::from(sum)).exp();
    }
    normalized(p)
}

/// The shares of states in so many chains, each of so many steps.
fn shares(
    states: usize,
    chains: u64,
    steps: usize,
    chain: impl Fn(u64, &mut dyn FnMut(usize)) + Sync,
) -> Vec<f64> {
    let one = |seed| {
        let mut counts = vec![0_u32; states];
        chain(seed, &mut |state| counts[state] += 1);
        counts
    };
    let all: Vec<Vec<u32>> = (1..=chains).into_par_iter().map(one).collect();
    let total = steps as f64 * chains as f64;
    (0..states).map(|s| all.iter().map(|c| f64::from(c[s])).sum::<f64>() / total).collect()
}

fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

const SWEEPS: usize = 1_000_000;

#[test]
fn gibbs_sampling_has_the_law_of_the_machine() {
    let blob = rbm(12, 8, 5);
    let rbm = Rbm::from_bytes(&blob).unwrap();
    let shares = shares(1 << 12, 8, SWEEPS, |seed, count| {
        let mut chain = Gibbs::<_, 1>::new(&rbm, stream(seed, 0)).unwrap();
        chain.run(&rbm, 100);
        for _ in 0..SWEEPS {
            chain.sweep(&rbm);
            count(chain.visible()[0] as usize);
        }
    });
    let distance = total_variation(&of_visible(&rbm), &shares);
    println!("total variation {distance:.4}");
    assert!(distance <= 0.01, "{distance}");
}

/// The other units, given those that are known.
#[test]
fn clamped_sampling_has_the_conditional_law() {
    let blob = rbm(12, 8, 5);
    let rbm = Rbm::from_bytes(&blob).unwrap();
    let (known, values) = ([0b1010_0101_0110], [0b1000_0001_0010]);
    let given = |(v, p): (usize, f64)| if v as u32 & known[0] == values[0] { p } else { 0.0 };
    let exact = normalized(of_visible(&rbm).into_iter().enumerate().map(given).collect());
    let steps = SWEEPS / 4;
    let shares = shares(1 << 12, 4, steps, |seed, count| {
        let mut chain = Gibbs::<_, 1>::new(&rbm, stream(seed, 0)).unwrap();
        for _ in 0..steps {
            chain.sweep_known(&rbm, &known, &values);
            count(chain.visible()[0] as usize);
        }
    });
    let distance = total_variation(&exact, &shares);
    assert!(distance <= 0.01, "{distance}");
}

#[test]
fn a_machine_with_lateral_weights_has_its_law() {
    let blob = lateral(7, 11, 3);
    let machine = BoltzmannMachine::from_bytes(&blob).unwrap();
    let shares = shares(1 << 7, 4, SWEEPS, |seed, count| {
        let (mut state, mut rng) = ([0], stream(seed, 0));
        for _ in 0..SWEEPS {
            machine.sweep(&mut state, &[0], &mut rng);
            count(state[0] as usize & 127);
        }
    });
    let distance = total_variation(&of_machine(&machine), &shares);
    assert!(distance <= 0.01, "{distance}");
    let mut state = [0b1_0101];
    (0..100).for_each(|_| machine.sweep(&mut state, &[0b1_1111], &mut stream(1, 0)));
    assert_eq!(state[0] & 0b1_1111, 0b1_0101);
}

/// Of a DBN the shares of the lowest units are those of the product of its conditionals.
#[test]
fn a_downward_pass_has_the_law_of_the_network() {
    let blob = dbn();
    let dbn = Dbn::from_bytes(&blob).unwrap();
    assert_eq!(dbn.widths().collect::<Vec<_>>(), [9, 6, 5, 7]);
    let mut p = of_visible(&dbn.top());
    for layer in dbn.lower() {
        let unit = 0.5_f64.powi(layer.shift() as i32);
        let mut below = vec![0.0; 1 << layer.visible()];
        for (h, p) in p.iter().enumerate() {
            for (v, to) in below.iter_mut().enumerate() {
                *to += (0..layer.visible()).fold(*p, |p, i| {
                    let on = (0..layer.hidden()).filter(|j| h >> j & 1 == 1);
                    let x = layer.visible_bias(i) + on.map(|j| layer.weight(i, j)).sum::<i32>();
                    let x = unit * f64::from(if v >> i & 1 == 1 { -x } else { x });
                    p / (1.0 + x.exp())
                });
            }
        }
        p = below;
    }
    let shares = shares(1 << 9, 4, SWEEPS, |seed, count| {
        let mut chain: Gibbs<_, 1> = dbn.chain(stream(seed, 0)).unwrap();
        for _ in 0..SWEEPS {
            chain.sweep(&dbn.top());
            count(dbn.descend(&mut chain)[0] as usize);
        }
    });
    let distance = total_variation(&p, &shares);
    assert!(distance <= 0.01, "{distance}");
}

/// Σⱼ wᵢⱼhⱼ
fn centre(rbm: &GaussianRbm<'_>, i: usize, h: usize) -> f64 {
    let on = (0..rbm.hidden()).filter(|j| h >> j & 1 == 1);
    0.5_f64.powi(rbm.shift() as i32) * f64::from(on.map(|j| rbm.weight(i, j)).sum::<i32>())
}

/// p(h | known u): e^(b·h + Σ known uᵢcᵢ + Σ unknown cᵢ²/2), where c are the centres.
fn of_hidden(rbm: &GaussianRbm<'_>, known: &[Option<f64>]) -> Vec<f64> {
    let unit = 0.5_f64.powi(rbm.shift() as i32 + 8);
    let log = |h: usize| {
        let biases = (0..rbm.hidden()).filter(|j| h >> j & 1 == 1).map(|j| rbm.bias(j)).sum::<i32>();
        known.iter().enumerate().fold(unit * f64::from(biases), |log, (i, u)| {
            let c = centre(rbm, i, h);
            log + u.map_or(c * c / 2.0, |u| u * c)
        })
    };
    normalized((0..1 << rbm.hidden()).map(|h| log(h).exp()).collect())
}

/// Largest difference of distribution functions: of u from a mixture of N(centreᵢ(h), 1).
fn kolmogorov_smirnov(rbm: &GaussianRbm<'_>, i: usize, p: &[f64], counts: &[u32]) -> f64 {
    let total = f64::from(counts.iter().sum::<u32>());
    let (mut below, mut largest) = (0.0, 0.0_f64);
    for (u, &count) in counts.iter().enumerate() {
        below += f64::from(count);
        let at = (u as f64 - HALF as f64 + 0.5) / 256.0;
        let tail = |h: usize| 0.5 * libm::erfc((centre(rbm, i, h) - at) / std::f64::consts::SQRT_2);
        let exact: f64 = p.iter().enumerate().map(|(h, p)| p * tail(h)).sum();
        largest = largest.max((below / total - exact).abs());
    }
    largest
}

/// Of the range of u, in units of 2⁻⁸.
const HALF: i32 = 1 << 12;

/// Shares of the hidden states, and counts of u of both visible units, in 4 chains.
fn gaussian_counts(blob: &[u8], known: &[bool], u: &[i16]) -> (Vec<f64>, [Vec<u32>; 2]) {
    let rbm = GaussianRbm::from_bytes(blob).unwrap();
    let one = |seed| {
        let (mut of_h, mut of_u) = (vec![0.0; 8], [(); 2].map(|()| vec![0; 2 * HALF as usize]));
        let mut chain = GaussianGibbs::<_, 3, 1>::new(&rbm, stream(seed, 0)).unwrap();
        (0..100).for_each(|_| chain.sweep_known(&rbm, known, u));
        for _ in 0..SWEEPS {
            chain.sweep_known(&rbm, known, u);
            of_h[chain.hidden()[0] as usize] += 0.25 / SWEEPS as f64;
            for (of_u, &u) in of_u.iter_mut().zip(chain.visible()) {
                of_u[(i32::from(u) + HALF) as usize] += 1;
            }
        }
        (of_h, of_u)
    };
    let all: Vec<_> = (1..=4).into_par_iter().map(one).collect();
    all.into_iter()
        .reduce(|(mut h, mut u), (h2, u2)| {
            h.iter_mut().zip(h2).for_each(|(a, b)| *a += b);
            u.iter_mut().flatten().zip(u2.iter().flatten()).for_each(|(a, b)| *a += b);
            (h, u)
        })
        .unwrap()
}

/// Against the mixture of 2³ normals that it is.
#[test]
fn a_machine_of_real_units_has_its_law() {
    let blob = Gaussian::small().encode().unwrap();
    let rbm = GaussianRbm::from_bytes(&blob).unwrap();
    let p = of_hidden(&rbm, &[None, None]);
    assert!(p.iter().filter(|&&p| p > 0.02).count() >= 5, "several clusters: {p:?}");
    let (shares, counts) = gaussian_counts(&blob, &[], &[]);
    let distance = total_variation(&p, &shares);
    println!("total variation {distance:.4}");
    assert!(distance <= 0.01, "{distance}");
    for (i, counts) in counts.iter().enumerate() {
        let distance = kolmogorov_smirnov(&rbm, i, &p, counts);
        println!("unit {i}: Kolmogorov–Smirnov {distance:.4}");
        assert!(distance <= 0.005, "unit {i}: {distance}");
    }
}

/// The other visible unit, given one.
#[test]
fn a_clamped_machine_of_real_units_has_the_conditional_law() {
    let blob = Gaussian::small().encode().unwrap();
    let rbm = GaussianRbm::from_bytes(&blob).unwrap();
    let mut u = [0; 2];
    rbm.to_units(&[5.5, 0.0], &mut u);
    assert_eq!(u, [640, 1024], "(v − a)/σ in units of 2⁻⁸");
    let p = of_hidden(&rbm, &[Some(2.5), None]);
    let (shares, counts) = gaussian_counts(&blob, &[true, false], &u);
    assert!(total_variation(&p, &shares) <= 0.01);
    assert_eq!(counts[0].iter().filter(|&&count| count > 0).count(), 1, "the known unit stays");
    let distance = kolmogorov_smirnov(&rbm, 1, &p, &counts[1]);
    assert!(distance <= 0.005, "{distance}");
    let mut v = [0.0; 2];
    rbm.to_data(&u, &mut v);
    assert_eq!(v, [5.5, 0.0]);
    rbm.to_units(&[f32::NAN, f32::INFINITY], &mut u);
    assert_eq!(u, [0, i16::MAX]);
}

#[test]
fn free_energy_of_real_units_is_its_formula() {
    let blob = Gaussian::small().encode().unwrap();
    let rbm = GaussianRbm::from_bytes(&blob).unwrap();
    let mut chain = GaussianGibbs::<_, 2, 1>::new(&rbm, stream(4, 0)).unwrap();
    chain.run(&rbm, 3);
    let u = chain.visible().map(|u| f64::from(u) / 256.0);
    let exact = (0..3).fold((u[0] * u[0] + u[1] * u[1]) / 2.0, |f, j| {
        let w = |i| f64::from(rbm.weight(i, j)) / 32.0;
        f - (f64::from(rbm.bias(j)) / 8192.0 + u[0] * w(0) + u[1] * w(1)).exp().ln_1p()
    });
    let energy = f64::from(chain.free_energy(&rbm));
    assert!((energy - exact).abs() < 1e-5, "{energy}, not {exact}");
}

/// In a machine of many units, against sums of single weights.
#[test]
fn free_energy_is_its_formula_in_any_shape() {
    for (visible, hidden) in [(1, 1), (3, 5), (33, 4), (70, 130), (64, 16), (258, 3)] {
        let blob = rbm(visible, hidden, 9);
        let rbm = Rbm::from_bytes(&blob).unwrap();
        let mut chain = Gibbs::<_, 9>::new(&rbm, stream(4, 0)).unwrap();
        chain.run(&rbm, 3);
        let v = *chain.visible();
        assert!((visible..288).all(|i| !is_set(&v, i)), "missing units are off");
        let on = || (0..visible).filter(|&i| is_set(&v, i));
        let a: i32 = on().map(|i| rbm.visible_bias(i)).sum();
        let exact = (0..hidden).fold(-f64::from(a) / 32.0, |f, j| {
            let x = rbm.hidden_bias(j) + on().map(|i| rbm.weight(i, j)).sum::<i32>();
            f - (f64::from(x) / 32.0).exp().ln_1p()
        });
        let energy = f64::from(chain.free_energy(&rbm));
        assert!(
            (energy - exact).abs() < 1e-5 * exact.abs().max(1.0),
            "{visible}×{hidden}: {energy}, not {exact}"
        );
    }
}

type Reader = fn(&[u8]) -> Result<(), Error>;
const READERS: [(Kind, Reader); 5] = [
    (Kind::Score, |b| Model::from_bytes(b).map(drop)),
    (Kind::Rbm, |b| Rbm::from_bytes(b).map(drop)),
    (Kind::Dbn, |b| Dbn::from_bytes(b).map(drop)),
    (Kind::BoltzmannMachine, |b| BoltzmannMachine::from_bytes(b).map(drop)),
    (Kind::GaussianRbm, |b| GaussianRbm::from_bytes(b).map(drop)),
];

/// Each blob with the reader of its kind.
fn blobs() -> [(Vec<u8>, Reader); 4] {
    let blobs = [rbm(5, 3, 1), dbn(), lateral(3, 5, 1), Gaussian::small().encode().unwrap()];
    let mut readers = READERS[1..].iter();
    blobs.map(|blob| (blob, readers.next().unwrap().1))
}

#[test]
fn a_blob_of_another_kind_is_named() {
    let score = include_bytes!("../../core/models/mixture.postcard").to_vec();
    let all = [
        (Kind::Score, score),
        (Kind::Rbm, rbm(5, 3, 1)),
        (Kind::Dbn, dbn()),
        (Kind::BoltzmannMachine, lateral(3, 5, 1)),
        (Kind::GaussianRbm, Gaussian::small().encode().unwrap()),
    ];
    for (found, blob) in &all {
        assert_eq!(Kind::of(blob), Ok(*found));
        for (asked, read) in READERS {
            // An RBM is a DBN of one layer.
            let good = asked == *found || (asked == Kind::Dbn && *found == Kind::Rbm);
            let expected = if good { Ok(()) } else { Err(Error::Kind { found: *found, asked }) };
            assert_eq!(read(blob), expected);
        }
    }
    let message = Error::Kind { found: Kind::Rbm, asked: Kind::Score }.to_string();
    assert!(
        message.contains("a restricted Boltzmann machine, not a score network: read it with Rbm::from_bytes"),
        "{message}"
    );
}

#[test]
fn every_truncation_and_flip_is_an_error() {
    for (blob, read) in blobs() {
        read(&blob).unwrap();
        for length in 0..blob.len() {
            assert!(matches!(read(&blob[..length]), Err(Error::Truncated { have, .. }) if have == length));
        }
        for i in 0..blob.len() {
            for mask in [0x01, 0x80, 0xff, 0x55] {
                let mut damaged = blob.clone();
                damaged[i] ^= mask;
                assert!(read(&damaged).is_err(), "byte {i} ^ {mask:#x}");
            }
        }
    }
}

/// With the checksum made right again, a changed byte is refused, or makes a machine that can be sampled.
#[test]
fn a_forged_blob_is_an_error_or_a_machine_that_cannot_panic() {
    let mut accepted = 0;
    for (blob, _) in blobs() {
        for i in (0..16).chain(20..blob.len()) {
            for mask in [0x01, 0x80, 0xff, 0x7f] {
                let mut forged = blob.clone();
                forged[i] ^= mask;
                accepted += u32::from(exercise(&with_checksum(forged)));
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

fn exercise(blob: &[u8]) -> bool {
    if let Ok(dbn) = Dbn::from_bytes(blob)
        && let Ok(mut chain) = dbn.chain::<_, 8>(stream(1, 0))
    {
        chain.run(&dbn.top(), 3);
        dbn.descend(&mut chain);
        assert!(chain.free_energy(&dbn.top()).is_finite());
        return true;
    }
    if let Ok(rbm) = GaussianRbm::from_bytes(blob)
        && let Ok(mut chain) = GaussianGibbs::<_, 8, 8>::new(&rbm, stream(1, 0))
    {
        chain.sweep_known(&rbm, &[true], &[i16::MIN]);
        assert!(chain.free_energy(&rbm).is_finite());
        return true;
    }
    BoltzmannMachine::from_bytes(blob)
        .map(|machine| machine.sweep(&mut [0; 8], &[0; 8], &mut stream(1, 0)))
        .is_ok()
}

/// The writer refuses what the reader would, by name.
#[test]
fn what_could_overflow_or_contradict_is_refused() {
    let refused = |random: Random, message| {
        assert_eq!(encode(5, &[random.source()]).unwrap_err(), Error::Malformed(message));
    };
    let random = || Random::new(5, 3, 1);
    refused(Random { a: vec![1 << 21, 0, 0, 0, 0], ..random() }, "a unit's sum could overflow");
    refused(Random { b: vec![0, 0, 32_700], ..random() }, "a unit's sum could overflow");
    refused(Random { w: vec![-128; 15], ..random() }, "a weight out of its range");
    refused(Random { a: vec![0; 300], b: vec![0], w: vec![127; 300] }, "a unit's sum could overflow");
    assert_eq!(encode(7, &[random().source()]).unwrap_err(), Error::Malformed("shift of the weights"));
    assert!(
        encode(5, &[random().source(), Random::new(4, 2, 1).source()]).is_err(),
        "layers that do not meet"
    );
    let mut blob = rbm(5, 3, 1);
    let weight = blob.len() - 1 - 8; // of the downward direction, whose padding is 128
    blob[weight] = 129;
    assert!(Rbm::from_bytes(&with_checksum(blob)).is_err());
    let blob = rbm(40, 3, 1);
    let rbm = Rbm::from_bytes(&blob).unwrap();
    let error = Gibbs::<_, 1>::new(&rbm, stream(1, 0)).unwrap_err();
    assert_eq!(error, Error::TooManyUnits { units: 40, words: 1 });
    let mut small = [0; 100];
    let random = random();
    let error =
        StackSource { name: "", shift: 5, layers: &[random.source()] }.encode(&mut small).unwrap_err();
    assert!(matches!(error, Error::Buffer { needed, have: 100 } if needed > 100));
}

#[test]
fn a_machine_of_real_units_that_could_overflow_is_refused() {
    let refused = |gaussian: Gaussian, message| {
        assert_eq!(gaussian.encode().unwrap_err(), Error::Malformed(message));
    };
    let small = Gaussian::small;
    let with = |a, sigma| vec![(0.0, 1.0), (a, sigma)];
    refused(Gaussian { biases: vec![i32::MAX, 0, 0], ..small() }, "a hidden unit's sum could overflow");
    refused(Gaussian { weights: vec![-128; 6], ..small() }, "a weight out of its range");
    refused(Gaussian { shift: 9, ..small() }, "shift of the weights");
    refused(Gaussian { shift: 0, weights: vec![127; 6], ..small() }, "a visible unit's sum could overflow");
    for (a, sigma) in
        [(f32::NAN, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, f32::INFINITY), (1e38, 1.0), (0.0, 1e26)]
    {
        refused(Gaussian { standard: with(a, sigma), ..small() }, "mean or scale");
    }
    refused(Gaussian { weights: vec![0; 40], ..small() }, "length and shapes disagree");
    let blob = small().encode().unwrap();
    let rbm = GaussianRbm::from_bytes(&blob).unwrap();
    let error = GaussianGibbs::<_, 1, 1>::new(&rbm, stream(1, 0)).unwrap_err();
    assert_eq!(error, Error::TooManyDimensions { dim: 2, capacity: 1 });
    let error = GaussianGibbs::<_, 2, 0>::new(&rbm, stream(1, 0)).unwrap_err();
    assert_eq!(error, Error::TooManyUnits { units: 3, words: 0 });
}
