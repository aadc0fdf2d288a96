//! Score-based generative models on microcontrollers: a quantized score network and deterministic
//! samplers, with the same bits on every machine.
#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod activation;
pub mod arith;
pub mod blob;
mod chain;
pub mod conformance;
mod crc;
mod digest;
mod energy;
mod error;
mod kernel;
pub mod levels;
mod mlp;
pub mod normal;
mod normal_knots;
mod plan;
pub mod rng;
pub mod sampler;
mod score;

pub use blob::Model;
pub use chain::Chain;
pub use digest::Digest;
pub use energy::Energy;
pub use error::Error;
pub use levels::Levels;
pub use mlp::Mlp;
pub use plan::{HISTORY, Plan, Step};
pub use sampler::Sampler;
pub use score::Score;

#[cfg(test)]
extern crate std;
