//! Behaviour of records, rows and schemas.
use connect_api::{
    arrow::array::{cast::AsArray, types::Int64Type},
    *,
};
use std::sync::Arc;
#[expect(clippy::unwrap_used, reason = "a test")]
fn schema() -> SchemaRef {
    Schema::new(
        "public.orders",
        [
            Kind::Int64.field("id", false),
            Kind::Text.field("name", true),
            Kind::Decimal {
                precision: 5,
                scale: 2,
            }
            .field("price", true),
            Kind::Uuid.field("uid", true),
        ],
        &["id"],
    )
    .unwrap()
}
fn row(id: i64, name: &str) -> ConnectRecord {
    ConnectRecord {
        values: vec![id.into(), name.into(), Value::Decimal(1234, 2), Value::Null],
        ..Default::default()
    }
}
#[test]
fn rows_come_back_as_they_went_in() {
    let rows: Vec<_> = (0..5)
        .map(|i| ConnectRecord {
            op: if i == 3 { Op::Delete } else { Op::Update },
            time: (i != 2).then_some(i),
            headers: (i == 1).then(|| Headers::from([("a".into(), "b".into())])),
            ..row(i, "x")
        })
        .collect();
    let records = Records::from_rows("t".into(), schema(), rows.clone()).unwrap();
    assert_eq!(
        records.rows().map(|r| r.to_record()).collect::<Vec<_>>(),
        rows
    );
    assert_eq!(records.ops().uniform(), None);
    assert_eq!(
        records
            .batch()
            .column(0)
            .as_primitive::<Int64Type>()
            .values(),
        &[0, 1, 2, 3, 4]
    );
}
#[test]
fn debug_of_a_row_shows_this_row_alone() {
    let records = Records::from_rows("t".into(), schema(), [row(1, "a"), row(2, "b")]).unwrap();
    let shown = format!("{:?}", records.row(1));
    assert!(
        shown.starts_with(r#"{"id": Int(2), "name": Text("b")"#),
        "{shown}"
    );
}
#[tokio::test]
async fn a_task_that_is_run_by_hand_finds_nothing_stored() {
    let position = Position::new([("file", "a.csv")], [("line", 42)]);
    assert_eq!(position.offset.get("line"), Some(&Value::Int(42)));
    let cx = TaskContext::standalone("demo");
    assert!(cx.stored(&position.partition).await.unwrap().is_none());
    assert!(!cx.stop.is_cancelled());
}
#[test]
fn a_row_that_does_not_fit_is_left_out_whole() {
    let mut b = RecordsBuilder::new(schema(), 4).unwrap();
    b.push(row(1, "a")).unwrap();
    let wrong = ConnectRecord {
        values: vec![
            2.into(),
            "b".into(),
            Value::Decimal(100_000, 2),
            Value::Null,
        ],
        ..Default::default()
    };
    let e = b.push(wrong).unwrap_err();
    assert_eq!(
        (e.kind(), e.kind().disposition()),
        (ErrorKind::Data, Disposition::DeadLetter)
    );
    assert_eq!(
        e.to_string(),
        "column `price`: value does not fit Decimal { precision: 5, scale: 2 }"
    );
    b.push(ConnectRecord {
        values: vec![Value::Null, "b".into(), Value::Null, Value::Null],
        ..Default::default()
    })
    .unwrap_err();
    b.push(row(3, "c")).unwrap();
    let records = b.finish("t".into()).unwrap();
    assert_eq!(
        records.rows().map(|r| r.get(0)).collect::<Vec<_>>(),
        [ValueRef::Int(1), ValueRef::Int(3)]
    );
}
#[test]
fn a_slice_shares_columns_and_keeps_the_position_only_at_the_end() {
    let position = Position {
        partition: Default::default(),
        offset: [("id".into(), Value::Int(4))].into(),
    };
    let records = Records::from_rows("t".into(), schema(), (0..5).map(|i| row(i, "x")))
        .unwrap()
        .with_position(position.clone());
    assert_eq!(records.slice(0..2).position(), None);
    let tail = records.slice(2..5);
    assert_eq!(tail.position(), Some(&position));
    assert_eq!(tail.row(0).by_name("id"), Some(ValueRef::Int(2)));
    let (a, b) = (
        records.batch().column(0).as_primitive::<Int64Type>(),
        tail.batch().column(0).as_primitive::<Int64Type>(),
    );
    assert_eq!(a.values()[2..].as_ptr(), b.values().as_ptr());
}
#[test]
fn take_keeps_ops_with_their_rows() {
    let rows = (0..4).map(|i| ConnectRecord {
        op: if i % 2 == 0 { Op::Create } else { Op::Delete },
        ..row(i, "x")
    });
    let records = Records::from_rows("t".into(), schema(), rows)
        .unwrap()
        .take(&[3, 0])
        .unwrap();
    assert_eq!(
        records
            .rows()
            .map(|r| (r.get(0), r.op()))
            .collect::<Vec<_>>(),
        [
            (ValueRef::Int(3), Op::Delete),
            (ValueRef::Int(0), Op::Create)
        ]
    );
}
#[test]
fn kinds_survive_the_trip_through_arrow_fields() {
    for kind in [
        Kind::Bool,
        Kind::Int8,
        Kind::UInt64,
        Kind::Float32,
        Kind::Json,
        Kind::Uuid,
        Kind::BigDecimal,
        Kind::Bytes,
        Kind::Date,
        Kind::Time,
        Kind::Timestamp { utc: true },
        Kind::Timestamp { utc: false },
        Kind::Decimal {
            precision: 38,
            scale: 10,
        },
    ] {
        assert_eq!(Kind::of(&kind.clone().field("x", true)), kind);
    }
    assert_eq!(
        Schema::new("t", [Kind::Text.field("a", true)], &["b"])
            .unwrap_err()
            .kind(),
        ErrorKind::Schema
    );
    assert!(
        schema()
            .columns()
            .field(3)
            .try_extension_type::<arrow::schema::extension::Uuid>()
            .is_ok()
    );
}
#[test]
fn a_row_is_a_json_object_and_the_traits_are_dyn() {
    let records = Records::from_rows("t".into(), schema(), [row(1, "é\"")]).unwrap();
    assert_eq!(
        serde_json::to_string(&records.row(0)).unwrap(),
        r#"{"id":1,"name":"é\"","price":"12.34","uid":null}"#
    );
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    fn dynamic(
        _: Option<Box<dyn SourceTask>>,
        _: Option<Box<dyn SinkTask>>,
        _: Option<Arc<dyn DynConnector>>,
    ) {
    }
    dynamic(None, None, None);
    fn send<T: Send + Sync>() {}
    send::<Records>();
}

/// A batch of one column of another Arrow type.
fn adopted(column: arrow::array::ArrayRef) -> Result<Records> {
    let batch = arrow::array::RecordBatch::try_from_iter([("c", column)])?;
    Records::from_batch("t".into(), "s", &batch, &[])
}

#[test]
fn columns_of_other_arrow_types_keep_every_value() {
    use arrow::array::{types::*, *};
    use std::sync::Arc;
    macro_rules! two {
        ($array:ty, $first:expr, $last:expr) => {
            Arc::new(<$array>::from_iter([Some($first), None, Some($last)])) as ArrayRef
        };
    }
    let wall = Kind::Timestamp { utc: false };
    let utc = Kind::Timestamp { utc: true };
    let micros = Value::Timestamp;
    let zoned = |zone: &str| {
        let instants = TimestampMicrosecondArray::from_iter([Some(1), None, Some(-1)]);
        Arc::new(instants.with_timezone(zone)) as ArrayRef
    };
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some([1, 2]), None, Some([3, 4])].into_iter(),
        2,
    );
    let words: DictionaryArray<Int8Type> = [Some("b"), None, Some("a")].into_iter().collect();
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let day = IntervalDayTime::new;
    for (column, kind, first, last) in [
        (
            two!(TimestampSecondArray, 2, -1),
            wall.clone(),
            micros(2_000_000),
            micros(-1_000_000),
        ),
        (
            two!(TimestampMillisecondArray, 2, -1),
            wall.clone(),
            micros(2_000),
            micros(-1_000),
        ),
        (
            two!(TimestampNanosecondArray, 2_000, -1_000),
            wall,
            micros(2),
            micros(-1),
        ),
        (zoned("UTC"), utc.clone(), micros(1), micros(-1)),
        (zoned("Asia/Tokyo"), utc, micros(1), micros(-1)),
        (
            two!(Time32SecondArray, 1, 86_399),
            Kind::Time,
            Value::Time(1_000_000),
            Value::Time(86_399_000_000),
        ),
        (
            two!(Time32MillisecondArray, 1, 2),
            Kind::Time,
            Value::Time(1_000),
            Value::Time(2_000),
        ),
        (
            two!(DurationSecondArray, 1, -1),
            Kind::Duration,
            Value::Time(1_000_000),
            Value::Time(-1_000_000),
        ),
        (
            two!(DurationNanosecondArray, 1_000, -1_000),
            Kind::Duration,
            Value::Time(1),
            Value::Time(-1),
        ),
        (
            two!(Date64Array, 86_400_000, -86_400_000),
            Kind::Date,
            Value::Date(1),
            Value::Date(-1),
        ),
        (
            two!(IntervalYearMonthArray, 14, -1),
            Kind::Interval,
            Value::Interval(14, 0, 0),
            Value::Interval(-1, 0, 0),
        ),
        (
            two!(IntervalDayTimeArray, day(1, -1), day(0, 0)),
            Kind::Interval,
            Value::Interval(0, 1, -1_000_000),
            Value::Interval(0, 0, 0),
        ),
        (
            two!(LargeStringArray, "é", ""),
            Kind::Text,
            "é".into(),
            "".into(),
        ),
        (
            two!(StringViewArray, "é", ""),
            Kind::Text,
            "é".into(),
            "".into(),
        ),
        (
            two!(LargeBinaryArray, &[1u8][..], &[][..]),
            Kind::Bytes,
            bytes(&[1]),
            bytes(&[]),
        ),
        (
            two!(BinaryViewArray, &[1u8][..], &[][..]),
            Kind::Bytes,
            bytes(&[1]),
            bytes(&[]),
        ),
        (
            Arc::new(fixed.unwrap()),
            Kind::Bytes,
            bytes(&[1, 2]),
            bytes(&[3, 4]),
        ),
        (Arc::new(words), Kind::Text, "b".into(), "a".into()),
        (two!(Int64Array, 1, 2), Kind::Int64, 1.into(), 2.into()),
    ] {
        let found = adopted(column).unwrap();
        assert_eq!(found.schema().kinds(), [kind]);
        let values: Vec<_> = found.rows().map(|row| row.get(0).to_value()).collect();
        assert_eq!(values, [first, Value::Null, last]);
    }
    for column in [
        two!(TimestampNanosecondArray, 1, 0),
        two!(TimestampSecondArray, i64::MAX, 0),
        two!(DurationNanosecondArray, 0, -1),
        two!(Date64Array, 0, 1),
    ] {
        let error = adopted(column).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            error.to_string().starts_with("column `c`: a value that"),
            "{error}"
        );
    }
    let batch = RecordBatch::try_from_iter([("c", zoned("UTC"))]).unwrap();
    let keyless = Records::from_batch("t".into(), "s", &batch, &["k"]).unwrap_err();
    assert_eq!(keyless.kind(), ErrorKind::Schema);
}
