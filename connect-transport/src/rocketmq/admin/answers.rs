//! Bodies of answers: JSON, and what Java's fastjson makes of maps whose keys are objects.
use crate::rocketmq::link::{Answer, Link};
use connect_api::{Error, ErrorKind, Result};
use serde::{Deserialize, de::DeserializeOwned};
use std::fmt;

/// The body of an answer.
///
/// # Errors
/// `Unsupported`: it is of another form.
pub(super) fn read<T: DeserializeOwned>(
    subject: &(dyn fmt::Display + Sync),
    link: &Link,
    answer: Answer,
) -> Result<T> {
    parse(subject, link, &answer.into_body())
}

/// A body, or a part that borrows of it.
///
/// # Errors
/// As [`read`].
pub(super) fn parse<'a, T: Deserialize<'a>>(
    subject: &(dyn fmt::Display + Sync),
    link: &Link,
    body: &'a [u8],
) -> Result<T> {
    serde_json::from_slice(body).map_err(|source| {
        // The place alone: the words of the parser repeat what it read.
        let at = format!("line {}, column {}", source.line(), source.column());
        unreadable(subject, link, &at)
    })
}

/// The entries of `table`, a map of an answer's body whose keys are queues:
/// `{"offsetTable":{{"brokerName":…,"queueId":0,"topic":…}:…,…}}`, which is no JSON.
///
/// # Errors
/// `Unsupported`: it is of another form.
pub(super) fn by_queue<T: DeserializeOwned>(
    subject: &(dyn fmt::Display + Sync),
    link: &Link,
    answer: Answer,
    table: &str,
) -> Result<Vec<(QueueKey, T)>> {
    entries(&answer.into_body(), table)
        .ok_or_else(|| unreadable(subject, link, &format!("in {table}")))
}

fn unreadable(subject: &(dyn fmt::Display + Sync), link: &Link, at: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{subject}: the answer of {} is not understood, {at}; brokers from 5.0 are supported",
            link.address()
        ),
    )
}

/// A queue as Java's runtime writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueKey {
    pub(super) broker_name: String,
    pub(super) queue_id: u32,
    pub(super) topic: String,
}

/// A key as it stands, or as a text that holds it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    Object(QueueKey),
    Text(String),
}

fn entries<T: DeserializeOwned>(body: &[u8], table: &str) -> Option<Vec<(QueueKey, T)>> {
    let opening = format!("\"{table}\":{{");
    let start = memchr::memmem::find(body, opening.as_bytes())? + opening.len();
    let mut rest = body.get(start..)?.trim_ascii_start();
    let mut found = Vec::new();
    while *rest.first()? != b'}' {
        let key = match one(&mut rest)? {
            Key::Object(key) => key,
            Key::Text(text) => serde_json::from_str(&text).ok()?,
        };
        rest = rest.trim_ascii_start().strip_prefix(b":")?;
        found.push((key, one(&mut rest)?));
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    }
    Some(found)
}

/// Takes one value from the beginning.
fn one<T: DeserializeOwned>(rest: &mut &[u8]) -> Option<T> {
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    *rest = rest.get(end..)?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_with_queues_as_keys_are_read_in_both_forms() {
        let key = |id| QueueKey {
            broker_name: "b".into(),
            queue_id: id,
            topic: "t}".into(),
        };
        for body in [
            r#"{"a":1,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t}"}:7,{"brokerName":"b","queueId":1,"topic":"t}"}:-1}}"#,
            r#"{"offsetTable":{ "{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"t}\"}" : 7 , {"queueId":1,"topic":"t}","brokerName":"b"}:-1 },"b":{}}"#,
        ] {
            let found: Vec<(QueueKey, i64)> = entries(body.as_bytes(), "offsetTable").unwrap();
            assert_eq!(found, [(key(0), 7), (key(1), -1)]);
        }
        let none: Vec<(QueueKey, i64)> = entries(b"{\"offsetTable\":{}}", "offsetTable").unwrap();
        assert!(none.is_empty());
        for damaged in [
            "{}",
            "{\"offsetTable\":{",
            "{\"offsetTable\":{{\"brokerName\":\"b\"}:1}}",
            "{\"offsetTable\":{\"x\":1}}",
        ] {
            assert!(entries::<i64>(damaged.as_bytes(), "offsetTable").is_none());
        }
    }
}
