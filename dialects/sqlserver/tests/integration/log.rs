//! What is logged of refusals: nothing that the server says, as it holds values of rows.
use crate::{
    peer::{BIGINT, NVARCHAR_50, NVARCHAR_MAX, Peer, Reply, Rules, column},
    session::{connect, connect_with},
};
use connect_api::{ConnectRecord, Kind, Records, Schema, Value};
use dialect_core::{
    Column, OpenOptions, Route, Statement, Table, TableName, WriteOp, WriteRequest,
};
use std::sync::{Arc, Mutex};

const PLANTED: &str = "planted-918273645";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that is logged on this thread, at any level.
fn log() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

fn table() -> Table {
    let column = |name: &str, kind, vendor_type: &str| Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        nullable: name != "id",
        ..Column::default()
    };
    Table {
        name: TableName::new("t"),
        columns: vec![
            column("id", Kind::Int64, "bigint"),
            column("v", Kind::Text, "nvarchar(max)"),
        ],
        primary_key: vec!["id".to_owned()],
        ..Table::default()
    }
}

fn records(count: i64) -> Records {
    let fields = [Kind::Int64.field("id", false), Kind::Text.field("v", true)];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let rows = (0..count).map(|id| ConnectRecord {
        values: vec![id.into(), Value::from(PLANTED)],
        ..Default::default()
    });
    Records::from_rows("t".into(), schema, rows).unwrap()
}

/// Refusals whose text holds a value, by number and severity.
const REFUSALS: [(u32, u8, &str); 6] = [
    (
        2627,
        14,
        "Violation of PRIMARY KEY constraint 'PK_t'. Cannot insert duplicate key in object 'dbo.t'. The duplicate key value is (planted-918273645).",
    ),
    (
        2628,
        16,
        "String or binary data would be truncated in table 'dbo.t', column 'v'. Truncated value: 'planted-918273645'.",
    ),
    (
        245,
        16,
        "Conversion failed when converting the nvarchar value 'planted-918273645' to data type int.",
    ),
    (547, 16, "conflicted with the CHECK constraint \"c\"."),
    (50_001, 16, "a trigger does not like planted-918273645"),
    (99_999, 16, "nobody knows planted-918273645"),
];

#[tokio::test]
async fn refused_rows_are_not_repeated_in_the_log_by_any_route() {
    let (log, _guard) = log();
    let records = records(100);
    for (number, severity, text) in REFUSALS {
        for (op, route, refusing) in [
            (WriteOp::Insert, Route::Load, "bulk"),
            (WriteOp::Insert, Route::Values, "INSERT INTO [t]"),
            (WriteOp::Insert, Route::Rows, "INSERT INTO [t]"),
            (WriteOp::Upsert, Route::Stage, "bulk"),
            (WriteOp::Upsert, Route::Stage, "UPDATE t"),
            (WriteOp::Update, Route::Rows, "UPDATE t"),
        ] {
            let peer = Peer::new(Rules {
                replies: vec![
                    (refusing, vec![Reply::Error(number, severity, text)]),
                    (
                        "SELECT TOP 0 [id]",
                        vec![Reply::Rows(
                            vec![column("id", BIGINT), column("v", NVARCHAR_50)],
                            Vec::new(),
                        )],
                    ),
                    (
                        "SELECT TOP 0 c0",
                        vec![Reply::Rows(
                            vec![column("c0", BIGINT), column("c1", NVARCHAR_MAX)],
                            Vec::new(),
                        )],
                    ),
                ],
                ..Rules::default()
            })
            .await;
            let plan = dialect_sqlserver::open("sqlserver://ann@db/shop", &OpenOptions::default())
                .unwrap()
                .plan_write(&WriteRequest {
                    table: &table(),
                    schema: records.schema(),
                    op,
                    key: &["id".to_owned()],
                    columns: None,
                    route: Some(route),
                })
                .unwrap();
            let mut connection = connect(&peer).await;
            let error = match connection.write(&plan, &records, 0..100).await {
                Err(error) => error,
                // Two staged rows of one key have each their own turn.
                Ok(_) => {
                    assert_eq!((number, op, refusing), (2627, WriteOp::Upsert, "bulk"));
                    continue;
                }
            };
            let report = error.report();
            assert_eq!(error.code(), Some(&*number.to_string()), "{report}");
            assert!(!report.contains(PLANTED), "{op:?} by {route:?}: {report}");
        }
    }
    assert!(!log.text().contains(PLANTED), "{}", log.text());
}

#[tokio::test]
async fn values_that_break_a_reading_or_a_statement_are_not_repeated_in_the_log() {
    let (log, _guard) = log();
    for (number, severity, text) in REFUSALS {
        let refusal = Reply::Error(number, severity, text);
        let peer = Peer::new(Rules {
            replies: vec![
                ("FROM [t]", vec![refusal.clone()]),
                ("UPDATE", vec![refusal]),
            ],
            ..Rules::default()
        })
        .await;
        let mut connection = connect(&peer).await;
        let schema = records(0).schema().clone();
        let statement = Statement {
            sql: "SELECT [id], [v] FROM [t]".to_owned(),
            params: Vec::new(),
        };
        let read = match connection.query(&statement, &schema).await {
            Ok(mut cursor) => cursor.next(10, 1 << 20).await.err(),
            Err(e) => Some(e),
        };
        assert!(!read.unwrap().report().contains(PLANTED));
        let changed = connection.execute("UPDATE t SET v = 1").await;
        assert!(!changed.unwrap_err().report().contains(PLANTED));
    }
    assert!(!log.text().contains(PLANTED), "{}", log.text());
}

/// The log of this test holds what the driver says where it is heard.
#[tokio::test]
async fn a_refused_login_is_still_in_the_drivers_log() {
    let (log, _guard) = log();
    let peer = Peer::new(Rules {
        refuses: Some((18_456, "Login failed for user 'ann'.")),
        ..Rules::default()
    })
    .await;
    let refused = connect_with(&peer.url("sslmode=disable"), &OpenOptions::default()).await;
    assert!(refused.is_err());
    assert!(
        log.text().contains("Login failed for user"),
        "{}",
        log.text()
    );
}
