//! Tables and columns with the names of aliases that the dialects' statements use.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, Rows, Write, parts, schema},
};
use crate::{
    plan::WriteOp,
    query::Page,
    split::Split,
    table::{Table, TableName},
};
use connect_api::{Kind, SchemaRef, Value};
use std::num::NonZeroU32;

/// All aliases in the statements of the dialects.
const COLUMNS: &[&str] = &[
    "id",
    "part",
    "k",
    "following",
    "q",
    "a",
    "b",
    "r",
    "t",
    "s",
    "e",
    "n",
    "v",
    "new",
    "excluded",
    "old",
    "key",
    "value",
    "c0",
    "c1",
    "c2",
    "place",
    "inserted",
    "deleted",
];

const TABLES: &[&str] = &[
    "excluded",
    "new",
    "new_row",
    "old",
    "r",
    "t",
    "s",
    "q",
    "a",
    "b",
    "e",
    "part",
    "inserted",
    "deleted",
    "rocketmq_connect_stage",
    "rocketmq_connect_query",
];

/// Aliases of subqueries and their columns; tables with these names are read by every column.
const READ: &[&str] = &["q", "part"];

const ROWS: i64 = 24;

/// Each value identifies its row and its column; rows of another `age` have other values beside the key.
fn rows(age: i64) -> Rows {
    let row = |n: i64| {
        let value = |i: i64| match i {
            0 => Value::Int(n),
            i => Value::Int(age * 1_000_000 + n * 100 + i),
        };
        (0..).take(COLUMNS.len()).map(value).collect()
    };
    (0..ROWS).map(row).collect()
}

/// Tables and columns whose names equal an alias of a statement are read and written correctly by
/// every route.
pub async fn user_names_may_equal_internal_aliases(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    // The very names, where a schema can be had for them; a file is the test's own.
    let own = format!("{}_names", fixture.unique);
    let quoted = fixture.dialect.syntax().quote(&own).unwrap();
    let create = format!("CREATE SCHEMA {quoted}");
    let created = harness.connection.execute(&create).await;
    let own = created.is_ok().then_some(own);
    let schema = schema(COLUMNS.iter().map(|name| (*name, Kind::Int64)), &["id"]);
    for name in TABLES {
        let full = TableName {
            schema: own.clone(),
            name: (*name).to_owned(),
        };
        let table = harness.create_table_for(full, &schema).await;
        written(&mut harness, &table, &schema).await;
        if READ.contains(name) {
            read(&mut harness, &table).await;
        }
        let sql = format!("DROP TABLE {}", harness.quoted(&table.name));
        harness.run(&sql).await;
        harness.forget(&table.name);
    }
    if own.is_some() {
        harness.run(&format!("DROP SCHEMA {quoted}")).await;
    }
    harness.done().await;
}

async fn written(harness: &mut Harness<'_>, table: &Table, schema: &SchemaRef) {
    let ages = [
        (WriteOp::Insert, &[][..], 1),
        (WriteOp::InsertIgnore, &["id"][..], 1),
        (WriteOp::Upsert, &["id"], 2),
        (WriteOp::Update, &["id"], 3),
        (WriteOp::Delete, &["id"], 1),
    ];
    let insert = Write {
        op: WriteOp::Insert,
        key: &[],
        route: None,
    };
    for (op, key, age) in ages {
        for route in harness.routes(table, schema, op, key) {
            let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
            harness.run(&empty).await;
            if op != WriteOp::Insert {
                harness.write(table, schema, insert, &rows(1)).await;
            }
            let write = Write {
                op,
                key,
                route: Some(route),
            };
            harness.write(table, schema, write, &rows(age)).await;
            let expected = match op {
                WriteOp::Delete => Rows::new(),
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Update => {
                    rows(age)
                }
            };
            let found = harness.read(table, &["id"]).await;
            assert_same(
                &found,
                &expected,
                &format!("{op:?} by {route:?} into {}", table.name),
            );
        }
    }
    harness.write(table, schema, insert, &rows(1)).await;
}

async fn read(harness: &mut Harness<'_>, table: &Table) {
    let syntax = harness.fixture.dialect.syntax();
    let expected = rows(1);
    let quoted: Vec<_> = COLUMNS.iter().map(|c| syntax.quote(c).unwrap()).collect();
    let query = format!(
        "SELECT {} FROM {}",
        quoted.join(", "),
        harness.quoted(&table.name)
    );
    let describe_table = harness.connection.describe_query(&query).await.unwrap();
    let all: Vec<_> = (0..COLUMNS.len()).collect();
    for (table, query) in [(table, None), (&describe_table, Some(query.as_str()))] {
        for key in COLUMNS {
            let key = parts(table, &[key, "id"][..if *key == "id" { 1 } else { 2 }]);
            let filter = format!("{} >= 0", quoted[key[0].columns[0]]);
            let whole = Page {
                query,
                key: &key,
                filter: Some(&filter),
                ..Page::of(table, &all)
            };
            let shown = format!("{} by {:?}, query {query:?}", table.name, key);
            assert_same(&harness.page(&whole).await, &expected, &shown);
            let parts = NonZeroU32::new(3).unwrap();
            let splits = harness
                .connection
                .split(syntax, &whole, parts)
                .await
                .unwrap();
            let mut found = Rows::new();
            for split in &splits {
                let Split::Key { after, until } = split else {
                    panic!("{split:?} of a page with a key");
                };
                let (after, until): (Vec<_>, Vec<_>) = (
                    after.iter().cloned().collect(),
                    until.iter().cloned().collect(),
                );
                let page = Page {
                    after: Some(&after),
                    until: Some(&until),
                    ..whole.clone()
                };
                found.extend(harness.page(&page).await);
            }
            assert_same(&found, &expected, &shown);
            let count = syntax.count_without_key(&whole).unwrap();
            let one = super::harness::schema([("n", Kind::Int64)], &[]);
            let mut cursor = harness.connection.query(&count, &one).await.unwrap();
            let batch = cursor.next(2, 1 << 10).await.unwrap().unwrap();
            assert_eq!(batch.num_rows(), 1, "{shown}");
        }
    }
}
