//! Rows and keys that can be too long for a message, by the lengths that their columns are declared with.
use crate::message_limit::MessageLimit;
use connect_api::{Kind, LENGTH, Schema, VENDOR, VENDOR_TYPE};
use connect_transport::MAX_PROPERTIES;

/// A number, a time, or the name of a column in JSON takes no more, with what surrounds it.
const SMALL: u64 = 64;
/// The longest key, which is a property among others.
const MAX_KEY: u64 = MAX_PROPERTIES as u64 - 4096;

/// What is to be done about long rows.
const ADVICE: &str = "such a row is an error: raise maxMessageSize of the brokers (and \
                      producer.max.message.bytes, if it is set), leave such columns out \
                      (column.exclude.list) or cut them (column.mask.truncate), or keep such rows in the \
                      dead letter queue (errors.tolerance=all)";

/// The longest value of a type that MySQL and MariaDB call so.
fn longest_of_mysql(vendor_type: &str) -> Option<u64> {
    Some(match vendor_type {
        "tinytext" | "tinyblob" => 255,
        "text" | "blob" => 65_535,
        "mediumtext" | "mediumblob" => 16_777_215,
        _ => return None,
    })
}

/// The longest value of a column; `None` where it has no limit, or one that is never reached.
fn longest(kind: &Kind, schema: &Schema, column: usize) -> Option<u64> {
    match kind {
        Kind::Text | Kind::Json | Kind::Bytes => {
            let metadata = schema.columns().field(column).metadata();
            if let Some(length) = metadata.get(LENGTH) {
                return length.parse().ok();
            }
            match metadata.get(VENDOR)?.as_str() {
                "mysql" | "mariadb" => longest_of_mysql(metadata.get(VENDOR_TYPE)?),
                _ => None,
            }
        }
        Kind::List(_) | Kind::Struct(_) | Kind::Map(_) | Kind::BigDecimal | Kind::Other(_) => None,
        Kind::Bool
        | Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::UInt8
        | Kind::UInt16
        | Kind::UInt32
        | Kind::UInt64
        | Kind::Float32
        | Kind::Float64
        | Kind::Decimal { .. }
        | Kind::WideDecimal { .. }
        | Kind::Uuid
        | Kind::Date
        | Kind::Time
        | Kind::TimeNanos
        | Kind::Duration
        | Kind::Timestamp { .. }
        | Kind::OffsetTimestamp
        | Kind::Interval => Some(SMALL),
    }
}

/// Notes of declared lengths that rows and keys of a schema can reach, and messages cannot hold.
pub(crate) fn notes(schema: &Schema, limit: MessageLimit) -> Vec<String> {
    let limit = limit.bytes() as u64;
    let columns = schema.kinds().iter().enumerate();
    let columns: Vec<(usize, u64)> = columns
        .filter_map(|(i, kind)| Some((i, longest(kind, schema, i)?)))
        .collect();
    let sum = |columns: &[(usize, u64)]| columns.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let name = |column: usize| format!("`{}`", schema.columns().field(column).name());
    let mut notes = Vec::new();
    let whole = sum(&columns);
    if whole > limit {
        let mut long = columns.clone();
        long.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        // The fewest columns without which the others fit.
        let mut rest = whole;
        let causes = long.iter().take_while(|(_, bytes)| {
            let more = rest > limit;
            rest -= bytes;
            more
        });
        let causes: Vec<_> = causes
            .map(|(column, bytes)| format!("{} (up to {bytes})", name(*column)))
            .collect();
        notes.push(format!(
            "rows of {} can be longer than a message ({limit} bytes) by the declared lengths of {}: \
             {ADVICE}",
            schema.name(),
            causes.join(", ")
        ));
    }
    let of_key = |(column, _): &(usize, u64)| schema.key().contains(column);
    let key: Vec<_> = columns.into_iter().filter(of_key).collect();
    if sum(&key) > MAX_KEY {
        let names: Vec<_> = key.iter().map(|(column, _)| name(*column)).collect();
        notes.push(format!(
            "keys of {} can be longer than those of messages ({MAX_KEY} bytes) by the declared lengths of \
             {}: such a row is an error; choose shorter columns with message.key.columns",
            schema.name(),
            names.join(", ")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::arrow::schema::Field;

    fn column(name: &str, kind: &Kind, length: Option<u64>) -> Field {
        let mut field = kind.clone().field(name, true);
        let mut metadata = field.metadata().clone();
        metadata.extend(length.map(|length| (LENGTH.to_owned(), length.to_string())));
        field.set_metadata(metadata);
        field
    }

    #[test]
    fn declared_lengths_beyond_a_message_name_their_columns() {
        let limit = MessageLimit::of(Some(1_000), None);
        let schema = |lengths: &[(&str, Option<u64>)]| {
            let id = [column("id", &Kind::Int64, None)];
            let texts = lengths
                .iter()
                .map(|(name, length)| column(name, &Kind::Text, *length));
            Schema::new("docs", id.into_iter().chain(texts), &["id"]).unwrap()
        };
        assert_eq!(notes(&schema(&[("a", Some(900))]), limit), [""; 0]);
        assert_eq!(notes(&schema(&[("a", None)]), limit), [""; 0]);
        let found = notes(
            &schema(&[("a", Some(20)), ("b", Some(800)), ("c", Some(700))]),
            limit,
        );
        let expected = "rows of docs can be longer than a message (1000 bytes) by the declared lengths of \
                        `b` (up to 800): ";
        assert!(found[0].starts_with(expected), "{found:?}");
        assert!(found[0].contains("column.mask.truncate"), "{found:?}");
        let found = notes(&schema(&[("b", Some(1_800)), ("c", Some(1_700))]), limit);
        assert!(
            found[0].contains("`b` (up to 1800), `c` (up to 1700)"),
            "{found:?}"
        );
    }

    #[test]
    fn declared_lengths_of_keys_beyond_a_property_are_noted() {
        let limit = MessageLimit::of(None, None);
        let of = |length| {
            let key = column("code", &Kind::Text, Some(length));
            notes(&Schema::new("t", [key], &["code"]).unwrap(), limit)
        };
        assert_eq!(of(20_000), [""; 0]);
        let found = of(40_000);
        assert!(found[0].starts_with("keys of t can be longer"), "{found:?}");
        assert!(found[0].contains("message.key.columns"), "{found:?}");
    }
}
