//! The type that an altered column gets, so that it holds more.
use crate::{
    ddl::column_type,
    types::{Arguments, Base, Declared, declared},
};
use connect_api::{Result, arrow::schema::Field};
use dialect_core::Column;

/// The type that holds what the column holds, and the values of `field`; `None` where there is
/// none.
pub(crate) fn wider(column: &Column, field: &Field) -> Result<Option<String>> {
    let old = declared(column);
    let Some(new) = Declared::parse(&column_type(field, false)?) else {
        return Ok(None);
    };
    Ok(join(&old, &new).map(|wider| wider.to_string()))
}

fn join(old: &Declared, new: &Declared) -> Option<Declared> {
    let plain = |base, arguments| {
        Some(Declared {
            base,
            arguments,
            collation: None,
        })
    };
    if let (Some(a), Some(b)) = (integer_digits(old.base), integer_digits(new.base)) {
        let base = if a > b { old.base } else { new.base };
        // A tinyint has no sign, and fits every other.
        return plain(base, Arguments::None);
    }
    if let (Some((p1, s1)), Some((p2, s2))) = (exact(old), exact(new)) {
        let scale = s1.max(s2);
        let whole = (p1 - s1).max(p2 - s2);
        return (whole + scale <= 38)
            .then(|| plain(Base::Decimal, Arguments::Two(whole + scale, scale)))
            .flatten();
    }
    match (old.base, new.base) {
        (Base::Real | Base::Float, Base::Real | Base::Float) => {
            let base = if new.base == Base::Real {
                old.base
            } else {
                Base::Float
            };
            plain(base, Arguments::None)
        }
        // Every whole number of 32 bits, or of 16, is a float too.
        (Base::TinyInt | Base::SmallInt | Base::Int, Base::Float) => {
            plain(Base::Float, Arguments::None)
        }
        (Base::TinyInt | Base::SmallInt, Base::Real) => plain(Base::Real, Arguments::None),
        (
            Base::Bit
            | Base::TinyInt
            | Base::SmallInt
            | Base::Int
            | Base::BigInt
            | Base::Char
            | Base::VarChar
            | Base::NChar
            | Base::NVarChar
            | Base::SysName,
            Base::NVarChar | Base::VarChar,
        ) => {
            let characters = |d: &Declared| match integer_digits(d.base) {
                Some(digits) => Some(u16::from(digits) + 1),
                None => d.length(),
            };
            let arguments = match (characters(old), characters(new)) {
                (Some(a), Some(b)) if a.max(b) <= 4_000 => Arguments::One(a.max(b)),
                _ => Arguments::Max,
            };
            // The collation stays: it orders the keys.
            let collation = matches!(
                old.base,
                Base::NChar | Base::NVarChar | Base::Char | Base::VarChar
            )
            .then(|| old.collation.clone())
            .flatten();
            Some(Declared {
                base: Base::NVarChar,
                arguments,
                collation,
            })
        }
        (Base::Binary | Base::VarBinary, Base::VarBinary) => {
            let arguments = match (old.length(), new.length()) {
                (Some(a), Some(b)) => Arguments::One(a.max(b)),
                _ => Arguments::Max,
            };
            plain(Base::VarBinary, arguments)
        }
        (Base::Time, Base::Time)
        | (Base::DateTime2, Base::DateTime2)
        | (Base::DateTimeOffset, Base::DateTimeOffset) => {
            let digits = old.digits().max(new.digits());
            plain(old.base, Arguments::One(digits.into()))
        }
        (Base::Date | Base::SmallDateTime, Base::DateTime2) => plain(new.base, new.arguments),
        (a, b) if a == b && old == new => Some(old.clone()),
        _ => None,
    }
}

/// Decimal digits of a whole number; `None` for other types.
fn integer_digits(base: Base) -> Option<u8> {
    match base {
        Base::TinyInt => Some(3),
        Base::SmallInt => Some(5),
        Base::Int => Some(10),
        Base::BigInt => Some(19),
        _ => None,
    }
}

/// Precision and scale of an exact number.
fn exact(declared: &Declared) -> Option<(u8, u8)> {
    if let Some(digits) = integer_digits(declared.base) {
        return Some((digits, 0));
    }
    let (precision, scale) = declared.decimal()?;
    Some((precision, u8::try_from(scale).ok()?))
}
