//! Compares rows by meaning.
use crate::conformance::harness::Rows;
use connect_api::Value;

/// Rows compared by what they mean: the whole number 7 is 7 in every width, and as a decimal.
pub(super) fn assert_same(read: &Rows, expected: &Rows, what: &str) {
    if let Some(fault) = difference(read, expected) {
        panic!("{what}: {fault}");
    }
}

/// The first difference, in words.
pub(super) fn difference(read: &Rows, expected: &Rows) -> Option<String> {
    if read.len() != expected.len() {
        return Some(format!("{} rows for {}", read.len(), expected.len()));
    }
    for (i, (read, expected)) in read.iter().zip(expected).enumerate() {
        for (c, (read, expected)) in read.iter().zip(expected).enumerate() {
            if !same(read, expected) {
                return Some(format!(
                    "row {i}, column {c}: {} for {}",
                    shown(read),
                    shown(expected)
                ));
            }
        }
    }
    None
}

fn shown(value: &Value) -> String {
    format!("{value:?}").chars().take(200).collect()
}

pub(super) fn same(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| match v {
        Value::Int(v) => Some(v.to_string()),
        Value::UInt(v) => Some(v.to_string()),
        Value::Bool(v) => Some(i32::from(*v).to_string()),
        Value::Decimal(v, s) => Some(connect_api::decimal_text(*v, *s)),
        Value::Text(v) if crate::decimal::is_decimal(v.as_bytes()) => Some(v.to_string()),
        _ => None,
    };
    let plain = |text: String| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::Text(a), Value::Text(b)) if a == b => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Struct(a), Value::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|((k, v), (l, w))| k == l && same(v, w))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => plain(a) == plain(b),
            _ => a == b,
        },
    }
}
