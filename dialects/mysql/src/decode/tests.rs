//! What is encoded for a column is what the server sends of it: both ways are held together.
use super::*;
use crate::{
    encode::{
        Encoder,
        cell::{Cell, Source},
    },
    server::Server,
    types::Described,
};
use connect_api::{Value, arrow::array::ArrayRef};
use dialect_core::{Cells, Column};
use proptest::prelude::*;
use sqlx::Encode as _;

fn column(vendor_type: &str) -> Column {
    let described = Described {
        name: "c".to_owned(),
        column_type: vendor_type.to_owned(),
        nullable: true,
        ..Described::default()
    };
    described.column(&ValueOptions::default(), &Server::new("8.0.36", 0))
}

fn array(kind: &Kind, value: Value) -> ArrayRef {
    let mut builder = ColumnBuilder::new(kind, 1).unwrap();
    builder.append_value(kind, value).unwrap();
    builder.finish()
}

/// The bytes that `value` is sent as, without the length in front where there is one.
fn sent(kind: &Kind, vendor_type: &str, value: Value) -> Option<Vec<u8>> {
    let encoder = Encoder::new(kind, &column(vendor_type), false).unwrap();
    let array = array(kind, value);
    let cells = Cells::new(kind, array.as_ref()).unwrap();
    let source = Source::new(&encoder, cells, None);
    let mut out = Vec::new();
    let null = Cell(&source, 0).encode_by_ref(&mut out).ok()?;
    assert!(!null.is_null());
    assert!(source.bytes(&(0..1)) >= out.len(), "{kind:?}");
    let framed = matches!(
        kind,
        Kind::Text
            | Kind::Json
            | Kind::BigDecimal
            | Kind::Bytes
            | Kind::Decimal { .. }
            | Kind::WideDecimal { .. }
            | Kind::List(_)
            | Kind::Struct(_)
            | Kind::Map(_)
            | Kind::Interval
            | Kind::Uuid
    );
    let prefix = match out.first() {
        Some(0..=250) => 1,
        Some(0xFC) => 3,
        Some(0xFD) => 4,
        _ => 9,
    };
    Some(if framed { out.split_off(prefix) } else { out })
}

/// `value` as it is read back.
fn read(kind: &Kind, wire: &str, cell: &[u8]) -> Result<ArrayRef, ValueError> {
    let mut builder = ColumnBuilder::new(kind, 1).unwrap();
    decoder(kind, wire).unwrap()(kind, &mut builder, cell)?;
    Ok(builder.finish())
}

fn read_back(kind: &Kind, vendor_type: &str, wire: &str, value: Value) {
    let cell = sent(kind, vendor_type, value.clone()).unwrap();
    let read = read(kind, wire, &cell).unwrap();
    assert_eq!(&read, &array(kind, value), "{vendor_type}");
}

fn vector() -> Kind {
    Kind::List(Box::new(Kind::Float32))
}

proptest! {
    #[test]
    fn numbers_come_back(i in any::<i64>(), u in any::<u64>(), small in any::<(i8, i16, i32, u8)>(), f in any::<f64>(), b in any::<bool>()) {
        let (i8, i16, i32, u8) = small;
        read_back(&Kind::Int64, "bigint", "BIGINT", Value::Int(i));
        read_back(&Kind::Int32, "int", "INT", Value::Int(i32.into()));
        read_back(&Kind::Int16, "smallint", "SMALLINT", Value::Int(i16.into()));
        read_back(&Kind::Int8, "tinyint", "BOOLEAN", Value::Int(i8.into()));
        read_back(&Kind::UInt64, "bigint unsigned", "BIGINT UNSIGNED", Value::UInt(u));
        read_back(&Kind::UInt8, "tinyint unsigned", "TINYINT UNSIGNED", Value::UInt(u8.into()));
        read_back(&Kind::Bool, "bit(1)", "BIT", Value::Bool(b));
        if f.is_finite() {
            read_back(&Kind::Float64, "double", "DOUBLE", Value::Float(f));
        }
    }

    #[test]
    fn decimals_come_back(unscaled in -(10i128.pow(38) - 1)..10i128.pow(38)) {
        let kind = Kind::Decimal { precision: 38, scale: 20 };
        read_back(&kind, "decimal(38,20)", "DECIMAL", Value::Decimal(unscaled, 20));
    }

    #[test]
    fn text_and_bytes_come_back(text in ".{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..70_000)) {
        read_back(&Kind::Text, "longtext", "LONGTEXT", text.into());
        read_back(&Kind::Bytes, "longblob", "LONGBLOB", Value::Bytes(bytes));
    }

    #[test]
    fn wide_decimals_come_back(high in any::<i128>(), low in 0u64..1_000_000_000) {
        let kind = Kind::WideDecimal { precision: 65, scale: 9 };
        let text = format!("{high}.{low:09}");
        read_back(&kind, "decimal(65,9)", "DECIMAL", text.into());
    }

    #[test]
    fn spans_come_back(micros in -3_020_399_000_000i64..=3_020_399_000_000) {
        read_back(&Kind::Duration, "time(6)", "TIME", Value::Time(micros));
    }

    #[test]
    fn vectors_come_back(floats in proptest::collection::vec(-1e30f32..1e30, 0..9)) {
        let floats = floats.into_iter().map(|f| Value::Float(f.into())).collect();
        read_back(&vector(), "vector(9)", "VARBINARY", Value::List(floats));
    }

    #[test]
    fn geometries_come_back(x in any::<f64>(), y in any::<f64>(), srid in any::<u32>()) {
        let flag = if srid == 0 { 0 } else { 0x20 };
        let mut ewkb = vec![1, 1, 0, 0, flag];
        if srid != 0 {
            ewkb.extend_from_slice(&srid.to_le_bytes());
        }
        ewkb.extend_from_slice(&x.to_le_bytes());
        ewkb.extend_from_slice(&y.to_le_bytes());
        read_back(&Kind::Bytes, "geometry", "GEOMETRY", Value::Bytes(ewkb));
    }

    #[test]
    fn uuids_come_back(uuid in any::<[u8; 16]>()) {
        read_back(&Kind::Uuid, "uuid", "BINARY", Value::Bytes(uuid.to_vec()));
    }

    #[test]
    fn dates_and_times_come_back(day in -719_162i32..2_932_897, micros in 0..86_400_000_000i64) {
        read_back(&Kind::Date, "date", "DATE", Value::Date(day));
        read_back(&Kind::Time, "time(6)", "TIME", Value::Time(micros));
        let at = i64::from(day) * 86_400_000_000 + micros;
        let kind = Kind::Timestamp { utc: false };
        read_back(&kind, "datetime(6)", "DATETIME", Value::Timestamp(at));
        read_back(&kind, "datetime", "DATETIME", Value::Timestamp(at - micros % 1_000_000));
        prop_assert_eq!(sent(&kind, "datetime(3)", Value::Timestamp(at)).is_some(), micros % 1000 == 0);
    }

    #[test]
    fn foreign_bytes_do_not_panic(cell in proptest::collection::vec(any::<u8>(), 0..20), shaped in any::<bool>()) {
        let mut cell = cell;
        if shaped && !cell.is_empty() {
            // The length that temporal values begin with.
            cell[0] = u8::try_from(cell.len() - 1).unwrap();
        }
        for (kind, wire) in [
            (Kind::Bool, "TINYINT"), (Kind::Bool, "BIT"), (Kind::Int8, "TINYINT"), (Kind::Int16, "YEAR"),
            (Kind::Int32, "INT"), (Kind::Int64, "BIGINT"), (Kind::UInt64, "BIGINT UNSIGNED"),
            (Kind::UInt64, "BIT"), (Kind::Float32, "FLOAT"), (Kind::Float64, "DOUBLE"),
            (Kind::Decimal { precision: 38, scale: 2 }, "DECIMAL"), (Kind::Text, "TEXT"),
            (Kind::Bytes, "BLOB"), (Kind::Uuid, "CHAR"), (Kind::Date, "DATE"), (Kind::Time, "TIME"),
            (Kind::Timestamp { utc: true }, "TIMESTAMP"), (Kind::Duration, "TIME"),
            (Kind::WideDecimal { precision: 65, scale: 30 }, "DECIMAL"), (Kind::Bytes, "GEOMETRY"),
            (vector(), "VARBINARY"),
        ] {
            // An error or not, but no panic.
            drop(read(&kind, wire, &cell));
        }
    }
}

#[test]
fn zero_dates_are_distinguished_from_invalid_dates() {
    let date = |cell: &[u8]| read(&Kind::Date, "DATE", cell).unwrap_err().0;
    assert!(date(&[0]).contains("zero date"));
    assert!(date(&[4, 0xE8, 0x07, 0, 10]).contains("zero date"));
    assert!(date(&[4, 0xE7, 0x07, 2, 29]).contains("calendar"));
    assert!(date(&[3, 0, 0, 1]).contains("as long as its type"));
}

#[test]
fn kinds_are_read_only_of_types_that_hold_them() {
    for (kind, wire) in [
        (Kind::Int32, "INT UNSIGNED"),
        (Kind::UInt32, "INT"),
        (Kind::Date, "DATETIME"),
        (Kind::Text, "BIT"),
        (Kind::Float64, "FLOAT"),
    ] {
        assert!(decoder(&kind, wire).is_none(), "{kind:?} of {wire}");
    }
}

#[test]
fn parts_are_sent_as_text_and_take_no_more_bytes_than_reckoned() {
    let texts = || Kind::List(Box::new(Kind::Text));
    let controls = "\u{1}".repeat(300);
    let fields = [("\u{1}name", texts()), ("b", Kind::Bytes)];
    let fields = fields.map(|(name, kind)| (name.into(), kind)).to_vec();
    let structure = Value::Struct(vec![
        Value::List(vec![controls.as_str().into(), Value::Null]),
        Value::Bytes(vec![0xff; 100]),
    ]);
    let escaped = "\\u0001".repeat(300);
    let entries = vec![(controls.as_str().into(), Value::Int(i64::MIN))];
    for (kind, declared, value, text) in [
        (
            Kind::Struct(fields),
            "json",
            structure,
            format!(
                r#"{{"\u0001name":["{escaped}",null],"b":"{}"}}"#,
                "ff".repeat(100)
            ),
        ),
        (
            Kind::Map(Box::new(Kind::Int64)),
            "longtext",
            Value::Map(entries),
            format!(r#"{{"{escaped}":-9223372036854775808}}"#),
        ),
        (
            Kind::Interval,
            "varchar(64)",
            Value::Interval(i32::MIN, i32::MIN, i64::MIN),
            "P-178956970Y-8M-2147483648DT-2562047H-47M-16.854775808S".to_owned(),
        ),
    ] {
        let sent = sent(&kind, declared, value).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), text);
    }
    assert!(sent(&texts(), "varchar(3)", Value::List(vec!["a".into()])).is_none());
}
