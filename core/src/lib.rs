//! Score-based and energy-based generative models on microcontrollers: quantized networks and Boltzmann machines with
//! deterministic samplers, the same bits on every machine.
#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod activation;
pub mod arith;
#[cfg(feature = "batch")]
mod batch;
pub mod blob;
mod boltzmann;
mod chain;
mod codec;
mod compensated;
mod conditional;
pub mod conformance;
mod crc;
mod dbn;
mod detector;
mod digest;
mod discrepancy;
mod energy;
mod energy_mlp;
mod error;
mod gaussian_rbm;
mod guided;
mod kernel;
mod known;
pub mod levels;
mod mlp;
pub mod normal;
mod normal_knots;
mod plan;
mod rbm;
pub mod rng;
pub mod sampler;
mod score;
mod sigmoid;
mod sigmoid_thresholds;

#[cfg(feature = "batch")]
pub use batch::BatchMlp;
pub use blob::{EnergyModel, Model};
pub use boltzmann::BoltzmannMachine;
pub use chain::Chain;
pub use codec::MAX_LATENTS;
pub use compensated::Compensated;
pub use conditional::Conditional;
pub use dbn::Dbn;
pub use detector::Detector;
pub use digest::Digest;
pub use discrepancy::noise_level;
pub use energy::Energy;
pub use energy_mlp::EnergyMlp;
pub use error::Error;
pub use gaussian_rbm::{GaussianGibbs, GaussianRbm};
pub use guided::Guided;
#[cfg(feature = "batch")]
pub use kernel::Instructions;
pub use known::Known;
pub use levels::Levels;
pub use mlp::Mlp;
pub use plan::{HISTORY, MAX_LEVELS, MAX_ROWS, Plan, Step};
pub use rbm::{Gibbs, Rbm, is_set};
pub use sampler::Sampler;
pub use score::Score;

#[cfg(feature = "batch")]
extern crate alloc;
#[cfg(any(feature = "batch", test))]
extern crate std;
