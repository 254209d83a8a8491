//! Writes to one queue.
use super::{RocketMqOptions, link::Link, queue_type, request::Request, route::Routes, topic};
use crate::{Batch, Lane, Queue, QueueType, id::MessageIds};
use async_trait::async_trait;
use cheetah_string::CheetahString;
use connect_api::{Error, ErrorKind, Result};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Longest batch that fits a frame of the protocol, in bytes; brokers take 4 MiB by default.
const MAX_BATCH: usize = (16 << 20) - (64 << 10);

/// Sends batches to one queue, one after the other (G2).
pub(super) struct QueueLane {
    routes: Arc<Routes>,
    /// `None` after the connection failed: the broker may have moved.
    link: Option<Arc<Link>>,
    queue: Queue,
    queue_type: QueueType,
    topic: CheetahString,
    producer_group: CheetahString,
    timeout: Duration,
}

impl QueueLane {
    pub(super) fn new(
        routes: Arc<Routes>,
        link: Arc<Link>,
        queue: &Queue,
        queue_type: QueueType,
        options: &RocketMqOptions,
    ) -> Self {
        Self {
            routes,
            link: Some(link),
            topic: CheetahString::from_slice(&topic::written(&queue.topic)),
            queue: queue.clone(),
            queue_type,
            producer_group: CheetahString::from_slice(&options.producer_group),
            timeout: options.send_timeout,
        }
    }
}

#[async_trait]
impl Lane for QueueLane {
    async fn send(&mut self, batch: &Batch) -> Result<i64> {
        let Self { queue, .. } = self;
        if batch.frames.len() > MAX_BATCH {
            return Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{queue}: a batch of {} messages has {} bytes; the protocol takes {MAX_BATCH}",
                    batch.messages,
                    batch.frames.len()
                ),
            ));
        }
        let link = match self.link.take() {
            Some(link) => link,
            None => self.routes.broker_of(queue).await?,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let properties = match self.queue_type {
            QueueType::Simple => CheetahString::empty(),
            // With an id of its own the batch is kept whole.
            QueueType::Batch => {
                let mut ids = MessageIds::reserve(1);
                CheetahString::from_string(String::from_utf8_lossy(ids.next()).into_owned())
            }
        };
        let request = Request::send(
            &self.producer_group,
            &self.topic,
            queue.id,
            now.unwrap_or_default().as_millis(),
            properties,
            batch.frames.clone(),
        );
        // G1: only an answer of success means that the batch is stored.
        match link.call(queue, request, self.timeout).await {
            Ok(answer) => {
                // The topic may have been deleted and re-created with the other type.
                if self.queue_type == QueueType::Batch && !answer.has("batchUniqId") {
                    let now = queue_type::of_lane(&link, &queue.topic, self.timeout).await;
                    self.queue_type = now.unwrap_or_default();
                }
                self.link = Some(link);
                answer.number("queueOffset").ok_or_else(|| {
                    let text = format!("{queue}: the broker stored a batch and said not where");
                    Error::new(ErrorKind::Internal, text)
                })
            }
            Err(error) => {
                match error.kind() {
                    ErrorKind::Connect | ErrorKind::Timeout => self.routes.doubt(&queue.broker),
                    _ => self.link = Some(link),
                }
                Err(error)
            }
        }
    }
}
