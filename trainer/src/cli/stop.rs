//! Signals to end: Ctrl-C, and where there are such SIGTERM and SIGHUP.
//!
//! While a training runs the first one asks it to write its checkpoint and end. At any other time, and the second time, the
//! program ends at once; temporary files are removed, and what is finished stays.

use anyhow::Result;
use std::process::exit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use trainer::{remove_temporary, stdio};

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Set by the first signal while a training runs.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whether a training runs, which looks at that.
static LISTENS: AtomicBool = AtomicBool::new(false);
/// What to do after an end at once.
static REMEDY: Mutex<Option<String>> = Mutex::new(None);

/// Takes the signals from now on.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        if LISTENS.load(Ordering::SeqCst) && !STOP.swap(true, Ordering::SeqCst) {
            stdio::error(format_args!("\ninterrupted: writing a checkpoint; once more to end without"));
            return;
        }
        remove_temporary();
        let remedy = REMEDY.lock().ok().and_then(|remedy| remedy.clone()).unwrap_or_default();
        stdio::error(format_args!("\ninterrupted{remedy}"));
        exit(INTERRUPTED);
    })?;
    Ok(())
}

/// The flag that a training, which begins, looks at.
pub fn stop_flag() -> &'static AtomicBool {
    LISTENS.store(true, Ordering::SeqCst);
    &STOP
}

/// The training is over: the next signal ends the program with this `remedy`. Whether one has come already.
pub fn settled(remedy: String) -> bool {
    if let Ok(mut slot) = REMEDY.lock() {
        *slot = Some(remedy);
    }
    LISTENS.store(false, Ordering::SeqCst);
    STOP.load(Ordering::SeqCst)
}
