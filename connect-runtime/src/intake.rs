//! The intake of a sink task: pulls from its queues, gathered into batches of records.
use crate::connector_config::{SinkCommon, Tolerance};
use connect_api::{
    Converter, Decoder, Error, ErrorKind, MessageRef, Op, Origin, Origins, Pushed, Records, Result,
    Target,
};
use connect_transport::{
    EVENT_TIME, KEYS, Message, OP, Pulled, Queue, Reader, SOURCE_SCHEMA, SOURCE_TABLE, op_of,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How long a reader waits for messages before it asks again; answers come the moment there are
/// messages, so this only bounds how long an idle request stays open.
const PULL_WAIT: Duration = Duration::from_secs(10);
/// Bytes of pulled messages that wait to be decoded, of all queues of a task together: as many as
/// a batch has at most by default. More gain nothing, as a batch is gathered while another is
/// written, and it is here that a sink of large messages has most of its memory.
const WAITING_BYTES: usize = 4 << 20;
/// The unit that waiting bytes are counted in: a semaphore counts to 2^29.
const PERMIT_BYTES: usize = 1 << 10;
/// Pulls that wait to be decoded: a pull is 32 messages at stock brokers, and a batch of 5,000
/// rows is to wait here while the one before is being written.
const WAITING_PULLS: usize = 512;

/// A pull on its way from a reader to the decoder.
struct Waiting {
    queue: usize,
    pulled: Pulled,
    /// Bytes it takes up of [`WAITING_BYTES`] until it is decoded.
    _room: OwnedSemaphorePermit,
}

/// Rows of one topic, and where their messages are.
pub(crate) struct Gathered {
    pub(crate) records: Records,
    /// For each row its message.
    pub(crate) places: Vec<Place>,
}

/// Where a message is: in which pull, and at which place in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) pull: u32,
    pub(crate) message: u32,
}

/// A message that cannot be decoded.
pub(crate) struct Undecoded {
    pub(crate) place: Place,
    pub(crate) error: Error,
}

/// What is written, or set aside, together; its offsets are committed after it.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) gathered: Vec<Gathered>,
    pub(crate) undecoded: Vec<Undecoded>,
    /// The pulls that places point into, with their queue.
    pub(crate) pulls: Vec<(Queue, Pulled)>,
    /// The next offset of each queue that had messages.
    pub(crate) offsets: Vec<(Queue, i64)>,
    /// Rows, messages that cannot be decoded, and those that are left out.
    pub(crate) messages: usize,
    /// Messages that the sink's settings leave out.
    pub(crate) skipped: usize,
    /// It ends before a message whose origin was not met before: see [`Intake::undecided`].
    pub(crate) undecided: bool,
    bytes: usize,
}

/// The rows of a topic, or those of them that were read from one table, with their decoder.
struct Topic {
    name: Arc<str>,
    /// What origins are to the sink; the same for all parts of a topic.
    origins: Origins,
    /// `None` for the rows of a topic together, and for those whose origin is not known.
    origin: Option<Arc<Origin>>,
    state: State,
    places: Vec<Place>,
}

enum State {
    Undecided,
    Decoding(Box<dyn Decoder>),
    /// The sink takes no rows of this origin.
    Refused(Error),
    /// The sink's settings leave these rows out; the reason, until it was told.
    Skipped(Option<Box<str>>),
}

/// Bounds of a batch.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    rows: usize,
    bytes: usize,
    linger: Duration,
}

/// Gathers batches. Dropping the future of [`next`](Intake::next) loses nothing.
pub(crate) struct Intake {
    queues: Vec<Queue>,
    /// Index of each queue's topic, or of the part of it that its last message belongs to.
    topic_of: Vec<usize>,
    topics: Vec<Topic>,
    inbox: mpsc::Receiver<Result<Waiting>>,
    /// The readers; they end with the intake.
    _readers: JoinSet<()>,
    bounds: Bounds,
    /// What becomes of messages that cannot be decoded.
    tolerance: Tolerance,
    /// What a reader met while a batch was being gathered, or a message that the task ends at;
    /// given out after the batch.
    failed: Option<Error>,
    batch: Batch,
    next_offsets: Vec<Option<i64>>,
    deadline: Option<Instant>,
    /// A pull that is decoded in part: another schema began, or the batch was full.
    partial: Option<(Waiting, usize)>,
}

impl Batch {
    fn offset(&self, place: Place) -> (&Queue, i64) {
        let (queue, pulled) = &self.pulls[place.pull as usize];
        let message = pulled.iter().nth(place.message as usize);
        (queue, message.map_or(pulled.next, |m| m.offset))
    }

    /// Where a message came from, for people: topic, queue and offset.
    pub(crate) fn origin(&self, place: Place) -> String {
        let (queue, offset) = self.offset(place);
        origin(offset, queue)
    }

    /// The error, which names the message it is of.
    pub(crate) fn error_at(&self, place: Place, error: &Error) -> Error {
        let (queue, offset) = self.offset(place);
        at_message(offset, queue, error)
    }

    /// The topic of a message.
    pub(crate) fn topic(&self, place: Place) -> &Arc<str> {
        &self.pulls[place.pull as usize].0.topic
    }

    /// The offsets to go on from, if these messages are still to be written or set aside: those of
    /// the first of them in each queue (G3).
    pub(crate) fn offsets_before(
        &self,
        unwritten: impl IntoIterator<Item = Place>,
    ) -> Vec<(Queue, i64)> {
        let mut offsets: BTreeMap<&Queue, i64> = BTreeMap::new();
        offsets.extend(self.offsets.iter().map(|(queue, next)| (queue, *next)));
        for place in unwritten {
            let (queue, offset) = self.offset(place);
            offsets
                .entry(queue)
                .and_modify(|next| *next = offset.min(*next));
        }
        let owned = offsets
            .into_iter()
            .map(|(queue, next)| (queue.clone(), next));
        owned.collect()
    }
}

/// What is wrong is this message, by its bytes or its schema; else every message would meet it.
pub(crate) fn is_of_message(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Data | ErrorKind::Schema | ErrorKind::Unsupported => true,
        ErrorKind::Config
        | ErrorKind::Auth
        | ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Busy
        | ErrorKind::Conflict
        | ErrorKind::Stopped
        | ErrorKind::Internal => false,
    }
}

pub(crate) fn origin(offset: i64, queue: &Queue) -> String {
    format!("message {offset} of queue {queue}")
}

pub(crate) fn at_message(offset: i64, queue: &Queue, error: &Error) -> Error {
    let message = format!("{}: {}", origin(offset, queue), error.report());
    Error::new(error.kind(), message)
}

impl Intake {
    /// Reads `queues` from the given readers.
    pub(crate) fn open(
        readers: Vec<(Queue, Box<dyn Reader>)>,
        config: &SinkCommon,
        stop: &CancellationToken,
    ) -> Self {
        let (outbox, inbox) = mpsc::channel(WAITING_PULLS);
        let room = Arc::new(Semaphore::new(WAITING_BYTES / PERMIT_BYTES));
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
                    state: State::Undecided,
                    places: Vec::new(),
                });
            }
            queues.push(queue);
            let (outbox, room, stop) = (outbox.clone(), room.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = read(index, reader, &outbox, &room) => {}
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
            failed: None,
            batch: Batch::default(),
            deadline: None,
            partial: None,
        }
    }

    /// Topics, and parts of them by origin, whose decoders are still to be made.
    pub(crate) fn undecided(&self) -> Vec<(Arc<str>, Option<Arc<Origin>>)> {
        let undecided = |topic: &&Topic| matches!(topic.state, State::Undecided);
        let undecided = self.topics.iter().filter(undecided);
        undecided
            .map(|t| (t.name.clone(), t.origin.clone()))
            .collect()
    }

    /// Gives a topic, or a part of it, its decoder.
    ///
    /// # Errors
    /// `Schema`, `Config`: as [`Converter::decoder`].
    pub(crate) fn decide(
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

    /// Rows of this origin are refused, each with this error.
    pub(crate) fn refuse(&mut self, name: &str, origin: Option<&Arc<Origin>>, why: &Error) {
        let of = |t: &&mut Topic| &*t.name == name && t.origin.as_ref() == origin;
        for topic in self.topics.iter_mut().filter(of) {
            topic.state = State::Refused(Error::new(why.kind(), why.report()));
        }
    }

    /// The next batch: full by rows or bytes, or what came within the linger after the first.
    ///
    /// # Errors
    /// What a reader met, or the fault of a message that is not tolerated; messages before it were
    /// given out.
    pub(crate) async fn next(&mut self) -> Result<Batch> {
        loop {
            if let Some((waiting, from)) = self.partial.take() {
                self.decode(waiting, from)?;
            }
            if self.batch.undecided
                || self.is_full()
                || (self.failed.is_some() && self.batch.messages > 0)
            {
                return self.take();
            }
            if let Some(error) = self.failed.take() {
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
                Some(Ok(waiting)) => self.partial = Some((waiting, 0)),
                // What was gathered is written first.
                Some(Err(error)) => self.failed = Some(error),
                None => return Err(Error::new(ErrorKind::Stopped, "the readers have ended")),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.batch.messages >= self.bounds.rows
            || self.batch.bytes >= self.bounds.bytes
            || self.partial.is_some()
    }

    /// Decodes a pull from its message `from` on, as far as the batch goes.
    fn decode(&mut self, waiting: Waiting, from: usize) -> Result<()> {
        let (queue, pulled) = (waiting.queue, &waiting.pulled);
        let origins = self.topics[self.topic_of[queue]].origins;
        let pull = u32::try_from(self.batch.pulls.len()).unwrap_or(u32::MAX);
        let (mut rest, mut next) = (None, pulled.next);
        for (index, message) in pulled.iter().enumerate().skip(from) {
            if self.batch.messages >= self.bounds.rows || self.batch.bytes >= self.bounds.bytes {
                rest = Some(index);
                break;
            }
            let place = Place {
                pull,
                message: u32::try_from(index).unwrap_or(u32::MAX),
            };
            let parts = parts(&message);
            if origins != Origins::Ignored {
                let part = part_of(&mut self.topics, self.topic_of[queue], &message);
                self.topic_of[queue] = part;
                if matches!(self.topics[part].state, State::Undecided) {
                    self.batch.undecided = true;
                    rest = Some(index);
                    break;
                }
            }
            let topic = &mut self.topics[self.topic_of[queue]];
            let pushed = match &mut topic.state {
                State::Decoding(decoder) => match decoder.push(parts) {
                    Ok(Pushed::TakeFirst) => {
                        let origin = topic.origin.clone();
                        let places = &mut topic.places;
                        take(topic.name.clone(), origin, decoder, places, &mut self.batch)?;
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
                State::Undecided => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        format!("topic {}: no decoder was made", topic.name),
                    ));
                }
            };
            match pushed {
                Ok(Some(Pushed::Row)) => topic.places.push(place),
                Ok(None) => self.batch.skipped += 1,
                Ok(Some(Pushed::TakeFirst)) => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        format!("topic {}: a message fits no records", topic.name),
                    ));
                }
                Err(error) if self.tolerance == Tolerance::All && is_of_message(error.kind()) => {
                    self.batch.undecoded.push(Undecoded { place, error });
                }
                Err(error) => {
                    // G3: what came before it is written, and the task ends at it.
                    let queue = &self.queues[queue];
                    self.failed = Some(at_message(message.offset, queue, &error));
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
            // Offsets without messages (transaction marks, say) are passed as well.
            self.next_offsets[queue] = Some(next);
        }
        let queue = self.queues[queue].clone();
        match rest {
            None => self.batch.pulls.push((queue, waiting.pulled)),
            Some(rest) => {
                self.batch.pulls.push((queue, waiting.pulled.clone()));
                self.partial = Some((waiting, rest));
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Batch> {
        for topic in &mut self.topics {
            if let State::Decoding(decoder) = &mut topic.state {
                let origin = topic.origin.clone();
                let places = &mut topic.places;
                take(topic.name.clone(), origin, decoder, places, &mut self.batch)?;
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
    places: &mut Vec<Place>,
    batch: &mut Batch,
) -> Result<()> {
    let records = decoder
        .take()
        .map_err(|e| e.context(format_args!("topic {topic}")))?;
    if let Some(records) = records {
        let places = std::mem::take(places);
        let records = match origin {
            Some(origin) => records.with_origin(origin),
            None => records,
        };
        batch.gathered.push(Gathered { records, places });
    }
    Ok(())
}

/// The index of the part of a topic that the message belongs to, which may be new; `last` is the
/// part of the message before it.
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
        // Rows whose table is not known go with those that are taken, in their order (G2).
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
        state: State::Undecided,
        places: Vec::new(),
    });
    topics.len() - 1
}

/// What the decoder sees of a message.
fn parts<'a>(message: &Message<'a>) -> MessageRef<'a> {
    let [key, time, op] = message.properties.pick([KEYS, EVENT_TIME, OP]);
    let time = time.and_then(|t| std::str::from_utf8(t).ok()?.parse().ok());
    MessageRef {
        key: key.unwrap_or_default(),
        // Stock Java producers cannot send an empty body: the property says the same.
        body: match op.map(op_of) {
            Some(Ok(Op::Delete)) => &[],
            _ => message.body,
        },
        time: Some(time.unwrap_or(message.born)),
    }
}

/// Pulls until the other side is gone; an error is handed on, and the reader ends.
async fn read(
    queue: usize,
    mut reader: Box<dyn Reader>,
    outbox: &mpsc::Sender<Result<Waiting>>,
    room: &Arc<Semaphore>,
) {
    loop {
        let pulled = match reader.pull(PULL_WAIT).await {
            Ok(pulled) if pulled.is_empty() => continue,
            Ok(pulled) => pulled,
            Err(error) => {
                // Nobody left to tell: the task is ending.
                let _gone = outbox.send(Err(error)).await;
                return;
            }
        };
        let permits = (pulled.total_bytes() / PERMIT_BYTES + 1).min(WAITING_BYTES / PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let Ok(_room) = room.clone().acquire_many_owned(permits).await else {
            return;
        };
        let waiting = Waiting {
            queue,
            pulled,
            _room,
        };
        if outbox.send(Ok(waiting)).await.is_err() {
            return;
        }
    }
}
