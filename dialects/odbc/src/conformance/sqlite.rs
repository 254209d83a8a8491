//! Types as the driver `SQLite3` shows them.
use connect_api::{Kind, Value};
use dialect_core::conformance::Sample;

/// Values of each declared type.
pub(super) fn samples() -> Vec<Sample> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    vec![
        Sample::new(
            "boolean",
            Kind::Bool,
            [("0", false.into()), ("1", true.into())],
        ),
        Sample::new(
            "integer",
            Kind::Int64,
            [("-9223372036854775808", Value::Int(i64::MIN))],
        ),
        Sample::new(
            "bigint",
            Kind::Int64,
            [("9223372036854775807", Value::Int(i64::MAX))],
        ),
        Sample::new(
            "double precision",
            Kind::Float64,
            [
                ("0.1", Value::Float(0.1)),
                ("1.0/3", Value::Float(1.0 / 3.0)),
                ("9e999", Value::Float(f64::INFINITY)),
            ],
        ),
        Sample::new(
            "decimal(5,2)",
            decimal(5, 2),
            [("1.5", Value::Decimal(150, 2))],
        )
        .not_recreated(),
        Sample::new(
            "decimal_text(38,2)",
            decimal(38, 2),
            [("'1.50'", Value::Decimal(150, 2))],
        ),
        Sample::new(
            "text",
            Kind::Text,
            [("'é中🦀'", "é中🦀".into()), ("''", "".into())],
        ),
        Sample::new("varchar(20)", Kind::Text, [("'a''b'", "a'b".into())]),
        Sample::new(
            "blob",
            Kind::Bytes,
            [
                ("x'0001ff'", Value::Bytes(vec![0, 1, 255])),
                ("x''", Value::Bytes(vec![])),
            ],
        ),
        Sample::new("json", Kind::Json, [("'{}'", "{}".into())]),
        Sample::new(
            "uuid",
            Kind::Uuid,
            [(
                "'00010203-0405-0607-0809-0a0b0c0d0e0f'",
                Value::Bytes((0..16).collect()),
            )],
        ),
        Sample::new("date", Kind::Text, [("'2024-02-29'", "2024-02-29".into())]),
        Sample::new(
            "timestamp_text",
            Kind::Timestamp { utc: false },
            [("'1970-01-01 00:00:00.000001'", Value::Timestamp(1))],
        ),
    ]
}
