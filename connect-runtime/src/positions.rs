//! Positions of sources, stored durably in one file of the worker.
//!
//! The file is a JSON document that is written whole beside the old one, synchronised, and renamed
//! over it: after `kill -9` or a power cut there is the old state or the new, never a mixture.
use crate::store_dir;
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Offset, Partition, Position, PositionReader, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The version of the file's form.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    positions: Vec<Stored>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    connector: String,
    partition: Partition,
    offset: Offset,
}

#[derive(Default)]
struct State {
    /// By connector and the partition's JSON text: values have no order of their own.
    offsets: BTreeMap<(Arc<str>, String), (Arc<Partition>, Offset)>,
    /// Counts changes; what the file holds is known by it.
    generation: u64,
    written: u64,
}

/// The positions of a worker's sources. Only what the broker acknowledged is put in (G1).
pub struct PositionStore {
    path: PathBuf,
    state: Mutex<State>,
    /// One writer of the file at a time. Where the directory had to be re-created, its lock.
    writing: tokio::sync::Mutex<Option<Arc<File>>>,
}

/// A name as that of a directory: other characters than letters, digits, `-` and `_` as `%` and two
/// hexadecimal digits each byte.
fn directory_name(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

impl PositionStore {
    /// The directory that tasks of a connector keep files in, beside the positions. It is not created.
    pub(crate) fn directory_of(&self, connector: &str) -> Arc<Path> {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        beside.join("state").join(directory_name(connector)).into()
    }

    /// Opens the store of `dir`, which must be there.
    ///
    /// # Errors
    /// `Internal`: the file cannot be read, or is not of this form; nothing is overwritten.
    pub fn open(dir: &Path) -> Result<Arc<Self>> {
        let path = dir.join("positions.json");
        let fault = |why: &str| {
            Error::new(
                ErrorKind::Internal,
                format!("stored positions {}: {why}", path.display()),
            )
        };
        let mut state = State::default();
        match fs::read(&path) {
            Ok(bytes) => {
                let document: Document = serde_json::from_slice(&bytes).map_err(|e| {
                    fault("the file is damaged; restore it, or remove it to read everything again")
                        .with_source(e)
                })?;
                if document.version != VERSION {
                    return Err(fault("the file was written by another version"));
                }
                for stored in document.positions {
                    let key = (stored.connector.into(), text(&stored.partition)?);
                    let value = (Arc::new(stored.partition), stored.offset);
                    state.offsets.insert(key, value);
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(fault("cannot be read").with_source(e)),
        }
        Ok(Arc::new(Self {
            path,
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    fn locked<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the position of one of the connector's partitions; stored by the next
    /// [`flush`](Self::flush).
    ///
    /// # Errors
    /// `Internal`: the partition has no text form.
    pub fn set(&self, connector: &Arc<str>, position: &Position) -> Result<()> {
        let key = (connector.clone(), text(&position.partition)?);
        let value = (position.partition.clone(), position.offset.clone());
        self.locked(|state| {
            state.offsets.insert(key, value);
            state.generation += 1;
        });
        Ok(())
    }

    /// Stores what was set. `Ok` means that it is on the disk. A directory that was removed is
    /// re-created.
    ///
    /// # Errors
    /// `Internal`: the file cannot be written; what was stored before is still there, and the next
    /// call tries again.
    pub async fn flush(self: &Arc<Self>) -> Result<()> {
        let mut writing = self.writing.lock().await;
        let (generation, bytes) = self.locked(|state| {
            if state.generation == state.written {
                return (state.generation, None);
            }
            let positions = state
                .offsets
                .iter()
                .map(|((connector, _), (partition, offset))| Stored {
                    connector: connector.to_string(),
                    partition: Partition::clone(partition),
                    offset: offset.clone(),
                })
                .collect();
            let document = Document {
                version: VERSION,
                positions,
            };
            (state.generation, Some(serde_json::to_vec_pretty(&document)))
        });
        let Some(bytes) = bytes else { return Ok(()) };
        let fault = |path: &Path| {
            let message = format!("stored positions {}: cannot be written", path.display());
            Error::new(ErrorKind::Internal, message)
        };
        let bytes = bytes.map_err(|e| fault(&self.path).with_source(e))?;
        let path = self.path.clone();
        let lock = tokio::task::spawn_blocking(move || write(&path, &bytes))
            .await
            .map_err(|e| fault(&self.path).with_source(e))?
            .map_err(|e| fault(&self.path).with_source(e))?;
        if let Some(lock) = lock {
            *writing = Some(Arc::new(lock));
        }
        self.locked(|state| state.written = generation);
        Ok(())
    }

    /// What the tasks of `connector` read.
    pub fn reader(self: &Arc<Self>, connector: Arc<str>) -> Arc<dyn PositionReader> {
        Arc::new(OfConnector {
            store: self.clone(),
            connector,
        })
    }
}

fn text(partition: &Partition) -> Result<String> {
    serde_json::to_string(partition)
        .map_err(|e| Error::new(ErrorKind::Internal, "a partition has no text form").with_source(e))
}

/// Replaces the file; gives the lock of the directory where that had to be re-created.
fn write(
    path: &Path,
    bytes: &[u8],
) -> Result<Option<File>, Box<dyn std::error::Error + Send + Sync>> {
    match (replace(path, bytes), path.parent()) {
        (Err(e), Some(dir)) if e.kind() == io::ErrorKind::NotFound => {
            let lock = store_dir::lock(dir)?;
            tracing::warn!(dir = %dir.display(), "the directory was removed and is re-created");
            replace(path, bytes)?;
            Ok(Some(lock))
        }
        (replaced, _) => Ok(replaced.map(|()| None)?),
    }
}

/// Writes `bytes` beside `path`, synchronises, and renames.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(e) = written {
        // Half a file would only take up what room there is.
        let _removed = fs::remove_file(&beside);
        return Err(e);
    }
    fs::rename(&beside, path)?;
    match path.parent() {
        // The rename itself must reach the disk.
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

struct OfConnector {
    store: Arc<PositionStore>,
    connector: Arc<str>,
}

#[async_trait]
impl PositionReader for OfConnector {
    async fn read(&self, partitions: &[Partition]) -> Result<Vec<Option<Offset>>> {
        partitions
            .iter()
            .map(|partition| {
                let key = (self.connector.clone(), text(partition)?);
                Ok(self
                    .store
                    .locked(|state| state.offsets.get(&key).map(|(_, offset)| offset.clone())))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Value;

    fn position(id: i64) -> Position {
        Position {
            partition: Arc::new([("table".into(), "public.orders".into())].into()),
            offset: [
                ("incrementing".into(), id.into()),
                ("at".into(), Value::Timestamp(-1)),
            ]
            .into(),
        }
    }

    #[tokio::test]
    async fn a_stored_position_is_read_back_by_its_connector_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = PositionStore::open(dir.path()).unwrap();
        store.set(&"a".into(), &position(41)).unwrap();
        store.set(&"a".into(), &position(42)).unwrap();
        store.flush().await.unwrap();
        store.set(&"a".into(), &position(43)).unwrap();

        let store = PositionStore::open(dir.path()).unwrap();
        let partitions = [
            Partition::clone(&position(0).partition),
            Partition::default(),
        ];
        let read = store.reader("a".into()).read(&partitions).await.unwrap();
        assert_eq!(read, [Some(position(42).offset), None]);
        let other = store.reader("b".into()).read(&partitions).await.unwrap();
        assert_eq!(other, [None, None]);
    }

    #[tokio::test]
    async fn a_failed_store_is_repeated_by_the_next_and_a_removed_directory_is_re_created() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        fs::create_dir(&path).unwrap();
        let store = PositionStore::open(&path).unwrap();
        let stored = || async {
            let partitions = [Partition::clone(&position(0).partition)];
            let store = PositionStore::open(&path).unwrap();
            store.reader("a".into()).read(&partitions).await.unwrap()
        };
        store.set(&"a".into(), &position(1)).unwrap();
        store.flush().await.unwrap();
        let in_the_way = path.join("positions.json.new");
        fs::create_dir(&in_the_way).unwrap();
        store.set(&"a".into(), &position(2)).unwrap();
        let e = store.flush().await.unwrap_err();
        assert!(e.to_string().contains("cannot be written"), "{e}");
        assert_eq!(stored().await, [Some(position(1).offset)]);
        fs::remove_dir(&in_the_way).unwrap();
        store.flush().await.unwrap();
        assert_eq!(stored().await, [Some(position(2).offset)]);

        fs::remove_dir_all(&path).unwrap();
        store.set(&"a".into(), &position(3)).unwrap();
        store.flush().await.unwrap();
        assert_eq!(stored().await, [Some(position(3).offset)]);
        let e = store_dir::lock(&path).unwrap_err();
        assert!(e.to_string().contains("another worker"), "{e}");
    }

    #[tokio::test]
    async fn a_damaged_file_is_reported_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("positions.json");
        fs::write(&path, "{\"version\":1,\"posi").unwrap();
        let e = PositionStore::open(dir.path()).err().unwrap();
        assert!(e.to_string().contains("damaged"), "{e}");
        assert_eq!(fs::read(&path).unwrap(), b"{\"version\":1,\"posi");
    }
}
