//! The name by which a worker is known again after a restart.
use connect_api::{Error, ErrorKind, Result};
use std::{
    fs,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
    io::{ErrorKind as Io, Write as _},
    path::Path,
    sync::Arc,
};

const FILE: &str = "worker.id";

/// The identity of the worker that has locked `dir`: made once, and of no other worker, also where
/// the directory was copied.
///
/// # Errors
/// `Config`: its file cannot be read or made.
pub(crate) fn identity(dir: &Path) -> Result<Arc<str>> {
    let path = dir.join(FILE);
    let fault = |what: &str, e| {
        let text = format!(
            "storePathRootDir {}: {FILE} cannot be {what}",
            dir.display()
        );
        Error::new(ErrorKind::Config, text).with_source(e)
    };
    let mut made = match fs::read_to_string(&path) {
        Ok(made) => made,
        Err(e) if e.kind() == Io::NotFound => String::new(),
        Err(e) => return Err(fault("read", e)),
    };
    if made.trim().is_empty() {
        made = format!("{:016x}{:016x}", random(), random());
        let mut file = fs::File::create(&path).map_err(|e| fault("made", e))?;
        file.write_all(made.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| fault("written", e))?;
    }
    let mut place = DefaultHasher::new();
    fs::canonicalize(dir)
        .unwrap_or_else(|_| dir.to_owned())
        .hash(&mut place);
    // Without a name of the machine, the rest must do.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().hash(&mut place);
    Ok(format!("connect-{}-{:016x}", made.trim(), place.finish()).into())
}

fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_known_again_by_its_directory_and_a_copy_of_it_is_another() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = identity(one.path()).unwrap();
        assert_eq!(identity(one.path()).unwrap(), first);
        fs::copy(one.path().join(FILE), two.path().join(FILE)).unwrap();
        assert_ne!(identity(two.path()).unwrap(), first);
    }
}
