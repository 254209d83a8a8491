use super::*;
use connect_api::{Value, arrow::array::Array as _};
use proptest::prelude::*;

fn decoded(kind: &Kind, oid: u32, bytes: &[u8], beyond: Beyond) -> Result<Value, ValueError> {
    let mut column = ColumnBuilder::new(kind, 1).unwrap();
    let decoder = Decoder::new(kind, oid).unwrap();
    decoder.append(bytes, &mut column, &mut String::new(), beyond)?;
    let column = column.finish();
    assert_eq!(column.len(), 1);
    let cells = dialect_core::Cells::new(kind, &column).unwrap();
    Ok(cells.get(0).to_value())
}

fn words(words: &[i32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[test]
fn what_no_cell_can_be_is_refused_or_null() {
    let list = Kind::List(Box::new(Kind::Int32));
    let nan = [0, 0, 0, 0, 0xc0, 0, 0, 0];
    let day = DAY_MICROS.to_be_bytes();
    let decimal = |precision| Kind::Decimal {
        precision,
        scale: 2,
    };
    for (kind, oid, bytes, why) in [
        (
            Kind::Date,
            oid::DATE,
            i32::MAX.to_be_bytes().to_vec(),
            INFINITE,
        ),
        (Kind::Time, oid::TIME, day.to_vec(), MIDNIGHT),
        (
            Kind::Timestamp { utc: true },
            oid::TIMESTAMPTZ,
            i64::MIN.to_be_bytes().to_vec(),
            INFINITE,
        ),
        (decimal(9), oid::NUMERIC, nan.to_vec(), numeric::NOT_FINITE),
        // Two dimensions; one from 0 on.
        (
            list.clone(),
            1007,
            words(&[2, 0, 23, 1, 1, 1, 1, 4, 7]),
            NOT_A_LIST,
        ),
        (
            list.clone(),
            1007,
            words(&[1, 0, 23, 1, 0, 4, 7]),
            NOT_A_LIST,
        ),
    ] {
        assert_eq!(decoded(&kind, oid, &bytes, Beyond::Refused), Err(why));
        let null = decoded(&kind, oid, &bytes, Beyond::Null);
        assert_eq!(null, Ok(Value::Null), "{kind:?}");
    }
    let short = decoded(&Kind::Int32, oid::INT4, &[0; 3], Beyond::Null);
    assert_eq!(short, Err(NOT_ITS_LENGTH), "a broken value is no NULL");
    let dates = Kind::List(Box::new(Kind::Date));
    let bytes = words(&[1, 0, 1082, 2, 1, 4, 0, 4, i32::MAX]);
    assert_eq!(
        decoded(&dates, 1182, &bytes, Beyond::Null),
        Ok(Value::List(vec![Value::Date(10_957), Value::Null]))
    );
}

/// A composite type, a range and an hstore as users' types have them.
fn of_parts() -> [(Kind, u32); 5] {
    let fields = vec![("a".into(), Kind::Int32), ("t".into(), Kind::Text)];
    [
        (types::point(), oid::POINT),
        (types::range(&Kind::Int32), oid::INT4RANGE),
        (types::range(&Kind::Text), oid::FIRST_USER),
        (Kind::Struct(fields), oid::FIRST_USER),
        (Kind::Map(Box::new(Kind::Text)), oid::FIRST_USER),
    ]
}

#[test]
fn values_that_end_before_their_parts_are_refused() {
    let [point, range, _, composite, hstore] = of_parts();
    let span = (Kind::Interval, oid::INTERVAL);
    let whole = [
        (span.clone(), words(&[0, 1, 2, 3])),
        (point, words(&[0, 0, 0, 0])),
        (range, [&[2][..], &words(&[4, 1, 4, 2])].concat()),
        (composite, words(&[2, 23, 4, 7, 25, -1])),
        (hstore, [&words(&[1, 1])[..], b"k", &words(&[-1])].concat()),
    ];
    for ((kind, oid), bytes) in &whole {
        decoded(kind, *oid, bytes, Beyond::Refused).unwrap();
        for end in 0..bytes.len() {
            for beyond in [Beyond::Refused, Beyond::Null] {
                let cut = decoded(kind, *oid, &bytes[..end], beyond);
                assert!(cut.is_err(), "{kind:?} {end}");
            }
        }
    }
    // A time part of 300 years; both infinities.
    let long = [&(i64::MAX / 900).to_be_bytes()[..], &[0; 8]].concat();
    let infinite = [&i64::MAX.to_be_bytes()[..], &words(&[i32::MAX, i32::MAX])].concat();
    for (bytes, why) in [(long, TOO_LONG_A_SPAN), (infinite, INFINITE)] {
        let read = |beyond| decoded(&span.0, span.1, &bytes, beyond);
        assert_eq!(read(Beyond::Refused), Err(why));
        assert_eq!(read(Beyond::Null), Ok(Value::Null));
    }
}

#[test]
fn composite_types_of_other_fields_are_refused() {
    let [.., (kind, oid), _] = of_parts();
    for bytes in [
        words(&[1, 23, 4, 7]),
        words(&[3, 23, 4, 7, 25, -1, 25, -1]),
        // A float where an integer was.
        words(&[2, 700, 4, 7, 25, -1]),
    ] {
        assert!(decoded(&kind, oid, &bytes, Beyond::Null).is_err());
    }
}

#[test]
fn a_range_with_an_unrepresentable_bound_is_null_as_a_whole() {
    let kind = types::range(&Kind::Date);
    let bytes = [&[2][..], &words(&[4, 0, 4, i32::MAX])].concat();
    let read = |beyond| decoded(&kind, oid::DATERANGE, &bytes, beyond);
    assert_eq!(read(Beyond::Refused), Err(INFINITE));
    assert_eq!(read(Beyond::Null), Ok(Value::Null));
}

#[test]
fn shapes_of_postgis_are_their_extended_binary_form() {
    // POINT(1 2) in EWKB with SRID 4326.
    let point = [
        &[1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0][..],
        &1f64.to_le_bytes(),
        &2f64.to_le_bytes(),
    ]
    .concat();
    let read = decoded(&Kind::Bytes, 17_000, &point, Beyond::Refused);
    assert_eq!(read, Ok(Value::Bytes(point)));
}

#[test]
fn money_and_small_types_are_read_as_declared() {
    let money = Kind::Decimal {
        precision: 19,
        scale: 2,
    };
    let read = |kind: &Kind, oid, bytes: &[u8]| decoded(kind, oid, bytes, Beyond::Refused);
    assert_eq!(
        read(&money, oid::MONEY, &(-123_456i64).to_be_bytes()),
        Ok(Value::Decimal(-123_456, 2))
    );
    assert_eq!(read(&Kind::Int8, oid::CHAR, &[0xff]), Ok(Value::Int(-1)));
    assert_eq!(
        read(&Kind::Bool, oid::BIT, &[0, 0, 0, 1, 0x80]),
        Ok(true.into())
    );
    assert!(read(&Kind::Bool, oid::BIT, &[0, 0, 0, 2, 0x80]).is_err());
    let wide = Kind::WideDecimal {
        precision: 40,
        scale: 1,
    };
    // 1 × 10,000^9 + 5,000 / 10,000
    let bytes = [
        &words(&[0x000b_0009, 0x0000_0001])[..],
        &[0, 1],
        &[0; 18],
        &[0x13, 0x88],
    ]
    .concat();
    assert_eq!(
        read(&wide, oid::NUMERIC, &bytes),
        Ok(Value::Text(format!("1{}.5", "0".repeat(36)).into()))
    );
}

proptest! {
    #[test]
    fn foreign_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let kinds = [
            (Kind::Bool, oid::BIT),
            (Kind::Decimal { precision: 38, scale: 10 }, oid::NUMERIC),
            (Kind::WideDecimal { precision: 76, scale: 20 }, oid::NUMERIC),
            (Kind::BigDecimal, oid::NUMERIC),
            (Kind::Json, oid::JSONB),
            (Kind::Uuid, oid::UUID),
            (Kind::Timestamp { utc: false }, oid::TIMESTAMP),
            (Kind::List(Box::new(Kind::Text)), 1009),
            (Kind::List(Box::new(Kind::Decimal { precision: 9, scale: 2 })), 1231),
        ];
        let spans = [(Kind::Interval, oid::INTERVAL)];
        for (kind, oid) in kinds.into_iter().chain(of_parts()).chain(spans) {
            for beyond in [Beyond::Refused, Beyond::Null] {
                let read = decoded(&kind, oid, &bytes, beyond);
                prop_assert!(read.is_ok() || read.is_err());
            }
        }
    }
}
