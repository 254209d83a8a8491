//! Values of the wire, into columns.
//!
//! A decoder is chosen per column from its kind and from the type that the server sends, when the
//! first row is there; inside a row it is one call a cell.
mod value;

use crate::types::civil_time::Finer;
use connect_api::{ColumnBuilder, Error, ErrorKind, Kind, Result, SchemaRef};
use dialect_core::{
    BatchBuilder, FineDigits, Unrepresentable, ValueError, ValueOptions, check_column_count,
};
use tiberius::{ColumnData, ColumnType, Row};

/// What a cell is appended with; it says how many bytes of text or bytes the cell has. The kind is
/// the column's; the builder is of that kind.
type Append = fn(&Kind, &mut ColumnBuilder, ColumnData<'static>) -> Result<usize, ValueError>;

/// Reads rows into a batch.
#[derive(Debug)]
pub(crate) struct RowReader {
    schema: SchemaRef,
    append: Vec<Append>,
}

impl RowReader {
    /// Chooses a decoder for every column of `row`, which is to be of `schema`.
    ///
    /// # Errors
    /// `Schema`: the query does not give the columns of the schema; all at fault are named.
    pub(crate) fn new(schema: &SchemaRef, row: &Row, values: &ValueOptions) -> Result<Self> {
        let columns = row.columns();
        check_column_count(schema, columns.len())?;
        let finer = finer(values);
        let mut append = Vec::with_capacity(columns.len());
        let mut faults = Vec::new();
        for (i, (kind, column)) in schema.kinds().iter().zip(columns).enumerate() {
            let spatial = schema.field(i).extension_type_name() == Some("geoarrow.wkb");
            match decoder(kind, column.column_type(), spatial, finer) {
                Some(decoder) => append.push(decoder),
                None => faults.push(format!(
                    "column `{}` is {:?} and cannot be read as {kind:?}",
                    schema.field(i).name(),
                    column.column_type()
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
    /// `Data`: a value that its column's kind cannot represent; the batch must not be used then.
    pub(crate) fn append(&self, row: Row, batch: &mut BatchBuilder) -> Result<()> {
        let (schema, mut bytes) = (&self.schema, 0);
        for (i, (data, append)) in row.into_iter().zip(&self.append).enumerate() {
            bytes += append(&schema.kinds()[i], &mut batch.columns()[i], data)
                .map_err(|e| e.at(schema.name(), schema.field(i).name()))?;
        }
        batch.end_row(bytes);
        Ok(())
    }
}

/// What becomes of digits finer than a microsecond.
fn finer(values: &ValueOptions) -> Finer {
    match (values.fine_digits, values.unrepresentable) {
        (FineDigits::Truncate, _) => Finer::Cut,
        (_, Unrepresentable::Null) => Finer::Null,
        (_, Unrepresentable::Error | Unrepresentable::Text) => Finer::Refuse,
    }
}

/// The decoder of a column of `kind` that the server sends as `wire`.
fn decoder(kind: &Kind, wire: ColumnType, spatial: bool, finer: Finer) -> Option<Append> {
    use ColumnType as T;
    let integer = matches!(
        wire,
        T::Bit | T::Bitn | T::Int1 | T::Int2 | T::Int4 | T::Int8 | T::Intn
    );
    let float = matches!(wire, T::Float4 | T::Float8 | T::Floatn);
    let text = matches!(
        wire,
        T::BigVarChar
            | T::BigChar
            | T::NVarchar
            | T::NChar
            | T::Text
            | T::NText
            | T::Xml
            | T::SSVariant
    );
    let bytes = matches!(wire, T::BigVarBin | T::BigBinary | T::Image | T::Udt);
    let wall = matches!(
        wire,
        T::Datetime | T::Datetime4 | T::Datetimen | T::Datetime2
    );
    // What a query without a type gives.
    let untyped = wire == T::Null;
    Some(match kind {
        Kind::Bool if integer || untyped => value::bool,
        Kind::Int8 if integer || untyped => value::int8,
        Kind::Int16 if integer || untyped => value::int16,
        Kind::Int32 if integer || untyped => value::int32,
        Kind::Int64 if integer || untyped => value::int64,
        Kind::UInt8 if integer || untyped => value::uint8,
        Kind::UInt16 if integer || untyped => value::uint16,
        Kind::UInt32 if integer || untyped => value::uint32,
        Kind::UInt64 if integer || untyped => value::uint64,
        Kind::Float32 if float => value::float32,
        Kind::Float64 if float => value::float64,
        Kind::Decimal { .. }
            if integer || matches!(wire, T::Decimaln | T::Numericn | T::Money | T::Money4) =>
        {
            value::decimal
        }
        Kind::Text | Kind::Json | Kind::BigDecimal if text || untyped => value::text,
        Kind::Bytes if bytes && spatial => value::spatial,
        Kind::Bytes if bytes => value::bytes,
        Kind::Uuid if wire == T::Guid => value::uuid,
        Kind::Date if wire == T::Daten => value::date,
        Kind::Time if wire == T::Timen => value::time,
        Kind::TimeNanos if wire == T::Timen => value::time_nanos,
        Kind::Timestamp { utc: false } if wall => match finer {
            Finer::Refuse => value::timestamp::<REFUSE>,
            Finer::Cut => value::timestamp::<CUT>,
            Finer::Null => value::timestamp::<MAKE_NULL>,
        },
        Kind::OffsetTimestamp if wire == T::DatetimeOffsetn => match finer {
            Finer::Refuse => value::offset::<REFUSE>,
            Finer::Cut => value::offset::<CUT>,
            Finer::Null => value::offset::<MAKE_NULL>,
        },
        Kind::Timestamp { utc: true } if wire == T::DatetimeOffsetn => match finer {
            Finer::Refuse => value::instant::<REFUSE>,
            Finer::Cut => value::instant::<CUT>,
            Finer::Null => value::instant::<MAKE_NULL>,
        },
        _ => return None,
    })
}

/// [`Finer`], as a parameter of functions that are chosen by it.
const REFUSE: u8 = 0;
const CUT: u8 = 1;
const MAKE_NULL: u8 = 2;

#[cfg(test)]
mod tests;
