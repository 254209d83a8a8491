use super::{widen::widened, *};
use connect_api::{NOT_NULL, arrow::schema::extension::EXTENSION_TYPE_NAME_KEY};
use dialect_core::{Column, TableName};

fn made(field: &Field, in_key: bool, mariadb: bool) -> String {
    let key = in_key.then_some("utf8mb4_nopad_bin");
    let made = column_type(field, key, mariadb).unwrap();
    match made.mark {
        Some(mark) => format!("{} COMMENT '{mark}'", made.sql),
        None => made.sql,
    }
}

fn with(kind: Kind, entries: &[(&str, &str)]) -> Field {
    let field = kind.field("c", true);
    let mut metadata = field.metadata().clone();
    metadata.extend(
        entries
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
    );
    field.with_metadata(metadata)
}

fn ours(kind: Kind, vendor_type: &str) -> Field {
    with(kind, &[(VENDOR, "mysql"), (VENDOR_TYPE, vendor_type)])
}

#[test]
fn every_kind_has_a_type_and_a_key_one_that_an_index_takes() {
    let decimal = |precision, scale| Kind::Decimal { precision, scale }.field("c", true);
    let wide = |precision, scale| Kind::WideDecimal { precision, scale }.field("c", true);
    let long = "longtext CHARACTER SET utf8mb4";
    let key = "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";
    let plain = |kind: Kind| kind.field("c", true);
    for (field, in_key, sql) in [
        (plain(Kind::Text), false, long),
        (plain(Kind::Text), true, key),
        (with(Kind::Text, &[(LENGTH, "9999")]), true, key),
        (plain(Kind::BigDecimal), true, key),
        (plain(Kind::Json), true, key),
        (
            with(Kind::Text, &[(LENGTH, "16")]),
            false,
            "varchar(16) CHARACTER SET utf8mb4",
        ),
        (with(Kind::Text, &[(LENGTH, "99999")]), false, long),
        (plain(Kind::Bytes), false, "longblob"),
        (plain(Kind::Bytes), true, "varbinary(255)"),
        (with(Kind::Bytes, &[(LENGTH, "16")]), false, "varbinary(16)"),
        (
            with(Kind::Bytes, &[(EXTENSION_TYPE_NAME_KEY, WKB)]),
            false,
            "geometry",
        ),
        (decimal(12, 2), false, "decimal(12,2)"),
        (decimal(38, 30), false, "decimal(38,30)"),
        (decimal(38, 31), false, long),
        (decimal(5, -3), false, "decimal(8)"),
        (wide(65, 30), false, "decimal(65,30)"),
        (wide(66, 0), false, long),
        (wide(65, -1), false, long),
        (plain(Kind::Duration), false, "time(6)"),
        (
            plain(Kind::TimeNanos),
            false,
            "time(6) COMMENT 'time of day'",
        ),
        (plain(Kind::Time), false, "time(6) COMMENT 'time of day'"),
        (
            plain(Kind::OffsetTimestamp),
            false,
            "datetime(6) COMMENT 'UTC'",
        ),
        (
            plain(Kind::Timestamp { utc: true }),
            false,
            "datetime(6) COMMENT 'UTC'",
        ),
        (plain(Kind::List(Box::new(Kind::Int32))), false, "json"),
        (
            plain(Kind::Struct(vec![("a".into(), Kind::Int8)])),
            false,
            "json",
        ),
        (plain(Kind::Map(Box::new(Kind::Date))), false, "json"),
        (
            plain(Kind::Interval),
            false,
            "varchar(64) CHARACTER SET utf8mb4",
        ),
        (plain(Kind::Uuid), false, "binary(16) COMMENT 'uuid'"),
    ] {
        assert_eq!(made(&field, in_key, false), sql, "{field:?}");
    }
    assert_eq!(
        made(&plain(Kind::Uuid), false, true),
        "binary(16) COMMENT 'uuid'"
    );
}

#[test]
fn types_of_ours_are_re_created_where_they_hold_the_kind() {
    let time = Kind::Timestamp { utc: false };
    for (kind, vendor_type, sql) in [
        (Kind::Int32, "mediumint(9)", "mediumint(9)"),
        (
            Kind::UInt32,
            "int(5) unsigned zerofill",
            "int(5) unsigned zerofill",
        ),
        (Kind::Int16, "year(4)", "year"),
        (time.clone(), "datetime(3)", "datetime(3)"),
        (
            Kind::Timestamp { utc: true },
            "datetime(3)",
            "datetime(3) COMMENT 'UTC'",
        ),
        (Kind::Timestamp { utc: true }, "timestamp", "timestamp NULL"),
        (Kind::Duration, "time(2)", "time(2)"),
        (Kind::Time, "time(2)", "time(2) COMMENT 'time of day'"),
        (Kind::Bool, "tinyint(1)", "tinyint(1)"),
        (Kind::Int8, "tinyint(1)", "tinyint(1)"),
        (Kind::Text, "date", "date"),
        (Kind::Uuid, "binary(16)", "binary(16) COMMENT 'uuid'"),
        (
            Kind::Text,
            r"enum('a','it''s','b\\c')",
            r"enum('a','it''s','b\\c') CHARACTER SET utf8mb4",
        ),
        (Kind::Text, "text", "text CHARACTER SET utf8mb4"),
        (Kind::Bytes, "point", "point"),
        (
            Kind::List(Box::new(Kind::Float32)),
            "vector(3)",
            "vector(3)",
        ),
        (Kind::Float32, "float(7,3)", "float(7,3)"),
    ] {
        assert_eq!(
            made(&ours(kind, vendor_type), false, true),
            sql,
            "{vendor_type}"
        );
    }
    // MySQL does not know those of MariaDB.
    assert_eq!(made(&ours(Kind::Text, "inet6"), false, true), "inet6");
    assert_eq!(
        made(&ours(Kind::Text, "inet6"), false, false),
        "longtext CHARACTER SET utf8mb4"
    );
}

#[test]
fn types_that_are_foreign_or_bent_are_not_made_anew() {
    for (kind, vendor_type) in [
        (Kind::Int32, "mediumint, x int"),
        (Kind::Int32, "mediumint) ENGINE=MEMORY --"),
        (Kind::Int32, "bigint"),
        (Kind::Int32, "int COMMENT 'x'"),
        (Kind::Int32, "int(99999)"),
    ] {
        assert_eq!(
            made(&ours(kind, vendor_type), false, true),
            "int",
            "{vendor_type}"
        );
    }
    for vendor_type in [
        "varchar(99999)",
        "varchar('a')",
        "enum()",
        "enum(1)",
        "xmltype",
        "json",
    ] {
        assert_eq!(
            made(&ours(Kind::Text, vendor_type), false, true),
            "longtext CHARACTER SET utf8mb4",
            "{vendor_type}"
        );
    }
    let theirs = with(
        Kind::Int32,
        &[(VENDOR, "postgres"), (VENDOR_TYPE, "mediumint")],
    );
    assert_eq!(made(&theirs, false, true), "int");
}

#[test]
fn a_wider_column_keeps_what_it_was_beside_its_type() {
    let column = Column {
        name: "n".to_owned(),
        kind: Some(Kind::Int32),
        vendor_type: "int".to_owned(),
        default: Some("7".to_owned()),
        comment: Some("it's \\ ours".to_owned()),
        ..Column::default()
    };
    let table = TableName::new("t");
    let widen = |column: &Column, field: &Field| widened(&table, column, field, true);
    assert_eq!(
        widen(&column, &with(Kind::Int64, &[(NOT_NULL, "true")])).unwrap(),
        "bigint NOT NULL DEFAULT 7 COMMENT 'it''s \\\\ ours'"
    );
    let counted = Column {
        auto_increment: true,
        default: None,
        comment: None,
        ..column.clone()
    };
    assert_eq!(
        widen(&counted, &Kind::Int64.field("n", true)).unwrap(),
        "bigint NOT NULL AUTO_INCREMENT"
    );
    let text = Column {
        kind: Some(Kind::Text),
        vendor_type: "varchar(5)".to_owned(),
        length: Some(5),
        nullable: true,
        default: None,
        comment: None,
        ..column.clone()
    };
    assert_eq!(
        widen(&text, &with(Kind::Text, &[(LENGTH, "9")])).unwrap(),
        "varchar(9) CHARACTER SET utf8mb4 NULL"
    );
    for (column, field) in [
        (&column, Kind::Int16.field("n", true)),
        (&column, Kind::Bool.field("n", true)),
        (&column, Kind::Float32.field("n", true)),
        (&column, Kind::Date.field("n", true)),
        (&text, with(Kind::Text, &[(LENGTH, "4")])),
        (&text, Kind::Int64.field("n", true)),
    ] {
        let error = widen(column, &field).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{field:?}");
        assert!(error.to_string().contains("column `n`"), "{error}");
    }
}
