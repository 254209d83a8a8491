//! The dialect against a real server: the suite of all dialects, and what only this one has.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod place;
mod reading;
mod refusing;
mod values;
mod writing;

use connect_api::{Kind, Value};
use dialect_core::conformance::Fixture;

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let url = place::url();
    let (_, server) = url.split_once('@').expect("the URL names a user");
    let password = "planted-secret";
    Fixture {
        dialect: place::open(&url),
        unique: place::unique("t"),
        types: types(),
        created,
        holds,
        strange_type: "geometry",
        short_text: Some("varchar(5)"),
        small_number: Some("smallint"),
        counted_id: "id bigint AUTO_INCREMENT PRIMARY KEY",
        wrong_password: Some((
            password,
            place::open(&format!("mysql://connect:{password}@{server}")),
        )),
        guard: None,
    }
}

fn types() -> Vec<(&'static str, Kind)> {
    vec![
        ("tinyint(1)", Kind::Int8),
        ("bit(1)", Kind::Bool),
        ("bigint unsigned", Kind::UInt64),
        ("double precision", Kind::Float64),
        (
            "numeric(12,2)",
            Kind::Decimal {
                precision: 12,
                scale: 2,
            },
        ),
        ("varchar(20)", Kind::Text),
        ("json", Kind::Json),
        ("longblob", Kind::Bytes),
        ("uuid", Kind::Uuid),
        ("date", Kind::Date),
        ("time(3)", Kind::Time),
        ("datetime(6)", Kind::Timestamp { utc: false }),
        ("timestamp NULL", Kind::Timestamp { utc: true }),
        ("year", Kind::Int16),
    ]
}

fn created(kind: &Kind) -> Kind {
    match kind {
        Kind::BigDecimal => Kind::Text,
        other => other.clone(),
    }
}

fn holds(_: &Kind, value: &Value) -> bool {
    const YEAR_1: i64 = -719_162;
    const YEAR_10000: i64 = 2_932_897;
    match value {
        Value::Float(v) => v.is_finite(),
        Value::Date(days) => (YEAR_1..YEAR_10000).contains(&i64::from(*days)),
        Value::Timestamp(micros) => {
            (YEAR_1..YEAR_10000).contains(&micros.div_euclid(86_400_000_000))
        }
        _ => true,
    }
}
