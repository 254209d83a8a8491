//! What drivers say, as errors of ours.
//!
//! Native messages hold values of rows: only names, the SQLSTATE and the native number are taken
//! from them (G8). Messages of SQLite and of syntax hold names alone, and are kept.
mod kinds;

use crate::server::Profile;
use connect_api::{Error, ErrorKind};
use kinds::kind_of;
use odbc_api::{Error as OdbcError, handles::Record};
use std::fmt;

/// The error for `cause`, which happened on the way to `what`, e.g. "insert into table orders".
pub(crate) fn refusal(profile: Profile, what: impl fmt::Display, cause: &OdbcError) -> Error {
    match cause {
        OdbcError::Diagnostics { record, .. }
        | OdbcError::InvalidRowArraySize { record, .. }
        | OdbcError::UnableToRepresentNull(record)
        | OdbcError::OracleOdbcDriverDoesNotSupport64Bit(record)
        | OdbcError::UnsupportedOdbcApiVersion(record) => of_record(profile, what, record),
        OdbcError::NoDiagnostics { function } => Error::new(
            ErrorKind::Internal,
            format!("{what}: {function} failed, and the driver does not say why"),
        ),
        OdbcError::TooLargeColumnBufferSize { .. } => Error::new(
            ErrorKind::Internal,
            format!("{what}: no memory for a column's buffer"),
        ),
        OdbcError::TooLargeValueForBuffer { buffer_index, .. } => Error::new(
            ErrorKind::Data,
            format!(
                "{what}: column {}: a value that is longer than declared",
                buffer_index + 1
            ),
        ),
        OdbcError::FailedSettingConnectionPooling
        | OdbcError::FailedAllocatingEnvironment
        | OdbcError::AbortedConnectionStringCompletion
        | OdbcError::FailedReadingInput(_) => Error::new(
            ErrorKind::Internal,
            format!("{what}: the driver manager failed"),
        ),
    }
}

fn of_record(profile: Profile, what: impl fmt::Display, record: &Record) -> Error {
    let state = record.state.as_str();
    let message = message_of(record);
    let kind = kind_of(profile, state, record.native_error, &message);
    let said = if keeps_message(profile, state, kind) {
        first_line(&message).to_owned()
    } else {
        names_in(&message)
    };
    let said = if message.contains("Can't open lib") {
        // The system's manager looks where its drivers lie, one that was built in does not.
        "the driver manager does not find the driver's library; give its full path as `Driver=…`, or \
         in the odbcinst.ini of the folder that ODBCSYSINI names"
            .to_owned()
    } else {
        said
    };
    // G8: the words of a trigger are its own, and may hold values of the row.
    let of_trigger = profile == Profile::Sqlite
        && record.native_error & 0xff == 19
        && !message.contains("constraint failed");
    let said = match (profile.is_mysql(), record.native_error) {
        _ if of_trigger => "a trigger refuses the row".to_owned(),
        // The upsert's own words.
        (true, 1242) => {
            "a row with another key has the same value of another unique key and is left as it is"
                .to_owned()
        }
        _ => said,
    };
    let code = format!("SQLSTATE {state}, native {}", record.native_error);
    let text = if said.is_empty() {
        format!("{what}: {code}")
    } else {
        format!("{what}: {said} ({code})")
    };
    let error = Error::new(kind, text).with_code(state);
    match is_reference(profile, state, record.native_error, &message) {
        true => error.of_reference(),
        false => error,
    }
}

/// A foreign key refuses the row. Standard databases say no more than that a constraint does.
fn is_reference(profile: Profile, state: &str, native: i32, message: &str) -> bool {
    match profile {
        Profile::MySql { .. } => matches!(native, 1216 | 1217 | 1451 | 1452),
        Profile::Sqlite => native == 787 || message.contains("FOREIGN KEY constraint"),
        Profile::SqlServer => {
            native == 547
                && (message.contains("FOREIGN KEY") || message.contains("REFERENCE constraint"))
        }
        _ => matches!(state, "23503" | "23001"),
    }
}

/// The message alone, of which the driver manager's width of characters is no matter.
fn message_of(record: &Record) -> String {
    let shown = record.to_string();
    match shown.split_once("Message: ") {
        Some((_, message)) => message.to_owned(),
        None => shown,
    }
}

/// Whether the message has no values: of syntax, of names, of connections, and SQLite's own.
fn keeps_message(profile: Profile, state: &str, kind: ErrorKind) -> bool {
    profile == Profile::Sqlite
        || matches!(
            state.get(..2),
            Some("42" | "08" | "28" | "IM" | "57" | "3D")
        )
        || matches!(
            kind,
            ErrorKind::Connect | ErrorKind::Auth | ErrorKind::Schema
        )
}

fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    let mut end = line.len().min(300);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].trim_end_matches(';')
}

/// The names that follow these words in a message, e.g. `column "needed", constraint "t_pkey"`.
fn names_in(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for word in [
        "column",
        "constraint",
        "key",
        "relation",
        "table",
        "CONSTRAINT",
    ] {
        for quote in ['"', '\'', '`'] {
            let opening = format!("{word} {quote}");
            let Some((_, rest)) = first.split_once(&opening) else {
                continue;
            };
            if let Some((name, _)) = rest.split_once(quote)
                && name.len() <= 128
            {
                names.push(format!(
                    "{} {quote}{name}{quote}",
                    word.to_ascii_lowercase()
                ));
            }
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken_from_a_message() {
        for (message, names) in [
            (
                "ERROR: duplicate key value violates unique constraint \"t_pkey\"\nDETAIL: Key (id)=(918273645) already exists.",
                "constraint \"t_pkey\"",
            ),
            (
                "ERROR: null value in column \"needed\" of relation \"t\" violates not-null constraint",
                "column \"needed\", relation \"t\"",
            ),
            (
                "[ma-3.1.15]Duplicate entry '918273645' for key 'PRIMARY'",
                "key 'PRIMARY'",
            ),
            (
                "Data too long for column 'narrow' at row 1",
                "column 'narrow'",
            ),
            ("Incorrect integer value: '918273645' for what", ""),
        ] {
            assert_eq!(names_in(message), names);
        }
        assert_eq!(first_line("é;\nvalue"), "é");
    }
}
