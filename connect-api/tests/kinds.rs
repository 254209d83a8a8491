//! Every kind: its field, its columns, its rows.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
use connect_api::{
    arrow::{
        array::{Array as _, cast::AsArray as _},
        schema::DataType,
    },
    *,
};

const MOST: u8 = 76;

fn list(element: Kind) -> Kind {
    Kind::List(Box::new(element))
}

fn wide(precision: u8, scale: i8) -> Kind {
    Kind::WideDecimal { precision, scale }
}

fn scalars() -> Vec<(Kind, Value)> {
    let decimal = Kind::Decimal {
        precision: 9,
        scale: 2,
    };
    vec![
        (Kind::Bool, true.into()),
        (Kind::Int8, Value::Int(-128)),
        (Kind::Int16, Value::Int(-32_768)),
        (Kind::Int32, Value::Int(i32::MIN.into())),
        (Kind::Int64, Value::Int(i64::MIN)),
        (Kind::UInt8, Value::UInt(255)),
        (Kind::UInt16, Value::UInt(65_535)),
        (Kind::UInt32, Value::UInt(u32::MAX.into())),
        (Kind::UInt64, Value::UInt(u64::MAX)),
        (Kind::Float32, Value::Float(0.5)),
        (Kind::Float64, Value::Float(5e-324)),
        (decimal, Value::Decimal(-999_999_999, 2)),
        (wide(MOST, 6), format!("-{}.000001", "9".repeat(70)).into()),
        (Kind::BigDecimal, "NaN".into()),
        (Kind::Text, "".into()),
        (Kind::Json, "{}".into()),
        (Kind::Bytes, vec![0, 255].into()),
        (Kind::Uuid, vec![7; 16].into()),
        (Kind::Date, Value::Date(i32::MIN)),
        (Kind::Time, Value::Time(86_400_000_000)),
        (Kind::TimeNanos, Value::Time(86_399_999_999_999)),
        (Kind::Duration, Value::Time(i64::MIN)),
        (Kind::Timestamp { utc: true }, Value::Timestamp(i64::MAX)),
        (Kind::Timestamp { utc: false }, Value::Timestamp(i64::MIN)),
        (Kind::OffsetTimestamp, Value::OffsetTimestamp(-1, -720)),
    ]
}

/// Every kind with a value of it, and a list of each.
fn all() -> Vec<(Kind, Value)> {
    let lists = scalars().into_iter().map(|(kind, value)| {
        let values = vec![value.clone(), Value::Null, value];
        (list(kind), Value::List(values))
    });
    scalars().into_iter().chain(lists).collect()
}

fn one(kind: &Kind) -> SchemaRef {
    Schema::new("s", [kind.clone().field("v", true)], &[]).unwrap()
}

fn row(value: Value) -> ConnectRecord {
    ConnectRecord {
        values: vec![value],
        ..Default::default()
    }
}

#[test]
fn a_field_tells_its_kind() {
    for (kind, _) in all() {
        let field = kind.clone().field("v", true);
        assert_eq!(Kind::of(&field), kind);
        assert_eq!(field.data_type(), &kind.data_type());
    }
    let nested = list(list(Kind::Int8)).field("v", true);
    assert_eq!(
        Kind::of(&nested),
        Kind::Other(nested.data_type().clone()),
        "lists of lists are not of ours"
    );
    // The same struct without its extension is any struct.
    let bare = Kind::OffsetTimestamp
        .field("v", true)
        .with_metadata(std::collections::HashMap::<String, String>::new());
    assert!(matches!(Kind::of(&bare), Kind::Other(DataType::Struct(_))));
}

#[test]
fn values_of_every_kind_come_back_beside_nulls() {
    for (kind, value) in all() {
        let rows: Vec<_> = [Value::Null, value.clone(), Value::Null, value]
            .map(row)
            .into();
        let records = Records::from_rows("t".into(), one(&kind), rows.clone()).unwrap();
        let back: Vec<_> = records.rows().map(|r| r.to_record()).collect();
        assert_eq!(back, rows, "{kind:?}");
        let tail: Vec<_> = records.slice(2..4).rows().map(|r| r.to_record()).collect();
        assert_eq!(tail, rows[2..], "{kind:?}");
    }
}

#[test]
fn values_that_do_not_fit_leave_no_trace() {
    for (kind, wrong) in [
        (wide(40, 2), "1.234".into()),
        (wide(40, 2), format!("1{}", "0".repeat(38)).into()),
        (wide(40, 2), "1,5".into()),
        (wide(40, 2), Value::Decimal(1, 2)),
        (Kind::TimeNanos, Value::Int(1)),
        (Kind::OffsetTimestamp, Value::Timestamp(1)),
        (list(Kind::Int8), Value::List(vec![1.into(), 128.into()])),
        (list(Kind::Text), "a".into()),
        (Kind::Int32, Value::List(vec![])),
    ] {
        let right = all().into_iter().find(|(k, _)| *k == kind);
        let right = right.map_or(Value::Null, |(_, value)| value);
        let mut builder = RecordsBuilder::new(one(&kind), 0).unwrap();
        builder.push(row(right.clone())).unwrap();
        let error = builder.push(row(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().starts_with("column `v`"), "{error}");
        builder.push(row(right.clone())).unwrap();
        let records = builder.finish("t".into()).unwrap();
        let values: Vec<_> = records.rows().map(|r| r.get(0).to_value()).collect();
        assert_eq!(values, [right.clone(), right], "{kind:?}");
    }
}

#[test]
fn a_list_that_was_begun_goes_with_its_row() {
    let kind = list(Kind::Int32);
    let mut builder = RecordsBuilder::new(one(&kind), 0).unwrap();
    let begin = |builder: &mut RecordsBuilder, values: &[i32], ends: bool| {
        let ColumnBuilder::List(lists) = &mut builder.columns()[0] else {
            unreachable!("a column of lists");
        };
        let ColumnBuilder::Int32(elements) = lists.values() else {
            unreachable!("of numbers");
        };
        elements.append_slice(values);
        if ends {
            lists.end_list();
        }
    };
    begin(&mut builder, &[1, 2], true);
    builder.keep(Op::Read, None, None).unwrap();
    begin(&mut builder, &[3, 4], false);
    builder.discard();
    begin(&mut builder, &[5], true);
    builder.discard();
    begin(&mut builder, &[6], true);
    builder.keep(Op::Read, None, None).unwrap();
    // Begun at the very end, and never decided on.
    begin(&mut builder, &[7], false);
    builder.discard();
    let records = builder.finish("t".into()).unwrap();
    let values: Vec<_> = records.rows().map(|r| r.get(0).to_value()).collect();
    let list = |values: &[i64]| Value::List(values.iter().map(|v| Value::Int(*v)).collect());
    assert_eq!(values, [list(&[1, 2]), list(&[6])]);
    // The builder begins anew.
    begin(&mut builder, &[8], true);
    builder.keep(Op::Read, None, None).unwrap();
    let records = builder.finish("t".into()).unwrap();
    assert_eq!(records.row(0).get(0).to_value(), list(&[8]));
}

#[test]
fn lists_are_seen_in_place() {
    let rows = [vec![1.into(), Value::Null], vec![], vec![3.into()]].map(Value::List);
    let records = Records::from_rows("t".into(), one(&list(Kind::Int32)), rows.map(row)).unwrap();
    let seen = |i: usize| match records.row(i).get(0) {
        ValueRef::List(list) => list,
        other => panic!("{other:?}"),
    };
    assert_eq!((seen(0).len(), seen(1).is_empty()), (2, true));
    assert!(seen(0).iter().eq([ValueRef::Int(1), ValueRef::Null]));
    assert_eq!(seen(2), seen(2));
    assert_ne!(seen(0), seen(2));
    assert_eq!(format!("{:?}", seen(2)), "[Int(3)]");
    assert_eq!(
        serde_json::to_string(&records.row(0)).unwrap(),
        r#"{"v":[1,null]}"#
    );
}

#[test]
fn an_instant_with_an_offset_is_a_struct_of_two() {
    let value = Value::OffsetTimestamp(5, -90);
    let schema = one(&Kind::OffsetTimestamp);
    let records = Records::from_rows("t".into(), schema, [row(value), row(Value::Null)]).unwrap();
    let column = records.batch().column(0).as_struct();
    assert_eq!((column.len(), column.null_count()), (2, 1));
    assert_eq!(column.column(1).null_count(), 0, "its parts are never null");
}

#[test]
fn decimals_have_plain_digits_as_text() {
    for (unscaled, scale, text) in [
        (-1234, 2, "-12.34"),
        (12, -2, "1200"),
        (0, -2, "0"),
        (0, 2, "0.00"),
        (-5, 3, "-0.005"),
        (i128::MIN, 0, "-170141183460469231731687303715884105728"),
    ] {
        assert_eq!(decimal_text(unscaled, scale), text);
        let wide = arrow::buffer::i256::from_i128(unscaled);
        assert_eq!(wide_decimal_text(wide, scale), text);
    }
    let most = decimal::max_unscaled_wide(MOST);
    assert_eq!(wide_decimal_text(most, 0), "9".repeat(76));
    assert_eq!(
        wide_decimal_text(most.wrapping_neg(), 70),
        format!("-999999.{}", "9".repeat(70))
    );
}
