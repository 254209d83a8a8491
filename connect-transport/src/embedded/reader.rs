//! Reads one queue.
use super::{
    directory::{Extent, QueueEntry},
    store::Store,
    table::{BATCHES, Stamp},
};
use crate::{
    Pulled, Reader,
    message::{Part, Slices},
    parse_frames,
};
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Result};
use redb::ReadTransaction;
use std::{ops::Range, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// A pull takes no further batch beyond so many messages: two full batches.
const PULL_MESSAGES: usize = 1_000;
/// A pull takes no further batch beyond 512 KiB, so that the one in hand and the one in flight of
/// a dozen readers stay a small part of a worker's memory.
const PULL_BYTES: usize = 512 << 10;

pub(super) struct QueueReader {
    store: Arc<Store>,
    queue: Arc<QueueEntry>,
    extent: watch::Receiver<Extent>,
    next: i64,
    /// The request in flight.
    ahead: Option<JoinHandle<Result<Pulled>>>,
}

impl QueueReader {
    pub(super) fn new(store: Arc<Store>, queue: Arc<QueueEntry>, offset: i64) -> Self {
        let extent = queue.extent.subscribe();
        Self {
            store,
            queue,
            extent,
            next: offset,
            ahead: None,
        }
    }

    /// Asks for the next messages where there are some; says whether a request is in flight.
    fn ask(&mut self) -> bool {
        let extent = self.queue.extent();
        if !(extent.first..=extent.next).contains(&self.next) {
            self.next = extent.first;
        }
        if self.ahead.is_none() && self.next < extent.next {
            let (topic, queue, from) = (self.queue.topic, self.queue.id, self.next);
            self.ahead = Some(
                self.store
                    .read("reading", move |txn| read(txn, topic, queue, from, extent)),
            );
        }
        self.ahead.is_some()
    }

    /// Waits until a request is in flight.
    async fn asked(&mut self) -> Result<()> {
        loop {
            // Seen before the look, so that what comes after it is waited for.
            self.extent.borrow_and_update();
            if self.store.closed.is_cancelled() {
                return Err(self.store.stopped());
            }
            if self.ask() {
                return Ok(());
            }
            tokio::select! {
                _ = self.extent.changed() => {}
                () = self.store.closed.cancelled() => {}
            }
        }
    }
}

#[async_trait]
impl Reader for QueueReader {
    async fn pull(&mut self, wait: Duration) -> Result<Pulled> {
        loop {
            match timeout(wait, self.asked()).await {
                Ok(asked) => asked?,
                Err(_elapsed) => {
                    return Ok(Pulled {
                        next: self.next,
                        end: self.queue.extent().next,
                        ..Pulled::default()
                    });
                }
            }
            let Some(ahead) = &mut self.ahead else {
                continue;
            };
            // The handle stays in place until the answer is there: nothing is lost when this
            // future is dropped.
            let answer = ahead.await;
            self.ahead = None;
            let pulled = self.store.answer(answer)?;
            self.next = pulled.next;
            if !pulled.is_empty() {
                self.ask();
                return Ok(pulled);
            }
            // Trimmed in between; else the file is not what it was.
            let Extent { first, .. } = self.queue.extent();
            if first <= self.next {
                let (at, queue) = (self.next, self.queue.id);
                let text = format!("embedded store: no message at offset {at} of queue {queue}");
                return Err(Error::new(ErrorKind::Internal, text));
            }
        }
    }

    fn seek(&mut self, offset: i64) {
        self.ahead = None;
        self.next = offset;
    }
}

/// The messages from `from` on, of one batch or of several small ones.
fn read(
    txn: &ReadTransaction,
    topic: u32,
    queue: u32,
    from: i64,
    extent: Extent,
) -> Result<Pulled, redb::Error> {
    let batches = txn.open_table(BATCHES)?;
    let mut before = batches.range((topic, queue, i64::MIN)..=(topic, queue, from))?;
    // The batch that `from` lies in begins at or before it.
    let start = before.next_back().transpose()?;
    let start = start.map_or(from, |(key, _)| key.value().2);
    let mut pulled = Pulled {
        next: from,
        end: extent.next,
        ..Pulled::default()
    };
    let mut buffer = Vec::new();
    // What is committed beyond the extent is not known to anybody yet.
    for entry in batches.range((topic, queue, start)..(topic, queue, extent.next))? {
        let (key, value) = entry?;
        let value = value.value();
        let full = pulled.len() >= PULL_MESSAGES || buffer.len() + value.len() > PULL_BYTES;
        if full && !pulled.is_empty() {
            break;
        }
        let first = key.value().2;
        let (stamp, frames) = Stamp::split(value)?;
        let end = first + i64::from(stamp.messages);
        if end <= from {
            continue;
        }
        append(
            &mut pulled.messages,
            &buffer,
            frames,
            first..,
            stamp.stored,
            from,
        )?;
        buffer.extend_from_slice(frames);
        pulled.next = end;
    }
    pulled.buffers = vec![Bytes::from(buffer)];
    Ok(pulled)
}

/// Where the messages of a batch lie once its frames stand behind `buffer`.
fn append(
    messages: &mut Vec<Slices>,
    buffer: &[u8],
    frames: &[u8],
    offsets: std::ops::RangeFrom<i64>,
    stored: i64,
    from: i64,
) -> Result<(), redb::Error> {
    let base = buffer.len();
    for (offset, frame) in offsets.zip(parse_frames(frames)) {
        let frame = frame.map_err(|e| redb::Error::Corrupted(e.to_string()))?;
        if offset < from {
            continue;
        }
        let part = |range: Range<usize>| {
            let part = Part::new(0, range.start + base..range.end + base);
            part.ok_or_else(|| redb::Error::Corrupted("a batch is longer than 4 GiB".into()))
        };
        messages.push(Slices {
            offset,
            born: stored,
            stored,
            body: part(frame.body)?,
            properties: part(frame.properties)?,
        });
    }
    Ok(())
}
