//! How many instructions a layer takes on each kind of core, counted in emulators: exact, so a change that makes
//! one slower is seen.
//!
//! `cargo test --release -p tests --test instructions -- --nocapture` prints the table. It fails if a count is more
//! than 1 % above that in `golden/instructions.txt`; `UPDATE_GOLDEN=1` renews the file. What is not installed is
//! skipped, as the summary of the test `conformance` says; with `CONFORMANCE_REQUIRE_ALL=1` that fails.

#[path = "conformance/digests.rs"]
#[allow(dead_code)]
mod digests;
#[path = "conformance/image.rs"]
#[allow(dead_code)]
mod image;
#[path = "conformance/machines.rs"]
#[allow(dead_code)]
mod machines;

use machines::{Case, EMULATED_M4F, Job, board, firmware, run_with};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::thread;
use tests::Tiny;
use tinyscore::sampler::{Heun, Sampler};

/// A core, and what its kernel can do at best.
struct Core {
    case: Case,
    /// Where the emulated board has a megabyte of memory.
    memory: usize,
    /// Instructions per multiply–accumulate that no kernel of this kind can go below.
    bound: f64,
    /// Cycles of the inner loop per multiply–accumulate, by the technical reference manual: ours and CMSIS-NN's, the latter counted
    /// by the same rules in the code of its loop by GCC 12, `-O3`.
    cycles: Option<[f64; 2]>,
    /// CMSIS-NN's instructions per multiply–accumulate: 128→128, 512→512 twice, 784→512,
    /// autoencoder.
    rival: [f64; 5],
}

const CORES: [Core; 6] = [
    Core {
        // The instructions of a Cortex-M0 on a board with more memory.
        case: Case { feature: Some("board-qemu-mps2-an385"), ..board("Cortex-M0", "thumbv6m-none-eabi") },
        memory: 0x2100_0000,
        // A load, MULS and ADD for each product.
        bound: 3.0,
        // Eight products: 9 loads of 2 cycles, 8 MULS, 8 ADD, 2 extractions, 2 steps; each 64, CMP and 2 branches of 3.
        // The rival's three products: 5 loads, 17 others, a branch.
        cycles: Some([(9.0 * 2.0 + 8.0 + 8.0 + 4.0) / 8.0 + 7.0 / 64.0, (5.0 * 2.0 + 17.0 + 3.0) / 3.0]),
        rival: [6.80, 6.20, 6.20, 6.13, 1756.0 / 264.192],
    },
    Core {
        case: board("Cortex-M3", "thumbv7m-none-eabi"),
        memory: 0x2100_0000,
        // A load and MLA for each product.
        bound: 2.0,
        // Four products: 5 loads in a row, 1 + 5 cycles, 4 MLA of 2; each 32, CMP and a branch of 3.
        // The rival's three products: 4 loads, two of them in a row, ADD, 3 MLA, CMP, a branch.
        cycles: Some([(6.0 + 8.0) / 4.0 + 4.0 / 32.0, (3.0 + 4.0 + 1.0 + 6.0 + 1.0 + 3.0) / 3.0]),
        rival: [3.67, 3.42, 3.42, 3.39, 952.0 / 264.192],
    },
    Core {
        case: EMULATED_M4F,
        memory: 0x2100_0000,
        // SMLALD, UXTB16 and SMLAD for four products; one load brings any number of registers.
        bound: 0.75,
        // 16 products: 12 instructions of one cycle, 2 LDM of four words, 1 + 4; each 256, CMP and a branch of 3.
        // The rival's 32 products: 69 instructions, 21 of them loads and stores, partly in a row.
        cycles: Some([22.0 / 16.0 + 4.0 / 256.0, 80.0 / 32.0]),
        rival: [2.27, 1.97, 1.97, 1.94, 579.0 / 264.192],
    },
    Core {
        case: Case { feature: Some("dsp"), ..board("Cortex-M33", "thumbv8m.main-none-eabihf") },
        memory: 0x8000_0000,
        bound: 0.75,
        cycles: None, // its manual gives none
        rival: [2.27, 1.97, 1.97, 1.94, 579.0 / 264.192],
    },
    Core {
        case: Case {
            feature: Some("mve,board-qemu-mps3-an547"),
            ..board("Cortex-M55", "thumbv8m.main-none-eabihf")
        },
        memory: 0x6000_0000,
        // Sixteen products are one VMLADAVA for bytes; with 16-bit activations two.
        bound: 0.0625,
        cycles: None,
        rival: [0.58, 0.49, 0.49, 0.49, 147.0 / 264.192],
    },
    Core {
        case: board("RISC-V rv32imac", "riscv32imac-unknown-none-elf"),
        memory: 0x8080_0000,
        // A load, MUL and ADD for each product.
        bound: 3.0,
        cycles: None, // as many as its maker likes
        rival: [f64::NAN; 5],
    },
];

const AUTOENCODER: &[usize] = &[640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640];
/// Name, widths, and which part is counted: the first layer, the first layer with activations of 8 bits, or all.
const LAYERS: [(&str, &[usize], &str); 5] = [
    ("128→128", &[128, 128, 128], "layer"),
    ("512→512", &[512, 512, 512], "layer"),
    ("512→512, 8-bit activations", &[512, 512, 512], "bytes"),
    ("784→512", &[784, 512, 784], "layer"),
    ("autoencoder", AUTOENCODER, "evaluation"),
];

/// Multiply–accumulates that are counted.
fn macs(widths: &[usize], part: &str) -> usize {
    let pairs = widths.windows(2).map(|pair| pair[0] * pair[1]);
    pairs.take(if part == "evaluation" { widths.len() } else { 1 }).sum()
}

fn model(widths: &[usize], bits: u8) -> PathBuf {
    let tiny = Tiny::with_bits(widths, 1, |_| bits).inside_the_table();
    let sigmas: Vec<f32> = tiny.levels.iter().map(|level| level.sigma).collect();
    let plan = Heun.plan(sigmas).expect("a plan");
    let name: Vec<String> = widths.iter().map(ToString::to_string).collect();
    let name = format!("count-{}-{bits}.postcard", name.join("-"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, tiny.encode(&plan).expect("a good model")).expect("written");
    path
}

/// Runs the program with the model in memory; the instructions.
fn count(core: &Core, program: &Path, model: &Path, part: &str) -> u64 {
    let device = format!("loader,file={},addr={:#x},force-raw=on", model.display(), core.memory);
    let output = run_with(&core.case, program, b"", &["-device", &device]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", core.case.name);
    assert!(
        text.starts_with("kernel 0\n"),
        "{}: another result than the portable kernel's: {text}",
        core.case.name
    );
    let part = format!("bench {part} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&part)).expect("a count");
    line.split(' ').next().and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn instructions_do_not_rise() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/instructions.txt");
    let mut counts = BTreeMap::new();
    let models = LAYERS.map(|(_, widths, _)| [8, 4].map(|bits| (bits, model(widths, bits))));
    thread::scope(|scope| {
        let (mut running, models) = (Vec::new(), &models);
        for core in &CORES {
            let missing = core.case.missing();
            if !missing.is_empty() {
                let required = std::env::var_os("CONFORMANCE_REQUIRE_ALL").is_some_and(|v| v != "0");
                assert!(!required, "{}: no {missing:?}", core.case.name);
                continue;
            }
            let at = core.memory.to_string();
            let job = Job { features: &["count"], memory: Some(&at), ..Job::program("count") };
            let program = firmware(&core.case, &job).expect("the program builds");
            running.push(scope.spawn(move || {
                let mut counts = Vec::new();
                for ((name, _, part), models) in LAYERS.into_iter().zip(models) {
                    for (bits, model) in models {
                        counts.push(((core.case.name, name, *bits), count(core, &program, model, part)));
                    }
                }
                counts
            }));
        }
        for running in running {
            counts.extend(running.join().expect("it ends"));
        }
    });
    println!("{}", table(&counts));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut text = String::new();
        for ((core, layer, bits), count) in &counts {
            let _ = writeln!(text, "{core}, {layer}, {bits} bits: {count}");
        }
        std::fs::write(&path, text).expect("written");
    }
    let golden = std::fs::read_to_string(&path).expect("the counts");
    for ((core, layer, bits), count) in counts {
        let key = format!("{core}, {layer}, {bits} bits: ");
        let line = golden.lines().find_map(|line| line.strip_prefix(&key)).expect("a line for each");
        let before: u64 = line.parse().expect("a number");
        assert!(100 * count <= 101 * before, "{key}{count}, was {before}");
    }
}

/// Markdown.
fn table(counts: &BTreeMap<(&str, &str, u8), u64>) -> String {
    let mut text = String::from(
        "| core | layer | 8 bits: instructions | per MAC | 4 bits: per MAC | CMSIS-NN per MAC | bound | cycles of the loop per MAC | CMSIS-NN's |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for core in &CORES {
        for ((name, widths, part), rival) in LAYERS.into_iter().zip(core.rival) {
            let count = |bits| counts.get(&(core.case.name, name, bits)).copied();
            let (Some(eight), Some(four)) = (count(8), count(4)) else { continue };
            let per_mac = |count: u64| count as f64 / macs(widths, part) as f64;
            let [ours, theirs] =
                [0, 1].map(|i| core.cycles.map_or("–".into(), |cycles| format!("{:.2}", cycles[i])));
            let _ = writeln!(
                text,
                "| {} | {name} | {eight} | {:.3} | {:.3} | {} | {:.3} | {ours} | {theirs} |",
                core.case.name,
                per_mac(eight),
                per_mac(four),
                if rival.is_nan() { String::from("–") } else { format!("{rival:.2}") },
                core.bound,
            );
        }
    }
    text
}
