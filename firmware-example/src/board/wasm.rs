//! A browser or node, with the console of `run.mjs`.

use super::Board;
use core::fmt;

unsafe extern "C" {
    safe fn put(byte: u8);
    safe fn get() -> i32;
    safe fn exit(code: i32);
}

/// The page's or process's text.
pub struct Console;

impl Console {
    /// The console.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| put(byte));
        Ok(())
    }
}

impl Board for Console {
    const TICK: (&'static str, u64, u64) = ("ticks", 0, 1);

    fn read(&mut self) -> Option<u8> {
        u8::try_from(get()).ok()
    }

    /// There is no clock that counts work.
    fn ticks() -> u32 {
        0
    }

    fn halt(&mut self, success: bool) -> ! {
        exit(if success { 0 } else { 1 });
        core::arch::wasm32::unreachable()
    }
}
