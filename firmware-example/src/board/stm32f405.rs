//! A board with an STM32F405, Cortex-M4F, on its internal oscillator at 16 MHz. The serial line is USART1 (PA9
//! out, PA10 in), 115200 baud.
//!
//! Command: probe-rs run --chip STM32F405RG
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x08000000, LENGTH = 1M
//!         RAM : ORIGIN = 0x20000000, LENGTH = 128K
//!     }

use super::probe::{Probed, Serial};
use stm32f4xx_hal as hal;

use hal::pac::{Peripherals, USART1};
use hal::prelude::*;
use hal::rcc::Config;
use hal::serial::{Config as Line115200, Serial as Usart};

/// The serial line.
pub struct Line(Usart<USART1>);

/// The board.
pub type Console = Probed<Line>;

impl Console {
    /// Starts the serial line.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // Safe: called once, at the start.
        let board = unsafe { Peripherals::steal() };
        let mut rcc = board.RCC.freeze(Config::hsi());
        let port = board.GPIOA.split(&mut rcc);
        let config = Line115200::default().baudrate(115_200.bps());
        let usart = board.USART1.serial((port.pa9, port.pa10), config, &mut rcc);
        let Ok(usart) = usart else { unreachable!("115200 baud divide 16 MHz") };
        Self::over(Line(usart))
    }
}

impl Serial for Line {
    fn send(&mut self, byte: u8) -> nb::Result<(), ()> {
        embedded_hal_02::serial::Write::write(&mut self.0, byte).map_err(|e| e.map(|_| ()))
    }

    fn receive(&mut self) -> nb::Result<u8, ()> {
        embedded_hal_02::serial::Read::read(&mut self.0).map_err(|e| e.map(|_| ()))
    }
}
