//! Pages by keys that others wrote, each in a form of their own.
use crate::place::Database;
use connect_api::Value;
use dialect_core::{KeyPart, SqliteDates};

/// Read by pages of so many rows, by the columns 0 and 1.
async fn by_pages(database: &mut Database, limit: u32) -> Vec<Vec<Value>> {
    let key = [KeyPart { columns: vec![0] }, KeyPart { columns: vec![1] }];
    let (mut rows, mut after) = (Vec::new(), None::<Vec<Value>>);
    loop {
        let page = database
            .try_read(&key, after.as_deref(), limit)
            .await
            .unwrap();
        let Some(last) = page.last() else { return rows };
        after = Some(last[..2].to_vec());
        rows.extend(page);
        assert!(rows.len() < 1_000, "pages come to an end");
    }
}

fn ids(rows: &[Vec<Value>]) -> Vec<i64> {
    let id = |row: &Vec<Value>| match row[1] {
        Value::Int(id) => id,
        _ => panic!("an id is a whole number"),
    };
    rows.iter().map(id).collect()
}

#[tokio::test]
async fn timestamps_in_every_iso_form_are_in_the_order_of_time() {
    for declared in ["TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_TEXT"] {
        let mut database =
            Database::with(&format!("ts {declared}, id INTEGER"), SqliteDates::Iso).await;
        // In the order of time, and of the id where that is the same.
        let mut forms = vec![
            "2023-12-31 23:59:59.999999",
            "2024-01-01",
            "2024-01-01 00:00",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00.000",
            "2024-01-01 00:00:00.000001",
            "2024-01-01T00:00:00.01",
            "2024-01-01 00:00:00.100000",
            "2024-01-01T00:00:00.1",
            "2024-01-01 00:00:01",
            "2024-01-02T00:00:00",
        ];
        if declared == "TIMESTAMP_TEXT" {
            // Ours alone, in the one form that is written.
            forms = vec![
                "2023-12-31 23:59:59.999999",
                "2024-01-01 00:00:00.000000",
                "2024-01-01 00:00:00.000001",
            ];
        }
        if declared == "TIMESTAMPTZ" {
            forms.extend([
                "2024-01-02T00:00:00Z",
                "2024-01-02 00:00:00.000+00:00",
                "2024-01-02 00:00:00.5Z",
                "2024-01-02T00:00:00.50Z",
            ]);
        }
        for (id, form) in forms.iter().enumerate().rev() {
            database
                .run(&format!("INSERT INTO t VALUES ('{form}', {id})"))
                .await;
        }
        let expected: Vec<_> = (0..forms.len() as i64).collect();
        for limit in 1..5 {
            let read = by_pages(&mut database, limit).await;
            assert_eq!(ids(&read), expected, "{declared} by {limit}");
        }
    }
}

#[tokio::test]
async fn an_index_serves_pages_by_timestamps() {
    let mut database = Database::with("ts TIMESTAMP, id INTEGER", SqliteDates::Iso).await;
    database.run("CREATE INDEX i ON t (ts)").await;
    let table = database.table().await;
    let key = [KeyPart { columns: vec![0] }];
    let after = [Value::Timestamp(1_704_067_200_000_000)];
    let page = dialect_core::Page {
        key: &key,
        after: Some(&after),
        limit: std::num::NonZeroU32::new(10),
        ..dialect_core::Page::of(&table, &[1])
    };
    let mut statement = database.dialect.syntax().select(&page).unwrap();
    statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
    let kinds = [
        ("id", connect_api::Kind::Int64),
        ("parent", connect_api::Kind::Int64),
        ("notused", connect_api::Kind::Int64),
        ("detail", connect_api::Kind::Text),
    ];
    let fields = kinds.map(|(name, kind)| kind.field(name, true));
    let schema = connect_api::Schema::new("plan", fields, &[]).unwrap();
    let mut cursor = database
        .connection
        .query(&statement, &schema)
        .await
        .unwrap();
    let batch = cursor.next(10, 10_000).await.unwrap().unwrap();
    let plan = connect_api::Records::new("t".into(), schema.clone(), batch).unwrap();
    let Some(connect_api::ValueRef::Text(step)) = plan.row(0).by_name("detail") else {
        panic!("a plan")
    };
    assert!(step.contains("USING INDEX i (ts>?)"), "{step}");
}

#[tokio::test]
async fn uuids_in_every_form_are_in_one_order() {
    let mut database = Database::with("u UUID, id INTEGER", SqliteDates::Text).await;
    let text = |n: usize| format!("{n:02x}010203-0405-0607-0809-0a0b0c0d0e0f");
    for n in 0..30 {
        let cell = match n % 4 {
            0 => format!("'{}'", text(n)),
            1 => format!("'{}'", text(n).to_uppercase()),
            2 => format!("'{}'", text(n).replace('-', "")),
            _ => format!("x'{}'", text(n).replace('-', "")),
        };
        database
            .run(&format!("INSERT INTO t VALUES ({cell}, {n})"))
            .await;
    }
    let read = by_pages(&mut database, 4).await;
    assert_eq!(ids(&read), (0..30).collect::<Vec<_>>());
}
