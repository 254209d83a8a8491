//! Bodies with a schema: how it is recognised, read and kept.
use crate::{body, decoder, json, refusal, schema, target, values};
use connect_api::{ErrorKind, Kind, LOGICAL_NAME, MessageRef, NOT_NULL, Pushed, Target, Value};

fn one(field: &str, value: &str) -> String {
    format!(
        r#"{{"schema":{{"type":"struct","fields":[{{"field":"a",{field}}}]}},"payload":{{"a":{value}}}}}"#
    )
}

#[test]
fn logical_names_of_every_maker_are_read() {
    let wall = r#""parameters":{"connect.local":"true"}"#;
    let utc = |v| (Kind::Timestamp { utc: true }, Value::Timestamp(v));
    let date = (Kind::Date, Value::Date(3));
    let time = |v| (Kind::Time, Value::Time(v));
    let decimal = |scale| Kind::Decimal {
        precision: 38,
        scale,
    };
    for (field, value, (kind, read)) in [
        (r#""type":"int32","name":"org.apache.kafka.connect.data.Date""#.to_owned(), "3", date.clone()),
        (r#""type":"int32","name":"io.debezium.time.Date""#.to_owned(), "3", date),
        (r#""type":"int32","name":"org.apache.kafka.connect.data.Time""#.to_owned(), "3", time(3_000)),
        (r#""type":"int32","name":"io.debezium.time.Time""#.to_owned(), "3", time(3_000)),
        (r#""type":"int64","name":"io.debezium.time.MicroTime""#.to_owned(), "3", time(3)),
        (r#""type":"int64","name":"io.debezium.time.NanoTime""#.to_owned(), "3", (Kind::TimeNanos, Value::Time(3))),
        (r#""type":"int64","name":"io.debezium.time.MicroDuration""#.to_owned(), "-3", (Kind::Duration, Value::Time(-3))),
        (r#""type":"int64","name":"org.apache.kafka.connect.data.Timestamp""#.to_owned(), "-3", utc(-3_000)),
        (r#""type":"int64","name":"io.debezium.time.Timestamp""#.to_owned(), "3", utc(3_000)),
        (r#""type":"int64","name":"io.debezium.time.MicroTimestamp""#.to_owned(), "3", utc(3)),
        (r#""type":"int64","name":"io.debezium.time.NanoTimestamp""#.to_owned(), "3000", utc(3)),
        (r#""type":"string","name":"io.debezium.time.ZonedTimestamp""#.to_owned(), r#""1970-01-01T01:00:00.000003+01:00""#, (Kind::OffsetTimestamp, Value::OffsetTimestamp(3, 60))),
        (format!(r#""type":"int64","name":"io.debezium.time.MicroTimestamp",{wall}"#), "3", (Kind::Timestamp { utc: false }, Value::Timestamp(3))),
        (r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}"#.to_owned(), r#""JwY=""#, (decimal(2), Value::Decimal(9_990, 2))),
        (r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"-2"}"#.to_owned(), "1.2E3", (decimal(-2), Value::Decimal(12, -2))),
        (r#""type":"string","name":"io.debezium.data.Uuid""#.to_owned(), r#""00000000-0000-0000-0000-0000000000FF""#, (Kind::Uuid, Value::Bytes([vec![0; 15], vec![255]].concat()))),
        (r#""type":"string","name":"io.debezium.data.Json""#.to_owned(), r#""{}""#, (Kind::Json, "{}".into())),
        (r#""type":"string","name":"connect.decimal""#.to_owned(), r#""1e3""#, (Kind::BigDecimal, "1000".into())),
        (r#""type":"array","items":{"type":"int32"}"#.to_owned(), "[1, 2]", (Kind::List(Box::new(Kind::Int32)), Value::List(vec![1.into(), 2.into()]))),
        (r#""type":"array","items":{"type":"int32","name":"io.debezium.time.Date"}"#.to_owned(), "[3]", (Kind::List(Box::new(Kind::Date)), Value::List(vec![Value::Date(3)]))),
        (r#""type":"array","items":{"type":"array","items":{"type":"int8"}}"#.to_owned(), "[[1], []]", (Kind::Json, "[[1], []]".into())),
        (r#""type":"array","items":{"type":"struct","fields":[{"field":"b","type":"int8"}]}"#.to_owned(), r#"[{"b":1}]"#, (Kind::Json, r#"[{"b":1}]"#.into())),
        (r#""type":"string","name":"io.debezium.time.Interval""#.to_owned(), r#""P1Y2M-3DT-0.5S""#, (Kind::Interval, Value::Interval(14, -3, -500_000_000))),
        (r#""type":"struct","fields":[{"field":"x","type":"double"},{"field":"b","type":"bytes"}]"#.to_owned(), r#"{"b":"AA=="}"#, (Kind::Struct(vec![("x".into(), Kind::Float64), ("b".into(), Kind::Bytes)]), Value::Struct(vec![Value::Null, Value::Bytes(vec![0])]))),
        (r#""type":"struct","fields":[{"field":"t","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"}]"#.to_owned(), r#"{ "t" : 3 }"#, (Kind::Struct(vec![("t".into(), Kind::Timestamp { utc: true })]), Value::Struct(vec![Value::Timestamp(3_000)]))),
        (r#""type":"struct","fields":[{"field":"s","type":"struct","fields":[{"field":"b","type":"int8"}]}]"#.to_owned(), r#"{"s":{"b":1}}"#, (Kind::Json, r#"{"s":{"b":1}}"#.into())),
        (r#""type":"map","keys":{"type":"string"},"values":{"type":"int32"}"#.to_owned(), r#"{ "b" : 1 , "a":null}"#, (Kind::Map(Box::new(Kind::Int32)), Value::Map(vec![("b".into(), 1.into()), ("a".into(), Value::Null)]))),
        (r#""type":"map","keys":{"type":"int8"},"values":{"type":"int32"}"#.to_owned(), "[[1,2]]", (Kind::Json, "[[1,2]]".into())),
        (r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"50"}"#.to_owned(), r#""JwY=""#, (Kind::WideDecimal { precision: 50, scale: 2 }, "99.90".into())),
        (r#""type":"float""#.to_owned(), "1", (Kind::Float32, Value::Float(1.0))),
        (r#""type":"int16","parameters":{"connect.unsigned":"8"}"#.to_owned(), "255", (Kind::UInt8, Value::UInt(255))),
    ] {
        let mut decoder = decoder(&*json(&[]), Target::default());
        decoder.push(body(&one(&field, value))).unwrap();
        let records = decoder.take().unwrap().unwrap();
        assert_eq!(records.schema().kinds(), [kind], "{field}");
        assert_eq!(values(&records), [vec![read]], "{field}");
    }
}

#[test]
fn a_name_that_is_not_known_stays_with_the_field() {
    let mut decoder = decoder(&*json(&[]), Target::default());
    let field = r#""type":"int32","optional":true,"name":"io.debezium.time.Year""#;
    decoder.push(body(&one(field, "2024"))).unwrap();
    let records = decoder.take().unwrap().unwrap();
    let field = records.schema().field(0);
    assert_eq!(records.schema().kinds(), [Kind::Int32]);
    assert_eq!(
        field.metadata().get(LOGICAL_NAME).unwrap(),
        "io.debezium.time.Year"
    );
    assert_eq!(field.metadata().get(NOT_NULL), None);
}

#[test]
fn schemas_that_no_row_can_have_are_refused() {
    for (text, kind, message) in [
        (
            r#"{"schema":{"type":"string"},"payload":"x"}"#.to_owned(),
            ErrorKind::Data,
            "`schema` is of type `string`: a row needs a `struct`",
        ),
        (
            r#"{"schema":{"type":"struct","fields":[]},"payload":{}}"#.to_owned(),
            ErrorKind::Data,
            "`schema` has no fields",
        ),
        (
            r#"{"schema":{"fields":3},"payload":{}}"#.to_owned(),
            ErrorKind::Data,
            "`schema` is not a Connect schema",
        ),
        (
            r#"{"schema":{"type":"struct","fields":[{"type":"int8"}]},"payload":{}}"#.to_owned(),
            ErrorKind::Data,
            "a field of `schema` has no name",
        ),
        (
            r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int8"},{"field":"a","type":"int8"}]},"payload":{}}"#.to_owned(),
            ErrorKind::Data,
            "schema `orders` has two columns named `a`",
        ),
        (
            one(r#""type":"int128""#, "1"),
            ErrorKind::Data,
            "column `a`: type `int128` is none of a Connect schema",
        ),
        (
            one(r#""type":"array","items":{"type":"array","items":{"type":"bytes"}}"#, "[]"),
            ErrorKind::Unsupported,
            "column `a`: type `array` holds bytes or logical types, which are not supported there",
        ),
        (
            one(r#""type":"struct","fields":[{"type":"int8"}]"#, "{}"),
            ErrorKind::Data,
            "column `a`: a field of the struct has no name",
        ),
        (
            one(r#""type":"struct","fields":[{"field":"b","type":"int64","name":"io.debezium.time.Timestamp"},{"field":"c","type":"int64","name":"io.debezium.time.MicroTimestamp"}]"#, "{}"),
            ErrorKind::Unsupported,
            "column `a`: times of different units in one struct are not supported",
        ),
        (
            one(r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal""#, "1"),
            ErrorKind::Data,
            "column `a`: a Decimal has no `scale`",
        ),
        (
            one(r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"77"}"#, "1"),
            ErrorKind::Unsupported,
            "column `a`: a Decimal of more than 76 digits is not supported",
        ),
        (
            one(r#""type":"int8""#, "1").replace(r#"{"a":1}"#, "null"),
            ErrorKind::Data,
            "a delete (an empty or null body) came before any row, and there is no target table \
             to take the types of the key columns from",
        ),
    ] {
        let mut decoder = decoder(&*json(&[]), Target::default());
        let error = decoder.push(body(&text)).unwrap_err();
        assert_eq!(error.to_string(), format!("topic `orders`: {message}"), "{text}");
        assert_eq!(error.kind(), kind, "{text}");
        assert_eq!((decoder.rows(), decoder.take().unwrap().is_none()), (0, true));
    }
}

#[test]
fn the_order_of_members_and_blanks_do_not_matter() {
    let fields = r#"{"optional":true,"type":"int64","field":"id"},{"field":"s","type":"string","optional":true}"#;
    let texts = [
        format!(
            r#"{{"schema":{{"type":"struct","fields":[{fields}],"name":"n"}},"payload":{{"id":1,"s":"a"}}}}"#
        ),
        format!(
            r#"{{"schema":{{"name":"n","fields":[{fields}],"type":"struct"}},"payload":{{"s":"a","id":1}}}}"#
        ),
        format!(
            r#" {{ "payload" : {{ "s" : "a" , "id" : 1 }} , "schema":{{"type":"struct","fields":[{fields}],"name":"n"}} }} "#
        ),
        format!(
            "{{\"schema\":\n{{\"type\":\"struct\",\"fields\":[{fields}],\"name\":\"n\"}},\n\"payload\":\t{{\"id\":1,\r\"s\":\"a\"}} }}\n"
        ),
    ];
    let mut decoder = decoder(&*json(&[]), Target::default());
    for text in texts.iter().chain(&texts) {
        assert_eq!(decoder.push(body(text)).unwrap(), Pushed::Row, "{text}");
    }
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows, vec![vec![Value::Int(1), "a".into()]; 8]);
}

#[test]
fn another_schema_comes_into_records_of_its_own() {
    let texts = [one(r#""type":"int32""#, "1"), one(r#""type":"int64""#, "2")];
    let mut decoder = decoder(&*json(&[("schemas.cache.size", "1")]), Target::default());
    for _ in 0..3 {
        for (text, kind) in texts.iter().zip([Kind::Int32, Kind::Int64]) {
            if decoder.rows() > 0 {
                assert_eq!(decoder.push(body(text)).unwrap(), Pushed::TakeFirst);
                assert_eq!(decoder.rows(), 1);
                let records = decoder.take().unwrap().unwrap();
                assert_ne!(records.schema().kinds(), std::slice::from_ref(&kind));
            }
            assert_eq!(decoder.push(body(text)).unwrap(), Pushed::Row);
            assert_eq!(decoder.schema().unwrap().kinds(), [kind]);
        }
    }
}

#[test]
fn units_may_change_within_one_schema() {
    let texts = [
        one(
            r#""type":"int64","name":"io.debezium.time.MicroTimestamp""#,
            "2000",
        ),
        one(
            r#""type":"int64","name":"org.apache.kafka.connect.data.Timestamp""#,
            "2",
        ),
    ];
    let mut decoder = decoder(&*json(&[]), Target::default());
    for text in texts.iter().chain(&texts) {
        assert_eq!(decoder.push(body(text)).unwrap(), Pushed::Row);
    }
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows, vec![vec![Value::Timestamp(2_000)]; 4]);
}

#[test]
fn a_null_schema_means_a_plain_payload() {
    let orders = schema([("id", Kind::Int64), ("s", Kind::Text)], &["id"]);
    let mut decoder = decoder(&*json(&[]), target(&orders));
    let text = r#"{"schema":null,"payload":{"id":1,"s":"a"}}"#;
    for text in [text, r#"{"id":1,"s":"a"}"#, text] {
        assert_eq!(decoder.push(body(text)).unwrap(), Pushed::Row);
    }
    let records = decoder.take().unwrap().unwrap();
    assert_eq!((records.len(), records.schema()), (3, &orders));
}

#[test]
fn columns_named_schema_and_payload_are_columns_where_schemas_are_off() {
    let logs = schema([("schema", Kind::Text), ("payload", Kind::Json)], &[]);
    let converter = json(&[("schemas.enable", "false")]);
    let mut decoder = decoder(&*converter, target(&logs));
    let text = r#"{"schema":"x","payload":{"a":1}}"#;
    decoder.push(body(text)).unwrap();
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows, [vec!["x".into(), r#"{"a":1}"#.into()]]);
}

#[test]
fn fields_that_the_schema_declares_may_be_missing_and_others_may_not_be_there() {
    let fields = r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int8"},{"field":"b","type":"int8"}]},"payload":"#;
    let text = |payload: &str| format!("{fields}{payload}}}");
    let mut strict = decoder(&*json(&[]), Target::default());
    strict.push(body(&text(r#"{"b":2}"#))).unwrap();
    assert_eq!(
        refusal(&mut *strict, body(&text(r#"{"a":1,"c":3,"b":2}"#))),
        "topic `orders`: field `c` is neither in the schema of the message nor a column of the \
         target; `value.converter.unknown.fields=ignore` leaves such fields out"
    );
    assert_eq!(
        refusal(&mut *strict, body(&text(r#"{"a":1,"b":2,"a":3}"#))),
        "topic `orders`: field `a` is there twice"
    );
    let rows = values(&strict.take().unwrap().unwrap());
    assert_eq!(rows, [vec![Value::Null, Value::Int(2)]]);
    let mut lax = decoder(&*json(&[("unknown.fields", "ignore")]), Target::default());
    lax.push(body(&text(r#"{"a":1,"c":[{}],"b":2,"d":null}"#)))
        .unwrap();
    let rows = values(&lax.take().unwrap().unwrap());
    assert_eq!(rows, [vec![Value::Int(1), Value::Int(2)]]);
}

#[test]
fn key_columns_that_the_body_lacks_come_from_the_message_key() {
    let orders = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let text = r#"{"schema":{"type":"struct","fields":[{"field":"v","type":"string"}]},"payload":{"v":"x"}}"#;
    for (knows, kind, value) in [
        (Some(orders.clone()), Kind::Int64, Value::Int(7)),
        (None, Kind::Text, "7".into()),
    ] {
        let knows = Target {
            schema: knows,
            key: vec!["id".to_owned()],
            ..Target::default()
        };
        let mut decoder = decoder(&*json(&[]), knows);
        let message = MessageRef {
            key: b"7",
            ..body(text)
        };
        decoder.push(message).unwrap();
        assert_eq!(
            refusal(&mut *decoder, body(text)),
            "topic `orders`: the message has no key, which key columns are read from"
        );
        let records = decoder.take().unwrap().unwrap();
        assert_eq!(records.schema().key(), [1]);
        assert_eq!(records.schema().kinds()[1], kind);
        assert!(!records.schema().field(1).is_nullable());
        assert_eq!(values(&records), [vec!["x".into(), value]]);
    }
}

#[test]
fn a_struct_or_a_map_that_is_wrong_leaves_the_columns_of_other_rows_whole() {
    let kind =
        r#""type":"struct","fields":[{"field":"x","type":"int8"},{"field":"y","type":"int8"}]"#;
    let map = r#""type":"map","keys":{"type":"string"},"values":{"type":"int8"}"#;
    let row = |x, y| Value::Struct(vec![Value::Int(x), Value::Int(y)]);
    let entry = |name: &str, v| (name.into(), Value::Int(v));
    for (kind, good, wrong, rows) in [
        (
            kind,
            [r#"{"x":1,"y":2}"#, r#"{"y":4,"x":3}"#],
            [
                (
                    r#"{"x":9,"y":300}"#,
                    "column `a`: column `y`: the number is beyond the range of the column",
                ),
                (
                    r#"{"x":9,"z":1}"#,
                    "column `a`: the struct has no field `z` by the schema",
                ),
                (r#"{"x":9,"x":1}"#, "column `a`: field `x` is there twice"),
                ("[1]", "column `a`: expected an object, found an array"),
            ],
            [row(1, 2), row(3, 4)],
        ),
        (
            map,
            [r#"{"x":1,"y":2}"#, r#"{"z":3}"#],
            [
                (
                    r#"{"x":9,"y":300}"#,
                    "column `a`: the number is beyond the range of the column",
                ),
                (
                    r#"{"x":9,"y":"a"}"#,
                    "column `a`: expected a whole number, found a string",
                ),
                (
                    r#"{"x":9,"y":{}}"#,
                    "column `a`: expected a whole number, found an object",
                ),
                ("[1]", "column `a`: expected an object, found an array"),
            ],
            [
                Value::Map(vec![entry("x", 1), entry("y", 2)]),
                Value::Map(vec![entry("z", 3)]),
            ],
        ),
    ] {
        let mut decoder = decoder(&*json(&[]), Target::default());
        decoder.push(body(&one(kind, good[0]))).unwrap();
        for (value, message) in wrong {
            let error = decoder.push(body(&one(kind, value))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.to_string().contains(message), "{error}");
        }
        decoder.push(body(&one(kind, good[1]))).unwrap();
        let records = decoder.take().unwrap().unwrap();
        assert_eq!(values(&records), rows.map(|v| vec![v]), "{kind}");
    }
}
