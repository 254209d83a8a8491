use super::*;
use connect_api::Kind;
use connect_api::Schema;
use dialect_core::{Statement, TableName, TableType};
use std::num::NonZeroU32;

fn syntax() -> SqliteSyntax {
    let values = ValueOptions {
        sqlite_dates: dialect_core::SqliteDates::Iso,
        ..ValueOptions::default()
    };
    SqliteSyntax::new(values)
}

fn table(columns: &[(&str, &str, Kind)]) -> Table {
    let column = |(name, declared, kind): &(&str, &str, Kind)| Column {
        name: (*name).to_owned(),
        kind: Some(kind.clone()),
        vendor_type: (*declared).to_owned(),
        length: None,
        nullable: false,
        has_default: false,
        auto_increment: false,
        generated: false,
        ..Column::default()
    };
    Table {
        name: TableName::new("t"),
        table_type: TableType::Table,
        columns: columns.iter().map(column).collect(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        ..Table::default()
    }
}

fn after(table: &Table, after: &[Value]) -> Statement {
    let key: Vec<_> = (0..after.len())
        .map(|i| KeyPart { columns: vec![i] })
        .collect();
    let page = Page {
        key: &key,
        after: Some(after),
        before_now: Some(Duration::from_millis(1_500)),
        limit: NonZeroU32::new(9),
        ..Page::of(table, &[0])
    };
    syntax().select(&page).unwrap()
}

#[test]
fn timestamps_that_we_wrote_are_compared_as_they_stand() {
    let utc = Kind::Timestamp { utc: true };
    let table = table(&[
        ("ts", "TIMESTAMPTZ_TEXT", utc),
        ("id", "INTEGER", Kind::Int64),
    ]);
    assert_eq!(
        after(&table, &[Value::Timestamp(0), Value::Int(1)]).sql,
        "SELECT `ts` FROM `t` WHERE (`ts`, `id`) > (?, ?) AND `ts` < \
         strftime('%Y-%m-%d %H:%M:%f', 'now', '-1.500 seconds') || '000Z' \
         ORDER BY `ts`, `id` LIMIT 9"
    );
}

#[test]
fn timestamps_in_free_form_are_bounded_by_their_day_for_an_index() {
    let table = table(&[("ts", "DATETIME", Kind::Timestamp { utc: false })]);
    let statement = after(&table, &[Value::Timestamp(86_400_000_000)]);
    assert!(
        statement
            .sql
            .starts_with("SELECT `ts` FROM `t` WHERE `ts` >= ? AND substr(replace("),
        "{}",
        statement.sql
    );
    let values: Vec<_> = statement.params.into_iter().map(|p| p.value).collect();
    assert_eq!(
        values,
        ["1970-01-02".into(), Value::Timestamp(86_400_000_000)]
    );
}

#[test]
fn upserts_name_the_columns_beside_the_key() {
    let table = table(&[("a", "INT", Kind::Int64), ("b", "INT", Kind::Int64)]);
    let pairs = [Pair { from: 0, to: 0 }, Pair { from: 1, to: 1 }];
    assert_eq!(
        syntax().upsert(&table, &pairs, 1, 2).unwrap(),
        "INSERT INTO `t` (`a`, `b`) VALUES (?, ?), (?, ?) ON CONFLICT (`a`) DO UPDATE SET `b` = excluded.`b`"
    );
    assert_eq!(
        syntax().upsert(&table, &pairs, 2, 1).unwrap(),
        "INSERT INTO `t` (`a`, `b`) VALUES (?, ?) ON CONFLICT (`a`, `b`) DO NOTHING"
    );
    assert_eq!(
        syntax().delete(&table, &pairs, 2).unwrap(),
        "DELETE FROM `t` WHERE (`a`, `b`) IN (VALUES (?, ?), (?, ?))"
    );
}

#[test]
fn tables_are_created_with_types_that_keep_values() {
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Decimal {
            precision: 12,
            scale: 2,
        }
        .field("amount", true),
        Kind::Timestamp { utc: true }.field("at", true),
        Kind::Uuid.field("u", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    assert_eq!(
        syntax()
            .create_table(&TableName::new("a`b"), &schema)
            .unwrap(),
        "CREATE TABLE IF NOT EXISTS `a``b` (`id` INTEGER NOT NULL, `amount` DECIMAL_TEXT(12,2), \
         `at` TIMESTAMPTZ_TEXT, `u` UUID_BLOB, PRIMARY KEY (`id`))"
    );
}
