//! The dead letter queue: a topic for messages that cannot be written (G3).
use crate::{connector_config::SinkCommon, task::TaskRun};
use connect_api::{Encoded, Error, ErrorKind, Headers, Result};
use connect_transport::{
    EVENT_TIME, KEYS, MAX_PROPERTIES, Message, Page, Properties, Publisher, PublisherOptions,
    Queue, QueueType, UNIQ_KEY,
};

/// Prefix of the context properties of a dead letter, as in the Java original.
pub(crate) const PREFIX: &str = "__connect.errors.";
/// Properties that the broker or client sets on each message.
const BROKER_PROPERTIES: [&str; 9] = [
    UNIQ_KEY,
    KEYS,
    EVENT_TIME,
    "WAIT",
    "CLUSTER",
    "MSG_REGION",
    "TRACE_ON",
    "MIN_OFFSET",
    "MAX_OFFSET",
];

/// Maximum length of a reason in bytes: it may contain field names as long as a message.
const MAX_REASON_BYTES: usize = 1024;
/// Bytes reserved for properties that the broker and its tools add.
const RESERVED_PROPERTIES: usize = 1024;

/// Sends messages to the dead letter queue unchanged, with body, key and properties.
///
/// With the context properties, a message may exceed the broker's size limit. A body that is too long
/// is divided into several dead letters, each with its part number and the offset of the message.
/// If the properties are too long, the longest of the message's own are omitted, and a property
/// gives their number.
pub(crate) struct DeadLetters {
    publisher: Publisher,
    connector: String,
    task: String,
    with_context: bool,
    max_body: usize,
    encoded: Encoded,
}

impl DeadLetters {
    /// Creates the topic if it does not exist.
    pub(crate) async fn open(run: &TaskRun, config: &SinkCommon, topic: &str) -> Result<Self> {
        let context = |e: Error| e.context("dead letters");
        run.transport
            .create_topic(topic, config.dead_letter_queues, QueueType::Simple)
            .await
            .map_err(context)?;
        let options = PublisherOptions {
            retry_timeout: run.policy.timeout,
            ..PublisherOptions::default()
        };
        let max_body = options.max_message_bytes;
        let publisher = Publisher::open(&run.transport, topic, options, run.stop.clone())
            .await
            .map_err(context)?;
        Ok(Self {
            publisher,
            connector: run.id.connector.to_string(),
            task: run.id.task.to_string(),
            with_context: config.dead_letter_context,
            max_body,
            encoded: Encoded::default(),
        })
    }

    /// Sends a message; [`flush`](Self::flush) waits until it is stored.
    pub(crate) async fn send(
        &mut self,
        queue: &Queue,
        message: &Message<'_>,
        reason: &str,
    ) -> Result<()> {
        let parts = message.body.len().div_ceil(self.max_body).max(1);
        let key = message.properties.get(KEYS).unwrap_or_default();
        let time = message.properties.get(EVENT_TIME);
        let time = time.and_then(|t| std::str::from_utf8(t).ok()?.parse().ok());
        let times = [time.unwrap_or(message.born)];
        for part in 0..parts {
            let whole = parts == 1;
            let mut properties = DeadLetterProperties::default();
            if self.with_context || !whole {
                properties.add("topic", &queue.topic);
                properties.add("partition", &queue.id.to_string());
                properties.add("offset", &message.offset.to_string());
            }
            if self.with_context {
                properties.add("connector.name", &self.connector);
                properties.add("task.id", &self.task);
                properties.add("class.name", ErrorKind::Data.name());
                properties.add("exception.message", reason);
            }
            if !whole {
                properties.add("body.part", &format!("{} of {parts}", part + 1));
            }
            let room = MAX_PROPERTIES - RESERVED_PROPERTIES;
            properties.add_own(message.properties, room.saturating_sub(key.len()));
            let from = part * self.max_body;
            let to = message.body.len().min(from + self.max_body);
            self.encoded.clear();
            self.encoded.keys.push(key);
            self.encoded.bodies.push(&message.body[from..to]);
            let headers = [Some(Headers::from(properties.headers))];
            let page = Page::new(&self.encoded)
                .with_headers(&headers)
                .with_times(&times);
            self.publisher.send(page).await?;
        }
        Ok(())
    }

    /// Waits until every dead letter is stored.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.publisher
            .flush()
            .await
            .map_err(|e| e.context("dead letters"))
    }
}

/// The properties of a dead letter.
#[derive(Default)]
struct DeadLetterProperties {
    headers: Vec<(Box<str>, Box<str>)>,
    bytes: usize,
}

impl DeadLetterProperties {
    fn add(&mut self, name: &str, value: &str) {
        self.push(format!("{PREFIX}{name}").into(), text(value.as_bytes()));
    }

    fn push(&mut self, name: Box<str>, value: Box<str>) {
        // Two bytes separate a property from the next.
        self.bytes += name.len() + value.len() + 2;
        self.headers.push((name, value));
    }

    /// Adds the message's own properties, the shortest first, as far as they fit.
    fn add_own(&mut self, properties: Properties<'_>, room: usize) {
        let own = properties
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        let mut own: Vec<_> = own
            .filter(|(name, _)| !BROKER_PROPERTIES.contains(&&**name))
            .collect();
        let bytes: usize = own.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
        if self.bytes + bytes > room {
            own.sort_by_key(|(name, value)| name.len() + value.len());
            let mut left = room.saturating_sub(self.bytes);
            let kept = own.iter().take_while(|(name, value)| {
                let fits = name.len() + value.len() + 2 <= left;
                left = left.saturating_sub(name.len() + value.len() + 2);
                fits
            });
            let kept = kept.count();
            self.add("properties.left.out", &(own.len() - kept).to_string());
            own.truncate(kept);
        }
        for (name, value) in own {
            self.push(name, value);
        }
    }
}

/// The reason for a dead letter, truncated to the maximum length.
pub(crate) fn reason(error: &Error) -> String {
    let mut reason = error.report();
    if reason.len() > MAX_REASON_BYTES {
        reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
        reason.push('…');
    }
    reason
}

/// Text of a property; separators and other control characters are replaced by spaces.
fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes)
        .replace(|c: char| c.is_control(), " ")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_truncated_at_a_character_boundary() {
        let of = |text: String| reason(&Error::new(ErrorKind::Data, text));
        assert_eq!(of("short".to_owned()), "short");
        for before in 0..4 {
            let cut = of(format!("{}{}", "x".repeat(before), "名".repeat(40_000)));
            assert!(
                cut.len() <= MAX_REASON_BYTES + '…'.len_utf8(),
                "{}",
                cut.len()
            );
            assert!(cut.ends_with("名…"));
        }
    }
}
