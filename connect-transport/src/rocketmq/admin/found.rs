//! Messages that were looked for, each by itself.
use crate::{
    Message, Properties, Queue,
    rocketmq::{compression, pull},
};
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Result};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// A message that was found.
///
/// `Debug` shows where it is, and nothing of what is in it.
#[derive(Clone, Serialize)]
pub struct Found {
    /// The topic.
    pub topic: Arc<str>,
    /// The broker.
    pub broker: Arc<str>,
    /// The queue at the broker.
    pub queue: u32,
    /// The place in the queue.
    pub offset: i64,
    /// When the broker stored it, milliseconds since 1970-01-01.
    pub stored: i64,
    /// When the producer created it, milliseconds since 1970-01-01.
    pub born: i64,
    /// The id that its producer gave it.
    pub id: Option<String>,
    /// Its keys, separated by spaces.
    pub keys: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// All properties.
    pub properties: BTreeMap<String, String>,
    /// Its body, decompressed.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("topic", &self.topic)
            .field("broker", &self.broker)
            .field("queue", &self.queue)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Found {
    pub(super) fn new(queue: &Queue, message: &Message<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [id, keys, tag] = message
            .properties
            .pick([crate::UNIQ_KEY, crate::KEYS, "TAGS"])
            .map(|value| value.map(text));
        let properties = message.properties.iter();
        Self {
            topic: Arc::clone(&queue.topic),
            broker: Arc::clone(&queue.broker),
            queue: queue.id,
            offset: message.offset,
            stored: message.stored,
            born: message.born,
            id,
            keys,
            tag,
            properties: properties.map(|(n, v)| (text(n), text(v))).collect(),
            body: message.body.to_vec(),
        }
    }

    /// Whether this is one of its keys, or all of them.
    pub(super) fn has_key(&self, key: &str) -> bool {
        let keys = self.keys.as_deref().unwrap_or_default();
        keys == key || keys.split(' ').any(|one| one == key)
    }
}

/// The messages of an answer, of any queues and in any order; those of a batch each by itself.
///
/// # Errors
/// `Data`: the answer is damaged.
pub(super) fn decode(topic: &Arc<str>, broker: &Arc<str>, answer: &Bytes) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < answer.len() {
        let bytes = &answer[start..];
        let (size, parsed) =
            pull::decode_message(bytes).map_err(|damage| damage.at(start, answer.len()))?;
        // Behind size, magic and checksum; the decoder has seen that it is there.
        let queue = bytes
            .get(12..16)
            .and_then(|id| Some(u32::from_be_bytes(id.try_into().ok()?)));
        let queue = Queue {
            topic: Arc::clone(topic),
            broker: Arc::clone(broker),
            id: queue.unwrap_or_default(),
        };
        let plain = match parsed.compression {
            Some(compression) => {
                let body = compression::decompress(compression, &bytes[parsed.body.clone()]);
                body.map_err(|e| e.context(format_args!("{queue}, offset {}", parsed.offset)))?
            }
            None => bytes[parsed.body.clone()].to_vec(),
        };
        let message = Message {
            offset: parsed.offset,
            born: parsed.born,
            stored: parsed.stored,
            body: &plain,
            properties: Properties(&bytes[parsed.properties.clone()]),
        };
        if parsed.is_batch {
            parsed.unwrap_batch(bytes, &plain, |offset, frame| {
                let inner = Message {
                    offset,
                    body: &plain[frame.body.clone()],
                    properties: frame.properties(&plain),
                    ..message
                };
                found.push(Found::new(&queue, &inner));
                Ok(())
            })?;
        } else {
            found.push(Found::new(&queue, &message));
        }
        start += size;
    }
    Ok(found)
}

/// What an id of a broker says: its address, and the place in its log; `None` where it was a
/// producer that generated the id.
///
/// # Errors
/// `Config`: it is no id.
pub(super) fn place_of(id: &str) -> Result<Option<(SocketAddr, i64)>> {
    let digit = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = id.as_bytes().chunks(2).map(digit).collect();
    let bytes = bytes.unwrap_or_default();
    let (ip, rest) = match (bytes.len(), bytes.first_chunk(), bytes.first_chunk()) {
        (16, Some(ip), _) => (IpAddr::from(*ip as [u8; 4]), &bytes[4..]),
        (28, _, Some(ip)) => (IpAddr::from(*ip as [u8; 16]), &bytes[16..]),
        _ => {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "message id {id:?}: an id has 32 hexadecimal digits, or 56 where a broker at \
                     an IPv6 address gave it"
                ),
            ));
        }
    };
    let (port, place) = match (rest.first_chunk(), rest.last_chunk()) {
        (Some(port), Some(place)) => (u32::from_be_bytes(*port), i64::from_be_bytes(*place)),
        _ => return Ok(None),
    };
    let port = u16::try_from(port).ok();
    Ok(port.map(|port| (SocketAddr::new(ip, port), place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_brokers_say_where_a_message_is() {
        let at = |id: &str| {
            let (address, place) = place_of(id).unwrap().unwrap();
            (address.to_string(), place)
        };
        let (address, place) = at("7F0000010000614F00000000000004D2");
        assert_eq!((&*address, place), ("127.0.0.1:24911", 1234));
        let id = format!("{}10000614F000000000000002a", "0".repeat(31));
        let (address, place) = at(&id);
        assert_eq!((&*address, place), ("[::1]:24911", 42));
        // A producer's: what would be a port is none.
        assert!(
            place_of("7F00000100025CAE3BC64D2F80B00001")
                .unwrap()
                .is_none()
        );
        for wrong in [
            "",
            "7F",
            "7F00000100006150000000000000004D2",
            "zz",
            &"é".repeat(16),
        ] {
            let error = place_of(wrong).unwrap_err();
            assert!(
                error.to_string().contains("32 hexadecimal digits"),
                "{error}"
            );
        }
    }
}
