//! Run-time choice of the vector width.
//!
//! The variable `TRAINER_INSTRUCTIONS` takes `portable`, `avx2` or `avx512` (`neon` on AArch64) instead of the fastest that
//! the processor has, so that one machine can check the others: results are the same bit for bit.

use std::sync::OnceLock;
use tinyscore::Instructions;

/// The environment variable.
pub const VARIABLE: &str = "TRAINER_INSTRUCTIONS";

/// What the variable asks for, or the fastest; an error names what the machine has.
///
/// # Errors
/// When the machine has no such instructions.
pub fn instructions() -> Result<Instructions, String> {
    let Ok(wanted) = std::env::var(VARIABLE) else { return Ok(Instructions::fastest()) };
    let all = Instructions::available();
    let plain = |name: &str| name.to_lowercase().replace(['-', ' '], "");
    let found = all.iter().find(|one| !wanted.is_empty() && plain(one.name()).starts_with(&plain(&wanted)));
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| one.name()).collect();
        format!(
            "{VARIABLE} is {wanted:?}, but this machine has {}: take one of these, or unset it",
            names.join(", ")
        )
    })
}

/// As [`instructions`], once a process; the fastest where the variable is wrong, which the program has refused by then.
pub fn chosen() -> Instructions {
    static CHOSEN: OnceLock<Instructions> = OnceLock::new();
    *CHOSEN.get_or_init(|| instructions().unwrap_or_else(|_| Instructions::fastest()))
}

/// Runs `f` compiled for the widest vectors that the processor has and the variable allows.
///
/// Only code inlined into `f` is affected. No operation is contracted or reordered, so the result
/// is the same bit for bit on every processor.
#[inline(always)]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    arch().dispatch(f)
}

fn arch() -> pulp::Arch {
    static ARCH: OnceLock<pulp::Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match chosen().name() {
        "portable" => pulp::Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        "AVX2" => pulp::x86::V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3),
        _ => pulp::Arch::new(),
    })
}
