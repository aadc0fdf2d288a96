//! Raspberry Pi Pico: RP2040, Cortex-M0+ at 125 MHz. The serial line is UART0 (GP0 out, GP1 in), 115200 baud; a
//! watchdog restarts a program that stands still for two seconds.
//!
//! Command: probe-rs run --chip RP2040
//!
//!     MEMORY {
//!         BOOT2 : ORIGIN = 0x10000000, LENGTH = 0x100
//!         FLASH : ORIGIN = 0x10000100, LENGTH = 2048K - 0x100
//!         RAM : ORIGIN = 0x20000000, LENGTH = 256K
//!     }
//!     SECTIONS {
//!         .boot2 ORIGIN(BOOT2) : { KEEP(*(.boot2)); } > BOOT2
//!     } INSERT BEFORE .text;

use super::probe::{Probed, Serial};
use rp2040_hal as hal;

use hal::Clock;
use hal::clocks::init_clocks_and_plls;
use hal::fugit::{ExtU32, RateExtU32};
use hal::gpio::bank0::{Gpio0, Gpio1};
use hal::gpio::{FunctionUart, Pin, Pins, PullDown};
use hal::pac::{Peripherals, UART0};
use hal::sio::Sio;
use hal::uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral};
use hal::watchdog::Watchdog;

/// What the chip's ROM runs first.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT_LOADER: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Frequency of the board's crystal.
const CRYSTAL: u32 = 12_000_000;

type Wires = (Pin<Gpio0, FunctionUart, PullDown>, Pin<Gpio1, FunctionUart, PullDown>);

/// The serial line and the watchdog.
pub struct Line {
    uart: UartPeripheral<Enabled, UART0, Wires>,
    watchdog: Watchdog,
}

/// The board.
pub type Console = Probed<Line>;

impl Console {
    /// Starts the clocks, the serial line and the watchdog.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // Safe: called once, at the start.
        let mut board = unsafe { Peripherals::steal() };
        let mut watchdog = Watchdog::new(board.WATCHDOG);
        let clocks = init_clocks_and_plls(
            CRYSTAL,
            board.XOSC,
            board.CLOCKS,
            board.PLL_SYS,
            board.PLL_USB,
            &mut board.RESETS,
            &mut watchdog,
        );
        let Ok(clocks) = clocks else { unreachable!("the crystal is that of the board") };
        let sio = Sio::new(board.SIO);
        let pins = Pins::new(board.IO_BANK0, board.PADS_BANK0, sio.gpio_bank0, &mut board.RESETS);
        let wires = (pins.gpio0.into_function(), pins.gpio1.into_function());
        let config = UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One);
        let uart = UartPeripheral::new(board.UART0, wires, &mut board.RESETS);
        let Ok(uart) = uart.enable(config, clocks.peripheral_clock.freq()) else {
            unreachable!("115200 baud divide 125 MHz")
        };
        watchdog.start(2.secs());
        Self::over(Line { uart, watchdog })
    }
}

impl Serial for Line {
    fn send(&mut self, byte: u8) -> nb::Result<(), ()> {
        self.uart.write_raw(&[byte]).map(|_| ()).map_err(|e| e.map(|_| ()))
    }

    fn receive(&mut self) -> nb::Result<u8, ()> {
        let mut byte = [0];
        self.uart.read_raw(&mut byte).map_err(|e| e.map(|_| ()))?;
        Ok(byte[0])
    }

    fn feed(&mut self) {
        self.watchdog.feed();
    }
}
