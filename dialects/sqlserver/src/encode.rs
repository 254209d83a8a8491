//! How a column of records goes into a column of a table: chosen once when the write is planned.
//!
//! G6: where the server would change a value without a word (places of a decimal, fractions of a
//! second, characters of a code page, zeros behind short bytes) the form refuses it.
pub(crate) mod cell;
use crate::types::{Base, Declared, collation::CodePage};
use connect_api::Kind;
use dialect_core::Column;

/// How the cells of a column of records become values of the staged type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Booleans, 0 and 1.
    Bit,
    /// Whole numbers and spans of time in a type of so many bytes; that of one has no sign.
    Integer {
        bytes: u8,
    },
    /// Numbers, and text that is one.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Real,
    Float,
    /// Text of every kind.
    Text {
        limit: Limit,
    },
    /// Bytes of at most so many, or of exactly so many.
    Bytes {
        limit: Option<u16>,
        exactly: bool,
    },
    /// WKB with its reference system in front, the given one where the value has none.
    Spatial {
        default: i32,
    },
    Uuid,
    Date,
    /// Times of the day in a column of so many digits, staged with seven.
    Time {
        digits: u8,
    },
    DateTime2 {
        digits: u8,
    },
    DateTime,
    SmallDateTime,
    /// Instants in a column of so many digits, staged with seven.
    Offset {
        digits: u8,
    },
}

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    /// Units of UTF-16.
    Units(u16),
    /// Bytes of a code page; `None` without a bound.
    Bytes(CodePage, Option<u16>),
}

/// How one column is written.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) form: Form,
    pub(crate) nullable: bool,
    /// The kind of what has several parts.
    pub(crate) parts: Option<Kind>,
    /// A value may be longer than a bulk load takes.
    pub(crate) long: bool,
}

impl Encoder {
    /// The encoder of cells of `kind` into `column`; `None` where some values would be changed, or
    /// refused whatever they are. A column of the key never takes NULL.
    pub(crate) fn new(
        kind: &Kind,
        column: &Column,
        declared: &Declared,
        in_key: bool,
    ) -> Option<Self> {
        column.kind.as_ref()?;
        Some(Self {
            form: form(kind, declared)?,
            nullable: column.nullable && !in_key,
            parts: has_parts(kind).then(|| kind.clone()),
            long: declared.is_staged_long(),
        })
    }
}

fn is_integer(kind: &Kind) -> bool {
    is_small(kind)
        || matches!(
            kind,
            Kind::Int32 | Kind::UInt32 | Kind::Int64 | Kind::UInt64
        )
}

/// Whole numbers that every float of 32 bits holds.
fn is_small(kind: &Kind) -> bool {
    matches!(kind, Kind::Int8 | Kind::Int16 | Kind::UInt8 | Kind::UInt16)
}

/// Kinds of several parts, which are written as JSON or ISO 8601 text.
fn has_parts(kind: &Kind) -> bool {
    is_json(kind) || *kind == Kind::Interval
}

/// Kinds of several parts that are written as JSON text.
fn is_json(kind: &Kind) -> bool {
    matches!(kind, Kind::List(_) | Kind::Struct(_) | Kind::Map(_))
}

/// Kinds that are written as text where the column is text.
fn has_text(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Text
            | Kind::Json
            | Kind::BigDecimal
            | Kind::Decimal { .. }
            | Kind::WideDecimal { .. }
            | Kind::Uuid
    ) || has_parts(kind)
}

fn form(kind: &Kind, declared: &Declared) -> Option<Form> {
    let number = is_integer(kind) || matches!(kind, Kind::Bool | Kind::Duration);
    Some(match declared.base {
        Base::Bit if is_integer(kind) || *kind == Kind::Bool => Form::Bit,
        Base::TinyInt if number => Form::Integer { bytes: 1 },
        Base::SmallInt if number => Form::Integer { bytes: 2 },
        Base::Int if number => Form::Integer { bytes: 4 },
        Base::BigInt if number => Form::Integer { bytes: 8 },
        // A number without places.
        Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => match kind {
            Kind::Decimal { scale: ..=0, .. } => Form::Integer {
                bytes: match declared.base {
                    Base::TinyInt => 1,
                    Base::SmallInt => 2,
                    Base::Int => 4,
                    _ => 8,
                },
            },
            _ => return None,
        },
        Base::Decimal | Base::Numeric | Base::Money | Base::SmallMoney => {
            let (precision, scale) = declared.decimal()?;
            let exact = matches!(
                kind,
                Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal
            );
            if !exact && !is_integer(kind) {
                return None;
            }
            Form::Decimal {
                precision,
                scale: u8::try_from(scale).ok()?,
            }
        }
        Base::Real if is_small(kind) || matches!(kind, Kind::Float32 | Kind::Float64) => Form::Real,
        Base::Float
            if is_small(kind)
                || matches!(
                    kind,
                    Kind::Int32 | Kind::UInt32 | Kind::Float32 | Kind::Float64
                ) =>
        {
            Form::Float
        }
        Base::Char | Base::VarChar | Base::Text if has_text(kind) => Form::Text {
            limit: Limit::Bytes(
                declared.code_page().unwrap_or(CodePage::Unknown),
                declared.length(),
            ),
        },
        Base::NChar | Base::NVarChar | Base::SysName if has_text(kind) => Form::Text {
            limit: declared.length().map_or(Limit::None, Limit::Units),
        },
        Base::NText if has_text(kind) => Form::Text { limit: Limit::None },
        Base::Variant if has_text(kind) => Form::Text {
            limit: Limit::Units(4_000),
        },
        Base::Xml if *kind == Kind::Text => Form::Text { limit: Limit::None },
        Base::Json if matches!(kind, Kind::Json | Kind::Text) || is_json(kind) => {
            Form::Text { limit: Limit::None }
        }
        Base::Vector if matches!(kind, Kind::Json | Kind::Text | Kind::List(_)) => {
            Form::Text { limit: Limit::None }
        }
        Base::Binary if *kind == Kind::Uuid && declared.length() == Some(16) => Form::Bytes {
            limit: Some(16),
            exactly: true,
        },
        Base::VarBinary
            if *kind == Kind::Uuid && declared.length().is_none_or(|length| length >= 16) =>
        {
            Form::Bytes {
                limit: None,
                exactly: false,
            }
        }
        Base::Binary | Base::VarBinary | Base::Image if *kind == Kind::Bytes => Form::Bytes {
            limit: declared.length(),
            exactly: declared.base == Base::Binary,
        },
        Base::HierarchyId if *kind == Kind::Bytes => Form::Bytes {
            limit: Some(892),
            exactly: false,
        },
        // It is met in the keys of updates alone: it cannot be written.
        Base::RowVersion if *kind == Kind::Bytes => Form::Bytes {
            limit: Some(8),
            exactly: true,
        },
        Base::Geometry if *kind == Kind::Bytes => Form::Spatial { default: 0 },
        // WGS 84.
        Base::Geography if *kind == Kind::Bytes => Form::Spatial { default: 4_326 },
        Base::UniqueIdentifier if matches!(kind, Kind::Uuid | Kind::Text) => Form::Uuid,
        Base::Date if *kind == Kind::Date => Form::Date,
        Base::Time if matches!(kind, Kind::Time | Kind::TimeNanos) => Form::Time {
            digits: declared.digits(),
        },
        // A wall clock's reading; an instant is one of UTC.
        Base::DateTime2 if matches!(kind, Kind::Timestamp { .. } | Kind::Date) => Form::DateTime2 {
            digits: declared.digits(),
        },
        Base::DateTime if matches!(kind, Kind::Timestamp { .. } | Kind::Date) => Form::DateTime,
        Base::SmallDateTime if matches!(kind, Kind::Timestamp { .. } | Kind::Date) => {
            Form::SmallDateTime
        }
        Base::DateTimeOffset
            if matches!(kind, Kind::Timestamp { utc: true } | Kind::OffsetTimestamp) =>
        {
            Form::Offset {
                digits: declared.digits(),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
