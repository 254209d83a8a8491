//! What the driver and the server say, as errors of ours.
//!
//! The server's text holds values of the row in many cases ("The duplicate key value is (…)"):
//! for errors of kind `Data` only names are taken from it, and from before the value (G8). The session
//! speaks English, so that the names stand where they are looked for.
mod kinds;

use crate::error_codes::kinds::kind_of;
use connect_api::{Error, ErrorKind};
use std::{fmt, io};
use tiberius::error::{Error as DriverError, TokenError};

/// Violations of a primary key or unique constraint, and of a unique index.
const DUPLICATES: [u32; 2] = [2627, 2601];

/// The error for `cause`, which happened on the way to `what`, e.g. "insert into table dbo.t".
pub(crate) fn error(what: impl fmt::Display, cause: DriverError) -> Error {
    convert(what, cause, false)
}

/// The error for `cause`, where the statement was none that bears values: all that the server
/// says of it is reported.
pub(crate) fn statement_error(what: impl fmt::Display, cause: DriverError) -> Error {
    convert(what, cause, true)
}

/// The cause is a key that is there already.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    let code = error.code().and_then(|code| code.parse().ok());
    code.is_some_and(|code: u32| DUPLICATES.contains(&code))
}

/// The cause is an object or a column of this name that is there already.
pub(crate) fn already_exists(error: &Error) -> bool {
    matches!(error.code(), Some("2714" | "2705"))
}

/// The user may not do this with an object, or a column of it.
pub(crate) fn is_denied(error: &Error) -> bool {
    matches!(error.code(), Some("229" | "230"))
}

/// A text is half of a surrogate pair; the driver does not say of which column.
pub(crate) fn is_unpaired(cause: &DriverError) -> bool {
    match cause {
        DriverError::Utf16 => true,
        DriverError::Protocol(why) => why.contains("invalid UTF-16"),
        _ => false,
    }
}

fn convert(what: impl fmt::Display, cause: DriverError, no_values: bool) -> Error {
    let failed = |kind, why: &str| Error::new(kind, format!("{what}: {why}"));
    match cause {
        DriverError::Server(token) => refused(what, &token, no_values),
        DriverError::Io {
            kind: io::ErrorKind::TimedOut,
            message,
        } => {
            failed(ErrorKind::Timeout, "no response in time").with_source(io::Error::other(message))
        }
        // Certificates and keys that cannot be read come as I/O errors too.
        DriverError::Io {
            kind: kind @ (io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput),
            message,
        } => failed(
            ErrorKind::Config,
            "TLS as sslmode, sslrootcert, sslcert and sslkey ask for it is not possible",
        )
        .with_source(io::Error::new(kind, message)),
        DriverError::Io { kind, message } => {
            failed(ErrorKind::Connect, "no connection, or it broke")
                .with_source(io::Error::new(kind, message))
        }
        DriverError::Tls(why) => {
            // What follows is advice on the driver's own functions.
            let why = why.split(" To connect anyway").next().unwrap_or_default();
            failed(
                ErrorKind::Config,
                "TLS as sslmode and sslrootcert ask for it is not possible",
            )
            .with_source(io::Error::other(why.to_owned()))
        }
        DriverError::Protocol(why) if why.contains("encryption level") => failed(
            ErrorKind::Config,
            "the server does not offer TLS as sslmode asks for it",
        ),
        cause if is_unpaired(&cause) => failed(
            ErrorKind::Data,
            "a text of an nchar, nvarchar, ntext or xml column is not Unicode: it has half of a surrogate pair",
        ),
        DriverError::Encoding(_) => failed(
            ErrorKind::Data,
            "a text is not in the code page of its column",
        ),
        DriverError::Protocol(why) => {
            let broken = io::Error::new(io::ErrorKind::InvalidData, why.into_owned());
            failed(ErrorKind::Connect, "the server's answer is not understood").with_source(broken)
        }
        DriverError::Routing { .. } => failed(
            ErrorKind::Connect,
            "the server names another address again and again",
        ),
        // It shows the value.
        DriverError::BulkInput(_) => failed(
            ErrorKind::Internal,
            "the driver refuses a value, as its type is not the column's",
        ),
        DriverError::Utf8
        | DriverError::Utf16
        | DriverError::ParseInt(_)
        | DriverError::Conversion(_) => {
            failed(ErrorKind::Internal, "the driver cannot convert a value")
        }
    }
}

/// The error for a statement that the server refused.
fn refused(what: impl fmt::Display, token: &TokenError, no_values: bool) -> Error {
    let (number, message) = (token.code(), token.message());
    let kind = kind_of(number, token.class());
    let why = match kind {
        ErrorKind::Data => data(number, message),
        // An error that the table does not know may quote anything.
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
    // A CHECK has the number of a foreign key.
    match ["FOREIGN KEY", "REFERENCE constraint"]
        .iter()
        .any(|words| message.contains(words))
    {
        true if number == 547 => error.of_reference(),
        _ => error,
    }
}

/// The text for an error of kind `Data`, without the server's.
fn data(number: u32, message: &str) -> String {
    match number {
        2627 | 2601 => {
            // The value stands last.
            let names = message
                .split(". The duplicate key value is")
                .next()
                .unwrap_or_default();
            let key = between(names, "constraint '", "'").or(between(names, "unique index '", "'"));
            let table = between(names, "in object '", "'");
            format!(
                "a row with this value of {} is there already",
                place(&[("key", key), ("table", table)], "a unique key")
            )
        }
        515 => format!(
            "{} cannot be NULL",
            place(
                &[
                    ("column", between(message, "into column '", "', table '")),
                    ("table", between(message, "', table '", "';")),
                ],
                "a column"
            )
        ),
        547 => {
            // `… conflicted with the FOREIGN KEY constraint "fk". The conflict occurred in database
            // "d", table "dbo.t", column 'c'.`
            let constraint = between(message, "constraint \"", "\"");
            let table = between(message, ", table \"", "\"");
            let refused = place(
                &[("constraint", constraint), ("table", table)],
                "a constraint",
            );
            if message.contains("REFERENCE constraint") {
                format!("rows of another table refer to the row: {refused}")
            } else if message.contains("FOREIGN KEY") {
                format!("the row that a foreign key refers to is not there: {refused}")
            } else {
                format!("a constraint refuses a value: {refused}")
            }
        }
        // `String or binary data would be truncated in table 't', column 'c'. Truncated value: …`
        2628 => {
            let names = message
                .split(". Truncated value:")
                .next()
                .unwrap_or_default();
            let column = between(names, "', column '", "'");
            let table = between(names, "in table '", "', column '");
            format!(
                "a value is too long for {}",
                place(&[("column", column), ("table", table)], "a column")
            )
        }
        8152 => "a value is too long for a column".to_owned(),
        // `Bulk load data conversion error (truncation) for row 3, column 2 (name).`
        4815 | 4863 | 4864 | 4867 => {
            let column = message
                .strip_suffix(").")
                .and_then(|m| m.rsplit_once(" ("))
                .map(|(_, column)| column);
            format!(
                "a value does not fit {}",
                place(&[("column", column)], "a column")
            )
        }
        // `… Unexpected NULL value in data file row 3, column 2. The destination column (name) is …`
        4869 => format!(
            "{} cannot be NULL",
            place(
                &[("column", between(message, "destination column (", ")"))],
                "a column"
            )
        ),
        245 | 248 | 295 | 296 | 8114 | 8169 | 241 | 242 | 9807 => format!(
            "a value cannot be read as {}",
            type_name(message).unwrap_or("the type of its column")
        ),
        220 | 232 | 8115 | 1007 => format!(
            "a value is out of the range of {}",
            type_name(message).unwrap_or("the type of its column")
        ),
        8134 => "a division by zero".to_owned(),
        511 | 1946 | 5120 => "the row, or its key, is larger than the database takes".to_owned(),
        550 => "the view would not show the row (WITH CHECK OPTION)".to_owned(),
        6522 => "a value is none of its CLR type".to_owned(),
        9400..=9499 => "a value is not XML as its column takes it".to_owned(),
        13608 | 13609 => "a value is not JSON".to_owned(),
        3609 | 50_000.. => "a trigger or a procedure refuses the row".to_owned(),
        _ => "a value does not fit its column".to_owned(),
    }
}

/// `key `k` of table `t``, or `otherwise` where no name is known.
fn place(names: &[(&str, Option<&str>)], otherwise: &str) -> String {
    let known: Vec<_> = names
        .iter()
        .filter_map(|(noun, name)| name.map(|name| format!("{noun} `{name}`")))
        .collect();
    if known.is_empty() {
        return otherwise.to_owned();
    }
    known.join(" of ")
}

/// The type that the server names last: `… to data type int.`, `… for data type tinyint, value = 300.`
fn type_name(message: &str) -> Option<&str> {
    let rest = &message[message.rfind("data type ")? + "data type ".len()..];
    let name = rest
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next()?;
    Some(name).filter(|name| !name.is_empty())
}

/// What stands between the first `before` and the next `after`.
fn between<'a>(message: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &message[message.find(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}

#[cfg(test)]
mod tests;
