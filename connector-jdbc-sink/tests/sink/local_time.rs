//! Instants in columns without a time zone.
use crate::harness::*;
use connect_api::{Kind, Schema, Value};

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn instants_are_written_as_local_times_of_db_timezone() {
    for variable in ["CONNECT_TEST_POSTGRES_URL", "CONNECT_TEST_MYSQL_URL"] {
        let database = Database::server(variable);
        let table = unique("zones");
        let (wall, instant) = if variable.contains("MYSQL") {
            ("datetime(6)", "timestamp(6)")
        } else {
            ("timestamp", "timestamptz")
        };
        let create = format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, wall {wall} NULL, known {instant} NULL)"
        );
        database.execute(&create).await;
        let schema = |kind: Kind| {
            let fields = [
                Kind::Int64.field("id", true),
                kind.field("wall", true),
                Kind::Timestamp { utc: true }.field("known", true),
            ];
            Schema::new("t", fields, &[]).unwrap()
        };
        // 2024-06-01 00:00 in UTC.
        let day = Value::Timestamp(1_717_200_000_000_000);
        let mut run = database
            .start(&[
                ("insert.mode", "upsert"),
                ("pk.mode", "record_value"),
                ("db.timezone", "Asia/Shanghai"),
            ])
            .await;
        let target = run.task.target(&table).await.unwrap().schema.unwrap();
        assert_eq!(
            target.kinds()[1],
            Kind::Timestamp { utc: true },
            "what comes without a schema is an instant"
        );
        let instants = schema(Kind::Timestamp { utc: true });
        let rows = [
            [Value::Int(1), day.clone(), day.clone()],
            [Value::Int(2), Value::Null, Value::Null],
        ];
        assert!(run.put(&of(&table, &instants, rows)).await.is_empty());
        let local_times = schema(Kind::Timestamp { utc: false });
        let rows = [[Value::Int(3), day.clone(), day.clone()]];
        assert!(run.put(&of(&table, &local_times, rows)).await.is_empty());
        let known = format!("{day:?}");
        let shown = format!("{:?}", Value::Timestamp(1_717_200_000_000_000 + 8 * HOUR));
        assert_eq!(
            database.rows(&table).await,
            [
                format!("1 {shown} {known}"),
                "2 - -".to_owned(),
                format!("3 {known} {known}")
            ]
        );
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}
