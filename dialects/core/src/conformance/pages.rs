//! Pages by composite keys, by the first of several columns, and before the present time.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, parts, schema},
};
use crate::query::{KeyPart, Page};
use connect_api::{Kind, Value};
use std::time::Duration;

/// Ties in the first column, NULL in others: every row comes once, in the order of the key.
pub async fn pages_by_two_columns_hold_every_row_once(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let kinds = [("note", Kind::Text), ("b", Kind::Int32), ("a", Kind::Int64)];
    let schema = schema(kinds, &["a", "b"]);
    let name = harness.name("pages");
    let table = harness.create_table_for(name, &schema).await;
    let note = |i: i64| {
        if i % 3 == 0 {
            Value::Null
        } else {
            "note".into()
        }
    };
    let rows: Rows = (0..101)
        .map(|i| vec![note(i), (i % 7).into(), (i / 7).into()])
        .collect();
    harness.write(&table, &schema, INSERT, &rows).await;
    for limit in [1, 7, 10, 100, 101, 102] {
        let read = harness
            .read_by_pages(&table, &parts(&table, &["a", "b"]), limit)
            .await;
        assert_same(&read, &rows, &format!("pages of {limit}"));
    }
    // After a part of the key: whole groups are passed over.
    let (all, key) = ([0, 1, 2], parts(&table, &["a", "b"]));
    let after = [Value::Int(13)];
    let mut page = Page {
        key: &key,
        after: Some(&after),
        ..Page::of(&table, &all)
    };
    assert_same(
        &harness.page(&page).await,
        &rows[98..].to_vec(),
        "after a part",
    );
    // Some of the columns, in another order.
    page.columns = &[2, 0];
    page.limit = std::num::NonZeroU32::new(1);
    assert_same(
        &harness.page(&page).await,
        &vec![vec![14.into(), note(98)]],
        "some columns",
    );
    // Which of three pages have a row, by one statement.
    let (part, last) = ([Value::Int(13)], [Value::Int(14), Value::Int(3)]);
    let pages = [Some(&part[..]), Some(&last[..]), None].map(|after| Page {
        key: &key,
        after,
        ..Page::of(&table, &all)
    });
    if let Some(any) = harness.any(&pages).await {
        assert_eq!(any, [1.into(), Value::Null, 1.into()]);
    }
    harness.done().await;
}

fn times(utc: bool) -> connect_api::SchemaRef {
    let time = Kind::Timestamp { utc };
    schema(
        [
            ("id", Kind::Int64),
            ("changed", time.clone()),
            ("created", time),
        ],
        &["id"],
    )
}

/// The rows as a table of [`times`] gives them back.
fn read_back(fixture: &Fixture, utc: bool, rows: Rows) -> Rows {
    let kind = Kind::Timestamp { utc };
    let cell = |value: Value| match value {
        time @ Value::Timestamp(_) => (fixture.read_back)(&kind, time),
        other => other,
    };
    rows.into_iter()
        .map(|row| row.into_iter().map(cell).collect())
        .collect()
}

/// Microseconds of a time, with an offset or without.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => Some(*micros),
        _ => None,
    }
}

/// COALESCE of two columns is a key; rows without either are left out, and counted.
pub async fn pages_use_the_first_key_that_is_not_null(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    for utc in [false, true] {
        let schema = times(utc);
        let name = harness.name(if utc { "coalesce_utc" } else { "coalesce" });
        let table = harness.create_table_for(name, &schema).await;
        let base = 1_700_000_000_000_000;
        let time = |there: bool, micros: i64| {
            if there {
                Value::Timestamp(base + micros)
            } else {
                Value::Null
            }
        };
        let row = |i: i64| {
            vec![
                Value::Int(i),
                time(i % 2 == 0, i / 4),
                time(i % 5 != 0, i / 3),
            ]
        };
        let rows: Rows = (0..60).map(row).collect();
        harness.write(&table, &schema, INSERT, &rows).await;
        let rows = read_back(fixture, utc, rows);
        let key = [
            KeyPart {
                columns: vec![1, 2],
            },
            KeyPart { columns: vec![0] },
        ];
        let read = harness.read_by_pages(&table, &key, 4).await;
        let first = |row: &Vec<Value>| match (instant(&row[1]).or(instant(&row[2])), &row[0]) {
            (Some(t), Value::Int(id)) => Some((t, *id)),
            _ => None,
        };
        let mut expected: Rows = rows
            .iter()
            .filter(|row| first(row).is_some())
            .cloned()
            .collect();
        expected.sort_by_key(|row| first(row));
        assert_same(&read, &expected, "pages by the first time");
        let page = Page {
            key: &key[..1],
            ..Page::of(&table, &[0])
        };
        let count = fixture.dialect.syntax().count_without_key(&page).unwrap();
        let counted = super::harness::schema([("n", Kind::Int64)], &[]);
        let mut cursor = harness.connection.query(&count, &counted).await.unwrap();
        let batch = cursor.next(1, 100).await.unwrap().unwrap();
        drop(cursor);
        let count = connect_api::Records::new("t".into(), counted, batch).unwrap();
        let without = (rows.len() - expected.len()) as i64;
        assert_eq!(count.row(0).get(0), connect_api::ValueRef::Int(without));
    }
    harness.done().await;
}

/// `before_now` is the database's own time, less the delay.
pub async fn pages_end_before_the_present(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    for utc in [false, true] {
        let schema = times(utc);
        let name = harness.name(if utc { "now_utc" } else { "now" });
        let table = harness.create_table_for(name, &schema).await;
        let now = fixture.dialect.syntax().select_now(&table.columns[1]);
        let kind = table.columns[1].kind.clone().unwrap();
        let of_now = super::harness::schema([("now", kind)], &[]);
        let mut cursor = harness.connection.query(&now, &of_now).await.unwrap();
        let batch = cursor.next(1, 100).await.unwrap().unwrap();
        drop(cursor);
        let records = connect_api::Records::new("t".into(), of_now, batch).unwrap();
        let value = records.row(0).to_record().values.remove(0);
        let now = instant(&value).unwrap_or_else(|| panic!("the present time is {value:?}"));
        let here = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let apart = (now - i64::try_from(here.as_micros()).unwrap()).abs();
        // A local time may be of another zone.
        assert!(
            apart
                < if utc {
                    3_600_000_000
                } else {
                    15 * 3_600_000_000
                },
            "{now} is the present time"
        );
        let minute = 60_000_000;
        let ago = |minutes: i64| Value::Timestamp(now - minutes * minute);
        let rows = vec![
            vec![1.into(), ago(90), Value::Null],
            vec![2.into(), ago(10), Value::Null],
            vec![3.into(), ago(-90), Value::Null],
        ];
        harness.write(&table, &schema, INSERT, &rows).await;
        let rows = read_back(fixture, utc, rows);
        for (delay, expected) in [(0, 2), (3_600, 1), (3 * 3_600, 0)] {
            let page = Page {
                key: &parts(&table, &["changed", "id"]),
                before_now: Some(Duration::from_secs(delay)),
                ..Page::of(&table, &[0, 1, 2])
            };
            assert_same(
                &harness.page(&page).await,
                &rows[..expected].to_vec(),
                &format!("{delay} s before now"),
            );
        }
    }
    harness.done().await;
}
