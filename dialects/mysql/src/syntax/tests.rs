use super::*;
use dialect_core::{TableName, TableType};

fn column(name: &str, vendor_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: crate::declared::kind(vendor_type),
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
    let insert = MySqlSyntax.insert(&orders, &pairs, 2).unwrap();
    assert_eq!(
        insert,
        "INSERT INTO `shop`.`orders` (`id`, `part`, `at`) VALUES (?, ?, ?), (?, ?, ?)"
    );
    let tail = |table: &Table, alias| on_duplicate_key(table, &pairs, 2, alias).unwrap();
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
        assert_eq!(on_duplicate_key(&orders, &pairs, 2, alias).unwrap(), text);
    }
}

#[test]
fn keys_are_deleted_in_lists_and_updated_one_by_one() {
    let orders = table("orders");
    assert_eq!(
        MySqlSyntax.delete(&orders, &pairs(&[0, 1]), 2).unwrap(),
        "DELETE FROM `shop`.`orders` WHERE (`id`, `part`) IN ((?, ?), (?, ?))"
    );
    assert_eq!(
        MySqlSyntax.delete(&orders, &pairs(&[2]), 1).unwrap(),
        "DELETE FROM `shop`.`orders` WHERE `at` = CAST(? AS DATETIME(6))"
    );
    assert_eq!(
        MySqlSyntax.update(&orders, &pairs(&[0, 2]), 1).unwrap(),
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
    let statement = MySqlSyntax.select(&page).unwrap();
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
    let now = |i: usize, delay| MySqlSyntax.now(&table("t").columns[i], delay);
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
fn every_kind_has_a_type_and_a_key_one_that_an_index_takes() {
    let with = |kind: Kind, key: &str, value: &str| {
        let field = kind.field("c", true);
        let mut metadata = field.metadata().clone();
        metadata.insert(key.to_owned(), value.to_owned());
        field.with_metadata(metadata)
    };
    let decimal = |precision, scale| Kind::Decimal { precision, scale }.field("c", true);
    for (field, in_key, sql) in [
        (
            Kind::Text.field("c", true),
            false,
            "longtext CHARACTER SET utf8mb4",
        ),
        (
            Kind::Text.field("c", false),
            true,
            "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ),
        (
            with(Kind::Text, LENGTH, "16"),
            false,
            "varchar(16) CHARACTER SET utf8mb4",
        ),
        (
            with(Kind::Text, LENGTH, "99999"),
            false,
            "longtext CHARACTER SET utf8mb4",
        ),
        (Kind::Bytes.field("c", true), false, "longblob"),
        (Kind::Bytes.field("c", false), true, "varbinary(255)"),
        (with(Kind::Bytes, LENGTH, "16"), false, "varbinary(16)"),
        (decimal(12, 2), false, "decimal(12,2)"),
        (decimal(38, 30), false, "decimal(38,30)"),
        (decimal(38, 31), false, "longtext CHARACTER SET utf8mb4"),
        (decimal(5, -3), false, "decimal(8)"),
        (
            Kind::Timestamp { utc: true }.field("c", true),
            false,
            "datetime(6) COMMENT 'UTC'",
        ),
        // The same vendor's narrower types come back, those of others do not, nor does more text.
        (
            with(Kind::Int32, VENDOR_TYPE, "mediumint"),
            false,
            "mediumint",
        ),
        (with(Kind::Int16, VENDOR_TYPE, "year(4)"), false, "year"),
        (
            with(Kind::Timestamp { utc: false }, VENDOR_TYPE, "datetime(3)"),
            false,
            "datetime(3)",
        ),
        (
            with(Kind::Text, VENDOR_TYPE, "text"),
            false,
            "longtext CHARACTER SET utf8mb4",
        ),
        (
            with(Kind::Int32, VENDOR_TYPE, "mediumint, x int"),
            false,
            "int",
        ),
    ] {
        assert_eq!(
            MySqlSyntax.column_type(&field, in_key).unwrap(),
            sql,
            "{field:?}"
        );
    }
}

#[test]
fn names_are_quoted_with_backticks_doubled() {
    assert_eq!(MySqlSyntax.quote("a`b\"c").unwrap(), "`a``b\"c`");
    assert!(MySqlSyntax.quote(&"x".repeat(65)).is_err());
    assert!(MySqlSyntax.quote(&"订".repeat(64)).is_ok());
}
