use super::*;
use proptest::prelude::*;

/// A message as a broker would send it.
#[derive(Debug, Clone)]
struct Sent {
    magic: u32,
    offset: i64,
    system_flag: i32,
    body: Vec<u8>,
    topic: Vec<u8>,
    properties: Vec<u8>,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            magic: MAGIC_V1,
            offset: 0,
            system_flag: 0,
            body: b"body".to_vec(),
            topic: b"orders".to_vec(),
            properties: b"KEYS\x01k1\x02TAGS\x01t\x02".to_vec(),
        }
    }
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        out.extend(self.magic.to_be_bytes());
        out.extend((crc32fast::hash(&self.body) & 0x7fff_ffff).to_be_bytes());
        out.extend(3_u32.to_be_bytes());
        out.extend(0_u32.to_be_bytes());
        out.extend(self.offset.to_be_bytes());
        out.extend(4711_u64.to_be_bytes());
        out.extend(self.system_flag.to_be_bytes());
        for (time, v6) in [(1000_i64, BORN_HOST_V6), (2000, STORE_HOST_V6)] {
            out.extend(time.to_be_bytes());
            let host = if self.system_flag & v6 == 0 { 4 } else { 16 };
            out.extend(vec![127; host]);
            out.extend(20911_u32.to_be_bytes());
        }
        out.extend(0_u32.to_be_bytes());
        out.extend(0_u64.to_be_bytes());
        out.extend(u32::try_from(self.body.len()).unwrap().to_be_bytes());
        out.extend(&self.body);
        let topic = u16::try_from(self.topic.len()).unwrap().to_be_bytes();
        let length = usize::from(self.magic == MAGIC_V1);
        out.extend(&topic[length..]);
        out.extend(&self.topic);
        let properties = u16::try_from(self.properties.len()).unwrap();
        out.extend(properties.to_be_bytes());
        out.extend(&self.properties);
        let size = u32::try_from(out.len()).unwrap();
        out[..4].copy_from_slice(&size.to_be_bytes());
        out
    }
}

fn answer(messages: &[Sent]) -> Vec<u8> {
    messages.iter().flat_map(Sent::bytes).collect()
}

fn decoded(bytes: Vec<u8>) -> Result<Pulled> {
    decode(Bytes::from(bytes), 0, 0, 100)
}

#[test]
fn messages_of_both_forms_and_all_hosts_are_decoded() {
    let mut messages = Vec::new();
    for magic in [MAGIC_V1, MAGIC_V2] {
        for system_flag in [0, BORN_HOST_V6, STORE_HOST_V6, BORN_HOST_V6 | STORE_HOST_V6] {
            let offset = 40 + messages.len() as i64;
            let body = vec![b'x'; messages.len()];
            messages.push(Sent {
                magic,
                offset,
                system_flag,
                body,
                ..Sent::default()
            });
        }
    }
    let pulled = decoded(answer(&messages)).unwrap();
    assert_eq!((pulled.len(), pulled.next, pulled.end), (8, 48, 100));
    for (came, sent) in pulled.iter().zip(&messages) {
        assert_eq!((came.offset, came.body), (sent.offset, &sent.body[..]));
        assert_eq!((came.born, came.stored), (1000, 2000));
        assert_eq!(came.properties.get("KEYS"), Some(&b"k1"[..]));
        assert_eq!(came.properties.get("TAGS"), Some(&b"t"[..]));
    }
}

#[test]
fn the_broker_may_go_on_behind_the_last_message_but_never_before_it() {
    let bytes = Bytes::from(answer(&[Sent {
        offset: 7,
        ..Sent::default()
    }]));
    assert_eq!(decode(bytes.clone(), 7, 12, 20).unwrap().next, 12);
    assert_eq!(decode(bytes, 7, 3, 20).unwrap().next, 8);
    let empty = decode(Bytes::new(), 5, 5, 20).unwrap();
    assert_eq!((empty.len(), empty.next), (0, 5));
}

#[test]
fn compressed_bodies_lie_beside_the_answer() {
    let zlib = b"\x78\x9c\x4b\xce\xcf\xcb\x4b\x4d\x2e\x51\x48\x26\x8f\x06\x00\x05\xdc\x18\x31";
    let messages = [0, COMPRESSED, 0, COMPRESSED | 3 << 8].map(|system_flag| Sent {
        system_flag,
        offset: i64::from(system_flag),
        body: if system_flag == 0 {
            b"plain".to_vec()
        } else {
            zlib.to_vec()
        },
        ..Sent::default()
    });
    let mut messages = messages;
    messages[2].offset = 2;
    let pulled = decoded(answer(&messages)).unwrap();
    let lengths: Vec<_> = pulled.iter().map(|message| message.body.len()).collect();
    assert_eq!(lengths, [5, 63, 5, 63]);
    assert!(
        pulled
            .iter()
            .all(|m| m.properties.get("KEYS") == Some(b"k1"))
    );
}

#[test]
fn an_answer_that_decompresses_to_too_much_is_cut_short() {
    use flate2::{Compression as Level, write::ZlibEncoder};
    use std::io::Write;
    let mut body = ZlibEncoder::new(Vec::new(), Level::best());
    body.write_all(&vec![0; 30 << 20]).unwrap();
    let body = body.finish().unwrap();
    let messages: Vec<_> = (0..5)
        .map(|offset| Sent {
            offset,
            system_flag: COMPRESSED,
            body: body.clone(),
            ..Sent::default()
        })
        .collect();
    let pulled = decode(Bytes::from(answer(&messages)), 0, 5, 5).unwrap();
    assert_eq!((pulled.len(), pulled.next), (3, 3));
}

/// A batch as a producer sends it, with the parts of its messages.
fn frames(messages: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (body, properties) in messages {
        let size = 20 + body.len() + 2 + properties.len();
        out.extend(u32::try_from(size).unwrap().to_be_bytes());
        out.extend([0; 12]);
        out.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        out.extend(*body);
        out.extend(u16::try_from(properties.len()).unwrap().to_be_bytes());
        out.extend(*properties);
    }
    out
}

/// A batch as a topic that keeps it whole has it.
fn whole(offset: i64, messages: &[(&[u8], &[u8])]) -> Sent {
    Sent {
        offset,
        system_flag: BATCH,
        body: frames(messages),
        properties: format!(
            "UNIQ_KEY\x01A0\x02INNER_NUM\x01{}\x02INNER_BASE\x01{offset}\x02",
            messages.len()
        )
        .into_bytes(),
        ..Sent::default()
    }
}

fn single(offset: i64) -> Sent {
    Sent {
        offset,
        ..Sent::default()
    }
}

const THREE: [(&[u8], &[u8]); 3] = [
    (b"one", b"KEYS\x011\x02"),
    (b"", b""),
    (b"three", b"KEYS\x013\x02TAGS\x01t\x02"),
];

fn seen(pulled: &Pulled) -> Vec<(i64, Vec<u8>, Option<Vec<u8>>)> {
    let parts = |m: crate::Message<'_>| {
        let key = m.properties.get("KEYS").map(<[u8]>::to_vec);
        (m.offset, m.body.to_vec(), key)
    };
    pulled.iter().map(parts).collect()
}

#[test]
fn messages_of_a_batch_have_offsets_bodies_and_properties_of_their_own() {
    let sent = [
        single(6),
        whole(7, &THREE),
        single(10),
        whole(11, &THREE[..1]),
    ];
    let pulled = decoded(answer(&sent)).unwrap();
    let key = |key: &str| Some(key.as_bytes().to_vec());
    assert_eq!(
        seen(&pulled),
        [
            (6, b"body".to_vec(), key("k1")),
            (7, b"one".to_vec(), key("1")),
            (8, Vec::new(), None),
            (9, b"three".to_vec(), key("3")),
            (10, b"body".to_vec(), key("k1")),
            (11, b"one".to_vec(), key("1")),
        ]
    );
    assert_eq!(pulled.next, 12);
    assert!(pulled.iter().all(|m| (m.born, m.stored) == (1000, 2000)));
    let third = pulled.get(3).unwrap();
    assert_eq!(third.properties.get("TAGS"), Some(&b"t"[..]));
    assert_eq!(third.properties.get("INNER_NUM"), None);
    let only = pulled.only(3).unwrap();
    assert_eq!(seen(&only), seen(&pulled)[3..4]);
}

#[test]
fn a_pull_that_begins_inside_of_a_batch_leaves_out_what_lies_before() {
    for from in 7..=10 {
        let bytes = Bytes::from(answer(&[whole(7, &THREE), single(10)]));
        let pulled = decode(bytes, from, 11, 11).unwrap();
        let offsets: Vec<_> = pulled.iter().map(|m| m.offset).collect();
        assert_eq!(offsets, (from..=10).collect::<Vec<_>>());
        assert_eq!(pulled.next, 11);
    }
    // Nothing but what was read before: the reader continues after it.
    let bytes = Bytes::from(answer(&[whole(7, &THREE)]));
    let pulled = decode(bytes, 10, 10, 10).unwrap();
    assert_eq!((pulled.len(), pulled.next), (0, 10));
}

#[test]
fn a_batch_that_is_compressed_is_unwrapped_as_well() {
    use flate2::{Compression as Level, write::ZlibEncoder};
    use std::io::Write;
    let mut compressed = whole(20, &THREE);
    let mut body = ZlibEncoder::new(Vec::new(), Level::best());
    body.write_all(&compressed.body).unwrap();
    compressed.body = body.finish().unwrap();
    compressed.system_flag |= COMPRESSED;
    let sent = [whole(17, &THREE), compressed];
    let pulled = decode(Bytes::from(answer(&sent)), 18, 23, 23).unwrap();
    let of_second: Vec<_> = seen(&pulled).into_iter().map(|(_, b, k)| (b, k)).collect();
    let plain = decode(Bytes::from(answer(&sent[..1])), 17, 20, 20).unwrap();
    let of_first: Vec<_> = seen(&plain).into_iter().map(|(_, b, k)| (b, k)).collect();
    assert_eq!(of_second[2..], of_first);
    assert_eq!(pulled.next, 23);
}

#[test]
fn a_message_with_one_of_the_flags_alone_is_taken_as_it_is() {
    for system_flag in [1 << 6, 1 << 7] {
        let sent = Sent {
            system_flag,
            ..whole(7, &THREE)
        };
        let pulled = decoded(answer(std::slice::from_ref(&sent))).unwrap();
        assert_eq!(seen(&pulled), [(7, sent.body, None)]);
    }
}

#[test]
fn a_batch_without_messages_has_an_offset_of_its_own() {
    let pulled = decoded(answer(&[whole(7, &[]), single(8)])).unwrap();
    assert_eq!((pulled.len(), pulled.next), (1, 9));
}

#[test]
fn corruption_within_a_batch_is_detected_and_reported() {
    let good = whole(7, &THREE);
    let mut few = good.clone();
    few.properties = b"INNER_NUM\x012\x02".to_vec();
    let mut cut = good.clone();
    cut.body.truncate(cut.body.len() - 1);
    let mut long = good.clone();
    long.body[3] = 0xff;
    let mut last = whole(i64::MAX - 2, &THREE);
    last.properties.clear();
    for (bad, what) in [
        (few, "offset 7: the broker counted 2 messages, it holds 3"),
        (
            cut,
            "batch at offset 7: batch of 94 bytes: no message at byte 54",
        ),
        (long, "no message at byte 0"),
        (last, "offsets end"),
    ] {
        let error = decoded(answer(&[bad])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains(what), "{error}");
    }
    // The next one begins where the batch has not ended.
    let error = decoded(answer(&[good, single(9)])).unwrap_err();
    assert!(error.to_string().contains("do not rise"), "{error}");
}

#[test]
fn corruption_is_detected_and_reported() {
    let good = Sent::default().bytes();
    // Behind it: the topic and its length, the properties and theirs.
    let body = good.len() - 4 - 7 - 17;
    for (what, at, value) in [
        ("checksum", body, b'B'),
        ("unknown form", 4, 0),
        ("cut off", 0, 1),
        ("cut off", 3, 20),
        ("longer than the message", body - 4, 0x7f),
        ("longer than the message", body - 1, 3),
        ("do not add up", good.len() - 16, 12),
    ] {
        let mut bad = good.clone();
        bad[at] = value;
        let error = decoded([&good[..], &bad].concat()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        assert!(text.contains(what), "{what:?} is not in {text:?}");
    }
}

#[test]
fn offsets_that_do_not_rise_are_damage() {
    let at = |offset| Sent {
        offset,
        ..Sent::default()
    };
    for offsets in [[5, 5], [5, 4]] {
        let error = decoded(answer(&offsets.map(at))).unwrap_err();
        assert!(error.to_string().contains("do not rise"), "{error}");
    }
    assert!(decoded(answer(&[at(-1)])).is_err());
    assert!(decoded(answer(&[at(i64::MAX)])).is_err());
}

/// All parts of all messages can be read.
fn read_all(pulled: &Pulled) {
    for message in pulled.iter() {
        let properties = message.properties.iter();
        let length: usize = properties
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(length <= u16::MAX.into() && message.offset < pulled.next);
    }
}

proptest! {
    #[test]
    fn any_messages_come_back(
        parts in proptest::collection::vec(
            (any::<bool>(), 0..4_i32, proptest::collection::vec(any::<u8>(), 0..300),
             proptest::collection::vec(any::<u8>(), 0..255)),
            0..40,
        )
    ) {
        let messages: Vec<_> = (0..).zip(parts)
            .map(|(offset, (v1, hosts, body, topic))| Sent {
                magic: if v1 { MAGIC_V1 } else { MAGIC_V2 },
                offset,
                system_flag: hosts << 4,
                body,
                topic,
                ..Sent::default()
            })
            .collect();
        let pulled = decoded(answer(&messages))?;
        prop_assert_eq!(pulled.len(), messages.len());
        for (came, sent) in pulled.iter().zip(&messages) {
            prop_assert_eq!(came.body, &sent.body[..]);
            prop_assert_eq!(came.offset, sent.offset);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        if let Ok(pulled) = decoded(bytes) {
            read_all(&pulled);
        }
    }

    #[test]
    fn cut_and_changed_answers_never_panic(
        cut in 0..400_usize,
        changes in proptest::collection::vec((0..400_usize, any::<u8>()), 0..4),
        system_flag in proptest::sample::select(vec![
            0, 0x10, 0x20, 0x30, 1, 0x101, 0x201, 0x301, BATCH, BATCH | 1,
        ]),
    ) {
        let messages = [0, 3, 6].map(|offset| Sent { system_flag, ..whole(offset, &THREE) });
        let mut bytes = answer(&messages);
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let whole = cut >= bytes.len();
        bytes.truncate(cut);
        match decoded(bytes) {
            Ok(pulled) => read_all(&pulled),
            Err(error) => prop_assert!(!whole || error.kind() != ErrorKind::Internal),
        }
    }
}
