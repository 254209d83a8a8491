//! Message keys out and back.
use crate::{records, round_trip, schema};
use connect_api::{Blobs, ErrorKind, Kind, Op, RecordsBuilder, Result, SchemaRef, Value};
use connect_converters::{KeyReader, encode_keys};
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
        (&id, "null", "column `id`: expected a value, found null"),
        (
            &id,
            "\"4711\"",
            "column `id`: expected a whole number, found a string",
        ),
        (
            &id,
            "4711.5",
            "column `id`: the number has more digits after the point than the column",
        ),
        (&two, "4711", "expected an object, found a number"),
        (&two, r#"{"id":4711}"#, "a key column is missing"),
        (
            &two,
            r#"{"id":4711,"s":null}"#,
            "column `s`: null in a key column",
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
    let error = KeyReader::new(&id)
        .read(
            b"\xff",
            RecordsBuilder::new(id.clone(), 1).unwrap().columns(),
        )
        .unwrap_err();
    assert_eq!(error.to_string(), "message key is not UTF-8");
}
