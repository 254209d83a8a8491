//! What SQLite's error codes mean.
use connect_api::{Error, ErrorKind};
use std::fmt;

/// The kind of an error, by the primary code (`extended code & 0xff`) and, for the code that says
/// everything and nothing, by the message.
fn kind(code: i32, message: &str) -> ErrorKind {
    let says = |part: &str| message.contains(part);
    match code & 0xff {
        // ERROR
        1 if says("no such table") || says("no such column") || says("has no column named") => {
            ErrorKind::Schema
        }
        1 if says("because it is a view") || says("does not match any PRIMARY KEY") => {
            ErrorKind::Schema
        }
        1 if says("already exists") || says("duplicate column name") => ErrorKind::Schema,
        1 if says("malformed JSON") || says("integer overflow") => ErrorKind::Data,
        // PERM, READONLY, CANTOPEN, AUTH
        3 | 8 | 14 | 23 => ErrorKind::Auth,
        // ABORT, SCHEMA: another connection changed what was in use
        4 | 17 => ErrorKind::Conflict,
        // BUSY, LOCKED, NOMEM, FULL, PROTOCOL
        5 | 6 | 7 | 13 | 15 => ErrorKind::Busy,
        // INTERRUPT
        9 => ErrorKind::Timeout,
        // IOERR
        10 => ErrorKind::Connect,
        // CORRUPT, NOTADB
        11 | 26 => ErrorKind::Config,
        // TOOBIG, CONSTRAINT, MISMATCH
        18..=20 => ErrorKind::Data,
        // The rest, ERROR for bad SQL among them, are faults of this program.
        _ => ErrorKind::Internal,
    }
}

/// The error of an operation; SQLite's messages name tables and columns, never values.
pub(crate) fn refusal(operation: impl fmt::Display, error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let message = database.message();
            let kind = code
                .parse()
                .map_or(ErrorKind::Internal, |code| kind(code, message));
            Error::new(kind, format!("{operation}: {message}")).with_code(code)
        }
        None => {
            let kind = match &error {
                sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => ErrorKind::Connect,
                _ => ErrorKind::Internal,
            };
            Error::new(kind, operation.to_string()).with_source(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_kinds() {
        for (code, message, expected) in [
            (1, "no such table: t", ErrorKind::Schema),
            (1, "near \"SELEC\": syntax error", ErrorKind::Internal),
            (5, "database is locked", ErrorKind::Busy),
            (517, "database is locked", ErrorKind::Busy),
            (6, "database table is locked", ErrorKind::Busy),
            (8, "attempt to write a readonly database", ErrorKind::Auth),
            (
                1032,
                "attempt to write a readonly database",
                ErrorKind::Auth,
            ),
            (13, "database or disk is full", ErrorKind::Busy),
            (14, "unable to open database file", ErrorKind::Auth),
            (18, "string or blob too big", ErrorKind::Data),
            (1299, "NOT NULL constraint failed: t.c", ErrorKind::Data),
            (1555, "UNIQUE constraint failed: t.id", ErrorKind::Data),
            (
                3091,
                "cannot store TEXT value in INTEGER column t.c",
                ErrorKind::Data,
            ),
            (20, "datatype mismatch", ErrorKind::Data),
            (26, "file is not a database", ErrorKind::Config),
        ] {
            assert_eq!(kind(code, message), expected, "{code} {message}");
        }
    }
}
