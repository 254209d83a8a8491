//! The keys of a table's rows that are known at their destination: a file beside the stored positions.
//!
//! What has been compared is held in chunks, in the order of the table's key: all keys behind the last
//! key of the chunk before, up to its own last key. Keys that were sent are noted by themselves, and are
//! part of a chunk once a comparison has found them. Keys are bytes of `arrow_row`, and are equal
//! where the keys are.
use connect_api::{Error, ErrorKind, Result, Value};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// A key, as bytes.
pub(crate) type Key = Box<[u8]>;

/// Keys that were sent, and how many comparisons had begun by then.
const SENT: TableDefinition<'_, &[u8], u64> = TableDefinition::new("sent");
/// By the number of the comparison, and of the chunk in it.
const CHUNKS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("chunks");
/// By the numbers of the chunk that held them first.
const KEYS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("keys");
const STATE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("state");

/// The version of this format. A change of it, or of `arrow_row`'s bytes, needs another.
const FORMAT: u32 = 1;
/// Bytes of the file that are kept in memory; what the comparison of a chunk needs comes to it.
const CACHE: usize = 4 << 20;

/// What is known of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    format: u32,
    /// What the keys are of: columns, types and masks.
    of: String,
    /// Comparisons that have begun.
    pub(crate) begun: u64,
    /// The last of them is not finished.
    pub(crate) running: bool,
    /// When the last one began, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// Keys that follow each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// The last key of its range, as the database has it; `None` where the range has no end.
    pub(crate) until: Option<Vec<Value>>,
    pub(crate) rows: u64,
    pub(crate) checksum: Option<u128>,
    /// Where its keys are.
    keys: (u64, u64),
    /// The number of the chunk of the last comparison whose range it is in.
    of: u64,
    /// That range ends with it.
    pub(crate) ends: bool,
}

/// A part of a comparison that is to be stored.
#[derive(Debug)]
pub(crate) enum Found {
    /// The chunk has the keys that it had.
    Same { of: u64, chunk: Chunk },
    /// The range has these keys.
    Keys {
        of: u64,
        until: Option<Vec<Value>>,
        ends: bool,
        checksum: Option<u128>,
        keys: Vec<Key>,
    },
    /// These keys that were sent are in no range.
    Gone(Vec<Key>),
}

/// See the module.
pub(crate) struct KnownKeys {
    database: Database,
    pub(crate) path: PathBuf,
    pub(crate) state: State,
    /// Chunks of the comparison that runs.
    chunks: u64,
}

/// Whether the file was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is new.
    New,
    Known,
    /// It held other keys, and begins anew.
    Replaced,
}

fn packed(keys: &[Key]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.iter().map(|key| key.len() + 4).sum());
    for key in keys {
        let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(key);
    }
    bytes
}

fn unpacked(mut bytes: &[u8]) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (key, rest) = rest.split_at_checked(length)?;
        keys.push(key.into());
        bytes = rest;
    }
    Some(keys)
}

impl Chunk {
    /// The number of the chunk of the last comparison whose range it is in.
    pub(crate) fn of(&self) -> u64 {
        self.of
    }
}

impl KnownKeys {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// `Busy`: another task has it open. `Internal`: it cannot be read or written.
    pub(crate) fn open(path: &Path, of: &str) -> Result<(Self, Opened)> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed(path, e))?;
        }
        let mut builder = Builder::new();
        let database = builder.set_cache_size(CACHE).create(path);
        let database = database.map_err(|e| match e {
            DatabaseError::DatabaseAlreadyOpen => {
                let message = format!("{}: another task has it open", path.display());
                Error::new(ErrorKind::Busy, message)
            }
            e => failed(path, e),
        })?;
        let fresh = State {
            format: FORMAT,
            of: of.to_owned(),
            begun: 0,
            running: false,
            at: 0,
        };
        let mut known = Self {
            database,
            path: path.to_owned(),
            state: fresh.clone(),
            chunks: 0,
        };
        let stored = known.write(|tx| {
            let state = tx.open_table(STATE)?;
            let stored = state.get(())?.map(|bytes| bytes.value().to_vec());
            tx.open_table(SENT)?;
            tx.open_table(CHUNKS)?;
            tx.open_table(KEYS)?;
            Ok(stored)
        })?;
        let Some(stored) = stored else {
            known.write(|tx| store(tx, &fresh))?;
            return Ok((known, Opened::New));
        };
        let stored: Option<State> = serde_json::from_slice(&stored).ok();
        match stored.filter(|state| (state.format, state.of.as_str()) == (FORMAT, of)) {
            Some(state) => {
                known.state = state;
                known.chunks = known.last_chunk()?.map_or(0, |(number, _)| number + 1);
                Ok((known, Opened::Known))
            }
            None => {
                known.write(|tx| {
                    tx.delete_table(SENT)?;
                    tx.delete_table(CHUNKS)?;
                    tx.delete_table(KEYS)?;
                    tx.open_table(SENT)?;
                    tx.open_table(CHUNKS)?;
                    tx.open_table(KEYS)?;
                    store(tx, &fresh)
                })?;
                Ok((known, Opened::Replaced))
            }
        }
    }

    /// It holds keys of this.
    pub(crate) fn is_of(&self, of: &str) -> bool {
        self.state.of == of
    }

    fn write<R>(&self, f: impl FnOnce(&WriteTransaction) -> Result<R, redb::Error>) -> Result<R> {
        let written = || {
            let tx = self.database.begin_write()?;
            let result = f(&tx)?;
            tx.commit()?;
            Ok::<_, redb::Error>(result)
        };
        written().map_err(|e| failed(&self.path, e))
    }

    fn read<R>(
        &self,
        f: impl FnOnce(&redb::ReadTransaction) -> Result<R, redb::Error>,
    ) -> Result<R> {
        let read = || f(&self.database.begin_read()?);
        read().map_err(|e| failed(&self.path, e))
    }

    /// Notes keys before their rows are sent.
    ///
    /// # Errors
    /// `Internal`: they cannot be written.
    pub(crate) fn note(&self, mut keys: Vec<Key>) -> Result<()> {
        // Neighbours in the tree are written together.
        keys.sort_unstable();
        self.write(|tx| {
            let mut sent = tx.open_table(SENT)?;
            for key in &keys {
                sent.insert(key.as_ref(), self.state.begun)?;
            }
            Ok(())
        })
    }

    /// A comparison begins.
    ///
    /// # Errors
    /// `Internal`: that cannot be written.
    pub(crate) fn begin(&mut self, at: i64) -> Result<()> {
        let state = State {
            begun: self.state.begun + 1,
            running: true,
            at,
            ..self.state.clone()
        };
        self.write(|tx| store(tx, &state))?;
        (self.state, self.chunks) = (state, 0);
        Ok(())
    }

    /// A chunk of the last comparison, with its number; `None` behind the last.
    ///
    /// # Errors
    /// `Internal`: the file cannot be read.
    pub(crate) fn old_chunk(&self, number: u64) -> Result<Option<(u64, Chunk)>> {
        self.chunk_from(self.state.begun.wrapping_sub(1), number)
    }

    /// The first chunk of a comparison from this number on.
    fn chunk_from(&self, comparison: u64, number: u64) -> Result<Option<(u64, Chunk)>> {
        let found = self.read(|tx| {
            let chunks = tx.open_table(CHUNKS)?;
            let mut range = chunks.range((comparison, number)..(comparison, u64::MAX))?;
            let first = range.next().transpose()?;
            Ok(first.map(|(key, value)| (key.value().1, value.value().to_vec())))
        })?;
        self.parsed(found)
    }

    /// The last chunk of the comparison that runs.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    pub(crate) fn last_chunk(&self) -> Result<Option<(u64, Chunk)>> {
        let begun = self.state.begun;
        let found = self.read(|tx| {
            let chunks = tx.open_table(CHUNKS)?;
            let mut range = chunks.range((begun, 0)..=(begun, u64::MAX))?;
            let last = range.next_back().transpose()?;
            Ok(last.map(|(key, value)| (key.value().1, value.value().to_vec())))
        })?;
        self.parsed(found)
    }

    fn parsed(&self, found: Option<(u64, Vec<u8>)>) -> Result<Option<(u64, Chunk)>> {
        let Some((number, bytes)) = found else {
            return Ok(None);
        };
        let chunk = serde_json::from_slice(&bytes);
        Ok(Some((number, chunk.map_err(|e| failed(&self.path, e))?)))
    }

    /// The keys of a chunk.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    pub(crate) fn keys(&self, chunk: &Chunk) -> Result<Vec<Key>> {
        let bytes = self.read(|tx| {
            let keys = tx.open_table(KEYS)?;
            Ok(keys.get(chunk.keys)?.map(|bytes| bytes.value().to_vec()))
        })?;
        let keys = unpacked(&bytes.unwrap_or_default());
        keys.ok_or_else(|| failed(&self.path, "the keys of a chunk are damaged"))
    }

    /// Keys that the comparison that runs has found in this range of the one before, by chunks that are
    /// stored.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    pub(crate) fn found_in(&self, of: u64) -> Result<Vec<Key>> {
        let (mut keys, mut number) = (Vec::new(), self.chunks);
        while let Some(before) = number.checked_sub(1) {
            match self.chunk_from(self.state.begun, before)? {
                Some((_, chunk)) if chunk.of == of => keys.extend(self.keys(&chunk)?),
                _ => break,
            }
            number = before;
        }
        Ok(keys)
    }

    /// Keys are noted that were sent before the comparison began.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    pub(crate) fn has_sent(&self) -> Result<bool> {
        Ok(!self.sent_before(1)?.is_empty())
    }

    /// Some of the keys that were sent before the comparison began, and are not stored as found or as
    /// gone by now.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    pub(crate) fn sent_before(&self, most: usize) -> Result<Vec<Key>> {
        let begun = self.state.begun;
        self.read(|tx| {
            let sent = tx.open_table(SENT)?;
            let mut keys = Vec::new();
            for entry in sent.iter()? {
                let (key, at) = entry?;
                if at.value() < begun {
                    keys.push(key.value().into());
                    if keys.len() == most {
                        break;
                    }
                }
            }
            Ok(keys)
        })
    }

    /// Stores parts of the comparison; `settle`: there are keys that were sent before it.
    ///
    /// # Errors
    /// `Internal`: they cannot be written.
    pub(crate) fn store(&mut self, parts: Vec<Found>, settle: bool) -> Result<()> {
        let begun = self.state.begun;
        let mut number = self.chunks;
        let stored = self.write(|tx| {
            let mut sent = tx.open_table(SENT)?;
            let mut chunks = tx.open_table(CHUNKS)?;
            let mut keys_of = tx.open_table(KEYS)?;
            for part in parts {
                let (chunk, keys) = match part {
                    Found::Gone(keys) => (None, keys),
                    Found::Same { of, chunk } => {
                        let keys = match settle {
                            true => keys_of
                                .get(chunk.keys)?
                                .and_then(|bytes| unpacked(bytes.value())),
                            false => None,
                        };
                        let chunk = Chunk {
                            of,
                            ends: true,
                            ..chunk
                        };
                        (Some(chunk), keys.unwrap_or_default())
                    }
                    Found::Keys {
                        of,
                        until,
                        ends,
                        checksum,
                        keys,
                    } => {
                        let id = (begun, number);
                        keys_of.insert(id, packed(&keys).as_slice())?;
                        let chunk = Chunk {
                            until,
                            rows: keys.len() as u64,
                            checksum,
                            keys: id,
                            of,
                            ends,
                        };
                        (Some(chunk), keys)
                    }
                };
                if let Some(chunk) = chunk {
                    let bytes = serde_json::to_vec(&chunk).unwrap_or_default();
                    chunks.insert((begun, number), bytes.as_slice())?;
                    number += 1;
                }
                if !settle {
                    continue;
                }
                for key in &keys {
                    let before = sent.get(key.as_ref())?.is_some_and(|at| at.value() < begun);
                    if before {
                        sent.remove(key.as_ref())?;
                    }
                }
            }
            Ok(number)
        })?;
        self.chunks = stored;
        Ok(())
    }

    /// The comparison is finished: that before it is not needed any more.
    ///
    /// # Errors
    /// `Internal`: that cannot be written.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let begun = self.state.begun;
        let mut used = HashSet::new();
        let mut number = 0;
        while let Some((found, chunk)) = self.chunk_from(begun, number)? {
            used.insert(chunk.keys);
            number = found + 1;
        }
        let state = State {
            running: false,
            ..self.state.clone()
        };
        self.write(|tx| {
            let mut chunks = tx.open_table(CHUNKS)?;
            chunks.retain(|(comparison, _), _| comparison == begun)?;
            let mut keys = tx.open_table(KEYS)?;
            keys.retain(|id, _| used.contains(&id))?;
            store(tx, &state)
        })?;
        self.state = state;
        Ok(())
    }

    /// Keys that are known: those of chunks, and those that were sent.
    ///
    /// # Errors
    /// As [`old_chunk`](Self::old_chunk).
    #[cfg(test)]
    fn counts(&self) -> Result<(u64, u64)> {
        let (mut rows, mut number) = (0, 0);
        while let Some((found, chunk)) = self.chunk_from(self.state.begun, number)? {
            rows += chunk.rows;
            number = found + 1;
        }
        let sent = self.read(|tx| Ok(redb::ReadableTableMetadata::len(&tx.open_table(SENT)?)?))?;
        Ok((rows, sent))
    }
}

fn store(tx: &WriteTransaction, state: &State) -> Result<(), redb::Error> {
    let bytes = serde_json::to_vec(state).unwrap_or_default();
    tx.open_table(STATE)?.insert((), bytes.as_slice())?;
    Ok(())
}

fn failed(path: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = format!("keys of sent rows, {}", path.display());
    Error::new(ErrorKind::Internal, message).with_source(e.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        text.as_bytes().into()
    }

    fn keys(of: u64, until: Option<i64>, ends: bool, keys: &[&str]) -> Found {
        Found::Keys {
            of,
            until: until.map(|id| vec![Value::Int(id)]),
            ends,
            checksum: Some(7),
            keys: keys.iter().copied().map(key).collect(),
        }
    }

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn keys_that_were_sent_stay_until_a_comparison_has_settled_them() {
        let directory = directory();
        let path = directory.path().join("a/keys.redb");
        let (mut known, opened) = KnownKeys::open(&path, "id").unwrap();
        assert_eq!(opened, Opened::New);
        known.note(vec![key("b"), key("a"), key("gone")]).unwrap();
        known.begin(1).unwrap();
        assert!(known.has_sent().unwrap());
        // Sent again while it is compared: it is for the next comparison.
        known.note(vec![key("b")]).unwrap();
        known
            .store(vec![keys(0, None, true, &["a", "b"])], true)
            .unwrap();
        assert_eq!(known.sent_before(9).unwrap(), [key("gone")]);
        known
            .store(vec![Found::Gone(vec![key("gone")])], true)
            .unwrap();
        assert_eq!(known.sent_before(9).unwrap(), Vec::<Key>::new());
        known.finish().unwrap();
        assert_eq!(known.counts().unwrap(), (2, 1));
        known.begin(2).unwrap();
        assert_eq!(known.sent_before(9).unwrap(), [key("b")]);
        let (number, chunk) = known.old_chunk(0).unwrap().unwrap();
        assert_eq!((number, chunk.rows, chunk.checksum), (0, 2, Some(7)));
        assert_eq!(known.keys(&chunk).unwrap(), [key("a"), key("b")]);
        known
            .store(vec![Found::Same { of: 0, chunk }], true)
            .unwrap();
        assert!(!known.has_sent().unwrap());
        known.finish().unwrap();
        let (_, chunk) = known.last_chunk().unwrap().unwrap();
        assert_eq!(
            known.keys(&chunk).unwrap(),
            [key("a"), key("b")],
            "kept by the chunk that uses them"
        );
    }

    #[test]
    fn a_comparison_goes_on_where_it_was_stored() {
        let directory = directory();
        let path = directory.path().join("keys.redb");
        let (mut known, _) = KnownKeys::open(&path, "id").unwrap();
        known.begin(1).unwrap();
        known
            .store(vec![keys(0, None, true, &["a", "b", "c"])], false)
            .unwrap();
        known.finish().unwrap();
        known.begin(2).unwrap();
        known
            .store(vec![keys(0, Some(1), false, &["a"])], false)
            .unwrap();
        known
            .store(vec![keys(0, Some(2), false, &["b"])], false)
            .unwrap();
        drop(known);
        let (known, opened) = KnownKeys::open(&path, "id").unwrap();
        assert_eq!(opened, Opened::Known);
        assert!(known.state.running);
        let (number, chunk) = known.last_chunk().unwrap().unwrap();
        assert_eq!((number, chunk.of(), chunk.ends), (1, 0, false));
        let mut found = known.found_in(0).unwrap();
        found.sort_unstable();
        assert_eq!(found, [key("a"), key("b")]);
        assert!(matches!(KnownKeys::open(&path, "id"), Err(e) if e.kind() == ErrorKind::Busy));
    }

    #[test]
    fn keys_of_another_kind_begin_anew() {
        let directory = directory();
        let path = directory.path().join("keys.redb");
        let (known, _) = KnownKeys::open(&path, "id Int64").unwrap();
        known.note(vec![key("a")]).unwrap();
        drop(known);
        let (known, opened) = KnownKeys::open(&path, "id Int32").unwrap();
        assert_eq!(opened, Opened::Replaced);
        assert_eq!(known.counts().unwrap(), (0, 0));
    }
}
