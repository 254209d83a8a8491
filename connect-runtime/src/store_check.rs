//! What `check` finds at the worker's directory.
use crate::{
    WorkerConfig,
    positions::PositionStore,
    store_dir::{fault, is_locked},
};
use connect_api::Result;
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// More than positions of thousands of tables take.
const PROBE_BYTES: usize = 1 << 20;

/// What was found at the worker's directory.
#[derive(Debug, Default, Serialize)]
pub struct StoreReport {
    /// Why a worker cannot use it.
    pub faults: Vec<String>,
    /// What is no fault but worth knowing.
    pub notes: Vec<String>,
}

/// Checks that the worker's directory exists or can be created, is writable and has free space,
/// is not in use, and holds positions that can be read. What is written for it is removed again.
pub fn check_store(config: &WorkerConfig) -> StoreReport {
    let dir = Path::new(&config.store_dir);
    let mut report = StoreReport::default();
    if let Err(error) = probe(dir) {
        report.faults.push(error.report());
        return report;
    }
    if is_locked(dir) {
        report.notes.push(format!(
            "storePathRootDir {}: a worker uses it now; a second one will not start",
            dir.display()
        ));
    }
    if let Err(error) = PositionStore::open(dir) {
        report.faults.push(error.report());
    }
    report
}

/// Writes a file to the directory, or to the nearest above it that is there, and removes it.
fn probe(dir: &Path) -> Result<()> {
    let mut there = dir.to_path_buf();
    while !there.as_os_str().is_empty() && fs::symlink_metadata(&there).is_err() {
        there.pop();
    }
    if there.as_os_str().is_empty() {
        there = PathBuf::from(".");
    }
    let what = if there == dir {
        "cannot be written to".to_owned()
    } else {
        format!("cannot be created in {}", there.display())
    };
    if !there.is_dir() {
        let what = format!("{what}: {} is no directory", there.display());
        return Err(fault(dir, &what));
    }
    let path = there.join(format!(".worker-check-{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = File::create(&path)?;
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    };
    let written = write();
    match (written, fs::remove_file(&path)) {
        (Err(e), _) => Err(fault(dir, &what).with_source(e)),
        (Ok(()), Err(e)) => Err(fault(dir, "files cannot be removed from it").with_source(e)),
        (Ok(()), Ok(())) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store_dir::lock;

    fn found(dir: &Path) -> StoreReport {
        let dir = dir.display().to_string();
        let config = WorkerConfig::new([("transport", "embedded"), ("storePathRootDir", &*dir)]);
        check_store(&config.unwrap())
    }

    #[test]
    fn a_directory_that_can_be_created_is_no_fault_and_is_not_created() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("a/b");
        let report = found(&store);
        assert!(report.faults.is_empty(), "{report:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_its_place_or_damaged_positions_are_faults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        for store in [file.clone(), file.join("below")] {
            let report = found(&store);
            assert!(report.faults[0].contains("is no directory"), "{report:?}");
        }
        fs::write(dir.path().join("positions.json"), "{").unwrap();
        let report = found(dir.path());
        assert!(report.faults[0].contains("damaged"), "{report:?}");
    }

    #[test]
    fn a_worker_that_uses_the_directory_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let _worker = lock(dir.path()).unwrap();
        let report = found(dir.path());
        assert!(report.faults.is_empty(), "{report:?}");
        assert!(
            report.notes[0].contains("a worker uses it now"),
            "{report:?}"
        );
        assert!(
            lock(dir.path())
                .unwrap_err()
                .to_string()
                .contains("another worker")
        );
    }
}
