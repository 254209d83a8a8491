//! Rows as a driver hands them out: blocks of bound columns, or single rows where a column has no
//! bound.
use crate::server::Profile;
use connect_api::{Kind, LENGTH, SchemaRef, VENDOR_TYPE, arrow::schema::Field};
use odbc_api::{
    Cursor, CursorImpl, CursorRow, Error as OdbcError, Nullable, ResultSetMetadata,
    buffers::{BinColumnSlice, BufferDesc, ColumnarDynBuffer, NullableSlice, TextColumnSlice},
    handles::Statement,
};
use std::ops::ControlFlow;

/// Rows of a block.
const MAX_ROWS: usize = 1_024;

/// Bytes of a block, two of which are in flight; of single rows gathered, the same.
const MAX_BYTES: usize = 2 << 20;

/// Bytes of a text that is bound: a longer column goes row by row, or a block would be all air.
const MAX_BOUND: usize = 4 << 10;

/// How a column comes from the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    Int,
    Float,
    /// Text of so many bytes at most.
    Text(usize),
    /// Bytes, so many at most.
    Bytes(usize),
    LongText,
    LongBytes,
}

impl Fetch {
    /// Decided by the field once a query.
    pub(crate) fn of(profile: Profile, kind: &Kind, field: &Field) -> Self {
        let vendor = field.metadata().get(VENDOR_TYPE).map_or("", String::as_str);
        // Characters are up to four bytes; drivers count them as they like.
        let declared = field
            .metadata()
            .get(LENGTH)
            .filter(|_| profile.keeps_lengths())
            .and_then(|length| length.parse::<usize>().ok());
        let text_float = matches!(profile, Profile::Postgres | Profile::Sqlite);
        match kind {
            // Its texts are whatever somebody put there.
            Kind::Bytes => match declared {
                Some(length) if length <= MAX_BOUND => Self::Bytes(length),
                _ => Self::LongBytes,
            },
            _ if profile.reads_text() => Self::LongText,
            Kind::Bool if profile == Profile::Postgres => Self::Text(8),
            // Oracle's drivers have no numbers of 64 bits.
            Kind::Bool
            | Kind::Int8
            | Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::UInt8
            | Kind::UInt16
            | Kind::UInt32 => match profile {
                Profile::Oracle => Self::Text(24),
                _ => Self::Int,
            },
            Kind::UInt64 => Self::Text(24),
            Kind::Float32 | Kind::Float64 if text_float => Self::Text(32),
            // Never as floats of 32 bits: two of three drivers walk arrays of those by 8 bytes.
            Kind::Float32 | Kind::Float64 => Self::Float,
            Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
                Self::Text(usize::from(*precision) + usize::from(scale.unsigned_abs()) + 8)
            }
            Kind::Uuid if vendor.contains("binary") || vendor.contains("raw") => Self::Bytes(16),
            Kind::Uuid => Self::Text(40),
            Kind::Date | Kind::Time | Kind::TimeNanos => Self::Text(32),
            Kind::Duration if vendor.contains("int") && !vendor.contains("interval") => Self::Int,
            Kind::Duration | Kind::Timestamp { .. } | Kind::OffsetTimestamp => Self::Text(48),
            Kind::Text => match declared {
                Some(length) if length <= MAX_BOUND / 4 => Self::Text(length * 4),
                _ => Self::LongText,
            },
            Kind::Json | Kind::BigDecimal | Kind::List(_) | Kind::Struct(_) => Self::LongText,
            Kind::Map(_) | Kind::Interval | Kind::Other(_) => Self::LongText,
        }
    }

    fn buffer(self) -> Option<BufferDesc> {
        Some(match self {
            Self::Int => BufferDesc::I64 { nullable: true },
            Self::Float => BufferDesc::F64 { nullable: true },
            Self::Text(max_str_len) => BufferDesc::Text { max_str_len },
            Self::Bytes(max_bytes) => BufferDesc::Binary { max_bytes },
            Self::LongText | Self::LongBytes => return None,
        })
    }
}

/// One way a column of a schema, in its order.
pub(crate) fn fetches(profile: Profile, schema: &SchemaRef) -> Vec<Fetch> {
    let fields = schema.columns().fields();
    let kinds = schema.kinds().iter();
    kinds
        .zip(fields)
        .map(|(kind, field)| Fetch::of(profile, kind, field))
        .collect()
}

/// Some rows.
pub(crate) enum Rowset {
    Block(ColumnarDynBuffer),
    Single { columns: Vec<Single>, rows: usize },
}

impl Rowset {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Block(block) => block.num_rows(),
            Self::Single { rows, .. } => *rows,
        }
    }

    /// A column's cells; `None` where the block is not what was bound.
    pub(crate) fn column(&self, index: usize, fetch: Fetch) -> Option<Source<'_>> {
        match self {
            Self::Block(block) => {
                let column = block.column(index);
                match fetch {
                    Fetch::Int => column.as_nullable_slice().map(Source::Int),
                    Fetch::Float => column.as_nullable_slice().map(Source::Float),
                    Fetch::Text(_) => column.as_text().map(Source::Text),
                    Fetch::Bytes(_) => column.as_binary().map(Source::Bytes),
                    Fetch::LongText | Fetch::LongBytes => None,
                }
            }
            Self::Single { columns, .. } => columns.get(index).map(Source::Single),
        }
    }
}

/// A column of rows that came one by one.
pub(crate) enum Single {
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    /// Texts or bytes one after the other, each with its end; `None`: NULL.
    Long {
        data: Vec<u8>,
        cells: Vec<Option<(usize, usize)>>,
    },
}

/// The cells of a column.
pub(crate) enum Source<'a> {
    Int(NullableSlice<'a, i64>),
    Float(NullableSlice<'a, f64>),
    Text(TextColumnSlice<'a, u8>),
    Bytes(BinColumnSlice<'a>),
    Single(&'a Single),
}

impl<'a> Source<'a> {
    /// A text's or bytes' cell; numbers have none.
    pub(crate) fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        match self {
            Self::Text(column) => column.get(row),
            Self::Bytes(column) => column.get(row),
            Self::Single(Single::Long { data, cells }) => {
                cells[row].map(|(start, end)| &data[start..end])
            }
            Self::Int(_) | Self::Float(_) | Self::Single(_) => None,
        }
    }
}

type Sink<'s> = dyn FnMut(Rowset) -> ControlFlow<(), Option<ColumnarDynBuffer>> + 's;

/// Reads a cursor to its end, or until `sink` has had enough. `sink` hands back a buffer that is
/// free again, where there is one.
pub(crate) fn read<S: Statement>(
    cursor: CursorImpl<S>,
    fetches: &[Fetch],
    sink: &mut Sink<'_>,
) -> Result<(), OdbcError> {
    match fetches
        .iter()
        .map(|f| f.buffer())
        .collect::<Option<Vec<_>>>()
    {
        Some(columns) => read_blocks(cursor, &columns, sink),
        None => read_singly(cursor, fetches, sink),
    }
}

fn read_blocks<S: Statement>(
    mut cursor: CursorImpl<S>,
    columns: &[BufferDesc],
    sink: &mut Sink<'_>,
) -> Result<(), OdbcError> {
    let bytes: usize = columns.iter().map(|c| c.bytes_per_row()).sum();
    let rows = (MAX_BYTES / bytes.max(1)).clamp(1, MAX_ROWS);
    let new = || ColumnarDynBuffer::try_from_descs(rows, columns.iter().copied());
    let mut buffer = new()?;
    let mut spare = Some(new()?);
    loop {
        let mut bound = cursor.bind_buffer(buffer)?;
        let more = bound.fetch_with_truncation_check(true)?.is_some();
        let filled;
        (cursor, filled) = bound.unbind()?;
        if !more {
            return Ok(());
        }
        let freed = match sink(Rowset::Block(filled)) {
            ControlFlow::Continue(freed) => freed,
            ControlFlow::Break(()) => return Ok(()),
        };
        buffer = match freed.or_else(|| spare.take()) {
            Some(buffer) => buffer,
            None => new()?,
        };
    }
}

fn read_singly<S: Statement>(
    mut cursor: CursorImpl<S>,
    fetches: &[Fetch],
    sink: &mut Sink<'_>,
) -> Result<(), OdbcError> {
    debug_assert_eq!(
        cursor.num_result_cols().ok(),
        i16::try_from(fetches.len()).ok()
    );
    let mut cell = Vec::with_capacity(MAX_BOUND);
    loop {
        let mut columns: Vec<_> = fetches.iter().map(Single::new).collect();
        let (mut rows, mut bytes) = (0, 0);
        let mut more = true;
        while rows < MAX_ROWS && bytes < MAX_BYTES {
            let Some(mut row) = cursor.next_row()? else {
                more = false;
                break;
            };
            for (number, (fetch, column)) in (1..).zip(fetches.iter().zip(&mut columns)) {
                bytes += column.take(&mut row, number, *fetch, &mut cell)?;
            }
            rows += 1;
        }
        if rows > 0
            && let ControlFlow::Break(()) = sink(Rowset::Single { columns, rows })
        {
            return Ok(());
        }
        if !more {
            return Ok(());
        }
    }
}

impl Single {
    fn new(fetch: &Fetch) -> Self {
        match fetch {
            Fetch::Int => Self::Int(Vec::new()),
            Fetch::Float => Self::Float(Vec::new()),
            Fetch::Text(_) | Fetch::Bytes(_) | Fetch::LongText | Fetch::LongBytes => Self::Long {
                data: Vec::new(),
                cells: Vec::new(),
            },
        }
    }

    /// Takes a cell of the current row; the bytes it takes.
    fn take(
        &mut self,
        row: &mut CursorRow<'_>,
        number: u16,
        fetch: Fetch,
        cell: &mut Vec<u8>,
    ) -> Result<usize, OdbcError> {
        match self {
            Self::Int(cells) => {
                let mut value = Nullable::<i64>::null();
                row.get_data(number, &mut value)?;
                cells.push(value.into_opt());
                Ok(8)
            }
            Self::Float(cells) => {
                let mut value = Nullable::<f64>::null();
                row.get_data(number, &mut value)?;
                cells.push(value.into_opt());
                Ok(8)
            }
            Self::Long { data, cells } => {
                let there = match fetch {
                    Fetch::Bytes(_) | Fetch::LongBytes => row.get_binary(number, cell)?,
                    _ => row.get_text(number, cell)?,
                };
                let start = data.len();
                data.extend_from_slice(cell);
                cells.push(there.then_some((start, data.len())));
                // The driver is given the whole buffer each time, cleared: a large one is let go.
                if cell.capacity() > 16 * MAX_BOUND {
                    *cell = Vec::with_capacity(MAX_BOUND);
                }
                Ok(16 + data.len() - start)
            }
        }
    }
}
