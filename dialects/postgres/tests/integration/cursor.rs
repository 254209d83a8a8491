//! Reading: memory, blocks, snapshots, queries, readings that are left.
use crate::place::{Scratch, connect, open, read, url};
use connect_api::{ErrorKind, Kind, Records, Value};
use dialect_core::{Page, Split, Statement, Syntax as _, TableName, Visibility};
use dialect_postgres::PostgresSyntax;
use std::num::NonZeroU32;

/// Resident memory of this process, at its highest, in MiB; forgotten first.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

#[tokio::test]
async fn large_values_are_read_in_batches_of_a_few() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE VIEW big AS SELECT i AS id, repeat('x', 1048576) AS v FROM generate_series(1, 400) AS i")
        .await;
    let table = scratch.table("big").await;
    let page = Page::of(&table, &[0, 1]);
    let statement = PostgresSyntax.select(&page).unwrap();
    let schema = table.schema(&[0, 1], &[]).unwrap();
    // Other tests run in this process too: what is asked for is that 400 MiB never stand in it.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_mib();
    let mut cursor = scratch.connection.query(&statement, &schema).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = cursor.next(10_000, 4 << 20).await.unwrap() {
        assert!(batch.num_rows() <= 4, "{} rows of 1 MiB", batch.num_rows());
        rows += batch.num_rows();
    }
    drop(cursor);
    assert_eq!(rows, 400);
    let grown = peak_mib().saturating_sub(before);
    assert!(grown < 200, "{grown} MiB more");
    scratch.drop().await;
}

#[tokio::test]
async fn a_reading_that_is_left_leaves_a_connection_that_works_or_says_so() {
    for (rows, kept) in [(1_000, true), (20_000_000, false)] {
        let mut connection = connect().await;
        let statement = Statement {
            sql: format!("SELECT generate_series(1, {rows}) AS i"),
            params: Vec::new(),
        };
        let schema = connect_api::Schema::new("s", [Kind::Int32.field("i", true)], &[]).unwrap();
        let mut cursor = connection.query(&statement, &schema).await.unwrap();
        cursor.next(10, 1 << 20).await.unwrap().unwrap();
        drop(cursor);
        let next = connection.execute("SELECT 1").await;
        match next {
            Ok(_) => connection.ping().await.unwrap(),
            Err(error) if !kept => {
                assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
                let again = connection.ping().await.unwrap_err();
                assert_eq!(again.kind(), ErrorKind::Connect);
            }
            Err(error) => panic!("{}", error.report()),
        }
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_table_without_a_key_is_read_by_blocks() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t AS SELECT i AS id, repeat('x', 100) AS v FROM generate_series(1, 5000) AS i")
        .await;
    let table = scratch.table("t").await;
    let parts = NonZeroU32::new(4).unwrap();
    let page = Page::of(&table, &[0]);
    let splits = scratch
        .connection
        .split(&PostgresSyntax, &page, parts)
        .await
        .unwrap();
    assert_eq!(splits.len(), 4);
    // What comes behind the end is of the last.
    scratch
        .execute("INSERT INTO t SELECT i, repeat('y', 1000) FROM generate_series(5001, 6000) AS i")
        .await;
    let mut seen = Vec::new();
    let schema = table.schema(&[0], &[]).unwrap();
    for split in splits {
        let Split::Blocks(blocks) = split else {
            panic!("{split:?}");
        };
        let page = Page {
            blocks: Some(blocks),
            ..page.clone()
        };
        let statement = PostgresSyntax.select(&page).unwrap();
        let found = read(&mut *scratch.connection, &statement, &schema)
            .await
            .unwrap();
        assert!(found.len() > 500, "{}", found.len());
        seen.extend(found.rows().map(|row| row.to_record().values.remove(0)));
    }
    seen.sort_by_key(|v| match v {
        Value::Int(v) => *v,
        _ => 0,
    });
    assert_eq!(seen, (1..=6000).map(Value::Int).collect::<Vec<_>>());
    let explained = PostgresSyntax.in_blocks(&(2..5)).unwrap();
    assert_eq!(explained, "ctid >= '(2,0)'::tid AND ctid < '(5,0)'::tid");
    // What has no file of its own is one split.
    scratch
        .execute("CREATE VIEW v AS SELECT * FROM t; CREATE TABLE empty (id int)")
        .await;
    for name in ["v", "empty"] {
        let table = scratch.table(name).await;
        let page = Page::of(&table, &[0]);
        let splits = scratch
            .connection
            .split(&PostgresSyntax, &page, parts)
            .await
            .unwrap();
        assert_eq!(splits.len(), 1, "{name}");
    }
    scratch.drop().await;
}

#[tokio::test]
async fn the_snapshot_reports_running_transactions() {
    let mut scratch = Scratch::new().await;
    scratch.execute("CREATE TABLE t (id int)").await;
    let mut other = connect().await;
    other.begin().await.unwrap();
    other
        .execute(&format!("INSERT INTO {}.t VALUES (1)", scratch.schema))
        .await
        .unwrap();
    let running = |found| match found {
        Some(Visibility::Transactions(running)) => running,
        other => panic!("{other:?}"),
    };
    let held = running(scratch.connection.visibility().await.unwrap());
    let still = running(scratch.connection.visibility().await.unwrap());
    assert!(!held.have_ended(&still), "{held:?} {still:?}");
    other.commit().await.unwrap();
    // A transaction that has changed nothing yet is one: it may have taken the number of a row.
    other.begin().await.unwrap();
    other.execute("SELECT 1").await.unwrap();
    let reading = running(scratch.connection.visibility().await.unwrap());
    let still = running(scratch.connection.visibility().await.unwrap());
    assert!(!reading.have_ended(&still), "{reading:?} {still:?}");
    other.commit().await.unwrap();
    other.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn a_query_is_described_with_the_declared_types_of_its_columns() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE DOMAIN price AS numeric(12,2); CREATE TYPE mood AS ENUM ('a'); \
                  CREATE TABLE t (id int PRIMARY KEY, n numeric(9,3), v varchar(7), p price, m mood, net inet, tags text[])")
        .await;
    let query = "SELECT t.*, n * 2 AS twice, count(*) OVER () AS all_of, 'x' AS word FROM t; ";
    let table = scratch.connection.describe_query(query).await.unwrap();
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let expected = [
        ("id", Kind::Int32, "integer"),
        ("n", decimal(9, 3), "numeric(9,3)"),
        ("v", Kind::Text, "character varying(7)"),
        ("p", decimal(12, 2), "price"),
        ("m", Kind::Text, "mood"),
        ("net", Kind::Text, "inet"),
        ("tags", Kind::List(Box::new(Kind::Text)), "text[]"),
        ("twice", Kind::BigDecimal, "numeric"),
        ("all_of", Kind::Int64, "bigint"),
        ("word", Kind::Text, "text"),
    ];
    let found: Vec<_> = table
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.kind.clone().unwrap(),
                c.vendor_type.as_str(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert!(table.columns.iter().all(|c| c.nullable));
    assert_eq!(table.column("m").unwrap().values, ["a"]);
    scratch
        .execute("INSERT INTO t VALUES (1, 1.5, 'v', 2, 'a', '::1', '{x}')")
        .await;
    let all: Vec<_> = (0..table.columns.len()).collect();
    let page = Page {
        query: Some(query),
        ..Page::of(&table, &all)
    };
    let statement = PostgresSyntax.select(&page).unwrap();
    let schema = table.schema(&all, &[]).unwrap();
    let records: Records = read(&mut *scratch.connection, &statement, &schema)
        .await
        .unwrap();
    assert_eq!(records.len(), 1);
    for (wrong, why) in [
        ("SELECT 1", "no name for column 1"),
        ("SELECT 1 AS a, 2 AS a", "two columns `a`"),
        ("SELECT nothing FROM t", "nothing"),
        ("SELECT 1 AS a; DROP TABLE t", ""),
        ("DELETE FROM t", ""),
    ] {
        let error = scratch.connection.describe_query(wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{wrong}: {error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    // The table changes, and so does the query.
    scratch
        .execute("ALTER TABLE t ALTER n TYPE numeric(20,3)")
        .await;
    let again = scratch.connection.describe_query(query).await.unwrap();
    assert_eq!(again.column("n").unwrap().kind, Some(decimal(20, 3)));
    scratch.drop().await;
}

#[tokio::test]
async fn several_tables_are_described_in_one_round_trip() {
    let mut scratch = Scratch::new().await;
    let schema = scratch.schema.clone();
    scratch
        .execute(
            "CREATE TABLE parent (a int, b text, PRIMARY KEY (b, a), UNIQUE (a));
             CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pa int, pb text,
               n int DEFAULT 5 + 2, s serial, FOREIGN KEY (pb, pa) REFERENCES parent (b, a),
               FOREIGN KEY (pa) REFERENCES parent (a));
             COMMENT ON TABLE child IS 'the child''s'; COMMENT ON COLUMN child.pa IS 'first half';
             INSERT INTO parent SELECT i, 'x' FROM generate_series(1, 1000) AS i; ANALYZE parent;
             CREATE MATERIALIZED VIEW seen AS SELECT * FROM parent;
             CREATE TABLE parts (id int PRIMARY KEY, p int REFERENCES parent (a)) PARTITION BY RANGE (id);
             CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10)",
        )
        .await;
    use dialect_core::TableType;
    let named = |schema: Option<&str>, name: &str| TableName {
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
    };
    let names = [
        named(None, "child"),
        named(None, "nowhere"),
        named(Some(&schema), "parent"),
        named(None, "seen"),
        named(None, "parts"),
        named(None, "part"),
        named(None, "child"),
    ];
    let found = scratch.connection.describe_all(&names).await.unwrap();
    assert!(found[1].is_none());
    assert_eq!(found[0], found[6]);
    let child = found[0].as_ref().unwrap();
    assert_eq!(child.comment.as_deref(), Some("the child's"));
    let column = |name: &str| child.column(name).unwrap();
    assert_eq!(column("pa").comment.as_deref(), Some("first half"));
    assert_eq!(column("n").default.as_deref(), Some("(5 + 2)"));
    assert!(column("id").identity_always && column("id").auto_increment);
    assert!(column("s").auto_increment && !column("s").identity_always);
    let references: Vec<_> = child
        .foreign_keys
        .iter()
        .map(|k| {
            (
                k.columns.join(","),
                k.table.to_string(),
                k.referred.join(","),
            )
        })
        .collect();
    let parent = format!("{schema}.parent");
    assert_eq!(
        references,
        [
            ("pa".to_owned(), parent.clone(), "a".to_owned()),
            ("pb,pa".to_owned(), parent, "b,a".to_owned())
        ]
    );
    let of = |i: usize| found[i].as_ref().unwrap();
    assert_eq!(of(2).row_estimate, Some(1000));
    assert_eq!(of(2).vendor, "postgres");
    assert_eq!(child.row_estimate, None, "nobody has counted");
    assert_eq!(
        of(4).row_estimate,
        None,
        "of partitions that nobody has counted"
    );
    let types = [0, 2, 3, 4, 5].map(|i| of(i).table_type);
    assert_eq!(
        types,
        [
            TableType::Table,
            TableType::Table,
            TableType::MaterializedView,
            TableType::Partitioned,
            TableType::Table
        ]
    );
    for i in [4, 5] {
        assert_eq!(of(i).foreign_keys.len(), 1, "{}", of(i).name);
    }
    let mut other = open(&url()).unwrap().connect().await.unwrap();
    assert_eq!(other.describe_all(&[]).await.unwrap(), []);
    other.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn rows_are_estimated_with_those_of_partitions_and_without_statistics_by_size() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE parts (id int) PARTITION BY RANGE (id);
             CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (1000) WITH (autovacuum_enabled = off);
             CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM (1000) TO (9000) PARTITION BY RANGE (id);
             CREATE TABLE p3 PARTITION OF p2 FOR VALUES FROM (1000) TO (9000) WITH (autovacuum_enabled = off);
             CREATE TABLE fresh (id int, pad text) WITH (autovacuum_enabled = off);
             CREATE TABLE nothing (id int);
             INSERT INTO parts SELECT generate_series(0, 2999); ANALYZE p1; ANALYZE p3;
             INSERT INTO fresh SELECT i, repeat('x', 60) FROM generate_series(1, 20000) AS i",
        )
        .await;
    let names = ["parts", "fresh", "missing", "nothing"].map(TableName::new);
    let estimates = scratch.connection.row_estimates(&names).await.unwrap();
    assert_eq!(
        [estimates[0], estimates[2], estimates[3]],
        [Some(3000), None, Some(0)]
    );
    let fresh = estimates[1].unwrap();
    assert!((10_000..40_000).contains(&fresh), "{fresh}");
    let described = scratch.connection.describe_all(&names).await.unwrap();
    let described = |i: usize| described[i].as_ref().map(|table| table.row_estimate);
    assert_eq!(described(0), Some(Some(3000)));
    assert_eq!(described(1), Some(None));
}
