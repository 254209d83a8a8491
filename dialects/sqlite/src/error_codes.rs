//! What SQLite's error codes mean.
use connect_api::{Error, ErrorKind};
use rusqlite::Error as Driver;
use std::fmt;

/// CONSTRAINT_FOREIGNKEY
const FOREIGN_KEY: i32 = 787;
/// CONSTRAINT_TRIGGER
const TRIGGER: i32 = 1811;

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
        1 if says("no such savepoint") || says("no transaction is active") => ErrorKind::Conflict,
        1 if already_exists(message) => ErrorKind::Schema,
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

/// What was to be created exists already.
pub(crate) fn already_exists(message: &str) -> bool {
    message.contains("already exists") || message.contains("duplicate column name")
}

/// The error of an operation; SQLite's messages name tables and columns, never values. The text of
/// a statement, which the driver keeps, is left out.
pub(crate) fn refusal(operation: impl fmt::Display, error: &Driver) -> Error {
    let (code, message) = match error {
        Driver::SqliteFailure(failure, message) => (
            failure.extended_code,
            message.clone().unwrap_or_else(|| failure.to_string()),
        ),
        Driver::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
        other => {
            return Error::new(
                ErrorKind::Internal,
                format!("{operation}: {}", fault(other)),
            );
        }
    };
    let kind = kind(code, &message);
    // A statement is interrupted by its time limit, or because nobody waits for it any more.
    let message = match (kind, code) {
        (ErrorKind::Timeout, _) => "the statement took longer than its timeout allows",
        // G8: its words are the trigger's own, and may hold values of the row.
        (_, TRIGGER) => "a trigger refuses the row",
        _ => &message,
    };
    let error = Error::new(kind, format!("{operation}: {message}")).with_code(code.to_string());
    match code {
        FOREIGN_KEY => error.of_reference(),
        _ => error,
    }
}

/// What else the driver says: faults of this program, which hold no value.
fn fault(error: &Driver) -> &'static str {
    match error {
        Driver::InvalidPath(_) => "the path of the file cannot be given to SQLite",
        Driver::NulError(_) => "the statement holds a NUL",
        Driver::InvalidParameterCount(..) => {
            "another number of values is bound than the statement takes"
        }
        Driver::InvalidColumnIndex(_) => "a column was read that the statement does not give",
        _ => "the driver was used in a wrong way",
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
            (1, "table t already exists", ErrorKind::Schema),
            (
                1,
                "cannot commit - no transaction is active",
                ErrorKind::Conflict,
            ),
            (3, "access permission denied", ErrorKind::Auth),
            (4, "query aborted", ErrorKind::Conflict),
            (5, "database is locked", ErrorKind::Busy),
            (517, "database is locked", ErrorKind::Busy),
            (6, "database table is locked", ErrorKind::Busy),
            (7, "out of memory", ErrorKind::Busy),
            (8, "attempt to write a readonly database", ErrorKind::Auth),
            (
                1032,
                "attempt to write a readonly database",
                ErrorKind::Auth,
            ),
            (9, "interrupted", ErrorKind::Timeout),
            (10, "disk I/O error", ErrorKind::Connect),
            (11, "database disk image is malformed", ErrorKind::Config),
            (13, "database or disk is full", ErrorKind::Busy),
            (14, "unable to open database file", ErrorKind::Auth),
            (15, "locking protocol", ErrorKind::Busy),
            (17, "database schema has changed", ErrorKind::Conflict),
            (18, "string or blob too big", ErrorKind::Data),
            (1299, "NOT NULL constraint failed: t.c", ErrorKind::Data),
            (1555, "UNIQUE constraint failed: t.id", ErrorKind::Data),
            (
                3091,
                "cannot store TEXT value in INTEGER column t.c",
                ErrorKind::Data,
            ),
            (20, "datatype mismatch", ErrorKind::Data),
            (21, "bad parameter or other API misuse", ErrorKind::Internal),
            (23, "not authorized", ErrorKind::Auth),
            (26, "file is not a database", ErrorKind::Config),
        ] {
            assert_eq!(kind(code, message), expected, "{code} {message}");
        }
    }
}
