//! The models, and the digests that every machine must print for them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use tests::Tiny;
use tinyscore::conformance;
use tinyscore::sampler::{Ancestral, Sampler};
use trainer::sample::{Network, network};

/// Samples of the promise.
pub const FULL: u64 = conformance::SAMPLES;
/// Samples on slow machines.
pub const FEW: u64 = 100;
/// The models, the firmware example's own first.
pub const NAMES: [&str; 3] = ["mixture", "codec", "energy"];

/// A model in a file.
pub struct Blob {
    pub name: &'static str,
    pub path: PathBuf,
}

/// The model of the README.
pub fn mixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/models/mixture.postcard")
}

/// The model of the README, one with a codec and odd widths, and an energy network.
pub fn blobs() -> [Blob; 3] {
    let tiny = |name, tiny: Tiny| {
        let sigmas: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
        let plan = Ancestral::new(0.5).and_then(|ancestral| ancestral.plan(sigmas)).expect("a plan");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.postcard"));
        std::fs::write(&path, tiny.encode(&plan).expect("a good model")).expect("written");
        Blob { name, path }
    };
    [
        Blob { name: NAMES[0], path: mixture() },
        tiny(NAMES[1], Tiny::new(&[5, 33, 5], 42).with_codec(8, 13, 42)),
        tiny(NAMES[2], Tiny::energy(&[3, 35, 18, 1], 42, |i| if i == 1 { 4 } else { 8 })),
    ]
}

/// The checked-in digests.
pub struct Expected(String);

impl Expected {
    /// Reads them; with UPDATE_CONFORMANCE computes them here and writes them.
    pub fn load(blobs: &[Blob]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/digests.txt");
        if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
            std::fs::write(&path, compute(blobs)).expect("written");
        }
        Self::parse(&std::fs::read_to_string(&path).expect("the digests"))
    }

    /// Of lines `digest MODEL SAMPLER FULL FEW`.
    pub fn parse(text: &str) -> Self {
        Self(text.into())
    }

    /// The lines that a machine prints for a model and a number of samples.
    pub fn of(&self, blob: &str, samples: u64) -> Lines {
        let column = if samples == FULL { 3 } else { 4 };
        let mut lines = Vec::new();
        for line in self.0.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.len() == 5 && words[..2] == ["digest", blob] {
                lines.push(format!("digest {} {}", words[2], words[column]));
            }
        }
        assert!(!lines.is_empty(), "no digests of {blob}");
        Lines(lines)
    }
}

/// What a machine must print.
#[derive(Clone)]
pub struct Lines(Vec<String>);

impl Lines {
    /// "same", or the first line that is not.
    pub fn compare(&self, output: &Output) -> Result<String, String> {
        let text = String::from_utf8_lossy(&output.stdout);
        let printed: Vec<&str> = text.lines().collect();
        if !output.status.success() {
            return Err(format!("{}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        for (expected, printed) in self.0.iter().zip(&printed) {
            if expected != printed {
                return Err(format!("{printed}, not {expected}"));
            }
        }
        if printed.len() == self.0.len() {
            Ok("same".into())
        } else {
            Err(format!("{} digests of {}", printed.len(), self.0.len()))
        }
    }
}

fn compute(blobs: &[Blob]) -> String {
    let mut text =
        format!("# digest MODEL SAMPLER, after {FULL} and after {FEW} samples; see conformance.rs\n");
    for Blob { name, path } in blobs {
        let bytes = std::fs::read(path).expect("the model");
        let [full, few] = [FULL, FEW].map(|samples| digests(&bytes, samples));
        for ((sampler, full), (_, few)) in full.iter().zip(few) {
            let _ = writeln!(text, "digest {name} {sampler} {full:016x} {few:016x}");
        }
    }
    text
}

fn digests(blob: &[u8], samples: u64) -> Vec<(String, u64)> {
    let mut digests = Vec::new();
    let mut network = network(blob).expect("a good model");
    let model = network.model().clone();
    let report = |name: &str, digest| digests.push((name.into(), digest));
    match &mut network {
        Network::Energy(network) => conformance::energy_digests::<64, 64>(&model, network, samples, report),
        network => conformance::digests::<64, 64>(&model, network, samples, report),
    }
    .expect("the model fits");
    digests
}
