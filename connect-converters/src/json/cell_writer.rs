//! Writes the cells of one column: how, decided before the first row.
use super::scalar;
use super::text::{write_base64, write_string};
use crate::calendar;
use connect_api::{
    Error, ErrorKind, Kind,
    arrow::{
        array::{
            Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray, cast::AsArray,
            types::*,
        },
        buffer::{IntervalMonthDayNano, NullBuffer, i256},
    },
    decimal, interval, uuid,
};
use std::cell::Cell;

/// Handling of digits below a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below {
    Refused,
    /// Cut, towards the past, and noted in [`CellWriter::was_cut`].
    Cut,
}

/// How times and timestamps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeStyle {
    /// As a number of microseconds; dates as one of days.
    Micros,
    /// As a number of milliseconds; dates as one of days.
    Millis(Below),
    /// As ISO 8601 text.
    Iso,
}

/// How decimals are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalStyle {
    /// As base64 of the unscaled value.
    Base64,
    /// As a number.
    Number,
    /// As a number that no reader takes for an integer.
    PointNumber,
    /// As text.
    Text,
}

/// Handling of NaN and the infinities, which JSON has no numbers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoNumber {
    Refused,
    /// Refused, with no setting that has it otherwise.
    RefusedInKey,
    Null,
    /// As the strings `NaN`, `Infinity` and `-Infinity`.
    Text,
}

/// How values are written, where their kind leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) time: TimeStyle,
    pub(crate) decimal: DecimalStyle,
    pub(crate) no_number: NoNumber,
    /// Texts other than those of text columns stand in quotes.
    pub(crate) quoted: bool,
    /// The key that settings of the converter stand under, for advice.
    pub(crate) prefix: &'static str,
}

impl Style {
    /// The style inside of lists, structs and maps: brackets delimit them, but not their texts.
    fn inside(self) -> Self {
        Self {
            quoted: true,
            ..self
        }
    }
}

/// Why a cell cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoNumber,
    NoNumberInKey,
    BelowMillis,
    BeyondDay,
    BeyondDayOfMillis,
    BeyondOffset,
}

impl Refusal {
    /// The error, of kind `Data`.
    #[cold]
    pub(crate) fn into_error(self, column: &str, row: usize, prefix: &str) -> Error {
        let why = match self {
            Self::NoNumber => format!(
                "JSON has no NaN and no infinity; `{prefix}.values.unrepresentable=null` writes \
                 NULL for them, `{prefix}.values.unrepresentable=text` strings (`error`, the \
                 default, refuses the row)"
            ),
            Self::NoNumberInKey => "the column is part of the key, and keys have no NaN, no \
                                    infinity, and no NULL for them; leave the row out, or write \
                                    it as text, by a `query`"
                .to_owned(),
            Self::BelowMillis => format!(
                "microseconds would be lost; `{prefix}.time.precision.mode=adaptive` keeps them, \
                 `{prefix}.time.precision.loss=truncate` cuts them"
            ),
            Self::BeyondDay => "the time is not between 00:00 and 24:00".to_owned(),
            Self::BeyondDayOfMillis => format!(
                "the time is not between 00:00 and 24:00, the range of milliseconds of a day; \
                 `{prefix}.time.precision.mode=adaptive` supports it"
            ),
            Self::BeyondOffset => "the offset from UTC is of a day or more".to_owned(),
        };
        Error::new(
            ErrorKind::Data,
            format!("column `{column}`, row {row}: {why}"),
        )
    }
}

#[derive(Debug)]
enum Cells<'a> {
    Bool(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal(&'a [i128], i8),
    WideDecimal(&'a [i256], i8),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Uuid(&'a FixedSizeBinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    TimeNanos(&'a [i64]),
    Duration(&'a [i64]),
    /// `true` for instants.
    Timestamp(&'a [i64], bool),
    /// Instants, and the minutes of their offsets.
    OffsetTimestamp(&'a [i64], &'a [i16]),
    /// Where each list begins and ends among the elements.
    List(&'a [i32], Box<CellWriter<'a>>),
    Interval(&'a [IntervalMonthDayNano]),
    /// What stands before each value: `{"name":` or `,"name":`.
    Struct(Vec<(Box<[u8]>, CellWriter<'a>)>),
    /// Where each map begins and ends among the entries, their names and values.
    Map(&'a [i32], &'a StringArray, Box<CellWriter<'a>>),
}

/// Writes the cells of one column.
#[derive(Debug)]
pub(crate) struct CellWriter<'a> {
    cells: Cells<'a>,
    nulls: Option<&'a NullBuffer>,
    style: Style,
    cut: Cell<bool>,
}

impl<'a> CellWriter<'a> {
    /// A writer of `column`, which is of `kind`; `None` where cells of that kind are not written.
    pub(crate) fn new(kind: &Kind, column: &'a dyn Array, style: Style) -> Option<Self> {
        macro_rules! values {
            ($t:ty) => {
                column.as_primitive::<$t>().values()
            };
        }
        let cells = match kind {
            Kind::Bool => Cells::Bool(column.as_boolean()),
            Kind::Int8 => Cells::Int8(values!(Int8Type)),
            Kind::Int16 => Cells::Int16(values!(Int16Type)),
            Kind::Int32 => Cells::Int32(values!(Int32Type)),
            Kind::Int64 => Cells::Int64(values!(Int64Type)),
            Kind::UInt8 => Cells::UInt8(values!(UInt8Type)),
            Kind::UInt16 => Cells::UInt16(values!(UInt16Type)),
            Kind::UInt32 => Cells::UInt32(values!(UInt32Type)),
            Kind::UInt64 => Cells::UInt64(values!(UInt64Type)),
            Kind::Float32 => Cells::Float32(values!(Float32Type)),
            Kind::Float64 => Cells::Float64(values!(Float64Type)),
            Kind::Decimal { scale, .. } => Cells::Decimal(values!(Decimal128Type), *scale),
            Kind::Text | Kind::Json | Kind::BigDecimal => Cells::Text(column.as_string()),
            Kind::Bytes => Cells::Bytes(column.as_binary()),
            Kind::Uuid => Cells::Uuid(column.as_fixed_size_binary()),
            Kind::Date => Cells::Date(values!(Date32Type)),
            Kind::Time => Cells::Time(values!(Time64MicrosecondType)),
            Kind::TimeNanos => Cells::TimeNanos(values!(Time64NanosecondType)),
            Kind::Duration => Cells::Duration(values!(DurationMicrosecondType)),
            Kind::Timestamp { utc } => Cells::Timestamp(values!(TimestampMicrosecondType), *utc),
            Kind::WideDecimal { scale, .. } => Cells::WideDecimal(values!(Decimal256Type), *scale),
            Kind::OffsetTimestamp => {
                let parts = column.as_struct();
                Cells::OffsetTimestamp(
                    parts
                        .column(0)
                        .as_primitive::<TimestampMicrosecondType>()
                        .values(),
                    parts.column(1).as_primitive::<Int16Type>().values(),
                )
            }
            Kind::List(element) => {
                let lists = column.as_list::<i32>();
                let element = Self::new(element, lists.values().as_ref(), style.inside())?;
                Cells::List(lists.value_offsets(), Box::new(element))
            }
            Kind::Interval => Cells::Interval(values!(IntervalMonthDayNanoType)),
            Kind::Struct(fields) => {
                let columns = fields.iter().zip(column.as_struct().columns());
                let parts = columns.enumerate().map(|(i, ((name, kind), column))| {
                    let mut opening = vec![if i == 0 { b'{' } else { b',' }];
                    write_string(&mut opening, name);
                    opening.push(b':');
                    let writer = Self::new(kind, column.as_ref(), style.inside())?;
                    Some((opening.into(), writer))
                });
                Cells::Struct(parts.collect::<Option<_>>()?)
            }
            Kind::Map(value) => {
                let maps = column.as_map();
                let values = Self::new(value, maps.values().as_ref(), style.inside())?;
                Cells::Map(
                    maps.value_offsets(),
                    maps.keys().as_string(),
                    Box::new(values),
                )
            }
            Kind::Other(_) => return None,
        };
        Some(Self {
            cells,
            nulls: column.nulls(),
            style,
            cut: Cell::new(false),
        })
    }

    /// Whether digits of a cell were cut.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut.get()
            || match &self.cells {
                Cells::List(_, part) | Cells::Map(_, _, part) => part.was_cut(),
                Cells::Struct(parts) => parts.iter().any(|(_, part)| part.was_cut()),
                _ => false,
            }
    }

    /// Whether the cell at `row` is null.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// The text at `row` of a text column.
    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
        match &self.cells {
            Cells::Text(texts) => Some(texts.value(row)),
            _ => None,
        }
    }

    /// Writes the cell at `row`, which is not null.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>, row: usize) -> Result<(), Refusal> {
        match &self.cells {
            Cells::Int64(values) => write_integer(out, values[row]),
            Cells::Int32(values) => write_integer(out, values[row]),
            Cells::Text(values) => write_string(out, values.value(row)),
            Cells::Timestamp(values, utc) => return self.timestamp(out, values[row], *utc),
            Cells::Float64(values) => {
                let value = values[row];
                if !value.is_finite() {
                    return self.no_number(out, value);
                }
                write_float(out, value);
            }
            Cells::Decimal(values, scale) => self.decimal(out, values[row], *scale),
            Cells::Bool(values) => out.extend_from_slice(if values.value(row) {
                b"true".as_slice()
            } else {
                b"false"
            }),
            Cells::Date(values) => match self.style.time {
                TimeStyle::Micros | TimeStyle::Millis(_) => write_integer(out, values[row]),
                TimeStyle::Iso => {
                    self.quote(out);
                    calendar::write_date(out, values[row]);
                    self.quote(out);
                }
            },
            Cells::Int8(values) => write_integer(out, values[row]),
            Cells::Int16(values) => write_integer(out, values[row]),
            Cells::UInt8(values) => write_integer(out, values[row]),
            Cells::UInt16(values) => write_integer(out, values[row]),
            Cells::UInt32(values) => write_integer(out, values[row]),
            Cells::UInt64(values) => self.decimal(out, values[row].into(), 0),
            Cells::Float32(values) => {
                let value = values[row];
                if !value.is_finite() {
                    return self.no_number(out, value.into());
                }
                write_float(out, value);
            }
            Cells::Time(values) => return self.time(out, values[row]),
            Cells::TimeNanos(values) => return self.time_nanos(out, values[row]),
            Cells::Duration(values) => match self.style.time {
                TimeStyle::Micros | TimeStyle::Iso => write_integer(out, values[row]),
                TimeStyle::Millis(_) => return self.time(out, values[row]),
            },
            Cells::WideDecimal(values, scale) => self.wide_decimal(out, values[row], *scale),
            Cells::OffsetTimestamp(instants, offsets) => {
                return self.offset_timestamp(out, instants[row], offsets[row]);
            }
            Cells::List(ends, element) => {
                return element.members(out, &ends[row..row + 2], *b"[]", |_, _| {});
            }
            Cells::Interval(values) => {
                let value = values[row];
                self.quote(out);
                interval::write(out, value.months, value.days, value.nanoseconds);
                self.quote(out);
            }
            Cells::Struct(parts) => {
                for (opening, part) in parts {
                    out.extend_from_slice(opening);
                    part.write_or_null(out, row)?;
                }
                out.extend_from_slice(if parts.is_empty() { b"{}" } else { b"}" });
            }
            Cells::Map(ends, names, values) => {
                return values.members(out, &ends[row..row + 2], *b"{}", |out, row| {
                    write_string(out, names.value(row));
                    out.push(b':');
                });
            }
            Cells::Bytes(values) => {
                self.quote(out);
                write_base64(out, values.value(row));
                self.quote(out);
            }
            Cells::Uuid(values) => {
                self.quote(out);
                uuid::write(out, values.value(row));
                self.quote(out);
            }
        }
        Ok(())
    }

    fn quote(&self, out: &mut Vec<u8>) {
        if self.style.quoted {
            out.push(b'"');
        }
    }

    /// Writes a float that is NaN or infinite.
    #[cold]
    fn no_number(&self, out: &mut Vec<u8>, value: f64) -> Result<(), Refusal> {
        match self.style.no_number {
            NoNumber::Refused => return Err(Refusal::NoNumber),
            NoNumber::RefusedInKey => return Err(Refusal::NoNumberInKey),
            NoNumber::Null => out.extend_from_slice(b"null"),
            NoNumber::Text => write_string(out, scalar::name_of(value)),
        }
        Ok(())
    }

    fn decimal(&self, out: &mut Vec<u8>, unscaled: i128, scale: i8) {
        match self.style.decimal {
            DecimalStyle::Base64 => {
                let bytes = unscaled.to_be_bytes();
                let start = bytes.len() - decimal::significant_bytes(unscaled);
                out.push(b'"');
                write_base64(out, &bytes[start..]);
                out.push(b'"');
            }
            DecimalStyle::Number => decimal::write(out, unscaled, scale),
            DecimalStyle::PointNumber => {
                decimal::write(out, unscaled, scale);
                self.exponent(out, scale);
            }
            DecimalStyle::Text => {
                self.quote(out);
                decimal::write(out, unscaled, scale);
                self.quote(out);
            }
        }
    }

    fn wide_decimal(&self, out: &mut Vec<u8>, unscaled: i256, scale: i8) {
        match self.style.decimal {
            DecimalStyle::Base64 => {
                let bytes = unscaled.to_be_bytes();
                let start = bytes.len() - decimal::significant_bytes_wide(unscaled);
                out.push(b'"');
                write_base64(out, &bytes[start..]);
                out.push(b'"');
            }
            DecimalStyle::Number => decimal::write_wide(out, unscaled, scale),
            DecimalStyle::PointNumber => {
                decimal::write_wide(out, unscaled, scale);
                self.exponent(out, scale);
            }
            DecimalStyle::Text => {
                self.quote(out);
                decimal::write_wide(out, unscaled, scale);
                self.quote(out);
            }
        }
    }

    /// An exponent of nothing, where a number of this scale has no point.
    fn exponent(&self, out: &mut Vec<u8>, scale: i8) {
        if scale <= 0 {
            out.extend_from_slice(b"E0");
        }
    }

    fn write_or_null(&self, out: &mut Vec<u8>, row: usize) -> Result<(), Refusal> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        self.write(out, row)
    }

    /// Writes the cells from the first of `ends` to the second, each after what `name` writes.
    fn members(
        &self,
        out: &mut Vec<u8>,
        ends: &[i32],
        [open, close]: [u8; 2],
        name: impl Fn(&mut Vec<u8>, usize),
    ) -> Result<(), Refusal> {
        let place = |end: i32| usize::try_from(end).unwrap_or(0);
        let rows = place(ends[0])..place(ends[1]);
        let first = rows.start;
        out.push(open);
        for row in rows {
            if row > first {
                out.push(b',');
            }
            name(out, row);
            self.write_or_null(out, row)?;
        }
        out.push(close);
        Ok(())
    }

    fn time_nanos(&self, out: &mut Vec<u8>, nanos: i64) -> Result<(), Refusal> {
        match self.style.time {
            TimeStyle::Micros => write_integer(out, nanos),
            TimeStyle::Millis(_) if !(0..=calendar::DAY * 1_000).contains(&nanos) => {
                return Err(Refusal::BeyondDayOfMillis);
            }
            TimeStyle::Iso if !(0..=calendar::DAY * 1_000).contains(&nanos) => {
                return Err(Refusal::BeyondDay);
            }
            TimeStyle::Millis(below) => write_integer(out, self.millis(nanos, 1_000_000, below)?),
            TimeStyle::Iso => {
                self.quote(out);
                calendar::write_time_nanos(out, nanos);
                self.quote(out);
            }
        }
        Ok(())
    }

    /// Text, whatever the style: a number has no place for the offset.
    fn offset_timestamp(
        &self,
        out: &mut Vec<u8>,
        instant: i64,
        offset: i16,
    ) -> Result<(), Refusal> {
        if offset.unsigned_abs() >= 24 * 60 {
            return Err(Refusal::BeyondOffset);
        }
        self.quote(out);
        calendar::write_offset_timestamp(out, instant, offset);
        self.quote(out);
        Ok(())
    }

    fn time(&self, out: &mut Vec<u8>, micros: i64) -> Result<(), Refusal> {
        match self.style.time {
            TimeStyle::Micros => write_integer(out, micros),
            // Connect's own type has 32 bits for it, and ISO 8601 no other times.
            TimeStyle::Millis(_) if !(0..=calendar::DAY).contains(&micros) => {
                return Err(Refusal::BeyondDayOfMillis);
            }
            TimeStyle::Iso if !(0..=calendar::DAY).contains(&micros) => {
                return Err(Refusal::BeyondDay);
            }
            TimeStyle::Millis(below) => write_integer(out, self.millis(micros, 1_000, below)?),
            TimeStyle::Iso => {
                self.quote(out);
                calendar::write_time(out, micros);
                self.quote(out);
            }
        }
        Ok(())
    }

    /// Milliseconds of a count of which so many are one.
    #[inline]
    fn millis(&self, count: i64, in_one: i64, below: Below) -> Result<i64, Refusal> {
        if count % in_one != 0 {
            match below {
                Below::Refused => return Err(Refusal::BelowMillis),
                Below::Cut => self.cut.set(true),
            }
        }
        Ok(count.div_euclid(in_one))
    }

    #[inline]
    fn timestamp(&self, out: &mut Vec<u8>, micros: i64, utc: bool) -> Result<(), Refusal> {
        match self.style.time {
            TimeStyle::Micros => write_integer(out, micros),
            TimeStyle::Millis(below) => write_integer(out, self.millis(micros, 1_000, below)?),
            TimeStyle::Iso => {
                self.quote(out);
                calendar::write_timestamp(out, micros);
                if utc {
                    out.push(b'Z');
                }
                self.quote(out);
            }
        }
        Ok(())
    }
}

#[inline]
fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[inline]
fn write_float(out: &mut Vec<u8>, finite: impl zmij::Float) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(finite).as_bytes());
}
