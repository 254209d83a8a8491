//! Topics that keep batches whole (RIP-26), as brokers have them.
use super::{RocketMq, error_codes::code, link::Link, request::Request};
use crate::QueueType;
use connect_api::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};
use tracing::debug;

/// The attribute of a topic that says how its queues are kept (`TopicAttributes.java`).
const QUEUE_TYPE: &str = "queue.type";
const BATCH: &str = "BatchCQ";
/// A store that has no such queues: it would give a batch a single offset.
const ROCKSDB: &str = "defaultRocksDB";

#[derive(Deserialize)]
struct TopicConfig {
    #[serde(default)]
    attributes: Option<HashMap<String, String>>,
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

impl RocketMq {
    /// Whether every broker can have topics of this type.
    ///
    /// # Errors
    /// `Unsupported`: one cannot. Else as [`Link::ask`].
    pub(super) async fn check_queue_type_at_brokers(&self, queue_type: QueueType) -> Result<()> {
        if queue_type == QueueType::Simple {
            return Ok(());
        }
        let subject = "settings of the broker";
        for (name, address) in self.routes.masters().await? {
            let link = self.routes.links.to(&address)?;
            let answer = link
                .ask(&subject, Request::broker_config(), self.timeout())
                .await?;
            if answer.code != code::SUCCESS {
                let remark = answer.remark();
                debug!(
                    broker = &*name,
                    remark, "the type of its store is not known"
                );
                continue;
            }
            let body = answer.into_body();
            let store = property(&String::from_utf8_lossy(&body), "storeType").map(str::to_owned);
            if store.is_some_and(|store| store.eq_ignore_ascii_case(ROCKSDB)) {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "broker {name:?} at {address} has storeType={ROCKSDB}, which has no topics \
                         that keep batches whole; set topic.queue.type=simple"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The value of `name` among the properties of a broker.
pub(super) fn property<'a>(properties: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = properties.lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim()))
}
