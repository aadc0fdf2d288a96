//! BBC micro:bit v2: nRF52833, Cortex-M4F at 64 MHz. The serial line is the debugger's USB port, 115200 baud;
//! a watchdog restarts a program that stands still for two seconds.
//!
//! Command: probe-rs run --chip nRF52833_xxAA
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x00000000, LENGTH = 512K
//!         RAM : ORIGIN = 0x20000000, LENGTH = 128K
//!     }

use super::probe::{Probed, Serial};
use embedded_hal_02::digital::v2::OutputPin;
use embedded_hal_02::serial::{Read, Write};
use nrf52833_hal as hal;

use hal::clocks::Clocks;
use hal::gpio::{Level, Output, Pin, PushPull, p0, p1};
use hal::pac::{Peripherals, UARTE0};
use hal::uarte::{Baudrate, Parity, Pins, Uarte, UarteRx, UarteTx};
use hal::wdt::handles::Hdl0;
use hal::wdt::{Watchdog, WatchdogHandle, count};

/// Calls of `feed` that a row is lit for: about a millisecond.
const LIT: usize = 1000;

/// Where the chip fetches and puts bytes by itself.
static mut SENT: [u8; 1] = [0];
static mut RECEIVED: [u8; 1] = [0];

/// The serial line and the watchdog.
pub struct Line {
    sender: UarteTx<UARTE0>,
    receiver: UarteRx<UARTE0>,
    watchdog: Option<WatchdogHandle<Hdl0>>,
    rows: [Pin<Output<PushPull>>; 5],
    columns: [Pin<Output<PushPull>>; 5],
    picture: [u8; 5],
    /// Calls of `feed` so far: one of the five rows is lit at a time.
    turn: usize,
}

/// The board.
pub type Console = Probed<Line>;

impl Console {
    /// Starts the crystal, the serial line and the watchdog.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // Safe: called once, at the start.
        let board = unsafe { Peripherals::steal() };
        Clocks::new(board.CLOCK).enable_ext_hfosc();
        let (port0, port1) = (p0::Parts::new(board.P0), p1::Parts::new(board.P1));
        let pins = Pins {
            txd: port0.p0_06.into_push_pull_output(Level::High).degrade(),
            rxd: port1.p1_08.into_floating_input().degrade(),
            cts: None,
            rts: None,
        };
        let uart = Uarte::new(board.UARTE0, pins, Parity::EXCLUDED, Baudrate::BAUD115200);
        let [out, back] = [&raw mut SENT, &raw mut RECEIVED];
        // Safe: called once, and nothing else uses the buffers.
        let (out, back) = unsafe { (&mut *out, &mut *back) };
        let Ok((sender, receiver)) = uart.split(out, back) else { unreachable!("the buffers are in RAM") };
        // It is running already after a reset that was not its own; then it keeps its handle.
        let watchdog = match Watchdog::try_new(board.WDT) {
            Ok(mut watchdog) => {
                watchdog.set_lfosc_ticks(2 * 32_768);
                Some(watchdog.activate::<count::One>().handles.0)
            }
            Err(running) => Watchdog::try_recover::<count::One>(running).ok().map(|parts| parts.handles.0),
        };
        let rows = [
            port0.p0_21.into_push_pull_output(Level::Low).degrade(),
            port0.p0_22.into_push_pull_output(Level::Low).degrade(),
            port0.p0_15.into_push_pull_output(Level::Low).degrade(),
            port0.p0_24.into_push_pull_output(Level::Low).degrade(),
            port0.p0_19.into_push_pull_output(Level::Low).degrade(),
        ];
        let columns = [
            port0.p0_28.into_push_pull_output(Level::Low).degrade(),
            port0.p0_11.into_push_pull_output(Level::Low).degrade(),
            port0.p0_31.into_push_pull_output(Level::Low).degrade(),
            port1.p1_05.into_push_pull_output(Level::Low).degrade(),
            port0.p0_30.into_push_pull_output(Level::Low).degrade(),
        ];
        Self::over(Line { sender, receiver, watchdog, rows, columns, picture: [0; 5], turn: 0 })
    }
}

impl Serial for Line {
    fn send(&mut self, byte: u8) -> nb::Result<(), ()> {
        self.sender.write(byte).map_err(|e| e.map(|_| ()))?;
        nb::block!(self.sender.flush()).map_err(|_| nb::Error::Other(()))
    }

    fn receive(&mut self) -> nb::Result<u8, ()> {
        self.receiver.read().map_err(|e| e.map(|_| ()))
    }

    fn feed(&mut self) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.pet();
        }
        self.turn = self.turn.wrapping_add(1);
        if self.turn.is_multiple_of(LIT) {
            self.light(self.turn / LIT % 5);
        }
    }

    fn show(&mut self, picture: [u8; 5]) {
        self.picture = picture;
    }
}

impl Line {
    /// Lights one row: its pin is high, and those of its columns low. Setting a pin cannot fail.
    fn light(&mut self, row: usize) {
        self.rows.iter_mut().for_each(|row| _ = row.set_low());
        let dots = self.picture.get(row).copied().unwrap_or(0);
        for (i, column) in self.columns.iter_mut().enumerate() {
            let _ = if dots << i & 16 > 0 { column.set_low() } else { column.set_high() };
        }
        self.rows.get_mut(row).map(OutputPin::set_high);
    }
}
