//! How far a comparison has come.
use crate::deletes::known_keys::{Key, KnownKeys};
use connect_api::{Result, Value};
use std::{
    collections::HashSet,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// A comparison that runs.
pub(crate) struct Walk {
    pub(crate) started: Instant,
    /// The last key of the chunk before.
    pub(crate) after: Option<Vec<Value>>,
    pub(crate) range: Option<Range>,
    /// The number of the next chunk of the last comparison.
    pub(crate) next: u64,
    /// All chunks are read.
    pub(crate) is_read: bool,
    /// There are keys that were sent before it began.
    pub(crate) settles: bool,
    pub(crate) deletes: u64,
    pub(crate) rows: u64,
    pub(crate) read: u64,
}

/// A chunk of the last comparison whose range is being read.
pub(crate) struct Range {
    pub(crate) of: u64,
    pub(crate) until: Option<Vec<Value>>,
    /// Its keys that were not found yet.
    pub(crate) missing: HashSet<Key>,
}

impl Walk {
    /// Begins a comparison, or goes on with one.
    ///
    /// # Errors
    /// `Internal`: the known keys cannot be read or written.
    pub(crate) fn begin(known: &mut KnownKeys) -> Result<Self> {
        if !known.state.running {
            known.begin(now())?;
        }
        let last = known.last_chunk()?.map(|(_, chunk)| chunk);
        let mut walk = Self {
            started: Instant::now(),
            after: None,
            range: None,
            next: 0,
            is_read: false,
            settles: known.has_sent()?,
            deletes: 0,
            rows: 0,
            read: 0,
        };
        if let Some(chunk) = last {
            walk.is_read = chunk.ends && chunk.until.is_none();
            walk.next = chunk.of() + u64::from(chunk.ends);
            if !chunk.ends {
                walk.range = Some(Range::of(known, chunk.of())?);
            }
            walk.after = chunk.until;
        }
        Ok(walk)
    }
}

impl Range {
    /// That of a chunk of the last comparison, with its keys that were not found by now.
    ///
    /// # Errors
    /// As [`KnownKeys::keys`].
    pub(crate) fn of(known: &mut KnownKeys, of: u64) -> Result<Self> {
        let Some((of, chunk)) = known.old_chunk(of)? else {
            return Ok(Self {
                of,
                until: None,
                missing: HashSet::new(),
            });
        };
        let mut missing: HashSet<Key> = known.keys(&chunk)?.into_iter().collect();
        for key in known.found_in(of)? {
            missing.remove(&key);
        }
        Ok(Self {
            of,
            until: chunk.until,
            missing,
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
