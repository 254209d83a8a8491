//! Rows that wait for another row: a foreign key refuses them, and may take them later.
//!
//! They are tried again behind the others. The offset of a queue stays before its first row that
//! waits (G1, G3), and a later row of the same key waits behind it (G2).
use crate::intake::Gathered;
use connect_api::{Error, ErrorKind, Op, Origin, Records, Rejected, Result, SinkTask};
use connect_transport::{Pulled, Queue};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Most rows that wait; the task reads no more until some of them are written, or their time is
/// up. A table of so many rows is written whole even where each waits for a later one.
const MOST_ROWS: usize = 10_000;
/// Most bytes of their messages.
const MOST_BYTES: usize = 16 << 20;
/// Shortest pause between two tries; it doubles where nothing came of one.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Tries take this share of the time at most, one part of so many.
const SHARE: u32 = 3;

type Key = Box<[u8]>;

/// A row that waits, beside its values.
pub(crate) struct Held {
    key: Option<Key>,
    since: Instant,
    pub(crate) queue: Queue,
    /// Its message alone.
    pub(crate) message: Pulled,
    /// What was said of it last.
    pub(crate) error: Error,
}

impl Held {
    /// Where the message stands in its queue.
    pub(crate) fn offset(&self) -> i64 {
        self.message.next - 1
    }
}

/// Rows of one topic, origin and schema, in their order.
struct Group {
    records: Records,
    held: Vec<Held>,
}

impl Group {
    fn is_of(&self, topic: &str, origin: Option<&Arc<Origin>>) -> bool {
        &**self.records.topic() == topic && self.records.origin() == origin
    }
}

/// What is to be put of some records: all of them, or those that need not wait.
pub(crate) enum Free {
    All,
    /// These, with their indexes.
    Some(Records, Vec<usize>),
}

/// The rows of a task that wait.
pub(crate) struct Waiting {
    timeout: Duration,
    groups: Vec<Group>,
    /// What [`lowest`](Self::lowest) was before the rows were taken out to be tried: should that
    /// end in a fault, no offset goes beyond it.
    pinned: BTreeMap<Queue, i64>,
    bytes: usize,
    tried: Instant,
    took: Duration,
    delay: Duration,
}

impl Waiting {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            groups: Vec::new(),
            pinned: BTreeMap::new(),
            bytes: 0,
            tried: Instant::now(),
            took: Duration::ZERO,
            delay: PAUSE,
        }
    }

    /// A row that is refused for this may wait.
    pub(crate) fn takes(&self, error: &Error) -> bool {
        error.is_reference() && !self.timeout.is_zero()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// No more may wait.
    pub(crate) fn is_full(&self) -> bool {
        let rows: usize = self.groups.iter().map(|group| group.held.len()).sum();
        rows >= MOST_ROWS || self.bytes >= MOST_BYTES
    }

    /// How long it is until they are to be tried again.
    pub(crate) fn pause(&self) -> Duration {
        let pause = self.delay.max(self.took * (SHARE - 1));
        pause.saturating_sub(self.tried.elapsed())
    }

    /// The first offset of each queue that a row waits at.
    pub(crate) fn lowest(&self) -> BTreeMap<Queue, i64> {
        let mut lowest = self.pinned.clone();
        for held in self.groups.iter().flat_map(|group| &group.held) {
            let offset = held.offset();
            lowest
                .entry(held.queue.clone())
                .and_modify(|first: &mut i64| *first = offset.min(*first))
                .or_insert(offset);
        }
        lowest
    }

    /// Keeps back rows behind one of their key that waits; `held` makes what is kept of a row.
    ///
    /// # Errors
    /// As [`SinkTask::keys`].
    pub(crate) fn keep_back(
        &mut self,
        sink: &dyn SinkTask,
        gathered: &Gathered,
        held: impl Fn(usize) -> Result<(Queue, Pulled)>,
    ) -> Result<Free> {
        let records = &gathered.records;
        let (topic, origin) = (records.topic(), records.origin());
        let groups = self.groups.iter().filter(|g| g.is_of(topic, origin));
        let waiting: HashSet<&Key> = groups
            .flat_map(|group| group.held.iter().filter_map(|held| held.key.as_ref()))
            .collect();
        if waiting.is_empty() {
            return Ok(Free::All);
        }
        let Some(keys) = sink.keys(records)? else {
            return Ok(Free::All);
        };
        let (kept, free): (Vec<usize>, Vec<usize>) =
            (0..records.len()).partition(|row| waiting.contains(&keys[*row]));
        if kept.is_empty() {
            return Ok(Free::All);
        }
        let behind = || {
            Error::new(
                ErrorKind::Data,
                "it waits behind an earlier row of its key, which a foreign key refuses",
            )
            .of_reference()
        };
        let rows = kept.into_iter().map(|row| (row, behind())).collect();
        self.hold(sink, records, rows, held)?;
        let part = taken(records, &free)?;
        Ok(Free::Some(part, free))
    }

    /// Sorts the rows that the sink refused of these records.
    ///
    /// # Errors
    /// As [`SinkTask::keys`].
    pub(crate) fn sort(
        &self,
        sink: &dyn SinkTask,
        records: &Records,
        rejected: Vec<Rejected>,
    ) -> Result<Sorted> {
        let mut sorted = Sorted::default();
        if !rejected.iter().any(|r| self.takes(&r.error)) {
            sorted.refused = rejected;
            return Ok(sorted);
        }
        let keys = sink.keys(records)?;
        let rows: HashSet<usize> = rejected.iter().map(|r| r.row).collect();
        let done = keys
            .as_deref()
            .map(|keys| done(keys.iter().map(Some), &rows));
        for rejected in rejected {
            let row = rejected.row;
            let key = keys.as_ref().map(|keys| &keys[row]);
            let later = key.zip(done.as_ref()).and_then(|(key, done)| done.get(key));
            match fate(records, row, later.copied(), self.takes(&rejected.error)) {
                Fate::Waits => sorted.waits.push((row, rejected.error)),
                Fate::Refused => sorted.refused.push(rejected),
                Fate::Done => sorted.done += 1,
            }
        }
        Ok(sorted)
    }

    /// Holds rows of the records, each with what was said of it.
    ///
    /// # Errors
    /// As [`SinkTask::keys`], and those of `held`.
    pub(crate) fn hold(
        &mut self,
        sink: &dyn SinkTask,
        records: &Records,
        rows: Vec<(usize, Error)>,
        held: impl Fn(usize) -> Result<(Queue, Pulled)>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let indexes: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
        let part = taken(records, &indexes)?;
        let mut keys = sink.keys(&part)?.map(Vec::into_iter);
        let mut all = Vec::with_capacity(rows.len());
        for (row, error) in rows {
            let (queue, message) = held(row)?;
            self.bytes += message.total_bytes();
            all.push(Held {
                key: keys.as_mut().and_then(Iterator::next),
                since: Instant::now(),
                queue,
                message,
                error,
            });
        }
        self.push(part, all)
    }

    /// Behind the last rows of the same topic and origin.
    fn push(&mut self, records: Records, mut held: Vec<Held>) -> Result<()> {
        let (topic, origin) = (records.topic().clone(), records.origin().cloned());
        let of = |g: &&mut Group| g.is_of(&topic, origin.as_ref());
        match self.groups.iter_mut().rev().find(of) {
            Some(last) if last.records.schema() == records.schema() => {
                last.records = last.records.and(&records)?;
                last.held.append(&mut held);
            }
            _ => self.groups.push(Group { records, held }),
        }
        Ok(())
    }

    /// Takes out all groups, to be tried again.
    pub(crate) fn begin(&mut self) -> Vec<Attempt> {
        self.pinned = self.lowest();
        self.tried = Instant::now();
        self.bytes = 0;
        let groups = std::mem::take(&mut self.groups);
        let attempt = |Group { records, held }| Attempt { records, held };
        groups.into_iter().map(attempt).collect()
    }

    /// All groups were tried, and some rows were written, or none.
    pub(crate) fn end(&mut self, progress: bool) {
        self.delay = match progress {
            true => PAUSE,
            false => (self.delay * 2).min(LONGEST_PAUSE),
        };
        self.pinned.clear();
        self.took = self.tried.elapsed();
    }
}

/// Refused rows of some records, by what becomes of them.
#[derive(Default)]
pub(crate) struct Sorted {
    /// They wait for another row.
    pub(crate) waits: Vec<(usize, Error)>,
    pub(crate) refused: Vec<Rejected>,
    /// Rows that need not be written any more.
    pub(crate) done: usize,
}

/// Rows that are tried again.
pub(crate) struct Attempt {
    records: Records,
    held: Vec<Held>,
}

/// What became of rows that were tried again.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) written: usize,
    /// Rows that wait no longer, and are refused.
    pub(crate) refused: Vec<Held>,
}

impl Attempt {
    /// The rows that need not wait behind others, which are set apart.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn free(self, waiting: &mut Waiting) -> Result<Option<Self>> {
        let (topic, origin) = (self.records.topic(), self.records.origin());
        let before = waiting.groups.iter().filter(|g| g.is_of(topic, origin));
        let keys: HashSet<Key> = before
            .flat_map(|group| group.held.iter().filter_map(|held| held.key.clone()))
            .collect();
        if keys.is_empty() {
            return Ok(Some(self));
        }
        let blocked = |row: &usize| {
            let key = self.held[*row].key.as_ref();
            key.is_some_and(|key| keys.contains(key))
        };
        let (kept, free): (Vec<usize>, Vec<usize>) = (0..self.records.len()).partition(blocked);
        if kept.is_empty() {
            return Ok(Some(self));
        }
        let (apart, rest) = (taken(&self.records, &kept)?, taken(&self.records, &free)?);
        let mut kept = kept.into_iter().peekable();
        let (mut waits, mut goes) = (Vec::new(), Vec::new());
        for (row, held) in self.held.into_iter().enumerate() {
            match kept.next_if_eq(&row) {
                Some(_) => waits.push(held),
                None => goes.push(held),
            }
        }
        waiting.bytes += waits.iter().map(|h| h.message.total_bytes()).sum::<usize>();
        waiting.push(apart, waits)?;
        let rest = Self {
            records: rest,
            held: goes,
        };
        Ok((!rest.held.is_empty()).then_some(rest))
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Sorts the rows by what the sink said of them: those that a foreign key refuses wait on,
    /// unless their time is up.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn settle(self, waiting: &mut Waiting, rejected: Vec<Rejected>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let rows: HashSet<usize> = rejected.iter().map(|r| r.row).collect();
        let mut rejected: HashMap<usize, Error> =
            rejected.into_iter().map(|r| (r.row, r.error)).collect();
        let done = done(self.held.iter().map(|held| held.key.as_ref()), &rows);
        let (mut rows, mut waits) = (Vec::new(), Vec::new());
        for (row, mut held) in self.held.into_iter().enumerate() {
            let Some(error) = rejected.remove(&row) else {
                outcome.written += 1;
                continue;
            };
            held.error = error;
            let later = held.key.as_ref().and_then(|key| done.get(key)).copied();
            let may_wait = waiting.takes(&held.error) && held.since.elapsed() < waiting.timeout;
            match fate(&self.records, row, later, may_wait) {
                Fate::Waits => {
                    rows.push(row);
                    waiting.bytes += held.message.total_bytes();
                    waits.push(held);
                }
                Fate::Refused => outcome.refused.push(held),
                Fate::Done => outcome.written += 1,
            }
        }
        if !rows.is_empty() {
            waiting.push(taken(&self.records, &rows)?, waits)?;
        }
        Ok(outcome)
    }
}

/// What becomes of a row that is refused.
enum Fate {
    Waits,
    Refused,
    /// It need not be written any more.
    Done,
}

/// `later`: the last row of its key that was written.
fn fate(records: &Records, row: usize, later: Option<usize>, may_wait: bool) -> Fate {
    let is_delete = |row: usize| records.ops().get(row) == Op::Delete;
    match later.filter(|later| *later > row) {
        // What a later row of the key has undone, or done again, must not be done behind it (G2).
        Some(later) if is_delete(row) || is_delete(later) => Fate::Done,
        Some(_) => Fate::Refused,
        None if may_wait => Fate::Waits,
        None => Fate::Refused,
    }
}

/// The last row of each key that was written.
fn done<'a>(
    keys: impl Iterator<Item = Option<&'a Key>>,
    rejected: &HashSet<usize>,
) -> HashMap<Key, usize> {
    let rows = keys.enumerate().filter(|(row, _)| !rejected.contains(row));
    rows.filter_map(|(row, key)| Some((key?.clone(), row)))
        .collect()
}

fn taken(records: &Records, rows: &[usize]) -> Result<Records> {
    let index = |row: &usize| u32::try_from(*row).unwrap_or(u32::MAX);
    records.take(&rows.iter().map(index).collect::<Vec<_>>())
}
