//! What is written comes back as it was.
use crate::{TOPIC, bodies, body, decoder, json, records, refusal, schema, target, values};
use connect_api::{
    Blobs, DEFAULT, ENUM, ErrorKind, Kind, LENGTH, LOGICAL_NAME, MessageRef, NOT_NULL, Op, Ops,
    Pushed, Records, Schema, SchemaRef, Target, VENDOR, VENDOR_TYPE, Value,
    arrow::{
        array::{ArrayRef, LargeStringArray, RecordBatch},
        schema::{DataType, Field, extension::EXTENSION_TYPE_NAME_KEY},
    },
};
use proptest::{collection::vec, option, prelude::*};
use std::sync::Arc;

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

fn wide(precision: u8, scale: i8) -> Kind {
    Kind::WideDecimal { precision, scale }
}

fn list(element: Kind) -> Kind {
    Kind::List(Box::new(element))
}

/// Every kind, with a column name.
pub(crate) fn kinds() -> Vec<(&'static str, Kind)> {
    vec![
        ("bool", Kind::Bool),
        ("int8", Kind::Int8),
        ("int16", Kind::Int16),
        ("int32", Kind::Int32),
        ("int64", Kind::Int64),
        ("uint8", Kind::UInt8),
        ("uint16", Kind::UInt16),
        ("uint32", Kind::UInt32),
        ("uint64", Kind::UInt64),
        ("float32", Kind::Float32),
        ("float64", Kind::Float64),
        ("money", decimal(12, 2)),
        ("wide", decimal(38, 10)),
        ("whole", decimal(38, 0)),
        ("thousands", decimal(38, -3)),
        ("big \"decimal\"", Kind::BigDecimal),
        ("text", Kind::Text),
        ("json", Kind::Json),
        ("bytes", Kind::Bytes),
        ("uuid", Kind::Uuid),
        ("date", Kind::Date),
        ("time", Kind::Time),
        ("instant", Kind::Timestamp { utc: true }),
        ("wall 你好 😀", Kind::Timestamp { utc: false }),
        ("wider", wide(76, 20)),
        ("nanos", Kind::TimeNanos),
        ("span", Kind::Duration),
        ("place", Kind::OffsetTimestamp),
        ("bools", list(Kind::Bool)),
        ("bytes of all signs", list(Kind::Int8)),
        ("numbers", list(Kind::Int64)),
        ("unsigned", list(Kind::UInt64)),
        ("floats", list(Kind::Float32)),
        ("decimals", list(decimal(12, 2))),
        ("wide decimals", list(wide(60, 0))),
        ("big decimals", list(Kind::BigDecimal)),
        ("texts", list(Kind::Text)),
        ("documents", list(Kind::Json)),
        ("blobs", list(Kind::Bytes)),
        ("uuids", list(Kind::Uuid)),
        ("dates", list(Kind::Date)),
        ("times", list(Kind::Time)),
        ("fine times", list(Kind::TimeNanos)),
        ("spans", list(Kind::Duration)),
        ("instants", list(Kind::Timestamp { utc: true })),
        ("walls", list(Kind::Timestamp { utc: false })),
        ("places", list(Kind::OffsetTimestamp)),
        ("interval", Kind::Interval),
        ("intervals", list(Kind::Interval)),
        (
            "struct",
            Kind::Struct(
                [
                    ("x", Kind::Float64),
                    ("a \"b\\", Kind::Text),
                    ("amount", decimal(12, 2)),
                    ("at", Kind::Timestamp { utc: true }),
                    ("fine", Kind::TimeNanos),
                    ("id", Kind::Uuid),
                    ("flags", list(Kind::Bool)),
                    ("span", Kind::Interval),
                ]
                .map(|(name, kind)| (name.into(), kind))
                .to_vec(),
            ),
        ),
        ("texts by name", Kind::Map(Box::new(Kind::Text))),
        ("numbers by name", Kind::Map(Box::new(decimal(12, 2)))),
        ("bytes by name", Kind::Map(Box::new(Kind::Bytes))),
    ]
}

pub(crate) fn value_of(kind: &Kind) -> BoxedStrategy<Value> {
    let text = || {
        prop_oneof![
            "(?s).*",
            "[\"\\\\{}\u{0}-\u{1f}a😀é/]*",
            Just(String::new()),
            Just("null".to_owned()),
        ]
    };
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int8 => any::<i8>().prop_map(|v| Value::Int(v.into())).boxed(),
        Kind::Int16 => any::<i16>().prop_map(|v| Value::Int(v.into())).boxed(),
        Kind::Int32 => any::<i32>().prop_map(|v| Value::Int(v.into())).boxed(),
        Kind::Int64 => any::<i64>().prop_map(Value::Int).boxed(),
        Kind::UInt8 => any::<u8>().prop_map(|v| Value::UInt(v.into())).boxed(),
        Kind::UInt16 => any::<u16>().prop_map(|v| Value::UInt(v.into())).boxed(),
        Kind::UInt32 => any::<u32>().prop_map(|v| Value::UInt(v.into())).boxed(),
        Kind::UInt64 => any::<u64>().prop_map(Value::UInt).boxed(),
        Kind::Float32 => any::<f32>().prop_map(|v| Value::Float(v.into())).boxed(),
        Kind::Float64 => prop_oneof![
            any::<f64>(),
            (-100_000_000i32..100_000_000).prop_map(|cents| f64::from(cents) / 100.0)
        ]
        .prop_map(Value::Float)
        .boxed(),
        Kind::Decimal { precision, scale } => {
            let (most, scale) = (10i128.pow((*precision).into()) - 1, *scale);
            prop_oneof![-most..=most, -999_999i128..999_999]
                .prop_map(move |v| Value::Decimal(v, scale))
                .boxed()
        }
        Kind::BigDecimal => prop_oneof![
            "-?[1-9][0-9]{0,60}(\\.[0-9]{1,40})?",
            Just("NaN".to_owned()),
            Just("-Infinity".to_owned())
        ]
        .prop_map(|v| v.as_str().into())
        .boxed(),
        Kind::Text => text().prop_map(|v| v.as_str().into()).boxed(),
        Kind::Json => text()
            .prop_map(|v| {
                let text = serde_json::json!({ "a": [v, null, 1.5] }).to_string();
                text.as_str().into()
            })
            .boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(Value::Bytes).boxed(),
        Kind::Uuid => any::<[u8; 16]>()
            .prop_map(|v| Value::Bytes(v.to_vec()))
            .boxed(),
        Kind::Date => any::<i32>().prop_map(Value::Date).boxed(),
        Kind::Time => (0..=86_400_000_000i64).prop_map(Value::Time).boxed(),
        Kind::Timestamp { .. } => any::<i64>().prop_map(Value::Timestamp).boxed(),
        Kind::WideDecimal { precision, scale } => {
            let (whole, scale) = (
                usize::from(*precision) - scale.unsigned_abs() as usize,
                *scale,
            );
            let fraction = scale.unsigned_abs() as usize;
            let digits = format!("-?(0|[1-9][0-9]{{0,{}}})", whole - 1);
            (
                proptest::string::string_regex(&digits).unwrap(),
                vec(0u8..10, fraction),
            )
                .prop_map(|(whole, fraction)| {
                    let point = if fraction.is_empty() { "" } else { "." };
                    let digits: String = fraction.iter().map(ToString::to_string).collect();
                    let text = format!("{whole}{point}{digits}");
                    let zero = text.bytes().all(|b| b"-.0".contains(&b));
                    Value::from(if zero {
                        text.trim_start_matches('-')
                    } else {
                        &text
                    })
                })
                .boxed()
        }
        Kind::TimeNanos => (0..=86_400_000_000_000i64).prop_map(Value::Time).boxed(),
        Kind::Duration => any::<i64>().prop_map(Value::Time).boxed(),
        Kind::OffsetTimestamp => (any::<i64>(), -1439i16..1440)
            .prop_map(|(instant, offset)| Value::OffsetTimestamp(instant, offset))
            .boxed(),
        Kind::List(element) => {
            let cell = option::of(value_of(element)).prop_map(|v| v.unwrap_or(Value::Null));
            vec(cell, 0..4).prop_map(Value::List).boxed()
        }
        Kind::Interval => (any::<i32>(), any::<i32>(), any::<i64>())
            .prop_map(|(months, days, nanos)| Value::Interval(months, days, nanos))
            .boxed(),
        Kind::Struct(fields) => fields
            .iter()
            .map(|(_, kind)| option::of(value_of(kind)).prop_map(|v| v.unwrap_or(Value::Null)))
            .collect::<Vec<_>>()
            .prop_map(Value::Struct)
            .boxed(),
        Kind::Map(value) => {
            let cell = option::of(value_of(value)).prop_map(|v| v.unwrap_or(Value::Null));
            proptest::collection::btree_map(text(), cell, 0..4)
                .prop_map(|map| Value::Map(map.into_iter().map(|(k, v)| (k.into(), v)).collect()))
                .boxed()
        }
        Kind::Other(_) => unreachable!("no test has one"),
    }
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let cells: Vec<_> = kinds()
        .iter()
        .map(|(_, kind)| option::of(value_of(kind)).prop_map(|v| v.unwrap_or(Value::Null)))
        .collect();
    cells
}

fn forms() -> [Vec<(&'static str, &'static str)>; 4] {
    [
        vec![("schemas.enable", "false")],
        vec![("schemas.enable", "false"), ("decimal.format", "NUMERIC")],
        vec![],
        vec![("decimal.format", "NUMERIC")],
    ]
}

/// Asserts that `rows` come back by each form, read one by one.
fn assert_comes_back(rows: &[Vec<Value>]) {
    let schema = schema(kinds(), &[]);
    let sent = records(&schema, rows.to_vec());
    for settings in forms() {
        let converter = json(&settings);
        let knows = match settings.first() {
            Some(("schemas.enable", _)) => target(&schema),
            _ => Target::default(),
        };
        let mut decoder = decoder(&*converter, knows);
        for text in bodies(&*converter, &sent) {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
            assert_eq!(decoder.push(body(&text)).unwrap(), Pushed::Row);
        }
        let back = decoder.take().unwrap().unwrap();
        assert_eq!(back.schema().kinds(), schema.kinds(), "{settings:?}");
        assert_eq!(values(&back), rows, "{settings:?}");
        assert_eq!((back.schema().name(), &**back.topic()), ("orders", TOPIC));
        assert_eq!(back.ops(), &Ops::All(Op::Read));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_value_comes_back(rows in vec(row(), 1..4)) {
        assert_comes_back(&rows);
    }
}

#[test]
fn the_least_and_the_greatest_come_back() {
    let most = 10i128.pow(38) - 1;
    let instant = |v| Value::Timestamp(v);
    let rows = |sign: i64| {
        let low = sign < 0;
        let pick = |least: i64, greatest: i64| Value::Int(if low { least } else { greatest });
        let upick = |greatest: u64| Value::UInt(if low { 0 } else { greatest });
        vec![
            Value::Bool(low),
            pick(i8::MIN.into(), i8::MAX.into()),
            pick(i16::MIN.into(), i16::MAX.into()),
            pick(i32::MIN.into(), i32::MAX.into()),
            pick(i64::MIN, i64::MAX),
            upick(u8::MAX.into()),
            upick(u16::MAX.into()),
            upick(u32::MAX.into()),
            upick(u64::MAX),
            Value::Float(if low { f32::MIN } else { f32::MIN_POSITIVE }.into()),
            Value::Float(if low { f64::MIN } else { 5e-324 }),
            Value::Decimal(i128::from(sign) * 999_999_999_999, 2),
            Value::Decimal(i128::from(sign) * most, 10),
            Value::Decimal(i128::from(sign) * most, 0),
            Value::Decimal(i128::from(sign) * most, -3),
            if low { "-1e0" } else { "Infinity" }
                .replace("e0", "")
                .into(),
            if low {
                ""
            } else {
                "\u{0}\"\\\u{1f}\u{7f}€😀\u{10ffff}"
            }
            .into(),
            if low { "null" } else { "{\"a\":\"\\\"\"}" }.into(),
            Value::Bytes(if low { vec![] } else { vec![0, 255, 1] }),
            Value::Bytes(vec![if low { 0 } else { 255 }; 16]),
            Value::Date(if low { i32::MIN } else { i32::MAX }),
            Value::Time(if low { 0 } else { 86_400_000_000 }),
            instant(if low { i64::MIN } else { i64::MAX }),
            instant(if low { -1 } else { 253_402_300_799_999_999 }),
            format!(
                "{}{}.{}",
                if low { "-" } else { "" },
                "9".repeat(56),
                "9".repeat(20)
            )
            .as_str()
            .into(),
            Value::Time(if low { 0 } else { 86_400_000_000_000 }),
            Value::Time(if low { i64::MIN } else { i64::MAX }),
            if low {
                Value::OffsetTimestamp(i64::MIN, -1439)
            } else {
                Value::OffsetTimestamp(i64::MAX, 1439)
            },
        ]
        .into_iter()
        .chain(kinds().iter().filter_map(|(_, kind)| {
            Some(match kind {
                Kind::List(_) => Value::List(if low { vec![] } else { vec![Value::Null] }),
                Kind::Interval if low => Value::Interval(i32::MIN, i32::MIN, i64::MIN),
                Kind::Interval => Value::Interval(i32::MAX, i32::MAX, i64::MAX),
                Kind::Struct(fields) => Value::Struct(vec![Value::Null; fields.len()]),
                Kind::Map(_) if low => Value::Map(vec![]),
                Kind::Map(_) => Value::Map(vec![("".into(), Value::Null)]),
                _ => return None,
            })
        }))
        .collect::<Vec<_>>()
    };
    assert_comes_back(&[rows(-1), rows(1), vec![Value::Null; kinds().len()]]);
}

#[test]
fn the_sign_of_a_zero_comes_back() {
    let schema = schema([("f", Kind::Float64), ("g", Kind::Float32)], &[]);
    let sent = records(&schema, [vec![Value::Float(-0.0), Value::Float(-0.0)]]);
    let converter = json(&[]);
    let mut decoder = decoder(&*converter, Target::default());
    for text in bodies(&*converter, &sent) {
        decoder.push(body(&text)).unwrap();
        decoder.push(body(&text.replace("-0.0", "-0"))).unwrap();
    }
    for row in values(&decoder.take().unwrap().unwrap()) {
        for value in row {
            assert!(matches!(value, Value::Float(v) if v == 0.0 && v.is_sign_negative()));
        }
    }
}

#[test]
fn milliseconds_are_written_where_asked_and_microseconds_never_lost() {
    let kinds = [
        ("t", Kind::Time),
        ("i", Kind::Timestamp { utc: true }),
        ("w", Kind::Timestamp { utc: false }),
    ];
    let schema = schema(kinds, &[]);
    let row = |t, i, w| vec![Value::Time(t), Value::Timestamp(i), Value::Timestamp(w)];
    let whole = vec![row(1_000, -2_000, 3_000)];
    let plain = [
        ("time.precision.mode", "connect"),
        ("schemas.enable", "false"),
    ];
    let sent = records(&schema, whole.clone());
    assert_eq!(bodies(&*json(&plain), &sent), [r#"{"t":1,"i":-2,"w":3}"#]);
    for settings in [&plain[..1], &plain] {
        let converter = json(settings);
        let mut decoder = decoder(&*converter, target(&schema));
        for text in bodies(&*converter, &sent) {
            decoder.push(body(&text)).unwrap();
        }
        let back = decoder.take().unwrap().unwrap();
        assert_eq!(
            (values(&back), back.schema().kinds()),
            (whole.clone(), schema.kinds())
        );
    }
    let mut out = Blobs::default();
    out.push(b"before");
    for (column, finer) in [
        ("t", row(1, 0, 0)),
        ("i", row(0, -1, 0)),
        ("w", row(0, 0, 1_001)),
    ] {
        let sent = records(&schema, [whole[0].clone(), finer]);
        let error = json(&plain).encode(&sent, &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(
            error.to_string(),
            format!(
                "column `{column}`, row 1: microseconds would be lost; \
                 `value.converter.time.precision.mode=adaptive` keeps them, \
                 `value.converter.time.precision.loss=truncate` cuts them"
            )
        );
        assert_eq!((out.len(), out.get(0)), (1, b"before".as_slice()));
    }
}

#[test]
fn times_that_are_not_of_a_day_are_refused_where_milliseconds_have_32_bits() {
    let schema = schema([("t", Kind::Time)], &[]);
    for micros in [-1_000, 86_400_001_000] {
        let sent = records(&schema, [vec![Value::Time(micros)]]);
        let error = json(&[("time.precision.mode", "connect")])
            .encode(&sent, &mut Blobs::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `t`, row 0: the time is not between 00:00 and 24:00, the range of \
             milliseconds of a day; `value.converter.time.precision.mode=adaptive` supports it"
        );
    }
}

#[test]
fn nan_and_the_infinities_are_refused_with_column_and_row() {
    for (kind, values) in [
        (Kind::Float64, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        (Kind::Float32, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ] {
        let schema = schema([("ratio", kind)], &[]);
        for value in values {
            let sent = records(
                &schema,
                [vec![Value::Float(1.0)], vec![Value::Float(value)]],
            );
            let error = json(&[]).encode(&sent, &mut Blobs::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert_eq!(
                error.to_string(),
                "column `ratio`, row 1: JSON has no NaN and no infinity; \
                 `value.converter.values.unrepresentable=null` writes NULL for them, \
                 `value.converter.values.unrepresentable=text` strings (`error`, the default, \
                 refuses the row)"
            );
        }
    }
}

/// Rows of one and of two floats, and of lists of them, that are no numbers.
fn no_numbers() -> (SchemaRef, Records) {
    let kinds = [
        ("double", Kind::Float64),
        ("single", Kind::Float32),
        ("list", list(Kind::Float64)),
    ];
    let schema = schema(kinds, &[]);
    let row = |value: f64| {
        let value = Value::Float(value);
        let list = Value::List(vec![value.clone(), Value::Float(0.5)]);
        vec![value.clone(), value, list]
    };
    let rows = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.5].map(row);
    let sent = records(&schema, rows);
    (schema, sent)
}

#[test]
fn nan_and_the_infinities_are_null_or_strings_by_setting() {
    let (_, sent) = no_numbers();
    let plain = ("schemas.enable", "false");
    let null = json(&[plain, ("values.unrepresentable", "null")]);
    let none = r#"{"double":null,"single":null,"list":[null,0.5]}"#;
    let number = r#"{"double":-1.5,"single":-1.5,"list":[-1.5,0.5]}"#;
    assert_eq!(bodies(&*null, &sent), [none, none, none, number]);
    let text = json(&[plain, ("values.unrepresentable", "text")]);
    let named = |name| format!(r#"{{"double":"{name}","single":"{name}","list":["{name}",0.5]}}"#);
    let expected = [
        named("NaN"),
        named("Infinity"),
        named("-Infinity"),
        number.into(),
    ];
    assert_eq!(bodies(&*text, &sent), expected);
}

#[test]
fn strings_of_nan_and_the_infinities_are_read_as_floats_whatever_is_set() {
    let (schema, sent) = no_numbers();
    for envelope in ["true", "false"] {
        let text = json(&[
            ("schemas.enable", envelope),
            ("values.unrepresentable", "text"),
        ]);
        let mut encoded = Blobs::default();
        text.encode(&sent, &mut encoded).unwrap();
        let reader = json(&[("schemas.enable", envelope)]);
        let mut decoder = reader.decoder(TOPIC.into(), target(&schema)).unwrap();
        for i in 0..encoded.len() {
            let body = encoded.get(i);
            decoder
                .push(MessageRef {
                    key: b"",
                    body,
                    time: None,
                })
                .unwrap();
        }
        let back = decoder.take().unwrap().unwrap();
        // NaN is equal to nothing: the texts are compared.
        let texts = |records: &Records| {
            let rows = records
                .rows()
                .map(|row| format!("{:?}", row.to_record().values));
            rows.collect::<Vec<_>>()
        };
        assert_eq!(texts(&back), texts(&sent), "{envelope}");
        for other in ["nan", "inf", "1.5", ""] {
            let body = format!(r#"{{"double":"{other}"}}"#);
            let message = MessageRef {
                key: b"",
                body: body.as_bytes(),
                time: None,
            };
            let error = decoder.push(message).unwrap_err().to_string();
            assert!(error.contains("double"), "{error}");
            assert!(
                other.is_empty() || !error.contains(&format!("`{other}`")),
                "{error}"
            );
        }
    }
}

#[test]
fn null_does_not_stand_for_nan_in_a_key_column() {
    let schema = schema([("ratio", Kind::Float64)], &["ratio"]);
    let sent = records(&schema, [vec![Value::Float(f64::NAN)]]);
    let null = json(&[("values.unrepresentable", "null")]);
    let in_body = null.encode(&sent, &mut Blobs::default()).unwrap_err();
    let in_key = connect_converters::encode_keys(&sent, &mut Blobs::default()).unwrap_err();
    for error in [in_body, in_key] {
        assert_eq!(error.kind(), ErrorKind::Data);
        let message = error.to_string();
        assert!(message.starts_with("column `ratio`, row 0: "), "{message}");
        assert!(message.contains("part of the key"), "{message}");
    }
}

#[test]
fn lists_nanoseconds_spans_and_offsets_look_like_this() {
    let kinds = [
        ("l", list(Kind::Text)),
        ("n", Kind::TimeNanos),
        ("d", Kind::Duration),
        ("o", Kind::OffsetTimestamp),
        ("w", wide(40, 2)),
    ];
    let schema = schema(kinds, &[]);
    let row = vec![
        Value::List(vec!["a\"b".into(), Value::Null]),
        Value::Time(1),
        Value::Time(-2),
        Value::OffsetTimestamp(3, 150),
        "-99.90".into(),
    ];
    let sent = records(&schema, [row]);
    let payload =
        r#"{"l":["a\"b",null],"n":1,"d":-2,"o":"1970-01-01T02:30:00.000003+02:30","w":"2Po="}"#;
    assert_eq!(
        bodies(&*json(&[("schemas.enable", "false")]), &sent),
        [payload]
    );
    let fields = [
        r#"{"type":"array","items":{"type":"string","optional":true},"optional":true,"field":"l"}"#,
        r#"{"type":"int64","optional":true,"name":"io.debezium.time.NanoTime","version":1,"field":"n"}"#,
        r#"{"type":"int64","optional":true,"name":"io.debezium.time.MicroDuration","version":1,"field":"d"}"#,
        r#"{"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","version":1,"field":"o"}"#,
        r#"{"type":"bytes","optional":true,"name":"io.openmessaging.connector.api.data.logical.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"40"},"field":"w"}"#,
    ];
    let envelope = format!(
        r#"{{"schema":{{"type":"struct","fields":[{}],"optional":false,"name":"orders"}},"payload":{payload}}}"#,
        fields.join(",")
    );
    assert_eq!(bodies(&*json(&[]), &sent), [envelope]);
    let millis = [
        ("time.precision.mode", "connect"),
        ("schemas.enable", "false"),
    ];
    let error = json(&millis)
        .encode(&sent, &mut Blobs::default())
        .unwrap_err();
    assert!(
        error.to_string().starts_with("column `n`, row 0: "),
        "{error}"
    );
}

#[test]
fn lists_are_read_whole_or_their_row_is_left_out() {
    let schema = schema([("l", list(Kind::Int32)), ("v", Kind::Text)], &[]);
    let converter = json(&[("schemas.enable", "false")]);
    let mut decoder = decoder(&*converter, target(&schema));
    decoder
        .push(body(r#"{"l":[ 1 , null,3 ],"v":"a"}"#))
        .unwrap();
    for (wrong, why) in [
        (
            r#"{"l":[4,"x"],"v":"b"}"#,
            "column `l`: expected a whole number, found a string",
        ),
        (
            r#"{"l":[5,6],"v":7}"#,
            "column `v`: expected a string, found a number",
        ),
        (
            r#"{"l":[8 9],"v":"b"}"#,
            "body is not JSON: expected `,` or `]` at byte 8",
        ),
        (
            r#"{"l":[1,],"v":"b"}"#,
            "body is not JSON: expected value at byte 8",
        ),
        (
            r#"{"l":{},"v":"b"}"#,
            "column `l`: expected an array, found an object",
        ),
        (
            r#"{"l":[[1]],"v":"b"}"#,
            "column `l`: expected a whole number, found an array",
        ),
    ] {
        let error = refusal(&mut *decoder, body(wrong));
        assert!(error.ends_with(why), "{error}");
    }
    decoder.push(body(r#"{"l":[],"v":"b"}"#)).unwrap();
    decoder.push(body(r#"{"l":[2147483647],"v":"c"}"#)).unwrap();
    let list = |values: Vec<Value>| Value::List(values);
    assert_eq!(
        values(&decoder.take().unwrap().unwrap()),
        [
            vec![
                list(vec![Value::Int(1), Value::Null, Value::Int(3)]),
                "a".into()
            ],
            vec![list(vec![]), "b".into()],
            vec![list(vec![Value::Int(2_147_483_647)]), "c".into()],
        ]
    );
}

#[test]
fn an_offset_of_a_day_is_refused_with_column_and_row() {
    let schema = schema([("o", Kind::OffsetTimestamp)], &[]);
    let sent = records(&schema, [vec![Value::OffsetTimestamp(0, 1440)]]);
    let error = json(&[]).encode(&sent, &mut Blobs::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        error.to_string(),
        "column `o`, row 0: the offset from UTC is of a day or more"
    );
}

#[test]
fn a_column_of_another_type_is_refused_by_name() {
    let fields = [Field::new("long", DataType::LargeUtf8, true)];
    let schema = Schema::new("t", fields, &[]).unwrap();
    let column: ArrayRef = Arc::new(LargeStringArray::from(vec!["a"]));
    let batch = RecordBatch::try_new(schema.columns().clone(), vec![column]).unwrap();
    let sent = Records::new("t".into(), schema, batch).unwrap();
    for enable in ["true", "false"] {
        let converter = json(&[("schemas.enable", enable)]);
        let error = converter.encode(&sent, &mut Blobs::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "column `long`: JSON does not support Arrow type LargeUtf8"
        );
    }
}

#[test]
fn what_fields_say_of_their_columns_comes_back() {
    let says = |field: Field, pairs: &[(&str, &str)]| {
        let mut metadata = field.metadata().clone();
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        metadata.extend(pairs);
        field.with_metadata(metadata)
    };
    let fields = [
        says(
            Kind::Int64.field("id", false),
            &[(VENDOR_TYPE, "bigint"), (NOT_NULL, "true")],
        ),
        says(
            Kind::Text.field("status", true),
            &[
                (VENDOR_TYPE, "varchar(16)"),
                (LENGTH, "16"),
                (NOT_NULL, "true"),
                (ENUM, "new,paid\\,late"),
                (DEFAULT, "\"new\""),
            ],
        ),
        says(
            Kind::Bytes.field("place", true),
            &[(EXTENSION_TYPE_NAME_KEY, "geoarrow.wkb")],
        ),
        says(Kind::Uuid.field("uid", true), &[(VENDOR_TYPE, "uuid")]),
        says(
            Kind::Int32.field("year", true),
            &[(LOGICAL_NAME, "io.debezium.time.Year")],
        ),
    ];
    let row = vec![
        Value::Int(1),
        "new".into(),
        Value::Null,
        Value::Null,
        Value::Int(2024),
    ];
    for vendors in [
        ["", "", ""],
        ["postgres", "postgres", "postgres"],
        ["postgres", "", "mysql"],
    ] {
        let with = fields.iter().enumerate().map(|(i, field)| {
            let vendor = [0, 1, 3]
                .iter()
                .position(|with| *with == i)
                .map(|i| vendors[i]);
            let vendor = vendor.filter(|vendor| !vendor.is_empty());
            says(field.clone(), vendor.map(|v| (VENDOR, v)).as_slice())
        });
        let sent = Schema::new("public.orders", with.collect::<Vec<_>>(), &["id"])
            .unwrap()
            .with_version(3);
        assert_same_schema_comes_back(&sent, row.clone());
    }
}

#[test]
fn the_vendor_of_all_columns_is_written_once() {
    let field = |name| {
        let pairs = [(VENDOR, "mysql"), (VENDOR_TYPE, "int")];
        let pairs = pairs.map(|(k, v)| (k.to_owned(), v.to_owned()));
        Kind::Int32.field(name, true).with_metadata(pairs)
    };
    let schema = Schema::new("t", [field("a"), field("b")], &[]).unwrap();
    let body = &bodies(&*json(&[]), &records(&schema, [vec![1.into(), 2.into()]]))[0];
    assert_eq!(body.matches(VENDOR_TYPE).count(), 2);
    assert_eq!(body.matches("\"connect.vendor\"").count(), 1, "{body}");
}

#[test]
fn a_default_that_is_no_json_is_refused_by_name() {
    let field = Kind::Int32.field("a", true);
    let field = field.with_metadata([(DEFAULT.to_owned(), "now()".to_owned())]);
    let schema = Schema::new("t", [field], &[]).unwrap();
    let sent = records(&schema, [vec![1.into()]]);
    let error = json(&[]).encode(&sent, &mut Blobs::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert_eq!(error.to_string(), "column `a`: its default is not JSON");
}

/// Asserts that the schema of a message comes back as it was sent.
fn assert_same_schema_comes_back(sent: &SchemaRef, row: Vec<Value>) {
    let rows = [row];
    let converter = json(&[]);
    let knows = Target {
        schema: None,
        key: vec!["id".to_owned()],
        ..Target::default()
    };
    let mut decoder = decoder(&*converter, knows);
    for text in bodies(&*converter, &records(sent, rows)) {
        decoder.push(body(&text)).unwrap();
    }
    assert_eq!(decoder.schema(), Some(sent));
}

#[test]
fn deletes_are_empty_bodies_and_bodies_come_after_those_before() {
    let schema = schema([("id", Kind::Int64)], &["id"]);
    let sent = records(&schema, [vec![Value::Int(1)], vec![Value::Int(2)]]);
    let sent = sent
        .with_ops(Ops::Each([Op::Update, Op::Delete].into()))
        .unwrap();
    let mut out = Blobs::default();
    out.push(b"before");
    json(&[("schemas.enable", "false")])
        .encode(&sent, &mut out)
        .unwrap();
    let all: Vec<_> = (0..out.len()).map(|i| out.get(i)).collect();
    assert_eq!(all, [b"before".as_slice(), br#"{"id":1}"#, b""]);
}
