//! Splits of a table, and the visibility of uncommitted rows.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, parts, schema},
};
use crate::{dialect::VisibleBy, query::Page, split::Split, visibility::Visibility};
use connect_api::{Kind, Value};
use std::num::NonZeroU32;

fn rows() -> Rows {
    (0..500)
        .map(|i: i64| vec![(i / 2).into(), (i % 2).into(), format!("row {i}").into()])
        .collect()
}

fn columns() -> connect_api::SchemaRef {
    schema(
        [("a", Kind::Int64), ("b", Kind::Int32), ("v", Kind::Text)],
        &["a", "b"],
    )
}

/// Up to a key or a part of it, after another, and under a condition.
pub async fn pages_respect_their_bounds(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let (schema, rows) = (columns(), rows());
    let name = harness.name("range");
    let table = harness.create_table_for(name, &schema).await;
    harness.write(&table, &schema, INSERT, &rows).await;
    let key = parts(&table, &["a", "b"]);
    let (after, until) = (
        [Value::Int(9), Value::Int(0)],
        [Value::Int(12), Value::Int(0)],
    );
    let all = [0, 1, 2];
    let mut page = Page {
        key: &key,
        after: Some(&after),
        until: Some(&until),
        ..Page::of(&table, &all)
    };
    assert_same(
        &harness.page(&page).await,
        &rows[19..25].to_vec(),
        "between two keys",
    );
    (page.after, page.until) = (None, Some(&until[..1]));
    assert_same(
        &harness.page(&page).await,
        &rows[..26].to_vec(),
        "to a part of a key",
    );
    (page.after, page.filter) = (Some(&after[..1]), Some("b = 1"));
    let expected = [21, 23, 25].map(|i: usize| rows[i].clone()).to_vec();
    assert_same(&harness.page(&page).await, &expected, "under a condition");
    harness.done().await;
}

/// The splits of a table hold every row once, and about the same number each.
pub async fn splits_hold_every_row_once(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let (schema, rows) = (columns(), rows());
    let name = harness.name("splits");
    let table = harness.create_table_for(name, &schema).await;
    let syntax = fixture.dialect.syntax();
    let key = parts(&table, &["a", "b"]);
    let all = [0, 1, 2];
    for (count, parts, keyed) in [
        (0, 4, true),
        (500, 1, true),
        (500, 7, true),
        (500, 7, false),
    ] {
        if count == 500 && harness.read(&table, &["a"]).await.is_empty() {
            harness.write(&table, &schema, INSERT, &rows).await;
        }
        let parts = NonZeroU32::new(parts).unwrap();
        let whole = Page {
            key: if keyed { &key } else { &[] },
            ..Page::of(&table, &all)
        };
        let splits = harness
            .connection
            .split(syntax, &whole, parts)
            .await
            .unwrap();
        assert!(
            (1..=parts.get() as usize).contains(&splits.len()),
            "{splits:?}"
        );
        if !keyed && !fixture.dialect.capabilities().blocks {
            assert_eq!(splits.len(), 1, "nothing to split by");
        }
        let (mut found, mut largest) = (Rows::new(), 0);
        for split in &splits {
            let bounds: (Vec<_>, Vec<_>);
            let mut page = whole.clone();
            match split {
                Split::Key { after, until } => {
                    bounds = (
                        after.iter().cloned().collect(),
                        until.iter().cloned().collect(),
                    );
                    page.after = Some(&bounds.0);
                    page.until = Some(&bounds.1);
                }
                Split::Blocks(blocks) => page.blocks = Some(blocks.clone()),
            }
            let rows = harness.page(&page).await;
            largest = largest.max(rows.len());
            found.extend(rows);
        }
        let order = |row: &Vec<Value>| match (&row[0], &row[1]) {
            (Value::Int(a), Value::Int(b)) => (*a, *b),
            other => panic!("{other:?}"),
        };
        found.sort_by_key(order);
        assert_same(&found, &rows[..count].to_vec(), &format!("{parts} parts"));
        if keyed && splits.len() > 1 {
            assert!(
                largest <= 2 * count / parts.get() as usize,
                "{largest} rows in one of {parts}"
            );
        }
    }
    harness.done().await;
}

/// While another transaction holds a new row, the visibility stays before it; after its commit it
/// advances.
pub async fn visibility_stops_before_open_transactions(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let by = fixture.dialect.capabilities().visibility;
    let found = harness.connection.visibility().await.unwrap();
    let Some(before) = found else {
        assert_eq!(by, VisibleBy::Nothing, "nothing is told");
        return harness.done().await;
    };
    let mut other = Harness::new(fixture).await;
    let schema = columns();
    let name = harness.name("visible");
    let table = harness.create_table_for(name, &schema).await;
    other.connection.begin().await.unwrap();
    other
        .write(&table, &schema, INSERT, &rows()[..1].to_vec())
        .await;
    let during = harness.connection.visibility().await.unwrap().unwrap();
    // Other sessions of the server may hold it back too: it never runs ahead of this one.
    harness
        .write(&table, &schema, INSERT, &rows()[1..2].to_vec())
        .await;
    let later = harness.connection.visibility().await.unwrap().unwrap();
    match (by, &before, &during, &later) {
        (
            VisibleBy::Snapshot,
            Visibility::Snapshot { xmin: a, .. },
            Visibility::Snapshot { xmin: b, xmax },
            Visibility::Snapshot {
                xmin: c,
                xmax: last,
            },
        ) => {
            assert!(a <= b && b <= c, "{a} {b} {c}");
            assert!(
                c < last && xmax <= last,
                "the open transaction holds {c} below {last}"
            );
        }
        (
            VisibleBy::OldestTransaction,
            Visibility::OldestTransaction { .. },
            Visibility::OldestTransaction { began: b },
            Visibility::OldestTransaction { began: c },
        ) => assert!(c <= b || *c - *b < 1_000_000, "{b} {c}"),
        (
            VisibleBy::RowVersion,
            Visibility::RowVersion(a),
            Visibility::RowVersion(b),
            Visibility::RowVersion(c),
        ) => assert!(a <= b && b <= c),
        other => panic!("{other:?}"),
    }
    other.connection.commit().await.unwrap();
    assert!(harness.connection.visibility().await.unwrap().is_some());
    other.done().await;
    harness.done().await;
}
