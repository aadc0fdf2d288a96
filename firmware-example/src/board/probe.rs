//! What the boards with a debug probe share: a serial line, and the same text by lines to the probe (defmt
//! over RTT). A program ends in a loop there, since nobody waits for it.

use super::Board;
use core::fmt;
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use defmt_rtt as _;
use heapless::String;

/// A board's own part.
pub trait Serial {
    /// Sends a byte, if the line is free.
    fn send(&mut self, byte: u8) -> nb::Result<(), ()>;

    /// A byte that has arrived.
    fn receive(&mut self) -> nb::Result<u8, ()>;

    /// Tells the watchdog that the program is alive; called over and over while nothing else is to be done.
    fn feed(&mut self) {}

    /// What [`Board::show`] does.
    fn show(&mut self, _picture: [u8; 5]) {}
}

/// A board behind a debug probe.
pub struct Probed<S> {
    serial: S,
    line: String<96>,
}

impl<S: Serial> Probed<S> {
    /// Starts the clock.
    pub fn over(serial: S) -> Self {
        // Safe: nothing else uses SysTick.
        let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(0x00ff_ffff);
        systick.clear_current();
        systick.enable_counter();
        Self { serial, line: String::new() }
    }

    fn send(&mut self, byte: u8) {
        // What the line does not take is lost; the probe has it all the same.
        while self.serial.send(byte) == Err(nb::Error::WouldBlock) {
            self.serial.feed();
        }
    }

    fn log(&mut self, character: char) {
        if character == '\n' || self.line.push(character).is_err() {
            defmt::println!("{=str}", self.line.as_str());
            self.line.clear();
        }
    }
}

impl<S: Serial> fmt::Write for Probed<S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().for_each(|character| self.log(character));
        for byte in text.bytes() {
            if byte == b'\n' {
                self.send(b'\r');
            }
            self.send(byte);
        }
        Ok(())
    }
}

impl<S: Serial> Board for Probed<S> {
    const TICK: (&'static str, u64, u64) = ("cycles", 1, 1);

    /// A terminal ends a line with a carriage return, and shows what is sent back.
    fn read(&mut self) -> Option<u8> {
        loop {
            match self.serial.receive() {
                Ok(b'\r' | b'\n') => {
                    self.send(b'\r');
                    self.send(b'\n');
                    return Some(b'\n');
                }
                Ok(byte) => {
                    self.send(byte);
                    return Some(byte);
                }
                Err(_) => self.serial.feed(),
            }
        }
    }

    fn pause(&mut self) {
        self.serial.feed();
    }

    fn show(&mut self, picture: [u8; 5]) {
        self.serial.show(picture);
    }

    fn ticks() -> u32 {
        0x00ff_ffff - SYST::get_current()
    }

    fn halt(&mut self, _success: bool) -> ! {
        self.log('\n');
        loop {
            self.serial.feed();
        }
    }
}
