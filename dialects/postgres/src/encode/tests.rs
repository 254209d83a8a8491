//! What cells become, and which are refused.
use super::{
    number::{NOT_A_BOOL, NOT_EXACT, OUT_OF_RANGE},
    text::{HOLDS_NUL, NOT_A_UUID},
    time::{NOT_OF_THE_DAY, TOO_FAR, TOO_PRECISE},
    *,
};
use crate::{
    decode::{Beyond, Decoder},
    types::numeric,
};
use connect_api::{ColumnBuilder, Kind, Value};
use dialect_core::civil::DAY_MICROS;
use proptest::prelude::*;

/// The cell that `value` of `kind` becomes in a column of type `target`, without its length.
fn encoded(kind: &Kind, value: Value, target: Target) -> Result<Vec<u8>, ValueError> {
    let mut column = ColumnBuilder::new(kind, 1).unwrap();
    column.append_value(kind, value).unwrap();
    let column = column.finish();
    let cells = Cells::new(kind, &column).unwrap();
    let mut out = Vec::new();
    writer(cells, &target).unwrap()(0, &mut out)?;
    let cell = out.split_off(4);
    assert_eq!(out, i32::try_from(cell.len()).unwrap().to_be_bytes());
    Ok(cell)
}

/// What is written as the type of its own kind is read back.
fn assert_kept(kind: &Kind, oid: u32, value: Value) {
    let cell = encoded(kind, value.clone(), Target::of_kind(kind).unwrap()).unwrap();
    let mut column = ColumnBuilder::new(kind, 1).unwrap();
    let decoder = Decoder::new(kind, oid).unwrap();
    decoder
        .append(&cell, &mut column, &mut String::new(), Beyond::Refused)
        .unwrap();
    let mut expected = ColumnBuilder::new(kind, 1).unwrap();
    expected.append_value(kind, value).unwrap();
    assert_eq!(&column.finish(), &expected.finish(), "{kind:?}");
}

proptest! {
    #[test]
    fn values_are_read_as_written(
        int in any::<i64>(), float in any::<f64>(), text in "[^\0]{0,20}",
        days in -2_000_000_000i32..2_000_000_000, micros in -1i64 << 60..1 << 60, uuid in any::<[u8; 16]>(),
    ) {
        use crate::types::oid;
        assert_kept(&Kind::Bool, oid::BOOL, (int % 2 == 0).into());
        assert_kept(&Kind::Int16, oid::INT2, (int >> 48).into());
        assert_kept(&Kind::Int32, oid::INT4, (int >> 32).into());
        assert_kept(&Kind::Int64, oid::INT8, int.into());
        assert_kept(&Kind::UInt32, oid::OID, (int.unsigned_abs() >> 32).into());
        assert_kept(&Kind::Float64, oid::FLOAT8, float.into());
        assert_kept(&Kind::Decimal { precision: 20, scale: 3 }, oid::NUMERIC, Value::Decimal(int.into(), 3));
        let wide = Kind::WideDecimal { precision: 60, scale: 7 };
        let digits = format!("{}{:019}.{:07}", int, int.unsigned_abs(), int.unsigned_abs() % 10_000_000);
        assert_kept(&wide, oid::NUMERIC, digits.into());
        assert_kept(&Kind::BigDecimal, oid::NUMERIC, int.to_string().into());
        assert_kept(&Kind::Text, oid::TEXT, text.clone().into());
        assert_kept(&Kind::Json, oid::JSON, text.clone().into());
        assert_kept(&Kind::Bytes, oid::BYTEA, text.into_bytes().into());
        assert_kept(&Kind::Uuid, oid::UUID, uuid.to_vec().into());
        assert_kept(&Kind::Date, oid::DATE, Value::Date(days));
        assert_kept(&Kind::Time, oid::TIME, Value::Time(micros.rem_euclid(DAY_MICROS)));
        assert_kept(&Kind::Timestamp { utc: false }, oid::TIMESTAMP, Value::Timestamp(micros));
        assert_kept(&Kind::Timestamp { utc: true }, oid::TIMESTAMPTZ, Value::Timestamp(micros));
    }
}

#[test]
fn numbers_fit_or_are_refused() {
    let decimal = |scale| Kind::Decimal {
        precision: 20,
        scale,
    };
    let of = |value: i128, scale| Value::Decimal(value, scale);
    for (kind, value, target, expected) in [
        (
            Kind::Int64,
            (-32_768).into(),
            Target::Int2,
            Ok(vec![0x80, 0]),
        ),
        (Kind::Int64, 32_768.into(), Target::Int2, Err(OUT_OF_RANGE)),
        (
            Kind::UInt64,
            u64::MAX.into(),
            Target::Int8,
            Err(OUT_OF_RANGE),
        ),
        (Kind::Int32, (-1).into(), Target::Oid, Err(OUT_OF_RANGE)),
        (Kind::Int8, 1.into(), Target::Bool, Ok(vec![1])),
        (Kind::Int8, 2.into(), Target::Bool, Err(NOT_A_BOOL)),
        (Kind::Bool, true.into(), Target::Int2, Ok(vec![0, 1])),
        (
            Kind::Int64,
            (1i64 << 53).into(),
            Target::Float8,
            Ok(9_007_199_254_740_992f64.to_be_bytes().to_vec()),
        ),
        (
            Kind::Int64,
            ((1i64 << 53) + 1).into(),
            Target::Float8,
            Err(NOT_EXACT),
        ),
        (
            Kind::Float64,
            0.5.into(),
            Target::Float4,
            Ok(0.5f32.to_be_bytes().to_vec()),
        ),
        (Kind::Float64, 0.1.into(), Target::Float4, Err(NOT_EXACT)),
        (decimal(2), of(700, 2), Target::Int2, Ok(vec![0, 7])),
        (
            decimal(2),
            of(701, 2),
            Target::Int2,
            Err(numeric::TOO_PRECISE),
        ),
        (decimal(-2), of(400, -2), Target::Int2, Err(OUT_OF_RANGE)),
        (
            decimal(3),
            of(1_230, 3),
            Target::Numeric(Some((4, 2))),
            Ok(vec![0, 2, 0, 0, 0, 0, 0, 3, 0, 1, 8, 0xfc]),
        ),
        (
            decimal(3),
            of(1_234, 3),
            Target::Numeric(Some((4, 2))),
            Err(numeric::TOO_PRECISE),
        ),
        (
            decimal(3),
            of(99_990, 3),
            Target::Numeric(Some((4, 2))),
            Ok(vec![0, 2, 0, 0, 0, 0, 0, 3, 0, 99, 0x26, 0xac]),
        ),
        (
            decimal(3),
            of(100_000, 3),
            Target::Numeric(Some((4, 2))),
            Err(numeric::TOO_LARGE),
        ),
        (
            Kind::Int64,
            100.into(),
            Target::Numeric(Some((2, -2))),
            Ok(vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 100]),
        ),
        (
            Kind::Int64,
            150.into(),
            Target::Numeric(Some((2, -2))),
            Err(numeric::TOO_PRECISE),
        ),
        (
            Kind::Int64,
            10_000.into(),
            Target::Numeric(Some((2, -2))),
            Err(numeric::TOO_LARGE),
        ),
        (
            Kind::Int64,
            1.into(),
            Target::Numeric(Some((5, 5))),
            Err(numeric::TOO_LARGE),
        ),
    ] {
        assert_eq!(encoded(&kind, value, target), expected, "{kind:?}");
    }
}

#[test]
fn texts_and_times_fit_or_are_refused() {
    let uuid = "01234567-89AB-cdef-0123-456789abcdef";
    for (kind, value, target, fits) in [
        (
            Kind::Text,
            Value::from("héé"),
            Target::Text(Some(3)),
            Ok(()),
        ),
        (
            Kind::Text,
            "h   ".into(),
            Target::Text(Some(3)),
            Err(TOO_LONG),
        ),
        (Kind::Text, "a\0".into(), Target::Text(None), Err(HOLDS_NUL)),
        (Kind::Text, uuid.into(), Target::Uuid, Ok(())),
        (
            Kind::Text,
            uuid.replace('-', "").into(),
            Target::Uuid,
            Ok(()),
        ),
        (
            Kind::Text,
            uuid.replacen('-', "", 1).into(),
            Target::Uuid,
            Err(NOT_A_UUID),
        ),
        (
            Kind::Text,
            "é".repeat(16).into(),
            Target::Uuid,
            Err(NOT_A_UUID),
        ),
        (
            Kind::Time,
            Value::Time(1_000),
            Target::Time(1_000, false),
            Ok(()),
        ),
        (
            Kind::Time,
            Value::Time(1_001),
            Target::Time(1_000, false),
            Err(TOO_PRECISE),
        ),
        (
            Kind::Time,
            Value::Time(DAY_MICROS),
            Target::Time(1, false),
            Err(NOT_OF_THE_DAY),
        ),
        (
            Kind::Date,
            Value::Date(i32::MIN),
            Target::Date,
            Err(TOO_FAR),
        ),
        (
            Kind::Timestamp { utc: true },
            Value::Timestamp(i64::MIN),
            Target::Timestamp(true, 1),
            Err(TOO_FAR),
        ),
        (
            Kind::Timestamp { utc: true },
            Value::Timestamp(-1),
            Target::Timestamp(false, 1_000_000),
            Err(TOO_PRECISE),
        ),
    ] {
        assert_eq!(encoded(&kind, value, target).map(|_| ()), fits, "{kind:?}");
    }
    let bytes = Value::Bytes((0..16).collect());
    let text = encoded(&Kind::Uuid, bytes, Target::Text(Some(36))).unwrap();
    assert_eq!(text, b"00010203-0405-0607-0809-0a0b0c0d0e0f");
}

#[test]
fn spans_fine_times_and_offsets_have_their_columns() {
    let nanos = |v| (Kind::TimeNanos, Value::Time(v));
    let span = |v| (Kind::Duration, Value::Time(v));
    let moment = |v, offset| (Kind::OffsetTimestamp, Value::OffsetTimestamp(v, offset));
    let text = |text: &str| Ok(text.as_bytes().to_vec());
    for ((kind, value), target, expected) in [
        (
            nanos(1_000),
            Target::Time(1, false),
            Ok(vec![0, 0, 0, 0, 0, 0, 0, 1]),
        ),
        (nanos(1_001), Target::Time(1, false), Err(TOO_PRECISE)),
        (
            nanos(1_999),
            Target::Time(1, true),
            Ok(vec![0, 0, 0, 0, 0, 0, 0, 1]),
        ),
        (nanos(-1), Target::Time(1, true), Err(NOT_OF_THE_DAY)),
        (nanos(1_000), Target::Time(1_000, true), Err(TOO_PRECISE)),
        (
            span(-1),
            Target::Interval(1),
            Ok([vec![0xff; 8], vec![0; 8]].concat()),
        ),
        (span(1), Target::Interval(1_000), Err(TOO_PRECISE)),
        (span(-1), Target::Time(1, false), Err(NOT_OF_THE_DAY)),
        (span(2), Target::Int8, Ok(vec![0, 0, 0, 0, 0, 0, 0, 2])),
        (span(-1_500_000), Target::Text(None), text("PT-1.5S")),
        (span(3_600_000_000), Target::Text(Some(7)), text("PT3600S")),
        (span(3_600_000_000), Target::Text(Some(6)), Err(TOO_LONG)),
        (
            moment(0, -90),
            Target::Text(None),
            text("1969-12-31 22:30:00.000000-01:30"),
        ),
        (
            moment(0, 60),
            Target::Timestamp(true, 1),
            Ok((-crate::decode::EPOCH_MICROS).to_be_bytes().to_vec()),
        ),
        (
            (Kind::Bool, true.into()),
            Target::Bit,
            Ok(vec![0, 0, 0, 1, 0x80]),
        ),
        ((Kind::Int8, (-1).into()), Target::Char, Ok(vec![0xff])),
        (
            (Kind::Int32, 3.into()),
            Target::Money(2),
            Ok(300i64.to_be_bytes().to_vec()),
        ),
        (
            (
                Kind::Decimal {
                    precision: 9,
                    scale: 3,
                },
                Value::Decimal(1_235, 3),
            ),
            Target::Money(2),
            Err(numeric::TOO_PRECISE),
        ),
    ] {
        assert_eq!(encoded(&kind, value, target), expected, "{kind:?}");
    }
}

#[test]
fn lists_are_arrays_of_one_dimension() {
    let kind = Kind::List(Box::new(Kind::Int32));
    let list = |values: &[Value]| {
        let target = Target::Array(Box::new(Target::Int4));
        encoded(&kind, Value::List(values.to_vec()), target).unwrap()
    };
    let words = |words: &[i32]| {
        words
            .iter()
            .flat_map(|w| w.to_be_bytes())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), words(&[0, 0, 23]));
    assert_eq!(
        list(&[7.into(), Value::Null]),
        words(&[1, 1, 23, 2, 1, 4, 7, -1])
    );
    assert_kept(
        &kind,
        1007,
        Value::List(vec![7.into(), Value::Null, (-7).into()]),
    );
    assert_kept(
        &Kind::List(Box::new(Kind::Text)),
        1009,
        Value::List(vec!["".into(), "é".into()]),
    );
}

#[test]
fn decimals_of_many_digits_fit_or_are_refused() {
    let kind = Kind::WideDecimal {
        precision: 50,
        scale: 4,
    };
    let into = |text: &str, to| encoded(&kind, text.into(), Target::Numeric(to));
    assert!(
        into(
            "12345678901234567890123456789012345678901234.5",
            Some((46, 2))
        )
        .is_ok()
    );
    assert_eq!(into("1.239", Some((46, 2))), Err(numeric::TOO_PRECISE));
    assert_eq!(into("100.5", Some((3, 1))), Err(numeric::TOO_LARGE));
    assert_eq!(into("-0.0001", Some((46, 2))), Err(numeric::TOO_PRECISE));
    assert!(into("-0.0001", None).is_ok());
}
