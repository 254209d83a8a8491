//! Settings of a connector that are the runtime's, and the file they come in.
use crate::references::References;
use connect_api::{
    Error, ErrorKind, Result,
    config::{Config as _, Definition, Faults, List, Millis, Settings},
};
use connect_transport::QueueType;
use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
    sync::Arc,
};

connect_api::choice! {
    /// What happens to a message that can never be written.
    pub enum Tolerance {
        /// The task fails before it.
        None = "none",
        /// It goes to the dead letter queue, and the task continues.
        All = "all",
    }
}

connect_api::choice! {
    /// Where a group begins that has no offset yet.
    pub enum ConsumeFrom {
        /// With messages that come from now on.
        Last = "CONSUME_FROM_LAST_OFFSET",
        /// With the oldest message that is there.
        First = "CONSUME_FROM_FIRST_OFFSET",
    }
}

connect_api::settings! {
    /// Settings that every connector has.
    pub struct CommonConfig {
        /// Short name of the connector, or its Java class.
        "connector.class": class: String, required, High;
        /// Name of the connector. Default: the name of the file without its extension.
        "name": name: String, optional, High;
        /// Maximum number of tasks. `tasks.max` is accepted as well.
        "max.tasks": max_tasks: NonZeroU32, default "1", High;
        /// Converter of message bodies: `json` or its Java class. Default: the worker's
        /// `valueConverter`. Its settings have the prefix `value.converter.`.
        "value.converter": value_converter: String, optional, High;
        /// Converter of message keys: `text`, `json`, `string` or their Java classes. Default: the
        /// worker's `keyConverter`. Its settings have the prefix `key.converter.`. Any of these
        /// forms is recognized when keys are read; only `string` takes keys literally.
        "key.converter": key_converter: String, optional, Medium;
        /// How long a transient error (lost connection, timeout, overload, deadlock) is retried
        /// before the task fails, in milliseconds; -1: no limit, 0: no retries.
        "errors.retry.timeout": retry_timeout: i64, default "-1", Medium;
        /// Maximum delay between two retries. Delays grow exponentially from 300 ms, with jitter.
        "errors.retry.delay.max.ms": retry_delay_max: Millis, default "5000", Low;
    }
}

connect_api::settings! {
    /// Settings that every source has.
    pub struct SourceCommon {
        /// Maximum size of a message body in bytes. Default: the limit of the brokers, less 131072
        /// for properties; 4063232 if the brokers do not report it. A value above the brokers'
        /// limit is reduced to it.
        "producer.max.message.bytes": max_message_bytes: NonZeroUsize, optional, Medium;
        /// What happens to a row that cannot be converted (a value that the settings or the
        /// converter reject, a message that is too long): `none`: the task fails before it; `all`:
        /// its key and the reason go to the dead letter queue, and the task continues.
        "errors.tolerance": tolerance: Tolerance, default "none", High;
        /// Topic of the dead letter queue, for the keys of rows that cannot be converted. Required
        /// by `errors.tolerance=all`.
        "errors.deadletterqueue.topic.name": dead_letter_topic: String, optional, High;
        /// Number of queues of the dead letter topic, if it is created.
        "errors.deadletterqueue.write.queue.nums": dead_letter_queues: NonZeroU32, default "8", Low;
        /// Number of queues of topics that are created.
        "topic.queue.nums": queues: NonZeroU32, default "8", Medium;
        /// How topics that the source creates store batches: `simple` stores and indexes every message by itself; `batch` stores a batch as one entry (RIP-26, RocketMQ 5), which saves CPU time of the broker and needs RocketMQ 5 clients: docs/batch-topics.md lists what works. Existing topics are written by their own type.
        "topic.queue.type": queue_type: QueueType, default "simple", Medium;
        /// Maximum bytes of messages in flight, sent but not acknowledged.
        "producer.in.flight.bytes": in_flight_bytes: NonZeroUsize, default "16777216", Low;
    }
    check check_source
}

fn check_source(config: &SourceCommon, faults: &mut Faults) {
    check_dead_letters(
        config.tolerance,
        config.dead_letter_topic.as_deref(),
        faults,
    );
}

connect_api::settings! {
    /// Settings that every sink has.
    pub struct SinkCommon {
        /// Topics to read, separated by semicolons or commas.
        "connect.topicnames": topics: List, required, High;
        /// Consumer group. Default: `connect-` and the name of the connector, so that sinks with
        /// the same name share it. In a group, each queue is read by one member; the others are on
        /// standby.
        "task.group.id": group: String, optional, Medium;
        /// Where a consumer group without committed offsets starts.
        "consume.from.where": from: ConsumeFrom, default "CONSUME_FROM_FIRST_OFFSET", Medium;
        /// Maximum number of rows in a batch.
        "consumer.batch.max.rows": batch_rows: NonZeroUsize, default "5000", Medium;
        /// Maximum bytes of message bodies in a batch.
        "consumer.batch.max.bytes": batch_bytes: NonZeroUsize, default "4194304", Low;
        /// Maximum time to fill a batch before it is written.
        "consumer.linger.ms": linger: Millis, default "20", Medium;
        /// Maximum number of retries of a transient error before the task fails. Default: as many
        /// as fit into `errors.retry.timeout`.
        "max.retries": max_retries: u32, optional, Low;
        /// Delay between two retries. Default: exponential backoff from 300 ms up to
        /// `errors.retry.delay.max.ms`.
        "retry.backoff.ms": retry_backoff: Millis, optional, Low;
        /// What happens to a message that cannot be written: `none`: the task fails before it;
        /// `all`: it goes to the dead letter queue, and the task continues.
        "errors.tolerance": tolerance: Tolerance, default "none", High;
        /// With `errors.tolerance=all`: maximum number of consecutive messages of a topic that go
        /// to the dead letter queue because their schema does not match the target (an unknown
        /// column, another type, a missing required column). One more fails the task, because the
        /// target is at fault and not single messages. 0: no limit.
        "errors.tolerance.mismatches.max": mismatches_max: u64, default "1000", Medium;
        /// How long a row that violates a foreign key is retried, while the row that it refers to
        /// (or, for a delete, the rows that refer to it) may still arrive, before it counts as a
        /// row that cannot be written; 0: no retries. Later rows with the same key are deferred
        /// behind it, and the committed offset of its queue stays before it.
        "errors.reference.timeout.ms": reference_timeout: Millis, default "60000", Medium;
        /// Topic of the dead letter queue. Required by `errors.tolerance=all`.
        "errors.deadletterqueue.topic.name": dead_letter_topic: String, optional, High;
        /// Number of queues of the dead letter topic, if it is created.
        "errors.deadletterqueue.write.queue.nums": dead_letter_queues: NonZeroU32, default "8", Low;
        /// Add topic, queue and offset of the message, the task and the error to the properties of
        /// a dead letter.
        "errors.deadletterqueue.context.properties.enable": dead_letter_context: bool, default "false", Medium;
    }
    check check_sink
}

fn check_sink(config: &SinkCommon, faults: &mut Faults) {
    if config.topics.0.is_empty() {
        faults.at("connect.topicnames", "names no topic");
    }
    let topic = config.dead_letter_topic.as_deref();
    check_dead_letters(config.tolerance, topic, faults);
    if config.tolerance == Tolerance::All
        && topic.is_some_and(|topic| config.topics.0.iter().any(|read| read == topic))
    {
        faults.at(
            "errors.deadletterqueue.topic.name",
            "is one of connect.topicnames: dead letters would come back",
        );
    }
}

fn check_dead_letters(tolerance: Tolerance, topic: Option<&str>, faults: &mut Faults) {
    match (tolerance, topic) {
        // G3: there is no way to drop a message.
        (Tolerance::All, None) => faults.at(
            "errors.deadletterqueue.topic.name",
            "is required by errors.tolerance=all: what cannot be converted goes to the dead letter queue and is never dropped",
        ),
        (Tolerance::All, Some(_)) | (Tolerance::None, _) => {}
    }
}

impl SinkCommon {
    /// Settings that have no effect beside the others: the Java original takes them without a
    /// word.
    pub(crate) fn idle(&self) -> Vec<String> {
        let unused = self.tolerance == Tolerance::None && self.dead_letter_topic.is_some();
        let note = "`errors.deadletterqueue.topic.name` has no effect while errors.tolerance is \
                    none; set it to all";
        unused.then(|| note.to_owned()).into_iter().collect()
    }
}

/// Other accepted names of keys: Kafka Connect's, and those of earlier versions.
const ALIASES: [(&str, &str); 3] = [
    ("tasks.max", "max.tasks"),
    ("timestamp.initial.ms", "timestamp.initial"),
    (
        "errors.tolerance.misfits.max",
        "errors.tolerance.mismatches.max",
    ),
];

/// A connector's settings, split by component.
#[derive(Debug, Clone)]
pub struct ConnectorConfig {
    /// Name.
    pub name: Arc<str>,
    /// Those that every connector has.
    pub common: CommonConfig,
    /// Settings of the converter, without their prefix.
    pub converter: Settings,
    /// Settings of the converter of keys, without their prefix.
    pub key_converter: Settings,
    /// All others: the runtime's for its direction, and the connector's own.
    pub rest: Settings,
    /// Those whose values are read again.
    pub(crate) references: References,
}

impl ConnectorConfig {
    /// Reads a connector file: JSON as the Java original takes it, or TOML.
    ///
    /// # Errors
    /// `Config`: the file cannot be read, or common settings are at fault.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        let (raw, settings) = crate::file::read_with_raw(path)?;
        let references = References::among(&raw, &settings);
        let config = Self::new(name, settings).map_err(|e| e.context(path.display()))?;
        Ok(Self {
            references,
            ..config
        })
    }

    /// Takes settings apart; `name` is used where they hold none.
    ///
    /// # Errors
    /// `Config`: common settings are at fault, or the name is empty.
    pub fn new(name: &str, mut settings: Settings) -> Result<Self> {
        for (alias, key) in ALIASES {
            if let Some(value) = settings.remove(alias) {
                settings.set(key, value);
            }
        }
        let own = settings.split_declared(CommonConfig::definition());
        let common = CommonConfig::from_settings(&own)?;
        let converter = settings.split_off("value.converter.");
        let key_converter = settings.split_off("key.converter.");
        let name = common.name.clone().unwrap_or_else(|| name.to_owned());
        if name.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                "`name`: the connector has none",
            ));
        }
        Ok(Self {
            name: name.into(),
            common,
            converter,
            key_converter,
            rest: settings,
            references: References::default(),
        })
    }

    /// Splits the settings declared for a direction from the connector's own; a key that both
    /// declare goes to both.
    pub(crate) fn split(
        &self,
        definition: &Definition,
        connector: &Definition,
    ) -> (Settings, Settings) {
        let mut own = self.rest.clone();
        let declared = own.split_declared(definition);
        for (key, value) in declared.iter() {
            if connector.key(key).is_some() {
                own.set(key, value);
            }
        }
        (declared, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_is_named_by_its_file_unless_it_names_itself() {
        let settings = || Settings::from_iter([("connector.class", "x"), ("tasks.max", "3")]);
        let config = ConnectorConfig::new("orders", settings()).unwrap();
        assert_eq!(&*config.name, "orders");
        assert_eq!(config.common.max_tasks.get(), 3);
        let mut named = settings();
        named.set("name", "other");
        assert_eq!(
            &*ConnectorConfig::new("orders", named).unwrap().name,
            "other"
        );
    }

    #[test]
    fn the_former_name_of_the_limit_of_mismatches_is_accepted() {
        for key in [
            "errors.tolerance.mismatches.max",
            "errors.tolerance.misfits.max",
        ] {
            let pairs = [
                ("connector.class", "x"),
                ("connect.topicnames", "t"),
                (key, "7"),
            ];
            let config = ConnectorConfig::new("orders", Settings::from_iter(pairs)).unwrap();
            let sink = SinkCommon::from_settings(&config.rest).unwrap();
            assert_eq!(sink.mismatches_max, 7, "{key}");
        }
    }

    #[test]
    fn messages_cannot_be_dropped_by_configuration() {
        let of = |pairs: &[(&str, &str)]| {
            let settings = Settings::from_iter(pairs.iter().copied());
            SinkCommon::from_settings(&settings)
        };
        let topic = ("connect.topicnames", "t");
        let faults = of(&[topic, ("errors.tolerance", "all")]).unwrap_err();
        assert!(faults.to_string().contains("never dropped"), "{faults}");
        let dead = ("errors.deadletterqueue.topic.name", "t");
        let faults = of(&[topic, ("errors.tolerance", "all"), dead]).unwrap_err();
        assert!(faults.to_string().contains("would come back"), "{faults}");
        let idle = of(&[topic, ("errors.deadletterqueue.topic.name", "d")])
            .unwrap()
            .idle();
        assert!(idle[0].contains("has no effect"), "{idle:?}");
    }
}
