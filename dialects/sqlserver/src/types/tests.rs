use super::*;
use connect_api::config::Setting as _;
use proptest::prelude::*;

fn kind_of(text: &str) -> Option<Kind> {
    Declared::parse(text)?.kind(&ValueOptions::default())
}

#[test]
fn every_type_of_the_reference_has_its_kind() {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    for (text, kind) in [
        ("bit", Kind::Bool),
        ("tinyint", Kind::UInt8),
        ("smallint", Kind::Int16),
        ("int", Kind::Int32),
        ("bigint", Kind::Int64),
        ("decimal(38,20)", decimal(38, 20)),
        ("numeric(9)", decimal(9, 0)),
        ("numeric", decimal(18, 0)),
        ("money", decimal(19, 4)),
        ("smallmoney", decimal(10, 4)),
        ("real", Kind::Float32),
        ("float(24)", Kind::Float32),
        ("float(53)", Kind::Float64),
        ("float", Kind::Float64),
        ("char(3) COLLATE Latin1_General_CI_AS", Kind::Text),
        ("varchar(max) COLLATE Latin1_General_CI_AS", Kind::Text),
        ("text", Kind::Text),
        ("nchar(3)", Kind::Text),
        ("nvarchar(50)", Kind::Text),
        ("ntext", Kind::Text),
        ("xml", Kind::Text),
        ("sysname", Kind::Text),
        ("binary(8)", Kind::Bytes),
        ("varbinary(max)", Kind::Bytes),
        ("image", Kind::Bytes),
        ("rowversion", Kind::Bytes),
        ("timestamp", Kind::Bytes),
        ("date", Kind::Date),
        ("time", Kind::TimeNanos),
        ("time(7)", Kind::TimeNanos),
        ("time(6)", Kind::Time),
        ("datetime2", Kind::Timestamp { utc: false }),
        ("datetime2(0)", Kind::Timestamp { utc: false }),
        ("datetime", Kind::Timestamp { utc: false }),
        ("smalldatetime", Kind::Timestamp { utc: false }),
        ("datetimeoffset(3)", Kind::OffsetTimestamp),
        ("uniqueidentifier", Kind::Uuid),
        ("sql_variant", Kind::Text),
        ("hierarchyid", Kind::Bytes),
        ("geography", Kind::Bytes),
        ("geometry", Kind::Bytes),
        ("json", Kind::Json),
        ("vector(3)", Kind::Json),
        ("[dbo].[Point3]", Kind::Text),
    ] {
        assert_eq!(kind_of(text), Some(kind), "{text}");
    }
}

#[test]
fn unknown_types_are_rejected_where_that_is_configured() {
    let strict = ValueOptions {
        unknown_types: dialect_core::UnknownTypes::Fail,
        ..ValueOptions::default()
    };
    let strange = Declared::parse("[dbo].[Point3]").unwrap();
    assert_eq!(strange.kind(&strict), None);
    assert_eq!(
        Declared::parse("int").unwrap().kind(&strict),
        Some(Kind::Int32)
    );
}

#[test]
fn times_finer_than_microseconds_are_text_where_that_is_asked_for() {
    let text = ValueOptions {
        unrepresentable: Unrepresentable::parse("text").unwrap(),
        ..ValueOptions::default()
    };
    for (declared, kind) in [
        ("datetime2(7)", Kind::Text),
        ("datetimeoffset", Kind::Text),
        ("datetime2(6)", Kind::Timestamp { utc: false }),
        ("time(7)", Kind::TimeNanos),
    ] {
        let declared = Declared::parse(declared).unwrap();
        assert_eq!(declared.kind(&text), Some(kind.clone()), "{declared}");
        let fine = ValueOptions {
            fine_digits: FineDigits::Text,
            ..ValueOptions::default()
        };
        assert_eq!(declared.kind(&fine), Some(kind.clone()), "{declared}");
        let extension = (kind == Kind::Text).then_some("connect.text");
        assert_eq!(declared.extension(&kind), extension);
    }
    let cut = ValueOptions {
        fine_digits: FineDigits::Truncate,
        ..text
    };
    assert_eq!(
        Declared::parse("datetime2(7)").unwrap().kind(&cut),
        Some(Kind::Timestamp { utc: false })
    );
}

#[test]
fn types_are_written_as_they_were_read() {
    for text in [
        "int",
        "decimal(12,2)",
        "nvarchar(max)",
        "varchar(20) COLLATE Latin1_General_CI_AS",
        "datetimeoffset(3)",
        "sysname",
        "sql_variant",
        "vector(3)",
    ] {
        assert_eq!(Declared::parse(text).unwrap().to_string(), text);
    }
    for broken in [
        "decimal(12,2",
        "nvarchar(x)",
        "varchar(20) COLLATE Latin1; DROP TABLE t",
        "varchar(20) COLLATE ",
        "int(70000)",
    ] {
        assert_eq!(Declared::parse(broken), None, "{broken}");
    }
    assert_eq!(
        Declared::parse("int; DROP TABLE t").unwrap().base,
        Base::Other
    );
}

#[test]
fn lengths_and_digits_are_reported() {
    let parse = |text: &str| Declared::parse(text).unwrap();
    assert_eq!(parse("nvarchar(50)").length(), Some(50));
    assert_eq!(parse("nvarchar(max)").length(), None);
    assert_eq!(parse("char").length(), Some(1));
    assert_eq!(parse("sysname").length(), Some(128));
    assert_eq!(parse("datetime2(3)").digits(), 3);
    assert_eq!(parse("datetime2").digits(), 7);
    assert!(parse("datetime2").is_fine() && !parse("time").is_fine());
}

proptest! {
    #[test]
    fn a_type_of_foreign_text_is_one_of_ours_or_none(text in "[a-z0-9(), ;'\\]-]{0,30}( COLLATE [A-Za-z_; ]{0,9})?") {
        if let Some(declared) = Declared::parse(&text)
            && declared.base != Base::Other
        {
            let written = declared.to_string();
            prop_assert!(!written.contains([';', '\'', ']', '-']), "{}", written);
            prop_assert_eq!(Declared::parse(&written), Some(declared));
        }
    }
}
