//! Values of the binary protocol, into columns.
//!
//! A decoder is chosen per column from its kind and from the type that the server sends, when
//! the first row is there; inside a row it is one call a cell.
use connect_api::{ColumnBuilder, Error, ErrorKind, Kind, Result, SchemaRef};
use dialect_core::{BatchBuilder, Misfit, civil, parse_decimal};
use sqlx::{
    Column as _, Decode, MySql, Row as _, TypeInfo as _, ValueRef as _,
    error::BoxDynError,
    mysql::{MySqlRow, MySqlValueRef},
};

const ZERO_DATE: Misfit = Misfit("is a zero date, or has a zero in it, and no date is that");
const NO_DATE: Misfit = Misfit("is a date that the calendar does not have");
const NOT_OF_THE_DAY: Misfit = Misfit("is negative or beyond 24 hours, and so no time of the day");
const NOT_BOOLEAN: Misfit = Misfit("is neither 0 nor 1, and its column is read as a boolean");
const NOT_UTF8: Misfit = Misfit("is not UTF-8");
const NOT_UUID: Misfit = Misfit("is not a UUID");
const BROKEN: Misfit = Misfit("is not as long as its type says");
const OUT_OF_RANGE: Misfit = Misfit("is out of the range of its kind");

/// What a cell is appended with. The kind is the column's; the builder is of that kind.
type Append = fn(&Kind, &mut ColumnBuilder, &[u8]) -> Result<(), Misfit>;

/// The bytes of a cell as they came; `None` for NULL.
///
/// The driver takes a zero date for NULL, also in columns that are NOT NULL: it is told by its
/// bytes being there all the same.
struct Raw<'r>(Option<&'r [u8]>);

impl<'r> Decode<'r, MySql> for Raw<'r> {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        // The error of a NULL has no size and so costs no allocation.
        if value.is_null() {
            return Ok(Self(<&[u8] as Decode<MySql>>::decode(value).ok()));
        }
        <&[u8] as Decode<MySql>>::decode(value).map(|bytes| Self(Some(bytes)))
    }
}

/// Reads rows into a batch.
pub(crate) struct RowReader {
    schema: SchemaRef,
    append: Vec<Append>,
}

impl RowReader {
    /// Chooses a decoder for every column of `row`, which is to be of `schema`.
    ///
    /// # Errors
    /// `Schema`: the query does not give the columns of the schema; all at fault are named.
    pub(crate) fn new(schema: &SchemaRef, row: &MySqlRow) -> Result<Self> {
        let columns = row.columns();
        if columns.len() != schema.kinds().len() {
            return Err(Error::new(
                ErrorKind::Schema,
                format!(
                    "`{}`: the query gives {} columns where {} are expected",
                    schema.name(),
                    columns.len(),
                    schema.kinds().len()
                ),
            ));
        }
        let mut append = Vec::with_capacity(columns.len());
        let mut faults = Vec::new();
        for (i, (kind, column)) in schema.kinds().iter().zip(columns).enumerate() {
            match decoder(kind, column.type_info().name()) {
                Some(decoder) => append.push(decoder),
                None => faults.push(format!(
                    "column `{}` is {} and cannot be read as {kind:?}",
                    schema.field(i).name(),
                    column.type_info().name()
                )),
            }
        }
        if faults.is_empty() {
            return Ok(Self {
                schema: schema.clone(),
                append,
            });
        }
        Err(Error::new(
            ErrorKind::Schema,
            format!(
                "`{}` is not as it was described: {}",
                schema.name(),
                faults.join("; ")
            ),
        ))
    }

    /// Appends `row`.
    ///
    /// # Errors
    /// `Data`: a value that its column's kind cannot carry; the batch is of no more use.
    pub(crate) fn append(&self, row: &MySqlRow, batch: &mut BatchBuilder) -> Result<()> {
        let (schema, mut bytes) = (&self.schema, 0);
        for (i, append) in self.append.iter().enumerate() {
            let Raw(cell) = row
                .try_get_unchecked(i)
                .map_err(|e| crate::refusal::error(schema.name(), e))?;
            let column = &mut batch.columns()[i];
            match cell {
                None => column.append_null(),
                Some(cell) => {
                    bytes += cell.len();
                    append(&schema.kinds()[i], column, cell)
                        .map_err(|e| e.at(schema.name(), schema.field(i).name()))?;
                }
            }
        }
        batch.end_row(bytes);
        Ok(())
    }
}

/// The decoder of a column of `kind` that the server sends as `wire`.
fn decoder(kind: &Kind, wire: &str) -> Option<Append> {
    // `BOOLEAN` is the driver's name for tinyint(1), signed or not.
    let integer = matches!(
        wire,
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "YEAR"
    );
    let unsigned = wire.ends_with(" UNSIGNED");
    let text = matches!(
        wire,
        "CHAR"
            | "VARCHAR"
            | "TINYTEXT"
            | "TEXT"
            | "MEDIUMTEXT"
            | "LONGTEXT"
            | "ENUM"
            | "SET"
            | "JSON"
    );
    let bytes = matches!(
        wire,
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB"
    );
    Some(match kind {
        Kind::Bool if integer || unsigned => bool_of_integer,
        Kind::Bool if wire == "BIT" => bool_of_bits,
        Kind::UInt64 if wire == "BIT" => uint64_of_bits,
        Kind::Int8 if integer => int8,
        Kind::Int16 if wire == "YEAR" => year,
        Kind::Int16 if integer => int16,
        Kind::Int32 if integer => int32,
        Kind::Int64 if integer => int64,
        Kind::UInt8 if unsigned || wire == "BOOLEAN" => uint8,
        Kind::UInt16 if unsigned => uint16,
        Kind::UInt32 if unsigned => uint32,
        Kind::UInt64 if unsigned => uint64,
        Kind::Float32 if wire == "FLOAT" => float32,
        Kind::Float64 if wire == "DOUBLE" => float64,
        Kind::Decimal { .. } if wire == "DECIMAL" => decimal,
        // MariaDB sends JSON and the text of other types as blobs of a character set.
        Kind::Text | Kind::Json | Kind::BigDecimal if text || bytes || wire == "DECIMAL" => utf8,
        Kind::Bytes if bytes || text => binary,
        // MariaDB sends its UUIDs as text of the type BINARY.
        Kind::Uuid if text || bytes => uuid,
        Kind::Date if wire == "DATE" => date,
        Kind::Time if wire == "TIME" => time,
        Kind::Timestamp { .. } if wire == "DATETIME" || wire == "TIMESTAMP" => timestamp,
        _ => return None,
    })
}

/// Appends to the builder of the kind, which is known to be this one.
macro_rules! put {
    ($column:expr, $variant:ident, $value:expr) => {
        match $column {
            ColumnBuilder::$variant(b) => {
                b.append_value($value);
                Ok(())
            }
            _ => Err(BROKEN),
        }
    };
}

/// A signed number of whatever width.
fn signed(cell: &[u8]) -> Result<i64, Misfit> {
    Ok(match *cell {
        [a] => i8::from_le_bytes([a]).into(),
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return Err(BROKEN),
    })
}

/// An unsigned number of whatever width.
fn unsigned(cell: &[u8]) -> Result<u64, Misfit> {
    let mut whole = [0; 8];
    whole
        .get_mut(..cell.len())
        .filter(|_| matches!(cell.len(), 1 | 2 | 4 | 8))
        .ok_or(BROKEN)?
        .copy_from_slice(cell);
    Ok(u64::from_le_bytes(whole))
}

macro_rules! numbers {
    ($($name:ident: $variant:ident($read:ident)),*) => { $(
        fn $name(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
            let value = $read(cell)?.try_into().map_err(|_e| OUT_OF_RANGE)?;
            put!(column, $variant, value)
        }
    )* };
}
numbers!(
    int8: Int8(signed), int16: Int16(signed), int32: Int32(signed), int64: Int64(signed),
    uint8: UInt8(unsigned), uint16: UInt16(unsigned), uint32: UInt32(unsigned),
    uint64: UInt64(unsigned)
);

/// A year has no sign: 1901 to 2155, and 0.
fn year(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    let value = unsigned(cell)?.try_into().map_err(|_e| OUT_OF_RANGE)?;
    put!(column, Int16, value)
}

fn bool_of_integer(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    match unsigned(cell)? {
        value @ 0..=1 => put!(column, Bool, value == 1),
        _ => Err(NOT_BOOLEAN),
    }
}

/// Bits come big-endian, in as many bytes as they need.
fn bits(cell: &[u8]) -> Result<u64, Misfit> {
    if cell.len() > 8 {
        return Err(BROKEN);
    }
    Ok(cell
        .iter()
        .fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

fn bool_of_bits(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    match bits(cell)? {
        value @ 0..=1 => put!(column, Bool, value == 1),
        _ => Err(NOT_BOOLEAN),
    }
}

fn uint64_of_bits(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(column, UInt64, bits(cell)?)
}

fn float32(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(
        column,
        Float32,
        f32::from_le_bytes(cell.try_into().map_err(|_e| BROKEN)?)
    )
}

fn float64(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(
        column,
        Float64,
        f64::from_le_bytes(cell.try_into().map_err(|_e| BROKEN)?)
    )
}

fn decimal(kind: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    let Kind::Decimal { precision, scale } = kind else {
        return Err(BROKEN);
    };
    put!(column, Decimal, parse_decimal(cell, *precision, *scale)?)
}

fn utf8(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(
        column,
        Text,
        std::str::from_utf8(cell).map_err(|_e| NOT_UTF8)?
    )
}

fn binary(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(column, Bytes, cell)
}

/// A UUID in its 16 bytes, or in its text form.
fn uuid(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    let ColumnBuilder::Uuid(b) = column else {
        return Err(BROKEN);
    };
    if cell.len() == 16 {
        return b.append_value(cell).map_err(|_e| NOT_UUID);
    }
    let mut bytes = [0; 16];
    let mut digits = cell.iter().filter(|b| **b != b'-');
    for byte in &mut bytes {
        for _ in 0..2 {
            let digit = digits.next().and_then(|d| char::from(*d).to_digit(16));
            *byte = *byte << 4 | u8::try_from(digit.ok_or(NOT_UUID)?).map_err(|_e| NOT_UUID)?;
        }
    }
    match digits.next() {
        None => b.append_value(bytes).map_err(|_e| NOT_UUID),
        Some(_) => Err(NOT_UUID),
    }
}

/// The fields of a temporal value; the first byte is their length.
fn fields(cell: &[u8]) -> Result<&[u8], Misfit> {
    match cell {
        [length, fields @ ..] if usize::from(*length) == fields.len() => Ok(fields),
        _ => Err(BROKEN),
    }
}

fn days(fields: &[u8]) -> Result<i32, Misfit> {
    let [y0, y1, month, day, ..] = *fields else {
        return Err(if fields.is_empty() { ZERO_DATE } else { BROKEN });
    };
    if month == 0 || day == 0 {
        return Err(ZERO_DATE);
    }
    let year = u16::from_le_bytes([y0, y1]);
    civil::days_of(year.into(), month.into(), day.into()).ok_or(NO_DATE)
}

/// Microseconds of `hour, minute, second` and, where there are more bytes, microseconds.
fn micros(fields: &[u8]) -> Result<i64, Misfit> {
    let (hour, minute, second, micros) = match *fields {
        [] => (0, 0, 0, 0),
        [h, m, s] => (h, m, s, 0),
        [h, m, s, a, b, c, d] => (h, m, s, u32::from_le_bytes([a, b, c, d])),
        _ => return Err(BROKEN),
    };
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Ok(seconds * 1_000_000 + i64::from(micros))
}

fn date(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    put!(column, Date, days(fields(cell)?)?)
}

fn timestamp(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    let fields = fields(cell)?;
    let days = i64::from(days(fields)?);
    // Two bytes of year are far from the ends of 64 bits.
    put!(
        column,
        Timestamp,
        days * civil::DAY_MICROS + micros(&fields[4..])?
    )
}

fn time(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), Misfit> {
    let value = match fields(cell)? {
        [] => 0,
        [0, 0, 0, 0, 0, rest @ ..] => micros(rest)?,
        [_, _, _, _, _, _, ..] => return Err(NOT_OF_THE_DAY),
        _ => return Err(BROKEN),
    };
    if value >= civil::DAY_MICROS {
        return Err(NOT_OF_THE_DAY);
    }
    put!(column, Time, value)
}
