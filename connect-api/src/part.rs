//! How the parts of a task are doing: its tables, queries or files.
use crate::error::{Error, ErrorKind};
use serde::{Serialize, Serializer};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What a part of a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PartState {
    /// Its existing rows are read.
    Snapshot,
    /// New rows are read as they come.
    Following,
    /// Nothing of it is read until the error is mended; the other parts go on.
    Failed,
    /// Everything was read that there is to read.
    Finished,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Rows that were read.
    pub rows: u64,
    /// About how many rows there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
    /// Rows per second, since the start.
    pub rows_per_second: u64,
    /// About how many seconds are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// A part as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// What it is doing.
    pub state: PartState,
    /// How it is read, where that says what can be missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Arc<str>>,
    /// How far its snapshot has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Kind of the error that it failed with.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "kind")]
    pub kind: Option<ErrorKind>,
    /// That error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
}

fn kind<S: Serializer>(kind: &Option<ErrorKind>, s: S) -> Result<S::Ok, S::Error> {
    kind.map(ErrorKind::name).serialize(s)
}

impl Part {
    /// A part in this state.
    pub fn new(state: PartState) -> Self {
        Self {
            state,
            method: None,
            progress: None,
            kind: None,
            error: None,
        }
    }

    /// A part that failed.
    pub fn failed(error: &Error) -> Self {
        Self {
            kind: Some(error.kind()),
            error: Some(error.report().into()),
            ..Self::new(PartState::Failed)
        }
    }
}

/// Where a task says how its parts are doing; what it says is shown in its status.
#[derive(Debug, Clone, Default)]
pub struct PartBoard(Arc<Mutex<BTreeMap<Box<str>, Part>>>);

impl PartBoard {
    fn locked<R>(&self, f: impl FnOnce(&mut BTreeMap<Box<str>, Part>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets how a part is doing.
    pub fn set(&self, name: &str, part: Part) {
        self.locked(|parts| parts.insert(name.into(), part));
    }

    /// Changes how a part is doing; nothing if it is not known.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut Part)) {
        self.locked(|parts| parts.get_mut(name).map(change));
    }

    /// Removes a part that is no longer there.
    pub fn remove(&self, name: &str) {
        self.locked(|parts| parts.remove(name));
    }

    /// Removes all parts, as the task starts again.
    pub fn clear(&self) {
        self.locked(BTreeMap::clear);
    }

    /// All parts by name.
    pub fn all(&self) -> BTreeMap<Box<str>, Part> {
        self.locked(|parts| parts.clone())
    }
}
