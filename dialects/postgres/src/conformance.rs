//! Values of every type that a column can be declared with, for the suite of all dialects.
mod by_parts;

pub use by_parts::{by_parts, samples_by_parts};

use connect_api::{Kind, Value};
use dialect_core::conformance::Sample;

fn text(declared: &'static str, values: &[&'static str]) -> Sample {
    of_text(declared, Kind::Text, values)
}

/// Values whose SQL is their text between quotes.
fn of_text(declared: &'static str, kind: Kind, values: &[&'static str]) -> Sample {
    let mut sample = Sample::new(declared, kind, []);
    sample.values = values
        .iter()
        .map(|v| (format!("'{}'", v.replace('\'', "''")), Value::from(*v)))
        .collect();
    sample
}

fn list(declared: &'static str, element: Kind, sql: &'static str, values: Vec<Value>) -> Sample {
    let more = [("'{}'", Value::List(Vec::new()))];
    let values = [(sql, Value::List(values))].into_iter().chain(more);
    Sample::new(declared, Kind::List(Box::new(element)), values)
}

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

/// A sample of every type of the dialect's table, in its order.
pub fn samples() -> Vec<Sample> {
    let mut all = numbers();
    all.extend(texts_and_times());
    all.extend(as_text());
    all.extend(lists());
    all
}

fn numbers() -> Vec<Sample> {
    vec![
        Sample::new(
            "boolean",
            Kind::Bool,
            [("true", true.into()), ("false", false.into())],
        ),
        Sample::new(
            "smallint",
            Kind::Int16,
            [("-32768", (-32_768).into()), ("32767", 32_767.into())],
        ),
        Sample::new(
            "integer",
            Kind::Int32,
            [("-2147483648", i32::MIN.into()), ("7", 7.into())],
        ),
        Sample::new(
            "bigint",
            Kind::Int64,
            [
                ("-9223372036854775808", i64::MIN.into()),
                ("9223372036854775807", i64::MAX.into()),
            ],
        ),
        Sample::new(
            "oid",
            Kind::UInt32,
            [("4294967295", 4_294_967_295u64.into())],
        ),
        Sample::new(
            "regclass",
            Kind::UInt32,
            [("'pg_catalog.pg_class'", 1_259u64.into())],
        )
        .not_recreated(),
        Sample::new("xid", Kind::UInt32, []).read_only(),
        Sample::new("cid", Kind::UInt32, []).read_only(),
        Sample::new(
            "xid8",
            Kind::UInt64,
            [("'18446744073709551615'", u64::MAX.into())],
        ),
        Sample::new(
            "real",
            Kind::Float32,
            [("1.5", 1.5.into()), ("'NaN'", f64::NAN.into())],
        ),
        Sample::new(
            "double precision",
            Kind::Float64,
            [
                ("0.1", 0.1.into()),
                ("'-Infinity'", f64::NEG_INFINITY.into()),
            ],
        ),
        Sample::new(
            "numeric(12,2)",
            decimal(12, 2),
            [
                ("9999999999.99", Value::Decimal(999_999_999_999, 2)),
                ("-0.01", Value::Decimal(-1, 2)),
            ],
        ),
        Sample::new(
            "numeric(38,0)",
            decimal(38, 0),
            [(
                "-99999999999999999999999999999999999999",
                Value::Decimal(-(10i128.pow(38) - 1), 0),
            )],
        ),
        Sample::new(
            "numeric(3,-2)",
            decimal(3, -2),
            [("12300", Value::Decimal(123, -2))],
        )
        .not_recreated(),
        Sample::new(
            "numeric(2,5)",
            decimal(5, 5),
            [("0.00012", Value::Decimal(12, 5))],
        )
        .not_recreated(),
        of_text(
            "numeric(60,20)",
            Kind::WideDecimal {
                precision: 60,
                scale: 20,
            },
            &[
                "9999999999999999999999999999999999999999.99999999999999999999",
                "-0.00000000000000000001",
            ],
        ),
        of_text("numeric(100,3)", Kind::BigDecimal, &["123456789.125"]),
        of_text("numeric", Kind::BigDecimal, &["0.1", "NaN", "-Infinity"]),
        Sample::new(
            "money",
            decimal(19, 2),
            [
                ("'1234.56'", Value::Decimal(123_456, 2)),
                (
                    "'-92233720368547758.08'",
                    Value::Decimal(i64::MIN.into(), 2),
                ),
            ],
        ),
        Sample::new(
            "information_schema.cardinal_number",
            Kind::Int32,
            [("42", 42.into())],
        )
        .not_recreated(),
    ]
}

fn texts_and_times() -> Vec<Sample> {
    let timestamp = |utc| Kind::Timestamp { utc };
    vec![
        text("text", &["", "it's é 🦀"]),
        text("varchar(7)", &["seven c"]),
        text("varchar", &["any"]),
        text("xml", &["<a>b</a>"]),
        text("char(5)", &["ab   ", "abcde"]),
        text("name", &[]).read_only(),
        text("information_schema.yes_or_no", &["YES"]).not_recreated(),
        Sample::new(
            "\"char\"",
            Kind::Int8,
            [("'a'", 97.into()), ("(-1)::\"char\"", (-1).into())],
        ),
        Sample::new(
            "bytea",
            Kind::Bytes,
            [
                ("'\\x00ff'", Value::Bytes(vec![0, 0xff])),
                ("''", Value::Bytes(Vec::new())),
            ],
        ),
        Sample::new(
            "date",
            Kind::Date,
            [
                ("'1969-12-31'", Value::Date(-1)),
                ("'4713-01-01 BC'", Value::Date(-2_440_550)),
            ],
        ),
        Sample::new(
            "timestamp",
            timestamp(false),
            [("'1969-12-31 23:59:59.999999'", Value::Timestamp(-1))],
        ),
        Sample::new(
            "timestamp(3)",
            timestamp(false),
            [("'1970-01-01 00:00:00.001'", Value::Timestamp(1_000))],
        ),
        Sample::new(
            "timestamptz",
            timestamp(true),
            [("'1970-01-01 02:00:00+02'", Value::Timestamp(0))],
        ),
        Sample::new(
            "timestamptz(0)",
            timestamp(true),
            [("'1970-01-01 00:00:01Z'", Value::Timestamp(1_000_000))],
        ),
        Sample::new(
            "time",
            Kind::Time,
            [("'23:59:59.999999'", Value::Time(86_399_999_999))],
        ),
        Sample::new(
            "time(3)",
            Kind::Time,
            [("'00:00:00.001'", Value::Time(1_000))],
        ),
        Sample::new(
            "uuid",
            Kind::Uuid,
            [(
                "'00010203-0405-0607-0809-0a0b0c0d0e0f'",
                Value::Bytes((0..16).collect()),
            )],
        ),
        of_text(
            "json",
            Kind::Json,
            &["{\"a\": 1, \"a\": [null, 1.50]}", "null"],
        ),
        of_text("jsonb", Kind::Json, &["{\"a\": [null, 1.50]}", "\"é\""]),
    ]
}

fn as_text() -> Vec<Sample> {
    vec![
        text("timetz", &["12:00:00+02", "23:59:59.5-08"]),
        text(
            "interval",
            &["P1Y2M3DT4H5M6.789S", "P-1D", "PT0S", "PT-0.000001S"],
        ),
        text("interval day to second(3)", &["P3DT4H5M6.789S"]),
        text("interval year to month", &["P1Y2M"]),
        text("bit(3)", &["101"]),
        text("bit", &["1", "0"]),
        text("varbit(9)", &["", "10101"]),
        text("inet", &["192.168.0.1/24", "::1/128"]),
        text("cidr", &["10.0.0.0/8"]),
        text("macaddr", &["08:00:2b:01:02:03"]),
        text("macaddr8", &["08:00:2b:01:02:03:04:05"]),
        text("point", &["(1.5,-2)"]),
        text("line", &["{1,-1,0}"]),
        text("lseg", &["[(0,0),(1,1)]"]),
        text("box", &["(1,1),(0,0)"]),
        text("path", &["[(0,0),(1,1)]"]),
        text("polygon", &["((0,0),(1,0),(1,1))"]),
        text("circle", &["<(0,0),2>"]),
        text("int4range", &["[1,5)", "empty", "(,)"]),
        text("numrange", &["(1.5,2.5]"]),
        text(
            "tstzrange",
            &["[\"2024-01-01 00:00:00+00\",\"2024-02-01 00:00:00+00\")"],
        ),
        text("daterange", &["[2024-01-01,2024-02-01)"]),
        text("int8multirange", &["{[1,3),[5,9)}"]),
        text("tsvector", &["'cat':2 'fat':1A"]),
        text("tsquery", &["'fat' & 'cat'"]),
        text("pg_lsn", &["16/B374D848"]),
        text("txid_snapshot", &["10:20:10,14,15"]),
        text("jsonpath", &["$.\"a\"[*]"]),
        // Not in the table of types: as text all the same.
        text("tid", &["(1,2)"]).not_recreated(),
        Sample::new(
            "pg_catalog.pg_ts_config_map",
            Kind::Json,
            [(
                "ROW(1, 2, 3, 4)",
                r#"{"mapcfg":"1","maptokentype":2,"mapseqno":3,"mapdict":"4"}"#.into(),
            )],
        )
        .not_recreated(),
    ]
}

fn lists() -> Vec<Sample> {
    let number = |v: i128| Value::Decimal(v, 2);
    vec![
        list(
            "integer[]",
            Kind::Int32,
            "'{1,NULL,-3}'",
            vec![1.into(), Value::Null, (-3).into()],
        ),
        list(
            "boolean[]",
            Kind::Bool,
            "'{t,f}'",
            vec![true.into(), false.into()],
        ),
        list(
            "text[]",
            Kind::Text,
            "ARRAY['a,b', '', NULL, '\"é\\']",
            vec!["a,b".into(), "".into(), Value::Null, "\"é\\".into()],
        ),
        list(
            "varchar(5)[]",
            Kind::Text,
            "'{abcde}'",
            vec!["abcde".into()],
        ),
        list("char(3)[]", Kind::Text, "'{ab}'", vec!["ab ".into()]),
        list(
            "numeric(12,2)[]",
            decimal(12, 2),
            "'{1.5,-0.01}'",
            vec![number(150), number(-1)],
        ),
        list("money[]", decimal(19, 2), "'{1.5}'", vec![number(150)]),
        list(
            "timestamptz[]",
            Kind::Timestamp { utc: true },
            "'{1970-01-01 00:00:00Z}'",
            vec![Value::Timestamp(0)],
        ),
        list(
            "bytea[]",
            Kind::Bytes,
            "ARRAY['\\x00'::bytea]",
            vec![Value::Bytes(vec![0])],
        ),
        list(
            "jsonb[]",
            Kind::Json,
            "ARRAY['{\"a\": 1}'::jsonb]",
            vec!["{\"a\": 1}".into()],
        ),
        list(
            "inet[]",
            Kind::Text,
            "'{::1,NULL}'",
            vec!["::1/128".into(), Value::Null],
        ),
        list("interval[]", Kind::Text, "'{1 day}'", vec!["P1D".into()]),
        text("integer[][]", &["{{1,2},{3,4}}", "[0:1]={1,2}"]).not_recreated(),
    ]
}
