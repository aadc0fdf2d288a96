//! Prepares the model and the board: copies the blob to be linked in with the capacities it needs, and
//! takes the memory map and the run command out of the header of the board's file.

use std::env::{self, var};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tinyscore::{EnergyModel, Model, Plan};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(var("OUT_DIR").unwrap());
    println!("cargo:rerun-if-env-changed=MODEL");
    let path = var("MODEL").unwrap_or_else(|_| "../core/models/mixture.postcard".into());
    model(&out, "model", &path);
    model(&out, "digits", "../core/models/digits.postcard");
    model(&out, "ecg", "../core/models/ecg.postcard");
    model(&out, "moons", "../core/models/moons.postcard");
    board(&out);
}

/// A blob, and its capacities as constants.
fn model(out: &Path, name: &str, path: &str) {
    println!("cargo:rerun-if-changed={path}");
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let energy = EnergyModel::from_bytes(&bytes);
    let (model, scratch) = match (&energy, Model::from_bytes(&bytes)) {
        (Ok(energy), _) => (energy.model().clone(), energy.scratch()),
        (_, Ok(model)) => (model.clone(), model.scratch()),
        (_, Err(e)) => panic!("{path}: {e}"),
    };
    let (dim, data) = (model.dim(), model.data_dim());
    let history = model.plan().history().max(1);
    let constants = format!(
        "/// Dimensions of the sampler's state.\npub const DIM: usize = {dim};\n\
         /// Dimensions of the data: the same unless the model has a codec.\npub const DATA: usize = {data};\n\
         /// Scratch memory that its network needs.\npub const SCRATCH: usize = {scratch};\n\
         /// Old evaluations its plan and the samplers here read.\npub const HISTORY: usize = {history};\n"
    );
    fs::write(out.join(format!("{name}.rs")), constants).unwrap();
    fs::write(out.join(format!("{name}.postcard")), &bytes).unwrap();
}

/// The board of the chosen feature, or else the emulated one of the target.
fn board(out: &Path) {
    let name = feature().unwrap_or_else(emulated);
    println!("cargo:rustc-check-cfg=cfg(board, values(any()))");
    println!("cargo:rustc-cfg=board=\"{name}\"");
    let path = format!("src/board/{}.rs", name.replace('-', "_"));
    println!("cargo:rerun-if-changed={path}");
    let header = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    section(out, &header);
    if var("CARGO_CFG_TARGET_OS").unwrap() == "none" {
        link(out, &header);
    }
}

fn feature() -> Option<String> {
    let features = env::vars().filter_map(|(key, _)| {
        let name = key.strip_prefix("CARGO_FEATURE_BOARD_")?;
        Some(name.to_lowercase().replace('_', "-"))
    });
    let features: Vec<String> = features.collect();
    assert!(features.len() < 2, "one board at a time, not {features:?}");
    features.into_iter().next()
}

fn emulated() -> String {
    let target = var("TARGET").unwrap();
    let name = match target.as_str() {
        "thumbv6m-none-eabi" => "qemu-microbit",
        "thumbv7m-none-eabi" => "qemu-mps2-an385",
        "thumbv7em-none-eabi" | "thumbv7em-none-eabihf" => "qemu-mps2-an386",
        "thumbv8m.main-none-eabi" | "thumbv8m.main-none-eabihf" => "qemu-mps2-an505",
        "riscv32imc-unknown-none-elf" | "riscv32imac-unknown-none-elf" => "qemu-riscv-virt",
        "wasm32-unknown-unknown" => "wasm",
        _ if target.contains("-none") => panic!("no emulated board for {target}: choose a board feature"),
        _ => "host",
    };
    name.into()
}

/// Assembly that puts the run command into a section which is not loaded.
fn section(out: &Path, header: &str) {
    let command = header.lines().find_map(|line| line.strip_prefix("//! Command: ")).unwrap_or_default();
    let assembly = format!(".section .board,\"\",%progbits\n.ascii \"board-command: {command}\\n\"\n.text\n");
    fs::write(out.join("board.s"), assembly).unwrap();
}

fn link(out: &Path, header: &str) {
    let mut map = String::new();
    for line in header.lines().filter_map(|line| line.strip_prefix("//!     ")) {
        writeln!(map, "{line}").unwrap();
    }
    fs::write(out.join("memory.x"), map).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    if var("CARGO_CFG_TARGET_ARCH").unwrap() == "arm" {
        println!("cargo:rustc-link-arg-bins=--nmagic");
    } else {
        println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    if var("CARGO_FEATURE_PROBE").is_ok() {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
}
