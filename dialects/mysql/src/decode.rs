//! Values of the binary protocol, into columns.
//!
//! A decoder is chosen per column from its kind and from the type that the server sends, when
//! the first row is there; inside a row it is one call a cell.
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod value;

use crate::types::zero_dates;
use connect_api::{ColumnBuilder, Error, ErrorKind, Kind, Result, SchemaRef};
use dialect_core::{
    BatchBuilder, Unrepresentable, ValueError, ValueOptions, ZeroDates, check_column_count,
};
use sqlx::{
    Column as _, Decode, MySql, Row as _, TypeInfo as _, ValueRef as _,
    error::BoxDynError,
    mysql::{MySqlRow, MySqlValueRef},
};

/// What a cell is appended with. The kind is the column's; the builder is of that kind.
type Append = fn(&Kind, &mut ColumnBuilder, &[u8]) -> Result<(), ValueError>;

/// The bytes of a cell as they came; `None` for NULL.
///
/// The driver takes a zero date for NULL, also in columns that are NOT NULL: it is recognized by its
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
    zero_dates_are_null: bool,
    unrepresentable_is_null: bool,
}

impl RowReader {
    /// Chooses a decoder for every column of `row`, which is to be of `schema`.
    ///
    /// # Errors
    /// `Schema`: the query does not give the columns of the schema; all at fault are named.
    pub(crate) fn new(schema: &SchemaRef, row: &MySqlRow, values: &ValueOptions) -> Result<Self> {
        let columns = row.columns();
        check_column_count(schema, columns.len())?;
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
                zero_dates_are_null: zero_dates(values) == ZeroDates::Null,
                unrepresentable_is_null: values.unrepresentable == Unrepresentable::Null,
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
    /// `Data`: a value that its column's kind cannot represent; the batch must not be used then.
    pub(crate) fn append(&self, row: &MySqlRow, batch: &mut BatchBuilder) -> Result<()> {
        let (schema, mut bytes) = (&self.schema, 0);
        for (i, append) in self.append.iter().enumerate() {
            let Raw(cell) = row
                .try_get_unchecked(i)
                .map_err(|e| crate::error_codes::error(schema.name(), e))?;
            let column = &mut batch.columns()[i];
            match cell {
                None => column.append_null(),
                Some(cell) => {
                    bytes += cell.len();
                    if let Err(error) = append(&schema.kinds()[i], column, cell) {
                        if !self.is_null(error) {
                            return Err(error.at(schema.name(), schema.field(i).name()));
                        }
                        column.append_null();
                    }
                }
            }
        }
        batch.end_row(bytes);
        Ok(())
    }
}

impl RowReader {
    /// A value that cannot be represented is NULL, as configured.
    fn is_null(&self, error: ValueError) -> bool {
        match value::ZERO_DATES.contains(&error) {
            true => self.zero_dates_are_null,
            false => self.unrepresentable_is_null && value::UNREPRESENTABLE.contains(&error),
        }
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
        // A column that is nothing but NULL: there is no value to read.
        _ if wire == "NULL" => value::none,
        Kind::Bool if integer || unsigned => value::bool_of_integer,
        Kind::Bool if wire == "BIT" => value::bool_of_bits,
        Kind::UInt64 if wire == "BIT" => value::uint64_of_bits,
        Kind::Int8 if integer => value::int8,
        Kind::Int16 if wire == "YEAR" => value::year,
        Kind::Int16 if integer => value::int16,
        Kind::Int32 if integer => value::int32,
        Kind::Int64 if integer => value::int64,
        Kind::UInt8 if unsigned || wire == "BOOLEAN" => value::uint8,
        Kind::UInt16 if unsigned => value::uint16,
        Kind::UInt32 if unsigned => value::uint32,
        Kind::UInt64 if unsigned => value::uint64,
        Kind::Float32 if wire == "FLOAT" => value::float32,
        Kind::Float64 if wire == "DOUBLE" => value::float64,
        Kind::Decimal { .. } if wire == "DECIMAL" => value::decimal,
        Kind::WideDecimal { .. } if wire == "DECIMAL" => value::wide_decimal,
        // MariaDB sends JSON and the text of other types as blobs of a character set.
        Kind::Text | Kind::Json | Kind::BigDecimal if text || bytes || wire == "DECIMAL" => {
            value::utf8
        }
        Kind::Bytes if bytes || text => value::binary,
        Kind::Bytes if wire == "GEOMETRY" => value::geometry,
        Kind::List(element) if **element == Kind::Float32 && (bytes || text) => value::vector,
        // MariaDB sends its UUIDs as text of the type BINARY.
        Kind::Uuid if text || bytes => value::uuid,
        Kind::Date if wire == "DATE" => value::date,
        Kind::Time if wire == "TIME" => value::time,
        Kind::Duration if wire == "TIME" => value::span,
        Kind::Timestamp { .. } if wire == "DATETIME" || wire == "TIMESTAMP" => value::timestamp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
