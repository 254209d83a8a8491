//! Topics that keep batches whole (RIP-26), as brokers have them.
use super::{
    RocketMq, broker_config::BrokerConfig, error_codes::code, link::Link, request::Request,
};
use crate::QueueType;
use connect_api::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};
use tracing::{debug, warn};

/// The attribute of a topic that says how its queues are kept (`TopicAttributes.java`).
const QUEUE_TYPE: &str = "queue.type";
const BATCH: &str = "BatchCQ";
/// A store without such queues: it finds a batch by its first offset alone, so that a consumer misses
/// what follows a batch (seen with 5.4.0).
const ROCKSDB: &str = "defaultRocksDB";

#[derive(Deserialize)]
struct TopicConfig {
    #[serde(default)]
    attributes: Option<HashMap<String, String>>,
}

/// The attribute with which a topic of this type is created; the default needs none.
pub(super) fn attribute(queue_type: QueueType) -> Option<String> {
    match queue_type {
        QueueType::Simple => None,
        QueueType::Batch => Some(format!("+{QUEUE_TYPE}={BATCH}")),
    }
}

/// How the broker keeps `topic`; `None` where it does not have it, or does not say.
///
/// # Errors
/// As [`Link::ask`].
pub(super) async fn of_topic(
    link: &Link,
    topic: &str,
    timeout: Duration,
) -> Result<Option<QueueType>> {
    let subject = format!("topic {topic:?}");
    let answer = link
        .ask(&subject, Request::topic_settings(topic), timeout)
        .await?;
    if answer.code != code::SUCCESS {
        // Who may write to a topic need not be permitted to read its settings.
        let (broker, remark) = (link.address(), answer.remark());
        debug!(topic, broker, remark, "the type of its queues is not known");
        return Ok(None);
    }
    let config = serde_json::from_slice(&answer.into_body());
    Ok(config.ok().map(|TopicConfig { attributes }| {
        let attributes = attributes.unwrap_or_default();
        match attributes.get(QUEUE_TYPE).map(String::as_str) {
            Some(BATCH) => QueueType::Batch,
            _ => QueueType::Simple,
        }
    }))
}

/// How batches are sent to `topic`: whole where it stores them so, and the broker's store does.
///
/// # Errors
/// As [`Link::ask`].
pub(super) async fn of_lane(link: &Link, topic: &str, timeout: Duration) -> Result<QueueType> {
    let of_topic = of_topic(link, topic, timeout).await?.unwrap_or_default();
    if of_topic == QueueType::Batch && has_rocksdb(link, timeout).await? {
        let broker = link.address();
        warn!(
            topic,
            broker,
            "the topic has queue.type=BatchCQ, but the broker has storeType={ROCKSDB}, whose consumers \
             would miss messages of a batch; its messages are stored one by one"
        );
        return Ok(QueueType::Simple);
    }
    Ok(of_topic)
}

/// Whether the broker says that it has the store without batch topics.
async fn has_rocksdb(link: &Link, timeout: Duration) -> Result<bool> {
    let config = BrokerConfig::read(link, timeout).await?;
    let store = config.as_ref().and_then(|config| config.get("storeType"));
    Ok(store.is_some_and(|store| store.eq_ignore_ascii_case(ROCKSDB)))
}

impl RocketMq {
    /// Whether every broker can have topics of this type.
    ///
    /// # Errors
    /// `Unsupported`: one cannot. Else as [`Link::ask`].
    pub(super) async fn check_queue_type_at_brokers(&self, queue_type: QueueType) -> Result<()> {
        if queue_type == QueueType::Simple {
            return Ok(());
        }
        for (name, address) in self.routes.masters().await? {
            let link = self.routes.links.to(&address)?;
            if has_rocksdb(&link, self.timeout()).await? {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "broker {name:?} at {address} has storeType={ROCKSDB}, which cannot store a \
                         batch as one entry; set topic.queue.type=simple"
                    ),
                ));
            }
        }
        Ok(())
    }
}
