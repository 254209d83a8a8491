//! Types as the driver `PostgreSQL Unicode` (psqlodbcw) shows them.
use connect_api::{Kind, Value};
use dialect_core::conformance::Sample;

/// Values of each declared type.
pub(super) fn samples() -> Vec<Sample> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let wide = Kind::WideDecimal {
        precision: 50,
        scale: 2,
    };
    let uuid = Value::Bytes((0..16).collect());
    let utc = |utc| Kind::Timestamp { utc };
    vec![
        Sample::new(
            "boolean",
            Kind::Bool,
            [("true", true.into()), ("false", false.into())],
        ),
        Sample::new("smallint", Kind::Int16, [("-32768", Value::Int(-32_768))]),
        Sample::new(
            "integer",
            Kind::Int32,
            [("2147483647", Value::Int(2_147_483_647))],
        ),
        Sample::new(
            "bigint",
            Kind::Int64,
            [("-9223372036854775808", Value::Int(i64::MIN))],
        ),
        Sample::new(
            "oid",
            Kind::UInt32,
            [("4294967295", Value::UInt(4_294_967_295))],
        ),
        Sample::new(
            "real",
            Kind::Float32,
            [
                ("'NaN'", Value::Float(f64::NAN)),
                ("0.1", Value::Float(0.1f32.into())),
            ],
        ),
        Sample::new(
            "double precision",
            Kind::Float64,
            [
                ("'-Infinity'", Value::Float(f64::NEG_INFINITY)),
                ("1e23", Value::Float(1e23)),
            ],
        ),
        Sample::new(
            "numeric(12,2)",
            decimal(12, 2),
            [("-1.5", Value::Decimal(-150, 2))],
        ),
        Sample::new(
            "numeric(5,-2)",
            decimal(5, -2),
            [("1200", Value::Decimal(12, -2))],
        ),
        Sample::new(
            "numeric(2,4)",
            decimal(4, 4),
            [("0.0012", Value::Decimal(12, 4))],
        )
        .not_recreated(),
        Sample::new("numeric(50,2)", wide, [("1.5", "1.50".into())]),
        Sample::new(
            "numeric",
            Kind::BigDecimal,
            [("'NaN'", "NaN".into()), ("1.50", "1.50".into())],
        ),
        Sample::new("money", Kind::Text, [("1.5", "$1.50".into())]),
        Sample::new(
            "text",
            Kind::Text,
            [("'é中🦀'", "é中🦀".into()), ("''", "".into())],
        ),
        Sample::new("varchar(20)", Kind::Text, [("'a'", "a".into())]),
        Sample::new("char(3)", Kind::Text, [("'a'", "a  ".into())]),
        Sample::new(
            "bytea",
            Kind::Bytes,
            [
                ("'\\x0001ff'", Value::Bytes(vec![0, 1, 255])),
                ("''", Value::Bytes(vec![])),
            ],
        ),
        Sample::new(
            "date",
            Kind::Date,
            [
                ("'0044-03-15 BC'", Value::Date(-735_160)),
                ("'1970-01-02'", Value::Date(1)),
            ],
        ),
        Sample::new(
            "timestamp",
            utc(false),
            [("'1970-01-01 00:00:00.000001'", Value::Timestamp(1))],
        ),
        Sample::new(
            "timestamptz(3)",
            utc(true),
            [("'1970-01-01 02:00:00.5+02'", Value::Timestamp(500_000))],
        ),
        Sample::new(
            "time",
            Kind::Time,
            [("'23:59:59.999999'", Value::Time(86_399_999_999))],
        ),
        Sample::new(
            "timetz",
            Kind::Text,
            [("'12:00:00+02'", "12:00:00+02".into())],
        ),
        Sample::new(
            "interval",
            Kind::Text,
            [("'1 mon 2 days'", "1 mon 2 days".into())],
        ),
        Sample::new(
            "interval day to second",
            Kind::Duration,
            [("'-1 day 01:00'", Value::Time(-82_800_000_000))],
        ),
        Sample::new(
            "uuid",
            Kind::Uuid,
            [("'00010203-0405-0607-0809-0a0b0c0d0e0f'", uuid)],
        ),
        Sample::new(
            "json",
            Kind::Json,
            [("'{\"a\":  1}'", "{\"a\":  1}".into())],
        ),
        Sample::new(
            "jsonb",
            Kind::Json,
            [("'{\"a\":  1}'", "{\"a\": 1}".into())],
        ),
        Sample::new("bit(3)", Kind::Text, [("B'101'", "101".into())]),
        Sample::new("bit varying", Kind::Text, [("B'1'", "1".into())]),
        Sample::new("inet", Kind::Text, [("'10.0.0.1/8'", "10.0.0.1/8".into())]),
        Sample::new("point", Kind::Text, [("'(1,2)'", "(1,2)".into())]),
        Sample::new("int4range", Kind::Text, [("'[1,5)'", "[1,5)".into())]),
        Sample::new(
            "integer[]",
            Kind::Text,
            [("'{1,NULL,3}'", "{1,NULL,3}".into())],
        )
        .not_recreated(),
        Sample::new("tsvector", Kind::Text, [("'a b'", "'a' 'b'".into())]),
    ]
}
