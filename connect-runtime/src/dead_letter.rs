//! Messages that can never be written, set aside in a topic of their own (G3).
use crate::{connector_config::SinkCommon, task::TaskRun};
use connect_api::{Encoded, Error, Headers, Result};
use connect_transport::{
    EVENT_TIME, KEYS, Message, Page, Publisher, PublisherOptions, Queue, UNIQ_KEY,
};

/// Prefix of the properties that say where a dead letter comes from, as in the Java original.
const PREFIX: &str = "__connect.errors.";
/// Properties that a broker or client gives each message anew.
const OF_THE_BROKER: [&str; 9] = [
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

/// Sends messages to the dead-letter topic as they came, with body, key and properties.
pub(crate) struct DeadLetters {
    publisher: Publisher,
    connector: String,
    task: String,
    with_context: bool,
    encoded: Encoded,
}

impl DeadLetters {
    /// Makes the topic if it is not there.
    pub(crate) async fn open(run: &TaskRun, config: &SinkCommon, topic: &str) -> Result<Self> {
        let context = |e: Error| e.context("dead letters");
        run.transport
            .create_topic(topic, config.dead_letter_queues)
            .await
            .map_err(context)?;
        let options = PublisherOptions {
            retry_timeout: run.policy.timeout,
            ..PublisherOptions::default()
        };
        let publisher = Publisher::open(&run.transport, topic, options, run.stop.clone())
            .await
            .map_err(context)?;
        Ok(Self {
            publisher,
            connector: run.id.connector.to_string(),
            task: run.id.task.to_string(),
            with_context: config.dead_letter_context,
            encoded: Encoded::default(),
        })
    }

    /// Hands a message on; [`flush`](Self::flush) waits until it is stored.
    pub(crate) async fn send(
        &mut self,
        queue: &Queue,
        message: &Message<'_>,
        error: &Error,
    ) -> Result<()> {
        self.encoded.clear();
        let key = message.properties.get(KEYS).unwrap_or_default();
        self.encoded.keys.push(key);
        self.encoded.bodies.push(message.body);
        let mut headers: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in message.properties.iter() {
            let (name, value) = (text(name), text(value));
            if !OF_THE_BROKER.contains(&&*name) {
                headers.push((name, value));
            }
        }
        if self.with_context {
            let context = [
                ("topic", queue.topic.to_string()),
                ("partition", queue.id.to_string()),
                ("offset", message.offset.to_string()),
                ("connector.name", self.connector.clone()),
                ("task.id", self.task.clone()),
                ("class.name", error.kind().name().to_owned()),
                ("exception.message", error.report()),
            ];
            for (name, value) in context {
                headers.push((format!("{PREFIX}{name}").into(), text(value.as_bytes())));
            }
        }
        let headers = [Some(Headers::from(headers))];
        let time = message.properties.get(EVENT_TIME);
        let time = time.and_then(|t| std::str::from_utf8(t).ok()?.parse().ok());
        let times = [time.unwrap_or(message.born)];
        let page = Page::new(&self.encoded)
            .with_headers(&headers)
            .with_times(&times);
        self.publisher.send(page).await?;
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

/// Text of a property; separators and other control characters become blanks.
fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes)
        .replace(|c: char| c.is_control(), " ")
        .into()
}
