//! Casts of values to text, in the format of SQL.
use super::number::reader;
use connect_api::{
    arrow::array::{
        StringArray,
        builder::StringBuilder,
        cast::AsArray as _,
        types::{Int16Type, TimestampMicrosecondType},
    },
    civil::{shown_at, write_offset, write_time_nanos},
    decimal, uuid,
};
use dialect_core::{Cells, ValueError, civil};

const TOO_LONG: ValueError = ValueError("has more digits than any supported database can store");

/// The text format of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    /// The shortest form.
    Short,
    /// The form of [`Kind::BigDecimal`](connect_api::Kind::BigDecimal): without an exponent.
    Plain,
}

/// The cells of a column as text; only called for kinds that [`can_cast`](super::cast::can_cast)
/// allows.
pub(super) fn texts(
    cells: Cells<'_>,
    digits: Digits,
    faults: &mut Vec<(usize, ValueError)>,
) -> StringArray {
    let rows = cells.array().len();
    let mut column = StringBuilder::with_capacity(rows, rows * 16);
    let number = reader(cells);
    let (mut text, mut plain) = (String::new(), String::new());
    for row in 0..rows {
        if cells.is_null(row) {
            column.append_null();
            continue;
        }
        text.clear();
        match (&cells, &number) {
            (Cells::Bool(a), _) => text.push_str(if a.value(row) { "true" } else { "false" }),
            (Cells::Uuid(a), _) => uuid::write(&mut text, a.value(row)),
            (Cells::Date(a), _) => civil::write_date(a.value(row), &mut text),
            (Cells::Time(a), _) => civil::write_time(a.value(row), &mut text),
            (Cells::TimeNanos(a), _) => write_time_nanos(&mut text, a.value(row)),
            (Cells::Timestamp(a), _) => {
                civil::write_timestamp(a.value(row), &mut text);
                if a.timezone().is_some() {
                    write_offset(&mut text, 0);
                }
            }
            (Cells::OffsetTimestamp(a), _) => {
                let instants = a.column(0).as_primitive::<TimestampMicrosecondType>();
                let offset = a.column(1).as_primitive::<Int16Type>().value(row);
                let (days, micros) = shown_at(instants.value(row), offset);
                civil::write_date(days, &mut text);
                text.push(' ');
                civil::write_time(micros, &mut text);
                write_offset(&mut text, offset);
            }
            (_, Some(number)) => match number(row) {
                Ok(number) => number.write(&mut text),
                Err(error) => {
                    faults.push((row, error));
                    column.append_null();
                    continue;
                }
            },
            _ => {
                column.append_null();
                continue;
            }
        }
        match digits {
            Digits::Short => column.append_value(&text),
            Digits::Plain => match decimal::canonical(&text, &mut plain) {
                Ok(text) => column.append_value(text),
                Err(_) => {
                    faults.push((row, TOO_LONG));
                    column.append_null();
                }
            },
        }
    }
    column.finish()
}
