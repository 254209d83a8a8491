use super::*;
use crate::parse_frames;

fn outgoing<'a>(key: &'a str, body: &'a [u8]) -> Outgoing<'a> {
    Outgoing {
        key: key.as_bytes(),
        body,
        ..Outgoing::default()
    }
}

#[test]
fn frames_walk_back_to_what_was_written() -> Result<()> {
    let mut common = CommonProperties::default();
    common.push("connect-ext-table", "orders")?;
    let headers: [(Box<str>, Box<str>); 3] = [
        ("TAGS".into(), "paid".into()),
        ("UNIQ_KEY".into(), "of another message".into()),
        ("KEYS".into(), "of another message".into()),
    ];
    let mut frames = Frames::default();
    frames.push(&outgoing("7", b"{}"), &common, 10)?;
    frames.push(&outgoing("", b""), &CommonProperties::default(), 10)?;
    let all = Outgoing {
        time: Some(-5),
        op: Some(Op::Delete),
        headers: &headers,
        ..outgoing("k", b"0123456789")
    };
    frames.push(&all, &common, 10)?;
    let batch = frames.into_batch();
    assert_eq!(batch.messages, 3);
    let walked = parse_frames(&batch.frames).collect::<Result<Vec<_>>>()?;
    let seen: Vec<_> = walked
        .iter()
        .map(|f| {
            let properties = f
                .properties(&batch.frames)
                .iter()
                .filter(|(name, _)| *name != UNIQ_KEY.as_bytes())
                .map(|(n, v)| {
                    [n, v]
                        .map(|b| String::from_utf8_lossy(b).into_owned())
                        .join("=")
                })
                .collect::<Vec<_>>();
            (&batch.frames[f.body.clone()], properties.join(" "))
        })
        .collect();
    let expected = [
        (&b"{}"[..], "connect-ext-table=orders KEYS=7"),
        (&b""[..], ""),
        (
            &b"0123456789"[..],
            "connect-ext-table=orders KEYS=k connect.timestamp=-5 connect-ext-op=d TAGS=paid",
        ),
    ];
    assert_eq!(seen, expected.map(|(body, text)| (body, text.to_owned())));
    let ids: Vec<_> = walked
        .iter()
        .map(|f| f.properties(&batch.frames).get(UNIQ_KEY))
        .collect();
    assert!(ids[0].is_some_and(|id| id.len() == 32) && ids[0] != ids[1]);
    Ok(())
}

#[test]
fn invalid_messages_are_rejected_and_leave_no_trace() {
    let common = CommonProperties::default();
    let mut frames = Frames::default();
    let long = "x".repeat(MAX_PROPERTIES);
    let header: [(Box<str>, Box<str>); 1] = [("a".into(), "b\u{2}c".into())];
    let refused = [
        (
            outgoing("k", b"01234567890"),
            "body has 11 bytes, at most 10",
        ),
        (outgoing(&long, b""), "at most 32767 can be sent"),
        (
            outgoing("a\u{1}b", b""),
            "property \"KEYS\" holds a byte 1 or 2",
        ),
        (
            Outgoing {
                headers: &header,
                ..outgoing("", b"")
            },
            "property \"a\" holds a byte 1 or 2",
        ),
    ];
    for (message, text) in refused {
        let refusal = frames
            .push(&message, &common, 10)
            .map_err(|e| (e.kind(), e.to_string()));
        assert!(
            matches!(&refusal, Err((ErrorKind::Data, said)) if said.contains(text)),
            "{refusal:?}"
        );
        assert_eq!((frames.total_bytes(), frames.len()), (0, 0));
    }
}

#[test]
fn a_frame_that_does_not_fit_is_an_error_that_says_where() -> Result<()> {
    let common = CommonProperties::default();
    let mut frames = Frames::default();
    frames.push(&outgoing("1", b"abc"), &common, 10)?;
    let first = frames.total_bytes();
    frames.push(&outgoing("2", b"def"), &common, 10)?;
    let whole = frames.into_batch().frames;
    // Each cut, and each byte of the lengths set wrong.
    for cut in first + 1..whole.len() {
        let end = parse_frames(&whole[..cut]).last();
        let said = end.and_then(Result::err).map(|e| e.to_string());
        assert!(said.is_some_and(|s| s.ends_with(&format!("no message at byte {first}"))));
    }
    for at in (0..4).chain(16..20).chain([23, 24]) {
        for value in [0x80, 0xff, 0x7f, 0x01] {
            let mut bad = whole.to_vec();
            if bad[at] != value {
                bad[at] = value;
                assert!(
                    parse_frames(&bad).any(|f| f.is_err()),
                    "byte {at} = {value}"
                );
            }
        }
    }
    Ok(())
}

proptest::proptest! {
    #[test]
    fn any_bytes_walk_to_an_end_and_stay_inside(
        mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        size in 0_i32..200,
        body in -2_i32..200,
    ) {
        if bytes.len() >= 20 {
            // Often enough a size and a body length that nearly fit.
            bytes[..4].copy_from_slice(&size.to_be_bytes());
            bytes[16..20].copy_from_slice(&body.to_be_bytes());
        }
        for frame in parse_frames(&bytes).flatten() {
            assert!(frame.body.end < frame.properties.start);
            assert!(bytes.get(frame.body.clone()).is_some());
            frame.properties(&bytes).iter().for_each(drop);
        }
    }

    #[test]
    fn any_message_walks_back(
        messages in proptest::collection::vec(("[^\x01\x02]{0,9}", ".{0,40}"), 0..9)
    ) {
        let mut frames = Frames::default();
        for (key, body) in &messages {
            frames.push(&outgoing(key, body.as_bytes()), &CommonProperties::default(), 999)?;
        }
        let frames = frames.into_batch().frames;
        let back = parse_frames(&frames).collect::<Result<Vec<_>>>()?;
        assert_eq!(back.len(), messages.len());
        for (frame, (key, body)) in back.iter().zip(&messages) {
            let found = frame.properties(&frames).get(KEYS).unwrap_or_default();
            assert_eq!((found, &frames[frame.body.clone()]), (key.as_bytes(), body.as_bytes()));
        }
    }
}
