//! Names of topics that RocketMQ refuses, and how they are written there.
//!
//! A topic of RocketMQ has at most 127 letters and digits of ASCII, `-`, `_`, `%` and `|`. A byte
//! that is none of these is written as `%` and two digits, as in a URL: `my.table` is `my%2Etable`.
//! Names that RocketMQ takes stay as they are, and two names are never written alike: a name that
//! looks like another one's writing is rejected where a topic is created.
use connect_api::{Error, ErrorKind, Result};
use std::{borrow::Cow, fmt::Write as _};

/// Longest name, in bytes as written.
const MAX_LENGTH: usize = 127;

/// Topics that belong to brokers (`TopicValidator.java`).
const SYSTEM: [&str; 9] = [
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "BenchmarkTest",
    "OFFSET_MOVED_EVENT",
    "SELF_TEST_TOPIC",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRACE_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
];
const SYSTEM_PREFIX: &str = "rmq_sys_";

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_%|".contains(&byte)
}

/// The name as RocketMQ has it; that of a written name is the name itself.
pub(super) fn written(name: &str) -> Cow<'_, str> {
    if name.bytes().all(is_allowed) {
        return Cow::Borrowed(name);
    }
    let mut written = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if is_allowed(byte) {
            written.push(char::from(byte));
        } else {
            // Infallible: writes into a String.
            write!(written, "%{byte:02X}").ok();
        }
    }
    Cow::Owned(written)
}

/// The name that is written so; the other way of [`written`].
pub(super) fn read(written: &str) -> Cow<'_, str> {
    let mut name = String::with_capacity(written.len());
    let mut bytes = Vec::new();
    let mut rest = written;
    while !rest.is_empty() {
        while let Some(byte) = escaped(rest.as_bytes()) {
            bytes.push(byte);
            rest = &rest[3..];
        }
        // Bytes that make no text were never written for one: they stay as they stand.
        for chunk in bytes.utf8_chunks() {
            name.push_str(chunk.valid());
            for byte in chunk.invalid() {
                // Infallible: writes into a String.
                write!(name, "%{byte:02X}").ok();
            }
        }
        bytes.clear();
        let mut chars = rest.chars();
        name.extend(chars.next());
        rest = chars.as_str();
    }
    if name == written {
        Cow::Borrowed(written)
    } else {
        Cow::Owned(name)
    }
}

/// The byte that `%` and two digits at the beginning stand for, if it is one that is written so.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let byte = digit(*high)? << 4 | digit(*low)?;
    (!is_allowed(byte)).then_some(byte)
}

/// Whether a topic is a broker's own.
pub(super) fn is_systems(name: &str) -> bool {
    let folded = name.get(..SYSTEM_PREFIX.len()).map(str::to_ascii_lowercase);
    SYSTEM.contains(&name) || folded.as_deref() == Some(SYSTEM_PREFIX)
}

/// The name of a topic to create, as written at the broker.
///
/// # Errors
/// `Config`: it is too long as written, of a broker's own, or how another name is written.
pub(super) fn new_name(name: &str) -> Result<Cow<'_, str>> {
    let refused = |why: String| {
        Err(Error::new(
            ErrorKind::Config,
            format!("topic {name:?}: {why}"),
        ))
    };
    let written = written(name);
    if name.is_empty() {
        return refused("a topic has a name".into());
    }
    if written.len() > MAX_LENGTH {
        return refused(format!(
            "RocketMQ takes {MAX_LENGTH} bytes; it has {} as it is written there, where each byte \
             that is no letter or digit of ASCII, '-', '_', '%' or '|' takes three; name a shorter \
             one with connect.topicname",
            written.len()
        ));
    }
    if is_systems(name) {
        return refused(
            "is one of RocketMQ's own; set topic.prefix, or another name with connect.topicname"
                .into(),
        );
    }
    let meant = read(name);
    if meant != name {
        return refused(format!(
            "is how topic {meant:?} is written at RocketMQ, so that the two would be one; set \
             another name with connect.topicname"
        ));
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_rocketmq_refuses_are_written_as_in_a_url() {
        for (name, as_written) in [
            ("my.table", "my%2Etable"),
            ("订单", "%E8%AE%A2%E5%8D%95"),
            ("a b/c\"d", "a%20b%2Fc%22d"),
            ("orders", "orders"),
            ("a-b_c|d%e", "a-b_c|d%e"),
            ("%RETRY%connect-x", "%RETRY%connect-x"),
            // Decodes to no text: a group's own topic.
            ("%RETRY%ADx", "%RETRY%ADx"),
        ] {
            assert_eq!(written(name), as_written);
            assert_eq!(written(as_written), as_written, "written once more");
            assert_eq!(read(as_written), name);
            assert_eq!(new_name(name).unwrap(), as_written);
        }
    }

    #[test]
    fn names_that_cannot_be_topics_are_refused_with_the_way_out() {
        for (name, why) in [
            ("", "has a name"),
            ("TBW102", "RocketMQ's own"),
            ("RMQ_SYS_x", "RocketMQ's own"),
            ("my%2Etable", "how topic \"my.table\" is written"),
            // `%EE` alone is no text, but the byte before is.
            ("%2E%EE", "how topic \".%EE\" is written"),
            (&"x".repeat(128), "127 bytes"),
            (&"订".repeat(15), "it has 135"),
        ] {
            let error = new_name(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(why), "{error}");
        }
        new_name(&"x".repeat(127)).unwrap();
    }

    proptest! {
        #[test]
        fn no_two_names_are_written_alike(one in "[a.%2E-]{0,6}|\\PC{0,5}", two in "[a.%2E-]{0,6}") {
            if let (Ok(a), Ok(b)) = (new_name(&one), new_name(&two)) {
                prop_assert_eq!(a == b, one == two);
            }
            if let Ok(a) = new_name(&one) {
                prop_assert_eq!(read(&a), &*one);
            }
        }
    }
}
