//! A RISC-V microcontroller, emulated.
//!
//! Command: qemu-system-riscv32 -M virt -bios none -icount shift=5 -nographic -monitor none -serial null -semihosting-config enable=on,target=native -kernel
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x80000000, LENGTH = 1M
//!         RAM : ORIGIN = 0x80400000, LENGTH = 64K
//!     }
//!     REGION_ALIAS("REGION_TEXT", FLASH);
//!     REGION_ALIAS("REGION_RODATA", FLASH);
//!     REGION_ALIAS("REGION_DATA", RAM);
//!     REGION_ALIAS("REGION_BSS", RAM);
//!     REGION_ALIAS("REGION_HEAP", RAM);
//!     REGION_ALIAS("REGION_STACK", RAM);

pub use super::semihosted::*;

/// Instructions per tick: minstret counts instructions.
pub const TICK: (&str, u64, u64) = ("instructions", 1, 1);
