use super::*;
use crate::{encode::Encoder, types::Declared};
use connect_api::{ConnectRecord, Kind, Records, Schema, Value};
use dialect_core::{Column, ValueOptions, civil::parse_timestamp};
use tiberius::time::DateTime;

const LATIN: &str = "varchar(5) COLLATE Latin1_General_CI_AS";

/// The value as a value of the staged type of a column.
fn sent(kind: Kind, value: Value, declared_as: &str) -> Result<String, ValueError> {
    let declared = Declared::parse(declared_as).unwrap();
    let column = Column {
        name: "v".to_owned(),
        kind: declared.kind(&ValueOptions::default()),
        vendor_type: declared_as.to_owned(),
        nullable: true,
        ..Column::default()
    };
    let encoder = Encoder::new(&kind, &column, &declared, false)
        .unwrap_or_else(|| panic!("{kind:?} into {declared_as}"));
    let schema = Schema::new("t", [kind.clone().field("v", true)], &[]).unwrap();
    let row = ConnectRecord {
        values: vec![value],
        ..Default::default()
    };
    let records = Records::from_rows("t".into(), schema, [row]).unwrap();
    let cells = Cells::new(&kind, records.batch().column(0).as_ref()).unwrap();
    let source = Source::new(&encoder, cells);
    source.data(0).map(|data| format!("{data:?}"))
}

fn is(data: &ColumnData<'_>) -> Result<String, ValueError> {
    Ok(format!("{data:?}"))
}

fn text(text: &str) -> Result<String, ValueError> {
    is(&ColumnData::String(Some(Cow::Borrowed(text))))
}

fn numeric(value: i128, scale: u8) -> Result<String, ValueError> {
    is(&ColumnData::Numeric(Some(Numeric::new_with_scale(
        value, scale,
    ))))
}

fn at(text: &str) -> Value {
    Value::Timestamp(parse_timestamp(text.as_bytes()).unwrap())
}

#[test]
fn values_become_the_very_type_of_the_column() {
    let int = |v: i64| Value::Int(v);
    for (kind, value, declared, expected) in [
        (
            Kind::Bool,
            true.into(),
            "bit",
            is(&ColumnData::Bit(Some(true))),
        ),
        (Kind::Int32, int(1), "bit", is(&ColumnData::Bit(Some(true)))),
        (
            Kind::Int64,
            int(255),
            "tinyint",
            is(&ColumnData::U8(Some(255))),
        ),
        (Kind::Int32, int(7), "bigint", is(&ColumnData::I64(Some(7)))),
        (Kind::Int64, int(7), "int", is(&ColumnData::I32(Some(7)))),
        (
            Kind::Duration,
            Value::Time(-1),
            "bigint",
            is(&ColumnData::I64(Some(-1))),
        ),
        (Kind::Int64, int(-7), "decimal(20)", numeric(-7, 0)),
        (
            Kind::UInt64,
            Value::UInt(u64::MAX),
            "decimal(20)",
            numeric(u64::MAX.into(), 0),
        ),
        (
            Kind::Decimal {
                precision: 10,
                scale: 2,
            },
            Value::Decimal(-1_234, 2),
            "money",
            numeric(-123_400, 4),
        ),
        (
            Kind::Decimal {
                precision: 10,
                scale: 4,
            },
            Value::Decimal(12_300, 4),
            "decimal(9,2)",
            numeric(123, 2),
        ),
        (
            Kind::BigDecimal,
            "1.50".into(),
            "decimal(9,2)",
            numeric(150, 2),
        ),
        (
            Kind::WideDecimal {
                precision: 60,
                scale: 20,
            },
            "0.00000000000000000001".into(),
            "decimal(38,20)",
            numeric(1, 20),
        ),
        (
            Kind::Float64,
            0.5.into(),
            "real",
            is(&ColumnData::F32(Some(0.5))),
        ),
        (
            Kind::Int32,
            int(3),
            "float",
            is(&ColumnData::F64(Some(3.0))),
        ),
        (Kind::Text, "Größe".into(), LATIN, text("Größe")),
        (Kind::Text, "🦀".into(), "nvarchar(2)", text("🦀")),
        (
            Kind::Decimal {
                precision: 10,
                scale: 2,
            },
            Value::Decimal(5, 2),
            "nvarchar(20)",
            text("0.05"),
        ),
        (
            Kind::List(Box::new(Kind::Int32)),
            Value::List(vec![1.into(), Value::Null]),
            "nvarchar(max)",
            text("[1,null]"),
        ),
        (
            Kind::Struct(vec![("é".into(), Kind::Date)]),
            Value::Struct(vec![Value::Date(0)]),
            "nvarchar(max)",
            text(r#"{"é":"1970-01-01"}"#),
        ),
        (
            Kind::Map(Box::new(Kind::Bool)),
            Value::Map(vec![("a".into(), Value::Null)]),
            "json",
            text(r#"{"a":null}"#),
        ),
        (
            Kind::Interval,
            Value::Interval(-1, 2, 500_000_000),
            "varchar(64)",
            text("P-1M2DT0.5S"),
        ),
        (
            Kind::Uuid,
            Value::Bytes((0..16).collect()),
            "nvarchar(40)",
            text("00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ),
        (
            Kind::Uuid,
            Value::Bytes((0..16).collect()),
            "uniqueidentifier",
            is(&ColumnData::Guid(Some(Uuid::from_bytes(
                std::array::from_fn(|i| u8::try_from(i).unwrap()),
            )))),
        ),
        (
            Kind::Timestamp { utc: false },
            at("1900-01-01 00:00:00.003"),
            "datetime",
            is(&ColumnData::DateTime(Some(DateTime::new(0, 1)))),
        ),
        (
            Kind::Text,
            Value::Null,
            "nvarchar(2)",
            is(&ColumnData::String(None)),
        ),
        (Kind::Int64, Value::Null, "int", is(&ColumnData::I32(None))),
    ] {
        assert_eq!(
            sent(kind.clone(), value, declared),
            expected,
            "{kind:?} into {declared}"
        );
    }
}

#[test]
fn times_have_the_scale_that_they_are_staged_with() {
    // The driver would take them for fractions of the column's own digits.
    let time = sent(Kind::Time, Value::Time(45_296_789_000), "time(3)");
    assert_eq!(
        time,
        is(&ColumnData::Time(Some(tiberius::time::Time::new(
            452_967_890_000,
            7
        ))))
    );
    let offset = sent(
        Kind::OffsetTimestamp,
        Value::OffsetTimestamp(123_000, 60),
        "datetimeoffset(3)",
    );
    assert!(offset.unwrap().contains("increments: 1230000, scale: 7"));
    let wall = sent(
        Kind::Timestamp { utc: false },
        Value::Timestamp(123_000),
        "datetime2(3)",
    );
    assert!(wall.unwrap().contains("increments: 123, scale: 3"));
}

#[test]
fn what_would_become_another_value_is_refused() {
    let int = |v: i64| Value::Int(v);
    for (kind, value, declared, error) in [
        (Kind::Int64, int(2), "bit", NOT_BOOLEAN),
        (Kind::Int64, int(256), "tinyint", OUT_OF_RANGE),
        (Kind::Int64, int(-1), "tinyint", OUT_OF_RANGE),
        (Kind::Int64, int(1 << 31), "int", OUT_OF_RANGE),
        (Kind::UInt64, Value::UInt(u64::MAX), "bigint", OUT_OF_RANGE),
        (
            Kind::Decimal {
                precision: 10,
                scale: 2,
            },
            Value::Decimal(1_239, 2),
            "decimal(9,1)",
            TOO_MANY_PLACES,
        ),
        (
            Kind::Decimal {
                precision: 10,
                scale: 0,
            },
            Value::Decimal(1_000, 0),
            "decimal(3)",
            OUT_OF_RANGE,
        ),
        (Kind::Float64, f64::NAN.into(), "float", NOT_FINITE),
        (Kind::Float64, f64::INFINITY.into(), "real", NOT_FINITE),
        (Kind::Float64, 0.1.into(), "real", NOT_SINGLE),
        (Kind::Float64, 5e-324.into(), "float", SUBNORMAL),
        (
            Kind::Float32,
            f64::from(1e-45_f32).into(),
            "real",
            SUBNORMAL,
        ),
        (Kind::Text, "123456".into(), LATIN, TOO_LONG),
        (Kind::Text, "🦀🦀".into(), "nvarchar(3)", TOO_LONG),
        (
            Kind::Bytes,
            Value::Bytes(vec![1, 2]),
            "binary(3)",
            OTHER_LENGTH,
        ),
        (
            Kind::Bytes,
            Value::Bytes(vec![1; 4]),
            "varbinary(3)",
            TOO_LONG,
        ),
        (
            Kind::Bytes,
            Value::Bytes(vec![9, 9]),
            "geometry",
            spatial::NOT_WKB,
        ),
        (Kind::Text, "no".into(), "uniqueidentifier", NOT_UUID),
    ] {
        assert_eq!(
            sent(kind.clone(), value, declared),
            Err(error),
            "{kind:?} into {declared}"
        );
    }
    let unmappable = sent(Kind::Text, "Ω".into(), LATIN).unwrap_err();
    assert!(unmappable.to_string().contains("code page"), "{unmappable}");
    for (declared, value) in [
        ("datetime", at("2024-01-01 00:00:00.001")),
        ("datetime2(3)", Value::Timestamp(1)),
        ("smalldatetime", at("2024-01-01 00:00:30")),
    ] {
        assert!(
            sent(Kind::Timestamp { utc: false }, value, declared).is_err(),
            "{declared}"
        );
    }
    assert!(sent(Kind::Time, Value::Time(1), "time(3)").is_err());
}

#[test]
fn values_too_long_for_a_bulk_load_are_found() {
    let long = |text: &str, declared_as: &str| {
        let declared = Declared::parse(declared_as).unwrap();
        let column = Column {
            kind: Some(Kind::Text),
            nullable: true,
            ..Column::default()
        };
        let encoder = Encoder::new(&Kind::Text, &column, &declared, false).unwrap();
        let schema = Schema::new("t", [Kind::Text.field("v", true)], &[]).unwrap();
        let row = ConnectRecord {
            values: vec![text.into()],
            ..Default::default()
        };
        let records = Records::from_rows("t".into(), schema, [row]).unwrap();
        let cells = Cells::new(&Kind::Text, records.batch().column(0).as_ref()).unwrap();
        Source::new(&encoder, cells).is_long(0)
    };
    assert!(!long(&"x".repeat(32_767), "nvarchar(max)"));
    assert!(long(&"x".repeat(32_768), "nvarchar(max)"));
    assert!(!long(&"中".repeat(32_767), "nvarchar(max)"));
    assert!(!long("x", "nvarchar(50)"));
}
