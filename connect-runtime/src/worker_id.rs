//! The worker's identity, which survives restarts.
use connect_api::{Error, ErrorKind, Result};
use std::{
    fs,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
    io::{ErrorKind as Io, Write as _},
    path::Path,
    sync::Arc,
};

const FILE: &str = "worker.id";

/// The identity of the worker that has locked `dir`: generated once, and unique even if the directory
/// is copied.
///
/// # Errors
/// `Config`: its file cannot be read or written.
pub(crate) fn worker_id(dir: &Path) -> Result<Arc<str>> {
    let path = dir.join(FILE);
    let fault = |what: &str, e| {
        let text = format!(
            "storePathRootDir {}: {FILE} cannot be {what}",
            dir.display()
        );
        Error::new(ErrorKind::Config, text).with_source(e)
    };
    let mut id = match fs::read_to_string(&path) {
        Ok(id) => id,
        Err(e) if e.kind() == Io::NotFound => String::new(),
        Err(e) => return Err(fault("read", e)),
    };
    if id.trim().is_empty() {
        id = format!("{:016x}{:016x}", random(), random());
        let mut file = fs::File::create(&path).map_err(|e| fault("created", e))?;
        file.write_all(id.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| fault("written", e))?;
    }
    let mut place = DefaultHasher::new();
    fs::canonicalize(dir)
        .unwrap_or_else(|_| dir.to_owned())
        .hash(&mut place);
    // Without a host name, the rest must suffice.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().hash(&mut place);
    Ok(format!("connect-{}-{:016x}", id.trim(), place.finish()).into())
}

fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_keeps_its_id_in_its_directory_and_a_copy_gets_another() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = worker_id(one.path()).unwrap();
        assert_eq!(worker_id(one.path()).unwrap(), first);
        fs::copy(one.path().join(FILE), two.path().join(FILE)).unwrap();
        assert_ne!(worker_id(two.path()).unwrap(), first);
    }
}
