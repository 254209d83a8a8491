//! SQLite's values into columns.
use super::{INEXACT, NOT_UUID, OUT_OF_RANGE, decimal::check_text, is_exact, uuid_of};
use connect_api::{ColumnBuilder, Kind};
use dialect_core::{Misfit, civil, parse_decimal, write_decimal};
use sqlx::{Decode, Sqlite, TypeInfo as _, ValueRef as _, sqlite::SqliteValueRef};

const STORED_OTHERWISE: Misfit = Misfit("is stored as another type than its column's");
const NOT_UTF8: Misfit = Misfit("is not UTF-8");

/// A cell as SQLite stores it.
enum Cell<'r> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
}

impl<'r> Cell<'r> {
    fn read(value: SqliteValueRef<'r>) -> Result<Self, Misfit> {
        if value.is_null() {
            return Ok(Self::Null);
        }
        let kind = value.type_info().name().as_bytes().first().copied();
        let cell = match kind {
            Some(b'I') => Decode::<Sqlite>::decode(value).map(Self::Int),
            Some(b'R') => Decode::<Sqlite>::decode(value).map(Self::Real),
            Some(b'T') => Decode::<Sqlite>::decode(value).map(Self::Text),
            _ => Decode::<Sqlite>::decode(value).map(Self::Blob),
        };
        // Only text can fail to decode.
        cell.or(Err(NOT_UTF8))
    }
}

/// How the cells of a column are read: chosen once a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoder(pub(crate) Kind);

impl Decoder {
    /// Appends a cell; its bytes, where they are not of a fixed number.
    pub(crate) fn append(
        &self,
        value: SqliteValueRef<'_>,
        column: &mut ColumnBuilder,
        scratch: &mut String,
    ) -> Result<usize, Misfit> {
        let cell = Cell::read(value)?;
        if matches!(cell, Cell::Null) {
            column.append_null();
            return Ok(0);
        }
        macro_rules! int {
            ($builder:ident) => {
                match cell {
                    Cell::Int(v) => $builder.append_value(v.try_into().or(Err(OUT_OF_RANGE))?),
                    _ => return Err(STORED_OTHERWISE),
                }
            };
        }
        match (column, &self.0) {
            (ColumnBuilder::Bool(b), _) => match cell {
                Cell::Int(v @ 0..=1) => b.append_value(v == 1),
                Cell::Int(_) => return Err(OUT_OF_RANGE),
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Int8(b), _) => int!(b),
            (ColumnBuilder::Int16(b), _) => int!(b),
            (ColumnBuilder::Int32(b), _) => int!(b),
            (ColumnBuilder::Int64(b), _) => int!(b),
            (ColumnBuilder::UInt8(b), _) => int!(b),
            (ColumnBuilder::UInt16(b), _) => int!(b),
            (ColumnBuilder::UInt32(b), _) => int!(b),
            (ColumnBuilder::UInt64(b), _) => int!(b),
            (ColumnBuilder::Float32(b), _) => {
                let wide = real(&cell)?;
                #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
                let narrow = wide as f32;
                if f64::from(narrow) != wide {
                    return Err(OUT_OF_RANGE);
                }
                b.append_value(narrow);
            }
            (ColumnBuilder::Float64(b), _) => b.append_value(real(&cell)?),
            (ColumnBuilder::Decimal(b), Kind::Decimal { precision, scale }) => {
                b.append_value(decimal(&cell, *precision, *scale, scratch)?);
            }
            (ColumnBuilder::Text(b), kind) => {
                let text = text(&cell, kind, scratch)?;
                b.append_value(text);
                return Ok(text.len());
            }
            (ColumnBuilder::Bytes(b), _) => match cell {
                Cell::Blob(v) => {
                    b.append_value(v);
                    return Ok(v.len());
                }
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Uuid(b), _) => {
                let bytes = match cell {
                    Cell::Blob(v) => v.try_into().or(Err(NOT_UUID))?,
                    Cell::Text(v) => uuid_of(v).ok_or(NOT_UUID)?,
                    _ => return Err(STORED_OTHERWISE),
                };
                let bytes: [u8; 16] = bytes;
                b.append_value(bytes).or(Err(NOT_UUID))?;
            }
            (ColumnBuilder::Date(b), _) => b.append_value(civil::parse_date(dated(&cell)?)?),
            (ColumnBuilder::Time(b), _) => b.append_value(civil::parse_time(dated(&cell)?)?),
            (ColumnBuilder::Timestamp(b), Kind::Timestamp { utc: true }) => {
                b.append_value(instant(dated(&cell)?)?);
            }
            (ColumnBuilder::Timestamp(b), _) => {
                b.append_value(civil::parse_timestamp(dated(&cell)?)?);
            }
            (
                ColumnBuilder::Decimal(_)
                | ColumnBuilder::WideDecimal(_)
                | ColumnBuilder::TimeNanos(_)
                | ColumnBuilder::Duration(_)
                | ColumnBuilder::OffsetTimestamp(_)
                | ColumnBuilder::List(_),
                _,
            ) => return Err(STORED_OTHERWISE),
        }
        Ok(0)
    }
}

fn real(cell: &Cell<'_>) -> Result<f64, Misfit> {
    match cell {
        Cell::Real(v) => Ok(*v),
        _ => Err(STORED_OTHERWISE),
    }
}

fn dated<'r>(cell: &Cell<'r>) -> Result<&'r [u8], Misfit> {
    match cell {
        Cell::Text(v) => Ok(v.as_bytes()),
        _ => Err(STORED_OTHERWISE),
    }
}

/// Offsets other than zero would break the order of text, by which pages are read.
fn instant(text: &[u8]) -> Result<i64, Misfit> {
    let zone = text.get(10..).unwrap_or_default();
    let offset = zone.iter().rposition(|b| matches!(b, b'+' | b'-'));
    match offset.map(|at| &zone[at..]) {
        None | Some(b"+00:00") => civil::parse_instant(text),
        Some(_) => Err(Misfit(
            "has an offset from UTC; write it in UTC, or read dates as text",
        )),
    }
}

fn decimal(
    cell: &Cell<'_>,
    precision: u8,
    scale: i8,
    scratch: &mut String,
) -> Result<i128, Misfit> {
    match cell {
        Cell::Text(v) => parse_decimal(v.as_bytes(), precision, scale),
        Cell::Int(v) => {
            let text = itoa_text(*v, scratch);
            parse_decimal(text.as_bytes(), precision, scale)
        }
        Cell::Real(v) => {
            let text = shortest(*v, scratch);
            let unscaled = parse_decimal(text.as_bytes(), precision, scale)?;
            if is_exact(unscaled) {
                Ok(unscaled)
            } else {
                Err(INEXACT)
            }
        }
        Cell::Blob(_) | Cell::Null => Err(STORED_OTHERWISE),
    }
}

fn text<'r>(cell: &Cell<'r>, kind: &Kind, scratch: &'r mut String) -> Result<&'r str, Misfit> {
    match (cell, kind) {
        (Cell::Text(v), Kind::BigDecimal) => {
            check_text(v)?;
            Ok(v)
        }
        (Cell::Text(v), _) => Ok(v),
        (Cell::Int(v), Kind::BigDecimal | Kind::Json) => Ok(itoa_text(*v, scratch)),
        (Cell::Real(v), Kind::BigDecimal | Kind::Json) if v.is_finite() => {
            Ok(shortest(*v, scratch))
        }
        _ => Err(STORED_OTHERWISE),
    }
}

fn itoa_text(value: i64, scratch: &mut String) -> &str {
    scratch.clear();
    write_decimal(value.into(), 0, scratch);
    scratch
}

/// The shortest text that is read as this float.
fn shortest(value: f64, scratch: &mut String) -> &str {
    use std::fmt::Write as _;
    scratch.clear();
    // Writing to a String cannot fail.
    let written = write!(scratch, "{value}");
    debug_assert!(written.is_ok());
    scratch
}
