//! Chooses the kernel: what a core can do is told by the target's name and, where that leaves it open, by a
//! feature.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!(
        "cargo:rustc-check-cfg=cfg(kernel, values(\"portable\", \"armv6m\", \"armv7m\", \"dsp\", \"mve\"))"
    );
    let feature = |name: &str| var(format!("CARGO_FEATURE_{name}")).is_ok();
    let kernel = match var("TARGET").unwrap_or_default() {
        target if target.starts_with("thumbv6m") => "armv6m",
        target if target.starts_with("thumbv7m") => "armv7m",
        target if target.starts_with("thumbv7em") => "dsp",
        target if target.starts_with("thumbv8m.main") && feature("MVE") => "mve",
        target if target.starts_with("thumbv8m.main") && feature("DSP") => "dsp",
        _ => "portable",
    };
    println!("cargo:rustc-cfg=kernel=\"{kernel}\"");
}
