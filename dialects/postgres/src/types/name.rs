//! Names of types as `format_type` writes them, read by a closed grammar: they may come from
//! foreign messages, and are never pasted into SQL as they are.
use crate::types::{self, oid};
use std::fmt::Write as _;

/// The parts of an `interval` that a column may be limited to.
const FIELDS: [&str; 13] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "year to month",
    "day to hour",
    "day to minute",
    "day to second",
    "hour to minute",
    "hour to second",
    "minute to second",
];

/// A type that is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vendor {
    pub(crate) oid: u32,
    /// Length, or precision and scale; empty where there are none.
    pub(crate) arguments: Vec<i32>,
    /// Of an `interval`.
    pub(crate) fields: Option<&'static str>,
    pub(crate) array: bool,
}

impl Vendor {
    /// A type without length, precision and scale.
    pub(crate) fn plain(oid: u32) -> Self {
        Self {
            oid,
            arguments: Vec::new(),
            fields: None,
            array: false,
        }
    }

    /// Reads e.g. `numeric(12,2)[]`; `None` for what is not built in, or not in its limits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (text, array) = match text.strip_suffix("[]") {
            Some(element) => (element, true),
            None => (text, false),
        };
        let (name, arguments) = match text.split_once('(') {
            Some((head, rest)) => {
                let (arguments, tail) = rest.split_once(')')?;
                (format!("{head}{tail}"), Some(arguments))
            }
            None => (text.to_owned(), None),
        };
        let arguments: Vec<i32> = match arguments {
            Some(list) => list
                .split(',')
                .map(|n| n.parse().ok())
                .collect::<Option<_>>()?,
            None => Vec::new(),
        };
        let mut fields = None;
        let oid = match name.strip_prefix("interval ") {
            Some(given) => {
                fields = Some(*FIELDS.iter().find(|f| **f == given)?);
                oid::INTERVAL
            }
            None if name == "bpchar" => oid::BPCHAR,
            None => types::named(&name)?,
        };
        let vendor = Self {
            oid,
            arguments,
            fields,
            array,
        };
        vendor.in_limits().then_some(vendor)
    }

    fn in_limits(&self) -> bool {
        match (self.oid, self.arguments.as_slice()) {
            (_, []) => true,
            (oid::NUMERIC, [precision]) => (1..=1_000).contains(precision),
            (oid::NUMERIC, [precision, scale]) => {
                (1..=1_000).contains(precision) && (-1_000..=1_000).contains(scale)
            }
            (oid::BPCHAR | oid::VARCHAR, [length]) => (1..=10_485_760).contains(length),
            (oid::BIT | oid::VARBIT, [length]) => (1..=83_886_080).contains(length),
            (
                oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL,
                [digits],
            ) => (0..=6).contains(digits),
            _ => false,
        }
    }

    /// The type as SQL.
    pub(crate) fn text(&self) -> String {
        let bpchar = self.oid == oid::BPCHAR && self.arguments.is_empty();
        let name = match types::name(self.oid) {
            // `character` alone would mean one of them.
            _ if bpchar => "bpchar",
            Some(name) => name,
            None => "text",
        };
        let mut arguments = String::new();
        for (i, argument) in self.arguments.iter().enumerate() {
            let before = if i == 0 { '(' } else { ',' };
            arguments.push(before);
            // Writing to a String does not fail.
            write!(arguments, "{argument}").unwrap_or_default();
        }
        if !arguments.is_empty() {
            arguments.push(')');
        }
        let mut text = match name.split_once(" with") {
            Some((head, zone)) => format!("{head}{arguments} with{zone}"),
            None => match self.fields {
                Some(fields) => format!("{name} {fields}{arguments}"),
                None => format!("{name}{arguments}"),
            },
        };
        if self.array {
            text.push_str("[]");
        }
        text
    }

    /// The type that values are cast to on their way into such a column: without length, precision
    /// and scale, which would cut and round.
    pub(crate) fn uncut(&self) -> String {
        let oid = match self.oid {
            // `bit` alone would mean one of them.
            oid::BIT => oid::VARBIT,
            oid => oid,
        };
        let array = self.array;
        Self {
            array,
            ..Self::plain(oid)
        }
        .text()
    }

    /// The type of the elements, where it is an array.
    pub(crate) fn element(&self) -> Option<Self> {
        self.array.then(|| Self {
            array: false,
            ..self.clone()
        })
    }

    /// `pg_attribute.atttypmod`, where it matters to the kind.
    pub(crate) fn typmod(&self) -> i32 {
        match (self.oid, self.arguments.as_slice()) {
            (oid::NUMERIC, [precision]) => (precision << 16) + 4,
            (oid::NUMERIC, [precision, scale]) => ((precision << 16) | (scale & 0x7ff)) + 4,
            (oid::BPCHAR | oid::VARCHAR, [length]) => length + 4,
            (oid::BIT, [length]) => *length,
            // `bit` is `bit(1)`.
            (oid::BIT, []) => 1,
            _ => -1,
        }
    }

    /// The least step of a time of this type, in microseconds.
    pub(crate) fn step(&self) -> i64 {
        10i64.pow(6 - self.digits())
    }

    /// Digits after the second of a time of this type.
    pub(crate) fn digits(&self) -> u32 {
        let digits = self.arguments.first().and_then(|d| u32::try_from(*d).ok());
        digits.unwrap_or(6).min(6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_are_written_as_they_are_read() {
        for text in [
            "bigint",
            "integer[]",
            "numeric(12,2)",
            "numeric(3,-2)[]",
            "numeric",
            "character varying(7)",
            "character(3)",
            "bpchar",
            "\"char\"",
            "bit(3)",
            "bit varying(5)",
            "time(3) without time zone",
            "timestamp with time zone",
            "timestamp(0) with time zone[]",
            "interval",
            "interval(3)",
            "interval day to second(3)",
            "interval year",
            "double precision",
            "money",
            "int8multirange",
        ] {
            let vendor = Vendor::parse(text).unwrap();
            assert_eq!(vendor.text(), text);
        }
    }

    #[test]
    fn what_is_not_built_in_is_not_read() {
        for text in [
            "",
            "mood",
            "shop.mood",
            "text; DROP TABLE t",
            "text) --",
            "numeric(12,2); DROP TABLE t",
            "numeric(2000)",
            "numeric(1,2,3)",
            "character(0)",
            "character varying(9999999999)",
            "integer(4)",
            "interval day to fortnight",
            "time(9) without time zone",
            "integer[][]",
            "varchar(7)",
            "geometry(Point,4326)",
        ] {
            assert_eq!(Vendor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn casts_neither_cut_nor_round() {
        for (text, uncut) in [
            ("character varying(16)", "character varying"),
            ("character(4)", "bpchar"),
            ("numeric(12,2)[]", "numeric[]"),
            ("time(3) without time zone", "time without time zone"),
            ("interval day to second(3)", "interval"),
            ("bit(3)", "bit varying"),
        ] {
            assert_eq!(Vendor::parse(text).unwrap().uncut(), uncut);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_of_the_grammar(text in "[a-z\" ]{0,20}(\\([0-9,-]{0,8}\\))?[a-z \\[\\];]{0,12}") {
            if let Some(vendor) = Vendor::parse(&text) {
                prop_assert_eq!(Vendor::parse(&vendor.text()), Some(vendor));
            }
        }
    }
}
