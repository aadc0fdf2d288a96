//! The command line as its tests call it.

use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// The program, called in `dir`.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(dir).args(args);
    command
}

/// What it printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Succeeds; its standard output.
pub fn works(dir: &Path, args: &[&str]) -> String {
    let output = command(dir, args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Fails with this exit code, and the message, which it returns, has these parts.
pub fn fails(dir: &Path, args: &[&str], code: i32, parts: &[&str]) -> String {
    let Output { status, stderr, .. } = command(dir, args).output().unwrap();
    let message = text(&stderr);
    assert_eq!(status.code(), Some(code), "{args:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "{args:?}: {part:?} is not in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// Waits until a file is there.
pub fn wait_for(file: &Path, child: &mut Child) {
    let start = Instant::now();
    while !file.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before {}", file.display());
        assert!(start.elapsed() < Duration::from_secs(60), "no {}", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal, by the shell, which has its own `kill`.
#[cfg(unix)]
pub fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}
