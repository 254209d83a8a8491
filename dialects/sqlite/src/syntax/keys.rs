//! Keys whose order is not that of what stands in their column.
use crate::types::{ANY, AS_TEXT, Declared, Storage};
use connect_api::{Kind, Value};
use dialect_core::{Column, KeyValues, Param, SqliteDates, civil};
use std::time::Duration;

/// Digits that every float keeps.
const FLOAT_DIGITS: u8 = 15;
/// Milliseconds of a day, as SQLite computes with them.
const DAY: &str = "86400000.0";
/// Milliseconds of Julian days at 2000-01-01, the day of times without one.
const DAY_OF_TIMES: &str = "211813444800000";

/// How cells of a column become a key.
enum Form {
    /// As they stand.
    Plain,
    /// Of any storage class: as text.
    Any,
    /// ISO text in any form: as text of one.
    Timestamp {
        utc: bool,
    },
    /// `HH:MM` and longer: as text of one length.
    Time,
    /// Text and bytes: as digits.
    Uuid,
    /// The wall clock of some place: as UTC.
    Offset,
    /// Decimals as text: as floats.
    Float,
    /// The same, of more digits than a float has: as text of so many.
    Padded(u8),
    /// A number; bound values are dates as text.
    Unix(Kind),
    Julian(Kind),
}

fn form(column: &Column, dates: SqliteDates) -> Form {
    let declared = Declared::parse(&column.vendor_type);
    if matches!(column.extension, Some(ANY | AS_TEXT)) && !column.auto_increment {
        return Form::Any;
    }
    let Some(kind) = &column.kind else {
        return Form::Plain;
    };
    match (kind, declared.storage(dates)) {
        (Kind::Timestamp { utc }, Storage::Iso) => Form::Timestamp { utc: *utc },
        (Kind::Time, Storage::Iso) => Form::Time,
        (Kind::Date | Kind::Time | Kind::Timestamp { .. }, Storage::Unix) => {
            Form::Unix(kind.clone())
        }
        (Kind::Date | Kind::Time | Kind::Timestamp { .. }, Storage::Julian) => {
            Form::Julian(kind.clone())
        }
        (Kind::Uuid, _) if declared.is_mixed_uuid() => Form::Uuid,
        (Kind::OffsetTimestamp, _) => Form::Offset,
        (Kind::Decimal { precision, .. } | Kind::WideDecimal { precision, .. }, _)
            if declared.keeps_text() =>
        {
            if *precision <= FLOAT_DIGITS {
                Form::Float
            } else {
                Form::Padded(*precision)
            }
        }
        _ => Form::Plain,
    }
}

/// Keys of this column are compared as padded digits, which are not those of the column.
pub(super) fn pads(column: &Column) -> bool {
    matches!(form(column, SqliteDates::Iso), Form::Padded(_))
}

/// How well keys distinguish the values of this column.
pub(super) fn values(column: &Column, dates: SqliteDates) -> KeyValues {
    match form(column, dates) {
        Form::Plain => KeyValues::Exact,
        Form::Any | Form::Timestamp { .. } | Form::Time | Form::Uuid | Form::Offset => {
            KeyValues::Forms
        }
        Form::Float | Form::Padded(_) | Form::Unix(_) | Form::Julian(_) => KeyValues::Forms,
    }
}

/// A cell of any storage class as text.
pub(super) fn any(name: &str, plain: &str) -> String {
    format!("CASE WHEN typeof({name}) IN ('real', 'blob') THEN quote({name}) ELSE {plain} END")
}

/// What rows are ordered by, and compared with a bound value.
pub(super) fn expression(column: &Column, name: &str, dates: SqliteDates) -> String {
    match form(column, dates) {
        Form::Plain | Form::Unix(_) => name.to_owned(),
        Form::Any => any(name, &format!("CAST({name} AS TEXT)")),
        Form::Timestamp { utc } => {
            let plain = format!(
                "replace(replace(replace(rtrim({name}, 'Zz'), '+00:00', ''), 'T', ' '), ',', '.')"
            );
            let whole = format!(
                "substr({plain} || substr(' 00:00:00.000000', length({plain}) - 9), 1, 26)"
            );
            if utc {
                format!("{whole} || 'Z'")
            } else {
                whole
            }
        }
        // A comma before the fraction is read as a point is.
        Form::Time => format!(
            "substr(replace({name}, ',', '.') || substr(':00.000000', length({name}) - 4), 1, 15)"
        ),
        Form::Uuid => format!(
            "CASE typeof({name}) WHEN 'blob' THEN lower(hex({name})) ELSE lower(replace({name}, '-', '')) END"
        ),
        // Without the fraction, which SQLite would round.
        Form::Offset => format!(
            "strftime('%Y-%m-%d %H:%M:%S', substr({name}, 1, 19) || substr({name}, 27)) || substr({name}, 20, 7) || 'Z' || substr({name}, 27)"
        ),
        Form::Float => format!("CAST({name} AS REAL)"),
        Form::Padded(precision) => padded(name, precision),
        // As it is read: to the millisecond.
        Form::Julian(Kind::Time) => format!(
            "({DAY_OF_TIMES} + (CAST(round({name} * {DAY}) AS INTEGER) + 43200000) % 86400000) / {DAY}"
        ),
        Form::Julian(_) => format!("round({name} * {DAY}) / {DAY}"),
    }
}

/// A bound value in the form of the column's expression.
pub(super) fn placeholder(n: usize, column: &Column, dates: SqliteDates) -> String {
    match form(column, dates) {
        Form::Plain | Form::Any | Form::Timestamp { .. } | Form::Time | Form::Offset => {
            "?".to_owned()
        }
        Form::Uuid => "lower(hex(?))".to_owned(),
        Form::Float => "CAST(? AS REAL)".to_owned(),
        Form::Padded(precision) => padded(&format!("?{n}"), precision),
        Form::Unix(Kind::Date) => "unixepoch(?)".to_owned(),
        // In whole microseconds, divided once: the very float that is stored.
        Form::Unix(Kind::Time) => format!(
            "(((substr(?{n}, 1, 2) * 60 + substr(?{n}, 4, 2)) * 60 + substr(?{n}, 7, 2)) * 1000000 + substr(?{n}, 10, 6)) / 1e6"
        ),
        Form::Unix(_) => {
            format!("(unixepoch(substr(?{n}, 1, 19)) * 1000000 + substr(?{n}, 21, 6)) / 1e6")
        }
        Form::Julian(_) => "julianday(?)".to_owned(),
    }
}

/// Digits of one length, which are in the order of numbers; those of negative numbers turned about.
fn padded(name: &str, precision: u8) -> String {
    let zeros = "0".repeat(precision.into());
    let digits = format!("substr('{zeros}' || replace(ltrim({name}, '-'), '.', ''), -{precision})");
    let turned = ('0'..='9')
        .zip(('a'..='j').rev())
        .fold(digits.clone(), |text, (digit, letter)| {
            format!("replace({text}, '{digit}', '{letter}')")
        });
    format!("CASE WHEN {name} LIKE '-%' THEN 'n' || {turned} ELSE 'p' || {digits} END")
}

/// A value below which no cell lies whose key is greater than `value`, for an index over what
/// stands in the column.
pub(super) fn bound(column: &Column, value: &Value, dates: SqliteDates) -> Option<Param> {
    let Value::Timestamp(micros) = value else {
        return None;
    };
    match form(column, dates) {
        // The day begins the text in every form.
        Form::Timestamp { .. } => {
            let mut day = String::new();
            let days = micros.div_euclid(civil::DAY_MICROS);
            civil::write_date(i32::try_from(days).ok()?, &mut day);
            Some(Param {
                value: Value::Text(day.into()),
                kind: Kind::Text,
            })
        }
        // A millisecond less than that from which it may be rounded.
        Form::Julian(_) => {
            #[expect(clippy::cast_precision_loss, reason = "less is enough")]
            let days = (micros / 1_000 - 1) as f64 / 86_400_000.0 + 2_440_587.5;
            Some(Param {
                value: Value::Float(days),
                kind: Kind::Float64,
            })
        }
        _ => None,
    }
}

/// Text and numbers are of whole seconds where SQLite's own `CURRENT_TIMESTAMP` and `unixepoch()`
/// write them, and nothing declares it.
pub(super) fn step(column: &Column, dates: SqliteDates) -> Duration {
    let declared = Declared::parse(&column.vendor_type);
    match (&column.kind, declared.storage(dates)) {
        (Some(Kind::Timestamp { .. } | Kind::OffsetTimestamp), storage) => match storage {
            Storage::Canonical => Duration::ZERO,
            Storage::Iso | Storage::Unix => Duration::from_secs(1),
            Storage::Julian => Duration::from_millis(1),
        },
        (Some(Kind::Date), _) => Duration::from_hours(24),
        _ => Duration::ZERO,
    }
}

/// The present time moved by so many microseconds, in the form of the column's expression; of a column of text, as
/// SQLite's own functions write it, in UTC, to the millisecond.
pub(super) fn now(column: &Column, shift: i64, dates: SqliteDates) -> String {
    let millis = shift.div_euclid(1_000).unsigned_abs();
    let sign = if shift > 0 { '+' } else { '-' };
    let delay = format!(
        "'now', '{sign}{}.{:03} seconds'",
        millis / 1_000,
        millis % 1_000
    );
    match form(column, dates) {
        Form::Unix(Kind::Date) => format!("unixepoch(date({delay}))"),
        Form::Unix(Kind::Time) => {
            format!("unixepoch({delay}, 'subsec') - unixepoch(date({delay}))")
        }
        Form::Unix(_) => format!("unixepoch({delay}, 'subsec')"),
        Form::Julian(Kind::Date) => format!("julianday(date({delay}))"),
        Form::Julian(Kind::Time) => format!("julianday(strftime('%H:%M:%f', {delay}))"),
        Form::Julian(_) => format!("julianday({delay})"),
        _ => match &column.kind {
            Some(Kind::Date) => format!("date({delay})"),
            Some(Kind::Time) => format!("strftime('%H:%M:%f', {delay}) || '000'"),
            Some(Kind::TimeNanos) => format!("strftime('%H:%M:%f', {delay}) || '000000'"),
            Some(Kind::Timestamp { utc: false }) => {
                format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000'")
            }
            Some(Kind::Timestamp { utc: true } | Kind::OffsetTimestamp) => {
                format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000Z'")
            }
            _ => format!("strftime('%Y-%m-%d %H:%M:%f', {delay})"),
        },
    }
}
