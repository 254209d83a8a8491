//! Messages that the Java original wrote: read as what was in the table, and written back alike.
//!
//! What the original itself spoilt (NULL integers as 0, milliseconds) is in the messages, and is
//! what is asserted here.
use crate::{bodies, decoder, json, schema, target, values};
use connect_api::{Kind, MessageRef, Pushed, Records, SchemaRef, Target, Value};
use serde_json::Value as Json;

const BASE64: &str = include_str!("samples/java_types_schema_base64.json");
const NUMERIC: &str = include_str!("samples/java_types_schema_numeric.json");
const PLAIN: &str = include_str!("samples/java_types_noschema_base64.json");

/// The bodies of a sample file.
pub(crate) fn messages(file: &str) -> Vec<Vec<u8>> {
    let file: Json = serde_json::from_str(file).unwrap();
    let messages = file["messages"].as_array().unwrap();
    let bodies: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let hex = message["body_hex"].as_str().unwrap();
            (0..hex.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                .collect()
        })
        .collect();
    assert_eq!(bodies.len(), 4);
    bodies
}

pub(crate) fn with_schema() -> Vec<Vec<u8>> {
    messages(BASE64)
}

pub(crate) fn without_schema() -> Vec<Vec<u8>> {
    messages(PLAIN)
}

/// The columns, as the schema of the messages has them.
pub(crate) fn types() -> SchemaRef {
    let decimal = |scale| Kind::Decimal {
        precision: 38,
        scale,
    };
    let instant = || Kind::Timestamp { utc: true };
    schema(
        [
            ("id", Kind::Int64),
            ("c_tiny", Kind::Int8),
            ("c_bool", Kind::Int8),
            ("c_med", Kind::Int32),
            ("c_int", Kind::Int32),
            ("c_uint", Kind::Int64),
            ("c_big", Kind::Int64),
            ("c_float", Kind::Float32),
            ("c_double", Kind::Float64),
            ("c_dec12_2", decimal(2)),
            ("c_dec38_10", decimal(10)),
            ("c_dec10_0", decimal(0)),
            ("c_char", Kind::Text),
            ("c_varchar", Kind::Text),
            ("c_text", Kind::Text),
            ("c_json", Kind::Text),
            ("c_enum", Kind::Text),
            ("c_set", Kind::Text),
            ("c_bit1", Kind::Int8),
            ("c_bit8", Kind::Int8),
            ("c_binary", Kind::Bytes),
            ("c_varbinary", Kind::Bytes),
            ("c_blob", Kind::Bytes),
            ("c_date", Kind::Date),
            ("c_time", Kind::Time),
            ("c_datetime", instant()),
            ("c_datetime6", instant()),
            ("c_timestamp", instant()),
            ("c_timestamp6", instant()),
            ("c_year", Kind::Date),
            ("c_notnull", Kind::Int32),
        ],
        &[],
    )
}

/// The rows of the table, by id.
fn expected() -> [Vec<Value>; 4] {
    use Value::{Bytes, Date, Decimal, Float, Int, Null, Time};
    let text = |v: &str| Value::from(v);
    let millis = |v: i64| Value::Timestamp(v * 1_000);
    let ordinary = vec![
        Int(1),
        Int(127),
        Int(1),
        Int(8_388_607),
        Int(2_147_483_647),
        Int(4_294_967_295),
        Int(i64::MAX),
        Float(1.5),
        Float(std::f64::consts::PI),
        Decimal(123_456_789_012, 2),
        Decimal(12_345_678_901_234_567_890_123_456_780_123_456_789, 10),
        Decimal(4_242_424_242, 0),
        text("char"),
        text("plain ascii"),
        text("some text"),
        text(r#"{"a": [1, null, "x"]}"#),
        text("a"),
        text("x,y"),
        Int(1),
        Int(-86),
        Bytes(vec![0x00, 0xff, 0x10, 0x80]),
        Bytes(vec![0xde, 0xad, 0xbe, 0xef]),
        Bytes(vec![0x00, 0x01, 0xfe, 0x7f, 0x80, 0xff]),
        Date(19_782),
        Time(47_655_000_000),
        millis(1_717_245_296_000),
        millis(1_717_245_296_123),
        millis(1_717_245_296_000),
        millis(1_717_245_296_654),
        Date(19_723),
        Int(1),
    ];
    let mut nothing = vec![Null; ordinary.len()];
    nothing[0] = Int(2);
    nothing[30] = Int(2);
    // NULL was lost in the original.
    nothing[1..7].fill(Int(0));
    nothing[7..9].fill(Float(0.0));
    nothing[18..20].fill(Int(0));
    let lowest = vec![
        Int(3),
        Int(-128),
        Int(0),
        Int(-8_388_608),
        Int(-2_147_483_648),
        Int(0),
        Int(i64::MIN),
        Float((-0.1f32).into()),
        Float(-1e-300),
        Decimal(-1, 2),
        Decimal(-1, 10),
        Decimal(-1, 0),
        text(""),
        text(""),
        text(""),
        text("[]"),
        text("b"),
        text(""),
        Int(0),
        Int(0),
        Bytes(vec![0; 4]),
        Bytes(vec![]),
        Bytes(vec![]),
        Date(-354_280),
        Time(0),
        millis(-30_609_792_000_000),
        millis(253_402_300_799_999),
        millis(1_000),
        millis(2_147_483_647_999),
        Date(-25_202),
        Int(3),
    ];
    let hazards = vec![
        Int(4),
        Int(1),
        Int(2),
        Int(4),
        Int(5),
        Int(6),
        Int(7),
        Float(9.25),
        Float(1e15),
        Decimal(9_990, 2),
        Decimal(55_000_000_000, 10),
        Decimal(6, 0),
        text("tst"),
        text("Grüße 你好 😀 \"quote\" \\ back\n newline\t tab"),
        text("line1\r\nline2"),
        text("\"s\""),
        Null,
        Null,
        Int(0),
        Int(-1),
        Bytes(b"abcd".to_vec()),
        Bytes(vec![0xc3, 0xbc]),
        Bytes(vec![0xab; 64]),
        Date(24_855),
        Time(86_399_000_000),
        millis(1_711_852_200_000),
        millis(1_711_852_200_000),
        millis(1_711_852_200_000),
        millis(1_729_996_200_500),
        Date(67_570),
        Int(4),
    ];
    [ordinary, nothing, lowest, hazards]
}

/// The rows of a sample file, sorted by id.
fn rows(file: &str, settings: &[(&str, &str)], knows: Target) -> Records {
    let mut decoder = decoder(&*json(settings), knows);
    for body in messages(file) {
        let message = MessageRef {
            body: &body,
            ..Default::default()
        };
        assert_eq!(decoder.push(message).unwrap(), Pushed::Row);
    }
    let records = decoder.take().unwrap().unwrap();
    let id = |row: &u32| records.row(*row as usize).by_name("id").unwrap().to_value();
    let mut order = vec![0, 1, 2, 3];
    order.sort_by_key(|row| match id(row) {
        Value::Int(id) => id,
        other => panic!("{other:?}"),
    });
    records.take(&order).unwrap()
}

#[test]
fn messages_with_a_schema_are_read_by_it() {
    for file in [BASE64, NUMERIC] {
        let records = rows(file, &[], Target::default());
        assert_eq!(records.schema().name(), "types2");
        assert_eq!(records.schema().kinds(), types().kinds());
        assert_eq!(values(&records), expected());
    }
}

#[test]
fn messages_without_a_schema_are_read_by_the_columns_of_the_target() {
    let settings = [("time.precision.mode", "connect")];
    let records = rows(PLAIN, &settings, target(&types()));
    assert_eq!(records.schema().kinds(), types().kinds());
    assert_eq!(values(&records), expected());
}

#[test]
fn what_is_written_has_the_structure_of_what_java_writes() {
    for (file, format) in [(BASE64, "BASE64"), (NUMERIC, "NUMERIC")] {
        let records = rows(file, &[], Target::default());
        let converter = json(&[
            ("time.precision.mode", "connect"),
            ("decimal.format", format),
        ]);
        let ours: Vec<Json> = bodies(&*converter, &records)
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
        for body in messages(file) {
            let mut java: Json = serde_json::from_slice(&body).unwrap();
            let id = java["payload"]["id"].clone();
            let mut ours = ours
                .iter()
                .find(|ours| ours["payload"]["id"] == id)
                .unwrap()
                .clone();
            // The original calls the struct of a row optional, which no row is.
            assert_eq!(java["schema"]["optional"].take(), true);
            assert_eq!(ours["schema"]["optional"].take(), false);
            for field in ours["schema"]["fields"].as_array_mut().unwrap() {
                // Beside what the original says, ours says the precision.
                if let Some(parameters) = field.get_mut("parameters") {
                    let parameters = parameters.as_object_mut().unwrap();
                    let precision = parameters.remove("connect.decimal.precision");
                    assert_eq!(precision, Some("38".into()));
                }
            }
            assert_eq!(ours, java);
        }
    }
}
