//! Message keys out and back.
use crate::{records, round_trip, schema};
use connect_api::{
    Blobs, ErrorKind, KeyTemplate, KeyTemplatePart, Kind, Op, Ops, RecordsBuilder, Result,
    SchemaRef, Value,
};
use connect_api::{MessageRef, config::Settings};
use connect_converters::{KeyConverter, KeyReader, encode_keys, encode_template};
use proptest::prelude::*;

fn keys(schema: &SchemaRef, rows: &[Vec<Value>]) -> Vec<String> {
    let mut keys = Blobs::default();
    encode_keys(&records(schema, rows.to_vec()), &mut keys).unwrap();
    (0..keys.len())
        .map(|i| String::from_utf8(keys.get(i).to_vec()).unwrap())
        .collect()
}

fn read(schema: &SchemaRef, key: &str) -> Result<Vec<Value>> {
    let mut builder = RecordsBuilder::new(schema.clone(), 1)?;
    KeyReader::new(schema).read(key.as_bytes(), builder.columns())?;
    builder.keep(Op::Delete, None, None)?;
    let records = builder.finish("t".into())?;
    Ok(records.row(0).to_record().values)
}

/// Every kind that a key can have, and a column of it.
fn single() -> impl Strategy<Value = (Kind, Value)> {
    prop::sample::select(round_trip::kinds()).prop_flat_map(|(_, kind)| {
        round_trip::value_of(&kind).prop_map(move |value| (kind.clone(), value))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn one_key_column_comes_back((kind, value) in single()) {
        let schema = schema([("k", kind)], &["k"]);
        let rows = [vec![value]];
        let key = &keys(&schema, &rows)[0];
        prop_assert!(!key.is_empty() && key.bytes().all(|b| b >= 0x20));
        prop_assert_eq!(&read(&schema, key).unwrap(), &rows[0]);
    }

    #[test]
    fn several_key_columns_come_back((a, x) in single(), (b, y) in single()) {
        let schema = schema([("a", a), ("v", Kind::Text), ("b", b)], &["b", "a"]);
        let rows = [vec![x.clone(), Value::Null, y.clone()]];
        let key = &keys(&schema, &rows)[0];
        let first = "{\"b\":";
        prop_assert!(key.starts_with(first) && key.bytes().all(|b| b >= 0x20));
        serde_json::from_str::<serde_json::Value>(key).unwrap();
        prop_assert_eq!(&read(&schema, key).unwrap(), &rows[0]);
    }
}

#[test]
fn one_key_column_is_its_plain_text() {
    let decimal = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    let instant = 1_717_245_296_123_456;
    for (kind, value, text) in [
        (Kind::Int64, Value::Int(-42), "-42"),
        (Kind::UInt64, Value::UInt(u64::MAX), "18446744073709551615"),
        (Kind::Bool, Value::Bool(true), "true"),
        (decimal, Value::Decimal(-5, 2), "-0.05"),
        (
            Kind::Uuid,
            Value::Bytes(vec![0xab; 16]),
            "abababab-abab-abab-abab-abababababab",
        ),
        (Kind::Date, Value::Date(19_782), "2024-02-29"),
        (Kind::Time, Value::Time(3_723_000_004), "01:02:03.000004"),
        (
            Kind::Timestamp { utc: true },
            Value::Timestamp(instant),
            "2024-06-01T12:34:56.123456Z",
        ),
        (
            Kind::Timestamp { utc: false },
            Value::Timestamp(instant),
            "2024-06-01T12:34:56.123456",
        ),
        (Kind::Bytes, Value::Bytes(vec![0, 255]), "AP8="),
        (Kind::Text, "Grüße \"x\" \\".into(), "Grüße \"x\" \\"),
        (Kind::Text, "".into(), "\"\""),
        (Kind::Text, "{a".into(), "\"{a\""),
        (Kind::Text, "\"a\"".into(), "\"\\\"a\\\"\""),
        (
            Kind::Text,
            "a\u{1}b\u{2}c\n".into(),
            "\"a\\u0001b\\u0002c\\n\"",
        ),
    ] {
        let schema = schema([("k", kind)], &["k"]);
        assert_eq!(keys(&schema, &[vec![value.clone()]]), [text]);
        assert_eq!(read(&schema, text).unwrap(), [value]);
    }
}

#[test]
fn several_key_columns_are_an_object_in_the_order_of_the_key() {
    let decimal = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    let columns = [
        ("a", Kind::Int64),
        ("b\"", Kind::Text),
        ("c", decimal),
        ("d", Kind::Date),
    ];
    let schema = schema(columns, &["d", "b\"", "a", "c"]);
    let row = vec![
        Value::Int(1),
        "x\u{2}".into(),
        Value::Decimal(5, 2),
        Value::Date(0),
    ];
    let text = r#"{"d":"1970-01-01","b\"":"x\u0002","a":1,"c":"0.05"}"#;
    assert_eq!(keys(&schema, std::slice::from_ref(&row)), [text]);
    assert_eq!(read(&schema, text).unwrap(), row);
    let other_order = r#" { "a" : 1, "c" : 5e-2, "b\"" : "x\u0002", "d" : 0 } "#;
    assert_eq!(read(&schema, other_order).unwrap(), row);
}

/// A row's key by the converter `name`, and that key read again by it.
fn by(
    name: &str,
    settings: &[(&str, &str)],
    schema: &SchemaRef,
    row: &[Value],
) -> (String, Vec<Value>) {
    let settings = Settings::from_iter(settings.iter().copied());
    let converter = KeyConverter::named(name, &settings).unwrap();
    let mut keys = Blobs::default();
    converter
        .encode(&records(schema, [row.to_vec()]), &mut keys)
        .unwrap();
    let key = String::from_utf8(keys.get(0).to_vec()).unwrap();
    let bodies =
        connect_converters::converter_with_keys("json", &Settings::default(), &converter).unwrap();
    let target = connect_api::Target {
        schema: Some(schema.clone()),
        key: schema
            .key()
            .iter()
            .map(|i| schema.field(*i).name().clone())
            .collect(),
        ..connect_api::Target::default()
    };
    let mut decoder = bodies.decoder("t".into(), target).unwrap();
    let message = MessageRef {
        key: key.as_bytes(),
        ..Default::default()
    };
    decoder.push(message).unwrap();
    let read = decoder.take().unwrap().unwrap();
    (key, read.row(0).to_record().values)
}

#[test]
fn keys_are_written_as_the_java_runtimes_have_them_where_asked() {
    let one = schema([("id", Kind::Int64)], &["id"]);
    let two = schema(
        [("id", Kind::Int64), ("at", Kind::Timestamp { utc: true })],
        &["id", "at"],
    );
    let (id, at) = (Value::Int(11), Value::Timestamp(1_717_245_296_123_000));
    let java = "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter";
    let string = "org.apache.rocketmq.connect.runtime.converter.record.StringConverter";
    let plain = [("schemas.enable", "false")];
    for (name, settings, schema, row, text) in [
        ("text", &[][..], &one, vec![id.clone()], "11"),
        (string, &[], &one, vec![id.clone()], "11"),
        ("json", &plain, &one, vec![id.clone()], r#"{"id":11}"#),
        (java, &plain, &one, vec![id.clone()], r#"{"id":11}"#),
        (
            java,
            &[],
            &one,
            vec![id.clone()],
            r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"optional":false,"name":"orders"},"payload":{"id":11}}"#,
        ),
        (
            java,
            &plain,
            &two,
            vec![id.clone(), at.clone()],
            r#"{"id":11,"at":1717245296123}"#,
        ),
        (
            "text",
            &[],
            &two,
            vec![id.clone(), at.clone()],
            r#"{"id":11,"at":"2024-06-01T12:34:56.123000Z"}"#,
        ),
    ] {
        assert_eq!(
            by(name, settings, schema, &row),
            (text.to_owned(), row),
            "{name}"
        );
    }
    let (key, read) = by(java, &[], &two, &[id.clone(), at.clone()]);
    assert!(
        key.ends_with(r#""payload":{"id":11,"at":1717245296123}}"#),
        "{key}"
    );
    assert_eq!(read, [id, at]);
}

#[test]
fn keys_of_the_java_runtimes_are_read_whatever_is_set() {
    let one = schema([("id", Kind::Int64)], &["id"]);
    let text = schema([("id", Kind::Text)], &["id"]);
    let two = schema(
        [("id", Kind::Int64), ("region", Kind::Text)],
        &["region", "id"],
    );
    let field = |name: &str, of: &str| format!(r#"{{"type":"{of}","field":"{name}"}}"#);
    let of = |fields: &[String], payload: &str| {
        let fields = fields.join(",");
        format!(r#"{{"schema":{{"type":"struct","fields":[{fields}]}},"payload":{payload}}}"#)
    };
    let id = field("id", "int64");
    let more = of(&[id.clone(), field("x", "string")], r#"{"id":9,"x":"y"}"#);
    let both = of(
        &[id.clone(), field("region", "string")],
        r#"{"id":9,"region":"eu"}"#,
    );
    for (schema, key, values) in [
        (&one, r#"{"id":11}"#, vec![Value::Int(11)]),
        (&one, r#" { "x" : 1, "id" : 11 } "#, vec![Value::Int(11)]),
        (
            &one,
            &of(std::slice::from_ref(&id), r#"{"id":9}"#),
            vec![Value::Int(9)],
        ),
        (&one, &more, vec![Value::Int(9)]),
        (
            &one,
            r#"{"schema":{"type":"int64","optional":false},"payload":9}"#,
            vec![Value::Int(9)],
        ),
        (
            &one,
            r#"{"schema":null,"payload":{"id":9}}"#,
            vec![Value::Int(9)],
        ),
        (&one, r#"{"schema":null,"payload":9}"#, vec![Value::Int(9)]),
        (
            &text,
            r#"{"schema":{"type":"string"},"payload":"a b"}"#,
            vec!["a b".into()],
        ),
        (&text, r#"{"id":"a b"}"#, vec!["a b".into()]),
        (&text, r#"{"id":7}"#, vec!["7".into()]),
        (&text, r#"{a b}"#, vec!["{a b}".into()]),
        (&text, r#"{"other":"a"}"#, vec![r#"{"other":"a"}"#.into()]),
        (&two, &both, vec![Value::Int(9), "eu".into()]),
        (
            &two,
            r#"{"region":"eu","id":9,"more":[1]}"#,
            vec![Value::Int(9), "eu".into()],
        ),
    ] {
        assert_eq!(read(schema, key).unwrap(), values, "{key}");
    }
    // Columns that are named as the parts of an envelope are no envelope.
    let named = schema(
        [("schema", Kind::Text), ("payload", Kind::Int64)],
        &["schema", "payload"],
    );
    let key = r#"{"schema":"s","payload":9}"#;
    assert_eq!(read(&named, key).unwrap(), ["s".into(), Value::Int(9)]);
}

#[test]
fn times_in_keys_count_what_their_schema_or_the_settings_say() {
    let at = schema([("at", Kind::Timestamp { utc: true })], &["at"]);
    let expected = [Value::Timestamp(1_717_245_296_123_000)];
    let field = r#"{"type":"int64","field":"at","name":"org.apache.kafka.connect.data.Timestamp"}"#;
    let millis = format!(
        r#"{{"schema":{{"type":"struct","fields":[{field}]}},"payload":{{"at":1717245296123}}}}"#
    );
    assert_eq!(read(&at, &millis).unwrap(), expected);
    assert_eq!(read(&at, r#"{"at":1717245296123000}"#).unwrap(), expected);
    assert_eq!(
        read(&at, r#"{"at":"2024-06-01T12:34:56.123Z"}"#).unwrap(),
        expected
    );
}

#[test]
fn a_string_converter_takes_keys_as_they_stand() {
    let text = schema([("id", Kind::Text)], &["id"]);
    for value in [r#"{"id":"a"}"#, "\"quoted\"", "{", "a b"] {
        let row = [Value::from(value)];
        assert_eq!(
            by("string", &[], &text, &row),
            (value.to_owned(), row.to_vec())
        );
    }
    for value in ["", "a\u{1}b"] {
        let converter = KeyConverter::named("string", &Settings::default()).unwrap();
        let sent = records(&text, [vec![value.into()]]);
        let error = converter.encode(&sent, &mut Blobs::default()).unwrap_err();
        assert!(
            error.to_string().contains("no message key by itself"),
            "{error}"
        );
    }
}

#[test]
fn converters_that_cannot_make_a_key_are_refused() {
    for (name, why) in [("bytes", "is text"), ("jsn", "did you mean `json`")] {
        let error = KeyConverter::named(name, &Settings::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(why), "{error}");
    }
    let error = connect_converters::converter("text", &Settings::default());
    assert!(error.is_err());
}

#[test]
fn rows_without_key_columns_have_empty_keys() {
    let schema = schema([("a", Kind::Int64)], &[]);
    assert_eq!(
        keys(&schema, &[vec![Value::Int(1)], vec![Value::Null]]),
        ["", ""]
    );
    let mut builder = RecordsBuilder::new(schema.clone(), 1).unwrap();
    KeyReader::new(&schema)
        .read(b"x", builder.columns())
        .unwrap();
    assert!(builder.columns()[0].is_empty());
}

#[test]
fn null_in_a_key_column_is_refused_by_name() {
    let nullable = [Kind::Int64.field("id", true), Kind::Text.field("b", true)];
    let schema = connect_api::Schema::new("t", nullable, &["id"]).unwrap();
    let rows = [
        vec![Value::Int(1), Value::Null],
        vec![Value::Null, Value::Null],
    ];
    let mut out = Blobs::default();
    out.push(b"before");
    let error = encode_keys(&records(&schema, rows), &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        error.to_string(),
        "key column `id`, row 1: NULL has no place in a key"
    );
    assert_eq!(out.len(), 1);
}

#[test]
fn keys_that_are_not_of_the_columns_are_refused() {
    let id = schema([("id", Kind::Int64)], &["id"]);
    let two = schema([("id", Kind::Int64), ("s", Kind::Text)], &["id", "s"]);
    for (schema, key, message) in [
        (
            &id,
            "",
            "the message has no key, which key columns are read from",
        ),
        (
            &id,
            "x4711",
            "message key is not JSON: expected value at byte 0",
        ),
        (
            &id,
            "4711 x",
            "message key is not JSON: expected the end at byte 5",
        ),
        (
            &id,
            "null",
            "message key: column `id`: expected a value, found null",
        ),
        (
            &id,
            "\"4711\"",
            "message key: column `id`: expected a whole number, found a string",
        ),
        (
            &id,
            "4711.5",
            "message key: column `id`: the number has more digits after the point than the column",
        ),
        (
            &two,
            "4711",
            "message key: expected an object, found a number",
        ),
        (
            &two,
            r#"{"id":4711}"#,
            "message key: a key column is missing",
        ),
        (
            &two,
            r#"{"id":4711,"s":null}"#,
            "message key: column `s`: null in a key column",
        ),
        (
            &two,
            r#"{"id":4711,"s":"a"}x"#,
            "message key is not JSON: expected the end at byte 19",
        ),
    ] {
        let error = read(schema, key).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Data, message.to_owned())
        );
    }
    for (schema, key, message) in [
        (
            &id,
            "{\"other\":4711}",
            "message key: a key column is missing",
        ),
        (
            &id,
            "{\"id\":null}",
            "message key: column `id`: null in a key column",
        ),
        (
            &id,
            "{\"id\":\"4711\"}",
            "message key: column `id`: expected a whole number, found a string",
        ),
        (
            &id,
            "{\"schema\":{\"type\":\"int64\"},\"payload\":null}",
            "message key: is null",
        ),
        (
            &id,
            "{\"schema\":{\"type\":\"what\"},\"payload\":1}",
            "message key: type `what` is none of a Connect schema",
        ),
        (
            &id,
            "{\"id\":4711",
            "message key is not JSON: expected `,` or `}` at byte 10",
        ),
    ] {
        let error = read(schema, key).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Data, message.to_owned())
        );
        assert!(!error.report().contains("4711"));
    }
    let error = KeyReader::new(&id)
        .read(
            b"\xff",
            RecordsBuilder::new(id.clone(), 1).unwrap().columns(),
        )
        .unwrap_err();
    assert_eq!(error.to_string(), "message key is not UTF-8");
}

#[test]
fn a_template_writes_values_as_keys_of_one_column_have_them() {
    let schema = schema(
        [
            ("id", Kind::Int64),
            ("code", Kind::Text),
            ("at", Kind::Timestamp { utc: true }),
        ],
        &["id"],
    );
    let text = |text: &str| KeyTemplatePart::Text(text.into());
    let (id, code, at) = (
        KeyTemplatePart::Column(0),
        KeyTemplatePart::Column(1),
        KeyTemplatePart::Column(2),
    );
    let template = KeyTemplate::new([text("o-"), id, text(" {"), code, text("} "), at]);
    let rows = vec![
        vec![7.into(), "a \"b\"".into(), Value::Timestamp(1_500_000)],
        vec![(-8).into(), "".into(), Value::Timestamp(0)],
        vec![9.into(), "gone".into(), Value::Null],
    ];
    let records = records(&schema, rows);
    let mut keys = Blobs::default();
    keys.push(b"before");
    // G3: a key is not made without one of its values.
    let error = encode_template(&records, &template, &mut keys).unwrap_err();
    assert_eq!((error.kind(), keys.len()), (ErrorKind::Data, 1));
    let message = error.to_string();
    assert!(
        message.contains("column `at`, row 2: it is NULL"),
        "{message}"
    );
    assert!(!message.contains("gone"), "{message}");
    // Deletes have no values but their key.
    let ops = Ops::from_rows(vec![Op::Read, Op::Read, Op::Delete]);
    let records = records.with_ops(ops).unwrap();
    encode_template(&records, &template, &mut keys).unwrap();
    let all: Vec<_> = (0..keys.len())
        .map(|i| std::str::from_utf8(keys.get(i)).unwrap())
        .collect();
    assert_eq!(
        all,
        [
            "before",
            "o-7 {a \"b\"} 1970-01-01T00:00:01.500000Z",
            "o--8 {} 1970-01-01T00:00:00.000000Z",
            "",
        ]
    );
    let beyond = KeyTemplate::new([KeyTemplatePart::Column(3)]);
    let error = encode_template(&records, &beyond, &mut keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}
