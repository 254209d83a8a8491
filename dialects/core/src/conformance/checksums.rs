//! Checksums of keys.
use crate::{
    checksum,
    conformance::{
        Fixture,
        harness::{Harness, INSERT, Rows, schema},
    },
    query::{Page, Statement},
};
use connect_api::{Kind, Records, Schema, Value, ValueRef};

/// The database computes the checksums of keys that [`checksum::of_key`] computes, where it says that it can.
pub async fn checksums_are_those_of_the_database(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let columns = schema(
        [("a", Kind::Int64), ("b", Kind::Text), ("c", Kind::Int16)],
        &["a"],
    );
    let rows: Rows = [
        (i64::MIN, "", -1),
        (-1, "a", 0),
        (0, "1:a", i16::MAX),
        (1, "\u{c4}rger \u{65e5}\u{672c} \u{1f980}", 7),
        (i64::MAX, "it's \\ \"quoted\"", i16::MIN),
    ]
    .map(|(a, b, c)| vec![a.into(), b.into(), Value::Int(c.into())])
    .to_vec();
    let name = harness.name("checksums");
    let table = harness.create_table_for(name, &columns).await;
    harness.write(&table, &columns, INSERT, &rows).await;
    let syntax = fixture.dialect.syntax();
    for read in [&[0][..], &[2], &[1], &[0, 1], &[1, 2, 0]] {
        let of: Vec<_> = read.iter().map(|i| &table.columns[*i]).collect();
        let Some(list) = syntax.select_checksum(&of) else {
            continue;
        };
        for filter in [None, Some("c < 0"), Some("c = 1")] {
            let page = Page {
                filter,
                ..Page::of(&table, read)
            };
            let kept = harness.page(&page).await;
            let page = syntax.select(&page).unwrap();
            let statement = Statement {
                sql: format!("SELECT {list} FROM ({}) k", page.sql),
                params: page.params,
            };
            let columns = [Kind::Int64.field("n", true), Kind::Text.field("sum", true)];
            let schema = Schema::new("checksum", columns, &[]).unwrap();
            let mut cursor = harness.connection.query(&statement, &schema).await.unwrap();
            let batch = cursor.next(10, usize::MAX).await.unwrap().unwrap();
            while cursor.next(10, usize::MAX).await.unwrap().is_some() {}
            drop(cursor);
            let found = Records::new("t".into(), schema, batch).unwrap();
            let sum: u128 = found
                .rows()
                .map(|row| match row.get(1).to_value() {
                    Value::Text(sum) => sum.parse::<u128>().unwrap(),
                    other => panic!("{other:?}"),
                })
                .sum();
            let sums = kept.iter().map(|row| {
                let key = row.iter().map(|value| match value {
                    Value::Int(v) => ValueRef::Int(*v),
                    Value::Text(v) => ValueRef::Text(v),
                    other => panic!("{other:?}"),
                });
                u128::from(checksum::of_key(key).unwrap())
            });
            let expected: u128 = sums.sum();
            assert_eq!(sum, expected, "{read:?} {filter:?}");
            assert_eq!(
                found.row(0).get(0).to_value(),
                Value::Int(kept.len() as i64)
            );
        }
    }
    harness.done().await;
}
