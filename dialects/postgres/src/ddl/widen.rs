//! The narrowest type that holds the values of two.
use crate::types::{name::Vendor, oid};

/// Decimal digits that every value of an integer type fits in.
fn digits(oid: u32) -> Option<i32> {
    match oid {
        oid::INT2 => Some(5),
        oid::INT4 => Some(10),
        oid::INT8 => Some(19),
        _ => None,
    }
}

/// The type that a column gets so that it holds what it holds and what a new one would; `None`
/// where something would be lost.
pub(crate) fn join(old: &Vendor, new: &Vendor) -> Option<Vendor> {
    if old == new {
        return Some(old.clone());
    }
    if old.array != new.array {
        return None;
    }
    let mut joined = match (old.oid, new.oid) {
        (a, b) if a == b => with_arguments(a, larger(old, new)?),
        (a, b) if digits(a).is_some() && digits(b).is_some() => {
            Vendor::plain(if digits(a) > digits(b) { a } else { b })
        }
        (a, oid::NUMERIC) if digits(a).is_some() => with_integer(new, digits(a)?),
        (oid::NUMERIC, b) if digits(b).is_some() => with_integer(old, digits(b)?),
        // Floats hold the integers that have no more digits than their mantissa.
        (oid::FLOAT4, oid::INT2) | (oid::INT2, oid::FLOAT4) => Vendor::plain(oid::FLOAT4),
        (oid::FLOAT4, oid::INT4 | oid::FLOAT8)
        | (oid::FLOAT8, oid::INT2 | oid::INT4 | oid::FLOAT4)
        | (oid::INT2 | oid::INT4, oid::FLOAT8)
        | (oid::INT4, oid::FLOAT4) => Vendor::plain(oid::FLOAT8),
        (oid::TEXT, oid::VARCHAR) | (oid::VARCHAR, oid::TEXT) => Vendor::plain(oid::TEXT),
        (oid::JSON, oid::JSONB) | (oid::JSONB, oid::JSON) => Vendor::plain(oid::JSON),
        (oid::BIT, oid::VARBIT) | (oid::VARBIT, oid::BIT) => Vendor::plain(oid::VARBIT),
        _ => return None,
    };
    joined.array = old.array;
    Some(joined)
}

fn with_arguments(oid: u32, arguments: Vec<i32>) -> Vendor {
    Vendor {
        arguments,
        ..Vendor::plain(oid)
    }
}

/// The arguments of a type that holds two of the same name; none is the largest.
fn larger(old: &Vendor, new: &Vendor) -> Option<Vec<i32>> {
    let (a, b) = (old.arguments.as_slice(), new.arguments.as_slice());
    Some(match old.oid {
        // Blanks fill the one up, and bits cannot be added.
        oid::BPCHAR | oid::BIT => return (a == b).then(|| a.to_vec()),
        _ if a.is_empty() || b.is_empty() => Vec::new(),
        oid::NUMERIC => {
            let ((p, s), (q, t)) = (decimal(a), decimal(b));
            let scale = s.max(t);
            numeric((p - s).max(q - t), scale)
        }
        _ => vec![*a.first().max(b.first())?],
    })
}

/// Precision and scale.
fn decimal(arguments: &[i32]) -> (i32, i32) {
    match arguments {
        [precision, scale, ..] => (*precision, *scale),
        [precision] => (*precision, 0),
        [] => (0, 0),
    }
}

fn numeric(whole: i32, scale: i32) -> Vec<i32> {
    match whole.max(0) + scale {
        precision @ 1..=1_000 => vec![precision, scale],
        _ => Vec::new(),
    }
}

fn with_integer(of: &Vendor, digits: i32) -> Vendor {
    if of.arguments.is_empty() {
        return Vendor::plain(oid::NUMERIC);
    }
    let (precision, scale) = decimal(&of.arguments);
    let arguments = numeric((precision - scale).max(digits), scale.max(0));
    with_arguments(oid::NUMERIC, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_holds_both_or_there_is_none() {
        for (old, new, expected) in [
            ("smallint", "bigint", Some("bigint")),
            ("bigint", "smallint", Some("bigint")),
            ("integer", "numeric(12,2)", Some("numeric(12,2)")),
            ("bigint", "numeric(12,2)", Some("numeric(21,2)")),
            ("numeric(12,2)", "numeric(10,4)", Some("numeric(14,4)")),
            ("numeric(12,2)", "numeric", Some("numeric")),
            ("numeric(900,2)", "numeric(900,300)", Some("numeric")),
            ("real", "double precision", Some("double precision")),
            ("integer", "real", Some("double precision")),
            ("smallint", "real", Some("real")),
            ("bigint", "double precision", None),
            ("numeric(3,1)", "double precision", None),
            (
                "character varying(5)",
                "character varying(9)",
                Some("character varying(9)"),
            ),
            ("character varying(5)", "text", Some("text")),
            ("text", "character varying(9)", Some("text")),
            ("character(5)", "character(9)", None),
            ("character(5)", "text", None),
            (
                "time(3) without time zone",
                "time without time zone",
                Some("time without time zone"),
            ),
            (
                "timestamp(0) with time zone",
                "timestamp(3) with time zone",
                Some("timestamp(3) with time zone"),
            ),
            (
                "timestamp without time zone",
                "timestamp with time zone",
                None,
            ),
            ("json", "jsonb", Some("json")),
            ("integer[]", "bigint[]", Some("bigint[]")),
            ("integer", "bigint[]", None),
            ("date", "timestamp without time zone", None),
            ("boolean", "integer", None),
        ] {
            let of = |text| Vendor::parse(text).unwrap();
            let joined = join(&of(old), &of(new)).map(|joined| joined.text());
            assert_eq!(joined.as_deref(), expected, "{old} and {new}");
        }
    }
}
