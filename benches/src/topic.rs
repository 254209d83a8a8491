//! A topic of orders over any transport.
use crate::workload::Workload;
use connect_api::{Converter, Encoded, Result};
use connect_transport::{Page, Publisher, PublisherOptions, QueueType, Transport};
use std::{num::NonZeroU32, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Rows of a page, as a source has them by default.
const PAGE: i64 = 5_000;

/// A topic that orders are published to.
pub struct OrdersTopic {
    transport: Arc<dyn Transport>,
    name: String,
    queue_type: QueueType,
}

impl OrdersTopic {
    /// Queues of the topic, as many as a source makes by default.
    pub const QUEUES: NonZeroU32 = NonZeroU32::new(8).unwrap();

    /// The topic `name`, which may not be there yet.
    pub fn new(transport: Arc<dyn Transport>, name: &str) -> Self {
        Self {
            transport,
            name: name.to_owned(),
            queue_type: QueueType::Simple,
        }
    }

    /// The topic is created with queues of this type.
    #[must_use]
    pub fn with_queue_type(self, queue_type: QueueType) -> Self {
        Self { queue_type, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the topic and publishes the first `rows` orders, as `converter` has them.
    ///
    /// # Errors
    /// As the transport says.
    pub async fn fill(&self, converter: &dyn Converter, rows: i64) -> Result<()> {
        self.transport
            .create_topic(&self.name, Self::QUEUES, self.queue_type)
            .await?;
        let mut publisher = self.publisher().await?;
        let mut encoded = Encoded::default();
        let mut start = 1;
        while start <= rows {
            let end = (start + PAGE - 1).min(rows);
            let records = Workload::Orders.records(&self.name, start..=end, 0)?;
            encoded.clear();
            converter.encode(&records, &mut encoded.bodies)?;
            connect_converters::encode_keys(&records, &mut encoded.keys)?;
            publisher.send(Page::of(&records, &encoded)).await?;
            start = end + 1;
        }
        publisher.flush().await
    }

    /// A publisher to the topic, with the settings that a source has by default.
    ///
    /// # Errors
    /// As the transport says.
    pub async fn publisher(&self) -> Result<Publisher> {
        let options = PublisherOptions::default();
        let stop = CancellationToken::new();
        Publisher::open(&self.transport, &self.name, options, stop).await
    }

    /// The messages that the topic has got so far; 0 where it is not there.
    ///
    /// # Errors
    /// As the transport says.
    pub async fn count(&self) -> Result<u64> {
        let mut messages = 0;
        for queue in self.transport.queues(&self.name).await? {
            let end = self.transport.bounds(&queue).await?.end;
            messages += u64::try_from(end).unwrap_or(0);
        }
        Ok(messages)
    }
}
