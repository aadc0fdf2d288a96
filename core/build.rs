//! Chooses the kernel: what a core can do is told by the target's name and, where that leaves it open, by a
//! feature of the crate or by what the compiler was told of the target.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let kernels =
        ["portable", "armv6m", "armv7m", "dsp", "mve", "rv32m", "vector128"].map(|name| format!("{name:?}"));
    println!("cargo:rustc-check-cfg=cfg(kernel, values({}))", kernels.join(", "));
    let feature = |name: &str| var(format!("CARGO_FEATURE_{name}")).is_ok();
    let instructions = var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has = |name| instructions.split(',').any(|instruction| instruction == name);
    let kernel = match var("TARGET").unwrap_or_default() {
        target if target.starts_with("thumbv6m") => "armv6m",
        target if target.starts_with("thumbv7m") => "armv7m",
        target if target.starts_with("thumbv7em") => "dsp",
        target if target.starts_with("thumbv8m.main") && feature("MVE") => "mve",
        target if target.starts_with("thumbv8m.main") && feature("DSP") => "dsp",
        target if target.starts_with("riscv32im") => "rv32m",
        target if target.starts_with("aarch64-") && has("neon") => "vector128",
        target if target.starts_with("wasm32") && has("simd128") => "vector128",
        _ => "portable",
    };
    println!("cargo:rustc-cfg=kernel=\"{kernel}\"");
}
