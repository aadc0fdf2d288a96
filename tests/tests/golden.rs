//! Golden bits: numbers that may only change with the arithmetic version.
//!
//! Produced on x86-64 Linux by this test with `UPDATE_GOLDEN=1 cargo test -p tests --test golden`, which
//! rewrites `golden/bits.txt`. A change is value-breaking: raise `tinyscore::arith::ARITHMETIC`, say so in
//! CHANGELOG.md, and commit the new file on its own.

use std::fmt::Write;
use std::path::Path;
use tests::Tiny;
use tinyscore::arith::ARITHMETIC;
use tinyscore::conformance;
use tinyscore::levels::Spacing;
use tinyscore::normal::standard_normal;
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Sampler};
use trainer::sample::network;

fn bits() -> String {
    let mut out = format!("arithmetic {ARITHMETIC}\n");
    for (seed, chain) in [(0, 0), (1, 0), (1, 1), (u64::MAX, 12345)] {
        let mut rng = stream(seed, chain);
        let z: Vec<String> = (0..4).map(|_| format!("{:08x}", standard_normal(&mut rng).to_bits())).collect();
        let _ = writeln!(out, "normal {seed} {chain} {}", z.join(" "));
    }
    let spacings = [
        ("geometric", Spacing::Geometric),
        ("karras", Spacing::Karras { rho: 7.0 }),
        ("linear-beta", Spacing::LinearBeta { beta_min: 0.1, beta_max: 20.0 }),
    ];
    for (name, spacing) in spacings {
        let mut sigmas = [0.0; 7];
        spacing.fill(10.0, 0.01, &mut sigmas).unwrap();
        let sigmas: Vec<String> = sigmas.iter().map(|s| format!("{:08x}", s.to_bits())).collect();
        let _ = writeln!(out, "levels {name} {}", sigmas.join(" "));
    }
    for (name, widths) in [("deep", &[2, 24, 24, 2][..]), ("wide", &[5, 33, 5][..])] {
        let tiny = Tiny::new(widths, 42);
        let tiny = if name == "wide" { tiny.with_codec(8, 13, 42) } else { tiny };
        let sigmas: Vec<f32> = tiny.levels.iter().map(|l| l.sigma).collect();
        let blob = tiny.encode(&Ancestral::new(0.5).unwrap().plan(sigmas).unwrap()).unwrap();
        let mut network = network(&blob).unwrap();
        let _ = writeln!(out, "blob {name} {:08x}", network.model().checksum());
        let model = network.model().clone();
        conformance::digests::<8, 16>(&model, &mut network, 200, |sampler, digest| {
            let _ = writeln!(out, "digest {name} {sampler} {digest:016x}");
        })
        .unwrap();
    }
    out
}

#[test]
fn bits_are_the_golden_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/bits.txt");
    let bits = bits();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &bits).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (now, then) in bits.lines().zip(golden.lines()) {
        assert_eq!(now, then, "value-breaking change: see the head of this file");
    }
    assert_eq!(bits.lines().count(), golden.lines().count());
}
