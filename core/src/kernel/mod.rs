//! The dense kernel: weights of 8 or 4 bits, 16-bit activations, 32-bit sums.
//!
//! The blob's check guarantees that no sum can overflow, so the order of additions does not matter and
//! every kernel gives the same bits.

mod portable;

pub(crate) use portable::dense;
