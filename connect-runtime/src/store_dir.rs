//! The worker's directory: one worker has it at a time.
use connect_api::{Error, ErrorKind, Result};
use std::{
    fs::{self, File},
    path::Path,
};

const LOCK: &str = "worker.lock";

/// A fault of the directory, under the name of its key.
pub(crate) fn fault(dir: &Path, what: &str) -> Error {
    let message = format!("storePathRootDir {}: {what}", dir.display());
    Error::new(ErrorKind::Config, message)
}

/// Creates the directory and locks it for this process, as long as the file is open.
///
/// # Errors
/// `Config`: it cannot be created or written to, or another worker uses it.
pub(crate) fn lock(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir).map_err(|e| fault(dir, "cannot be created").with_source(e))?;
    let file = File::create(dir.join(LOCK))
        .map_err(|e| fault(dir, "cannot be written to").with_source(e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(fault(
            dir,
            "another worker uses it; stop that one, or give this one a directory of its own",
        )),
        Err(fs::TryLockError::Error(e)) => Err(fault(dir, "cannot be locked").with_source(e)),
    }
}

/// Another process has locked the directory.
pub(crate) fn is_locked(dir: &Path) -> bool {
    let locked = File::open(dir.join(LOCK)).map(|file| file.try_lock());
    matches!(locked, Ok(Err(fs::TryLockError::WouldBlock)))
}
