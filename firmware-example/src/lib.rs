//! tinyscore on microcontrollers: the programs, and the boards they run on.
#![no_std]
#![deny(missing_docs)]

pub mod apply;
pub mod bench;
pub mod board;
pub mod command;
#[cfg(feature = "count")]
pub mod count;
pub mod digest;
pub mod digits;
pub mod energy;
pub mod mixture;
pub mod model;
pub mod plot;
pub mod rbm;
pub mod sensor;
pub mod stack;

pub use board::Board;
