//! MPS2 with a Cortex-M4F, emulated; with `-M mps2-an500` the same programs run on a Cortex-M7.
//!
//! Command: qemu-system-arm -M mps2-an386 -icount shift=5 -nographic -monitor none -serial null -semihosting-config enable=on,target=native -kernel
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x00000000, LENGTH = 1M
//!         RAM : ORIGIN = 0x20000000, LENGTH = 64K
//!     }

pub use super::semihosted::*;

/// Instructions per tick: 40 ns at 25 MHz of 2⁵ ns each.
pub const TICK: (&str, u64, u64) = ("instructions", 5, 4);
