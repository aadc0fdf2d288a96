//! The BBC micro:bit, emulated: Cortex-M0.
//!
//! Command: qemu-system-arm -M microbit -icount shift=6 -nographic -monitor none -serial null -semihosting-config enable=on,target=native -kernel
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x00000000, LENGTH = 256K
//!         RAM : ORIGIN = 0x20000000, LENGTH = 16K
//!     }

pub use super::semihosted::*;

/// Instructions per tick: 62.5 ns at 16 MHz of 2⁶ ns each.
pub const TICK: (&str, u64, u64) = ("instructions", 125, 128);
