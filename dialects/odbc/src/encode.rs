//! Arrow columns into what is bound to a driver's statement.
pub(crate) mod stage;

pub(crate) use stage::{Staged, stage};

use crate::{server::Profile, types::Declared};
use connect_api::Kind;
use dialect_core::{Column, ValueError};
use odbc_api::DataType;

pub(crate) const IS_NULL: ValueError = ValueError("is NULL, and the column is NOT NULL");
const OUT_OF_RANGE: ValueError = ValueError("is out of its column's range");
const TOO_LONG: ValueError = ValueError("is longer than its column");
const HOLDS_NUL: ValueError =
    ValueError("holds the character U+0000, which does not pass the driver");
const NOT_FINITE: ValueError = ValueError("is not finite, which the database's floats are");
const INEXACT: ValueError = ValueError("is finer than a float of 32 bits");
const TOO_PRECISE: ValueError = ValueError("has more digits of a second than its column");
const BEYOND_YEARS: ValueError = ValueError("lies outside the years that the database has");
const BEYOND_DAY: ValueError = ValueError("is not a time of a day");
const BEYOND_TIME: ValueError = ValueError("lies outside -838:59:59 to 838:59:59");

/// How the cells of a column are bound: chosen once a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Encoder {
    pub(crate) form: Form,
    /// NULL is refused.
    pub(crate) not_null: bool,
    pub(crate) profile: Profile,
    /// The type that is declared to the driver for a text.
    pub(crate) sql_type: SqlType,
}

/// What is bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// A number of 64 bits within bounds.
    Int {
        least: i64,
        greatest: i64,
    },
    /// A float; one of 32 bits where `single`.
    Float {
        single: bool,
    },
    /// A float as text.
    FloatText {
        single: bool,
    },
    /// Decimal digits: so many, so many of them after the point; any number of them.
    Decimal(Option<(u8, i8)>),
    /// Text of so many characters at most.
    Text {
        longest: Option<u32>,
    },
    /// JSON of lists, structs and maps, ISO 8601 of intervals, of so many characters at most.
    Parts {
        longest: Option<u32>,
    },
    Bytes {
        longest: Option<u32>,
    },
    UuidText,
    UuidBytes,
    Date,
    /// With so many digits of a second.
    Time(u32),
    Timestamp {
        digits: u32,
        zone: bool,
    },
    Offset {
        digits: u32,
    },
    /// Hours, minutes, seconds; `clock`: within the bounds of MySQL's TIME.
    Span {
        digits: u32,
        clock: bool,
    },
    /// Microseconds.
    Micros,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SqlType {
    Text,
    Decimal(u8, i8),
    Date,
    Time,
    Timestamp,
}

impl Encoder {
    /// The way from `kind` into `column`; `None` where values would change.
    pub(crate) fn choose(profile: Profile, kind: &Kind, column: &Column) -> Option<Self> {
        let (form, sql_type) = Self::form(profile, kind, column)?;
        let not_null = !column.nullable && !column.auto_increment;
        // The known databases read every literal; for others the type of a text is declared.
        let known = profile.has_upsert() || profile == Profile::SqlServer;
        Some(Self {
            form,
            not_null,
            profile,
            sql_type: if known { SqlType::Text } else { sql_type },
        })
    }

    fn form(profile: Profile, kind: &Kind, column: &Column) -> Option<(Form, SqlType)> {
        use Kind::{
            BigDecimal, Bool, Bytes, Date, Decimal, Duration, Float32, Float64, Int8, Int16, Int32,
            Int64, Interval, Json, List, Map, OffsetTimestamp, Struct, Text, Time, TimeNanos,
            Timestamp, UInt8, UInt16, UInt32, UInt64, Uuid, WideDecimal,
        };
        let integer = matches!(
            kind,
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64
        );
        let int = |least: i64, greatest: i64| {
            (integer || *kind == Bool).then_some((Form::Int { least, greatest }, SqlType::Text))
        };
        let number = integer || matches!(kind, Decimal { .. } | WideDecimal { .. } | BigDecimal);
        let digits = digits_of(profile, column);
        let text = |form| Some((form, SqlType::Text));
        let float = |single: bool| {
            let fits = match kind {
                Float32 | Float64 | Int8 | Int16 | UInt8 | UInt16 => true,
                Int32 | UInt32 => !single,
                _ => false,
            };
            let form = if profile == Profile::Postgres {
                Form::FloatText { single }
            } else {
                Form::Float { single }
            };
            fits.then_some((form, SqlType::Text))
        };
        let zoned = profile == Profile::Postgres
            || profile == Profile::Sqlite
            || profile == Profile::SqlServer;
        match (column.kind.as_ref()?, kind) {
            // PostgreSQL has no cast of a number of 64 bits.
            (Bool, Bool) if profile == Profile::Postgres => text(Form::Text { longest: None }),
            (Bool, _) if profile == Profile::Postgres => None,
            (Bool, _) => int(0, 1),
            (Int64, Duration) => text(Form::Micros),
            (Int8, _) => int(i8::MIN.into(), i8::MAX.into()),
            (Int16, _) => int(i16::MIN.into(), i16::MAX.into()),
            (Int32, _) => int(i32::MIN.into(), i32::MAX.into()),
            (Int64, _) => int(i64::MIN, i64::MAX),
            (UInt8, _) => int(0, u8::MAX.into()),
            (UInt16, _) => int(0, u16::MAX.into()),
            (UInt32, _) => int(0, u32::MAX.into()),
            (UInt64, _) if integer => Some((Form::Decimal(Some((20, 0))), SqlType::Decimal(20, 0))),
            (Float32, _) => float(true),
            (Float64, _) => float(false),
            (Decimal { precision, scale } | WideDecimal { precision, scale }, _) if number => {
                Some((
                    Form::Decimal(Some((*precision, *scale))),
                    SqlType::Decimal(*precision, *scale),
                ))
            }
            (BigDecimal, _) if number => text(Form::Decimal(None)),
            (Text, Text | Json | BigDecimal) => text(Form::Text {
                longest: column.length,
            }),
            (Text, Decimal { .. } | WideDecimal { .. } | UInt64) => text(Form::Decimal(None)),
            (Text | Uuid, Uuid) if !bytes_of_uuid(column) => text(Form::UuidText),
            (Text | Date, Date) => Some((Form::Date, SqlType::Date)),
            (Text | Time | TimeNanos, Time | TimeNanos) => {
                Some((Form::Time(digits), SqlType::Time))
            }
            (Text, Timestamp { utc }) => text(Form::Timestamp { digits, zone: *utc }),
            (Text, OffsetTimestamp)
            | (OffsetTimestamp, OffsetTimestamp | Timestamp { utc: true }) => {
                text(Form::Offset { digits })
            }
            (Timestamp { utc: true }, OffsetTimestamp) => text(Form::Timestamp {
                digits,
                zone: zoned,
            }),
            (Timestamp { utc }, Timestamp { utc: instant }) if utc == instant || !zoned => Some((
                Form::Timestamp {
                    digits,
                    zone: *utc && zoned,
                },
                SqlType::Timestamp,
            )),
            (Json, Json | Text) => text(Form::Text { longest: None }),
            (Json, List(_) | Struct(_) | Map(_)) => text(Form::Parts { longest: None }),
            (Text, List(_) | Struct(_) | Map(_) | Interval) => text(Form::Parts {
                longest: column.length,
            }),
            (Bytes, Bytes) => text(Form::Bytes {
                longest: column.length,
            }),
            (Bytes | Uuid, Uuid) => text(Form::UuidBytes),
            (Duration, Duration | Time | TimeNanos) => text(match profile {
                Profile::Postgres => Form::Span {
                    digits,
                    clock: false,
                },
                Profile::MySql { .. } => Form::Span {
                    digits,
                    clock: true,
                },
                _ => Form::Micros,
            }),
            _ => None,
        }
    }

    /// The ODBC type of a text of at most so many bytes.
    pub(crate) fn data_type(&self, longest: usize) -> DataType {
        let length = std::num::NonZeroUsize::new(longest.max(1));
        match self.sql_type {
            // Beyond this, drivers want the long types.
            SqlType::Text if longest > 4_000 => DataType::LongVarchar { length },
            SqlType::Text => DataType::Varchar { length },
            SqlType::Decimal(precision, scale) => DataType::Decimal {
                precision: precision.into(),
                scale: scale.into(),
            },
            SqlType::Date => DataType::Date,
            SqlType::Time => DataType::Time { precision: 6 },
            SqlType::Timestamp => DataType::Timestamp { precision: 6 },
        }
    }
}

/// Digits of a second that a column keeps.
pub(crate) fn digits_of(profile: Profile, column: &Column) -> u32 {
    let declared = Declared::parse(&column.vendor_type);
    let numbers = declared.map(|d| d.numbers).unwrap_or_default();
    match (numbers.first(), profile) {
        (Some(digits @ 0..=9), Profile::Postgres | Profile::MySql { .. } | Profile::SqlServer) => {
            digits.unsigned_abs()
        }
        (None, Profile::MySql { .. }) => 0,
        _ => 6,
    }
}

fn bytes_of_uuid(column: &Column) -> bool {
    let vendor = column.vendor_type.to_ascii_lowercase();
    vendor.contains("binary") || vendor.contains("raw")
}
