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
    let (first, last) = (
        [Value::Int(9), Value::Int(0)],
        [Value::Int(119), Value::Int(0)],
    );
    let part = Page {
        key: &key,
        after: Some(&first),
        until: Some(&last),
        ..Page::of(&table, &all)
    };
    let parts = NonZeroU32::new(4).unwrap();
    let splits = harness.connection.split(syntax, &part, parts).await;
    let mut found = Rows::new();
    for split in splits.unwrap() {
        let Split::Key { after, until } = split else {
            panic!("{split:?} of a page with a key");
        };
        let (after, until) = (Vec::from_iter(after), Vec::from_iter(until));
        let mut page = part.clone();
        if !after.is_empty() {
            page.after = Some(&after);
        }
        if !until.is_empty() {
            page.until = Some(&until);
        }
        found.extend(harness.page(&page).await);
    }
    assert_same(&found, &rows[19..239].to_vec(), "between two keys");
    harness.done().await;
}

/// While another transaction has written a row, it is among the running ones; after its commit it
/// is not, and its row is visible.
pub async fn visibility_stops_before_open_transactions(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let by = fixture.dialect.capabilities().visibility;
    let before = harness.connection.visibility().await.unwrap();
    if by == VisibleBy::Nothing {
        assert_eq!(before, None);
        return harness.done().await;
    }
    let mut other = Harness::new(fixture).await;
    let schema = columns();
    let name = harness.name("visible");
    let table = harness.create_table_for(name, &schema).await;
    other.connection.begin().await.unwrap();
    other
        .write(&table, &schema, INSERT, &rows()[..1].to_vec())
        .await;
    let during = harness.connection.visibility().await.unwrap().unwrap();
    harness
        .write(&table, &schema, INSERT, &rows()[1..2].to_vec())
        .await;
    match (by, during) {
        (VisibleBy::Transactions, Visibility::Transactions(during)) => {
            let mut running = async |after: std::time::Instant| loop {
                match harness.connection.visibility().await.unwrap() {
                    Some(Visibility::Transactions(running)) if running.asked > after => {
                        break running;
                    }
                    // A server may show a list again for some time.
                    Some(Visibility::Transactions(_)) => {
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    }
                    other => panic!("{other:?}"),
                }
            };
            let began = std::time::Instant::now();
            let during = running(began.max(during.asked)).await;
            let still = running(during.asked).await;
            assert!(!during.have_ended(&still), "{during:?} {still:?}");
            other.connection.commit().await.unwrap();
            // Other sessions of the server have transactions too.
            let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
            loop {
                let later = running(during.asked).await;
                if during.have_ended(&later) {
                    break;
                }
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "{during:?} {later:?}"
                );
            }
        }
        (VisibleBy::RowVersion, Visibility::RowVersion(during)) => {
            let later = harness.connection.visibility().await.unwrap();
            assert!(
                matches!(later, Some(Visibility::RowVersion(later)) if during <= later),
                "{later:?}"
            );
            other.connection.commit().await.unwrap();
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(harness.read(&table, &["a", "b"]).await.len(), 2);
    other.done().await;
    harness.done().await;
}
