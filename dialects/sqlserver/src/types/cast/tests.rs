use super::*;

fn declared(text: &str) -> Declared {
    Declared::parse(text).unwrap()
}

const LATIN: &str = "varchar(20) COLLATE Latin1_General_CI_AS";

#[test]
fn what_the_driver_reads_wrongly_is_cast() {
    for (declared_as, read) in [
        ("int", "[c]"),
        ("nvarchar(max)", "[c]"),
        ("xml", "[c]"),
        ("rowversion", "[c]"),
        ("money", "CAST([c] AS decimal(19,4))"),
        ("smallmoney", "CAST([c] AS decimal(10,4))"),
        (LATIN, "[c]"),
        (
            "varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8",
            "CAST([c] AS nvarchar(20))",
        ),
        (
            "varchar(max) COLLATE SQL_Latin1_General_CP437_CI_AS",
            "CAST([c] AS nvarchar(max))",
        ),
        ("hierarchyid", "CAST([c] AS varbinary(892))"),
        (
            "geometry",
            "CAST([c].STSrid AS binary(4)) + [c].AsBinaryZM()",
        ),
        ("json", "CAST([c] AS nvarchar(max))"),
        ("vector(3)", "CAST([c] AS nvarchar(max))"),
    ] {
        let found = declared(declared_as).read("[c]", declared_as, false);
        assert_eq!(found, read, "{declared_as}");
    }
    assert_eq!(
        declared("[dbo].[Point3]").read("[c]", "[dbo].[Point3]", false),
        "[c].ToString()"
    );
    assert_eq!(
        declared("datetime2(7)").read("[c]", "datetime2(7)", true),
        "CONVERT(nvarchar(40), [c], 121)"
    );
    let variant = declared("sql_variant").read("[c]", "sql_variant", false);
    assert!(variant.starts_with("CASE CONVERT(sysname, SQL_VARIANT_PROPERTY([c], 'BaseType'))"));
    assert!(!variant.contains("{c}"));
}

#[test]
fn values_are_staged_as_types_that_bulk_loads_take_as_they_are() {
    for (declared_as, staged, arriving) in [
        ("bigint", "bigint", "s.[c]"),
        ("decimal(12,2)", "decimal(12,2)", "s.[c]"),
        ("money", "decimal(19,4)", "CAST(s.[c] AS money)"),
        (LATIN, "nvarchar(20)", "CAST(s.[c] AS varchar(20))"),
        ("nchar(4)", "nvarchar(4)", "CAST(s.[c] AS nchar(4))"),
        ("nvarchar(2000)", "nvarchar(2000)", "s.[c]"),
        (
            "nvarchar(4000)",
            "nvarchar(max)",
            "CAST(s.[c] AS nvarchar(4000))",
        ),
        ("xml", "nvarchar(max)", "CONVERT(xml, s.[c], 1)"),
        ("time(3)", "time(7)", "CAST(s.[c] AS time(3))"),
        ("time", "time(7)", "s.[c]"),
        (
            "datetimeoffset(3)",
            "datetimeoffset(7)",
            "CAST(s.[c] AS datetimeoffset(3))",
        ),
        ("datetime2(3)", "datetime2(3)", "s.[c]"),
        (
            "smalldatetime",
            "datetime2(0)",
            "CAST(s.[c] AS smalldatetime)",
        ),
        ("vector(3)", "nvarchar(max)", "CAST(s.[c] AS vector(3))"),
        (
            "geography",
            "varbinary(max)",
            "geography::STGeomFromWKB(SUBSTRING(s.[c], 5, DATALENGTH(s.[c])), \
             CAST(SUBSTRING(s.[c], 1, 4) AS int))",
        ),
    ] {
        let declared = declared(declared_as);
        assert_eq!(declared.staged(), staged, "{declared_as}");
        assert_eq!(declared.arriving("s.[c]"), arriving, "{declared_as}");
    }
}

#[test]
fn staged_text_has_a_collation_and_nothing_else_has() {
    assert_eq!(
        declared(LATIN).staged_collation(),
        " COLLATE Latin1_General_CI_AS"
    );
    assert_eq!(
        declared("nvarchar(9)").staged_collation(),
        " COLLATE DATABASE_DEFAULT"
    );
    for plain in ["int", "numeric(9,2)", "varbinary(max)", "date"] {
        assert_eq!(declared(plain).staged_collation(), "", "{plain}");
    }
    assert_eq!(
        declared(LATIN).bound(3),
        "CAST(@P3 AS nvarchar(20)) COLLATE Latin1_General_CI_AS"
    );
}

#[test]
fn only_types_that_the_driver_names_rightly_are_loaded_into() {
    for loaded in [
        "bit",
        "nvarchar(50)",
        "nvarchar(max)",
        "time(7)",
        "datetime2(3)",
    ] {
        assert!(declared(loaded).loads(), "{loaded}");
    }
    for staged in [
        LATIN,
        "nchar(5)",
        "nvarchar(3000)",
        "time(3)",
        "datetimeoffset(0)",
        "smalldatetime",
        "money",
        "xml",
        "ntext",
        "geometry",
    ] {
        assert!(!declared(staged).loads(), "{staged}");
    }
}
