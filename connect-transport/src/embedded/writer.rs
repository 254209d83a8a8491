//! The one thread that writes: what all lanes have handed in goes into one commit.
use super::{
    EmbeddedOptions,
    directory::{Extent, QueueEntry, Touched},
    retention::{self, Trimmed},
    store::Store,
    table::{BATCHES, OFFSETS, QUEUES, Stamp, TOPICS},
    write_request::{Reply, WriteRequest},
};
use connect_api::{Error, Result};
use redb::WriteTransaction;
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tracing::{error, warn};

/// 16 MiB: a commit this long no longer feels its sync, and its pages are held in memory.
const GROUP_BYTES: usize = 16 << 20;
/// 0.3 ms: a fraction of what the commit costs that is saved when all lanes share one.
const GROUP_DELAY: Duration = Duration::from_micros(300);
/// How often queues without traffic are looked at for batches that are too old.
const AGE_INTERVAL: Duration = Duration::from_secs(60);

/// What a commit did.
#[derive(Debug, Default)]
struct Done {
    /// An answer for each of the group.
    results: Vec<i64>,
    trimmed: Trimmed,
}

pub(super) struct Writer {
    store: Arc<Store>,
    options: EmbeddedOptions,
}

fn extent<'a>(touched: &'a mut Touched, queue: &Arc<QueueEntry>) -> &'a mut Extent {
    let entry = touched.entry((queue.topic, queue.id));
    &mut entry.or_insert_with(|| (queue.clone(), queue.extent())).1
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, options: EmbeddedOptions) -> Self {
        Self { store, options }
    }

    /// Works until all senders are gone.
    pub(super) fn run(self, inbox: &Receiver<(WriteRequest, Reply)>) {
        let mut aged = Instant::now();
        // Messages let go since the last look at ages, that a group has not read.
        let mut unread = 0;
        let mut last_group = 0;
        loop {
            let left = AGE_INTERVAL.saturating_sub(aged.elapsed());
            let (mut group, mut answers) = (Vec::new(), Vec::new());
            match inbox.recv_timeout(left) {
                Ok(first) => gather(first, inbox, last_group, &mut group, &mut answers),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            last_group = group.len();
            let by_age = aged.elapsed() >= AGE_INTERVAL;
            let done = self.commit(&group, by_age);
            let trimmed = done
                .as_ref()
                .map_or_else(|_| Trimmed::default(), |d| d.trimmed);
            unread += trimmed.unread;
            // Where more is too old, the next turn continues with it.
            if by_age && !trimmed.more {
                aged = Instant::now();
                if unread > 0 {
                    let messages = std::mem::take(&mut unread);
                    warn!(
                        messages,
                        "the embedded store let go of what a group has not read"
                    );
                }
            }
            answer(done, answers);
        }
    }

    /// One transaction for all of the group; gives an answer each.
    fn commit(&self, group: &[WriteRequest], by_age: bool) -> Result<Done> {
        let mut touched = Touched::new();
        let mut created = Vec::new();
        let done = self.store.with("writing", |database| {
            let mut txn = database.begin_write()?;
            // The state of the file's allocator goes with each commit, so that opening takes
            // milliseconds after a crash too, and not a walk through the whole file.
            txn.set_quick_repair(true);
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
            let results = self.apply(&txn, group, now, &mut touched, &mut created)?;
            if by_age {
                for queue in self.store.directory.entries() {
                    extent(&mut touched, &queue);
                }
            }
            let trimmed = retention::trim(&txn, &self.options, now, by_age, &mut touched)?;
            touched.retain(|_, (queue, extent)| *extent != queue.extent());
            if group.is_empty() && touched.is_empty() {
                txn.abort()?;
                return Ok(Done::default());
            }
            {
                let mut extents = txn.open_table(QUEUES)?;
                for (key, (_, e)) in &touched {
                    extents.insert(key, (e.first, e.next, e.bytes))?;
                }
            }
            txn.commit()?;
            Ok(Done { results, trimmed })
        })?;
        for (name, number, queues) in created {
            self.store.directory.insert(name, number, queues);
        }
        // Readers wake when the messages are on the disk, not before.
        for (queue, extent) in touched.into_values() {
            queue.extent.send_replace(extent);
        }
        Ok(done)
    }

    fn apply<'g>(
        &self,
        txn: &WriteTransaction,
        group: &'g [WriteRequest],
        now: i64,
        touched: &mut Touched,
        created: &mut Vec<(&'g str, u32, u32)>,
    ) -> Result<Vec<i64>, redb::Error> {
        let mut batches = txn.open_table(BATCHES)?;
        let mut offsets = txn.open_table(OFFSETS)?;
        let mut topics = txn.open_table(TOPICS)?;
        let mut results = Vec::with_capacity(group.len());
        for work in group {
            results.push(match work {
                WriteRequest::Append(queue, batch) => {
                    let extent = extent(touched, queue);
                    let first = extent.next;
                    let stamp = Stamp {
                        stored: now,
                        messages: u32::try_from(batch.messages).unwrap_or(u32::MAX),
                    };
                    let bytes = Stamp::BYTES + batch.frames.len();
                    let mut value =
                        batches.insert_reserve((queue.topic, queue.id, first), bytes)?;
                    let (head, frames) = value.as_mut().split_at_mut(Stamp::BYTES);
                    head.copy_from_slice(&stamp.to_bytes());
                    frames.copy_from_slice(&batch.frames);
                    extent.next += i64::from(stamp.messages);
                    extent.bytes += bytes as u64;
                    first
                }
                WriteRequest::Commit(group, committed) => {
                    for (queue, offset) in committed {
                        offsets.insert((queue.topic, queue.id, &**group), offset)?;
                    }
                    0
                }
                WriteRequest::Create(name, queues) => {
                    let directory = &self.store.directory;
                    let known = created.iter().any(|(c, ..)| *c == &**name);
                    if !known && !directory.contains(name) {
                        let last = created.last().map(|(_, number, _)| number + 1);
                        let number = last.unwrap_or_else(|| directory.free_number());
                        topics.insert(&**name, (number, queues.get()))?;
                        created.push((name, number, queues.get()));
                    }
                    0
                }
            });
        }
        Ok(results)
    }
}

/// Takes what is there; waits a little for those who were in the commit before and have just got
/// their answers.
fn gather(
    first: (WriteRequest, Reply),
    inbox: &Receiver<(WriteRequest, Reply)>,
    expected: usize,
    group: &mut Vec<WriteRequest>,
    answers: &mut Vec<Reply>,
) {
    let begun = Instant::now();
    let (mut next, mut bytes) = (Some(first), 0);
    while let Some((work, answer)) = next {
        bytes += size(&work);
        group.push(work);
        answers.push(answer);
        if bytes >= GROUP_BYTES {
            break;
        }
        next = inbox.try_recv().ok();
        if next.is_none() && group.len() < expected {
            let left = GROUP_DELAY.saturating_sub(begun.elapsed());
            next = inbox.recv_timeout(left).ok();
        }
    }
}

fn size(work: &WriteRequest) -> usize {
    match work {
        WriteRequest::Append(_, batch) => batch.frames.len(),
        WriteRequest::Commit(..) | WriteRequest::Create(..) => 0,
    }
}

/// Answers all callers. One that no longer listens has been cancelled.
fn answer(done: Result<Done>, answers: Vec<Reply>) {
    match done {
        Ok(Done { results, .. }) => {
            for (answer, result) in answers.into_iter().zip(results) {
                answer.send(Ok(result)).ok();
            }
        }
        Err(error) => {
            if answers.is_empty() {
                error!(error = %error.report(), "retention of the embedded store");
            }
            for answer in answers {
                let copy = Error::new(error.kind(), error.report());
                answer.send(Err(copy)).ok();
            }
        }
    }
}

/// One look for batches that are too old, as the writer takes it once a minute.
#[cfg(test)]
pub(super) fn trim_by_age(store: &Arc<Store>, options: &EmbeddedOptions) -> Result<()> {
    let writer = Writer::new(store.clone(), options.clone());
    writer.commit(&[], true).map(drop)
}
