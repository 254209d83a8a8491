//! The consumer of a sink task: pulls from its queues, decodes, and builds batches of records.
use crate::{
    batch::{Batch, FailedMessage, MessageIndex, TopicRecords, at_message, is_message_fault},
    connector_config::{SinkCommon, Tolerance},
};
use connect_api::{
    Converter, Decoder, Error, ErrorKind, MessageRef, Op, Origin, Origins, Pushed, Result, Target,
};
use connect_transport::{
    EVENT_TIME, KEYS, Message, OP, Pulled, Queue, Reader, SOURCE_SCHEMA, SOURCE_TABLE, op_of,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Long-polling time of a pull. A response comes as soon as there are messages, so this only bounds
/// how long an idle request stays open.
const PULL_WAIT: Duration = Duration::from_secs(10);
/// Maximum bytes of pulled messages not yet decoded, over all queues of a task: a batch of 5,000 small
/// rows. More gain nothing, since a batch is built while the previous one is written; where the
/// database is slower than the broker, most memory of a sink is here.
const FETCHED_BYTES: usize = 1 << 20;
/// Unit of the semaphore's permits: a semaphore counts to 2^29.
const PERMIT_BYTES: usize = 1 << 10;
/// Maximum pulls not yet decoded: by default a broker returns 32 messages of a simple topic per pull, and a batch of
/// 5,000 rows should be ready while the previous one is written.
const FETCHED_PULLS: usize = 512;

/// A pull that is not decoded yet.
struct Fetched {
    queue: usize,
    pulled: Pulled,
    /// Its share of [`FETCHED_BYTES`] until it is decoded.
    _permit: OwnedSemaphorePermit,
}

/// The rows of a topic, or of one source table in it, with their decoder.
struct Topic {
    name: Arc<str>,
    /// How the sink treats source tables; the same for all parts of a topic.
    origins: Origins,
    /// `None` for all rows of a topic, and for those whose source table is unknown.
    origin: Option<Arc<Origin>>,
    state: State,
    indexes: Vec<MessageIndex>,
}

enum State {
    NoDecoder,
    Decoding(Box<dyn Decoder>),
    /// The sink rejects the rows of this source table.
    Refused(Error),
    /// The sink's settings skip these rows; the reason, until it is logged.
    Skipped(Option<Box<str>>),
}

/// Bounds of a batch.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    rows: usize,
    bytes: usize,
    linger: Duration,
}

/// Builds batches. [`next`](Consumer::next) is cancel-safe.
pub(crate) struct Consumer {
    queues: Vec<Queue>,
    /// For each queue the index of its topic, or of the part that its last message belongs to.
    topic_of: Vec<usize>,
    topics: Vec<Topic>,
    inbox: mpsc::Receiver<Result<Fetched>>,
    /// The readers; they stop with the consumer.
    _readers: JoinSet<()>,
    bounds: Bounds,
    /// What happens to messages that cannot be decoded.
    tolerance: Tolerance,
    /// An error of a reader, or of a message at which the task fails; returned after the batch.
    error: Option<Error>,
    batch: Batch,
    next_offsets: Vec<Option<i64>>,
    deadline: Option<Instant>,
    /// A partly decoded pull: another schema began, or the batch was full.
    partial: Option<(Fetched, usize)>,
}

impl Consumer {
    /// Reads `queues` from the given readers.
    pub(crate) fn open(
        readers: Vec<(Queue, Box<dyn Reader>)>,
        config: &SinkCommon,
        stop: &CancellationToken,
    ) -> Self {
        let (outbox, inbox) = mpsc::channel(FETCHED_PULLS);
        let budget = Arc::new(Semaphore::new(FETCHED_BYTES / PERMIT_BYTES));
        let mut tasks = JoinSet::new();
        let mut queues = Vec::new();
        let mut topics: Vec<Topic> = Vec::new();
        let mut topic_of = Vec::new();
        for (index, (queue, reader)) in readers.into_iter().enumerate() {
            let known = topics.iter().position(|t| t.name == queue.topic);
            topic_of.push(known.unwrap_or(topics.len()));
            if known.is_none() {
                topics.push(Topic {
                    name: queue.topic.clone(),
                    origins: Origins::default(),
                    origin: None,
                    state: State::NoDecoder,
                    indexes: Vec::new(),
                });
            }
            queues.push(queue);
            let (outbox, budget, stop) = (outbox.clone(), budget.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = read(index, reader, &outbox, &budget) => {}
                }
            });
        }
        Self {
            next_offsets: vec![None; queues.len()],
            queues,
            topic_of,
            topics,
            inbox,
            _readers: tasks,
            bounds: Bounds {
                rows: config.batch_rows.get(),
                bytes: config.batch_bytes.get(),
                linger: config.linger.0,
            },
            tolerance: config.tolerance,
            error: None,
            batch: Batch::default(),
            deadline: None,
            partial: None,
        }
    }

    /// Topics, and parts of them by source table, that have no decoder yet.
    pub(crate) fn without_decoder(&self) -> Vec<(Arc<str>, Option<Arc<Origin>>)> {
        let needs_decoder = |topic: &&Topic| matches!(topic.state, State::NoDecoder);
        let needs_decoder = self.topics.iter().filter(needs_decoder);
        needs_decoder
            .map(|t| (t.name.clone(), t.origin.clone()))
            .collect()
    }

    /// Sets the decoder of a topic, or of a part of it.
    ///
    /// # Errors
    /// `Schema`, `Config`: as [`Converter::decoder`].
    pub(crate) fn set_decoder(
        &mut self,
        name: &str,
        origin: Option<&Arc<Origin>>,
        converter: &dyn Converter,
        target: Target,
    ) -> Result<()> {
        let of = |t: &&mut Topic| &*t.name == name && t.origin.as_ref() == origin;
        for topic in self.topics.iter_mut().filter(of) {
            topic.origins = target.origins;
            topic.state = match &target.skipped {
                Some(why) => State::Skipped(Some(why.clone())),
                None => State::Decoding(converter.decoder(topic.name.clone(), target.clone())?),
            };
        }
        Ok(())
    }

    /// Rejects rows of this source table, each with this error.
    pub(crate) fn refuse(&mut self, name: &str, origin: Option<&Arc<Origin>>, why: &Error) {
        let of = |t: &&mut Topic| &*t.name == name && t.origin.as_ref() == origin;
        for topic in self.topics.iter_mut().filter(of) {
            topic.state = State::Refused(Error::new(why.kind(), why.report()));
        }
    }

    /// The next batch: complete by rows, bytes or linger time.
    ///
    /// # Errors
    /// An error of a reader, or of a message that is not tolerated; messages before it were returned.
    pub(crate) async fn next(&mut self) -> Result<Batch> {
        loop {
            if let Some((fetched, from)) = self.partial.take() {
                self.decode(fetched, from)?;
            }
            if self.batch.needs_decoder
                || self.is_full()
                || (self.error.is_some() && self.batch.messages > 0)
            {
                return self.take();
            }
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let received = match self.deadline {
                None => self.inbox.recv().await,
                Some(deadline) => match self.inbox.try_recv() {
                    Ok(received) => Some(received),
                    Err(_empty) => match tokio::time::timeout_at(deadline, self.inbox.recv()).await
                    {
                        Ok(received) => received,
                        Err(_elapsed) => return self.take(),
                    },
                },
            };
            match received {
                Some(Ok(fetched)) => self.partial = Some((fetched, 0)),
                // The current batch is written first.
                Some(Err(error)) => self.error = Some(error),
                None => return Err(Error::new(ErrorKind::Stopped, "the readers have stopped")),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.batch.messages >= self.bounds.rows
            || self.batch.bytes >= self.bounds.bytes
            || self.partial.is_some()
    }

    /// Decodes a pull from its message `from` on, as far as the batch goes.
    fn decode(&mut self, fetched: Fetched, from: usize) -> Result<()> {
        let (queue, pulled) = (fetched.queue, &fetched.pulled);
        let origins = self.topics[self.topic_of[queue]].origins;
        let pull = u32::try_from(self.batch.pulls.len()).unwrap_or(u32::MAX);
        let (mut rest, mut next) = (None, pulled.next);
        for (index, message) in pulled.iter().enumerate().skip(from) {
            if self.batch.messages >= self.bounds.rows || self.batch.bytes >= self.bounds.bytes {
                rest = Some(index);
                break;
            }
            let message_index = MessageIndex {
                pull,
                message: u32::try_from(index).unwrap_or(u32::MAX),
            };
            let parts = parts(&message);
            if origins != Origins::Ignored {
                let part = part_of(&mut self.topics, self.topic_of[queue], &message);
                self.topic_of[queue] = part;
                if matches!(self.topics[part].state, State::NoDecoder) {
                    self.batch.needs_decoder = true;
                    rest = Some(index);
                    break;
                }
            }
            let topic = &mut self.topics[self.topic_of[queue]];
            let pushed = match &mut topic.state {
                State::Decoding(decoder) => match decoder.push(parts) {
                    Ok(Pushed::TakeFirst) => {
                        let origin = topic.origin.clone();
                        let indexes = &mut topic.indexes;
                        take(
                            topic.name.clone(),
                            origin,
                            decoder,
                            indexes,
                            &mut self.batch,
                        )?;
                        decoder.push(parts).map(Some)
                    }
                    pushed => pushed.map(Some),
                },
                State::Refused(why) => Err(Error::new(why.kind(), why.report())),
                State::Skipped(why) => {
                    if let Some(why) = why.take() {
                        tracing::warn!(topic = %topic.name, "{why}");
                    }
                    Ok(None)
                }
                State::NoDecoder => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        format!("topic {}: no decoder is set", topic.name),
                    ));
                }
            };
            match pushed {
                Ok(Some(Pushed::Row)) => topic.indexes.push(message_index),
                Ok(None) => self.batch.skipped += 1,
                Ok(Some(Pushed::TakeFirst)) => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        format!(
                            "topic {}: the decoder cannot add a message to empty records",
                            topic.name
                        ),
                    ));
                }
                Err(error)
                    if self.tolerance == Tolerance::All && is_message_fault(error.kind()) =>
                {
                    self.batch.failed.push(FailedMessage {
                        message_index,
                        error,
                    });
                }
                Err(error) => {
                    // G3: the messages before it are written, and the task fails at it.
                    let queue = &self.queues[queue];
                    self.error = Some(at_message(message.offset, queue, &error));
                    next = message.offset;
                    break;
                }
            }
            self.batch.messages += 1;
            self.batch.bytes += message.body.len();
            self.next_offsets[queue] = Some(message.offset + 1);
        }
        if self.deadline.is_none() && self.batch.messages > 0 {
            self.deadline = Some(Instant::now() + self.bounds.linger);
        }
        if rest.is_none() {
            // Offsets without messages (transaction markers, say) are skipped too.
            self.next_offsets[queue] = Some(next);
        }
        let queue = self.queues[queue].clone();
        match rest {
            None => self.batch.pulls.push((queue, fetched.pulled)),
            Some(rest) => {
                self.batch.pulls.push((queue, fetched.pulled.clone()));
                self.partial = Some((fetched, rest));
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Batch> {
        for topic in &mut self.topics {
            if let State::Decoding(decoder) = &mut topic.state {
                let origin = topic.origin.clone();
                let indexes = &mut topic.indexes;
                take(
                    topic.name.clone(),
                    origin,
                    decoder,
                    indexes,
                    &mut self.batch,
                )?;
            }
        }
        self.deadline = None;
        let mut batch = std::mem::take(&mut self.batch);
        let changed = self.next_offsets.iter_mut().zip(&self.queues);
        batch.offsets = changed
            .filter_map(|(next, queue)| next.take().map(|next| (queue.clone(), next)))
            .collect();
        Ok(batch)
    }
}

fn take(
    topic: Arc<str>,
    origin: Option<Arc<Origin>>,
    decoder: &mut Box<dyn Decoder>,
    indexes: &mut Vec<MessageIndex>,
    batch: &mut Batch,
) -> Result<()> {
    let records = decoder
        .take()
        .map_err(|e| e.context(format_args!("topic {topic}")))?;
    if let Some(records) = records {
        let indexes = std::mem::take(indexes);
        let records = match origin {
            Some(origin) => records.with_origin(origin),
            None => records,
        };
        batch.topic_records.push(TopicRecords { records, indexes });
    }
    Ok(())
}

/// The index of the part of a topic that the message belongs to, which may be new; `last` is that of
/// the message before.
fn part_of(topics: &mut Vec<Topic>, last: usize, message: &Message<'_>) -> usize {
    let picked = message.properties.pick([SOURCE_TABLE, SOURCE_SCHEMA]);
    let [table, schema] = picked.map(|text| std::str::from_utf8(text?).ok());
    let last_of = &topics[last];
    let is = |origin: &Origin, table: &str| {
        &*origin.table == table && origin.schema.as_deref() == schema
    };
    let of_message = |topic: &Topic| match (&topic.origin, table) {
        (Some(origin), Some(table)) => is(origin, table),
        (None, None) => true,
        _ => false,
    };
    let only = last_of.origin.is_some() || topics.len() == 1;
    let decoding = matches!(last_of.state, State::Decoding(_));
    if table.is_none() && last_of.origins == Origins::Compared && only && decoding {
        return last;
    }
    if of_message(last_of) && table.is_some() {
        return last;
    }
    let (name, origins) = (last_of.name.clone(), last_of.origins);
    if table.is_none() && origins == Origins::Compared {
        // Rows of an unknown source table go with the accepted rows, in their order (G2).
        let taken = |t: &Topic| t.origin.is_some() && matches!(t.state, State::Decoding(_));
        let others = topics.iter().position(|t| t.name == name && taken(t));
        let own = || {
            topics
                .iter()
                .position(|t| t.name == name && t.origin.is_none())
        };
        return others.or_else(own).unwrap_or(last);
    }
    let known = topics.iter().position(|t| t.name == name && of_message(t));
    if let Some(known) = known {
        return known;
    }
    topics.push(Topic {
        name,
        origins,
        origin: table.map(|table| {
            Arc::new(Origin {
                schema: schema.map(Into::into),
                table: table.into(),
            })
        }),
        state: State::NoDecoder,
        indexes: Vec::new(),
    });
    topics.len() - 1
}

/// The parts of a message that the decoder reads.
fn parts<'a>(message: &Message<'a>) -> MessageRef<'a> {
    let [key, time, op] = message.properties.pick([KEYS, EVENT_TIME, OP]);
    let time = time.and_then(|t| std::str::from_utf8(t).ok()?.parse().ok());
    MessageRef {
        key: key.unwrap_or_default(),
        // Java producers cannot send an empty body: the property marks a delete.
        body: match op.map(op_of) {
            Some(Ok(Op::Delete)) => &[],
            _ => message.body,
        },
        time: Some(time.unwrap_or(message.born)),
    }
}

/// Pulls until the receiver is dropped or an error occurs, which is passed on.
async fn read(
    queue: usize,
    mut reader: Box<dyn Reader>,
    outbox: &mpsc::Sender<Result<Fetched>>,
    budget: &Arc<Semaphore>,
) {
    loop {
        let pulled = match reader.pull(PULL_WAIT).await {
            Ok(pulled) if pulled.is_empty() => continue,
            Ok(pulled) => pulled,
            Err(error) => {
                // The receiver is dropped: the task is stopping.
                let _gone = outbox.send(Err(error)).await;
                return;
            }
        };
        let permits = (pulled.total_bytes() / PERMIT_BYTES + 1).min(FETCHED_BYTES / PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let Ok(_permit) = budget.clone().acquire_many_owned(permits).await else {
            return;
        };
        let fetched = Fetched {
            queue,
            pulled,
            _permit,
        };
        if outbox.send(Ok(fetched)).await.is_err() {
            return;
        }
    }
}
