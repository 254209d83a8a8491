use super::*;
use connect_api::Kind;
use std::borrow::Cow;
use tiberius::ColumnType;

/// Cells of a row of the catalogue.
enum Cell {
    Word(&'static str),
    Null,
    Number(i32),
    Long(i64),
}
use Cell::{Long, Null, Number, Word};

fn row(cells: impl IntoIterator<Item = Cell>) -> Row {
    let mut row = Row::builder();
    for cell in cells {
        row = match cell {
            Word(text) => row.column(
                "",
                ColumnType::NVarchar,
                ColumnData::String(Some(Cow::Borrowed(text))),
            ),
            Null => row.column("", ColumnType::NVarchar, ColumnData::String(None)),
            Number(n) => row.column("", ColumnType::Int4, ColumnData::I32(Some(n))),
            Long(n) => row.column("", ColumnType::Int8, ColumnData::I64(Some(n))),
        };
    }
    row.build()
}

/// A column of table 0: name, type, length, and what follows the scale.
fn column(
    name: &'static str,
    base: &'static str,
    max_length: i32,
    [nullable, identity, computed]: [i32; 3],
    [default, collation]: [Cell; 2],
) -> Row {
    row([
        Word("column"),
        Number(0),
        Word(name),
        Word(base),
        Word("sys"),
        Word(base),
        Number(0),
        Number(0),
        Number(max_length),
        Number(12),
        Number(2),
        Number(nullable),
        Number(identity),
        Number(computed),
        default,
        collation,
        Number(1),
        Null,
        Number(i32::from(name == "hidden")),
    ])
}

#[test]
fn a_table_is_put_together_from_the_rows_of_the_catalogue() {
    let mut found = Found::default();
    for row in [
        row([
            Word("table"),
            Number(0),
            Word("sales"),
            Word("orders"),
            Word("partitioned"),
            Long(42),
            Word("all of them"),
            Word("1977058079"),
        ]),
        column("id", "bigint", 8, [0, 1, 0], [Null, Null]),
        column("price", "decimal", 9, [0, 0, 0], [Word("((1.5))"), Null]),
        column(
            "note",
            "varchar",
            40,
            [1, 0, 0],
            [Null, Word("Latin1_General_CI_AS")],
        ),
        column("twice", "decimal", 9, [1, 0, 1], [Null, Null]),
        // The user may not see the text of its default.
        column("hidden", "int", 4, [0, 0, 0], [Null, Null]),
        column("version", "timestamp", 8, [0, 0, 0], [Null, Null]),
        column("place", "geography", -1, [1, 0, 0], [Null, Null]),
        row([Word("index"), Number(0), Long(1), Number(1), Word("note")]),
        row([Word("index"), Number(0), Long(1), Number(1), Word("id")]),
        row([Word("index"), Number(0), Long(3), Number(0), Word("price")]),
        row([
            Word("reference"),
            Number(0),
            Long(77),
            Word("id"),
            Word("sales"),
            Word("parents"),
            Word("a"),
        ]),
        row([
            Word("reference"),
            Number(0),
            Long(77),
            Word("note"),
            Word("sales"),
            Word("parents"),
            Word("b"),
        ]),
    ] {
        found.read(&row);
    }
    let table = found.table(&ValueOptions::default()).unwrap();
    assert_eq!(table.name.to_string(), "sales.orders");
    assert_eq!(table.table_type, TableType::Partitioned);
    assert_eq!((table.row_estimate, table.vendor), (Some(42), "sqlserver"));
    assert_eq!(table.comment.as_deref(), Some("all of them"));
    assert_eq!(table.identity.as_deref(), Some("1977058079"));
    assert_eq!(table.primary_key, ["note", "id"], "in the key's order");
    assert_eq!(table.unique_keys, [["price"]]);
    let [reference] = &table.foreign_keys[..] else {
        panic!("{:?}", table.foreign_keys);
    };
    assert_eq!(reference.columns, ["id", "note"]);
    assert_eq!(reference.referred, ["a", "b"]);
    assert_eq!(reference.table.to_string(), "sales.parents");
    let types: Vec<_> = table
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.vendor_type.as_str(), c.kind.clone()))
        .collect();
    let decimal = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    assert_eq!(
        types,
        [
            ("id", "bigint", Some(Kind::Int64)),
            ("price", "decimal(12,2)", Some(decimal.clone())),
            (
                "note",
                "varchar(40) COLLATE Latin1_General_CI_AS",
                Some(Kind::Text)
            ),
            ("twice", "decimal(12,2)", Some(decimal)),
            ("hidden", "int", Some(Kind::Int32)),
            ("version", "rowversion", Some(Kind::Bytes)),
            ("place", "geography", Some(Kind::Bytes)),
        ]
    );
    let flags: Vec<_> = table
        .columns
        .iter()
        .map(|c| (c.has_default, c.identity_always, c.generated))
        .collect();
    assert_eq!(
        flags,
        [
            (true, true, false),
            (true, false, false),
            (false, false, false),
            (false, false, true),
            (true, false, false),
            (false, false, true),
            (false, false, false),
        ]
    );
    assert_eq!(table.columns[1].default.as_deref(), Some("((1.5))"));
    assert_eq!(table.columns[2].length, Some(40));
    assert_eq!(table.columns[6].extension, Some("geoarrow.wkb"));
    assert!(Found::default().table(&ValueOptions::default()).is_none());
}

#[test]
fn types_are_written_with_what_the_catalogue_counts_in_bytes() {
    let numbers = |max_length, precision, scale| Numbers {
        max_length,
        precision,
        scale,
    };
    for (name, of, expected) in [
        ("nvarchar", numbers(100, 0, 0), "nvarchar(50)"),
        ("nvarchar", numbers(-1, 0, 0), "nvarchar(max)"),
        ("varchar", numbers(100, 0, 0), "varchar(100)"),
        ("varbinary", numbers(-1, 0, 0), "varbinary(max)"),
        ("numeric", numbers(17, 38, 20), "numeric(38,20)"),
        ("datetimeoffset", numbers(10, 34, 3), "datetimeoffset(3)"),
        ("float", numbers(8, 53, 0), "float"),
        ("vector", numbers(20, 0, 0), "vector(3)"),
        ("timestamp", numbers(8, 0, 0), "rowversion"),
        ("sysname", numbers(256, 0, 0), "sysname"),
        ("xml", numbers(-1, 0, 0), "xml"),
    ] {
        assert_eq!(written(name, &of), expected);
    }
    let collated = |written: &str, is_default| {
        collated(
            written.to_owned(),
            Some("Greek_CI_AS".to_owned()),
            is_default,
        )
    };
    assert_eq!(
        collated("varchar(5)", true),
        "varchar(5) COLLATE Greek_CI_AS"
    );
    assert_eq!(collated("nvarchar(5)", true), "nvarchar(5)");
    assert_eq!(
        collated("nvarchar(5)", false),
        "nvarchar(5) COLLATE Greek_CI_AS"
    );
}
