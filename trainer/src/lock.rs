//! One training a folder.

use anyhow::{Context, Result, bail};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// That no other process trains in a folder. Its file goes with it; a killed process leaves it unlocked.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

/// Name of the file.
const FILE: &str = ".lock";

impl Lock {
    /// Of a folder that is there.
    ///
    /// # Errors
    /// When another process holds it, or the folder cannot be written.
    pub fn new(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let file = File::create(&path).with_context(|| {
            format!("cannot write into {}; give a writable folder with --out", dir.display())
        })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                bail!("another training works in {}; give another folder with --out", dir.display())
            }
            // A file system without locks cannot tell.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path, _file: file }),
        }
    }

    /// Of a folder that is made, if need be, and that nothing else is in.
    ///
    /// # Errors
    /// When there is something in it, and as [`new`](Self::new).
    pub fn new_folder(dir: &Path) -> Result<Self> {
        check_free(dir)?;
        fs::create_dir_all(dir).with_context(|| {
            format!("cannot make the folder {}; give a writable one with --out", dir.display())
        })?;
        let lock = Self::new(dir)?;
        // Another process may have been here before the lock.
        check_free(dir)?;
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Refuses a folder in which there is something.
fn check_free(dir: &Path) -> Result<()> {
    let shown = dir.display();
    if dir.is_file() {
        bail!("{shown} is a file; give a folder with --out");
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    if entries.map(|entry| entry.file_name()).any(|name| name != FILE) {
        bail!(
            "{shown} is not empty; give another folder with --out, or continue an interrupted run with --resume {shown}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_free_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let lock = Lock::new_folder(&folder).unwrap();
        for second in [Lock::new_folder(&folder), Lock::new(&folder)] {
            assert!(second.unwrap_err().to_string().contains("another training works in"));
        }
        drop(lock);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::write(folder.join(FILE), "").unwrap();
        drop(Lock::new_folder(&folder).unwrap());
        fs::write(folder.join("config.toml"), "").unwrap();
        let error = Lock::new_folder(&folder).unwrap_err().to_string();
        assert!(error.contains("not empty") && error.contains("--resume"), "{error}");
        Lock::new(&folder).unwrap();
    }
}
