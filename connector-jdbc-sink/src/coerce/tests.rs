use super::*;
use connect_api::{
    ConnectRecord, Value,
    config::{Config as _, Settings},
};
use dialect_core::{Cells, DatetimePrecision, OpenOptions, TableType};

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

const WALL: Kind = Kind::Timestamp { utc: false };

/// A value of one kind as one of another; `None` where it does not fit.
fn one(from: &Kind, value: Value, to: &Kind, digits: u32, narrow: Narrow) -> Option<Value> {
    let schema = Schema::new("t", [from.clone().field("v", true)], &[]).unwrap();
    let row = ConnectRecord {
        values: vec![value],
        ..ConnectRecord::default()
    };
    let records = Records::from_rows("t".into(), schema, [row]).unwrap();
    let way = Cast {
        to: to.clone(),
        grain: DatetimePrecision::digits(digits),
        narrow,
    };
    let (column, faults) = cast(from, records.batch().column(0).as_ref(), &way).unwrap();
    assert_eq!(*column.data_type(), to.data_type(), "{from:?} to {to:?}");
    let cell = Cells::new(to, column.as_ref()).unwrap().get(0).to_value();
    assert_eq!(faults.is_empty(), cell != Value::Null, "{from:?} to {to:?}");
    faults.is_empty().then_some(cell)
}

/// What a value becomes by error, round and truncate.
fn three(from: &Kind, value: Value, to: &Kind, expected: [Option<Value>; 3]) {
    let narrows = [Narrow::Error, Narrow::Round, Narrow::Truncate];
    for (narrow, expected) in narrows.into_iter().zip(expected) {
        let what = format!("{value:?} of {from:?} to {to:?} by {narrow:?}");
        assert!(can_cast(from, to), "{what}");
        assert_eq!(one(from, value.clone(), to, 6, narrow), expected, "{what}");
    }
}

/// The same value whatever is asked for.
fn same(from: &Kind, value: Value, to: &Kind, expected: impl Into<Value>) {
    let expected = Some(expected.into());
    three(
        from,
        value,
        to,
        [expected.clone(), expected.clone(), expected],
    );
}

#[test]
fn numbers_become_text_of_their_digits() {
    let text = |from: &Kind, value: Value, text: &str| same(from, value, &Kind::Text, text);
    text(&Kind::Int32, Value::Int(-7), "-7");
    text(&Kind::UInt64, Value::UInt(u64::MAX), "18446744073709551615");
    text(
        &decimal(38, 10),
        Value::Decimal(-12_340_000_000, 10),
        "-1.2340000000",
    );
    text(&Kind::Float64, Value::Float(0.1), "0.1");
    text(&Kind::Float64, Value::Float(3.0), "3");
    text(&Kind::Float64, Value::Float(1e300), "1e300");
    text(&Kind::Float64, Value::Float(f64::NAN), "NaN");
    text(&Kind::Float32, Value::Float(0.1_f32.into()), "0.1");
    text(&Kind::Bool, true.into(), "true");
    same(
        &Kind::Float64,
        Value::Float(1e20),
        &Kind::BigDecimal,
        "100000000000000000000",
    );
}

#[test]
fn times_and_uuids_become_text_in_the_format_of_sql() {
    let text = |from: &Kind, value: Value, text: &str| same(from, value, &Kind::Text, text);
    text(&Kind::Date, Value::Date(19_000), "2022-01-08");
    text(&Kind::Time, Value::Time(3_661_000_001), "01:01:01.000001");
    text(&WALL, Value::Timestamp(-1), "1969-12-31 23:59:59.999999");
    let utc = Kind::Timestamp { utc: true };
    text(
        &utc,
        Value::Timestamp(0),
        "1970-01-01 00:00:00.000000+00:00",
    );
    text(
        &Kind::OffsetTimestamp,
        Value::OffsetTimestamp(0, -90),
        "1969-12-31 22:30:00.000000-01:30",
    );
    let uuid = Value::Bytes((0..16).collect());
    text(&Kind::Uuid, uuid, "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

#[test]
fn wider_numbers_hold_the_same_number() {
    same(
        &Kind::Int64,
        Value::Int(i64::MIN),
        &decimal(20, 0),
        Value::Decimal(i64::MIN.into(), 0),
    );
    same(
        &Kind::Int32,
        Value::Int(5),
        &decimal(10, 2),
        Value::Decimal(500, 2),
    );
    same(
        &Kind::Int32,
        Value::Int(5),
        &Kind::Float32,
        Value::Float(5.0),
    );
    same(&Kind::Bool, true.into(), &Kind::Int64, Value::Int(1));
    same(
        &decimal(5, 1),
        Value::Decimal(-15, 1),
        &decimal(38, 10),
        Value::Decimal(-15_000_000_000, 10),
    );
    same(
        &decimal(5, -2),
        Value::Decimal(3, -2),
        &Kind::Int32,
        Value::Int(300),
    );
    same(
        &Kind::Float32,
        Value::Float(0.5),
        &Kind::Float64,
        Value::Float(0.5),
    );
    same(
        &Kind::Date,
        Value::Date(1),
        &WALL,
        Value::Timestamp(86_400_000_000),
    );
    same(
        &Kind::Time,
        Value::Time(7),
        &Kind::TimeNanos,
        Value::Time(7_000),
    );
}

#[test]
fn values_out_of_range_are_always_rejected() {
    let none = || [None, None, None];
    three(&Kind::Int64, Value::Int(1 << 31), &Kind::Int32, none());
    three(&Kind::Int64, Value::Int(-1), &Kind::UInt64, none());
    three(
        &decimal(38, 0),
        Value::Decimal(10_i128.pow(30), 0),
        &Kind::Int64,
        none(),
    );
    three(
        &decimal(10, 0),
        Value::Decimal(1_000, 0),
        &decimal(5, 2),
        none(),
    );
    three(&Kind::Float64, Value::Float(1e39), &Kind::Float32, none());
    three(&Kind::Float64, Value::Float(1e300), &decimal(38, 2), none());
    three(
        &Kind::Float64,
        Value::Float(f64::NAN),
        &decimal(38, 2),
        none(),
    );
    three(
        &Kind::Float64,
        Value::Float(f64::INFINITY),
        &Kind::Int64,
        none(),
    );
    three(&Kind::BigDecimal, "NaN".into(), &decimal(38, 2), none());
    // Rounded beyond its digits.
    three(
        &decimal(5, 2),
        Value::Decimal(99_995, 2),
        &decimal(4, 1),
        [None, None, Some(Value::Decimal(9_999, 1))],
    );
}

#[test]
fn extra_decimal_places_are_rejected_rounded_or_truncated() {
    let some = |v: i128| Some(Value::Decimal(v, 2));
    let of = decimal(38, 10);
    for (value, round, cut) in [
        (12_345_000_000, 123, 123),
        (12_350_000_000, 124, 123),
        (-12_350_000_000, -124, -123),
        (-12_349_999_999, -123, -123),
        (1, 0, 0),
    ] {
        let value = Value::Decimal(value, 10);
        three(&of, value, &decimal(10, 2), [None, some(round), some(cut)]);
    }
    // Zeros at the end are no digits.
    same(
        &of,
        Value::Decimal(12_300_000_000, 10),
        &decimal(10, 2),
        Value::Decimal(123, 2),
    );
    let half = |v: i64| Some(Value::Int(v));
    three(
        &decimal(5, 1),
        Value::Decimal(25, 1),
        &Kind::Int32,
        [None, half(3), half(2)],
    );
    three(
        &Kind::Float64,
        Value::Float(-2.5),
        &Kind::Int64,
        [None, half(-3), half(-2)],
    );
    three(
        &Kind::Float64,
        Value::Float(1.005),
        &decimal(10, 2),
        [None, some(101), some(100)],
    );
    same(
        &Kind::Float64,
        Value::Float(0.1),
        &decimal(10, 2),
        Value::Decimal(10, 2),
    );
    let long = format!("0.005{}1", "0".repeat(60));
    three(
        &Kind::BigDecimal,
        long.as_str().into(),
        &decimal(10, 2),
        [None, some(1), some(0)],
    );
    let long = format!("0.004{}", "9".repeat(60));
    three(
        &Kind::BigDecimal,
        long.as_str().into(),
        &decimal(10, 2),
        [None, some(0), some(0)],
    );
}

#[test]
fn a_decimal_is_cast_to_the_float_whose_shortest_form_it_is() {
    let float = |v: f64| Some(Value::Float(v));
    let of = decimal(38, 10);
    same(
        &of,
        Value::Decimal(1_000_000_000, 10),
        &Kind::Float64,
        Value::Float(0.1),
    );
    same(
        &of,
        Value::Decimal(0, 10),
        &Kind::Float64,
        Value::Float(0.0),
    );
    let long = 12_345_678_901_234_567_891_234_567_891_i128;
    let nearest = float(1_234_567_890_123_456_789.123_456_8);
    three(
        &of,
        Value::Decimal(long, 10),
        &Kind::Float64,
        [None, nearest.clone(), nearest],
    );
    three(
        &Kind::Int64,
        Value::Int((1 << 53) + 1),
        &Kind::Float64,
        [
            None,
            float(9_007_199_254_740_992.0),
            float(9_007_199_254_740_992.0),
        ],
    );
    // The float is this very number, and stands for 1152921504606847000.
    let large = float(1_152_921_504_606_847_000.0);
    three(
        &Kind::Int64,
        Value::Int(1 << 60),
        &Kind::Float64,
        [None, large.clone(), large],
    );
    let tenth = float(0.1_f32.into());
    three(
        &Kind::Float64,
        Value::Float(0.1),
        &Kind::Float32,
        [None, tenth.clone(), tenth],
    );
    same(
        &Kind::Float64,
        Value::Float(0.25),
        &Kind::Float32,
        Value::Float(0.25),
    );
}

#[test]
fn times_are_truncated_or_rounded_to_the_precision_of_the_column() {
    let timestamp = |v: i64| Some(Value::Timestamp(v));
    for (value, digits, expected) in [
        (
            1_234_567,
            3,
            [None, timestamp(1_235_000), timestamp(1_234_000)],
        ),
        (
            1_500_000,
            0,
            [None, timestamp(2_000_000), timestamp(1_000_000)],
        ),
        (-1, 0, [None, timestamp(0), timestamp(-1_000_000)]),
        (
            5_000_000,
            0,
            [
                timestamp(5_000_000),
                timestamp(5_000_000),
                timestamp(5_000_000),
            ],
        ),
    ] {
        let narrows = [Narrow::Error, Narrow::Round, Narrow::Truncate];
        for (narrow, expected) in narrows.into_iter().zip(expected) {
            let found = one(&WALL, Value::Timestamp(value), &WALL, digits, narrow);
            assert_eq!(found, expected, "{value} to {digits} digits by {narrow:?}");
        }
    }
    // A time of day is not rounded into the next day.
    let late = Value::Time(86_399_999_999);
    let found = one(&Kind::Time, late, &Kind::Time, 0, Narrow::Round);
    assert_eq!(found, Some(Value::Time(86_399_000_000)));
    let nanos = |v: i64, narrow| one(&Kind::TimeNanos, Value::Time(v), &Kind::Time, 6, narrow);
    assert_eq!(nanos(1_500, Narrow::Error), None);
    assert_eq!(nanos(1_500, Narrow::Round), Some(Value::Time(2)));
    assert_eq!(nanos(1_999, Narrow::Truncate), Some(Value::Time(1)));
    let days = |v: i64, narrow| one(&WALL, Value::Timestamp(v), &Kind::Date, 6, narrow);
    assert_eq!(days(86_400_000_000, Narrow::Error), Some(Value::Date(1)));
    assert_eq!(days(-1, Narrow::Error), None);
    assert_eq!(days(-1, Narrow::Truncate), Some(Value::Date(-1)));
    let instant = Value::OffsetTimestamp(1_500_000, 60);
    let kind = Kind::OffsetTimestamp;
    let found = one(&kind, instant, &kind, 0, Narrow::Round);
    assert_eq!(found, Some(Value::OffsetTimestamp(2_000_000, 60)));
}

#[test]
fn other_kinds_are_not_cast() {
    for (from, to) in [
        (Kind::Text, Kind::Int32),
        (Kind::Bytes, Kind::Text),
        (Kind::Json, Kind::Float64),
        (Kind::Timestamp { utc: true }, Kind::Date),
        (Kind::Date, Kind::Timestamp { utc: true }),
        (Kind::Int32, Kind::Bool),
        (Kind::Int64, WALL),
    ] {
        assert!(!can_cast(&from, &to), "{from:?} to {to:?}");
    }
}

fn column(name: &str, kind: Kind, vendor_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        nullable: true,
        ..Column::default()
    }
}

fn planned(narrow: &str, fields: &str) -> Option<Coercion> {
    let settings = Settings::from_iter([
        ("connection.url", "sqlite:x"),
        ("values.narrow", narrow),
        ("fields.whitelist", fields),
    ]);
    let config = SinkConfig::from_settings(&settings).unwrap();
    let options = OpenOptions::default();
    let dialect = dialects::open("postgres://ann@host/shop", &options).unwrap();
    let table = Table {
        name: TableName::new("t"),
        table_type: TableType::Table,
        columns: vec![
            column("id", WALL, "timestamp(0) without time zone"),
            column("Note", Kind::Text, "text"),
            column("price", Kind::Float64, "double precision"),
            column("at", WALL, "timestamp(3) without time zone"),
            column("n", Kind::Int32, "integer"),
        ],
        ..Table::default()
    };
    let fields = [
        WALL.field("id", false),
        Kind::Int32.field("Note", true),
        decimal(38, 10).field("price", true),
        WALL.field("at", true),
        Kind::Int64.field("n", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    Coercion::plan(
        dialect.as_ref(),
        &table,
        &schema,
        &["id".to_owned()],
        &config,
    )
    .unwrap()
}

#[test]
fn only_columns_that_need_it_are_cast_and_never_key_columns() {
    let names = |coercion: Option<Coercion>| -> Vec<String> {
        let casts = coercion.map(|coercion| coercion.casts).unwrap_or_default();
        casts.into_iter().map(|(_, name, _)| name).collect()
    };
    assert_eq!(names(planned("error", "")), ["Note", "price"]);
    assert_eq!(names(planned("round", "")), ["Note", "price", "at"]);
    // A column that is not written refuses no row.
    assert_eq!(names(planned("round", "at")), ["at"]);
}

#[test]
fn rows_that_do_not_fit_are_returned_and_the_others_keep_their_index() {
    let coercion = planned("error", "").unwrap();
    let fields = [
        WALL.field("id", false),
        Kind::Int32.field("Note", true),
        decimal(38, 10).field("price", true),
        WALL.field("at", true),
        Kind::Int64.field("n", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let long = 918_273_645_918_273_645_918_273_645_i128;
    let rows = [1, long, 2, long, 3].map(|price| ConnectRecord {
        values: vec![
            Value::Timestamp(0),
            7.into(),
            Value::Decimal(price, 10),
            Value::Null,
            Value::Null,
        ],
        ..ConnectRecord::default()
    });
    let records = Records::from_rows("t".into(), schema, rows).unwrap();
    let coerced = coercion.apply(&records).unwrap();
    assert_eq!(coerced.kept_rows.as_deref(), Some(&[0, 2, 4][..]));
    assert_eq!(coerced.records.len(), 3);
    let rows: Vec<usize> = coerced.rejected.iter().map(|r| r.row).collect();
    assert_eq!(rows, [1, 3]);
    let message = coerced.rejected[0].error.report();
    assert!(message.contains("column `price` of table `t`"), "{message}");
    assert!(message.contains("values.narrow"), "{message}");
    assert!(!message.contains("91827364"), "{message}");
}
