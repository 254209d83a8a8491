//! Values of several parts as text, for databases that have no such types: JSON, and intervals
//! as ISO 8601.
use crate::civil;
use connect_api::{Kind, TextSink, Value, ValueRef, decimal, interval, uuid};
use std::fmt::Write as _;

/// Appends the text of a value of several parts: a list as a JSON array, a struct or a map as a
/// JSON object, an interval as ISO 8601 text.
///
/// In JSON, booleans, numbers and NULL stand as such, decimals as numbers with every digit;
/// not-a-number and infinities, dates, times, UUIDs and bytes (in hex) as strings.
pub fn write_parts(kind: &Kind, value: ValueRef<'_>, out: &mut impl TextSink) {
    match (kind, value) {
        (Kind::Interval, ValueRef::Interval(months, days, nanos)) => {
            interval::write(out, months, days, nanos);
        }
        _ => write_value(kind, value, out),
    }
}

fn write_value(kind: &Kind, value: ValueRef<'_>, out: &mut impl TextSink) {
    match (kind, value) {
        (_, ValueRef::Null) => out.push_text("null"),
        (_, ValueRef::Bool(v)) => out.push_text(if v { "true" } else { "false" }),
        (_, ValueRef::Int(v)) => out.push_text(itoa::Buffer::new().format(v)),
        (_, ValueRef::UInt(v)) => out.push_text(itoa::Buffer::new().format(v)),
        (_, ValueRef::Decimal(v, s)) => decimal::write(out, v, s),
        (_, ValueRef::WideDecimal(v, s)) => decimal::write_wide(out, v, s),
        // The shortest text of the 32 bits that it was.
        #[expect(clippy::cast_possible_truncation, reason = "it was a float of 32 bits")]
        (Kind::Float32, ValueRef::Float(v)) if v.is_finite() => {
            push_formatted(out, format_args!("{:?}", v as f32));
        }
        (_, ValueRef::Float(v)) if v.is_finite() => {
            push_formatted(out, format_args!("{}", serde_json::Value::from(v)));
        }
        (_, ValueRef::Text(v)) => push_string(v, out),
        (Kind::List(element), ValueRef::List(list)) => {
            out.push_text("[");
            for (i, value) in list.iter().enumerate() {
                out.push_text(if i > 0 { "," } else { "" });
                write_value(element, value, out);
            }
            out.push_text("]");
        }
        (Kind::Struct(fields), ValueRef::Struct(cells)) => {
            out.push_text("{");
            for (i, (name, kind, value)) in cells.iter_of(fields).enumerate() {
                push_name(i, name, out);
                write_value(kind, value, out);
            }
            out.push_text("}");
        }
        (Kind::Map(of), ValueRef::Map(entries)) => {
            out.push_text("{");
            for (i, (name, value)) in entries.iter().enumerate() {
                push_name(i, name, out);
                write_value(of, value, out);
            }
            out.push_text("}");
        }
        (kind, value) => {
            out.push_text("\"");
            push_scalar(kind, value, out);
            out.push_text("\"");
        }
    }
}

/// The name of the member `i` of an object.
fn push_name(i: usize, name: &str, out: &mut impl TextSink) {
    out.push_text(if i > 0 { "," } else { "" });
    push_string(name, out);
    out.push_text(":");
}

/// Appends `text` between quotes.
fn push_string(text: &str, out: &mut impl TextSink) {
    out.push_text("\"");
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        out.push_text(&text[done..at]);
        out.push_text(escaped);
        if escaped.is_empty() {
            push_formatted(out, format_args!("\\u{byte:04x}"));
        }
        done = at + 1;
    }
    out.push_text(&text[done..]);
    out.push_text("\"");
}

struct Formatted<'a, T>(&'a mut T);

impl<T: TextSink> std::fmt::Write for Formatted<'_, T> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.push_text(text);
        Ok(())
    }
}

fn push_formatted(out: &mut impl TextSink, text: std::fmt::Arguments<'_>) {
    // Texts grow without fail.
    Formatted(out).write_fmt(text).unwrap_or_default();
}

/// The text of a value that JSON has no type for, as a string in JSON holds it.
pub fn json_scalar(kind: &Kind, value: &Value) -> String {
    let mut text = String::new();
    if let Some(value) = value.as_ref() {
        push_scalar(kind, value, &mut text);
    }
    text
}

fn push_scalar(kind: &Kind, value: ValueRef<'_>, out: &mut impl TextSink) {
    match (kind, value) {
        (_, ValueRef::Date(v)) => civil::write_date(v, out),
        (Kind::Time, ValueRef::Time(v)) => civil::write_time(v, out),
        (Kind::TimeNanos, ValueRef::Time(v)) => {
            connect_api::civil::write_time_nanos(out, v.rem_euclid(86_400_000_000_000));
        }
        (_, ValueRef::Time(v)) => out.push_text(itoa::Buffer::new().format(v)),
        (kind, ValueRef::Timestamp(v)) => {
            civil::write_timestamp(v, out);
            if *kind == (Kind::Timestamp { utc: true }) {
                out.push_text("Z");
            }
        }
        (_, ValueRef::OffsetTimestamp(v, offset)) => write_offset_timestamp(v, offset, out),
        (_, ValueRef::Interval(months, days, nanos)) => interval::write(out, months, days, nanos),
        (Kind::Uuid, ValueRef::Bytes(v)) => uuid::write(out, v),
        (_, ValueRef::Bytes(v)) => {
            for byte in v {
                push_formatted(out, format_args!("{byte:02x}"));
            }
        }
        (_, ValueRef::Float(v)) if v.is_nan() => out.push_text("NaN"),
        (_, ValueRef::Float(v)) => out.push_text(if v < 0.0 { "-Infinity" } else { "Infinity" }),
        (_, ValueRef::Text(v)) => out.push_text(v),
        (kind, other) => write_value(kind, other, out),
    }
}

/// Appends `YYYY-MM-DD HH:MM:SS.ffffff±HH:MM`, the local time and its offset.
pub fn write_offset_timestamp(instant: i64, offset: i16, out: &mut impl TextSink) {
    let (days, micros) = connect_api::civil::shown_at(instant, offset);
    civil::write_date(days, out);
    out.push_text(" ");
    civil::write_time(micros, out);
    connect_api::civil::write_offset(out, offset);
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{ConnectRecord, Records, Schema};

    fn json(element: Kind, values: Vec<Value>) -> String {
        written(&Kind::List(Box::new(element)), Value::List(values))
    }

    fn written(kind: &Kind, value: Value) -> String {
        let schema = Schema::new("t", [kind.clone().field("v", true)], &[]).unwrap();
        let row = ConnectRecord {
            values: vec![value],
            ..Default::default()
        };
        let records = Records::from_rows("t".into(), schema, [row]).unwrap();
        let mut out = String::new();
        write_parts(kind, records.row(0).get(0), &mut out);
        out
    }

    #[test]
    fn structs_and_maps_are_objects_and_intervals_are_iso_text() {
        let kind = |name: &str, kind| (name.into(), kind);
        let fields = vec![
            kind("x", Kind::Float64),
            kind("a \"b\\", Kind::Date),
            kind("l", Kind::List(Box::new(Kind::Interval))),
            kind("n", Kind::Int8),
        ];
        let day = Value::Interval(0, -1, 0);
        let values = vec![
            1.5.into(),
            Value::Date(0),
            Value::List(vec![day.clone(), Value::Null]),
            Value::Null,
        ];
        assert_eq!(
            written(&Kind::Struct(fields), Value::Struct(values)),
            r#"{"x":1.5,"a \"b\\":"1970-01-01","l":["P-1D",null],"n":null}"#
        );
        let entries = [("\u{1}\t", "é\u{7f}".into()), ("", Value::Null)];
        let entries = entries.map(|(k, v)| (k.into(), v)).to_vec();
        let map = written(&Kind::Map(Box::new(Kind::Text)), Value::Map(entries));
        assert_eq!(map, "{\"\\u0001\\t\":\"é\u{7f}\",\"\":null}");
        assert_eq!(written(&Kind::Interval, day), "P-1D");
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
