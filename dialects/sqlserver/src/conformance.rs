//! The fixture of this dialect for the suite of all dialects, for tests here and across databases.
use connect_api::{Kind, Value};
use dialect_core::{
    civil,
    conformance::{Sample, Session},
};

/// How a session is named and ended.
pub const SESSION: Session = Session {
    id: "SELECT CONVERT(nvarchar(10), @@SPID)",
    kill: |id| format!("KILL {id}"),
};

/// The kind that a column is described as which was created for a kind.
#[must_use]
pub fn created(kind: &Kind) -> Kind {
    match kind {
        Kind::Int8 => Kind::Int16,
        Kind::UInt16 => Kind::Int32,
        Kind::UInt32 | Kind::Duration => Kind::Int64,
        Kind::UInt64 => Kind::Decimal {
            precision: 20,
            scale: 0,
        },
        Kind::WideDecimal { .. } | Kind::BigDecimal | Kind::Json | Kind::Interval => Kind::Text,
        Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => Kind::Text,
        Kind::Timestamp { utc: true } => Kind::OffsetTimestamp,
        other => other.clone(),
    }
}

/// Whether a column that was created for the kind holds the value.
#[must_use]
pub fn holds(kind: &Kind, value: &Value) -> bool {
    const YEAR_1: i64 = -719_162;
    const YEAR_10000: i64 = 2_932_897;
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "it was a float of 32 bits")]
        Value::Float(v) if *kind == Kind::Float32 => *v == 0.0 || (*v as f32).is_normal(),
        Value::Float(v) => *v == 0.0 || v.is_normal(),
        Value::Date(days) => (YEAR_1..YEAR_10000).contains(&i64::from(*days)),
        Value::Timestamp(micros) => {
            (YEAR_1..YEAR_10000).contains(&micros.div_euclid(civil::DAY_MICROS))
        }
        Value::Time(nanos) if *kind == Kind::TimeNanos => nanos % 100 == 0,
        _ => true,
    }
}

/// What a value is read back as from a column that was created for its kind.
#[must_use]
pub fn read_back(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::UInt16 | Kind::UInt32, Value::UInt(v)) => {
            i64::try_from(v).map_or(Value::UInt(v), Value::Int)
        }
        (Kind::UInt64, Value::UInt(v)) => Value::Decimal(v.into(), 0),
        (Kind::Duration, Value::Time(v)) => Value::Int(v),
        (Kind::Timestamp { utc: true }, Value::Timestamp(v)) => Value::OffsetTimestamp(v, 0),
        (_, value) => value,
    }
}

/// Every type of the reference that all supported servers have, with values.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let at = |text: &str| civil::parse_timestamp(text.as_bytes()).unwrap_or_default();
    let wall = |text: &str| Value::Timestamp(at(text));
    let text = |text: &str| Value::from(text);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let timestamp = Kind::Timestamp { utc: false };
    vec![
        Sample::new("bit", Kind::Bool, [("0", false.into()), ("1", true.into())]),
        Sample::new(
            "tinyint",
            Kind::UInt8,
            [("0", Value::UInt(0)), ("255", Value::UInt(255))],
        ),
        Sample::new("smallint", Kind::Int16, [("-32768", Value::Int(-32_768))]),
        Sample::new(
            "int",
            Kind::Int32,
            [("-2147483648", Value::Int(i32::MIN.into()))],
        ),
        Sample::new(
            "bigint",
            Kind::Int64,
            [("-9223372036854775808", Value::Int(i64::MIN))],
        ),
        Sample::new(
            "decimal(38,20)",
            decimal(38, 20),
            [("-0.00000000000000000001", Value::Decimal(-1, 20))],
        ),
        Sample::new(
            "decimal(38,38)",
            decimal(38, 38),
            [("1e-38", Value::Decimal(1, 38))],
        ),
        Sample::new(
            "numeric(9,2)",
            decimal(9, 2),
            [("12.34", Value::Decimal(1_234, 2))],
        ),
        Sample::new(
            "money",
            decimal(19, 4),
            [
                ("-922337203685477.5808", Value::Decimal(i64::MIN.into(), 4)),
                ("0.0001", Value::Decimal(1, 4)),
            ],
        ),
        Sample::new(
            "smallmoney",
            decimal(10, 4),
            [("-214748.3648", Value::Decimal(-2_147_483_648, 4))],
        ),
        Sample::new(
            "real",
            Kind::Float32,
            [("0.1", Value::Float(0.1_f32.into()))],
        ),
        Sample::new("float", Kind::Float64, [("0.1e0", Value::Float(0.1))]),
        Sample::new("char(3)", Kind::Text, [("'ab'", text("ab "))]),
        Sample::new(
            "varchar(20)",
            Kind::Text,
            [("'trailing '", text("trailing "))],
        ),
        Sample::new("varchar(max)", Kind::Text, [("''", text(""))]),
        Sample::new("text", Kind::Text, [("'old'", text("old"))]),
        Sample::new("nchar(3)", Kind::Text, [("N'中'", text("中  "))]),
        Sample::new(
            "nvarchar(20)",
            Kind::Text,
            [("N'four 🦀'", text("four 🦀"))],
        ),
        Sample::new("nvarchar(max)", Kind::Text, [("N'中文'", text("中文"))]),
        Sample::new("ntext", Kind::Text, [("N'old 中'", text("old 中"))]),
        Sample::new("xml", Kind::Text, [("N'<a>中</a>'", text("<a>中</a>"))]),
        Sample::new("sysname NULL", Kind::Text, [("N'dbo'", text("dbo"))]),
        Sample::new(
            "binary(4)",
            Kind::Bytes,
            [("0x00FF00FF", bytes(&[0, 255, 0, 255]))],
        ),
        Sample::new("varbinary(9)", Kind::Bytes, [("0x", bytes(&[]))]),
        Sample::new("varbinary(max)", Kind::Bytes, [("0x00", bytes(&[0]))]),
        Sample::new("image", Kind::Bytes, [("0x01", bytes(&[1]))]),
        Sample::new(
            "date",
            Kind::Date,
            [
                ("'0001-01-01'", Value::Date(-719_162)),
                ("'9999-12-31'", Value::Date(2_932_896)),
            ],
        ),
        Sample::new(
            "time(7)",
            Kind::TimeNanos,
            [("'23:59:59.9999999'", Value::Time(86_399_999_999_900))],
        ),
        Sample::new(
            "time(3)",
            Kind::Time,
            [("'12:34:56.789'", Value::Time(45_296_789_000))],
        ),
        Sample::new(
            "datetime2(7)",
            timestamp.clone(),
            [(
                "'0001-01-01 00:00:00.000001'",
                wall("0001-01-01 00:00:00.000001"),
            )],
        ),
        Sample::new(
            "datetime2(0)",
            timestamp.clone(),
            [("'9999-12-31 23:59:59'", wall("9999-12-31 23:59:59"))],
        ),
        Sample::new(
            "datetime",
            timestamp.clone(),
            [
                ("'1753-01-01 00:00:00.003'", wall("1753-01-01 00:00:00.003")),
                ("'9999-12-31 23:59:59.997'", wall("9999-12-31 23:59:59.997")),
            ],
        ),
        Sample::new(
            "smalldatetime",
            timestamp,
            [("'2079-06-06 23:59:00'", wall("2079-06-06 23:59:00"))],
        ),
        Sample::new(
            "datetimeoffset(3)",
            Kind::OffsetTimestamp,
            [(
                "'2024-02-29 12:00:00.123 +05:30'",
                Value::OffsetTimestamp(at("2024-02-29 06:30:00.123"), 330),
            )],
        ),
        Sample::new(
            "datetimeoffset(7)",
            Kind::OffsetTimestamp,
            [(
                "'0001-01-01 12:00:00 -12:00'",
                Value::OffsetTimestamp(at("0001-01-02"), -720),
            )],
        ),
        Sample::new(
            "uniqueidentifier",
            Kind::Uuid,
            [(
                "'00010203-0405-0607-0809-0a0b0c0d0e0f'",
                Value::Bytes((0..16).collect()),
            )],
        ),
        Sample::new(
            "sql_variant",
            Kind::Text,
            [
                ("CAST(1.5e0 AS float)", text("1.5000000000000000e+000")),
                ("CAST('12.3456' AS money)", text("12.3456")),
                ("CAST(0x00FF AS varbinary(2))", text("0x00FF")),
            ],
        )
        .not_recreated(),
        Sample::new(
            "hierarchyid",
            Kind::Bytes,
            [("hierarchyid::Parse('/1/')", bytes(&[0x58]))],
        ),
        Sample::new(
            "geometry",
            Kind::Bytes,
            [(
                "geometry::STGeomFromText('POINT (1 2)', 0)",
                point(0, 1.0, 2.0),
            )],
        ),
        Sample::new(
            "geography",
            Kind::Bytes,
            [(
                "geography::STGeomFromText('POINT (1 2)', 4326)",
                point(4_326, 1.0, 2.0),
            )],
        ),
    ]
}

/// A point in WKB, with its reference system unless that is 0.
fn point(system: u32, x: f64, y: f64) -> Value {
    let mut wkb = vec![1, 1, 0, 0, if system == 0 { 0 } else { 0x20 }];
    if system != 0 {
        wkb.extend_from_slice(&system.to_le_bytes());
    }
    wkb.extend_from_slice(&x.to_le_bytes());
    wkb.extend_from_slice(&y.to_le_bytes());
    Value::Bytes(wkb)
}
