//! Columns of the table that are missing from the records.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{Kind, Value};

/// By every route, and however many rows there are, a column that the records do not have gets its
/// default, and one that they have as NULL is NULL.
pub async fn omitted_columns_get_their_default_by_every_route(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table(
            "left_out",
            "id bigint NOT NULL PRIMARY KEY, v varchar(40), seven bigint DEFAULT 7, \
             word varchar(20) DEFAULT 'created' NOT NULL, spare bigint",
        )
        .await;
    let columns = [
        ("id", Kind::Int64),
        ("v", Kind::Text),
        ("seven", Kind::Int64),
    ];
    let without = schema(columns[..2].to_vec(), &["id"]);
    let with = schema(columns, &["id"]);
    let text = |id: i64| -> Value { format!("row {id}").into() };
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for (op, key) in [
        (WriteOp::Insert, &[][..]),
        (WriteOp::InsertIgnore, &["id"][..]),
        (WriteOp::Upsert, &["id"][..]),
    ] {
        let mut routes: Vec<_> = harness.routes(&table, &without, op, key);
        routes.extend(harness.routes(&table, &with, op, key));
        let mut routes: Vec<_> = routes.into_iter().map(Some).collect();
        // As the sink asks: large batches go another way than small ones.
        routes.push(None);
        for route in routes {
            for count in [3, 703] {
                let write = Write { op, key, route };
                let what = format!("{count} rows, {op:?} by {route:?}");
                let given: Rows = (0..count).map(|id| vec![id.into(), text(id)]).collect();
                if offered(&harness, &table, &without, write) {
                    harness.write(&table, &without, write, &given).await;
                    let expected: Rows = (0..count)
                        .map(|id| {
                            vec![id.into(), text(id), 7.into(), "created".into(), Value::Null]
                        })
                        .collect();
                    assert_same(&harness.read(&table, &["id"]).await, &expected, &what);
                    harness.run(&empty).await;
                }
                if offered(&harness, &table, &with, write) {
                    let null = |id: i64| vec![id.into(), text(id), Value::Null];
                    harness
                        .write(&table, &with, write, &(0..count).map(null).collect())
                        .await;
                    let expected: Rows = (0..count)
                        .map(|id| {
                            vec![
                                id.into(),
                                text(id),
                                Value::Null,
                                "created".into(),
                                Value::Null,
                            ]
                        })
                        .collect();
                    assert_same(
                        &harness.read(&table, &["id"]).await,
                        &expected,
                        &format!("NULL: {what}"),
                    );
                    harness.run(&empty).await;
                }
            }
        }
    }
    harness.write(&table, &without, INSERT, &Rows::new()).await;
    harness.done().await;
}

fn offered(
    harness: &Harness<'_>,
    table: &crate::table::Table,
    schema: &connect_api::SchemaRef,
    write: Write<'_>,
) -> bool {
    write.route.is_none_or(|route| {
        harness
            .routes(table, schema, write.op, write.key)
            .contains(&route)
    })
}
