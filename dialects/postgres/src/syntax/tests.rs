use super::*;
use connect_api::Value;
use connect_api::{LENGTH, VENDOR, VENDOR_TYPE};
use dialect_core::{KeyPart, Page, Table, TableName, TableType};

fn column(name: &str, kind: Kind, vendor_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        length: None,
        nullable: false,
        has_default: false,
        auto_increment: false,
        generated: false,
        ..Column::default()
    }
}

#[test]
fn a_page_casts_its_values_and_no_column() {
    let table = Table {
        name: TableName::parse("shop.\"Or\"\"ders\"").unwrap(),
        table_type: TableType::Table,
        columns: vec![
            column(
                "changed",
                Kind::Timestamp { utc: true },
                "timestamp(3) with time zone",
            ),
            column("id", Kind::Int64, "bigint"),
            column("code", Kind::Text, "character(4)"),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: Vec::new(),
        ..Table::default()
    };
    let key = [0, 2].map(|i| KeyPart { columns: vec![i] });
    let page = Page {
        key: &key,
        after: Some(&[Value::Timestamp(0), "a".into()]),
        before_now: Some(Duration::from_millis(1_500)),
        limit: std::num::NonZeroU32::new(10),
        ..Page::of(&table, &[1, 2])
    };
    assert_eq!(
        PostgresSyntax.select(&page).unwrap().sql,
        "SELECT \"id\", \"code\" FROM \"shop\".\"Or\"\"ders\" \
         WHERE (\"changed\", \"code\") > ($1::timestamp with time zone, $2::bpchar) \
         AND \"changed\" < (current_timestamp - interval '1501000 microseconds') \
         ORDER BY \"changed\", \"code\" LIMIT 10"
    );
}

#[test]
fn values_are_cast_to_types_that_neither_cut_nor_round() {
    for (vendor, expected) in [
        ("character varying(16)", "character varying"),
        ("character(4)", "bpchar"),
        ("bpchar", "bpchar"),
        ("numeric(12,2)", "numeric"),
        ("time(3) without time zone", "time without time zone"),
        ("timestamp without time zone", "timestamp without time zone"),
        ("bigint", "bigint"),
        ("\"Mood (old)\"", "\"Mood (old)\""),
        ("shop.mood", "shop.mood"),
    ] {
        assert_eq!(value_type(&column("c", Kind::Text, vendor)), expected);
    }
}

#[test]
fn the_present_time_has_the_type_of_its_column() {
    let now = |kind| PostgresSyntax.now(&column("c", kind, ""), Duration::ZERO);
    assert_eq!(now(Kind::Timestamp { utc: true }), "(current_timestamp)");
    assert_eq!(now(Kind::Timestamp { utc: false }), "(localtimestamp)");
    assert_eq!(now(Kind::Date), "(current_timestamp)::date");
}

#[test]
fn times_that_lie_within_a_step_can_have_one_value() {
    let step = |kind, vendor| PostgresSyntax.step(&column("c", kind, vendor)).as_micros();
    let wall = || Kind::Timestamp { utc: false };
    assert_eq!(step(wall(), "timestamp without time zone"), 0);
    assert_eq!(step(wall(), "timestamp(6) without time zone"), 0);
    assert_eq!(step(wall(), "timestamp(3) without time zone"), 1_000);
    assert_eq!(step(wall(), "timestamp(0) without time zone"), 1_000_000);
    let utc = Kind::Timestamp { utc: true };
    assert_eq!(step(utc, "timestamp(0) with time zone"), 1_000_000);
    let domain = Column {
        base_type: Some("timestamp(0) without time zone".to_owned()),
        ..column("c", wall(), "shop.moment")
    };
    assert_eq!(PostgresSyntax.step(&domain).as_micros(), 1_000_000);
    assert_eq!(
        PostgresSyntax.present(&column("c", wall(), ""), Some(-3), Duration::from_micros(4)),
        "(current_timestamp AT TIME ZONE 'UTC' + interval '-7 microseconds')"
    );
}

#[test]
fn a_column_is_made_as_the_source_had_it_or_by_its_kind() {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    for (kind, vendor, length, expected) in [
        (Kind::Int8, "tinyint", None, "smallint"),
        (Kind::UInt32, "int unsigned", None, "bigint"),
        (Kind::UInt64, "bigint unsigned", None, "numeric(20)"),
        (decimal(12, 2), "", None, "numeric(12,2)"),
        (decimal(5, -2), "", None, "numeric(7)"),
        (Kind::BigDecimal, "", None, "numeric"),
        (Kind::Text, "", None, "text"),
        (Kind::Text, "varchar(9)", Some(9), "character varying(9)"),
        (Kind::Text, "character(9)", Some(9), "character(9)"),
        (Kind::Text, "longtext", Some(u32::MAX), "text"),
        (Kind::Text, "character(9); DROP TABLE t", None, "text"),
        (Kind::Json, "", None, "jsonb"),
        (Kind::Json, "json", None, "json"),
        (Kind::Bytes, "bytea", None, "bytea"),
        (Kind::Time, "time(3)", None, "time without time zone"),
        (
            Kind::Timestamp { utc: true },
            "timestamp(3) with time zone",
            None,
            "timestamp(3) with time zone",
        ),
        (
            Kind::Timestamp { utc: false },
            "timestamp(3) with time zone",
            None,
            "timestamp without time zone",
        ),
    ] {
        let field = kind.clone().field("c", true);
        let mut metadata = field.metadata().clone();
        metadata.insert(VENDOR_TYPE.to_owned(), vendor.to_owned());
        metadata.insert(VENDOR.to_owned(), "postgres".to_owned());
        metadata.extend(length.map(|l: u32| (LENGTH.to_owned(), l.to_string())));
        let field = field.with_metadata(metadata);
        let made = PostgresSyntax.column_type(&field, true).unwrap();
        assert_eq!(made, expected, "{kind:?} {vendor}");
    }
}
