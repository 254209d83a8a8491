//! Every kind: its field, its columns, its rows.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
use connect_api::{
    arrow::array::{Array as _, cast::AsArray as _},
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
        (Kind::Interval, Value::Interval(i32::MIN, i32::MAX, -1)),
    ]
}

/// A struct with a field of each scalar kind and one of lists, named by numbers.
fn structs() -> (Kind, Value) {
    let fields = scalars().into_iter().enumerate();
    let (mut kinds, mut values): (Vec<_>, Vec<_>) = fields
        .map(|(i, (kind, value))| ((i.to_string().into(), kind), value))
        .unzip();
    kinds.push(("list".into(), list(Kind::Int8)));
    values.push(Value::List(vec![Value::Null, 1.into()]));
    (Kind::Struct(kinds), Value::Struct(values))
}

/// Every kind with a value of it, a list and a map of each, and a struct of all.
fn all() -> Vec<(Kind, Value)> {
    let lists = scalars().into_iter().map(|(kind, value)| {
        let values = vec![value.clone(), Value::Null, value];
        (list(kind), Value::List(values))
    });
    let maps = scalars().into_iter().map(|(kind, value)| {
        let entries = [("", value), ("\"=>\\", Value::Null)];
        let entries = entries.map(|(key, value)| (key.into(), value)).to_vec();
        (Kind::Map(Box::new(kind)), Value::Map(entries))
    });
    scalars()
        .into_iter()
        .chain(lists)
        .chain(maps)
        .chain([structs(), (map_of_texts(), Value::Map(Vec::new()))])
        .collect()
}

fn map_of_texts() -> Kind {
    Kind::Map(Box::new(Kind::Text))
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
fn a_kind_is_read_from_its_field() {
    for (kind, _) in all() {
        let field = kind.clone().field("v", true);
        assert_eq!(Kind::of(&field), kind);
        assert_eq!(field.data_type(), &kind.data_type());
    }
    let (of_structs, of_maps) = (structs().0, map_of_texts());
    for nested in [
        list(list(Kind::Int8)),
        list(of_structs.clone()),
        list(of_maps.clone()),
        Kind::Map(Box::new(list(Kind::Int8))),
        Kind::Map(Box::new(of_structs.clone())),
        Kind::Struct(vec![("s".into(), of_structs)]),
        Kind::Struct(vec![("m".into(), of_maps)]),
    ] {
        let field = nested.field("v", true);
        let other = Kind::Other(field.data_type().clone());
        assert_eq!(Kind::of(&field), other, "not of ours");
    }
    // As arrow's own builder of maps has it.
    let map = arrow::array::builder::MapBuilder::new(
        None,
        arrow::array::builder::StringBuilder::new(),
        arrow::array::builder::StringBuilder::new(),
    )
    .finish();
    assert_eq!(map.data_type(), &map_of_texts().data_type());
    // The same struct without its extension is any struct.
    let bare = Kind::OffsetTimestamp
        .field("v", true)
        .with_metadata(std::collections::HashMap::<String, String>::new());
    assert!(matches!(Kind::of(&bare), Kind::Struct(fields) if fields.len() == 2));
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
        (structs().0, Value::Struct(vec![])),
        (point(), Value::Struct(vec![1.0.into(), "a".into()])),
        (
            map_of_texts(),
            Value::Map(vec![("a".into(), "b".into()), ("c".into(), 1.into())]),
        ),
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
    // The builder starts again.
    begin(&mut builder, &[8], true);
    builder.keep(Op::Read, None, None).unwrap();
    let records = builder.finish("t".into()).unwrap();
    assert_eq!(records.row(0).get(0).to_value(), list(&[8]));
}

/// A struct of two floats.
fn point() -> Kind {
    Kind::Struct(["x", "y"].map(|name| (name.into(), Kind::Float64)).to_vec())
}

#[test]
fn a_struct_or_map_that_was_begun_goes_with_its_row() {
    let schema = Schema::new(
        "s",
        [point().field("p", true), map_of_texts().field("m", true)],
        &[],
    );
    let mut builder = RecordsBuilder::new(schema.unwrap(), 0).unwrap();
    let begin = |builder: &mut RecordsBuilder, x: f64, ends: bool| {
        let [ColumnBuilder::Struct(points), ColumnBuilder::Map(maps)] = builder.columns() else {
            unreachable!("points and maps");
        };
        let ColumnBuilder::Float64(xs) = &mut points.columns()[0] else {
            unreachable!("of floats");
        };
        xs.append_value(x);
        // Its value is left out.
        maps.key(&x.to_string());
        if ends {
            points.end_struct();
            maps.end_map();
        }
    };
    let expected = |x: f64| {
        let entry = (x.to_string().into(), Value::Null);
        vec![
            Value::Struct(vec![x.into(), Value::Null]),
            Value::Map(vec![entry]),
        ]
    };
    for x in [1.0, 2.0] {
        begin(&mut builder, x, true);
        builder.keep(Op::Read, None, None).unwrap();
        begin(&mut builder, 0.5, false);
        builder.discard();
    }
    // Begun at the very end, and never decided on.
    begin(&mut builder, 0.5, false);
    let records = builder.finish("t".into()).unwrap();
    let rows: Vec<_> = records.rows().map(|r| r.to_record().values).collect();
    assert_eq!(rows, [expected(1.0), expected(2.0)]);
}

#[test]
fn structs_and_maps_are_seen_in_place() {
    let schema = Schema::new(
        "s",
        [
            point().field("p", true),
            map_of_texts().field("m", true),
            Kind::Interval.field("i", true),
        ],
        &[],
    );
    let entries = [("a", "b".into()), ("c", Value::Null)];
    let entries = entries.map(|(key, value)| (key.into(), value)).to_vec();
    let rows = [
        vec![
            Value::Struct(vec![1.5.into(), Value::Null]),
            Value::Map(entries),
            Value::Interval(1, -2, 3),
        ],
        vec![Value::Null, Value::Map(vec![]), Value::Null],
    ];
    let rows = rows.map(|values| ConnectRecord {
        values,
        ..Default::default()
    });
    let records = Records::from_rows("t".into(), schema.unwrap(), rows).unwrap();
    let (ValueRef::Struct(point), ValueRef::Map(map)) =
        (records.row(0).get(0), records.row(0).get(1))
    else {
        panic!("a struct and a map");
    };
    let fields = [("x", ValueRef::Float(1.5)), ("y", ValueRef::Null)];
    assert!(point.iter().eq(fields) && point.len() == 2 && point == point);
    assert_eq!(format!("{map:?}"), r#"{"a": Text("b"), "c": Null}"#);
    assert_eq!(
        serde_json::to_string(&records.row(0)).unwrap(),
        r#"{"p":{"x":1.5,"y":null},"m":{"a":"b","c":null},"i":[1,-2,3]}"#
    );
    assert_eq!(
        serde_json::to_string(&records.row(1)).unwrap(),
        r#"{"p":null,"m":{},"i":null}"#
    );
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
