//! Types of columns as SQL Server names them: what they hold, how they are read and written.
pub(crate) mod cast;
pub(crate) mod civil_time;
pub(crate) mod collation;
pub(crate) mod spatial;
use crate::types::collation::CodePage;
use connect_api::Kind;
use dialect_core::{Column, FineDigits, Unrepresentable, ValueOptions};
use std::fmt;

/// The name of this kind of database in metadata.
pub(crate) const VENDOR_NAME: &str = "sqlserver";

/// A type's name. Aliases and types of CLR assemblies of the user's are [`Base::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal,
    Numeric,
    Money,
    SmallMoney,
    Real,
    Float,
    Char,
    VarChar,
    Text,
    NChar,
    NVarChar,
    NText,
    Xml,
    SysName,
    Binary,
    VarBinary,
    Image,
    RowVersion,
    Date,
    Time,
    DateTime2,
    DateTime,
    SmallDateTime,
    DateTimeOffset,
    UniqueIdentifier,
    Variant,
    HierarchyId,
    Geography,
    Geometry,
    Json,
    Vector,
    Other,
}

/// What stands in brackets after a type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arguments {
    None,
    /// `(max)`.
    Max,
    /// `(n)`: a length, or digits after the second.
    One(u16),
    /// `(p,s)`.
    Two(u8, u8),
}

/// A declared type, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) base: Base,
    pub(crate) arguments: Arguments,
    /// Always given for `char`, `varchar` and `text`, whose code page it gives; of the other text
    /// types where it is not that of the database.
    pub(crate) collation: Option<String>,
}

/// Names of types, as they are written.
const NAMES: &[(&str, Base)] = &[
    ("bit", Base::Bit),
    ("tinyint", Base::TinyInt),
    ("smallint", Base::SmallInt),
    ("int", Base::Int),
    ("bigint", Base::BigInt),
    ("decimal", Base::Decimal),
    ("numeric", Base::Numeric),
    ("money", Base::Money),
    ("smallmoney", Base::SmallMoney),
    ("real", Base::Real),
    ("float", Base::Float),
    ("char", Base::Char),
    ("varchar", Base::VarChar),
    ("text", Base::Text),
    ("nchar", Base::NChar),
    ("nvarchar", Base::NVarChar),
    ("ntext", Base::NText),
    ("xml", Base::Xml),
    ("sysname", Base::SysName),
    ("binary", Base::Binary),
    ("varbinary", Base::VarBinary),
    ("image", Base::Image),
    ("rowversion", Base::RowVersion),
    ("timestamp", Base::RowVersion),
    ("date", Base::Date),
    ("time", Base::Time),
    ("datetime2", Base::DateTime2),
    ("datetime", Base::DateTime),
    ("smalldatetime", Base::SmallDateTime),
    ("datetimeoffset", Base::DateTimeOffset),
    ("uniqueidentifier", Base::UniqueIdentifier),
    ("sql_variant", Base::Variant),
    ("hierarchyid", Base::HierarchyId),
    ("geography", Base::Geography),
    ("geometry", Base::Geometry),
    ("json", Base::Json),
    ("vector", Base::Vector),
];

impl Base {
    fn name(self) -> &'static str {
        let known = NAMES.iter().find(|(_, base)| *base == self);
        known.map_or("", |(name, _)| name)
    }
}

/// The type of a column, as the catalogue reported it.
pub(crate) fn declared(column: &Column) -> Declared {
    Declared::parse(&column.vendor_type).unwrap_or(Declared {
        base: Base::Other,
        arguments: Arguments::None,
        collation: None,
    })
}

impl Declared {
    /// Takes a type apart; `None` where it is not written as one. A type that is not known is
    /// [`Base::Other`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (text, collation) = match text.split_once(" COLLATE ") {
            Some((text, name)) => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || !name.chars().all(word) {
                    return None;
                }
                (text, Some(name.to_owned()))
            }
            None => (text, None),
        };
        let (name, inner) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')')?)),
            None => (text, None),
        };
        let mut base = NAMES
            .iter()
            .find(|(known, _)| name.trim().eq_ignore_ascii_case(known))
            .map_or(Base::Other, |(_, base)| *base);
        if base == Base::Other {
            return Some(Self {
                base,
                arguments: Arguments::None,
                collation: None,
            });
        }
        let mut arguments = match inner.map(str::trim) {
            None => Arguments::None,
            Some(max) if max.eq_ignore_ascii_case("max") => Arguments::Max,
            Some(inner) => match inner.split_once(',') {
                Some((p, s)) => Arguments::Two(p.trim().parse().ok()?, s.trim().parse().ok()?),
                None => Arguments::One(inner.parse().ok()?),
            },
        };
        if base == Base::Float && matches!(arguments, Arguments::One(1..=24)) {
            (base, arguments) = (Base::Real, Arguments::None);
        }
        Some(Self {
            base,
            arguments,
            collation,
        })
    }

    /// Length in characters or bytes, where there is a bound.
    pub(crate) fn length(&self) -> Option<u16> {
        match (self.base, self.arguments) {
            (
                Base::Char
                | Base::VarChar
                | Base::NChar
                | Base::NVarChar
                | Base::Binary
                | Base::VarBinary,
                Arguments::One(n),
            ) => Some(n),
            (
                Base::Char
                | Base::VarChar
                | Base::NChar
                | Base::NVarChar
                | Base::Binary
                | Base::VarBinary,
                Arguments::None,
            ) => Some(1),
            (Base::SysName, _) => Some(128),
            _ => None,
        }
    }

    /// Digits after the second.
    pub(crate) fn digits(&self) -> u8 {
        match (self.base, self.arguments) {
            (_, Arguments::One(n)) => u8::try_from(n).unwrap_or(7).min(7),
            _ => 7,
        }
    }

    /// Precision and scale of a number that has them.
    pub(crate) fn decimal(&self) -> Option<(u8, i8)> {
        let scale = |s: u8| i8::try_from(s).ok();
        match (self.base, self.arguments) {
            (Base::Decimal | Base::Numeric, Arguments::None) => Some((18, 0)),
            (Base::Decimal | Base::Numeric, Arguments::One(p)) => Some((u8::try_from(p).ok()?, 0)),
            (Base::Decimal | Base::Numeric, Arguments::Two(p, s)) => Some((p, scale(s)?)),
            (Base::Money, _) => Some((19, 4)),
            (Base::SmallMoney, _) => Some((10, 4)),
            _ => None,
        }
    }

    /// The code page of text that is not UTF-16.
    pub(crate) fn code_page(&self) -> Option<CodePage> {
        let narrow = matches!(self.base, Base::Char | Base::VarChar | Base::Text);
        let collation = self.collation.as_deref();
        narrow.then(|| collation.map_or(CodePage::Unknown, CodePage::of))
    }

    /// It may have a seventh digit after the second, which is finer than a microsecond.
    pub(crate) fn is_fine(&self) -> bool {
        matches!(self.base, Base::DateTime2 | Base::DateTimeOffset) && self.digits() == 7
    }

    /// The kind of a column of the type, in the order of the reference of types; `None` where it
    /// is not supported.
    pub(crate) fn kind(&self, values: &ValueOptions) -> Option<Kind> {
        let as_text = match values.fine_digits {
            FineDigits::Text => true,
            FineDigits::Truncate => false,
            FineDigits::Error => values.unrepresentable == Unrepresentable::Text,
        };
        if self.is_fine() && as_text {
            return Some(Kind::Text);
        }
        Some(match self.base {
            Base::Bit => Kind::Bool,
            Base::TinyInt => Kind::UInt8,
            Base::SmallInt => Kind::Int16,
            Base::Int => Kind::Int32,
            Base::BigInt => Kind::Int64,
            Base::Decimal | Base::Numeric | Base::Money | Base::SmallMoney => {
                let (precision, scale) = self.decimal()?;
                Kind::Decimal { precision, scale }
            }
            Base::Real => Kind::Float32,
            Base::Float => Kind::Float64,
            Base::Char | Base::VarChar | Base::Text => Kind::Text,
            Base::NChar | Base::NVarChar | Base::NText | Base::Xml | Base::SysName => Kind::Text,
            Base::Binary | Base::VarBinary | Base::Image | Base::RowVersion => Kind::Bytes,
            Base::Date => Kind::Date,
            Base::Time if self.digits() == 7 => Kind::TimeNanos,
            Base::Time => Kind::Time,
            Base::DateTime2 | Base::DateTime | Base::SmallDateTime => {
                Kind::Timestamp { utc: false }
            }
            Base::DateTimeOffset => Kind::OffsetTimestamp,
            Base::UniqueIdentifier => Kind::Uuid,
            Base::Variant => Kind::Text,
            Base::HierarchyId | Base::Geography | Base::Geometry => Kind::Bytes,
            Base::Json | Base::Vector => Kind::Json,
            Base::Other => match values.unknown_types {
                dialect_core::UnknownTypes::Text => Kind::Text,
                dialect_core::UnknownTypes::Fail => return None,
            },
        })
    }

    /// The Arrow extension that describes it beyond the kind.
    pub(crate) fn extension(&self, kind: &Kind) -> Option<&'static str> {
        match self.base {
            Base::Geography | Base::Geometry => Some("geoarrow.wkb"),
            _ if self.is_fine() && *kind == Kind::Text => Some("connect.text"),
            _ => None,
        }
    }
}

/// As it is written in DDL.
impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.name())?;
        match self.arguments {
            Arguments::None => {}
            Arguments::Max => f.write_str("(max)")?,
            Arguments::One(n) => write!(f, "({n})")?,
            Arguments::Two(p, s) => write!(f, "({p},{s})")?,
        }
        match &self.collation {
            Some(collation) => write!(f, " COLLATE {collation}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
