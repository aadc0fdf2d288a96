//! The console, the clock and the end of every emulated board: semihosting.

use super::Board;
use core::fmt;
use semihosting::fs::File;
use semihosting::io::{Read, Stdout, Write, stdout};
use semihosting::process::exit;

/// The terminal of the emulator.
pub struct Console {
    output: Option<Stdout>,
    input: Option<File>,
}

impl Console {
    /// Opens the terminal. Where the host has no /dev/stdin there is no input.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        start_clock();
        Self { output: stdout().ok(), input: File::open(c"/dev/stdin").ok() }
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let output = self.output.as_mut().ok_or(fmt::Error)?;
        output.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

impl Board for Console {
    const TICK: (&'static str, u64, u64) = super::chosen::TICK;

    fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.input.as_mut()?.read(&mut byte) {
            Ok(1) => Some(byte[0]),
            _ => None,
        }
    }

    fn ticks() -> u32 {
        clock()
    }

    fn halt(&mut self, success: bool) -> ! {
        exit(if success { 0 } else { 1 })
    }
}

#[cfg(target_arch = "arm")]
use cortex_m::peripheral::{SYST, syst::SystClkSource};

#[cfg(target_arch = "arm")]
fn start_clock() {
    // Safe: this program has one thread and no interrupts, and nothing else uses SysTick.
    let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(0x00ff_ffff);
    systick.clear_current();
    systick.enable_counter();
}

#[cfg(target_arch = "arm")]
fn clock() -> u32 {
    0x00ff_ffff - SYST::get_current()
}

#[cfg(target_arch = "riscv32")]
fn start_clock() {}

#[cfg(target_arch = "riscv32")]
fn clock() -> u32 {
    riscv::register::minstret::read() as u32 & 0x00ff_ffff
}
