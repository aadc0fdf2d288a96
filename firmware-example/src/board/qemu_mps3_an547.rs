//! MPS3 with a Cortex-M55, emulated.
//!
//! Command: qemu-system-arm -M mps3-an547 -icount shift=5 -nographic -monitor none -serial null -semihosting-config enable=on,target=native -kernel
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x00000000, LENGTH = 512K
//!         RAM : ORIGIN = 0x20000000, LENGTH = 64K
//!     }

pub use super::semihosted::*;

/// Instructions per tick: 31.25 ns at 32 MHz of 2⁵ ns each.
pub const TICK: (&str, u64, u64) = ("instructions", 125, 128);
