use super::*;
use crate::plan::upsert::{Guard, on_duplicate_key, or_ignore};
use dialect_core::{TableName, TableType, ValueOptions};

fn syntax() -> MySqlSyntax {
    MySqlSyntax::default()
}

fn of(version: &str) -> MySqlSyntax {
    let syntax = MySqlSyntax::default();
    syntax.server.get_or_init(|| Server::new(version, 0));
    syntax
}

fn column(name: &str, vendor_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: crate::types::kind(
            &crate::types::grammar::Declared::parse(vendor_type),
            "",
            &ValueOptions::default(),
        ),
        vendor_type: vendor_type.to_owned(),
        length: None,
        nullable: true,
        has_default: false,
        auto_increment: false,
        generated: false,
        ..Column::default()
    }
}

fn table(name: &str) -> Table {
    Table {
        name: TableName {
            schema: Some("shop".to_owned()),
            name: name.to_owned(),
        },
        table_type: TableType::Table,
        columns: vec![
            column("id", "bigint"),
            column("part", "enum('a','b')"),
            column("at", "datetime(6)"),
            column("ts", "timestamp"),
        ],
        primary_key: vec!["id".to_owned(), "part".to_owned()],
        unique_keys: Vec::new(),
        ..Table::default()
    }
}

fn pairs(to: &[usize]) -> Vec<Pair> {
    to.iter().map(|to| Pair { from: *to, to: *to }).collect()
}

#[test]
fn an_upsert_is_written_for_servers_with_and_without_a_row_alias() {
    let (orders, pairs) = (table("orders"), pairs(&[0, 1, 2]));
    let insert = syntax().insert(&orders, &pairs, 2).unwrap();
    assert_eq!(
        insert,
        "INSERT INTO `shop`.`orders` (`id`, `part`, `at`) VALUES (?, ?, ?), (?, ?, ?)"
    );
    let tail =
        |table: &Table, alias| on_duplicate_key(table, &pairs, 2, alias, Guard::None).unwrap();
    assert_eq!(
        tail(&orders, false),
        " ON DUPLICATE KEY UPDATE `at` = VALUES(`at`)"
    );
    assert_eq!(
        tail(&orders, true),
        " AS new ON DUPLICATE KEY UPDATE `at` = new.`at`"
    );
    assert_eq!(
        tail(&table("new"), true),
        " AS new_row ON DUPLICATE KEY UPDATE `at` = new_row.`at`"
    );
}

#[test]
fn an_upsert_of_a_table_with_other_unique_keys_refuses_rows_of_other_keys() {
    let (orders, pairs) = (table("orders"), pairs(&[0, 1, 2]));
    let guarded = |key, alias| on_duplicate_key(&orders, &pairs, key, alias, Guard::SameKey);
    assert_eq!(
        guarded(1, false).unwrap(),
        " ON DUPLICATE KEY UPDATE `id` = IF(`shop`.`orders`.`id` <=> VALUES(`id`), \
         `shop`.`orders`.`id`, (SELECT `shop`.`orders`.`id` UNION ALL SELECT \
         `shop`.`orders`.`id`)), `part` = VALUES(`part`), `at` = VALUES(`at`)"
    );
    let two = guarded(2, true).unwrap();
    assert!(
        two.contains(
            "IF(`shop`.`orders`.`id` <=> new.`id` AND `shop`.`orders`.`part` <=> new.`part`, "
        ),
        "{two}"
    );
}

#[test]
fn a_row_of_nothing_but_its_key_stays_as_it_is() {
    let (orders, pairs) = (table("orders"), pairs(&[0, 1]));
    for (alias, text) in [
        (
            false,
            " ON DUPLICATE KEY UPDATE `id` = `shop`.`orders`.`id`",
        ),
        (
            true,
            " AS new ON DUPLICATE KEY UPDATE `id` = `shop`.`orders`.`id`",
        ),
    ] {
        assert_eq!(
            on_duplicate_key(&orders, &pairs, 2, alias, Guard::None).unwrap(),
            text
        );
    }
}

#[test]
fn keys_are_deleted_in_lists_and_updated_one_by_one() {
    let orders = table("orders");
    assert_eq!(
        syntax().delete(&orders, &pairs(&[0, 1]), 2).unwrap(),
        "DELETE FROM `shop`.`orders` WHERE (`id` = ? AND `part` = ?) OR (`id` = ? AND `part` = ?)"
    );
    assert_eq!(
        syntax().delete(&orders, &pairs(&[2]), 1).unwrap(),
        "DELETE FROM `shop`.`orders` WHERE `at` = CAST(? AS DATETIME(6))"
    );
    assert_eq!(
        syntax().update(&orders, &pairs(&[0, 2]), 1).unwrap(),
        "UPDATE `shop`.`orders` SET `at` = ? WHERE `id` = ?"
    );
}

#[test]
fn pages_are_read_by_an_index_and_enums_by_their_text() {
    let orders = table("orders");
    let key = [KeyPart { columns: vec![0] }, KeyPart { columns: vec![1] }];
    let after = [7.into(), "a".into()];
    let page = Page {
        key: &key,
        after: Some(&after),
        limit: std::num::NonZeroU32::new(10),
        ..Page::of(&orders, &[0, 2])
    };
    let statement = syntax().select(&page).unwrap();
    assert_eq!(
        statement.sql,
        "SELECT `id`, `at` FROM `shop`.`orders` WHERE `id` >= ? AND ((`id` > ?) OR (`id` = ? AND \
         CAST(`part` AS CHAR) > ?)) AND `id` IS NOT NULL AND CAST(`part` AS CHAR) IS NOT NULL \
         ORDER BY `id`, CAST(`part` AS CHAR) LIMIT 10"
    );
    assert_eq!(statement.params.len(), 4);
}

#[test]
fn now_is_the_servers_clock_for_a_datetime_and_utc_for_a_timestamp() {
    let second = Duration::from_millis(1500);
    let now = |i: usize, delay| syntax().now(&table("t").columns[i], delay);
    assert_eq!(now(3, Duration::ZERO), "UTC_TIMESTAMP(6)");
    assert_eq!(
        now(3, second),
        "(UTC_TIMESTAMP(6) - INTERVAL 1500000 MICROSECOND)"
    );
    assert_eq!(
        now(2, Duration::ZERO),
        "CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', @@global.time_zone)"
    );
}

#[test]
fn names_are_quoted_with_backticks_doubled() {
    assert_eq!(syntax().quote("a`b\"c").unwrap(), "`a``b\"c`");
    assert!(syntax().quote(&"x".repeat(65)).is_err());
    assert!(syntax().quote(&"订".repeat(64)).is_ok());
}

#[test]
fn rows_that_are_there_are_passed_over_without_hiding_other_faults() {
    let (orders, pairs) = (table("orders"), pairs(&[2, 0, 1]));
    assert_eq!(
        or_ignore(&orders, &pairs).unwrap(),
        " ON DUPLICATE KEY UPDATE `at` = `shop`.`orders`.`at`"
    );
}

#[test]
fn columns_are_added_by_one_statement_in_the_words_of_the_server() {
    let fields = [Kind::Int32.field("a", true), Kind::Text.field("b`", true)];
    let fields: Vec<_> = fields.iter().collect();
    let name = TableName::new("t");
    for (syntax, there) in [
        (syntax(), ""),
        (of("8.4.0"), ""),
        (of("10.11.6-MariaDB"), "IF NOT EXISTS "),
        (
            MySqlSyntax {
                mariadb: true,
                ..syntax()
            },
            "IF NOT EXISTS ",
        ),
    ] {
        assert_eq!(
            syntax.add_columns(&name, &fields).unwrap(),
            [format!(
                "ALTER TABLE `t` ADD COLUMN {there}`a` int, ADD COLUMN {there}`b``` longtext \
                 CHARACTER SET utf8mb4"
            )]
        );
    }
    assert!(syntax().add_columns(&name, &[]).unwrap().is_empty());
}

#[test]
fn quantiles_of_a_table_need_window_functions_of_the_server() {
    let orders = table("orders");
    let key = [KeyPart { columns: vec![0] }];
    let page = Page {
        key: &key,
        ..Page::of(&orders, &[0])
    };
    let parts = std::num::NonZeroU32::new(4).unwrap();
    for (version, supported) in [
        ("5.7.44", false),
        ("8.0.36", true),
        ("9.0.1", true),
        ("10.1.48-MariaDB", false),
        ("10.11.6-MariaDB", true),
    ] {
        let statement = of(version).quantiles(&page, parts).unwrap();
        assert_eq!(statement.is_some(), supported, "{version}");
    }
}

#[test]
fn what_has_no_kind_of_its_own_is_read_as_text() {
    let mut column = column("c", "xmltype");
    for (vendor_type, kind, sql) in [
        ("xmltype", Kind::Text, "CAST(`c` AS CHAR)"),
        ("date", Kind::Text, "CAST(`c` AS CHAR)"),
        ("date", Kind::Date, "`c`"),
        ("enum('a')", Kind::Text, "`c`"),
        ("inet6", Kind::Text, "`c`"),
        (
            "vector(3)",
            Kind::List(Box::new(Kind::Float32)),
            "CAST(`c` AS BINARY)",
        ),
    ] {
        column.vendor_type = vendor_type.to_owned();
        column.kind = Some(kind);
        assert_eq!(syntax().select_column(&column).unwrap(), sql);
    }
}

#[test]
fn literals_have_their_backslashes_escaped() {
    let literal = |text: &str| syntax().literal(&Value::from(text));
    assert_eq!(literal("it's \\ x").unwrap(), "'it''s \\\\ x'");
    assert_eq!(literal("a\0b"), None);
    assert_eq!(syntax().literal(&Value::Int(-7)).unwrap(), "-7");
}
