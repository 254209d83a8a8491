//! The same on database servers.
use crate::harness::*;
use connect_api::{ErrorKind, Kind, Schema, Value};

const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

fn servers() -> [Database; 2] {
    [
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
    ]
}

async fn people(database: &Database) -> String {
    let table = unique("people");
    let create = format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, name varchar(9) NOT NULL, \
         note varchar(9) DEFAULT 'new', CONSTRAINT {table}_decent CHECK (name <> 'bad'))"
    );
    database.execute(&create).await;
    table
}

async fn drop(database: &Database, table: &str) {
    database.execute(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn upserts_and_deletes_leave_the_last_of_each_key() {
    for database in servers() {
        let table = people(&database).await;
        let old =
            format!("INSERT INTO {table} VALUES (1, 'a', 'old'), (2, 'b', 'old'), (3, 'c', 'old')");
        database.execute(&old).await;
        let mut run = database.start(&UPSERT).await;
        let target = run.task.target(&table).await.unwrap();
        assert_eq!(target.key, ["id"]);
        let batch = [
            (4, Some("d1")),
            (1, Some("a1")),
            (2, None),
            (4, Some("d2")),
            (3, None),
            (3, Some("c1")),
            (5, Some("e")),
            (5, None),
            (9, None),
        ];
        for _ in 0..2 {
            assert!(run.put(&rows(&table, &batch)).await.is_empty());
            let expected = ["1 a1 old", "3 c1 new", "4 d2 new"];
            assert_eq!(database.rows(&table).await, expected);
        }
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn rejected_rows_are_found_and_the_others_written() {
    for database in servers() {
        for settings in [&UPSERT[..], &[]] {
            let table = people(&database).await;
            let mut run = database.start(settings).await;
            let mut values: Vec<(i64, Option<&str>)> = (0..1_000).map(|i| (i, Some("x"))).collect();
            values[13].1 = Some("bad");
            values[14].1 = Some("much too long");
            values[999].1 = Some("bad");
            let rejected = run.put(&rows(&table, &values)).await;
            let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
            assert_eq!(indexes, [13, 14, 999], "{rejected:?}");
            assert!(
                rejected.iter().all(|(_, message)| message.contains(&table)),
                "{rejected:?}"
            );
            assert!(rejected[1].1.contains("name"), "{}", rejected[1].1);
            assert!(!rejected[1].1.contains("much"), "{}", rejected[1].1);
            assert_eq!(database.rows(&table).await.len(), 997);
            drop(&database, &table).await;
        }
    }
}

#[tokio::test]
async fn insert_ignore_skips_rows_that_conflict_with_a_key() {
    for database in servers() {
        let table = people(&database).await;
        let mut run = database.start(&[("insert.mode", "insert_ignore")]).await;
        let batch = [(1, Some("a")), (2, Some("b")), (1, Some("z"))];
        for _ in 0..2 {
            assert!(run.put(&rows(&table, &batch)).await.is_empty());
            assert_eq!(database.rows(&table).await, ["1 a new", "2 b new"]);
        }
        let rejected = run
            .put(&rows(&table, &[(3, Some("bad")), (4, Some("d"))]))
            .await;
        assert_eq!(rejected.len(), 1, "other faults stay faults of the row");
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn an_insert_of_an_existing_key_is_rejected() {
    for database in servers() {
        let table = people(&database).await;
        let mut run = database.start(&[]).await;
        assert!(run.put(&rows(&table, &[(1, Some("a"))])).await.is_empty());
        let again = [
            (2, Some("b")),
            (1, Some("z")),
            (3, Some("c")),
            (3, Some("d")),
        ];
        let rejected = run.put(&rows(&table, &again)).await;
        let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
        assert_eq!(indexes, [1, 3]);
        let expected = ["1 a new", "2 b new", "3 c new"];
        assert_eq!(database.rows(&table).await, expected);
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn missing_tables_and_columns_are_created_if_configured() {
    for database in servers() {
        let table = unique("made");
        let mut settings = UPSERT.to_vec();
        settings.extend([
            ("auto.create", "true"),
            ("auto.evolve", "true"),
            ("pk.fields", "a,id"),
        ]);
        let fields = [
            Kind::Int64.field("id", true),
            Kind::Decimal {
                precision: 10,
                scale: 2,
            }
            .field("price", true),
            Kind::Text.field("a", true),
        ];
        let schema = Schema::new("made", fields, &[]).unwrap();
        let row = |id: i64, a: &str| [id.into(), Value::Decimal(1234, 2), a.into()];
        let mut run = database.start(&settings).await;
        let batch = of(&table, &schema, [row(1, "x"), row(2, "x"), row(1, "x")]);
        assert!(run.put(&batch).await.is_empty());
        let made = database.describe(&table).await.unwrap();
        assert_eq!(made.primary_key, ["a", "id"]);
        assert_eq!(database.rows(&table).await.len(), 2);
        let fields = [
            Kind::Int64.field("id", true),
            Kind::Text.field("a", true),
            Kind::Bool.field("gone", true),
        ];
        let schema = Schema::new("made", fields, &[]).unwrap();
        let batch = of(&table, &schema, [[3.into(), "y".into(), true.into()]]);
        assert!(run.put(&batch).await.is_empty());
        assert_eq!(database.rows(&table).await.len(), 3);
        let made = database.describe(&table).await.unwrap();
        assert!(made.column("gone").is_some_and(|c| c.nullable));
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn updates_skip_missing_rows() {
    for database in servers() {
        let table = people(&database).await;
        database
            .execute(&format!("INSERT INTO {table} VALUES (1, 'a', 'old')"))
            .await;
        let settings = [("insert.mode", "update"), ("pk.mode", "record_value")];
        let mut run = database.start(&settings).await;
        let batch = [(1, Some("b")), (2, Some("c")), (1, Some("d"))];
        assert!(run.put(&rows(&table, &batch)).await.is_empty());
        assert_eq!(database.rows(&table).await, ["1 d old"]);
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_an_error_and_the_next_put_connects_again() {
    let [database, _] = servers();
    let table = people(&database).await;
    let name = unique("lost");
    let url = format!("{}?application_name={name}", database.url);
    let mut settings = UPSERT.to_vec();
    settings.push(("connection.url", &url));
    let mut run = database.start(&settings).await;
    let batch = rows(&table, &[(1, Some("a"))]);
    assert!(run.put(&batch).await.is_empty());
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    );
    database.execute(&kill).await;
    let lost = run.try_put(&batch).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Connect, "{}", lost.report());
    assert!(run.put(&rows(&table, &[(2, Some("b"))])).await.is_empty());
    assert_eq!(database.rows(&table).await, ["1 a new", "2 b new"]);
    drop(&database, &table).await;
}

#[tokio::test]
async fn missing_privileges_are_reported_before_the_first_row() {
    let [database, _] = servers();
    let table = people(&database).await;
    let role = unique("writer");
    for sql in [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'planted'"),
        format!("GRANT SELECT, INSERT ON {table} TO {role}"),
    ] {
        database.execute(&sql).await;
    }
    let mut settings = UPSERT.to_vec();
    settings.extend([
        ("connection.user", role.as_str()),
        ("connection.password", "planted"),
        ("connect.topicnames", table.as_str()),
    ]);
    let faults = connector().check(&database.settings(&settings)).await;
    let message = faults.to_string();
    assert_eq!(faults.iter().len(), 2, "{message}");
    assert!(
        message.contains("UPDATE") && message.contains("DELETE") && message.contains(&table),
        "{message}"
    );
    let mut run = database.start(&settings).await;
    assert!(run.task.target(&table).await.is_err());
    drop(&database, &table).await;
    database.execute(&format!("DROP ROLE {role}")).await;
}
