//! Writing to the standard streams without a panic when nobody reads them: a pipe that was closed, or a full disk.
//!
//! A command goes on without its listener, as a training must not be lost for want of one. Other failures are told at
//! the end.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

static FAILURE: Mutex<Option<String>> = Mutex::new(None);

/// Writes to standard output.
pub fn write(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) else { return };
    if error.kind() != ErrorKind::BrokenPipe
        && let Ok(mut failure) = FAILURE.lock()
    {
        failure.get_or_insert_with(|| format!("cannot write to standard output: {error}"));
    }
}

/// Writes a line to standard error.
pub fn error(text: Arguments<'_>) {
    // Where this fails there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The first failure that was no closed pipe.
pub fn failure() -> Option<String> {
    FAILURE.lock().ok()?.clone()
}
