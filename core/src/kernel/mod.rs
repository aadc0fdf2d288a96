//! The dense kernel: weights of 8 or 4 bits, 16-bit activations, 32-bit sums.
//!
//! The blob's check guarantees that no sum can overflow, so the order of additions does not matter and
//! every kernel gives the same bits.

#[cfg(all(feature = "batch", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "batch", target_arch = "x86_64"))]
mod avx512;
#[cfg(feature = "batch")]
mod blocked;
#[cfg(feature = "batch")]
mod instructions;
mod portable;

#[cfg(feature = "batch")]
pub(crate) use blocked::{Block, Blocked, Format, ROWS};
#[cfg(feature = "batch")]
pub use instructions::Instructions;
pub(crate) use portable::dense;
