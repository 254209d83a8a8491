//! Tables and columns that are called as the statements of the dialects call their own relations
//! and columns.
use super::{
    Fixture,
    sameness::assert_same,
    workbench::{Rows, Workbench, Write, parts, schema},
};
use crate::{
    plan::WriteOp,
    query::Page,
    slice::Slice,
    table::{Table, TableName},
};
use connect_api::{Kind, SchemaRef, Value};
use std::num::NonZeroU32;

/// Every word that a statement of ours names something by.
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

/// Those that are read by every column: what reads names subqueries and their columns alone.
const READ: &[&str] = &["q", "part"];

const ROWS: i64 = 24;

/// Each value tells its row and its column; rows of another `age` have other values beside the key.
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

/// Names of tables and columns that are also our own are the user's wherever the user's are meant,
/// in what is read and in what is written by every route.
pub async fn names_of_our_own_are_only_names(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    // The very names, where a schema can be had for them; a file is the test's own.
    let own = format!("{}_names", fixture.unique);
    let quoted = fixture.dialect.syntax().quote(&own).unwrap();
    let create = format!("CREATE SCHEMA {quoted}");
    let made = bench.connection.execute(&create).await;
    let own = made.is_ok().then_some(own);
    let schema = schema(COLUMNS.iter().map(|name| (*name, Kind::Int64)), &["id"]);
    for name in TABLES {
        let full = TableName {
            schema: own.clone(),
            name: (*name).to_owned(),
        };
        let table = bench.make_for(full, &schema).await;
        written(&mut bench, &table, &schema).await;
        if READ.contains(name) {
            read(&mut bench, &table).await;
        }
        let sql = format!("DROP TABLE {}", bench.quoted(&table.name));
        bench.run(&sql).await;
        bench.forget(&table.name);
    }
    if own.is_some() {
        bench.run(&format!("DROP SCHEMA {quoted}")).await;
    }
    bench.done().await;
}

async fn written(bench: &mut Workbench<'_>, table: &Table, schema: &SchemaRef) {
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
        for route in bench.routes(table, schema, op, key) {
            let empty = format!("DELETE FROM {}", bench.quoted(&table.name));
            bench.run(&empty).await;
            if op != WriteOp::Insert {
                bench.write(table, schema, insert, &rows(1)).await;
            }
            let write = Write {
                op,
                key,
                route: Some(route),
            };
            bench.write(table, schema, write, &rows(age)).await;
            let expected = match op {
                WriteOp::Delete => Rows::new(),
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Update => {
                    rows(age)
                }
            };
            let found = bench.read(table, &["id"]).await;
            assert_same(
                &found,
                &expected,
                &format!("{op:?} by {route:?} into {}", table.name),
            );
        }
    }
    bench.write(table, schema, insert, &rows(1)).await;
}

async fn read(bench: &mut Workbench<'_>, table: &Table) {
    let syntax = bench.fixture.dialect.syntax();
    let expected = rows(1);
    let quoted: Vec<_> = COLUMNS.iter().map(|c| syntax.quote(c).unwrap()).collect();
    let query = format!(
        "SELECT {} FROM {}",
        quoted.join(", "),
        bench.quoted(&table.name)
    );
    let described = bench.connection.describe_query(&query).await.unwrap();
    let all: Vec<_> = (0..COLUMNS.len()).collect();
    for (table, query) in [(table, None), (&described, Some(query.as_str()))] {
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
            assert_same(&bench.page(&whole).await, &expected, &shown);
            let parts = NonZeroU32::new(3).unwrap();
            let slices = bench.connection.split(syntax, &whole, parts).await.unwrap();
            let mut found = Rows::new();
            for slice in &slices {
                let Slice::Key { after, until } = slice else {
                    panic!("{slice:?} of a page with a key");
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
                found.extend(bench.page(&page).await);
            }
            assert_same(&found, &expected, &shown);
            let count = syntax.count_without_key(&whole).unwrap();
            let one = super::workbench::schema([("n", Kind::Int64)], &[]);
            let mut cursor = bench.connection.query(&count, &one).await.unwrap();
            let batch = cursor.next(2, 1 << 10).await.unwrap().unwrap();
            assert_eq!(batch.num_rows(), 1, "{shown}");
        }
    }
}
