//! What a program needs of a board; one file per board, with its memory map, the command that runs a
//! program on it, its console and its end.

use core::fmt;
use tinyscore::Error;

#[cfg(target_os = "none")]
core::arch::global_asm!(include_str!(concat!(env!("OUT_DIR"), "/board.s")));

#[cfg(all(target_os = "none", not(feature = "probe")))]
mod semihosted;

#[cfg(feature = "probe")]
mod probe;

#[cfg_attr(board = "host", path = "host.rs")]
#[cfg_attr(board = "wasm", path = "wasm.rs")]
#[cfg_attr(board = "qemu-microbit", path = "qemu_microbit.rs")]
#[cfg_attr(board = "qemu-mps2-an385", path = "qemu_mps2_an385.rs")]
#[cfg_attr(board = "qemu-mps2-an386", path = "qemu_mps2_an386.rs")]
#[cfg_attr(board = "qemu-mps2-an505", path = "qemu_mps2_an505.rs")]
#[cfg_attr(board = "qemu-mps3-an547", path = "qemu_mps3_an547.rs")]
#[cfg_attr(board = "qemu-riscv-virt", path = "qemu_riscv_virt.rs")]
#[cfg_attr(board = "microbit", path = "microbit.rs")]
#[cfg_attr(board = "b-l475e-iot01a", path = "b_l475e_iot01a.rs")]
#[cfg_attr(board = "stm32f405", path = "stm32f405.rs")]
#[cfg_attr(board = "pico", path = "pico.rs")]
mod chosen;

pub use chosen::Console;

/// A board; text written to it goes to its console.
pub trait Board: fmt::Write {
    /// What [`ticks`](Self::ticks) counts, and how many of it a tick is, as a fraction.
    const TICK: (&'static str, u64, u64);

    /// The next byte of input, waiting for it; `None` when there will be no more.
    fn read(&mut self) -> Option<u8>;

    /// Called between the steps of a sampler: the place to feed a watchdog.
    fn pause(&mut self) {}

    /// Shows a picture of 5 × 5 dots, line by line, the highest of five bits at the left, where the board has lamps for it.
    fn show(&mut self, _picture: [u8; 5]) {}

    /// A clock, modulo 2²⁴.
    fn ticks() -> u32;

    /// Ends the program: leaves the emulator, or stops a real board.
    fn halt(&mut self, success: bool) -> !;
}

/// What ends a program early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// The core refused something.
    Core(Error),
    /// The console did not take the text.
    Console,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<fmt::Error> for Failure {
    fn from(_: fmt::Error) -> Self {
        Self::Console
    }
}

/// Runs a program on the board and halts; an error is printed first.
pub fn start(program: impl FnOnce(&mut Console) -> Result<(), Failure>) -> ! {
    let mut console = Console::new();
    let result = program(&mut console);
    if let Err(Failure::Core(error)) = result {
        // Nothing is left to do when the console fails too.
        let _ = fmt::Write::write_fmt(&mut console, format_args!("error: {error}\n"));
    }
    console.halt(result.is_ok())
}

/// Makes `main` of a function that is given the board.
#[cfg(target_arch = "arm")]
#[macro_export]
macro_rules! program {
    ($main:expr) => {
        #[cortex_m_rt::entry]
        fn main() -> ! {
            $crate::board::start($main)
        }
        $crate::panics!();
    };
}

/// Makes `main` of a function that is given the board.
#[cfg(target_arch = "riscv32")]
#[macro_export]
macro_rules! program {
    ($main:expr) => {
        #[riscv_rt::entry]
        fn main() -> ! {
            $crate::board::start($main)
        }
        $crate::panics!();
    };
}

/// Makes `main` of a function that is given the board.
#[cfg(not(target_os = "none"))]
#[macro_export]
macro_rules! program {
    ($main:expr) => {
        fn main() {
            $crate::board::start($main)
        }
    };
}

/// What a panic does: the emulated boards print it, `panic-probe` sends it to the debug probe.
#[cfg(not(feature = "probe"))]
#[macro_export]
#[doc(hidden)]
macro_rules! panics {
    () => {
        #[panic_handler]
        fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
            let mut console = $crate::board::Console::new();
            let _ = core::fmt::Write::write_fmt(&mut console, format_args!("{info}\n"));
            $crate::Board::halt(&mut console, false)
        }
    };
}

/// What a panic does: the emulated boards print it, `panic-probe` sends it to the debug probe.
#[cfg(feature = "probe")]
#[macro_export]
#[doc(hidden)]
macro_rules! panics {
    () => {
        use panic_probe as _;
    };
}
