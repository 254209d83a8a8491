//! Declared types of columns: what SQLite makes of them, and what we do.
pub(crate) mod cell;
pub(crate) mod dates;
pub(crate) mod decimal;
pub(crate) mod recreate;

pub(crate) use recreate::recreated;

use connect_api::Kind;
use dialect_core::{
    NumericMapping, SqliteDates, SqliteTyping, UnknownTypes, Unrepresentable, ValueOptions,
};

/// The kind of database, as its URLs name it.
pub(crate) const VENDOR: &str = "sqlite";

/// Extension of columns whose cells are read as text, whatever they are.
pub(crate) const ANY: &str = "connect.any";
/// Extension of columns that are read as text because the user asked for that.
pub(crate) const AS_TEXT: &str = "connect.text";
/// What a column without a declared type is called.
pub(crate) const NO_TYPE: &str = "without a type";

/// What SQLite turns values into when they are stored
/// (<https://sqlite.org/datatype3.html#determination_of_column_affinity>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// In which form dates and times stand in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// ISO text in the one form that is written: the order of text is that of time.
    Canonical,
    /// ISO text in whichever form its writer chose.
    Iso,
    /// Seconds since 1970-01-01.
    Unix,
    /// Julian days.
    Julian,
}

/// A declared type, taken apart: `DECIMAL(12,2)` is `DECIMAL` with 12 and 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// In capitals, words separated by one blank.
    name: String,
    numbers: Vec<u32>,
}

/// What a column of a type is described as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) kind: Option<Kind>,
    pub(crate) extension: Option<&'static str>,
}

impl Declared {
    pub(crate) fn parse(text: &str) -> Self {
        let text = if text == NO_TYPE { "" } else { text };
        let (before, rest) = text.split_once('(').unwrap_or((text, ""));
        let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
        let words: Vec<_> = before
            .split_whitespace()
            .chain(after.split_whitespace())
            .map(str::to_ascii_uppercase)
            .collect();
        let numbers = inside
            .split(',')
            .map(|n| n.trim().parse())
            .collect::<Result<_, _>>();
        Self {
            name: words.join(" "),
            // What is not a number says nothing to us, as it says nothing to SQLite.
            numbers: numbers.unwrap_or_default(),
        }
    }

    /// The affinity, by SQLite's five rules in their order.
    pub(crate) fn affinity(&self) -> Affinity {
        let has = |part: &str| self.name.contains(part);
        if has("INT") {
            Affinity::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Affinity::Text
        } else if has("BLOB") || self.name.is_empty() {
            Affinity::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// Text stays text in a column of this type.
    pub(crate) fn keeps_text(&self) -> bool {
        matches!(self.affinity(), Affinity::Text | Affinity::Blob)
    }

    /// The declared length of text.
    pub(crate) fn length(&self) -> Option<u32> {
        match (
            self.affinity(),
            &self.numbers[..],
            self.name.ends_with("_TEXT"),
        ) {
            (Affinity::Text, [length], false) => Some(*length),
            _ => None,
        }
    }

    /// What a column of this type holds: the table of types. Names first, affinity after.
    /// `DECIMAL_TEXT(12,2)`, `TIMESTAMP_TEXT` and the like are those that
    /// [`column_type`](dialect_core::Syntax::column_type) makes. `None` where nobody can know: any
    /// of the five storage classes.
    pub(crate) fn kind(&self, values: &ValueOptions) -> Option<Kind> {
        let dated = |kind| match values.sqlite_dates {
            SqliteDates::Iso | SqliteDates::Unix | SqliteDates::Julian => kind,
            SqliteDates::Text => Kind::Text,
        };
        Some(match (&*self.name, self.affinity()) {
            ("BOOLEAN" | "BOOL", _) => Kind::Bool,
            ("DURATION_INTEGER", _) => Kind::Duration,
            ("INTEGER" | "INT" | "BIGINT", _) => Kind::Int64,
            ("REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT", _) => Kind::Float64,
            ("NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "DECIMAL_TEXT", _) => {
                self.decimal(values.numeric_mapping)
            }
            ("DATE", _) => dated(Kind::Date),
            ("TIME", _) => dated(Kind::Time),
            ("DATETIME" | "TIMESTAMP", _) => dated(Kind::Timestamp { utc: false }),
            ("TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE", _) => dated(Kind::Timestamp { utc: true }),
            ("DATE_TEXT", _) => Kind::Date,
            ("TIME_TEXT", _) if self.numbers == [9] => Kind::TimeNanos,
            ("TIME_TEXT", _) => Kind::Time,
            ("TIMESTAMP_TEXT", _) => Kind::Timestamp { utc: false },
            ("TIMESTAMPTZ_TEXT", _) => Kind::Timestamp { utc: true },
            ("TIMESTAMP_OFFSET_TEXT", _) => Kind::OffsetTimestamp,
            ("JSON" | "JSON_TEXT", _) => Kind::Json,
            ("UUID" | "GUID" | "UUID_BLOB", _) => Kind::Uuid,
            ("", _) => return None,
            (_, Affinity::Integer) => Kind::Int64,
            (_, Affinity::Text) => Kind::Text,
            (_, Affinity::Blob) => Kind::Bytes,
            (_, Affinity::Real) => Kind::Float64,
            (_, Affinity::Numeric) => return None,
        })
    }

    /// How a column of this type is described, given what the user wants. `certain`: SQLite itself
    /// sees to it that its cells are of its type.
    pub(crate) fn described(&self, values: &ValueOptions, certain: bool) -> Described {
        let text = |extension| Described {
            kind: Some(Kind::Text),
            extension: Some(extension),
        };
        let Some(kind) = self.kind(values) else {
            let unknown = !self.name.is_empty() && self.name != "ANY";
            return if unknown && values.unknown_types == UnknownTypes::Fail {
                Described {
                    kind: None,
                    extension: None,
                }
            } else {
                text(ANY)
            };
        };
        let by_name = matches!(
            kind,
            Kind::Bool
                | Kind::Decimal { .. }
                | Kind::WideDecimal { .. }
                | Kind::Uuid
                | Kind::Date
                | Kind::Time
                | Kind::Timestamp { .. }
        );
        let wanted = values.sqlite_typing == SqliteTyping::Text
            || (values.unrepresentable == Unrepresentable::Text && by_name);
        if wanted && !certain {
            return text(AS_TEXT);
        }
        Described {
            kind: Some(kind),
            extension: None,
        }
    }

    fn decimal(&self, unbounded: NumericMapping) -> Kind {
        let (precision, scale) = match self.numbers[..] {
            [precision] => (precision, 0),
            [precision, scale] => (precision, scale),
            _ => (0, 0),
        };
        match (u8::try_from(precision), i8::try_from(scale), unbounded) {
            (Ok(precision @ 1..=76), Ok(places), _) if scale <= u32::from(precision) => {
                exact(precision, places)
            }
            (.., NumericMapping::Decimal { precision, scale }) if self.name != "DECIMAL_TEXT" => {
                exact(precision, scale)
            }
            _ => Kind::BigDecimal,
        }
    }

    /// UUIDs stand here as text or as 16 bytes, whoever wrote them.
    pub(crate) fn is_mixed_uuid(&self) -> bool {
        matches!(&*self.name, "UUID" | "GUID")
    }

    /// The form of dates and times in a column of this type.
    pub(crate) fn storage(&self, dates: SqliteDates) -> Storage {
        match dates {
            _ if self.name.ends_with("_TEXT") => Storage::Canonical,
            SqliteDates::Text | SqliteDates::Iso => Storage::Iso,
            SqliteDates::Unix => Storage::Unix,
            SqliteDates::Julian => Storage::Julian,
        }
    }
}

/// The kind of decimals of so many digits.
fn exact(precision: u8, scale: i8) -> Kind {
    if precision <= 38 {
        Kind::Decimal { precision, scale }
    } else {
        Kind::WideDecimal { precision, scale }
    }
}

#[cfg(test)]
mod tests;
