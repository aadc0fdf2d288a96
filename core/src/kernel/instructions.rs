//! Which vector unit computes for many points at once.

use super::blocked::{Format, Portable, Unit};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use alloc::vec::Vec;

/// The vector instructions of a machine. All give the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Instructions {
    /// Those of this machine, the fastest first; the last is plain Rust.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Kind::Avx512));
            all.extend(Avx2::detect().map(Kind::Avx2));
        }
        all.push(Kind::Portable(Portable));
        all.into_iter().map(Self).collect()
    }

    /// The fastest of this machine.
    pub fn fastest() -> Self {
        Self::available().first().copied().unwrap_or(Self(Kind::Portable(Portable)))
    }

    /// Their name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "AVX-512 VNNI",
        }
    }

    pub(crate) fn unit(&self) -> &dyn Unit {
        match &self.0 {
            Kind::Portable(unit) => unit,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(unit) => unit,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(unit) => unit,
        }
    }

    /// How activations of 8 bits are best kept.
    pub(crate) fn narrow(self) -> Format {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => Format::Pairs,
            _ => Format::Quads,
        }
    }
}
