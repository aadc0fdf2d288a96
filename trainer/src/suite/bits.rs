//! Digits by weights and activations of fewer bits, quantized after training and trained for it, from one float network.

use super::trained;
use crate::backend::DeviceName;
use crate::checkpoint;
use crate::config::{Config, Preset};
use crate::report::{Quality, Report, table};
use crate::run::Run;
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Bits of weights and activations.
const BITS: [(u32, u32); 3] = [(8, 8), (4, 8), (4, 16)];
/// Largest Fréchet distance of weights of 4 bits with quantization-aware training.
const LARGEST_FD: f64 = 0.80;
/// Most that 8 bits may add to the Fréchet distance of floats, and take off their accuracy.
const INT8_COSTS: (f64, f64) = (0.03, 0.005);

/// Trains below `dir`, unless it is there, fine-tunes for `steps` by each pair of bits, and compares.
///
/// # Errors
/// When a training fails, or is stopped.
pub fn bits(
    dir: &Path,
    data: Option<&str>,
    steps: u64,
    device: DeviceName,
    stop: &AtomicBool,
) -> Result<(String, bool)> {
    let config = Config::new(data.unwrap_or("digits"), Preset::Digits);
    let float = trained(&dir.join("float"), "float", config.clone(), device, stop)?;
    let reports = BITS.map(|(weights, activations)| {
        let mut config = config.clone();
        config.training.qat_steps = steps;
        (config.export.weight_bits, config.export.activation_bits) = (weights, activations);
        let folder = dir.join(format!("w{weights}a{activations}"));
        if !folder.exists() {
            let run = Run::create(&folder, config.clone())?;
            std::fs::copy(dir.join("float").join(checkpoint::FILE), run.file(checkpoint::FILE))?;
        }
        trained(&folder, &format!("W{weights}A{activations}, {steps} steps"), config, device, stop)
    });
    let [w8a8, w4a8, w4a16] = reports;
    let (w8a8, w4a8, w4a16) = (w8a8?, w4a8?, w4a16?);
    let mut columns = vec![("float", &float.float)];
    let names = [("W8A8 post", "W8A8 aware"), ("W4A8 post", "W4A8 aware"), ("W4A16 post", "W4A16 aware")];
    for ((post, aware), report) in names.into_iter().zip([&w8a8, &w4a8, &w4a16]) {
        columns.extend(report.post.as_ref().map(|quality| (post, quality)));
        columns.push((aware, &report.int8));
    }
    let mut out = table(&float.data, &columns);
    for (name, Report { blob_bytes, .. }) in [("W8A8", &w8a8), ("W4A8", &w4a8), ("W4A16", &w4a16)] {
        let _ = writeln!(out, "  {name}: {blob_bytes} bytes");
    }
    let fd = |quality: &Quality| quality.realism.as_ref().and_then(|r| r.fd).unwrap_or(f64::NAN);
    let accuracy = |quality: &Quality| quality.realism.as_ref().and_then(|r| r.accuracy).unwrap_or(f64::NAN);
    let int8 = fd(&w8a8.int8) <= fd(&float.float) + INT8_COSTS.0
        && accuracy(&w8a8.int8) >= accuracy(&float.float) - INT8_COSTS.1;
    Ok((out, int8 && fd(&w4a8.int8) <= LARGEST_FD))
}
