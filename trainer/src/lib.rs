//! Trains, quantizes, evaluates and exports tinyscore models.
//!
//! ```text
//! data ─► objective ─► training (dfdx) ─► float network ─► calibrate, quantize ─► blob ─► core
//! ```
//!
//! Whatever is reported of a quantized model was computed by the core from the blob.

/// As the standard library's, but for [`stdio`].
macro_rules! println {
    ($($text:tt)*) => { $crate::stdio::write(format_args!("{}\n", format_args!($($text)*))) };
}

pub mod backend;
pub mod boltzmann;
pub mod checkpoint;
pub mod closed_form;
pub mod codec;
pub mod config;
pub mod data;
pub mod dataset;
pub mod denoiser;
pub mod distill;
pub mod evaluate;
pub mod exact;
pub mod fidelity;
pub mod input_gradient;
pub mod inverse;
pub mod judge;
pub mod latent;
pub mod likelihood;
pub mod mlp;
pub mod npy;
pub mod objective;
pub mod ode;
pub mod output;
pub mod partition;
pub mod plot;
pub mod points;
pub mod quantize;
pub mod report;
pub mod run;
pub mod sample;
pub mod sde;
pub mod stdio;
pub mod suite;
pub mod sweep;
pub mod train;
pub mod uses;

pub mod advise;
pub mod apply;
mod atomic;
mod lock;
mod product;
pub mod simd;

pub use atomic::{remove_temporary, write_atomic};
pub use points::Points;
