//! Bodies without a schema: typed by the target, with the columns that they have.
use crate::{body, decoder, json, refusal, schema, target, values};
use connect_api::{ErrorKind, Kind, MessageRef, Op, Pushed, SchemaRef, Target, Value};

fn orders() -> SchemaRef {
    schema(
        [
            ("id", Kind::Int64),
            ("status", Kind::Text),
            (
                "amount",
                Kind::Decimal {
                    precision: 5,
                    scale: 2,
                },
            ),
            ("seen", Kind::Bool),
        ],
        &["id"],
    )
}

fn keyed(key: &'static str) -> MessageRef<'static> {
    MessageRef {
        key: key.as_bytes(),
        ..Default::default()
    }
}

#[test]
fn without_a_target_the_message_says_what_to_do() {
    let mut decoder = decoder(&*json(&[]), Target::default());
    let error = decoder.push(body(r#"{"id":1}"#)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert_eq!(
        error.to_string(),
        "topic `orders`: the body has no schema and the target table does not exist: set \
         `value.converter.schemas.enable=true` at the source, or create the table"
    );
}

#[test]
fn records_have_the_columns_that_their_messages_have() {
    let mut decoder = decoder(&*json(&[]), target(&orders()));
    let two = [r#"{"id":1,"status":"a"}"#, r#"{"status":null,"id":2}"#];
    for text in two {
        assert_eq!(decoder.push(body(text)).unwrap(), Pushed::Row);
    }
    for other in [
        r#"{"id":3}"#,
        r#"{"seen":true,"id":3}"#,
        r#"{"id":3,"status":"a","seen":true}"#,
    ] {
        assert_eq!(decoder.push(body(other)).unwrap(), Pushed::TakeFirst);
        assert_eq!(decoder.rows(), 2);
    }
    let records = decoder.take().unwrap().unwrap();
    assert_eq!(records.schema().kinds(), [Kind::Int64, Kind::Text]);
    assert_eq!(
        values(&records),
        [
            vec![Value::Int(1), "a".into()],
            vec![Value::Int(2), Value::Null]
        ]
    );
    assert_eq!(
        decoder.push(body(r#"{"seen":1,"id":3}"#)).unwrap(),
        Pushed::Row
    );
    let records = decoder.take().unwrap().unwrap();
    assert_eq!(records.schema().kinds(), [Kind::Int64, Kind::Bool]);
    assert_eq!(
        (records.schema().key(), records.schema().name()),
        ([0].as_slice(), "orders")
    );
    assert_eq!(values(&records), [vec![Value::Int(3), Value::Bool(true)]]);
}

#[test]
fn a_field_that_is_no_column_is_refused_or_left_out() {
    let text = r#"{"id":1,"colour":{"a":[1]},"status":"a"}"#;
    let mut strict = decoder(&*json(&[]), target(&orders()));
    let expected = "topic `orders`: field `colour` is neither in the schema of the message nor a \
                    column of the target; `value.converter.unknown.fields=ignore` leaves such fields out";
    assert_eq!(refusal(&mut *strict, body(text)), expected);
    strict.push(body(r#"{"id":1,"status":"a"}"#)).unwrap();
    assert_eq!(refusal(&mut *strict, body(text)), expected);
    strict.take().unwrap();
    assert_eq!(refusal(&mut *strict, body(r#"{"colour":1}"#)), expected);
    let mut lax = decoder(&*json(&[("unknown.fields", "ignore")]), target(&orders()));
    for text in [
        text,
        r#"{"status":"b","id":2}"#,
        r#"{"id":3,"colour":1,"status":"c","x":2}"#,
    ] {
        assert_eq!(lax.push(body(text)).unwrap(), Pushed::Row);
    }
    assert_eq!(lax.rows(), 3);
    assert_eq!(
        refusal(&mut *lax, body(r#"{"colour":1}"#)),
        "topic `orders`: the body has no field of `orders`"
    );
}

#[test]
fn values_are_read_in_every_form_that_says_them_exactly() {
    let decimal = Kind::Decimal {
        precision: 5,
        scale: 2,
    };
    let instant = Kind::Timestamp { utc: true };
    let wall = Kind::Timestamp { utc: false };
    for (kind, text, value) in [
        (Kind::Bool, "1", Value::Bool(true)),
        (Kind::Bool, "0", Value::Bool(false)),
        (Kind::Int8, "-1.28e2", Value::Int(-128)),
        (Kind::Int64, "-0", Value::Int(0)),
        (Kind::Int64, "9223372036854775807.00", Value::Int(i64::MAX)),
        (Kind::UInt64, "18446744073709551615", Value::UInt(u64::MAX)),
        (Kind::Float64, "0.1", Value::Float(0.1)),
        (
            Kind::Float64,
            "123456789.123456789",
            Value::Float(123_456_789.123_456_79),
        ),
        (Kind::Float64, "3", Value::Float(3.0)),
        (Kind::Float32, "16777217", Value::Float(16_777_216.0)),
        (decimal.clone(), "12.3", Value::Decimal(1_230, 2)),
        (decimal.clone(), "-12.300", Value::Decimal(-1_230, 2)),
        (decimal.clone(), "1.2e1", Value::Decimal(1_200, 2)),
        (decimal.clone(), "\"BNI=\"", Value::Decimal(1_234, 2)),
        (decimal.clone(), "\"BNI\"", Value::Decimal(1_234, 2)),
        (decimal, "\"\\u0042NI=\"", Value::Decimal(1_234, 2)),
        (Kind::BigDecimal, "1.50", "1.50".into()),
        (Kind::BigDecimal, "15E-1", "1.5".into()),
        (Kind::Json, "{\"a\" : [1, {}]}", "{\"a\" : [1, {}]}".into()),
        (Kind::Json, "1.0", "1.0".into()),
        (Kind::Json, "true", "true".into()),
        (Kind::Json, "\"[]\"", "[]".into()),
        (Kind::Text, "\"\\ud83d\\ude00\\/\\b\"", "😀/\u{8}".into()),
        (Kind::Bytes, "\"AP8Q\"", Value::Bytes(vec![0, 255, 16])),
        (Kind::Date, "\"2024-02-29\"", Value::Date(19_782)),
        (Kind::Date, "19782", Value::Date(19_782)),
        (Kind::Time, "\"00:00:01.5\"", Value::Time(1_500_000)),
        (Kind::Time, "1500000", Value::Time(1_500_000)),
        (
            instant.clone(),
            "\"1970-01-01T01:00:00+01:00\"",
            Value::Timestamp(0),
        ),
        (
            instant,
            "1717245296123456",
            Value::Timestamp(1_717_245_296_123_456),
        ),
        (wall, "\"1970-01-01 00:00:00.000001\"", Value::Timestamp(1)),
        (
            Kind::Uuid,
            "\"000000000000000000000000000000ff\"",
            Value::Bytes([vec![0; 15], vec![255]].concat()),
        ),
    ] {
        let knows = target(&schema([("a", kind.clone())], &[]));
        let mut decoder = decoder(&*json(&[]), knows);
        let text = format!("{{\"a\": {text} }}");
        decoder.push(body(&text)).unwrap();
        let rows = values(&decoder.take().unwrap().unwrap());
        assert_eq!(rows, [vec![value]], "{kind:?} {text}");
    }
}

#[test]
fn strings_for_decimals_are_digits_where_the_format_says_numeric() {
    let knows = target(&orders());
    let mut decoder = decoder(&*json(&[("decimal.format", "NUMERIC")]), knows);
    decoder
        .push(body(r#"{"amount":"1234e-2","id":1}"#))
        .unwrap();
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows, [vec![Value::Int(1), Value::Decimal(1_234, 2)]]);
}

#[test]
fn values_of_another_type_are_rejected_by_column_without_showing_the_value() {
    let decimal = Kind::Decimal {
        precision: 5,
        scale: 2,
    };
    let beyond = "the number is beyond the range of the column";
    let finer = "the number has more digits after the point than the column";
    for (kind, text, message) in [
        (
            Kind::Int32,
            "\"4711\"",
            "expected a whole number, found a string",
        ),
        (Kind::Int32, "4711.5", finer),
        (Kind::Int32, "47110000000", beyond),
        (Kind::UInt8, "-1", beyond),
        (Kind::Int64, "9223372036854775808", beyond),
        (Kind::Int64, "-9223372036854775809", beyond),
        (Kind::UInt64, "18446744073709551616", beyond),
        (Kind::UInt64, "-1", beyond),
        (
            Kind::Int32,
            "[4711]",
            "expected a whole number, found an array",
        ),
        (
            Kind::Int32,
            "true",
            "expected a whole number, found a boolean",
        ),
        (
            Kind::Bool,
            "4711",
            "expected a boolean, 0 or 1, found another number",
        ),
        (Kind::Bool, "\"true\"", "expected a boolean, found a string"),
        (
            Kind::Float64,
            "\"4711\"",
            "expected a number (or NaN, Infinity, -Infinity), found another string",
        ),
        (Kind::Float64, "1e999", beyond),
        (Kind::Float32, "4711e99", beyond),
        (decimal.clone(), "4711.001", finer),
        (decimal.clone(), "4711", beyond),
        (decimal.clone(), "\"-\"", "the string is not base64"),
        (decimal.clone(), "\"\"", beyond),
        (
            decimal,
            "{\"scale\":2}",
            "expected a number, found an object",
        ),
        (
            Kind::BigDecimal,
            "\"4711x\"",
            "the string is not the text of a number",
        ),
        (Kind::BigDecimal, "1e999999999", beyond),
        (Kind::Text, "4711", "expected a string, found a number"),
        (Kind::Bytes, "\"4711!\"", "the string is not base64"),
        (
            Kind::Uuid,
            "\"4711\"",
            "the string is not the text of a UUID",
        ),
        (
            Kind::Date,
            "\"4711\"",
            "the string is not the text of a date (YYYY-MM-DD)",
        ),
        (Kind::Date, "47110000000", beyond),
        (
            Kind::Time,
            "\"25:00\"",
            "the string is not the text of a time (HH:MM:SS, at most 6 digits after the point)",
        ),
        (
            Kind::Timestamp { utc: true },
            "\"2024-01-01T00:00:00.1234567Z\"",
            "the string is not the text of a timestamp (ISO 8601, at most 6 digits after the point)",
        ),
    ] {
        let knows = target(&schema([("a", kind.clone())], &[]));
        let mut decoder = decoder(&*json(&[]), knows);
        let text = format!("{{\"a\":{text}}}");
        let error = decoder.push(body(&text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(!error.report().contains("4711"));
        assert_eq!(
            error.to_string(),
            format!("topic `orders`: column `a`: {message}"),
            "{text}"
        );
    }
}

#[test]
fn milliseconds_that_overflow_are_refused() {
    let knows = target(&schema([("a", Kind::Timestamp { utc: true })], &[]));
    let mut decoder = decoder(&*json(&[("time.precision.mode", "connect")]), knows);
    assert_eq!(
        refusal(&mut *decoder, body(r#"{"a":9223372036854775807}"#)),
        "topic `orders`: column `a`: the time is not one of whole microseconds in 64 bits"
    );
}

#[test]
fn a_refused_row_leaves_no_trace() {
    let mut decoder = decoder(&*json(&[]), target(&orders()));
    for _ in 0..3 {
        decoder.push(body(r#"{"id":1,"status":"a"}"#)).unwrap();
        for wrong in [
            r#"{"id":null,"status":"a"}"#,
            r#"{"id":1,"status":2}"#,
            r#"{"id":1,"status":"a"}}"#,
            r#"{"id":1,"status":"a""#,
            r#"{"status":"a","id":1,"id":1}"#,
        ] {
            refusal(&mut *decoder, body(wrong));
        }
    }
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows, vec![vec![Value::Int(1), "a".into()]; 3]);
    refusal(&mut *decoder, body(r#"{"id":1,"status":2}"#));
    assert!(decoder.take().unwrap().is_none());
}

#[test]
fn null_in_a_key_column_is_refused() {
    let mut decoder = decoder(&*json(&[]), target(&orders()));
    assert_eq!(
        refusal(&mut *decoder, body(r#"{"id":null,"status":"a"}"#)),
        "topic `orders`: column `id`: null in a key column"
    );
}

#[test]
fn key_columns_that_the_body_lacks_come_from_the_message_key() {
    let lines = schema(
        [
            ("order", Kind::Int64),
            ("line", Kind::Int32),
            ("v", Kind::Text),
        ],
        &["order", "line"],
    );
    let knows = Target {
        schema: Some(lines),
        key: vec!["order".to_owned(), "line".to_owned()],
        ..Target::default()
    };
    let mut decoder = decoder(&*json(&[]), knows);
    let key = r#"{"order":7,"line":2}"#;
    for text in [r#"{"v":"x"}"#, r#"{"v":"y"}"#] {
        let message = MessageRef {
            body: text.as_bytes(),
            ..keyed(key)
        };
        assert_eq!(decoder.push(message).unwrap(), Pushed::Row);
    }
    // What is in the body is taken from there.
    let message = MessageRef {
        body: br#"{"v":"z","line":3}"#,
        ..keyed(key)
    };
    assert_eq!(decoder.push(message).unwrap(), Pushed::TakeFirst);
    let first = decoder.take().unwrap().unwrap();
    assert_eq!(decoder.push(message).unwrap(), Pushed::Row);
    let second = decoder.take().unwrap().unwrap();
    assert_eq!(first.schema().key(), [1, 2]);
    assert_eq!(
        values(&first),
        [
            vec!["x".into(), Value::Int(7), Value::Int(2)],
            vec!["y".into(), Value::Int(7), Value::Int(2)]
        ]
    );
    let row = second.row(0);
    let get = |name| row.by_name(name).unwrap().to_value();
    assert_eq!(
        [get("order"), get("line"), get("v")],
        [Value::Int(7), Value::Int(3), "z".into()]
    );
}

#[test]
fn a_tombstone_deletes_the_row_of_its_key() {
    let knows = Target {
        schema: Some(orders()),
        key: vec!["id".to_owned()],
        ..Target::default()
    };
    for first in [None, Some(r#"{"id":1,"status":"a"}"#)] {
        let mut decoder = decoder(&*json(&[]), knows.clone());
        if let Some(first) = first {
            decoder.push(body(first)).unwrap();
        }
        let tombstone = MessageRef {
            time: Some(5),
            ..keyed("7")
        };
        assert_eq!(decoder.push(tombstone).unwrap(), Pushed::Row);
        let records = decoder.take().unwrap().unwrap();
        let row = records.row(records.len() - 1);
        assert_eq!((row.op(), row.time()), (Op::Delete, Some(5)));
        assert_eq!(row.by_name("id").unwrap().to_value(), Value::Int(7));
        assert_eq!(row.by_name("status").unwrap().to_value(), Value::Null);
        assert_eq!(
            refusal(&mut *decoder, keyed("")),
            "topic `orders`: tombstone: the message has no key, which key columns are read from"
        );
        assert_eq!(
            refusal(&mut *decoder, keyed("seven")),
            "topic `orders`: tombstone: message key is not JSON: expected value at byte 0"
        );
        assert!(decoder.take().unwrap().is_none());
    }
}

#[test]
fn a_tombstone_finds_the_key_that_the_row_before_it_lacked() {
    let mut decoder = decoder(&*json(&[]), target(&orders()));
    decoder.push(body(r#"{"status":"a"}"#)).unwrap();
    assert_eq!(decoder.push(keyed("7")).unwrap(), Pushed::TakeFirst);
    let records = decoder.take().unwrap().unwrap();
    assert!(records.schema().key().is_empty());
    assert_eq!(decoder.push(keyed("7")).unwrap(), Pushed::Row);
    let records = decoder.take().unwrap().unwrap();
    assert_eq!(records.schema().key(), [0]);
}

#[test]
fn a_tombstone_without_key_columns_or_types_is_refused() {
    let heap = schema([("a", Kind::Int64)], &[]);
    assert_eq!(
        refusal(&mut *decoder(&*json(&[]), target(&heap)), keyed("7")),
        "topic `orders`: a delete (an empty or null body), but the target has no key columns: \
         take the key from the message key (`pk.mode=record_key`)"
    );
    let knows = Target {
        schema: None,
        key: vec!["id".to_owned()],
        ..Target::default()
    };
    assert_eq!(
        refusal(&mut *decoder(&*json(&[]), knows), keyed("7")),
        "topic `orders`: a delete (an empty or null body) came before any row, and there is no \
         target table to take the types of the key columns from"
    );
}

#[test]
fn null_is_a_delete_however_the_java_runtimes_write_it() {
    let knows = Target {
        schema: Some(orders()),
        key: vec!["id".to_owned()],
        ..Target::default()
    };
    let row = r#"{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"},{"type":"string","field":"status"}],"name":"orders"},"payload":{"id":7,"status":"new"}}"#;
    let deleted = row.replace(r#"{"id":7,"status":"new"}"#, "null");
    let mut decoder = decoder(&*json(&[]), knows.clone());
    for body in [
        "null",
        " null\n",
        r#"{"schema":null,"payload":null}"#,
        r#"{"payload":null,"schema":null}"#,
        row,
        &deleted,
        &deleted.replace(":null", " : null "),
        r#"{"schema":{"type":"string"},"payload":null}"#,
        "",
    ] {
        let message = MessageRef {
            key: b"7",
            body: body.as_bytes(),
            time: None,
        };
        let op = if body == row { Op::Read } else { Op::Delete };
        if decoder.push(message).unwrap() == Pushed::TakeFirst {
            decoder.take().unwrap();
            assert_eq!(decoder.push(message).unwrap(), Pushed::Row, "{body}");
        }
        let read = decoder.take().unwrap().unwrap();
        assert_eq!(read.ops().get(0), op, "{body}");
        let id = read.row(0).by_name("id").unwrap().to_value();
        assert_eq!(id, Value::Int(7), "{body}");
    }
    for text in ["null", r#"{"schema":null,"payload":null}"#, &deleted] {
        assert_eq!(
            refusal(&mut *decoder, body(text)),
            "topic `orders`: tombstone: the message has no key, which key columns are read from",
            "{text}"
        );
    }
}
