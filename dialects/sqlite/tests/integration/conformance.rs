//! The suite of all dialects.
use connect_api::{Kind, Value};
use dialect_core::{OpenOptions, UnknownTypes, conformance::Fixture};

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let open = |options: &OpenOptions| dialect_sqlite::open(&url, options).unwrap();
    let mut strict = OpenOptions::default();
    strict.values.unknown_types = UnknownTypes::Fail;
    Fixture {
        created,
        holds,
        read_back,
        strict: Some((open(&strict), "GEOMETRY")),
        auto_increment_id: "id INTEGER PRIMARY KEY",
        guard: Some(Box::new(directory)),
        ..Fixture::bare(
            open(&OpenOptions::default()),
            "t".to_owned(),
            dialect_sqlite::samples(),
        )
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

fn read_back(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::UInt64, Value::UInt(v)) => Value::Decimal(v.into(), 0),
        (Kind::UInt8 | Kind::UInt16 | Kind::UInt32, Value::UInt(v)) => {
            Value::Int(i64::try_from(v).unwrap())
        }
        (_, value) => value,
    }
}
