use super::*;
use crate::types::civil_time::{date, offset, time};
use connect_api::{Records, Schema, Value, arrow::schema::extension::EXTENSION_TYPE_NAME_KEY};
use dialect_core::civil::parse_timestamp;
use std::borrow::Cow;
use tiberius::{
    Uuid,
    numeric::Numeric,
    time::{DateTime, DateTime2, SmallDateTime, Time},
};

fn read_with(
    kind: Kind,
    wire: ColumnType,
    data: ColumnData<'static>,
    values: &ValueOptions,
    extension: Option<&str>,
) -> Result<Value> {
    let mut field = kind.field("v", true);
    if let Some(extension) = extension {
        let mut metadata = field.metadata().clone();
        metadata.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), extension.to_owned());
        field = field.with_metadata(metadata);
    }
    let schema = Schema::new("t", [field], &[])?;
    let row = Row::builder().column("v", wire, data).build();
    let reader = RowReader::new(&schema, &row, values)?;
    let mut batch = BatchBuilder::new(&schema)?;
    reader.append(row, &mut batch)?;
    let batch = batch.finish()?.unwrap();
    let records = Records::new("t".into(), schema, batch)?;
    Ok(records.row(0).get(0).to_value())
}

fn read(kind: Kind, wire: ColumnType, data: ColumnData<'static>) -> Result<Value> {
    read_with(kind, wire, data, &ValueOptions::default(), None)
}

fn at(text: &str) -> i64 {
    parse_timestamp(text.as_bytes()).unwrap()
}

const WALL: Kind = Kind::Timestamp { utc: false };

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

#[test]
fn every_kind_is_read_from_its_type() {
    use ColumnData as D;
    use ColumnType as T;
    let text = |s: &'static str| D::String(Some(Cow::Borrowed(s)));
    let bytes = [1_u8, 2, 3, 4, 5, 6, 7, 8];
    for (kind, wire, data, value) in [
        (Kind::Bool, T::Bitn, D::Bit(Some(true)), Value::Bool(true)),
        (Kind::UInt8, T::Int1, D::U8(Some(255)), Value::UInt(255)),
        (Kind::Int64, T::Int4, D::I32(Some(-7)), Value::Int(-7)),
        (
            decimal(38, 20),
            T::Numericn,
            D::Numeric(Some(Numeric::new_with_scale(-1, 20))),
            Value::Decimal(-1, 20),
        ),
        (
            decimal(19, 4),
            T::Money,
            D::F64(Some(-1.0001)),
            Value::Decimal(-10_001, 4),
        ),
        (
            Kind::Float32,
            T::Float4,
            D::F32(Some(0.1)),
            Value::Float(0.1_f32.into()),
        ),
        (
            Kind::Text,
            T::NVarchar,
            text("four bytes 🦀"),
            "four bytes 🦀".into(),
        ),
        (Kind::Json, T::NVarchar, text("{}"), "{}".into()),
        (
            Kind::Bytes,
            T::BigBinary,
            D::Binary(Some(Cow::Owned(bytes.to_vec()))),
            Value::Bytes(bytes.to_vec()),
        ),
        (
            Kind::Uuid,
            T::Guid,
            D::Guid(Some(Uuid::from_bytes([7; 16]))),
            Value::Bytes(vec![7; 16]),
        ),
        (
            Kind::Date,
            T::Daten,
            D::Date(Some(date(-719_162).unwrap())),
            Value::Date(-719_162),
        ),
        (
            Kind::Time,
            T::Timen,
            D::Time(Some(Time::new(45_296_789, 3))),
            Value::Time(45_296_789_000),
        ),
        (
            Kind::TimeNanos,
            T::Timen,
            D::Time(Some(Time::new(863_999_999_999, 7))),
            Value::Time(86_399_999_999_900),
        ),
        (
            WALL,
            T::Datetime2,
            D::DateTime2(Some(DateTime2::new(
                date(0).unwrap(),
                time(1_000, 6).unwrap(),
            ))),
            Value::Timestamp(1),
        ),
        (
            WALL,
            T::Datetimen,
            D::DateTime(Some(DateTime::new(0, 1))),
            Value::Timestamp(at("1900-01-01 00:00:00.003")),
        ),
        (
            WALL,
            T::Datetimen,
            D::SmallDateTime(Some(SmallDateTime::new(0, 61))),
            Value::Timestamp(at("1900-01-01 01:01:00")),
        ),
        (
            Kind::OffsetTimestamp,
            T::DatetimeOffsetn,
            D::DateTimeOffset(Some(offset(-1, 330, 6).unwrap())),
            Value::OffsetTimestamp(-1, 330),
        ),
    ] {
        assert_eq!(read(kind.clone(), wire, data).unwrap(), value, "{kind:?}");
    }
}

#[test]
fn nulls_of_every_type_are_nulls() {
    use ColumnData as D;
    use ColumnType as T;
    for (kind, wire, data) in [
        (Kind::Bool, T::Bitn, D::Bit(None)),
        (Kind::Int64, T::Int8, D::I64(None)),
        (decimal(9, 2), T::Numericn, D::Numeric(None)),
        (Kind::Float64, T::Float8, D::F64(None)),
        (Kind::Text, T::NVarchar, D::String(None)),
        (Kind::Text, T::Xml, D::Xml(None)),
        (Kind::Bytes, T::BigVarBin, D::Binary(None)),
        (Kind::Uuid, T::Guid, D::Guid(None)),
        (Kind::Date, T::Daten, D::Date(None)),
        (Kind::TimeNanos, T::Timen, D::Time(None)),
        (WALL, T::Datetimen, D::SmallDateTime(None)),
        (
            Kind::OffsetTimestamp,
            T::DatetimeOffsetn,
            D::DateTimeOffset(None),
        ),
    ] {
        assert_eq!(
            read(kind.clone(), wire, data).unwrap(),
            Value::Null,
            "{kind:?}"
        );
    }
}

#[test]
fn a_seventh_digit_is_treated_as_asked_for() {
    let fine = || ColumnData::DateTime2(Some(DateTime2::new(date(0).unwrap(), Time::new(19, 7))));
    let with = |values: &ValueOptions| read_with(WALL, ColumnType::Datetime2, fine(), values, None);
    let error = with(&ValueOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        error.report(),
        "column `v` of table `t`: a value that is finer than a microsecond; \
         `fine.digits=truncate` cuts such digits off"
    );
    let cut = ValueOptions {
        fine_digits: FineDigits::Truncate,
        ..ValueOptions::default()
    };
    assert_eq!(with(&cut).unwrap(), Value::Timestamp(1));
    let null = ValueOptions {
        unrepresentable: Unrepresentable::Null,
        ..ValueOptions::default()
    };
    assert_eq!(with(&null).unwrap(), Value::Null);
}

#[test]
fn spatial_values_have_their_reference_system_in_them() {
    let point = |system: i32| {
        let mut value = system.to_be_bytes().to_vec();
        value.extend_from_slice(&[1, 1, 0, 0, 0]);
        value.extend_from_slice(&1.0_f64.to_le_bytes());
        value.extend_from_slice(&2.0_f64.to_le_bytes());
        value
    };
    let read = |value: Vec<u8>| {
        let data = ColumnData::Binary(Some(Cow::Owned(value)));
        let values = ValueOptions::default();
        let wire = ColumnType::BigVarBin;
        read_with(Kind::Bytes, wire, data, &values, Some("geoarrow.wkb"))
    };
    let Value::Bytes(plain) = read(point(0)).unwrap() else {
        panic!("bytes");
    };
    assert_eq!(plain, point(0)[4..]);
    let Value::Bytes(placed) = read(point(4_326)).unwrap() else {
        panic!("bytes");
    };
    assert_eq!(placed[..9], [1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0]);
    assert_eq!(placed[9..], point(0)[9..]);
    assert_eq!(read(vec![1, 2]).unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn a_query_that_returns_other_columns_is_reported() {
    let error = read(Kind::Date, ColumnType::Int4, ColumnData::I32(Some(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error
            .report()
            .contains("column `v` is Int4 and cannot be read as Date"),
        "{}",
        error.report()
    );
    let large = ColumnData::F64(Some(922_337_203_685_477.6));
    let error = read(decimal(19, 4), ColumnType::Money, large).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let other = read(Kind::Int8, ColumnType::Int4, ColumnData::I32(Some(200)));
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Data);
}
