//! MPS2 with a Cortex-M33, emulated, in the secure state.
//!
//! Command: qemu-system-arm -M mps2-an505 -icount shift=5 -nographic -monitor none -serial null -semihosting-config enable=on,target=native -kernel
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x10000000, LENGTH = 1M
//!         RAM : ORIGIN = 0x38000000, LENGTH = 64K
//!     }

pub use super::semihosted::*;

/// Instructions per tick: 50 ns at 20 MHz of 2⁵ ns each.
pub const TICK: (&str, u64, u64) = ("instructions", 25, 16);
