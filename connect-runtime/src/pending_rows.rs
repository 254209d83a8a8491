//! Rows that a foreign key rejected and that are retried: the row they refer to may arrive later.
//!
//! The committed offset of a queue stays before its first pending row (G1, G3), and a later row with
//! the same key is deferred behind it (G2).
use crate::batch::TopicRecords;
use connect_api::{Error, ErrorKind, Op, Origin, Records, Rejected, Result, SinkTask};
use connect_transport::{Pulled, Queue};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Maximum number of pending rows. The task reads no more until some are written or time out. A table
/// of so many rows is written whole even where each row refers to a later one.
const MAX_ROWS: usize = 10_000;
/// Maximum bytes of their messages.
const MAX_BYTES: usize = 16 << 20;
/// Shortest backoff between two retries; it doubles after a retry that wrote nothing.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
/// Longest backoff.
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// Retries take at most one part in so many of the task's time.
const RETRY_SHARE: u32 = 3;

type Key = Box<[u8]>;

/// A pending row, without its values.
pub(crate) struct PendingRow {
    key: Option<Key>,
    since: Instant,
    pub(crate) queue: Queue,
    /// Its message alone.
    pub(crate) message: Pulled,
    /// Why it was rejected last.
    pub(crate) error: Error,
}

impl PendingRow {
    /// Offset of its message in the queue.
    pub(crate) fn offset(&self) -> i64 {
        self.message.next - 1
    }
}

/// Rows of one topic, origin and schema, in their order.
struct Group {
    records: Records,
    rows: Vec<PendingRow>,
}

impl Group {
    fn is_of(&self, topic: &str, origin: Option<&Arc<Origin>>) -> bool {
        &**self.records.topic() == topic && self.records.origin() == origin
    }
}

/// The rows to write now: all of them, or those that are not deferred.
pub(crate) enum Ready {
    All,
    /// These, with their indexes in the original records.
    Some(Records, Vec<usize>),
}

/// The pending rows of a task.
pub(crate) struct PendingRows {
    timeout: Duration,
    groups: Vec<Group>,
    /// [`first_offsets`](Self::first_offsets) at the begin of a retry: should the retry fail, no
    /// offset goes beyond them.
    pinned: BTreeMap<Queue, i64>,
    bytes: usize,
    tried: Instant,
    took: Duration,
    delay: Duration,
}

impl PendingRows {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            groups: Vec::new(),
            pinned: BTreeMap::new(),
            bytes: 0,
            tried: Instant::now(),
            took: Duration::ZERO,
            delay: MIN_BACKOFF,
        }
    }

    /// Whether a row rejected with this error may be retried.
    pub(crate) fn accepts(&self, error: &Error) -> bool {
        error.is_reference() && !self.timeout.is_zero()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether the limits are reached.
    pub(crate) fn is_full(&self) -> bool {
        let rows: usize = self.groups.iter().map(|group| group.rows.len()).sum();
        rows >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// Time until the next retry.
    pub(crate) fn pause(&self) -> Duration {
        let pause = self.delay.max(self.took * (RETRY_SHARE - 1));
        pause.saturating_sub(self.tried.elapsed())
    }

    /// The lowest offset of a pending row in each queue.
    pub(crate) fn first_offsets(&self) -> BTreeMap<Queue, i64> {
        let mut first_offsets = self.pinned.clone();
        for held in self.groups.iter().flat_map(|group| &group.rows) {
            let offset = held.offset();
            first_offsets
                .entry(held.queue.clone())
                .and_modify(|first: &mut i64| *first = offset.min(*first))
                .or_insert(offset);
        }
        first_offsets
    }

    /// Defers rows whose key equals that of a pending row; `message` gives the message of a row.
    ///
    /// # Errors
    /// As [`SinkTask::keys`].
    pub(crate) fn defer(
        &mut self,
        sink: &dyn SinkTask,
        topic_records: &TopicRecords,
        message: impl Fn(usize) -> Result<(Queue, Pulled)>,
    ) -> Result<Ready> {
        let records = &topic_records.records;
        let (topic, origin) = (records.topic(), records.origin());
        let groups = self.groups.iter().filter(|g| g.is_of(topic, origin));
        let pending: HashSet<&Key> = groups
            .flat_map(|group| group.rows.iter().filter_map(|held| held.key.as_ref()))
            .collect();
        if pending.is_empty() {
            return Ok(Ready::All);
        }
        let Some(keys) = sink.keys(records)? else {
            return Ok(Ready::All);
        };
        let (kept, free): (Vec<usize>, Vec<usize>) =
            (0..records.len()).partition(|row| pending.contains(&keys[*row]));
        if kept.is_empty() {
            return Ok(Ready::All);
        }
        let deferred = || {
            Error::new(
                ErrorKind::Data,
                "deferred behind an earlier row with the same key, which a foreign key constraint rejects",
            )
            .of_reference()
        };
        let rows = kept.into_iter().map(|row| (row, deferred())).collect();
        self.add(sink, records, rows, message)?;
        let part = take_rows(records, &free)?;
        Ok(Ready::Some(part, free))
    }

    /// Decides what to do with the rejected rows of these records.
    ///
    /// # Errors
    /// As [`SinkTask::keys`].
    pub(crate) fn resolve(
        &self,
        sink: &dyn SinkTask,
        records: &Records,
        rejected: Vec<Rejected>,
    ) -> Result<Resolved> {
        let mut sorted = Resolved::default();
        if !rejected.iter().any(|r| self.accepts(&r.error)) {
            sorted.rejected = rejected;
            return Ok(sorted);
        }
        let keys = sink.keys(records)?;
        let rows: HashSet<usize> = rejected.iter().map(|r| r.row).collect();
        let written = keys
            .as_deref()
            .map(|keys| last_written(keys.iter().map(Some), &rows));
        for rejected in rejected {
            let row = rejected.row;
            let key = keys.as_ref().map(|keys| &keys[row]);
            let later = key
                .zip(written.as_ref())
                .and_then(|(key, written)| written.get(key));
            match resolution(records, row, later.copied(), self.accepts(&rejected.error)) {
                Resolution::Retry => sorted.retry.push((row, rejected.error)),
                Resolution::Reject => sorted.rejected.push(rejected),
                Resolution::Superseded => sorted.superseded += 1,
            }
        }
        Ok(sorted)
    }

    /// Adds rows of the records, each with its error.
    ///
    /// # Errors
    /// As [`SinkTask::keys`], and those of `held`.
    pub(crate) fn add(
        &mut self,
        sink: &dyn SinkTask,
        records: &Records,
        rows: Vec<(usize, Error)>,
        message: impl Fn(usize) -> Result<(Queue, Pulled)>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let indexes: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
        let part = take_rows(records, &indexes)?;
        let mut keys = sink.keys(&part)?.map(Vec::into_iter);
        let mut all = Vec::with_capacity(rows.len());
        for (row, error) in rows {
            let (queue, message) = message(row)?;
            self.bytes += message.total_bytes();
            all.push(PendingRow {
                key: keys.as_mut().and_then(Iterator::next),
                since: Instant::now(),
                queue,
                message,
                error,
            });
        }
        self.push(part, all)
    }

    /// Appends to the last group of the same topic and origin.
    fn push(&mut self, records: Records, mut held: Vec<PendingRow>) -> Result<()> {
        let (topic, origin) = (records.topic().clone(), records.origin().cloned());
        let of = |g: &&mut Group| g.is_of(&topic, origin.as_ref());
        match self.groups.iter_mut().rev().find(of) {
            Some(last) if last.records.schema() == records.schema() => {
                last.records = last.records.and(&records)?;
                last.rows.append(&mut held);
            }
            _ => self.groups.push(Group {
                records,
                rows: held,
            }),
        }
        Ok(())
    }

    /// Takes out all groups for a retry.
    pub(crate) fn begin(&mut self) -> Vec<Attempt> {
        self.pinned = self.first_offsets();
        self.tried = Instant::now();
        self.bytes = 0;
        let groups = std::mem::take(&mut self.groups);
        let attempt = |Group { records, rows }| Attempt { records, rows };
        groups.into_iter().map(attempt).collect()
    }

    /// Ends a retry of all groups; `progress`: some rows were written.
    pub(crate) fn end(&mut self, progress: bool) {
        self.delay = match progress {
            true => MIN_BACKOFF,
            false => (self.delay * 2).min(MAX_BACKOFF),
        };
        self.pinned.clear();
        self.took = self.tried.elapsed();
    }
}

/// Rejected rows of some records, by what to do with them.
#[derive(Default)]
pub(crate) struct Resolved {
    /// They are retried.
    pub(crate) retry: Vec<(usize, Error)>,
    pub(crate) rejected: Vec<Rejected>,
    /// Number of superseded rows.
    pub(crate) superseded: usize,
}

/// A retry of one group.
pub(crate) struct Attempt {
    records: Records,
    rows: Vec<PendingRow>,
}

/// Result of a retry.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) written: usize,
    /// Rows that are rejected for good.
    pub(crate) rejected: Vec<PendingRow>,
}

impl Attempt {
    /// The rows without a pending row of the same key before them; the others stay pending.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn ready(self, pending: &mut PendingRows) -> Result<Option<Self>> {
        let (topic, origin) = (self.records.topic(), self.records.origin());
        let before = pending.groups.iter().filter(|g| g.is_of(topic, origin));
        let keys: HashSet<Key> = before
            .flat_map(|group| group.rows.iter().filter_map(|held| held.key.clone()))
            .collect();
        if keys.is_empty() {
            return Ok(Some(self));
        }
        let blocked = |row: &usize| {
            let key = self.rows[*row].key.as_ref();
            key.is_some_and(|key| keys.contains(key))
        };
        let (kept, free): (Vec<usize>, Vec<usize>) = (0..self.records.len()).partition(blocked);
        if kept.is_empty() {
            return Ok(Some(self));
        }
        let (apart, rest) = (
            take_rows(&self.records, &kept)?,
            take_rows(&self.records, &free)?,
        );
        let mut kept = kept.into_iter().peekable();
        let (mut waits, mut ready) = (Vec::new(), Vec::new());
        for (row, held) in self.rows.into_iter().enumerate() {
            match kept.next_if_eq(&row) {
                Some(_) => waits.push(held),
                None => ready.push(held),
            }
        }
        pending.bytes += waits.iter().map(|h| h.message.total_bytes()).sum::<usize>();
        pending.push(apart, waits)?;
        let rest = Self {
            records: rest,
            rows: ready,
        };
        Ok((!rest.rows.is_empty()).then_some(rest))
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Decides what to do with the rejected rows: those that a foreign key rejects stay pending until
    /// they time out.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn resolve_rejected(
        self,
        pending: &mut PendingRows,
        rejected: Vec<Rejected>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let rows: HashSet<usize> = rejected.iter().map(|r| r.row).collect();
        let mut rejected: HashMap<usize, Error> =
            rejected.into_iter().map(|r| (r.row, r.error)).collect();
        let written = last_written(self.rows.iter().map(|held| held.key.as_ref()), &rows);
        let (mut rows, mut waits) = (Vec::new(), Vec::new());
        for (row, mut held) in self.rows.into_iter().enumerate() {
            let Some(error) = rejected.remove(&row) else {
                outcome.written += 1;
                continue;
            };
            held.error = error;
            let later = held.key.as_ref().and_then(|key| written.get(key)).copied();
            let may_wait = pending.accepts(&held.error) && held.since.elapsed() < pending.timeout;
            match resolution(&self.records, row, later, may_wait) {
                Resolution::Retry => {
                    rows.push(row);
                    pending.bytes += held.message.total_bytes();
                    waits.push(held);
                }
                Resolution::Reject => outcome.rejected.push(held),
                Resolution::Superseded => outcome.written += 1,
            }
        }
        if !rows.is_empty() {
            pending.push(take_rows(&self.records, &rows)?, waits)?;
        }
        Ok(outcome)
    }
}

/// What to do with a rejected row.
enum Resolution {
    Retry,
    Reject,
    /// A later row with the same key makes it unnecessary.
    Superseded,
}

/// `later`: the last row of its key that was written.
fn resolution(records: &Records, row: usize, later: Option<usize>, may_wait: bool) -> Resolution {
    let is_delete = |row: usize| records.ops().get(row) == Op::Delete;
    match later.filter(|later| *later > row) {
        // A row must not be written after a later delete of its key, nor a delete after a later row (G2).
        Some(later) if is_delete(row) || is_delete(later) => Resolution::Superseded,
        Some(_) => Resolution::Reject,
        None if may_wait => Resolution::Retry,
        None => Resolution::Reject,
    }
}

/// The last row of each key that was written.
fn last_written<'a>(
    keys: impl Iterator<Item = Option<&'a Key>>,
    rejected: &HashSet<usize>,
) -> HashMap<Key, usize> {
    let rows = keys.enumerate().filter(|(row, _)| !rejected.contains(row));
    rows.filter_map(|(row, key)| Some((key?.clone(), row)))
        .collect()
}

fn take_rows(records: &Records, rows: &[usize]) -> Result<Records> {
    let index = |row: &usize| u32::try_from(*row).unwrap_or(u32::MAX);
    records.take(&rows.iter().map(index).collect::<Vec<_>>())
}
