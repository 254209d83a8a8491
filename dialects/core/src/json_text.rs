//! Lists as JSON text, for databases without lists.
use crate::civil;
use connect_api::{Kind, ListRef, Value, ValueRef, decimal_text, wide_decimal_text};

/// Appends the elements of a list as a JSON array: booleans, numbers and NULL as such, decimals as
/// numbers with every digit; not-a-number and infinities, dates, times, UUIDs and bytes (in hex) as
/// strings.
pub fn write_json_list(element: &Kind, list: ListRef<'_>, out: &mut String) {
    out.push('[');
    for (i, value) in list.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_value(element, value, out);
    }
    out.push(']');
}

fn write_value(element: &Kind, value: ValueRef<'_>, out: &mut String) {
    match value {
        ValueRef::Null => out.push_str("null"),
        ValueRef::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        ValueRef::Int(v) => out.push_str(itoa::Buffer::new().format(v)),
        ValueRef::UInt(v) => out.push_str(itoa::Buffer::new().format(v)),
        ValueRef::Decimal(v, s) => out.push_str(&decimal_text(v, s)),
        ValueRef::WideDecimal(v, s) => out.push_str(&wide_decimal_text(v, s)),
        ValueRef::Float(v) if v.is_finite() => match element {
            // The shortest text of the 32 bits that it was.
            #[expect(clippy::cast_possible_truncation, reason = "it was a float of 32 bits")]
            Kind::Float32 => out.push_str(&format!("{:?}", v as f32)),
            _ => out.push_str(&serde_json::Value::from(v).to_string()),
        },
        ValueRef::Text(v) => push_string(v, out),
        other => push_string(&json_scalar(element, other.to_value()), out),
    }
}

fn push_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// The text of a value that JSON has no type for, as a string in JSON holds it.
pub fn json_scalar(kind: &Kind, value: Value) -> String {
    let mut text = String::new();
    match (kind, value) {
        (_, Value::Date(v)) => civil::write_date(v, &mut text),
        (Kind::Time, Value::Time(v)) => civil::write_time(v, &mut text),
        (Kind::TimeNanos, Value::Time(v)) => {
            civil::write_time(v.div_euclid(1_000), &mut text);
            text.push_str(&format!("{:03}", v.rem_euclid(1_000)));
        }
        (_, Value::Time(v)) => text.push_str(itoa::Buffer::new().format(v)),
        (Kind::Timestamp { utc }, Value::Timestamp(v)) => {
            civil::write_timestamp(v, &mut text);
            if *utc {
                text.push('Z');
            }
        }
        (_, Value::OffsetTimestamp(v, offset)) => write_offset_timestamp(v, offset, &mut text),
        (Kind::Uuid, Value::Bytes(v)) => {
            for (i, byte) in v.iter().enumerate() {
                if matches!(i, 4 | 6 | 8 | 10) {
                    text.push('-');
                }
                push_hex(*byte, &mut text);
            }
        }
        (_, Value::Bytes(v)) => v.iter().for_each(|byte| push_hex(*byte, &mut text)),
        (_, Value::Float(v)) if v.is_nan() => text.push_str("NaN"),
        (_, Value::Float(v)) => text.push_str(if v < 0.0 { "-Infinity" } else { "Infinity" }),
        (_, Value::Text(v)) => text.push_str(&v),
        (_, other) => text.push_str(&format!("{other:?}")),
    }
    text
}

fn push_hex(byte: u8, out: &mut String) {
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
    }
}

/// Appends `YYYY-MM-DD HH:MM:SS.ffffff±HH:MM`, the wall clock's reading and its offset.
pub fn write_offset_timestamp(instant: i64, offset: i16, out: &mut String) {
    civil::write_timestamp(instant.saturating_add(i64::from(offset) * 60_000_000), out);
    let minutes = offset.unsigned_abs();
    out.push(if offset < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}:{:02}", minutes / 60, minutes % 60));
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{ConnectRecord, Records, Schema};

    fn json(element: Kind, values: Vec<Value>) -> String {
        let list = Kind::List(Box::new(element.clone()));
        let schema = Schema::new("t", [list.field("v", true)], &[]).unwrap();
        let row = ConnectRecord {
            values: vec![Value::List(values)],
            ..Default::default()
        };
        let records = Records::from_rows("t".into(), schema, [row]).unwrap();
        let ValueRef::List(list) = records.row(0).get(0) else {
            panic!("a list");
        };
        let mut out = String::new();
        write_json_list(&element, list, &mut out);
        out
    }

    #[test]
    fn lists_of_every_kind_are_arrays_of_json() {
        let text = |s: &str| Value::from(s);
        for (element, values, expected) in [
            (
                Kind::Int32,
                vec![1.into(), Value::Null, (-7).into()],
                "[1,null,-7]",
            ),
            (Kind::Bool, vec![true.into(), false.into()], "[true,false]"),
            (
                Kind::Float32,
                vec![Value::Float(0.1_f32.into()), Value::Float(f64::NAN)],
                "[0.1,\"NaN\"]",
            ),
            (
                Kind::Float64,
                vec![1e23.into(), Value::Float(f64::NEG_INFINITY)],
                "[1e+23,\"-Infinity\"]",
            ),
            (
                Kind::Decimal {
                    precision: 5,
                    scale: 2,
                },
                vec![Value::Decimal(-150, 2)],
                "[-1.50]",
            ),
            (
                Kind::Text,
                vec![text("a\"b\\\n🦀")],
                "[\"a\\\"b\\\\\\n🦀\"]",
            ),
            (Kind::Bytes, vec![Value::Bytes(vec![0, 255])], "[\"00ff\"]"),
            (
                Kind::Uuid,
                vec![Value::Bytes((0..16).collect())],
                "[\"00010203-0405-0607-0809-0a0b0c0d0e0f\"]",
            ),
            (Kind::Date, vec![Value::Date(0)], "[\"1970-01-01\"]"),
            (
                Kind::TimeNanos,
                vec![Value::Time(1)],
                "[\"00:00:00.000000001\"]",
            ),
            (
                Kind::Timestamp { utc: true },
                vec![Value::Timestamp(0)],
                "[\"1970-01-01 00:00:00.000000Z\"]",
            ),
            (
                Kind::OffsetTimestamp,
                vec![Value::OffsetTimestamp(0, -90)],
                "[\"1969-12-31 22:30:00.000000-01:30\"]",
            ),
            (Kind::Int64, vec![], "[]"),
        ] {
            assert_eq!(json(element, values), expected);
        }
    }
}
