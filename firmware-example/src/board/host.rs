//! A desktop: standard input and output.

use super::Board;
use core::fmt;
use std::io::{Read, Write, stdin, stdout};
use std::process::exit;
use std::time::{SystemTime, UNIX_EPOCH};

extern crate std;

/// The terminal.
pub struct Console;

impl Console {
    /// The terminal.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut out = stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| fmt::Error)
    }
}

impl Board for Console {
    const TICK: (&'static str, u64, u64) = ("ns", 1, 1);

    fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        stdin().read_exact(&mut byte).ok().map(|()| byte[0])
    }

    fn ticks() -> u32 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |now| now.as_nanos() as u32 & 0x00ff_ffff)
    }

    fn halt(&mut self, success: bool) -> ! {
        exit(if success { 0 } else { 1 })
    }
}
