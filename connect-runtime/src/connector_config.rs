//! Settings of a connector that are the runtime's, and the file they come in.
use connect_api::{
    Error, ErrorKind, Result,
    config::{Config as _, Definition, Faults, List, Millis, Settings},
};
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
        /// It goes to the dead-letter topic, and the task goes on.
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
        /// Name of the connector; the file's name without its ending where it is left out.
        "name": name: String, optional, High;
        /// Most tasks that the work is split into.
        "max.tasks": max_tasks: NonZeroU32, default "1", High;
        /// Converter of message bodies: `json` or its Java class; the worker's `valueConverter` where it is left out. Its settings are `value.converter.*`.
        "value.converter": value_converter: String, optional, High;
        /// Converter of message keys: `text`, `json`, `string` or their Java classes; the worker's `keyConverter` where it is left out. Its settings are `key.converter.*`. Keys are read in each of these forms, whatever it says; `string` alone takes them as they stand.
        "key.converter": key_converter: String, optional, Medium;
        /// Longest time that a passing fault (no connection, time-out, overload, deadlock) is tried again before the task fails; -1 for ever, 0 not at all.
        "errors.retry.timeout": retry_timeout: i64, default "-1", Medium;
        /// Longest pause between two tries; pauses double from 300 ms on.
        "errors.retry.delay.max.ms": retry_delay_max: Millis, default "60000", Low;
    }
}

connect_api::settings! {
    /// Settings that every source has.
    pub struct SourceCommon {
        /// Longest message body that is sent, in bytes. Left out: what the brokers say that they take, less 131072 for properties; 4063232 where they do not say. A value beyond the brokers' limit is lowered to it.
        "producer.max.message.bytes": max_message_bytes: NonZeroUsize, optional, Medium;
        /// What happens to a row that cannot be carried (a value that the settings or the converter refuse, a message that is too long): `none` fails the task before it, `all` sends its key and the reason to the dead-letter topic.
        "errors.tolerance": tolerance: Tolerance, default "none", High;
        /// Topic for the keys of rows that cannot be carried; required by `errors.tolerance=all`.
        "errors.deadletterqueue.topic.name": dead_letter_topic: String, optional, High;
        /// Queues of the dead-letter topic, where it is made.
        "errors.deadletterqueue.write.queue.nums": dead_letter_queues: NonZeroU32, default "8", Low;
        /// Queues of topics that are made.
        "topic.queue.nums": queues: NonZeroU32, default "8", Medium;
        /// Most bytes on their way to the broker, not acknowledged yet.
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
        /// Consumer group; `connect-` and the connector's name where it is left out, so that sinks of one name share it. Of those that share a group one reads a queue; the others stand by.
        "task.group.id": group: String, optional, Medium;
        /// Where a group begins that has no offset yet.
        "consume.from.where": from: ConsumeFrom, default "CONSUME_FROM_FIRST_OFFSET", Medium;
        /// Most rows gathered before they are written.
        "consumer.batch.max.rows": batch_rows: NonZeroUsize, default "5000", Medium;
        /// Most bytes of message bodies gathered before they are written.
        "consumer.batch.max.bytes": batch_bytes: NonZeroUsize, default "4194304", Low;
        /// Longest time that rows are gathered before they are written.
        "consumer.linger.ms": linger: Millis, default "20", Medium;
        /// Most times that a passing fault is tried again before the task fails. Left out: as often as `errors.retry.timeout` has time for.
        "max.retries": max_retries: u32, optional, Low;
        /// Pause between two tries. Left out: pauses double from 300 ms on, up to `errors.retry.delay.max.ms`.
        "retry.backoff.ms": retry_backoff: Millis, optional, Low;
        /// What happens to a message that can never be written: `none` fails the task before it, `all` sends it to the dead-letter topic.
        "errors.tolerance": tolerance: Tolerance, default "none", High;
        /// With `errors.tolerance=all`: most messages of a topic in a row that are set aside because the target does not take their schema (an unknown column, another type, a column that must be given). With one more the task fails, as it is no longer the fault of single messages; 0 for no limit.
        "errors.tolerance.mismatches.max": mismatches_max: u64, default "1000", Medium;
        /// How long a row that a foreign key refuses waits for the row that it refers to, or, a delete, for those that refer to it, and is tried again behind the others, before it counts as one that can never be written; 0 not at all. Later rows of its key wait behind it, and the offset of its queue before it.
        "errors.reference.timeout.ms": reference_timeout: Millis, default "60000", Medium;
        /// Topic for messages that can never be written; required by `errors.tolerance=all`.
        "errors.deadletterqueue.topic.name": dead_letter_topic: String, optional, High;
        /// Queues of the dead-letter topic, where it is made.
        "errors.deadletterqueue.write.queue.nums": dead_letter_queues: NonZeroU32, default "8", Low;
        /// Put the place of the message, the task and the error into properties of the dead letter.
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
const ALIASES: [(&str, &str); 2] = [
    ("tasks.max", "max.tasks"),
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
        let settings = crate::file::read(path)?;
        Self::new(name, settings).map_err(|e| e.context(path.display()))
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
