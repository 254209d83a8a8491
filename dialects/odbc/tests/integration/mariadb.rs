//! The driver `MariaDB Unicode` (maodbc).
use crate::place;
use connect_api::{Kind, Value};
use dialect_core::conformance::{Fixture, Session};
use dialect_odbc::conformance;

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let url = place::url("CONNECT_TEST_ODBC_MARIADB");
    Fixture {
        created,
        holds,
        read_back,
        strict: Some((place::strict(&url), "geometry")),
        session: Some(Session {
            id: "SELECT CAST(CONNECTION_ID() AS CHAR)",
            kill: |id| format!("KILL {id}"),
        }),
        widens: Some(("int", Kind::Int64)),
        short_text: Some("varchar(5)"),
        small_number: Some("smallint"),
        auto_increment_id: "id bigint AUTO_INCREMENT PRIMARY KEY",
        wrong_password: Some((place::PLANTED, place::with_wrong_password(&url))),
        ..Fixture::bare(
            place::open(&url),
            place::unique("om"),
            conformance::mariadb(),
        )
    }
}

fn created(kind: &Kind) -> Kind {
    match kind {
        Kind::BigDecimal | Kind::Json => Kind::Text,
        Kind::Time | Kind::TimeNanos => Kind::Duration,
        Kind::Uuid => Kind::Bytes,
        Kind::Timestamp { .. } => Kind::Timestamp { utc: false },
        other => other.clone(),
    }
}

fn holds(kind: &Kind, value: &Value) -> bool {
    const YEAR_1: i64 = -719_162;
    const YEAR_10000: i64 = 2_932_897;
    match (kind, value) {
        (_, Value::Float(v)) => v.is_finite(),
        (Kind::TimeNanos, Value::Time(v)) => v % 1_000 == 0,
        (Kind::Duration, Value::Time(v)) => v.abs() <= 3_020_399_000_000,
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
