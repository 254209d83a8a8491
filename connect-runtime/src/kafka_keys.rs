//! Keys of Kafka Connect, its JDBC sources and Debezium that are refused, and what to use instead:
//! the one place that errors and documentation come from.
use connect_api::Direction;

struct Refused {
    /// The key; one that ends in `*` stands for all that begin so.
    key: &'static str,
    instead: &'static str,
}

const fn key(key: &'static str, instead: &'static str) -> Refused {
    Refused { key, instead }
}

const ONCE: &str =
    "messages are delivered at least once; a sink with insert.mode=upsert writes each row once";
const MASKS: &str =
    "use column.mask.hash, column.mask.constant, column.mask.truncate or column.mask.null";
const TOPICS: &str = "topics have topic.queue.nums and topic.queue.type";

/// Of sources, by key.
const OF_SOURCES: [Refused; 32] = [
    key(
        "column.mask.hash.*",
        "use column.mask.hash with column.mask.hash.salt",
    ),
    key("column.mask.with.*", MASKS),
    key("column.truncate.to.*", MASKS),
    key("database.*", "use the keys that begin with connection."),
    key(
        "date.calendar.system",
        "dates are always of the proleptic Gregorian calendar",
    ),
    key(
        "decimal.handling.mode",
        "decimals keep every digit; value.converter.decimal.format says how JSON writes them",
    ),
    key(
        "engine.shutdown.timeout",
        "set maxStopTimeoutMills of the worker",
    ),
    key("exactly.once.support", ONCE),
    key(
        "header.converter",
        "messages have properties: set message.properties and message.tag",
    ),
    key(
        "incrementing.column.mapping",
        "set incrementing.column.name per table: tables.<table>.incrementing.column.name",
    ),
    key(
        "jdbc.credentials.provider.*",
        "set connection.password to ${file:path} or ${env:NAME}",
    ),
    key(
        "max.buffer.size",
        "one page is read at a time (batch.max.rows, batch.max.bytes); producer.in.flight.bytes limits \
         what is sent and not acknowledged",
    ),
    key(
        "offsets.storage.topic",
        "positions are in files of storePathRootDir of the worker",
    ),
    key("poll.linger.ms", "rows are sent as soon as they are read"),
    key(
        "predicates",
        "there are no transforms; use where, queries and the column keys",
    ),
    key(
        "predicates.*",
        "there are no transforms; use where, queries and the column keys",
    ),
    key(
        "query.masked",
        "use query, or queries: statements are never logged",
    ),
    key(
        "query.retry.attempts",
        "errors that may pass are retried for errors.retry.timeout",
    ),
    key(
        "skipped.operations",
        "use where, and leave out delete.column.name to send no deletes",
    ),
    key(
        "table.monitoring.startup.polling.limit.ms",
        "tables are listed before the first row is read, however long that takes; \
         errors.retry.timeout limits retries",
    ),
    key(
        "table.names.qualify",
        "use topic.name.format, such as ${schema}-${table}",
    ),
    key(
        "time.precision.mode",
        "times keep every microsecond; value.converter.interop says how JSON writes them",
    ),
    key(
        "timestamp.columns.mapping",
        "set timestamp.column.name per table: tables.<table>.timestamp.column.name",
    ),
    key(
        "timestamp.fields.list",
        "times keep every microsecond; value.converter.interop says how JSON writes them",
    ),
    key(
        "timestamp.granularity",
        "times keep every microsecond; value.converter.interop says how JSON writes them",
    ),
    key(
        "timestamp.precision.mode",
        "times keep every microsecond; value.converter.interop says how JSON writes them",
    ),
    key(
        "tombstones.on.delete",
        "a delete is one message: its key, without a body",
    ),
    key("topic.creation.*", TOPICS),
    key(
        "topic.naming.strategy",
        "use topic.prefix, topic.name.format or topic.map",
    ),
    key("transaction.boundary", ONCE),
    key("transaction.boundary.interval.ms", ONCE),
    key(
        "transaction.isolation.mode",
        "each page is one statement, which sees committed rows; set connection.session for another \
         isolation level of the session",
    ),
];

/// What to use instead of a key that is unknown here.
pub(crate) fn instead(direction: Direction, given: &str) -> Option<&'static str> {
    let refused: &[Refused] = match direction {
        Direction::Source => &OF_SOURCES,
        Direction::Sink => &[],
    };
    let is_meant = |refused: &&Refused| match refused.key.strip_suffix('*') {
        Some(prefix) => given.starts_with(prefix),
        None => refused.key == given,
    };
    let found = refused.iter().find(is_meant);
    found.map(|refused| refused.instead)
}

/// The keys of other sources that are refused, as a table in Markdown.
pub fn refused_keys() -> String {
    let mut table = String::from("| key | use instead |\n|---|---|\n");
    for refused in &OF_SOURCES {
        table.push_str(&format!("| `{}` | {} |\n", refused.key, refused.instead));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_the_refused_keys() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/jdbc-source.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(
            page.contains(&refused_keys()),
            "it has to be:\n{}",
            refused_keys()
        );
    }

    #[test]
    fn each_key_is_listed_once_in_order() {
        let keys: Vec<_> = OF_SOURCES.iter().map(|refused| refused.key).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(keys, sorted);
    }
}
