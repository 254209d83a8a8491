//! Sends messages to a topic.
use super::{NewMessage, new_message::Encoding};
use crate::{Page, Publisher, PublisherOptions, Transport};
use connect_api::Result;
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Sends messages to a topic. Clones are one producer, to be used from several tasks at a time: what
/// they send meanwhile goes out in common batches.
#[derive(Clone)]
pub struct Producer(Arc<Shared>);

struct Shared {
    transport: Arc<dyn Transport>,
    topic: Arc<str>,
    options: PublisherOptions,
    /// Fair: who waits longest gets it next, so that messages keep the order of the calls (G2).
    publisher: Mutex<Publisher>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Producer").field(&self.0.topic).finish()
    }
}

impl Producer {
    pub(super) async fn open(
        transport: Arc<dyn Transport>,
        topic: &str,
        options: PublisherOptions,
    ) -> Result<Self> {
        let publisher = publisher(&transport, topic, &options).await?;
        Ok(Self(Arc::new(Shared {
            transport,
            topic: topic.into(),
            options,
            publisher: Mutex::new(publisher),
        })))
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// Sends a message; `Ok` means that it is stored (G1). Messages of one key keep the order in which
    /// they were sent (G2).
    ///
    /// Transient errors are retried, for two minutes unless
    /// [`Client::producer_with`](super::Client::producer_with) says otherwise. After an error of any kind
    /// but `Data` the message may or may not be stored, so that sending it again may store it twice;
    /// the same is true where the future is dropped.
    ///
    /// # Errors
    /// `Data`: the message is too long, or a property cannot be sent. `Connect`, `Timeout`, `Busy`:
    /// the broker did not store it in that time. `Auth`: it may not be written. `Schema`: the topic is
    /// gone.
    pub async fn send(&self, message: NewMessage) -> Result<()> {
        self.send_all([message]).await
    }

    /// Sends messages in their order, in batches; `Ok` means that all are stored. All are in memory
    /// until then, and checked before the first is sent. By far the fastest way to send many.
    ///
    /// # Errors
    /// As [`send`](Self::send); after `Data`, which names the message by its number from 0, none was
    /// sent.
    pub async fn send_all(&self, messages: impl IntoIterator<Item = NewMessage>) -> Result<()> {
        let topic = format_args!("topic `{}`", self.0.topic).to_string();
        let encoding = Encoding::of(messages).map_err(|e| e.context(topic))?;
        if encoding.headers.is_empty() {
            return Ok(());
        }
        let page = Page::new(&encoding.encoded).with_headers(&encoding.headers);
        let stored = {
            let mut publisher = self.0.publisher.lock().await;
            if publisher.acknowledged().is_err() {
                // It accepts nothing any more; its other callers get the error.
                *publisher =
                    self::publisher(&self.0.transport, &self.0.topic, &self.0.options).await?;
            }
            let ticket = publisher.send(page).await?;
            publisher.receipt(ticket)
        };
        stored.await
    }
}

async fn publisher(
    transport: &Arc<dyn Transport>,
    topic: &str,
    options: &PublisherOptions,
) -> Result<Publisher> {
    let stop = CancellationToken::new();
    Publisher::open(transport, topic, options.clone(), stop).await
}
