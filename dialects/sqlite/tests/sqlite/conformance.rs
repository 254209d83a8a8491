//! The suite of all dialects.
use connect_api::{Kind, Value};
use dialect_core::{OpenOptions, conformance::Fixture};

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let url = format!("sqlite:{}?mode=rwc", path.display());
    Fixture {
        dialect: dialect_sqlite::open(&url, &OpenOptions::default()).unwrap(),
        unique: "t".to_owned(),
        types: types(),
        created,
        holds,
        strange_type: "GEOMETRY",
        short_text: None,
        small_number: None,
        counted_id: "id INTEGER PRIMARY KEY",
        wrong_password: None,
        guard: Some(Box::new(directory)),
    }
}

fn types() -> Vec<(&'static str, Kind)> {
    vec![
        ("INTEGER", Kind::Int64),
        ("SMALLINT", Kind::Int64),
        ("BOOLEAN", Kind::Bool),
        ("DOUBLE PRECISION", Kind::Float64),
        (
            "DECIMAL(12,2)",
            Kind::Decimal {
                precision: 12,
                scale: 2,
            },
        ),
        ("NUMERIC", Kind::BigDecimal),
        ("VARCHAR(20)", Kind::Text),
        ("TEXT", Kind::Text),
        ("JSON", Kind::Json),
        ("BLOB", Kind::Bytes),
        ("UUID", Kind::Uuid),
        ("DATETIME", Kind::Text),
        ("TIMESTAMP_TEXT", Kind::Timestamp { utc: false }),
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
        other => other.clone(),
    }
}

fn holds(_: &Kind, value: &Value) -> bool {
    const YEAR_0: i64 = -719_528;
    const YEAR_10000: i64 = 2_932_897;
    match value {
        Value::Float(v) => !v.is_nan(),
        Value::Date(days) => (YEAR_0..YEAR_10000).contains(&i64::from(*days)),
        Value::Timestamp(micros) => {
            (YEAR_0..YEAR_10000).contains(&micros.div_euclid(86_400_000_000))
        }
        _ => true,
    }
}
