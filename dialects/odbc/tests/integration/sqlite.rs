//! The driver `SQLite3` (libsqliteodbc).
use crate::place;
use connect_api::{Kind, Value};
use dialect_core::conformance::Fixture;
use dialect_odbc::conformance;

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let url = place::url("CONNECT_TEST_ODBC_SQLITE");
    // A file of its own for each test: SQLite has one writer at a time.
    let (driver, _) = url.split_once(";Database=").unwrap();
    let url = format!("{driver};Database={}/test.db", directory.path().display());
    Fixture {
        created,
        holds,
        read_back,
        strict: Some((place::strict(&url), "geometry")),
        auto_increment_id: "id INTEGER PRIMARY KEY",
        short_text: Some("varchar(5)"),
        guard: Some(Box::new(directory)),
        ..Fixture::bare(place::open(&url), "t".to_owned(), conformance::sqlite())
    }
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

fn read_back(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::TimeNanos, Value::Time(nanos)) => Value::Time(nanos / 1_000),
        (_, value) => value,
    }
}
