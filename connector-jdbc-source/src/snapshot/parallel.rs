//! Ranges of a table that are read side by side, each over its own connection.
use crate::{
    reader::Reader,
    snapshot::range::{Key, Range, joined},
    table::TableState,
};
use connect_api::{Error, ErrorKind, Polled, Result};
use dialect_core::Dialect;
use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Pages in the channel: one is processed while the next ones are read.
const WAITING: usize = 1;

/// Readers of the ranges of a table. Memory is bounded by a page for each reader and those in the
/// channel; dropping it stops the readers.
pub(crate) struct ParallelRead {
    work: Arc<Work>,
    pages: mpsc::Receiver<Message>,
    readers: JoinSet<()>,
}

/// What a reader says of a range.
struct Message {
    range: u64,
    item: Result<Item>,
}

enum Item {
    /// Rows of it, and the key of the last.
    Rows(Polled, Option<Key>),
    /// All its rows were sent.
    End,
}

impl ParallelRead {
    /// Starts `readers` readers of these ranges of `table`, each at its own place.
    pub(crate) fn start(
        table: &TableState,
        ranges: Vec<Range>,
        readers: NonZeroU32,
        dialect: &Arc<dyn Dialect>,
    ) -> Self {
        let work = Arc::new(Work::new(ranges, readers));
        let (sender, pages) = mpsc::channel(WAITING);
        let mut running = JoinSet::new();
        for _ in 0..readers.get() {
            let reader = RangeReader {
                table: table.copy_of_plan(),
                reader: Reader::new(dialect.clone(), CancellationToken::new()),
                work: work.clone(),
                sender: sender.clone(),
            };
            running.spawn(reader.run());
        }
        Self {
            work,
            pages,
            readers: running,
        }
    }

    /// The next rows, or rows that cannot be read; `None` if all ranges were read. Cancel safe.
    ///
    /// # Errors Errors of the readers.
    pub(crate) async fn next(&mut self) -> Result<Option<Polled>> {
        loop {
            tokio::select! {
                biased;
                message = self.pages.recv() => {
                    let Some(Message { range, item }) = message else {
                        return Ok(None);
                    };
                    match item? {
                        Item::Rows(polled, after) => {
                            self.work.read_to(range, after);
                            return Ok(Some(polled));
                        }
                        Item::End => self.work.end(range),
                    }
                }
                // One that crashed would be waited for.
                Some(Err(crash)) = self.readers.join_next() => {
                    let what = "a reader of a table stopped unexpectedly";
                    return Err(Error::new(ErrorKind::Internal, what).with_source(crash));
                }
            }
        }
    }

    /// What is left of the ranges behind the rows that [`next`](Self::next) returned.
    pub(crate) fn left(&self) -> Vec<Range> {
        self.work.left()
    }
}

/// One of the readers.
struct RangeReader {
    table: TableState,
    reader: Reader,
    work: Arc<Work>,
    sender: mpsc::Sender<Message>,
}

impl RangeReader {
    async fn run(mut self) {
        while let Some((id, range)) = self.work.next().await {
            self.table.start_range(range);
            loop {
                if let Some(range) = self.table.dividable_range() {
                    self.table.cut_range(self.work.share(id, range));
                }
                let read = self.reader.read(&mut self.table).await;
                let (item, ended) = match read {
                    Ok(Some(polled)) => (Ok(Item::Rows(polled, self.table.after.clone())), false),
                    Ok(None) => (Ok(Item::End), true),
                    Err(error) => (Err(error), true),
                };
                let failed = item.is_err();
                let message = Message { range: id, item };
                // The channel is closed if the table is no longer read.
                if self.sender.send(message).await.is_err() || failed {
                    return;
                }
                if ended {
                    break;
                }
            }
        }
        if let Err(error) = self.reader.close().await {
            tracing::debug!(error = error.report(), "closing a connection");
        }
    }
}

/// The ranges, and who reads which.
struct Work {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    waiting: VecDeque<Range>,
    /// Ranges that are read, as far as their rows were returned.
    reading: BTreeMap<u64, Range>,
    next: u64,
    /// Readers that read a range, and those that wait for one.
    busy: u32,
    idle: u32,
}

impl Work {
    fn new(ranges: Vec<Range>, readers: NonZeroU32) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: ranges.into(),
                reading: BTreeMap::new(),
                next: 0,
                // Each of them asks for a range first.
                busy: readers.get(),
                idle: 0,
            }),
            changed: Notify::new(),
        }
    }

    fn locked<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next range for a reader that has finished its own; `None` if there will be none.
    async fn next(&self) -> Option<(u64, Range)> {
        self.locked(|state| {
            state.busy -= 1;
            state.idle += 1;
        });
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let (taken, ended) = self.locked(|state| {
                let taken = state.waiting.pop_front().map(|range| {
                    state.next += 1;
                    state.idle -= 1;
                    state.busy += 1;
                    state.reading.insert(state.next, range.clone());
                    (state.next, range)
                });
                (taken, state.busy == 0)
            });
            if taken.is_some() {
                return taken;
            }
            if ended {
                self.changed.notify_waiters();
                return None;
            }
            changed.await;
        }
    }

    /// Gives the upper half of a range to another reader, if one waits; the range that is left.
    fn share(&self, id: u64, mut range: Range) -> Range {
        let shared = self.locked(|state| {
            if state.idle == 0 || !state.waiting.is_empty() {
                return false;
            }
            let Some(upper) = range.split_off_half() else {
                return false;
            };
            if let Some(reading) = state.reading.get_mut(&id) {
                reading.until.clone_from(&range.until);
            }
            state.waiting.push_back(upper);
            true
        });
        if shared {
            self.changed.notify_waiters();
        }
        range
    }

    fn read_to(&self, id: u64, after: Option<Key>) {
        self.locked(|state| {
            if let Some(range) = state.reading.get_mut(&id) {
                range.after = after;
            }
        });
    }

    fn end(&self, id: u64) {
        self.locked(|state| state.reading.remove(&id));
    }

    fn left(&self) -> Vec<Range> {
        self.locked(|state| {
            let reading = state.reading.values();
            joined(reading.chain(&state.waiting).cloned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Value;

    fn range(after: i64, until: i64) -> Range {
        Range {
            after: Some(vec![Value::Int(after)]),
            until: Some(vec![Value::Int(until)]),
        }
    }

    #[tokio::test]
    async fn a_reader_without_a_range_gets_half_of_that_of_another() {
        let work = Arc::new(Work::new(vec![range(0, 100)], NonZeroU32::new(2).unwrap()));
        let (first, own) = work.next().await.unwrap();
        assert_eq!(
            work.share(first, range(10, 100)),
            range(10, 100),
            "nobody waits"
        );
        let other = work.clone();
        let waiting = tokio::spawn(async move { other.next().await });
        while work.locked(|state| state.idle) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(own, range(0, 100));
        assert_eq!(work.share(first, range(10, 100)), range(10, 55));
        let (second, upper) = waiting.await.unwrap().unwrap();
        assert_eq!(upper, range(55, 100));
        assert_eq!(work.left(), [range(0, 100)], "nothing was returned");
        work.read_to(first, Some(vec![Value::Int(30)]));
        work.read_to(second, Some(vec![Value::Int(60)]));
        let mut left = work.left();
        left.sort_by_key(|range| format!("{range:?}"));
        assert_eq!(left, [range(30, 55), range(60, 100)]);
        work.end(first);
        work.end(second);
        assert_eq!(work.left(), []);
        let other = work.clone();
        let waiting = tokio::spawn(async move { other.next().await });
        assert_eq!(work.next().await, None);
        assert_eq!(waiting.await.unwrap(), None);
    }
}
