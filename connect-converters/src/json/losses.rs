//! What rows of a schema lose in conversion, reported before the first of them.
use super::cell_writer::{Below, Style, TimeStyle};
use super::{Interop, JsonSettings};
use connect_api::{Kind, Schema, VENDOR, VENDOR_TYPE, arrow::schema::Field};

/// What is worth knowing of columns of `schema`.
pub(crate) fn notes(settings: &JsonSettings, style: Style, schema: &Schema) -> Vec<String> {
    let mut notes = Vec::new();
    let prefix = style.prefix;
    let columns = schema.kinds().iter().zip(schema.columns().fields());
    for (kind, field) in columns {
        let column = format!("column `{}` of {}", field.name(), schema.name());
        if let TimeStyle::Millis(below) = style.time
            && counts_time(kind)
            && second_digits(field) > MILLIS
        {
            notes.push(match below {
                Below::Cut => format!(
                    "{column}: digits below a millisecond are truncated \
                     ({prefix}.time.precision.loss=truncate)"
                ),
                Below::Refused => format!(
                    "{column}: a value with digits below a millisecond is refused; \
                     {prefix}.time.precision.loss=truncate cuts them"
                ),
            });
        }
        if matches!(style.time, TimeStyle::Millis(_)) && *kind == Kind::Duration {
            notes.push(format!(
                "{column}: a time below zero or beyond a day is refused, since milliseconds of a \
                 day cannot represent it"
            ));
        }
        let parts = matches!(kind, Kind::List(_) | Kind::Struct(_) | Kind::Map(_));
        if settings.interop == Interop::Java && parts {
            notes.push(format!(
                "{column}: the JDBC sink of the Java original writes no arrays, structs and maps"
            ));
        }
    }
    notes
}

/// Digits of a second that milliseconds hold.
const MILLIS: u8 = 3;
/// Digits of a second that columns may have where their number is not known.
const UNKNOWN: u8 = 9;

fn counts_time(kind: &Kind) -> bool {
    match kind {
        Kind::Time | Kind::TimeNanos | Kind::Duration | Kind::Timestamp { .. } => true,
        Kind::List(part) | Kind::Map(part) => counts_time(part),
        Kind::Struct(parts) => parts.iter().any(|(_, kind)| counts_time(kind)),
        _ => false,
    }
}

/// The digits of a second that a column's declared type has, at most.
fn second_digits(field: &Field) -> u8 {
    let metadata = |key| field.metadata().get(key).map(String::as_str);
    let Some(declared) = metadata(VENDOR_TYPE) else {
        return UNKNOWN;
    };
    let declared = declared.to_ascii_lowercase();
    if let Some((_, rest)) = declared.split_once('(') {
        let digits = rest.split([')', ',']).next().unwrap_or_default();
        return digits.trim().parse().unwrap_or(UNKNOWN);
    }
    match (metadata(VENDOR), declared.as_str()) {
        // Without a number these have whole seconds, there alone.
        (Some("mysql"), "time" | "datetime" | "timestamp") => 0,
        (Some("sqlserver"), "datetime") => MILLIS,
        (Some("sqlserver"), "smalldatetime") => 0,
        _ => UNKNOWN,
    }
}
