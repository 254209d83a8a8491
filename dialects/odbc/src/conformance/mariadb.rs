//! Types as the driver `MariaDB Unicode` shows them.
use connect_api::{Kind, Value};
use dialect_core::conformance::Sample;

/// Values of each declared type.
pub(super) fn samples() -> Vec<Sample> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let uuid = Value::Bytes((0..16).collect());
    let utc = |utc| Kind::Timestamp { utc };
    vec![
        Sample::new(
            "tinyint(1)",
            Kind::Bool,
            [("1", true.into()), ("0", false.into())],
        ),
        Sample::new("tinyint", Kind::Int8, [("-128", Value::Int(-128))]),
        Sample::new("smallint", Kind::Int16, [("-32768", Value::Int(-32_768))]),
        Sample::new(
            "mediumint",
            Kind::Int32,
            [("8388607", Value::Int(8_388_607))],
        ),
        Sample::new(
            "int",
            Kind::Int32,
            [("2147483647", Value::Int(2_147_483_647))],
        ),
        Sample::new(
            "bigint",
            Kind::Int64,
            [("-9223372036854775808", Value::Int(i64::MIN))],
        ),
        Sample::new("tinyint unsigned", Kind::UInt8, [("255", Value::UInt(255))]),
        Sample::new(
            "smallint unsigned",
            Kind::UInt16,
            [("65535", Value::UInt(65_535))],
        ),
        Sample::new(
            "int unsigned",
            Kind::UInt32,
            [("4294967295", Value::UInt(4_294_967_295))],
        ),
        Sample::new(
            "bigint unsigned",
            Kind::UInt64,
            [("18446744073709551615", Value::UInt(u64::MAX))],
        ),
        Sample::new(
            "float",
            Kind::Float32,
            [("0.1", Value::Float(0.1f32.into()))],
        ),
        Sample::new("double", Kind::Float64, [("1e23", Value::Float(1e23))]),
        Sample::new(
            "decimal(12,2)",
            decimal(12, 2),
            [("-1.5", Value::Decimal(-150, 2))],
        ),
        Sample::new(
            "decimal(65,30)",
            Kind::WideDecimal {
                precision: 65,
                scale: 30,
            },
            [("1.5", "1.500000000000000000000000000000".into())],
        ),
        Sample::new("bit(1)", Kind::Bool, [("b'1'", true.into())]),
        Sample::new(
            "bit(64)",
            Kind::UInt64,
            [("18446744073709551615", Value::UInt(u64::MAX))],
        ),
        Sample::new("varchar(20)", Kind::Text, [("'é中🦀'", "é中🦀".into())]),
        Sample::new("longtext", Kind::Text, [("''", "".into())]),
        Sample::new(
            "varbinary(5)",
            Kind::Bytes,
            [("x'0001ff'", Value::Bytes(vec![0, 1, 255]))],
        ),
        Sample::new(
            "longblob",
            Kind::Bytes,
            [("x'0001ff'", Value::Bytes(vec![0, 1, 255]))],
        ),
        Sample::new("enum('a','b,c')", Kind::Text, [("'b,c'", "b,c".into())]).not_recreated(),
        Sample::new("set('a','b')", Kind::Text, [("'a,b'", "a,b".into())]).not_recreated(),
        Sample::new("date", Kind::Date, [("'1970-01-02'", Value::Date(1))]),
        Sample::new(
            "datetime(6)",
            utc(false),
            [("'1970-01-01 00:00:00.000001'", Value::Timestamp(1))],
        ),
        Sample::new(
            "timestamp(6) NULL",
            utc(true),
            [("'1970-01-01 00:00:01.5'", Value::Timestamp(1_500_000))],
        ),
        Sample::new(
            "time(3)",
            Kind::Duration,
            [
                ("'-838:59:59'", Value::Time(-3_020_399_000_000)),
                ("'00:00:00.5'", Value::Time(500_000)),
            ],
        ),
        Sample::new("year", Kind::Int16, [("2024", Value::Int(2_024))]),
        Sample::new(
            "uuid",
            Kind::Uuid,
            [("'00010203-0405-0607-0809-0a0b0c0d0e0f'", uuid)],
        ),
        Sample::new("inet6", Kind::Text, [("'::1'", "::1".into())]),
    ]
}
