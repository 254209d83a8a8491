use super::*;
use connect_api::{DEFAULT, LENGTH, NOT_NULL, VENDOR, VENDOR_TYPE};
use dialect_core::{Change, KeyPart, Page, Table};
use std::{collections::HashMap, num::NonZeroU32};

const SYNTAX: SqlServerSyntax = SqlServerSyntax;

fn column(name: &str, vendor_type: &str) -> Column {
    let declared = Declared::parse(vendor_type).unwrap();
    Column {
        name: name.to_owned(),
        kind: declared.kind(&dialect_core::ValueOptions::default()),
        vendor_type: vendor_type.to_owned(),
        ..Column::default()
    }
}

fn table(columns: &[(&str, &str)]) -> Table {
    Table {
        name: TableName {
            schema: Some("dbo".to_owned()),
            name: "t".to_owned(),
        },
        columns: columns.iter().map(|(n, t)| column(n, t)).collect(),
        ..Table::default()
    }
}

fn key(parts: &[&[usize]]) -> Vec<KeyPart> {
    let part = |columns: &&[usize]| KeyPart {
        columns: columns.to_vec(),
    };
    parts.iter().map(part).collect()
}

fn with(kind: Kind, metadata: &[(&str, &str)]) -> Field {
    let field = kind.field("v", true);
    let mut all: HashMap<String, String> = field.metadata().clone().into();
    all.extend(
        metadata
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
    );
    field.with_metadata(all)
}

#[test]
fn names_end_only_where_they_end() {
    for (name, quoted) in [
        ("plain", "[plain]"),
        ("a]; DROP TABLE t --", "[a]]; DROP TABLE t --]"),
        ("[x]", "[[x]]]"),
        ("dot.ted \"x\" 'y'", "[dot.ted \"x\" 'y']"),
    ] {
        assert_eq!(SYNTAX.quote(name).unwrap(), quoted);
    }
    // A character beyond the basic plane is two units.
    assert!(SYNTAX.quote(&"🦀".repeat(64)).is_ok());
    for wrong in [
        String::new(),
        "a\0b".to_owned(),
        "🦀".repeat(65),
        "é".repeat(129),
    ] {
        assert_eq!(SYNTAX.quote(&wrong).unwrap_err().kind(), ErrorKind::Schema);
    }
}

#[test]
fn pages_are_limited_by_top_and_follow_their_key_in_its_expanded_form() {
    let table = table(&[("a", "int"), ("b", "datetime"), ("m", "money")]);
    let whole = Page {
        limit: NonZeroU32::new(5),
        ..Page::of(&table, &[0, 2])
    };
    assert_eq!(
        SYNTAX.select(&whole).unwrap().sql,
        "SELECT TOP (5) [a], CAST([m] AS decimal(19,4)) FROM [dbo].[t]"
    );
    let parts = key(&[&[0], &[1]]);
    // Half a millisecond after a fraction that the column has.
    let after = [Value::Int(7), Value::Timestamp(3_500)];
    let until = [Value::Int(9)];
    let page = Page {
        key: &parts,
        after: Some(&after),
        until: Some(&until),
        filter: Some("m > 0 -- only these"),
        limit: NonZeroU32::new(5),
        ..Page::of(&table, &[0])
    };
    let statement = SYNTAX.select(&page).unwrap();
    assert_eq!(
        statement.sql,
        "SELECT TOP (5) [a] FROM [dbo].[t] WHERE [a] >= CAST(@P1 AS int) AND \
         (([a] > CAST(@P1 AS int)) OR ([a] = CAST(@P1 AS int) AND [b] > CAST(@P2 AS datetime))) \
         AND [a] <= CAST(@P3 AS int) AND (m > 0 -- only these\n) ORDER BY [a], [b]"
    );
    let values: Vec<_> = statement.params.into_iter().map(|p| p.value).collect();
    assert_eq!(
        values,
        [Value::Int(7), Value::Timestamp(3_000), Value::Int(9)]
    );
}

#[test]
fn ends_of_ranges_are_expanded_too() {
    let table = table(&[("a", "int"), ("b", "int"), ("c", "int")]);
    let parts = key(&[&[0], &[1], &[2]]);
    let until = [1, 2, 3].map(Value::Int);
    let page = Page {
        key: &parts,
        until: Some(&until),
        ..Page::of(&table, &[0])
    };
    let (a, b, c) = ("CAST(@P1 AS int)", "CAST(@P2 AS int)", "CAST(@P3 AS int)");
    assert_eq!(
        SYNTAX.select(&page).unwrap().sql,
        format!(
            "SELECT [a] FROM [dbo].[t] WHERE [a] <= {a} AND (([a] < {a}) OR \
             ([a] = {a} AND [b] < {b}) OR ([a] = {a} AND [b] = {b} AND [c] <= {c})) \
             ORDER BY [a], [b], [c]"
        )
    );
}

#[test]
fn text_of_a_code_page_is_compared_as_its_column_is_ordered() {
    let table = table(&[("k", "varchar(9) COLLATE Greek_CI_AS")]);
    let parts = key(&[&[0]]);
    let after = ["x".into()];
    let page = Page {
        key: &parts,
        after: Some(&after),
        ..Page::of(&table, &[0])
    };
    let sql = SYNTAX.select(&page).unwrap().sql;
    assert!(
        sql.contains(
            "WHERE [k] > CAST(CAST(@P1 AS nvarchar(9)) COLLATE Greek_CI_AS AS varchar(9)) ORDER BY [k]"
        ),
        "{sql}"
    );
}

#[test]
fn rows_without_a_key_and_quantiles_are_asked_for() {
    let table = table(&[("a", "int")]);
    let parts = key(&[&[0]]);
    let page = Page {
        key: &parts,
        query: Some("SELECT a FROM b -- all;"),
        ..Page::of(&table, &[0])
    };
    assert_eq!(
        SYNTAX.count_without_key(&page).unwrap().sql,
        "SELECT COUNT_BIG(*) FROM (SELECT a FROM b -- all\n) AS [q] WHERE [a] IS NULL"
    );
    let quantiles = SYNTAX
        .quantiles(&page, NonZeroU32::new(4).unwrap())
        .unwrap();
    assert!(
        quantiles
            .unwrap()
            .sql
            .contains("NTILE(4) OVER (ORDER BY [a])")
    );
}

#[test]
fn positions_that_are_cut_stand_for_their_whole_microsecond() {
    let table = table(&[("id", "int"), ("at", "datetime2"), ("six", "datetime2(6)")]);
    let after = [Value::Int(7), Value::Timestamp(3)];
    let parts = key(&[&[0], &[1]]);
    let page = Page {
        key: &parts,
        after: Some(&after),
        until: Some(&after),
        ..Page::of(&table, &[0])
    };
    let statement = SYNTAX.select(&page).unwrap();
    let sql = &statement.sql;
    for part in ["[at] >= ", "[at] < ", "ORDER BY [id], [at]"] {
        assert!(sql.contains(part), "{part}: {sql}");
    }
    assert!(
        !sql.contains("[at] > ") && !sql.contains("[at] <= "),
        "{sql}"
    );
    assert_eq!(statement.params[1].value, Value::Timestamp(4));
    assert_eq!(statement.params[3].value, Value::Timestamp(4));
    let only = key(&[&[1]]);
    let page = Page {
        key: &only,
        after: Some(&after[1..]),
        ..Page::of(&table, &[0])
    };
    let sql = SYNTAX.select(&page).unwrap().sql;
    assert!(sql.contains("WHERE [at] >= "), "{sql}");
    let values = |i: usize| SYNTAX.key_values(&table.columns[i]);
    assert_eq!(
        [values(0), values(1), values(2)],
        [KeyValues::Exact, KeyValues::Cut, KeyValues::Exact]
    );
    let step = |declared| {
        let table = self::table(&[("c", declared)]);
        SYNTAX.step(&table.columns[0]).as_micros()
    };
    for (declared, micros) in [
        ("datetime2", 2),
        ("datetime2(6)", 0),
        ("datetime2(0)", 1_000_000),
        ("datetimeoffset(3)", 1_000),
        ("datetime", 3_334),
        ("smalldatetime", 60_000_000),
        ("date", 86_400_000_000),
    ] {
        assert_eq!(step(declared), micros, "{declared}");
    }
    assert_eq!(
        SYNTAX.utc_now(&table.columns[2], 28_800_000_001),
        "CAST(DATEADD(second, 28800, DATEADD(microsecond, 1, SYSUTCDATETIME())) AS datetime2(6))"
    );
}

#[test]
fn the_present_is_of_the_type_of_the_column() {
    for (declared, delay, now) in [
        (
            "datetimeoffset(3)",
            Duration::ZERO,
            "CAST(SYSDATETIMEOFFSET() AS datetimeoffset(6))",
        ),
        (
            "datetime2(7)",
            Duration::ZERO,
            "CAST(SYSDATETIME() AS datetime2(6))",
        ),
        ("date", Duration::ZERO, "CAST(SYSDATETIME() AS date)"),
        (
            "datetime",
            Duration::from_millis(90_500),
            "CAST(DATEADD(second, -90, DATEADD(microsecond, -500000, SYSDATETIME())) AS datetime)",
        ),
    ] {
        assert_eq!(SYNTAX.now(&column("c", declared), delay), now);
    }
}

/// The type in a key, of which texts have a collation that distinguishes them.
fn in_a_key(field: &Field) -> String {
    let made = SYNTAX.column_type(field, true).unwrap();
    let plain = made.strip_suffix(" COLLATE Latin1_General_100_BIN2");
    assert_eq!(made.contains("char"), plain.is_some(), "{made}");
    plain.unwrap_or(&made).to_owned()
}

#[test]
fn every_kind_has_a_type() {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    for (kind, expected, in_key) in [
        (Kind::Bool, "bit", "bit"),
        (Kind::Int8, "smallint", "smallint"),
        (Kind::UInt8, "tinyint", "tinyint"),
        (Kind::UInt16, "int", "int"),
        (Kind::UInt32, "bigint", "bigint"),
        (Kind::UInt64, "decimal(20)", "decimal(20)"),
        (Kind::Float64, "float(53)", "float(53)"),
        (decimal(38, 20), "decimal(38,20)", "decimal(38,20)"),
        (decimal(10, -2), "decimal(12)", "decimal(12)"),
        (
            Kind::WideDecimal {
                precision: 60,
                scale: 20,
            },
            "varchar(63)",
            "varchar(63)",
        ),
        (Kind::BigDecimal, "varchar(max)", "varchar(900)"),
        (Kind::Text, "nvarchar(max)", "nvarchar(450)"),
        (Kind::Json, "nvarchar(max)", "nvarchar(450)"),
        (Kind::Bytes, "varbinary(max)", "varbinary(900)"),
        (Kind::Uuid, "uniqueidentifier", "uniqueidentifier"),
        (Kind::Time, "time(6)", "time(6)"),
        (Kind::TimeNanos, "time(7)", "time(7)"),
        (Kind::Duration, "bigint", "bigint"),
        (
            Kind::Timestamp { utc: false },
            "datetime2(6)",
            "datetime2(6)",
        ),
        (
            Kind::Timestamp { utc: true },
            "datetimeoffset(6)",
            "datetimeoffset(6)",
        ),
        (
            Kind::OffsetTimestamp,
            "datetimeoffset(6)",
            "datetimeoffset(6)",
        ),
        (
            Kind::List(Box::new(Kind::Int32)),
            "nvarchar(max)",
            "nvarchar(450)",
        ),
        (
            Kind::Map(Box::new(Kind::Int32)),
            "nvarchar(max)",
            "nvarchar(450)",
        ),
        (Kind::Interval, "varchar(64)", "varchar(64)"),
    ] {
        let field = kind.clone().field("v", true);
        assert_eq!(
            SYNTAX.column_type(&field, false).unwrap(),
            expected,
            "{kind:?}"
        );
        assert_eq!(in_a_key(&field), in_key, "{kind:?}");
    }
    for (length, made, in_key) in [
        ("40", "nvarchar(40)", "nvarchar(40)"),
        ("4000", "nvarchar(4000)", "nvarchar(450)"),
        ("4001", "nvarchar(max)", "nvarchar(450)"),
    ] {
        let field = with(Kind::Text, &[(LENGTH, length)]);
        assert_eq!(SYNTAX.column_type(&field, false).unwrap(), made);
        assert_eq!(in_a_key(&field), in_key);
    }
}

#[test]
fn types_of_this_database_are_re_created_and_others_are_not() {
    let bytes = || Kind::Bytes;
    for (kind, vendor, vendor_type, expected) in [
        (Kind::Text, "sqlserver", "nchar(3)", "nchar(3)"),
        (
            Kind::Text,
            "sqlserver",
            "varchar(20) COLLATE Greek_CI_AS",
            "varchar(20) COLLATE Greek_CI_AS",
        ),
        (Kind::Text, "sqlserver", "XML", "xml"),
        (bytes(), "sqlserver", "geography", "geography"),
        (
            Kind::Decimal {
                precision: 19,
                scale: 4,
            },
            "sqlserver",
            "money",
            "money",
        ),
        (
            Kind::Timestamp { utc: false },
            "sqlserver",
            "datetime",
            "datetime",
        ),
        // Another vendor's, another kind's, the database's own, or none at all.
        (Kind::Text, "mysql", "nchar(3)", "nvarchar(max)"),
        (Kind::Text, "sqlserver", "int", "nvarchar(max)"),
        (Kind::Text, "sqlserver", "nvarchar", "nvarchar(max)"),
        (bytes(), "sqlserver", "rowversion", "varbinary(max)"),
        (Kind::Text, "sqlserver", "sql_variant", "nvarchar(max)"),
        (Kind::Text, "sqlserver", "nvarchar(5000)", "nvarchar(max)"),
        (Kind::Text, "sqlserver", "[dbo].[Strange]", "nvarchar(max)"),
        (
            Kind::Text,
            "sqlserver",
            "nvarchar(5)); DROP TABLE t --",
            "nvarchar(max)",
        ),
        (
            Kind::Text,
            "sqlserver",
            "nvarchar(5) COLLATE x; DROP TABLE t",
            "nvarchar(max)",
        ),
    ] {
        let field = with(kind, &[(VENDOR, vendor), (VENDOR_TYPE, vendor_type)]);
        assert_eq!(
            SYNTAX.column_type(&field, false).unwrap(),
            expected,
            "{vendor_type}"
        );
    }
    let xml = with(Kind::Text, &[(VENDOR, "sqlserver"), (VENDOR_TYPE, "xml")]);
    assert_eq!(in_a_key(&xml), "nvarchar(450)");
    let greek = "varchar(20) COLLATE Greek_CI_AS";
    let greek_key = with(Kind::Text, &[(VENDOR, "sqlserver"), (VENDOR_TYPE, greek)]);
    assert_eq!(SYNTAX.column_type(&greek_key, true).unwrap(), greek);
}

#[test]
fn tables_are_created_unless_they_exist() {
    let fields = [
        Kind::Int64.field("id", false),
        with(
            Kind::Text,
            &[
                (DEFAULT, "\"O'Reilly\""),
                (LENGTH, "40"),
                (NOT_NULL, "true"),
            ],
        ),
        Kind::Bool.field("b", true),
    ];
    let schema = Schema::new("s", fields, &["id"]).unwrap();
    let name = TableName {
        schema: Some("it's".to_owned()),
        name: "t]".to_owned(),
    };
    assert_eq!(
        SYNTAX.create_table(&name, &schema).unwrap(),
        "IF OBJECT_ID(N'[it''s].[t]]]') IS NULL CREATE TABLE [it's].[t]]] ([id] bigint NOT NULL, \
         [v] nvarchar(40) DEFAULT N'O''Reilly' NOT NULL, [b] bit NULL, PRIMARY KEY ([id]))"
    );
    let added = Kind::Date.field("added", true);
    let table = Table {
        name,
        ..Table::default()
    };
    let change = Change::AddColumns {
        table: &table,
        fields: &[&added, &with(Kind::Int32, &[])],
    };
    let dialect = crate::open(
        "sqlserver://ann@db/shop",
        &dialect_core::OpenOptions::default(),
    )
    .unwrap();
    assert_eq!(
        change.statements(&*dialect).unwrap(),
        ["ALTER TABLE [it's].[t]]] ADD [added] date NULL, [v] int NULL"]
    );
    for (number, there) in [("2714", true), ("2705", true), ("208", false)] {
        let error = Error::new(ErrorKind::Schema, "no").with_code(number);
        assert_eq!(dialect.already_exists(&error), there);
    }
}

#[test]
fn columns_are_widened_to_hold_both() {
    let name = TableName::new("t");
    for (old, kind, wider) in [
        ("int", Kind::Int64, Some("bigint")),
        ("tinyint", Kind::Int8, Some("smallint")),
        ("bigint", Kind::Int32, Some("bigint")),
        (
            "decimal(10,2)",
            Kind::Decimal {
                precision: 12,
                scale: 4,
            },
            Some("decimal(12,4)"),
        ),
        ("bigint", Kind::UInt64, Some("decimal(20,0)")),
        ("int", Kind::Text, Some("nvarchar(max)")),
        (
            "varchar(5) COLLATE Greek_CI_AS",
            Kind::Text,
            Some("nvarchar(max) COLLATE Greek_CI_AS"),
        ),
        ("real", Kind::Float64, Some("float")),
        ("smallint", Kind::Float64, Some("float")),
        ("time(3)", Kind::Time, Some("time(6)")),
        (
            "datetime2(7)",
            Kind::Timestamp { utc: false },
            Some("datetime2(7)"),
        ),
        ("date", Kind::Timestamp { utc: false }, Some("datetime2(6)")),
        ("bigint", Kind::Bool, None),
        ("nvarchar(max)", Kind::Bool, None),
        ("bigint", Kind::Float64, None),
        ("datetime2(7)", Kind::Timestamp { utc: true }, None),
        (
            "decimal(38,0)",
            Kind::Decimal {
                precision: 10,
                scale: 2,
            },
            None,
        ),
    ] {
        let widened = SYNTAX.widen(&name, &column("v", old), &kind.clone().field("v", true));
        match wider {
            Some(wider) => assert_eq!(
                widened.unwrap(),
                format!("ALTER TABLE [t] ALTER COLUMN [v] {wider} NOT NULL"),
                "{old} and {kind:?}"
            ),
            None => assert_eq!(
                widened.unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{old} and {kind:?}"
            ),
        }
    }
}
