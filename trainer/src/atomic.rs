//! Files that are either whole or absent, also across a power cut: written beside their place, brought to the disk, then
//! renamed onto it.
//!
//! The temporary file of `NAME` is called `.NAME.RANDOM.tmp` and locked by its writer. What a killed writer left is
//! removed by the next one of the same name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::{Builder, NamedTempFile};

/// Where the temporary files of this process are or were.
static TEMPORARY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes the temporary files of this process, which is about to end without unwinding.
pub fn remove_temporary() {
    let Ok(paths) = TEMPORARY.lock() else { return };
    paths.iter().for_each(|path| _ = fs::remove_file(path));
}

/// A temporary file in the folder of `path`, so that the rename stays on one file system.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let (folder, start) =
        (folder(path), format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy()));
    remove_stale(folder, &start);
    let mut builder = Builder::new();
    share_like_any_new_file(&mut builder);
    let file = builder.prefix(&start).suffix(".tmp").tempfile_in(folder)?;
    // A file system without locks has none to find stale files by.
    let _ = file.as_file().try_lock();
    if let Ok(mut paths) = TEMPORARY.lock() {
        paths.insert(file.path().to_owned());
    }
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes temporary files that no living process has locked.
fn remove_stale(folder: &Path, start: &str) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(start) && name.ends_with(".tmp")
    });
    for entry in names {
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Puts a finished temporary file at `path`, where it stays whatever happens next.
pub(crate) fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // Not every system opens folders.
    File::open(folder(path)).map_or(Ok(()), |folder| folder.sync_all().or(Ok(())))
}

/// Temporary files are private by default, which a result file should not be; the umask still counts.
#[cfg(unix)]
fn share_like_any_new_file(builder: &mut Builder) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn share_like_any_new_file(_: &mut Builder) {}

/// Puts what `write` writes at `path` in one step; on an error the old file stays.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = beside(path)?;
    let mut out = BufWriter::new(file.as_file());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    put(file, path)
}

/// Puts `bytes` at `path` in one step; on an error the old file stays.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |out| out.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("stop"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// What a killed process left is removed; what a living one writes is not.
    #[test]
    fn stale_files_of_the_same_name_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for name in [".a.killed.tmp", ".b.killed.tmp"] {
            fs::write(dir.path().join(name), "half").unwrap();
        }
        let living = beside(&path).unwrap();
        write_atomic(&path, b"whole").unwrap();
        assert!(living.path().exists() && !dir.path().join(".a.killed.tmp").exists());
        assert!(dir.path().join(".b.killed.tmp").exists(), "another file's");
        drop(living);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_good_write_replaces_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "old").unwrap();
        replace(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        fs::write(dir.path().join("plain"), "").unwrap();
        replace(&dir.path().join("ours"), |_| Ok(())).unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }
}
