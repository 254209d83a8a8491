//! Edge values: those on which databases and drivers differ.
use connect_api::{Kind, Value, max_unscaled};

const DAY: i64 = 86_400_000_000;

/// Kinds that every dialect creates columns for.
pub const KINDS: &[Kind] = &[
    Kind::Bool,
    Kind::Int8,
    Kind::Int16,
    Kind::Int32,
    Kind::Int64,
    Kind::UInt8,
    Kind::UInt16,
    Kind::UInt32,
    Kind::UInt64,
    Kind::Float32,
    Kind::Float64,
    Kind::Decimal {
        precision: 10,
        scale: 2,
    },
    Kind::Decimal {
        precision: 38,
        scale: 0,
    },
    Kind::Decimal {
        precision: 38,
        scale: 20,
    },
    Kind::WideDecimal {
        precision: 60,
        scale: 20,
    },
    Kind::BigDecimal,
    Kind::Text,
    Kind::Json,
    Kind::Bytes,
    Kind::Uuid,
    Kind::Date,
    Kind::Time,
    Kind::TimeNanos,
    Kind::Duration,
    Kind::Timestamp { utc: false },
    Kind::Timestamp { utc: true },
];

/// The least, the greatest, and the strange values of a kind.
pub fn edge_values(kind: &Kind) -> Vec<Value> {
    let ints = |least: i64, greatest: i64| [least, -1, 0, 1, greatest].map(Value::Int).to_vec();
    let uints = |greatest: u64| [0, 1, greatest].map(Value::UInt).to_vec();
    let texts = |texts: &[&str]| texts.iter().map(|t| Value::from(*t)).collect::<Vec<_>>();
    match kind {
        Kind::Bool => vec![false.into(), true.into()],
        Kind::Int8 => ints(i8::MIN.into(), i8::MAX.into()),
        Kind::Int16 => ints(i16::MIN.into(), i16::MAX.into()),
        Kind::Int32 => ints(i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => ints(i64::MIN, i64::MAX),
        Kind::UInt8 => uints(u8::MAX.into()),
        Kind::UInt16 => uints(u16::MAX.into()),
        Kind::UInt32 => uints(u32::MAX.into()),
        Kind::UInt64 => uints(u64::MAX),
        Kind::Float32 => [
            f32::MIN,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            0.1,
            16_777_217.0,
            0.0,
            -0.0,
        ]
        .into_iter()
        .chain([f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
        .map(|v| Value::Float(v.into()))
        .collect(),
        Kind::Float64 => [
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1,
            1.0 / 3.0,
            1e23,
            0.0,
            -0.0,
        ]
        .into_iter()
        .chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
        .map(Value::Float)
        .collect(),
        Kind::Decimal { precision, scale } => {
            let greatest = i128::try_from(max_unscaled(*precision)).unwrap_or(i128::MAX);
            [greatest, -greatest, 0, 1, -1, 10, 12_345, -100]
                .map(|v| Value::Decimal(v, *scale))
                .to_vec()
        }
        Kind::WideDecimal { .. } => texts(&[
            "9999999999999999999999999999999999999999.99999999999999999999",
            "-9999999999999999999999999999999999999999.99999999999999999999",
            "0.00000000000000000000",
            "-0.00000000000000000001",
            "12345678901234567890123456789012345678.50000000000000000000",
        ]),
        Kind::BigDecimal => texts(&[
            "12345678901234567890123456789012345.123456789012345678901234567",
            "-0.000000000000000000000000000001",
            "0",
            "0.1",
            "-99999999999999999999999999999999999",
        ]),
        Kind::Text => {
            let mut all = texts(&[
                "",
                " ",
                "trailing blank ",
                "O'Reilly said \"quote\" and `tick` \\ back \\n slash % _ $1 ? :a --",
                "four bytes 🦀 and 中文, e\u{301}, \u{feff}",
                "line\nbreak\r\n\ttab\u{7f}\u{1}",
                "NULL",
                "\\N",
                "007",
                "1e5",
                "a\u{0}b",
            ]);
            all.push("é".repeat(2 << 20).into());
            all
        }
        // As PostgreSQL and MySQL put it themselves, so that it comes back as the same text.
        Kind::Json => texts(&[
            "{\"a\": [1, 2.5, null, true, \"🦀 \\\"q\\\" 'q'\"]}",
            "{}",
            "[]",
            "null",
            "\"text\"",
            "\"\"",
            "42",
            "-1.5",
        ]),
        Kind::Bytes => vec![
            Value::Bytes(Vec::new()),
            Value::Bytes((0..=255).collect()),
            Value::Bytes(vec![0]),
            Value::Bytes(b"\\x41'\"\\".to_vec()),
            Value::Bytes(vec![0xff; 4 << 20]),
        ],
        Kind::Uuid => vec![
            Value::Bytes(vec![0; 16]),
            Value::Bytes(vec![0xff; 16]),
            Value::Bytes((0..16).collect()),
        ],
        // 0001-01-01, 1969-12-31, 1970-01-01, 2000-02-29, 9999-12-31; 0000-12-31 and
        // 10000-01-01, which few hold.
        Kind::Date => [-719_162, -1, 0, 11_016, 2_932_896, -719_163, 2_932_897]
            .map(Value::Date)
            .to_vec(),
        Kind::Time => [0, 1, 45_296_789_012, DAY - 1].map(Value::Time).to_vec(),
        // The same days with microseconds, and 2038-01-19T03:14:08 after 32 bits of seconds.
        Kind::Timestamp { .. } => [
            -719_162 * DAY,
            -719_162 * DAY + 1,
            -1,
            0,
            1,
            11_016 * DAY + 45_296_789_012,
            2_147_483_648_000_000,
            2_932_897 * DAY - 1,
            -719_162 * DAY - 1,
            2_932_897 * DAY,
        ]
        .map(Value::Timestamp)
        .to_vec(),
        Kind::TimeNanos => [
            0,
            1,
            100,
            1_000,
            45_296_789_012_300,
            (DAY - 1) * 1_000,
            DAY * 1_000 - 1,
        ]
        .map(Value::Time)
        .to_vec(),
        // The bounds of MySQL's TIME, and beyond.
        Kind::Duration => [
            0,
            1,
            -1,
            3_020_399_000_000,
            -3_020_399_000_000,
            DAY,
            400 * DAY,
        ]
        .map(Value::Time)
        .to_vec(),
        Kind::OffsetTimestamp => [
            (-719_162 * DAY, 0),
            (-1, -720),
            (0, 840),
            (11_016 * DAY + 45_296_789_012, 330),
            (2_932_896 * DAY, -60),
        ]
        .map(|(instant, offset)| Value::OffsetTimestamp(instant, offset))
        .to_vec(),
        Kind::List(element) => {
            let all = edge_values(element);
            let mut lists: Vec<_> = all.iter().map(|v| Value::List(vec![v.clone()])).collect();
            lists.push(Value::List(Vec::new()));
            lists.push(Value::List(vec![Value::Null]));
            lists
        }
        Kind::Interval => [
            (0, 0, 0),
            (14, -3, 14_706_789_000_000),
            (-1, 1, -1_000),
            (i32::MAX, i32::MIN, i64::MAX / 1_000 * 1_000),
        ]
        .map(|(months, days, nanos)| Value::Interval(months, days, nanos))
        .to_vec(),
        Kind::Struct(fields) => {
            let all: Vec<_> = fields.iter().map(|(_, kind)| edge_values(kind)).collect();
            let longest = all.iter().map(Vec::len).max().unwrap_or(0);
            let field = |values: &Vec<Value>, i| values.get(i).cloned().unwrap_or(Value::Null);
            (0..=longest)
                .map(|i| Value::Struct(all.iter().map(|values| field(values, i)).collect()))
                .collect()
        }
        Kind::Map(value) => {
            let key = |i: usize| format!("key {i} \"'\\=>,{{}}").into();
            let values = edge_values(value).into_iter().chain([Value::Null]);
            let all: Vec<_> = values.enumerate().map(|(i, v)| (key(i), v)).collect();
            let mut maps: Vec<_> = all.iter().map(|e| Value::Map(vec![e.clone()])).collect();
            maps.push(Value::Map(Vec::new()));
            maps
        }
        Kind::Other(_) => Vec::new(),
    }
}
