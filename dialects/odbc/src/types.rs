//! Declared types: their names in each database, and the kinds they map to.
//!
//! One table a database, in the order of the page on types: [`postgres`], [`mysql`], [`sqlite`];
//! [`standard`] is by ODBC's own numbers, for every other database and for queries.
mod mysql;
mod postgres;
mod sqlite;
mod standard;

pub(crate) use {mysql::mysql, postgres::postgres, sqlite::sqlite, standard::standard};

use crate::server::Profile;
use connect_api::Kind;
use dialect_core::{NumericMapping, UnknownTypes, Unrepresentable, ValueOptions};

/// A type's name, taken apart: `timestamp(3) without time zone` is `timestamp without time zone`
/// with 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// In small letters, words separated by one blank.
    pub(crate) name: String,
    pub(crate) numbers: Vec<i32>,
}

impl Declared {
    /// `None` where the text has anything but words, and numbers in one pair of brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (before, rest) = match text.split_once('(') {
            Some((before, rest)) => (before, Some(rest)),
            None => (text, None),
        };
        let (inside, after) = match rest {
            Some(rest) => {
                let (inside, after) = rest.split_once(')')?;
                (Some(inside), after)
            }
            None => (None, ""),
        };
        let words: Vec<_> = before
            .split_whitespace()
            .chain(after.split_whitespace())
            .map(str::to_ascii_lowercase)
            .collect();
        let plain = |word: &String| {
            word.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if words.is_empty() || !words.iter().all(plain) {
            return None;
        }
        let numbers = inside.map_or(Ok(Vec::new()), |inside| {
            inside.split(',').map(|n| n.trim().parse()).collect()
        });
        Some(Self {
            name: words.join(" "),
            numbers: numbers.ok()?,
        })
    }

    /// The first number, where it is the only one.
    pub(crate) fn length(&self) -> Option<u32> {
        match self.numbers[..] {
            [length] => u32::try_from(length).ok(),
            _ => None,
        }
    }

    /// The type as SQL: words and numbers alone, whatever the text was.
    pub(crate) fn render(&self) -> String {
        if self.numbers.is_empty() {
            return self.name.clone();
        }
        let numbers: Vec<_> = self.numbers.iter().map(i32::to_string).collect();
        let numbers = format!("({})", numbers.join(","));
        // Zones and signs follow the numbers, other words belong to the name.
        for tail in [
            " without time zone",
            " with time zone",
            " unsigned zerofill",
            " unsigned",
        ] {
            if let Some(name) = self.name.strip_suffix(tail) {
                return format!("{name}{numbers}{tail}");
            }
        }
        format!("{}{numbers}", self.name)
    }

    /// A decimal of the numbers, which may be missing.
    fn decimal(&self, default: Option<(i32, i32)>, values: &ValueOptions) -> Kind {
        let (precision, scale) = match (&self.numbers[..], default) {
            ([precision], _) => (*precision, 0),
            ([precision, scale], _) => (*precision, *scale),
            (_, Some(default)) => default,
            _ => return unbounded(values),
        };
        decimal_kind(precision, scale).unwrap_or(Kind::BigDecimal)
    }
}

/// A decimal of so many digits; `None` beyond what Arrow has.
fn decimal_kind(precision: i32, scale: i32) -> Option<Kind> {
    // More places than digits: all of them are digits to Arrow.
    let precision = u8::try_from(precision.max(scale)).ok()?;
    let scale = i8::try_from(scale).ok()?;
    match precision {
        1..=38 => Some(Kind::Decimal { precision, scale }),
        39..=76 => Some(Kind::WideDecimal { precision, scale }),
        _ => None,
    }
}

fn unbounded(values: &ValueOptions) -> Kind {
    match values.numeric_mapping {
        NumericMapping::Text => Kind::BigDecimal,
        NumericMapping::Decimal { precision, scale } => {
            decimal_kind(precision.into(), scale.into()).unwrap_or(Kind::BigDecimal)
        }
    }
}

/// A type that has values which its kind cannot represent: text, where the user asked for that.
fn partly(kind: Kind, values: &ValueOptions) -> Kind {
    match values.unrepresentable {
        Unrepresentable::Text => Kind::Text,
        Unrepresentable::Error | Unrepresentable::Null => kind,
    }
}

/// What becomes of a type that is not known.
pub(crate) fn unknown(values: &ValueOptions) -> Option<Kind> {
    match values.unknown_types {
        UnknownTypes::Text => Some(Kind::Text),
        UnknownTypes::Fail => None,
    }
}

/// The type of a column that a field of the same vendor came from, re-created from its parts;
/// `None` where the database here has no such type, or means something else by it. What stands in
/// the field may be of anybody.
pub(crate) fn recreated(
    profile: Profile,
    text: &str,
    kind: &Kind,
    values: &ValueOptions,
) -> Option<String> {
    let declared = Declared::parse(text)?;
    let means = match profile {
        Profile::Postgres => postgres(&declared, values)?,
        Profile::MySql { .. } => mysql(&declared, values)?,
        Profile::Sqlite => sqlite(&declared, values)?,
        Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => return None,
    };
    (means == *kind).then(|| declared.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_apart_and_put_together() {
        for (text, name, rendered) in [
            ("NUMERIC( 12 , 2 )", "numeric", "numeric(12,2)"),
            (
                "timestamp(3) without time zone",
                "timestamp without time zone",
                "timestamp(3) without time zone",
            ),
            (
                "interval day to second(6)",
                "interval day to second",
                "interval day to second(6)",
            ),
            ("int(10)  unsigned", "int unsigned", "int(10) unsigned"),
            (
                "character varying(5)",
                "character varying",
                "character varying(5)",
            ),
            ("double precision", "double precision", "double precision"),
            ("numeric(5,-2)", "numeric", "numeric(5,-2)"),
        ] {
            let declared = Declared::parse(text).unwrap();
            assert_eq!(
                (&*declared.name, declared.render()),
                (name, rendered.to_owned())
            );
        }
        for text in [
            "",
            "int; DROP TABLE t",
            "varchar(5",
            "enum('a')",
            "int)(",
            "a\"b",
            "(5)",
        ] {
            assert_eq!(Declared::parse(text), None, "{text}");
        }
    }

    #[test]
    fn foreign_types_are_re_created_only_where_they_mean_the_same() {
        let values = ValueOptions::default();
        let again = |profile, text, kind| recreated(profile, text, &kind, &values);
        let decimal = Kind::Decimal {
            precision: 12,
            scale: 2,
        };
        assert_eq!(
            again(Profile::Postgres, "numeric(12,2)", decimal.clone()).as_deref(),
            Some("numeric(12,2)")
        );
        assert_eq!(again(Profile::Postgres, "numeric(12,3)", decimal), None);
        assert_eq!(again(Profile::Postgres, "mood", Kind::Text), None);
        assert_eq!(
            again(Profile::Postgres, "text) ; DROP TABLE t; --", Kind::Text),
            None
        );
        let mysql = Profile::MySql { mariadb: true };
        assert_eq!(
            again(mysql, "int(10) unsigned", Kind::UInt32).as_deref(),
            Some("int(10) unsigned")
        );
        assert_eq!(
            again(
                mysql,
                "timestamp without time zone",
                Kind::Timestamp { utc: false }
            ),
            None
        );
    }
}
