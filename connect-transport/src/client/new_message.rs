//! A message to be sent.
use crate::{KEYS, UNIQ_KEY};
use connect_api::{Encoded, Error, ErrorKind, Headers, Result};
use std::fmt;

/// Property of the tag, by which consumers of RocketMQ filter.
pub const TAGS: &str = "TAGS";

/// Properties that request something from brokers, or report something. Brokers ignore them in
/// batches, so that the request would be dropped silently.
const RESERVED: [&str; 42] = [
    "1ST_POP_TIME",
    "ARRIVE_TIME",
    "BORN_TIMESTAMP",
    "BUYER_ID",
    "CHECK_IMMUNITY_TIME_IN_SECONDS",
    "CLUSTER",
    "CONSUME_START_TIME",
    "CORRECTION_FLAG",
    "CORRELATION_ID",
    "DELAY",
    "DLQ_ORIGIN_MESSAGE_ID",
    "DLQ_ORIGIN_TOPIC",
    "DUP_INFO",
    "EXTEND_UNIQ_INFO",
    "INNER_BASE",
    "INNER_MULTI_DISPATCH",
    "INNER_MULTI_QUEUE_OFFSET",
    "INNER_NUM",
    "INSTANCE_ID",
    "MAX_OFFSET",
    "MAX_RECONSUME_TIMES",
    "MIN_OFFSET",
    "MSG_REGION",
    "MSG_TYPE",
    "ORIGIN_MESSAGE_ID",
    "PGROUP",
    "POP_CK",
    "PUSH_REPLY_TIME",
    "REAL_QID",
    "REAL_TOPIC",
    "RECONSUME_TIME",
    "REPLY_TO_CLIENT",
    "RETRY_TOPIC",
    "TRACE_ON",
    "TRANSACTION_CHECK_TIMES",
    "TRANSFER_FLAG",
    "TRAN_MSG",
    "TRAN_PREPARED_QUEUE_OFFSET",
    "TTL",
    "WAIT",
    "__STARTDELIVERTIME",
    "__transactionId__",
];
/// What other properties of brokers begin with.
const RESERVED_PREFIX: &str = "TIMER_";

/// A message to be sent. `Debug` shows its sizes, and nothing of what is in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewMessage {
    key: Vec<u8>,
    body: Vec<u8>,
    properties: Vec<(Box<str>, Box<str>)>,
}

impl NewMessage {
    /// A message with this body; an empty one is a tombstone, which says that what the key names is
    /// gone.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// The key: messages of one key are in one queue and keep their order. RocketMQ's tools find messages
    /// by it.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = key.into();
        self
    }

    /// The tag, by which consumers of RocketMQ filter.
    #[must_use]
    pub fn tag(self, tag: impl Into<Box<str>>) -> Self {
        self.put(TAGS.into(), tag.into())
    }

    /// A property, in place of an earlier one of this name. Names that RocketMQ has for itself are
    /// refused when the message is sent.
    #[must_use]
    pub fn property(self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.put(name.into(), value.into())
    }

    fn put(mut self, name: Box<str>, value: Box<str>) -> Self {
        match self.properties.iter_mut().find(|(n, _)| *n == name) {
            Some((_, there)) => *there = value,
            None => self.properties.push((name, value)),
        }
        self
    }

    /// # Errors
    /// `Data`: a property that would be dropped or mistaken.
    fn check(&self) -> Result<()> {
        let refused = |why: String| Err(Error::new(ErrorKind::Data, why));
        for (name, _) in &self.properties {
            match &**name {
                "" => return refused("a property has no name".into()),
                KEYS => {
                    return refused(format!("property {KEYS:?} is the key: use NewMessage::key"));
                }
                UNIQ_KEY => {
                    return refused(format!(
                        "property {UNIQ_KEY:?} is generated for each message"
                    ));
                }
                name if RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX) => {
                    return refused(format!(
                        "property {name:?} is one of RocketMQ's own, and of no effect here: leave it \
                         out, or take another name"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("key_bytes", &self.key.len())
            .field("body_bytes", &self.body.len())
            .field("properties", &self.properties.len())
            .finish()
    }
}

/// Messages laid out as a publisher takes them.
#[derive(Debug, Default)]
pub(super) struct Encoding {
    pub(super) encoded: Encoded,
    pub(super) headers: Vec<Option<Headers>>,
}

impl Encoding {
    /// # Errors
    /// `Data`: a message that cannot be sent; the text names it by its number, from 0.
    pub(super) fn of(messages: impl IntoIterator<Item = NewMessage>) -> Result<Self> {
        let mut encoding = Self::default();
        for (row, message) in messages.into_iter().enumerate() {
            message
                .check()
                .map_err(|e| e.context(format_args!("row {row}")))?;
            encoding.encoded.keys.push(&message.key);
            encoding.encoded.bodies.push(&message.body);
            let properties = message.properties;
            let headers = (!properties.is_empty()).then(|| Headers::from(properties));
            encoding.headers.push(headers);
        }
        Ok(encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_would_have_no_effect_is_refused() {
        for name in [
            "",
            "KEYS",
            "UNIQ_KEY",
            "DELAY",
            "TIMER_DELAY_MS",
            "TRAN_MSG",
            "RETRY_TOPIC",
        ] {
            let messages = [
                NewMessage::new("a"),
                NewMessage::new("b").property(name, "3"),
            ];
            let error = Encoding::of(messages).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.to_string().starts_with("row 1: "), "{error}");
        }
        assert!(RESERVED.is_sorted(), "names in order are found again");
    }

    #[test]
    fn the_last_value_of_a_property_counts() {
        let message = NewMessage::new("")
            .tag("a")
            .property("p", "1")
            .tag("b")
            .property("p", "2");
        let encoding = Encoding::of([message, NewMessage::new("x").key("k")]).unwrap();
        let headers = encoding.headers[0].as_deref().unwrap();
        assert_eq!(
            *headers,
            [("TAGS".into(), "b".into()), ("p".into(), "2".into())]
        );
        assert!(encoding.headers[1].is_none());
        assert_eq!(encoding.encoded.keys.get(0), b"");
        assert_eq!(encoding.encoded.keys.get(1), b"k");
    }

    #[test]
    fn debug_shows_no_data() {
        let message = NewMessage::new("secret")
            .key("secret")
            .property("p", "secret");
        assert!(!format!("{message:?}").contains("secret"));
    }
}
