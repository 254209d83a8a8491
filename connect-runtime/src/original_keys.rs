//! Keys of the Java original that mean nothing here, and why: the one place that notes and
//! documentation come from. Its files can be used as they are.
use connect_api::config::{Definition, Settings};

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Worker,
    Connector,
    Source,
    Sink,
}

struct Original {
    of: Of,
    /// The key; one that ends in `*` stands for all that begin so.
    key: &'static str,
    /// The values that mean nothing; all where it is empty.
    values: &'static [&'static str],
    why: &'static str,
}

const fn key(of: Of, key: &'static str, why: &'static str) -> Original {
    Original {
        of,
        key,
        values: &[],
        why,
    }
}

const STORED: &str = "positions are in files of storePathRootDir, offsets in the broker";
const PERSISTED: &str = "offsetCommitIntervalMsConfig says how often positions are stored";
const GROUPS: &str = "groups are named by connector";
const ONE_WORKER: &str = "there is one worker";
const TOPIC: &str = "records always go through a topic";
const BY_RUNTIME: &str = "tasks are numbered by the worker";
const PULLS: &str = "queues are pulled as fast as the sink writes";

/// All of them, by place and key.
const ORIGINAL: [Original; 55] = [
    key(Of::Worker, "adminExtGroup", "clients are named by workerId"),
    key(Of::Worker, "allocTaskStrategy", ONE_WORKER),
    key(
        Of::Worker,
        "autoCreateGroupEnable",
        "groups are always created",
    ),
    key(
        Of::Worker,
        "autoCreateTopicEnable",
        "topics are always created",
    ),
    key(
        Of::Worker,
        "brokerSuspendMaxTimeMillis",
        "pulls wait as long as the broker lets them",
    ),
    key(Of::Worker, "clusterManagementService", ONE_WORKER),
    key(
        Of::Worker,
        "clusterName",
        "it had no effect in the original either",
    ),
    key(Of::Worker, "clusterStoreTopic", ONE_WORKER),
    key(
        Of::Worker,
        "configManagementService",
        "connectors are files",
    ),
    key(Of::Worker, "configPersistInterval", "connectors are files"),
    key(Of::Worker, "configStoreTopic", "connectors are files"),
    key(Of::Worker, "connectClusterId", ONE_WORKER),
    key(
        Of::Worker,
        "connectStatusTopic",
        "states of tasks are in the log and the summary",
    ),
    key(Of::Worker, "httpPort", "this version serves no REST"),
    key(Of::Worker, "maxMessageSize", "the broker's limit holds"),
    key(
        Of::Worker,
        "maxStartTimeoutMills",
        "errors.retry.timeout of a connector says it",
    ),
    key(
        Of::Worker,
        "metricsConfigPath",
        "this version has no metrics",
    ),
    key(
        Of::Worker,
        "offsetCommitTimeoutMsConfig",
        "operationTimeout holds",
    ),
    key(Of::Worker, "offsetPersistInterval", PERSISTED),
    key(Of::Worker, "offsetStoreTopic", STORED),
    key(
        Of::Worker,
        "openLogMetricReporter",
        "this version has no metrics",
    ),
    key(Of::Worker, "pluginPaths", "connectors are compiled in"),
    key(Of::Worker, "positionManagementService", STORED),
    key(Of::Worker, "positionPersistInterval", PERSISTED),
    key(Of::Worker, "positionStoreTopic", STORED),
    key(Of::Worker, "rmqConsumerGroup", GROUPS),
    key(Of::Worker, "rmqMaxConsumeThreadNums", PULLS),
    key(
        Of::Worker,
        "rmqMaxRedeliveryTimes",
        "a message is retried until it is written or sent to the dead letter queue",
    ),
    key(Of::Worker, "rmqMessageConsumeTimeout", PULLS),
    key(Of::Worker, "rmqMinConsumeThreadNums", PULLS),
    key(Of::Worker, "rmqProducerGroup", GROUPS),
    key(
        Of::Worker,
        "stateManagementService",
        "states of tasks are in the log and the summary",
    ),
    key(
        Of::Worker,
        "statePersistInterval",
        "states of tasks are in the log and the summary",
    ),
    key(Of::Connector, "connector.direct.enable", TOPIC),
    key(Of::Connector, "connector.id", BY_RUNTIME),
    key(
        Of::Connector,
        "errors.deadletterqueue.read.queue.nums",
        "topics are read by all their queues",
    ),
    key(
        Of::Connector,
        "errors.log.enable",
        "errors are always logged",
    ),
    key(
        Of::Connector,
        "errors.log.include.messages",
        "messages are never logged",
    ),
    key(
        Of::Connector,
        "ordering.msg.enable",
        "rows of one key always keep their order",
    ),
    key(Of::Connector, "sink.task.class", TOPIC),
    key(Of::Connector, "source.task.class", TOPIC),
    key(
        Of::Connector,
        "task.class",
        "it follows from connector.class",
    ),
    key(Of::Connector, "task.id", BY_RUNTIME),
    key(Of::Connector, "task.type", BY_RUNTIME),
    key(
        Of::Connector,
        "quote.sql.identifiers",
        "identifiers are always quoted, so names stand as the database has them",
    ),
    Original {
        of: Of::Connector,
        key: "numeric.mapping",
        values: &[
            "none",
            "precision_only",
            "best_fit",
            "best_fit_eager_double",
        ],
        why: EVERY_DIGIT,
    },
    key(Of::Connector, "numeric.precision.mapping", EVERY_DIGIT),
    key(
        Of::Source,
        "errors.deadletterqueue.*",
        "a source has no messages for a dead letter queue",
    ),
    key(
        Of::Source,
        "sql.quote.identifiers",
        "identifiers are always quoted, so names stand as the database has them",
    ),
    Original {
        of: Of::Source,
        key: "tables.fetched",
        values: &["true", "false"],
        why: "tasks are given their tables by the worker",
    },
    Original {
        of: Of::Source,
        key: "date.calendar.system",
        values: &["PROLEPTIC_GREGORIAN"],
        why: "dates are always of this calendar",
    },
    Original {
        of: Of::Source,
        key: "timestamp.granularity",
        values: &["connect_logical"],
        why: "times keep every microsecond",
    },
    Original {
        of: Of::Source,
        key: "transaction.isolation.mode",
        values: &["DEFAULT"],
        why: "it is the level of the session",
    },
    key(
        Of::Source,
        "tables",
        "tasks are given their tables by the worker",
    ),
    key(
        Of::Sink,
        "table.types",
        "a table is taken by its name, whatever its kind",
    ),
];

const EVERY_DIGIT: &str = "decimals travel with every digit; the target's column says the rest";

/// Takes the keys without meaning out of a worker's settings; a note for each.
pub(crate) fn of_worker(settings: &mut Settings, declared: &Definition) -> Vec<String> {
    take(&[Of::Worker], settings, &[declared])
}

/// Takes the keys without meaning out of the settings of a source, without those that it
/// declares itself; a note for each.
pub(crate) fn of_source(settings: &mut Settings, declared: &[&Definition]) -> Vec<String> {
    take(&[Of::Connector, Of::Source], settings, declared)
}

/// Takes the keys without meaning out of the settings of a sink, without those that it declares
/// itself; a note for each.
pub(crate) fn of_sink(settings: &mut Settings, declared: &[&Definition]) -> Vec<String> {
    take(&[Of::Connector, Of::Sink], settings, declared)
}

/// How the original names the table of a row, where a file written for its class does not say it.
pub(crate) fn table_of_class(
    class: &str,
    settings: &Settings,
    declared: &Definition,
) -> Option<String> {
    const FORMAT: &str = "table.name.format";
    const HEADER: &str = "table.name.from.header";
    let of_original = class.starts_with("org.apache.rocketmq.") && declared.key(FORMAT).is_some();
    let says = settings.get(FORMAT).is_some() || settings.get(HEADER).is_some();
    (of_original && !says).then(|| {
        format!(
            "the original names the table of a row by the schema in its body: set \
             {FORMAT}=${{schema.name}} for that; left out, a row goes to the table named as its topic"
        )
    })
}

fn take(places: &[Of], settings: &mut Settings, declared: &[&Definition]) -> Vec<String> {
    let mut notes = Vec::new();
    for original in ORIGINAL.iter().filter(|o| places.contains(&o.of)) {
        let found = settings.iter().filter(|(key, value)| {
            let named = match original.key.strip_suffix('*') {
                Some(prefix) => key.starts_with(prefix),
                None => *key == original.key,
            };
            let known = declared.iter().any(|d| d.key(key).is_some());
            let mut values = original.values.iter();
            let means_nothing = match original.values {
                [] => !known,
                _ => values.any(|v| v.eq_ignore_ascii_case(value)),
            };
            named && means_nothing
        });
        let found: Vec<String> = found.map(|(key, _)| key.to_owned()).collect();
        for key in found {
            settings.remove(&key);
            notes.push(format!("`{key}` has no effect here: {}", original.why));
        }
    }
    notes
}

/// The keys of the Java original without meaning here, as a table in Markdown.
pub fn original_keys() -> String {
    let mut table = String::from("| key | of | why |\n|---|---|---|\n");
    for original in &ORIGINAL {
        let of = match original.of {
            Of::Worker => "worker",
            Of::Connector => "connectors",
            Of::Source => "sources",
            Of::Sink => "sinks",
        };
        let values = match original.values {
            [] => String::new(),
            values => format!(" = {}", values.join(", ")),
        };
        table.push_str(&format!(
            "| `{}`{values} | {of} | {} |\n",
            original.key, original.why
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SinkCommon, WorkerConfig};
    use connect_api::config::Config as _;

    #[test]
    fn what_is_declared_is_not_taken_as_a_key_without_meaning() {
        let mut settings = Settings::from_iter([
            ("httpPort", "8082"),
            ("workerId", "w"),
            ("statePersistInterval", "1"),
        ]);
        let notes = of_worker(&mut settings, WorkerConfig::definition());
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(
            notes[0].starts_with("`httpPort` has no effect here: "),
            "{notes:?}"
        );
        assert_eq!(settings.keys().collect::<Vec<_>>(), ["workerId"]);
    }

    #[test]
    fn only_the_values_of_the_original_mean_nothing() {
        for (value, notes) in [("BEST_FIT", 1), ("decimal(10,2)", 0)] {
            let mut settings = Settings::from_iter([("numeric.mapping", value)]);
            let found = of_sink(&mut settings, &[SinkCommon::definition()]);
            assert_eq!(found.len(), notes, "{found:?}");
        }
    }

    #[test]
    fn each_key_is_listed_once_and_none_is_a_key_of_this_program() {
        for (i, original) in ORIGINAL.iter().enumerate() {
            let same = |o: &&Original| o.of == original.of && o.key == original.key;
            assert_eq!(ORIGINAL[..i].iter().find(same).map(|o| o.key), None);
            if original.of == Of::Worker {
                assert!(WorkerConfig::definition().key(original.key).is_none());
            }
        }
    }
}
