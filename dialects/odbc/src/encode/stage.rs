//! The cells of some rows, prepared to be bound.
use crate::encode::{
    BEYOND_DAY, BEYOND_TIME, BEYOND_YEARS, Encoder, Form, HOLDS_NUL, INEXACT, IS_NULL, NOT_FINITE,
    OUT_OF_RANGE, TOO_LONG, TOO_PRECISE,
};
use crate::server::Profile;
use connect_api::{
    Kind, ValueRef, arrow::schema::Field, decimal_text, parse_wide_decimal, wide_decimal_text,
};
use dialect_core::{Cells, ValueError, civil, is_decimal, parse_decimal, write_parts};
use std::{fmt::Write as _, ops::Range};

const NOT_DECIMAL: ValueError = ValueError("is not a decimal number that fits its column");
const UNEXPECTED: ValueError = ValueError("is not of the kind that was planned for");

/// The days of 0001-01-01 and 9999-12-31.
const YEARS: Range<i32> = -719_162..2_932_897;
/// The greatest that MySQL's TIME holds.
const LONGEST_TIME: i64 = 3_020_399_000_000;

/// The cells of one column.
pub(crate) enum Staged {
    Ints(Vec<Option<i64>>),
    Floats(Vec<Option<f64>>),
    /// One after the other, each with its end; `None`: NULL.
    Texts(Long),
    Bytes(Long),
}

#[derive(Default)]
pub(crate) struct Long {
    data: Vec<u8>,
    cells: Vec<Option<(usize, usize)>>,
}

impl Long {
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        self.cells[row].map(|(start, end)| &self.data[start..end])
    }

    fn push(&mut self, cell: &[u8]) {
        let start = self.data.len();
        self.data.extend_from_slice(cell);
        self.cells.push(Some((start, self.data.len())));
    }

    pub(crate) fn longest(&self, rows: Range<usize>) -> usize {
        let cells = self.cells[rows].iter().flatten();
        cells.map(|(start, end)| end - start).max().unwrap_or(0)
    }
}

impl Staged {
    /// Bytes of a cell in an array of these rows.
    pub(crate) fn cell_bytes(&self, rows: Range<usize>) -> usize {
        match self {
            Self::Ints(_) | Self::Floats(_) => 16,
            Self::Texts(long) | Self::Bytes(long) => long.longest(rows) + 9,
        }
    }
}

impl Staged {
    /// These cells are bytes, and not of one length.
    pub(crate) fn has_uneven_bytes(&self, rows: Range<usize>) -> bool {
        match self {
            Self::Bytes(long) => {
                let longest = long.longest(rows.clone());
                let mut cells = long.cells[rows].iter().flatten();
                cells.any(|(start, end)| end - start != longest || start == end)
            }
            Self::Ints(_) | Self::Floats(_) | Self::Texts(_) => false,
        }
    }
}

/// The cells of `rows`.
pub(crate) fn stage(
    encoder: &Encoder,
    cells: &Cells<'_>,
    rows: Range<usize>,
) -> Result<Staged, ValueError> {
    let null = |row: usize| match (cells.is_null(row), encoder.not_null) {
        (true, true) => Err(IS_NULL),
        (is_null, _) => Ok(is_null),
    };
    Ok(match encoder.form {
        Form::Int { least, greatest } => {
            let mut ints = Vec::with_capacity(rows.len());
            for row in rows {
                ints.push(if null(row)? {
                    None
                } else {
                    Some(int(cells, row, least, greatest)?)
                });
            }
            Staged::Ints(ints)
        }
        Form::Micros => {
            let mut ints = Vec::with_capacity(rows.len());
            for row in rows {
                ints.push(if null(row)? {
                    None
                } else {
                    Some(micros(cells, row)?)
                });
            }
            Staged::Ints(ints)
        }
        Form::Float { single } => {
            let mut floats = Vec::with_capacity(rows.len());
            for row in rows {
                floats.push(if null(row)? {
                    None
                } else {
                    Some(float(encoder, cells, row, single)?)
                });
            }
            Staged::Floats(floats)
        }
        Form::Bytes { .. } | Form::UuidBytes => {
            let mut bytes = Long::default();
            for row in rows {
                if null(row)? {
                    bytes.cells.push(None);
                    continue;
                }
                let ValueRef::Bytes(cell) = cells.get(row) else {
                    return Err(UNEXPECTED);
                };
                if let Form::Bytes {
                    longest: Some(longest),
                } = encoder.form
                    && cell.len() > longest as usize
                {
                    return Err(TOO_LONG);
                }
                bytes.push(cell);
            }
            Staged::Bytes(bytes)
        }
        Form::Parts { longest } => {
            let (mut texts, mut scratch) = (Long::default(), String::new());
            let kind = Kind::of(&Field::new("", cells.array().data_type().clone(), true));
            for row in rows {
                if null(row)? {
                    texts.cells.push(None);
                    continue;
                }
                scratch.clear();
                write_parts(&kind, cells.get(row), &mut scratch);
                check_text(&scratch, longest, encoder.profile)?;
                texts.push(scratch.as_bytes());
            }
            Staged::Texts(texts)
        }
        _ => {
            let (mut texts, mut scratch) = (Long::default(), String::new());
            let nanos = matches!(cells, Cells::TimeNanos(_));
            for row in rows {
                if null(row)? {
                    texts.cells.push(None);
                } else if let ValueRef::Text(text) = cells.get(row)
                    && let Form::Text { longest } = encoder.form
                {
                    check_text(text, longest, encoder.profile)?;
                    texts.push(text.as_bytes());
                } else {
                    scratch.clear();
                    write_text(encoder, cells.get(row), nanos, &mut scratch)?;
                    texts.push(scratch.as_bytes());
                }
            }
            Staged::Texts(texts)
        }
    })
}

fn int(cells: &Cells<'_>, row: usize, least: i64, greatest: i64) -> Result<i64, ValueError> {
    let value = match cells.get(row) {
        ValueRef::Int(v) => v,
        ValueRef::UInt(v) => i64::try_from(v).map_err(|_e| OUT_OF_RANGE)?,
        ValueRef::Bool(v) => v.into(),
        _ => return Err(UNEXPECTED),
    };
    (least..=greatest)
        .contains(&value)
        .then_some(value)
        .ok_or(OUT_OF_RANGE)
}

/// A span or time in microseconds.
fn micros(cells: &Cells<'_>, row: usize) -> Result<i64, ValueError> {
    match (cells, cells.get(row)) {
        (Cells::TimeNanos(_), ValueRef::Time(nanos)) if nanos % 1_000 != 0 => Err(TOO_PRECISE),
        (Cells::TimeNanos(_), ValueRef::Time(nanos)) => Ok(nanos / 1_000),
        (_, ValueRef::Time(micros)) => Ok(micros),
        _ => Err(UNEXPECTED),
    }
}

fn float(
    encoder: &Encoder,
    cells: &Cells<'_>,
    row: usize,
    single: bool,
) -> Result<f64, ValueError> {
    let value = match cells.get(row) {
        ValueRef::Float(v) => v,
        ValueRef::Int(v) => v as f64,
        ValueRef::UInt(v) => v as f64,
        _ => return Err(UNEXPECTED),
    };
    #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
    if single && value.is_finite() && f64::from(value as f32) != value {
        return Err(INEXACT);
    }
    match encoder.profile {
        Profile::MySql { .. } | Profile::SqlServer if !value.is_finite() => Err(NOT_FINITE),
        Profile::Sqlite if value.is_nan() => Err(NOT_FINITE),
        _ => Ok(value),
    }
}

fn check_text(text: &str, longest: Option<u32>, profile: Profile) -> Result<(), ValueError> {
    // MySQL's driver alone takes the length of a text for its end, on the way in and out.
    if !profile.is_mysql() && text.as_bytes().contains(&0) {
        return Err(HOLDS_NUL);
    }
    match longest {
        Some(longest) if text.len() > longest as usize => {
            let characters = text.chars().count();
            if characters > longest as usize {
                Err(TOO_LONG)
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

/// The text of a value that is no text; `nanos`: a time counts nanoseconds.
pub(crate) fn write_text(
    encoder: &Encoder,
    value: ValueRef<'_>,
    nanos: bool,
    out: &mut String,
) -> Result<(), ValueError> {
    match (encoder.form, value) {
        (Form::Text { .. }, ValueRef::Bool(v)) => out.push(if v { '1' } else { '0' }),
        (Form::Decimal(digits), value) => decimal(encoder.profile, digits, value, out)?,
        (Form::FloatText { single }, value) => {
            let value = match value {
                ValueRef::Float(v) => v,
                ValueRef::Int(v) => v as f64,
                ValueRef::UInt(v) => v as f64,
                _ => return Err(UNEXPECTED),
            };
            float_text(value, single, out)?;
        }
        (Form::UuidText, ValueRef::Bytes(bytes)) => {
            for (i, byte) in bytes.iter().enumerate() {
                if matches!(i, 4 | 6 | 8 | 10) {
                    out.push('-');
                }
                // Writing to a string does not fail.
                write!(out, "{byte:02x}").map_err(|_e| UNEXPECTED)?;
            }
        }
        (Form::Date, ValueRef::Date(days)) => dated(encoder.profile, days, out, |_| Ok(()))?,
        (Form::Time(digits), ValueRef::Time(v)) => {
            let micros = match nanos {
                true if v % 1_000 != 0 => return Err(TOO_PRECISE),
                true => v / 1_000,
                false => v,
            };
            if !(0..civil::DAY_MICROS).contains(&micros) {
                return Err(BEYOND_DAY);
            }
            check_digits(micros, digits)?;
            civil::write_time(micros, out);
        }
        (
            Form::Timestamp { digits, zone },
            ValueRef::Timestamp(v) | ValueRef::OffsetTimestamp(v, _),
        ) => {
            timestamp(encoder.profile, v, digits, out, |out| {
                if zone {
                    out.push_str(if encoder.profile == Profile::Sqlite {
                        "Z"
                    } else {
                        "+00"
                    });
                }
            })?;
        }
        (Form::Offset { digits }, ValueRef::Timestamp(v)) => {
            timestamp(encoder.profile, v, digits, out, |out| {
                out.push_str(" +00:00")
            })?;
        }
        (Form::Offset { digits }, ValueRef::OffsetTimestamp(v, offset)) => {
            let local = v
                .checked_add(i64::from(offset) * 60_000_000)
                .ok_or(BEYOND_YEARS)?;
            let sign = if offset < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
            timestamp(encoder.profile, local, digits, out, |_| {})?;
            write!(out, " {sign}{hours:02}:{minutes:02}").map_err(|_e| UNEXPECTED)?;
        }
        (Form::Span { digits, clock }, ValueRef::Time(v)) => {
            let micros = match nanos {
                true if v % 1_000 != 0 => return Err(TOO_PRECISE),
                true => v / 1_000,
                false => v,
            };
            if clock && !(-LONGEST_TIME..=LONGEST_TIME).contains(&micros) {
                return Err(BEYOND_TIME);
            }
            check_digits(micros, digits)?;
            let size = micros.unsigned_abs();
            let (seconds, fraction) = (size / 1_000_000, size % 1_000_000);
            let sign = if micros < 0 { "-" } else { "" };
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            write!(
                out,
                "{sign}{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}"
            )
            .map_err(|_e| UNEXPECTED)?;
        }
        _ => return Err(UNEXPECTED),
    }
    Ok(())
}

fn decimal(
    profile: Profile,
    digits: Option<(u8, i8)>,
    value: ValueRef<'_>,
    out: &mut String,
) -> Result<(), ValueError> {
    match value {
        ValueRef::Int(v) => out.push_str(&v.to_string()),
        ValueRef::UInt(v) => out.push_str(&v.to_string()),
        ValueRef::Decimal(v, scale) => out.push_str(&decimal_text(v, scale)),
        ValueRef::WideDecimal(v, scale) => out.push_str(&wide_decimal_text(v, scale)),
        ValueRef::Text(v) => {
            let special = matches!(v, "NaN" | "Infinity" | "-Infinity");
            let fits = is_decimal(v.as_bytes())
                || (special && profile == Profile::Postgres && digits.is_none());
            if !fits {
                return Err(NOT_DECIMAL);
            }
            out.push_str(v);
        }
        _ => return Err(UNEXPECTED),
    }
    // The server would round what is too fine.
    match digits {
        Some((precision @ ..=38, scale)) => {
            parse_decimal(out.as_bytes(), precision, scale).map(|_| ())
        }
        Some((precision, scale)) => parse_wide_decimal(out, precision, scale)
            .map(|_| ())
            .ok_or(NOT_DECIMAL),
        None => Ok(()),
    }
}

/// The shortest text that is read as the same float.
fn float_text(value: f64, single: bool, out: &mut String) -> Result<(), ValueError> {
    #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
    let narrow = value as f32;
    if single && value.is_finite() && f64::from(narrow) != value {
        return Err(INEXACT);
    }
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        let written = if single {
            write!(out, "{narrow:e}")
        } else {
            write!(out, "{value:e}")
        };
        written.map_err(|_e| UNEXPECTED)?;
    }
    Ok(())
}

fn check_digits(micros: i64, digits: u32) -> Result<(), ValueError> {
    if digits < 6 && micros % 10i64.pow(6 - digits) != 0 {
        return Err(TOO_PRECISE);
    }
    Ok(())
}

/// A date, and what `rest` puts behind it.
fn dated(
    profile: Profile,
    days: i32,
    out: &mut String,
    rest: impl FnOnce(&mut String) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    if YEARS.contains(&days) {
        civil::write_date(days, out);
        return rest(out);
    }
    if profile != Profile::Postgres {
        return Err(BEYOND_YEARS);
    }
    // PostgreSQL has no year 0, and no sign: the year before 1 is 1 BC.
    let (year, month, day) = civil::date_of(days);
    let shown = if year > 0 { year } else { 1 - year };
    write!(out, "{shown:04}-{month:02}-{day:02}").map_err(|_e| UNEXPECTED)?;
    rest(out)?;
    if year <= 0 {
        out.push_str(" BC");
    }
    Ok(())
}

fn timestamp(
    profile: Profile,
    micros: i64,
    digits: u32,
    out: &mut String,
    zone: impl FnOnce(&mut String),
) -> Result<(), ValueError> {
    check_digits(micros, digits)?;
    let days = i32::try_from(micros.div_euclid(civil::DAY_MICROS)).map_err(|_e| BEYOND_YEARS)?;
    dated(profile, days, out, |out| {
        out.push(' ');
        civil::write_time(micros, out);
        zone(out);
        Ok(())
    })
}
