//! Values for columns of another type or a lower precision.
use crate::harness::*;
use connect_api::{Kind, Records, Schema, Value};

const WALL: Kind = Kind::Timestamp { utc: false };

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

/// One column `v` beside the key.
fn records(topic: &str, kind: &Kind, values: &[Value]) -> Records {
    let fields = [Kind::Int64.field("id", true), kind.clone().field("v", true)];
    let schema = Schema::new("s", fields, &["id"]).unwrap();
    let row = |(id, v): (usize, &Value)| [Value::Int(id as i64), v.clone()];
    of(topic, &schema, values.iter().enumerate().map(row))
}

struct Case {
    declared: &'static str,
    kind: Kind,
    values: Vec<Value>,
    /// The stored values with error, round and truncate; `None` if the row is rejected.
    expected: [Vec<Option<Value>>; 3],
}

fn case(
    declared: &'static str,
    kind: Kind,
    values: impl Into<Vec<Value>>,
    expected: [Vec<Option<Value>>; 3],
) -> Case {
    Case {
        declared,
        kind,
        values: values.into(),
        expected,
    }
}

/// The same with every value of `values.narrow`.
fn always(declared: &'static str, kind: Kind, cells: Vec<(Value, Option<Value>)>) -> Case {
    let (values, expected): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    let expected = [expected.clone(), expected.clone(), expected];
    case(declared, kind, values, expected)
}

async fn hold(database: &Database, cases: Vec<Case>) {
    for case in cases {
        for (narrow, expected) in ["error", "round", "truncate"].iter().zip(&case.expected) {
            for more in [
                &[("insert.mode", "insert")][..],
                &[("insert.mode", "upsert"), ("pk.mode", "record_key")],
            ] {
                let table = unique("narrow");
                let what = format!(
                    "{:?} into {} by {narrow} {more:?}",
                    case.kind, case.declared
                );
                let sql = format!(
                    "CREATE TABLE {table} (id bigint PRIMARY KEY, v {})",
                    case.declared
                );
                database.execute(&sql).await;
                let mut settings = more.to_vec();
                settings.push(("values.narrow", narrow));
                let mut run = database.start(&settings).await;
                let rejected = run.put(&records(&table, &case.kind, &case.values)).await;
                let rows: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
                let none: Vec<usize> = (0..expected.len())
                    .filter(|i| expected[*i].is_none())
                    .collect();
                assert_eq!(rows, none, "{what}: {rejected:?}");
                for (_, message) in &rejected {
                    assert!(
                        message.contains(&table) && message.contains("`v`"),
                        "{what}: {message}"
                    );
                }
                let there: Vec<(i64, Value)> = database.values(&table).await;
                let expected: Vec<(i64, Value)> = (0..)
                    .zip(expected)
                    .filter_map(|(id, v)| v.clone().map(|v| (id, v)))
                    .collect();
                assert_eq!(there, expected, "{what}");
                database.execute(&format!("DROP TABLE {table}")).await;
            }
        }
    }
}

fn wall(v: i64) -> Option<Value> {
    Some(Value::Timestamp(v))
}

fn places(v: i128, scale: i8) -> Option<Value> {
    Some(Value::Decimal(v, scale))
}

/// Cases for both PostgreSQL and MariaDB.
fn common() -> Vec<Case> {
    let long = Value::Decimal(12_345_678_901_234_567_891_234_567_891, 10);
    let nearest = Some(Value::Float(1_234_567_890_123_456_789.123_456_8));
    let half = Some(Value::Float(0.5));
    let tenth = Some(Value::Float(0.1));
    let text = |v: &str| Some(Value::from(v));
    vec![
        always(
            "varchar(20)",
            Kind::Int32,
            vec![
                (Value::Int(-42), text("-42")),
                (Value::Null, Some(Value::Null)),
            ],
        ),
        always(
            "varchar(20)",
            decimal(10, 2),
            vec![(Value::Decimal(-1_250, 2), text("-12.50"))],
        ),
        always("varchar(20)", Kind::Bool, vec![(true.into(), text("true"))]),
        always(
            "varchar(40)",
            Kind::Float64,
            vec![(Value::Float(0.1), text("0.1"))],
        ),
        // Text is never truncated.
        always(
            "varchar(3)",
            Kind::Int32,
            vec![(Value::Int(12), text("12")), (Value::Int(1234), None)],
        ),
        case(
            "double precision",
            decimal(38, 10),
            [
                Value::Decimal(5_000_000_000, 10),
                Value::Decimal(1_000_000_000, 10),
                long,
            ],
            [
                vec![half.clone(), tenth.clone(), None],
                vec![half.clone(), tenth.clone(), nearest.clone()],
                vec![half, tenth, nearest],
            ],
        ),
        case(
            "decimal(10,2)",
            decimal(20, 5),
            [
                Value::Decimal(123_000, 5),
                Value::Decimal(123_500, 5),
                Value::Decimal(-123_500, 5),
                Value::Decimal(10_i128.pow(15), 5),
            ],
            [
                vec![places(123, 2), None, None, None],
                vec![places(123, 2), places(124, 2), places(-124, 2), None],
                vec![places(123, 2), places(123, 2), places(-123, 2), None],
            ],
        ),
        case(
            "decimal(10,2)",
            Kind::Float64,
            [Value::Float(0.1), Value::Float(1.005)],
            [
                vec![places(10, 2), None],
                vec![places(10, 2), places(101, 2)],
                vec![places(10, 2), places(100, 2)],
            ],
        ),
        // `values.narrow` does not affect ranges.
        always(
            "int",
            Kind::Int64,
            vec![
                (Value::Int(7), Some(Value::Int(7))),
                (Value::Int(1 << 31), None),
            ],
        ),
        case(
            "int",
            decimal(10, 1),
            [Value::Decimal(70, 1), Value::Decimal(75, 1)],
            [
                vec![Some(Value::Int(7)), None],
                vec![Some(Value::Int(7)), Some(Value::Int(8))],
                vec![Some(Value::Int(7)), Some(Value::Int(7))],
            ],
        ),
    ]
}

fn timed(whole: &'static str, millis: &'static str) -> Vec<Case> {
    let values = [
        Value::Timestamp(1_700_000_000_000_000),
        Value::Timestamp(1_700_000_000_499_600),
        Value::Timestamp(1_700_000_000_500_000),
    ];
    let base = 1_700_000_000_000_000;
    vec![
        case(
            whole,
            WALL,
            values.clone(),
            [
                vec![wall(base), None, None],
                vec![wall(base), wall(base), wall(base + 1_000_000)],
                vec![wall(base), wall(base), wall(base)],
            ],
        ),
        case(
            millis,
            WALL,
            values,
            [
                vec![wall(base), None, wall(base + 500_000)],
                vec![wall(base), wall(base + 500_000), wall(base + 500_000)],
                vec![wall(base), wall(base + 499_000), wall(base + 500_000)],
            ],
        ),
        always(
            "date",
            WALL,
            vec![(Value::Timestamp(86_400_000_000), Some(Value::Date(1)))],
        ),
        always(
            millis,
            Kind::Date,
            vec![(Value::Date(1), wall(86_400_000_000))],
        ),
    ]
}

#[tokio::test]
async fn values_are_narrowed_as_configured_in_postgresql() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let single = Some(Value::Float(0.1_f32.into()));
    let mut cases = common();
    cases.extend(timed("timestamp(0)", "timestamp(3)"));
    cases.push(case(
        "real",
        Kind::Float64,
        [Value::Float(0.25), Value::Float(0.1), Value::Float(1e39)],
        [
            vec![Some(Value::Float(0.25)), None, None],
            vec![Some(Value::Float(0.25)), single.clone(), None],
            vec![Some(Value::Float(0.25)), single, None],
        ],
    ));
    hold(&database, cases).await;
}

#[tokio::test]
async fn values_are_narrowed_as_configured_in_mariadb() {
    let database = Database::server("CONNECT_TEST_MYSQL_URL");
    let single = Some(Value::Float(0.1_f32.into()));
    let mut cases = common();
    cases.extend(timed("datetime", "datetime(3)"));
    cases.push(case(
        "float",
        Kind::Float64,
        [Value::Float(0.25), Value::Float(0.1)],
        [
            vec![Some(Value::Float(0.25)), None],
            vec![Some(Value::Float(0.25)), single.clone()],
            vec![Some(Value::Float(0.25)), single],
        ],
    ));
    hold(&database, cases).await;
}

#[tokio::test]
async fn values_are_narrowed_as_configured_in_sqlite() {
    let database = Database::sqlite(&[]).await;
    let long = Value::Decimal(12_345_678_901_234_567_891_234_567_891, 10);
    let nearest = Some(Value::Float(1_234_567_890_123_456_789.123_456_8));
    let tenth = Some(Value::Float(0.1));
    let cases = vec![
        always(
            "text",
            Kind::Int32,
            vec![(Value::Int(-42), Some("-42".into()))],
        ),
        case(
            "double",
            decimal(38, 10),
            [Value::Decimal(1_000_000_000, 10), long],
            [
                vec![tenth.clone(), None],
                vec![tenth.clone(), nearest.clone()],
                vec![tenth, nearest],
            ],
        ),
        case(
            "integer",
            Kind::Float64,
            [Value::Float(7.0), Value::Float(7.5)],
            [
                vec![Some(Value::Int(7)), None],
                vec![Some(Value::Int(7)), Some(Value::Int(8))],
                vec![Some(Value::Int(7)), Some(Value::Int(7))],
            ],
        ),
    ];
    hold(&database, cases).await;
}

/// Rounded keys could merge two rows.
#[tokio::test]
async fn values_of_the_key_are_never_rounded() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = unique("narrow_key");
    let sql = format!("CREATE TABLE {table} (at timestamp(0) PRIMARY KEY, v text)");
    database.execute(&sql).await;
    let settings = [
        ("insert.mode", "upsert"),
        ("pk.mode", "record_key"),
        ("values.narrow", "round"),
    ];
    let mut run = database.start(&settings).await;
    let fields = [WALL.field("at", true), Kind::Int32.field("v", true)];
    let schema = Schema::new("s", fields, &["at"]).unwrap();
    let row = |at: i64, v: i64| [Value::Timestamp(at), Value::Int(v)];
    let batch = of(
        &table,
        &schema,
        [row(1_000_000, 1), row(1_000_001, 2), row(2_000_000, 3)],
    );
    let rejected = run.put(&batch).await;
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!(rejected[0].0, 1);
    assert!(rejected[0].1.contains("`at`"), "{rejected:?}");
    assert_eq!(database.rows(&table).await.len(), 2);
    database.execute(&format!("DROP TABLE {table}")).await;
}
