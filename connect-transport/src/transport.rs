//! The interface of a transport: topics, queues, offsets.
use crate::{Batch, Joining, Member, Pulled, QueueType, member::Alone};
use async_trait::async_trait;
use connect_api::Result;
use std::{borrow::Cow, fmt, num::NonZeroU32, ops::Range, sync::Arc, time::Duration};

/// One ordered queue of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Queue {
    /// The topic.
    pub topic: Arc<str>,
    /// The broker that holds the queue; empty where there is only one.
    pub broker: Arc<str>,
    /// Number of the queue at its broker, from 0.
    pub id: u32,
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topic)?;
        if !self.broker.is_empty() {
            write!(f, "@{}", self.broker)?;
        }
        write!(f, ":{}", self.id)
    }
}

/// Topics and queues, batches in, pulls out, offsets of groups.
///
/// Errors name the address, the topic or group, and the other side's message:
/// `Auth` for refused credentials and permissions, `Schema` for a topic that is not there,
/// `Connect`, `Timeout` and `Busy` for transient errors, `Data` for what can never be sent.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// The queues of `topic`, in one order for all who ask; empty where there is no such topic.
    async fn queues(&self, topic: &str) -> Result<Vec<Queue>>;

    /// The name under which a topic is created at the server, where it does not accept the given
    /// one; both names can be used to refer to it.
    ///
    /// # Errors
    /// `Config`: there can be no topic of this name.
    fn topic_name<'a>(&self, topic: &'a str) -> Result<Cow<'a, str>> {
        Ok(Cow::Borrowed(topic))
    }

    /// Creates `topic` with so many queues of this type; does nothing if it exists, of whichever
    /// type.
    ///
    /// # Errors
    /// `Unsupported`: the server has no topics of this type.
    async fn create_topic(
        &self,
        topic: &str,
        queues: NonZeroU32,
        queue_type: QueueType,
    ) -> Result<()>;

    /// How `topic` keeps batches; `None` where there is no such topic, where the server does not
    /// say, or where there is no difference.
    async fn queue_type(&self, _topic: &str) -> Result<Option<QueueType>> {
        Ok(None)
    }

    /// Whether there can be topics of this type, as far as the server says.
    ///
    /// # Errors
    /// `Unsupported`: there can be none; the text says where and what to set.
    async fn check_queue_type(&self, _queue_type: QueueType) -> Result<()> {
        Ok(())
    }

    /// The longest message that every broker takes, properties and all, in bytes; `None` where they
    /// do not say.
    async fn max_message_bytes(&self) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Creates the consumer group; does nothing if it exists.
    async fn create_group(&self, group: &str) -> Result<()>;

    /// Creates a member of a group, which others see from its first claim on. Where a transport
    /// says nothing of members, this one holds what it asks for.
    async fn join(&self, _joining: Joining) -> Result<Box<dyn Member>> {
        Ok(Box::new(Alone))
    }

    /// A lane that writes to `queue`.
    async fn lane(&self, queue: &Queue) -> Result<Box<dyn Lane>>;

    /// A reader of `queue` for `group`, from `offset` on; an offset outside of
    /// [`bounds`](Self::bounds) begins at the oldest message, so that nothing is skipped. It keeps
    /// the next request in flight while the last answer is worked on.
    async fn reader(&self, group: &str, queue: &Queue, offset: i64) -> Result<Box<dyn Reader>>;

    /// The offsets that `group` has committed, in the order of `queues`; `None` where it has none.
    async fn committed(&self, group: &str, queues: &[Queue]) -> Result<Vec<Option<i64>>>;

    /// Commits the offset of the next message to read, for each queue. `Ok` means stored.
    async fn commit(&self, group: &str, offsets: &[(Queue, i64)]) -> Result<()>;

    /// The oldest offset that is there, and the offset that the next message gets.
    async fn bounds(&self, queue: &Queue) -> Result<Range<i64>>;

    /// Ends connections and background work, within `deadline`. Lanes and readers fail after.
    async fn close(&self, deadline: Duration);
}

/// Writes to one queue; one batch in flight (G2).
#[async_trait]
pub trait Lane: Send {
    /// Sends the batch; `Ok` is the offset of its first message and means that the batch is
    /// stored (G1). After an error that is retried the batch may or may not be there.
    async fn send(&mut self, batch: &Batch) -> Result<i64>;
}

/// Reads one queue in order.
#[async_trait]
pub trait Reader: Send {
    /// The next messages; empty when none came within `wait`. Dropping the future loses nothing.
    async fn pull(&mut self, wait: Duration) -> Result<Pulled>;

    /// Goes to `offset`: the next pull begins there, by the rule of [`Transport::reader`].
    fn seek(&mut self, offset: i64);
}
