//! The table of types with values of each, for tests of several dialects.
use connect_api::{Kind, Value};
use dialect_core::conformance::Sample;

/// The types of SQLite, in the order of its table of types, with the options' defaults.
pub fn samples() -> Vec<Sample> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let day = 86_400_000_000;
    let uuid = || Value::Bytes((0..16).collect());
    vec![
        Sample::new(
            "INTEGER",
            Kind::Int64,
            [
                ("-9223372036854775808", Value::Int(i64::MIN)),
                ("9223372036854775807", Value::Int(i64::MAX)),
                ("'12'", Value::Int(12)),
            ],
        ),
        Sample::new("INT", Kind::Int64, [("7", 7.into())]),
        Sample::new("BIGINT", Kind::Int64, [("7", 7.into())]),
        Sample::new("SMALLINT", Kind::Int64, [("7", 7.into())]),
        Sample::new("UNSIGNED BIG INT", Kind::Int64, [("7", 7.into())]),
        Sample::new(
            "BOOLEAN",
            Kind::Bool,
            [("0", false.into()), ("TRUE", true.into())],
        ),
        Sample::new(
            "REAL",
            Kind::Float64,
            [
                ("0.1", 0.1.into()),
                ("5", 5.0.into()),
                ("9e999", f64::INFINITY.into()),
            ],
        ),
        Sample::new("DOUBLE PRECISION", Kind::Float64, [("0.001", 0.001.into())]),
        Sample::new("FLOAT", Kind::Float64, [("-2.5", (-2.5).into())]),
        Sample::new(
            "TEXT",
            Kind::Text,
            [("'007'", "007".into()), ("''", "".into())],
        ),
        Sample::new("VARCHAR(20)", Kind::Text, [("'é 🦀'", "é 🦀".into())]),
        Sample::new("CLOB", Kind::Text, [("'1e5'", "1e5".into())]),
        Sample::new(
            "BLOB",
            Kind::Bytes,
            [
                ("x'00ff'", Value::Bytes(vec![0, 255])),
                ("x''", Value::Bytes(Vec::new())),
            ],
        ),
        Sample::new("", Kind::Text, [("'a'", "a".into()), ("''", "".into())]),
        Sample::new(
            "GEOMETRY",
            Kind::Text,
            [
                ("'POINT(1 1)'", "POINT(1 1)".into()),
                ("7", "7".into()),
                ("2.5", "2.5".into()),
            ],
        ),
        Sample::new(
            "NUMERIC",
            Kind::BigDecimal,
            [("12", "12".into()), ("0.5", "0.5".into())],
        ),
        Sample::new(
            "DECIMAL(12,2)",
            decimal(12, 2),
            [
                ("12.34", Value::Decimal(1_234, 2)),
                ("'9999999999.99'", Value::Decimal(999_999_999_999, 2)),
                ("-5", Value::Decimal(-500, 2)),
            ],
        ),
        Sample::new(
            "DECIMAL(50,2)",
            Kind::WideDecimal {
                precision: 50,
                scale: 2,
            },
            [("12.5", "12.50".into()), ("-7", "-7.00".into())],
        ),
        Sample::new(
            "DECIMAL_TEXT(38,20)",
            decimal(38, 20),
            [(
                "'123456789012345678.12345678901234567890'",
                Value::Decimal(12_345_678_901_234_567_812_345_678_901_234_567_890, 20),
            )],
        ),
        Sample::new("DATE", Kind::Text, [("'2024-02-29'", "2024-02-29".into())]),
        Sample::new("TIME", Kind::Text, [("'12:34'", "12:34".into())]),
        Sample::new(
            "DATETIME",
            Kind::Text,
            [("'2024-02-29T12:00:00Z'", "2024-02-29T12:00:00Z".into())],
        ),
        Sample::new(
            "TIMESTAMP",
            Kind::Text,
            [("'2024-02-29 12:00'", "2024-02-29 12:00".into())],
        ),
        Sample::new("DATE_TEXT", Kind::Date, [("'1969-12-31'", Value::Date(-1))]),
        Sample::new(
            "TIME_TEXT",
            Kind::Time,
            [("'00:00:00.000001'", Value::Time(1))],
        ),
        Sample::new(
            "TIME_TEXT(9)",
            Kind::TimeNanos,
            [("'00:00:00.000000001'", Value::Time(1))],
        ),
        Sample::new(
            "TIMESTAMP_TEXT",
            Kind::Timestamp { utc: false },
            [("'1970-01-02 00:00:00.000001'", Value::Timestamp(day + 1))],
        ),
        Sample::new(
            "TIMESTAMPTZ_TEXT",
            Kind::Timestamp { utc: true },
            [("'1970-01-02 00:00:00.000001Z'", Value::Timestamp(day + 1))],
        ),
        Sample::new(
            "TIMESTAMP_OFFSET_TEXT",
            Kind::OffsetTimestamp,
            [(
                "'1970-01-02 02:00:00.000001+02:00'",
                Value::OffsetTimestamp(day + 1, 120),
            )],
        ),
        Sample::new(
            "DURATION_INTEGER",
            Kind::Duration,
            [("-1", Value::Time(-1))],
        ),
        Sample::new(
            "JSON",
            Kind::Json,
            [("'{\"a\": 1}'", "{\"a\": 1}".into()), ("42", "42".into())],
        ),
        Sample::new("JSON_TEXT", Kind::Json, [("'42'", "42".into())]),
        Sample::new(
            "UUID",
            Kind::Uuid,
            [
                ("'00010203-0405-0607-0809-0A0B0C0D0E0F'", uuid()),
                ("x'000102030405060708090a0b0c0d0e0f'", uuid()),
            ],
        ),
        Sample::new(
            "UUID_BLOB",
            Kind::Uuid,
            [("x'000102030405060708090a0b0c0d0e0f'", uuid())],
        ),
    ]
}
