//! Batches of a sink task: records with the messages they come from.
use connect_api::{Error, ErrorKind, Records};
use connect_transport::{Pulled, Queue};
use std::{collections::BTreeMap, sync::Arc};

/// Rows of one topic, with the messages they come from.
pub(crate) struct TopicRecords {
    pub(crate) records: Records,
    /// The message of each row.
    pub(crate) indexes: Vec<MessageIndex>,
}

/// Which message of a batch: index of the pull, and of the message in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageIndex {
    pub(crate) pull: u32,
    pub(crate) message: u32,
}

/// A message that cannot be decoded or written.
pub(crate) struct FailedMessage {
    pub(crate) message_index: MessageIndex,
    pub(crate) error: Error,
}

/// Messages that are written, or sent to the dead letter queue, together. Their offsets are committed
/// afterwards.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) topic_records: Vec<TopicRecords>,
    pub(crate) failed: Vec<FailedMessage>,
    /// The pulls that message indexes refer to, with their queue.
    pub(crate) pulls: Vec<(Queue, Pulled)>,
    /// The next offset of each queue that had messages.
    pub(crate) offsets: Vec<(Queue, i64)>,
    /// Number of messages: rows, messages that cannot be decoded, and skipped ones.
    pub(crate) messages: usize,
    /// Number of messages that the sink's settings skip.
    pub(crate) skipped: usize,
    /// It ends before a message from a source table that has no decoder yet: see [`Consumer::without_decoder`].
    pub(crate) needs_decoder: bool,
    /// Bytes of the message bodies.
    pub(crate) bytes: usize,
}

impl Batch {
    fn offset(&self, message_index: MessageIndex) -> (&Queue, i64) {
        let (queue, pulled) = &self.pulls[message_index.pull as usize];
        let message = pulled.get(message_index.message as usize);
        (queue, message.map_or(pulled.next, |m| m.offset))
    }

    /// Topic, queue and offset of a message, for log lines and errors.
    pub(crate) fn location(&self, message_index: MessageIndex) -> String {
        let (queue, offset) = self.offset(message_index);
        location(offset, queue)
    }

    /// The error, with the message that it concerns.
    pub(crate) fn error_at(&self, message_index: MessageIndex, error: &Error) -> Error {
        let (queue, offset) = self.offset(message_index);
        at_message(offset, queue, error)
    }

    /// The topic of a message.
    pub(crate) fn topic(&self, message_index: MessageIndex) -> &Arc<str> {
        &self.pulls[message_index.pull as usize].0.topic
    }

    /// The offsets to commit if these messages are neither written nor in the dead letter queue: those
    /// of the first of them in each queue (G3).
    pub(crate) fn offsets_before(
        &self,
        unwritten: impl IntoIterator<Item = MessageIndex>,
    ) -> Vec<(Queue, i64)> {
        let mut offsets: BTreeMap<&Queue, i64> = BTreeMap::new();
        offsets.extend(self.offsets.iter().map(|(queue, next)| (queue, *next)));
        for message_index in unwritten {
            let (queue, offset) = self.offset(message_index);
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

/// Whether the error is caused by the message, its bytes or its schema, and not by the environment.
pub(crate) fn is_message_fault(kind: ErrorKind) -> bool {
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

pub(crate) fn location(offset: i64, queue: &Queue) -> String {
    format!("message {offset} of queue {queue}")
}

pub(crate) fn at_message(offset: i64, queue: &Queue, error: &Error) -> Error {
    let message = format!("{}: {}", location(offset, queue), error.report());
    Error::new(error.kind(), message)
}
