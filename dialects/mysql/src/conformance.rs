//! The fixture of this dialect for the suite of all dialects, for tests here and across databases.
use connect_api::{Kind, Value};
use dialect_core::conformance::{Sample, Session};

/// 2024-02-29 12:34:56.789012.
const LEAP: i64 = 1_709_210_096_789_012;
/// 838:59:59, the longest TIME.
const LONGEST: i64 = 3_020_399_000_000;

/// `POINT(1 2)` as WKB, without an SRID and with that of WGS 84.
fn point(srid: Option<u32>) -> Value {
    let mut bytes = vec![1, 1, 0, 0, 0];
    if let Some(srid) = srid {
        bytes[4] = 0x20;
        bytes.extend_from_slice(&srid.to_le_bytes());
    }
    for coordinate in [1.0_f64, 2.0] {
        bytes.extend_from_slice(&coordinate.to_le_bytes());
    }
    Value::Bytes(bytes)
}

/// A column type of every row of the table of types, as MariaDB has them, with values.
pub fn samples() -> Vec<Sample> {
    let int = |least: i64, greatest: i64| (least, greatest);
    let ints = |declared, kind: Kind, (least, greatest): (i64, i64)| {
        let values = [least, 0, 1, greatest].map(|v| (v.to_string(), Value::Int(v)));
        let values = values.iter().map(|(sql, v)| (sql.as_str(), v.clone()));
        Sample::new(declared, kind, values)
    };
    let uints = |declared, kind: Kind, greatest: u64| {
        let values = [0, 1, greatest].map(|v| (v.to_string(), Value::UInt(v)));
        let values = values.iter().map(|(sql, v)| (sql.as_str(), v.clone()));
        Sample::new(declared, kind, values)
    };
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let float = |v: f32| Value::Float(v.into());
    let bytes = |v: &[u8]| Value::Bytes(v.to_vec());
    let timestamp = |utc| Kind::Timestamp { utc };
    vec![
        ints("tinyint", Kind::Int8, int(-128, 127)),
        ints("smallint", Kind::Int16, int(-32_768, 32_767)),
        ints("mediumint", Kind::Int32, int(-8_388_608, 8_388_607)),
        ints("int", Kind::Int32, int(i32::MIN.into(), i32::MAX.into())),
        ints("bigint", Kind::Int64, int(i64::MIN, i64::MAX)),
        uints("tinyint unsigned", Kind::UInt8, 255),
        uints("smallint unsigned", Kind::UInt16, 65_535),
        uints("mediumint unsigned", Kind::UInt32, 16_777_215),
        uints("int unsigned", Kind::UInt32, u32::MAX.into()),
        uints("int(5) unsigned zerofill", Kind::UInt32, u32::MAX.into()),
        uints("bigint unsigned", Kind::UInt64, u64::MAX),
        Sample::new(
            "tinyint(1)",
            Kind::Bool,
            [("0", false.into()), ("TRUE", true.into())],
        ),
        Sample::new(
            "float",
            Kind::Float32,
            [("0.1", float(0.1)), ("-3.4e38", float(-3.4e38))],
        ),
        Sample::new("float(7,3)", Kind::Float32, [("1.23456", float(1.235))]),
        Sample::new(
            "double",
            Kind::Float64,
            [("0.1", Value::Float(0.1)), ("-1e308", Value::Float(-1e308))],
        ),
        Sample::new("double(10,2)", Kind::Float64, [("1.5", Value::Float(1.5))]),
        Sample::new(
            "decimal(12,2)",
            decimal(12, 2),
            [
                ("-1234567890.12", Value::Decimal(-123_456_789_012, 2)),
                ("0.01", Value::Decimal(1, 2)),
            ],
        ),
        Sample::new(
            "decimal(38,0)",
            decimal(38, 0),
            [(
                "99999999999999999999999999999999999999",
                Value::Decimal(10_i128.pow(38) - 1, 0),
            )],
        ),
        Sample::new(
            "decimal(10,3) unsigned",
            decimal(10, 3),
            [("1.5", Value::Decimal(1_500, 3))],
        ),
        Sample::new(
            "decimal(65,30)",
            Kind::WideDecimal {
                precision: 65,
                scale: 30,
            },
            [
                (
                    "-12345678901234567890123456789012345.123456789012345678901234567891",
                    "-12345678901234567890123456789012345.123456789012345678901234567891".into(),
                ),
                ("0", "0.000000000000000000000000000000".into()),
            ],
        ),
        Sample::new(
            "bit(1)",
            Kind::Bool,
            [("b'0'", false.into()), ("b'1'", true.into())],
        ),
        Sample::new("bit(9)", Kind::UInt64, [("b'100000001'", Value::UInt(257))]),
        Sample::new(
            "bit(64)",
            Kind::UInt64,
            [("18446744073709551615", Value::UInt(u64::MAX))],
        ),
        Sample::new(
            "char(5)",
            Kind::Text,
            [("''", "".into()), ("' ä€𝄞'", " ä€𝄞".into())],
        ),
        Sample::new(
            "varchar(16)",
            Kind::Text,
            [("'ä€𝄞 '", "ä€𝄞 ".into()), ("''", "".into())],
        ),
        Sample::new("tinytext", Kind::Text, [("'it''s'", "it's".into())]),
        Sample::new("text", Kind::Text, [("'x'", "x".into())]),
        Sample::new("mediumtext", Kind::Text, [("'x'", "x".into())]),
        Sample::new("longtext", Kind::Text, [("'x'", "x".into())]),
        Sample::new("binary(3)", Kind::Bytes, [("x'0001'", bytes(&[0, 1, 0]))]),
        Sample::new(
            "binary(16)",
            Kind::Bytes,
            [(
                "x'000102030405060708090a0b0c0d0e0f'",
                (0..16).collect::<Vec<u8>>().into(),
            )],
        ),
        Sample::new(
            "varbinary(3)",
            Kind::Bytes,
            [("x''", bytes(&[])), ("x'00ff'", bytes(&[0, 255]))],
        ),
        Sample::new("tinyblob", Kind::Bytes, [("x'00'", bytes(&[0]))]),
        Sample::new("blob", Kind::Bytes, [("x'00'", bytes(&[0]))]),
        Sample::new("mediumblob", Kind::Bytes, [("x'00'", bytes(&[0]))]),
        Sample::new("longblob", Kind::Bytes, [("x'00'", bytes(&[0]))]),
        Sample::new(
            r"enum('a','it''s','b\\c','d,e')",
            Kind::Text,
            [
                ("'it''s'", "it's".into()),
                (r"'b\\c'", "b\\c".into()),
                ("4", "d,e".into()),
            ],
        ),
        Sample::new(
            "set('a','b')",
            Kind::Text,
            [("''", "".into()), ("'b,a'", "a,b".into())],
        ),
        Sample::new(
            "date",
            Kind::Date,
            [
                ("'1000-01-01'", Value::Date(-354_285)),
                ("'9999-12-31'", Value::Date(2_932_896)),
            ],
        ),
        Sample::new(
            "datetime",
            timestamp(false),
            [(
                "'9999-12-31 00:00:00'",
                Value::Timestamp(253_402_214_400_000_000),
            )],
        ),
        Sample::new(
            "datetime(6)",
            timestamp(false),
            [("'2024-02-29 12:34:56.789012'", Value::Timestamp(LEAP))],
        ),
        Sample::new(
            "timestamp(6) NULL",
            timestamp(true),
            [
                ("'2024-02-29 12:34:56.789012'", Value::Timestamp(LEAP)),
                ("'1970-01-01 00:00:01'", Value::Timestamp(1_000_000)),
            ],
        ),
        Sample::new(
            "time",
            Kind::Duration,
            [
                ("'838:59:59'", Value::Time(LONGEST)),
                ("'-838:59:59'", Value::Time(-LONGEST)),
                ("'00:00:00'", Value::Time(0)),
            ],
        ),
        Sample::new(
            "time(6)",
            Kind::Duration,
            [("'-00:00:00.000001'", Value::Time(-1))],
        ),
        Sample::new(
            "year",
            Kind::Int16,
            [
                ("0", Value::Int(0)),
                ("1901", Value::Int(1901)),
                ("2155", Value::Int(2155)),
            ],
        ),
        Sample::new(
            "json",
            Kind::Json,
            [(r#"'{"a": [1, 2.50]}'"#, r#"{"a": [1, 2.50]}"#.into())],
        ),
        Sample::new(
            "geometry",
            Kind::Bytes,
            [
                ("ST_GeomFromText('POINT(1 2)')", point(None)),
                ("ST_GeomFromText('POINT(1 2)', 4326)", point(Some(4326))),
            ],
        ),
        Sample::new(
            "point",
            Kind::Bytes,
            [("ST_GeomFromText('POINT(1 2)')", point(None))],
        ),
        Sample::new("inet4", Kind::Text, [("'192.0.2.1'", "192.0.2.1".into())]),
        Sample::new("inet6", Kind::Text, [("'::1'", "::1".into())]),
        Sample::new(
            "uuid",
            Kind::Uuid,
            [(
                "'00112233-4455-6677-8899-aabbccddeeff'",
                Value::Bytes((0..16).map(|i| i * 17).collect()),
            )],
        ),
    ]
}

/// The kind that a column created for a kind has.
pub fn created(kind: &Kind) -> Kind {
    match kind {
        Kind::BigDecimal => Kind::Text,
        Kind::TimeNanos => Kind::Time,
        Kind::OffsetTimestamp => Kind::Timestamp { utc: true },
        other => other.clone(),
    }
}

/// A column created for the kind holds the value.
pub fn holds(kind: &Kind, value: &Value) -> bool {
    const YEAR_1: i64 = -719_162;
    const YEAR_10000: i64 = 2_932_897;
    match (kind, value) {
        (_, Value::Float(v)) => v.is_finite(),
        (_, Value::Date(days)) => (YEAR_1..YEAR_10000).contains(&i64::from(*days)),
        (_, Value::Timestamp(micros)) => {
            (YEAR_1..YEAR_10000).contains(&micros.div_euclid(86_400_000_000))
        }
        (Kind::TimeNanos, Value::Time(nanos)) => nanos % 1_000 == 0,
        (Kind::Duration, Value::Time(micros)) => (-LONGEST..=LONGEST).contains(micros),
        _ => true,
    }
}

/// What a value of a kind is read back as from a column that was created for it.
pub fn read_back(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::TimeNanos, Value::Time(nanos)) => Value::Time(nanos / 1_000),
        (_, value) => value,
    }
}

/// How a session is named and ended.
pub const SESSION: Session = Session {
    id: "SELECT CAST(CONNECTION_ID() AS CHAR)",
    kill: |id| format!("KILL {id}"),
};
