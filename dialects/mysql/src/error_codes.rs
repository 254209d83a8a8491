//! What the driver and the server say, as errors of ours.
//!
//! The server's text holds values of the row in many cases (`Duplicate entry '…' for key '…'`):
//! for errors of kind `Data` only the names of column and key are taken from it.
mod kinds;

use crate::error_codes::kinds::kind_of;
use connect_api::{Error, ErrorKind};
use sqlx::mysql::MySqlDatabaseError;
use std::fmt;

/// The error for `cause`, which happened on the way to `what`, e.g. "insert into `orders`".
pub(crate) fn error(what: impl fmt::Display, cause: sqlx::Error) -> Error {
    match cause {
        sqlx::Error::Database(cause) => match cause.try_downcast::<MySqlDatabaseError>() {
            Ok(cause) => refused(what, &cause, false),
            Err(cause) => Error::new(ErrorKind::Internal, format!("{what}: {}", cause.message())),
        },
        // rustls says so of certificates that it does not trust.
        sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
            tls(what, cause.into())
        }
        sqlx::Error::Io(cause) => {
            Error::new(ErrorKind::Connect, format!("{what}: the connection broke"))
                .with_source(cause)
        }
        sqlx::Error::Tls(cause) => tls(what, cause),
        cause @ (sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) => Error::new(
            ErrorKind::Connect,
            format!("{what}: the server's answer is not understood"),
        )
        .with_source(cause),
        // The encoders' own errors.
        sqlx::Error::Encode(cause) => encode_error(what, cause),
        sqlx::Error::Configuration(cause) if cause.to_string().contains("RSA") => Error::new(
            ErrorKind::Config,
            format!(
                "{what}: the server takes this user's password over TLS alone; set sslMode=required"
            ),
        ),
        sqlx::Error::Configuration(cause) => {
            Error::new(ErrorKind::Config, format!("{what}: refused by the driver"))
                .with_source(cause)
        }
        cause => {
            Error::new(ErrorKind::Internal, format!("{what}: the driver failed")).with_source(cause)
        }
    }
}

/// The error for `cause`, where the statement bears no values: DDL, SET, transactions, questions to
/// the catalogue, and statements that are prepared and not run. All that the server says of it is
/// expected, also with error 1105, which MySQL, proxies and servers of its protocol give to all for
/// which they have no number of their own; of a statement that bears values that text is kept back.
pub(crate) fn statement_error(what: impl fmt::Display, cause: sqlx::Error) -> Error {
    match cause.as_database_error().and_then(|e| e.try_downcast_ref()) {
        Some(cause) => refused(what, cause, true),
        None => error(what, cause),
    }
}

/// The cause is a table or a column of this name that is there already.
pub(crate) fn already_exists(error: &Error) -> bool {
    matches!(error.code(), Some("1050" | "1060"))
}

/// An error that an encoder gave to the driver, and the driver back.
pub(crate) fn encode_error(
    what: impl fmt::Display,
    cause: Box<dyn std::error::Error + Send + Sync>,
) -> Error {
    match cause.downcast::<Error>() {
        Ok(cause) => *cause,
        Err(cause) => Error::new(
            ErrorKind::Internal,
            format!("{what}: the driver refused a value: {cause}"),
        ),
    }
}

fn tls(what: impl fmt::Display, cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let message =
        format!("{what}: TLS as sslMode, ssl-ca, ssl-cert and ssl-key ask for it is not possible");
    Error::new(ErrorKind::Config, message).with_source(cause)
}

/// The error for a statement that the server refused.
fn refused(what: impl fmt::Display, cause: &MySqlDatabaseError, no_values: bool) -> Error {
    let number = cause.number();
    let kind = kind_of(number, cause.code());
    let reference = matches!(number, 1216 | 1217 | 1451 | 1452);
    let message = cause.message();
    let why = match kind {
        ErrorKind::Data => data(number, message),
        // An error that the table does not know may quote anything.
        ErrorKind::Internal if !no_values && number == 1105 => {
            "the server failed, and has no number for why; its own log may have the words"
                .to_owned()
        }
        ErrorKind::Internal if !no_values => {
            "the server failed; its manual explains the number".to_owned()
        }
        _ => message.to_owned(),
    };
    let error = Error::new(
        kind,
        format!("{what}: {why} (error {number} of the server)"),
    )
    .with_code(number.to_string());
    match reference {
        true => error.of_reference(),
        false => error,
    }
}

/// The text for an error of kind `Data`, without the server's.
fn data(number: u16, message: &str) -> String {
    let column = column(message);
    let column = || column.map_or_else(|| "a column".to_owned(), |c| format!("column `{c}`"));
    match number {
        1022 | 1062 | 1169 | 1586 | 1859 => match between(message, "for key '", "'") {
            Some(key) => format!("a row with this value of key `{key}` is there already"),
            None => "a row with this value of a unique key is there already".to_owned(),
        },
        1048 | 1263 => format!("{} cannot be NULL", column()),
        1264 | 1690 => format!("a value is out of the range of {}", column()),
        1406 => format!("a value is too long for {}", column()),
        1216 | 1452 => "the row that a foreign key refers to is not there".to_owned(),
        1217 | 1451 => "rows of another table refer to the row".to_owned(),
        3819 => match between(message, "Check constraint '", "'") {
            Some(check) => format!("the constraint `{check}` refuses a value"),
            None => "a constraint refuses a value".to_owned(),
        },
        4025 => match between(message, "CONSTRAINT `", "`") {
            Some(check) => format!("the constraint `{check}` refuses a value"),
            None => "a constraint refuses a value".to_owned(),
        },
        1644 => "a trigger refuses the row".to_owned(),
        1153 | 1301 => "the row is larger than the server's max_allowed_packet".to_owned(),
        1416 | 3037 | 3055 => "a value is no geometry that the server takes".to_owned(),
        1526 | 1748 => "the table has no partition for the row".to_owned(),
        _ => format!("a value does not fit {}", column()),
    }
}

/// The column that the server names: `… for column 'c' at row 1`, MariaDB also
/// ``for column `db`.`t`.`c` at row 1``, MySQL of JSON `for column 't.c'.`; `Column 'c' cannot be
/// null`.
fn column(message: &str) -> Option<&str> {
    // The value, if there is one, stands before: the last match is the server's own.
    if let Some(at) = message.rfind(" for column ") {
        let rest = &message[at + " for column ".len()..];
        if let Some(name) = rest.strip_prefix('\'').and_then(|r| r.strip_suffix("'.")) {
            return Some(name.split_once('.').map_or(name, |(_, column)| column));
        }
        let name = rest.rfind(" at row ").map_or(rest, |end| &rest[..end]);
        let name = name.rfind("`.`").map_or(name, |dot| &name[dot + 2..]);
        return Some(name.trim_matches(['\'', '`'])).filter(|name| !name.is_empty());
    }
    between(message, "Column '", "' cannot be null")
}

/// What stands between the last `before` and the next `after`.
fn between<'a>(message: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &message[message.rfind(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_the_servers_text_and_values_are_not() {
        for (number, message, expected) in [
            (
                1062,
                "Duplicate entry 'se'cret for key 'x' for key 'orders.PRIMARY'",
                "a row with this value of key `orders.PRIMARY` is there already",
            ),
            (
                1366,
                "Incorrect integer value: 'secret' for column `shop`.`orders`.`id` at row 3",
                "a value does not fit column `id`",
            ),
            (
                1292,
                "Incorrect datetime value: 'secret for column 'x' at row 9' for column 'at' at row 1",
                "a value does not fit column `at`",
            ),
            (
                1048,
                "Column 'name' cannot be null",
                "column `name` cannot be NULL",
            ),
            (
                1264,
                "Out of range value for column 'n' at row 1",
                "a value is out of the range of column `n`",
            ),
            (
                1406,
                "Data too long for column 'note' at row 1",
                "a value is too long for column `note`",
            ),
            (
                1690,
                "BIGINT value is out of range in '(secret + 1)'",
                "a value is out of the range of a column",
            ),
            (
                3819,
                "Check constraint 'positive' is violated.",
                "the constraint `positive` refuses a value",
            ),
            (
                4025,
                "CONSTRAINT `orders.n` failed for `shop`.`orders`",
                "the constraint `orders.n` refuses a value",
            ),
            (
                3140,
                "Invalid JSON text: \"Missing a name for object member.\" at position 1 in value for column 'orders.doc'.",
                "a value does not fit column `doc`",
            ),
            (1644, "secret", "a trigger refuses the row"),
            (1265, "secret", "a value does not fit a column"),
        ] {
            assert_eq!(data(number, message), expected);
        }
    }
}
