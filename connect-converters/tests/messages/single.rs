//! Bodies that are one value.
use crate::{TOPIC, records, schema, values};
use connect_api::{Blobs, ErrorKind, Kind, MessageRef, Op, Target, Value, config::Settings};
use connect_converters::converter;

#[test]
fn one_column_beside_the_key_is_the_body() {
    for (name, kind, value) in [
        ("string", Kind::Text, Value::from("Grüße")),
        ("bytes", Kind::Bytes, Value::Bytes(vec![0, 255])),
    ] {
        let converter = converter(name, &Settings::default()).unwrap();
        let sent = schema([("id", Kind::Int64), ("value", kind.clone())], &["id"]);
        let mut bodies = Blobs::default();
        let rows = [vec![Value::Int(7), value.clone()]];
        converter
            .encode(&records(&sent, rows.clone()), &mut bodies)
            .unwrap();
        let knows = Target {
            schema: Some(sent.clone()),
            key: vec!["id".to_owned()],
            ..Target::default()
        };
        let mut decoder = converter.decoder(TOPIC.into(), knows).unwrap();
        for body in [bodies.get(0), b""] {
            decoder
                .push(MessageRef {
                    key: b"7",
                    body,
                    time: None,
                })
                .unwrap();
        }
        let back = decoder.take().unwrap().unwrap();
        assert_eq!(
            values(&back),
            [vec![value, Value::Int(7)], vec![Value::Null, Value::Int(7)]]
        );
        assert_eq!(
            (back.ops().get(0), back.ops().get(1)),
            (Op::Read, Op::Delete)
        );
        assert!(decoder.take().unwrap().is_none());

        let empty = [vec![Value::Int(7), Value::Null]];
        let error = converter
            .encode(&records(&sent, empty), &mut bodies)
            .unwrap_err();
        assert_eq!((error.kind(), bodies.len()), (ErrorKind::Data, 1));
        let wide = schema([("a", kind.clone()), ("b", kind)], &[]);
        let error = converter
            .encode(&records(&wide, []), &mut bodies)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
    }
}

#[test]
fn a_body_that_is_no_text_and_a_tombstone_without_key_are_refused() {
    let converter = converter("string", &Settings::default()).unwrap();
    let mut decoder = converter.decoder(TOPIC.into(), Target::default()).unwrap();
    for (body, message) in [
        (b"\xff".as_slice(), "topic `orders`: body is not UTF-8"),
        (
            b"",
            "topic `orders`: an empty body (a tombstone), but the target has no key columns",
        ),
    ] {
        let error = decoder
            .push(MessageRef {
                body,
                ..Default::default()
            })
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Data, message.to_owned())
        );
    }
    assert_eq!(decoder.rows(), 0);
}

#[test]
fn converters_are_found_by_our_names_and_by_java_classes() {
    for name in [
        "json",
        "string",
        "bytes",
        "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter",
        "org.apache.kafka.connect.json.JsonConverter",
        "org.apache.kafka.connect.storage.StringConverter",
        "org.apache.rocketmq.connect.runtime.converter.record.ByteArrayConverter",
    ] {
        assert!(converter(name, &Settings::default()).is_ok(), "{name}");
    }
    let refused = |name, settings: &[(&str, &str)]| {
        let settings = Settings::from_iter(settings.iter().copied());
        let error = converter(name, &settings).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    assert_eq!(
        refused("jsn", &[]),
        "there is no converter `jsn`: there are json, string, bytes; did you mean `json`?"
    );
    assert!(
        refused("org.apache.kafka.connect.json.JsonConvertor", &[])
            .ends_with("did you mean `org.apache.kafka.connect.json.JsonConverter`?")
    );
    assert_eq!(
        refused(
            "json",
            &[("schemas.enabled", "false"), ("decimal.format", "hex")]
        ),
        "`decimal.format`: `hex` is none of BASE64, NUMERIC\n\
         `schemas.enabled`: unknown key; did you mean `schemas.enable`?"
    );
    assert_eq!(
        refused("bytes", &[("schemas.enable", "false")]),
        "`schemas.enable`: unknown key"
    );
}
