//! ST B-L475E-IOT01A: STM32L475, Cortex-M4F, here at 80 MHz. The serial line is the ST-LINK's USB port,
//! 115200 baud.
//!
//! Command: probe-rs run --chip STM32L475VG
//!
//!     MEMORY {
//!         FLASH : ORIGIN = 0x08000000, LENGTH = 1M
//!         RAM : ORIGIN = 0x20000000, LENGTH = 96K
//!     }

use super::probe::{Probed, Serial};
use stm32l4xx_hal as hal;

use hal::pac::{Peripherals, USART1};
use hal::prelude::*;
use hal::serial::{Config, Rx, Serial as Usart, Tx};

/// The serial line.
pub struct Line(Tx<USART1>, Rx<USART1>);

/// The board.
pub type Console = Probed<Line>;

impl Console {
    /// Starts the clock and the serial line.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // Safe: called once, at the start.
        let board = unsafe { Peripherals::steal() };
        let (mut flash, mut rcc) = (board.FLASH.constrain(), board.RCC.constrain());
        let mut power = board.PWR.constrain(&mut rcc.apb1r1);
        let clocks = rcc.cfgr.sysclk(80.MHz()).pclk1(80.MHz()).pclk2(80.MHz());
        let clocks = clocks.freeze(&mut flash.acr, &mut power);
        let mut port = board.GPIOB.split(&mut rcc.ahb2);
        let tx = port.pb6.into_alternate(&mut port.moder, &mut port.otyper, &mut port.afrl);
        let rx = port.pb7.into_alternate(&mut port.moder, &mut port.otyper, &mut port.afrl);
        let config = Config::default().baudrate(115_200.bps());
        let (tx, rx) = Usart::usart1(board.USART1, (tx, rx), config, clocks, &mut rcc.apb2).split();
        Self::over(Line(tx, rx))
    }
}

impl Serial for Line {
    fn send(&mut self, byte: u8) -> nb::Result<(), ()> {
        self.0.write(byte).map_err(|e| e.map(|_| ()))
    }

    fn receive(&mut self) -> nb::Result<u8, ()> {
        self.1.read().map_err(|e| e.map(|_| ()))
    }
}
