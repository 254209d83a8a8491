//! The driver `SQLite3` (libsqliteodbc).
use crate::drivers;
use connect_api::{Kind, Value};
use dialect_core::conformance::{Fixture, Sample};

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let url = drivers::url("CONNECT_TEST_ODBC_SQLITE");
    // A file of its own for each test: SQLite has one writer at a time.
    let (driver, _) = url.split_once(";Database=").unwrap();
    let url = format!("{driver};Database={}/test.db", directory.path().display());
    Fixture {
        created,
        holds,
        comes_back,
        strict: Some((drivers::strict(&url), "geometry")),
        counted_id: "id INTEGER PRIMARY KEY",
        short_text: Some("varchar(5)"),
        guard: Some(Box::new(directory)),
        ..Fixture::bare(drivers::open(&url), "t".to_owned(), samples())
    }
}

fn samples() -> Vec<Sample> {
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

fn created(kind: &Kind) -> Kind {
    match kind {
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::UInt8 | Kind::UInt16 | Kind::UInt32 => {
            Kind::Int64
        }
        Kind::UInt64 => Kind::Decimal {
            precision: 20,
            scale: 0,
        },
        Kind::Float32 => Kind::Float64,
        Kind::TimeNanos => Kind::Time,
        other => other.clone(),
    }
}

fn holds(kind: &Kind, value: &Value) -> bool {
    const YEAR_1: i64 = -719_162;
    const YEAR_10000: i64 = 2_932_897;
    match (kind, value) {
        (_, Value::Float(v)) => !v.is_nan(),
        // The driver ends a text there.
        (Kind::Text, Value::Text(v)) => !v.contains('\0'),
        (Kind::TimeNanos, Value::Time(v)) => v % 1_000 == 0,
        (_, Value::Date(days)) => (YEAR_1..YEAR_10000).contains(&i64::from(*days)),
        (_, Value::Timestamp(micros)) => {
            (YEAR_1..YEAR_10000).contains(&micros.div_euclid(86_400_000_000))
        }
        _ => true,
    }
}

fn comes_back(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::TimeNanos, Value::Time(nanos)) => Value::Time(nanos / 1_000),
        (_, value) => value,
    }
}
