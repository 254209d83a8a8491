//! What the server refuses, as errors that never repeat a value.
use connect_api::{Error, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// The error for what happened to `what`, e.g. `writing table public.orders`.
pub(crate) fn error(what: &str, cause: sqlx::Error) -> Error {
    match &cause {
        sqlx::Error::Database(refusal) => match refusal.try_downcast_ref::<PgDatabaseError>() {
            Some(refusal) => refused(what, refusal),
            None => Error::new(ErrorKind::Internal, format!("{what}: refused")),
        },
        // A certificate that is refused.
        sqlx::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => no_tls(what, cause),
        sqlx::Error::Io(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied
            ) =>
        {
            let files = "a file named by sslrootcert, sslcert or sslkey cannot be read";
            Error::new(ErrorKind::Config, format!("{what}: {files}")).with_source(cause)
        }
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Error::new(
            ErrorKind::Connect,
            format!("{what}: no connection, or it broke"),
        )
        .with_source(cause),
        sqlx::Error::Tls(_) => no_tls(what, cause),
        sqlx::Error::Configuration(_) => {
            Error::new(ErrorKind::Config, what.to_owned()).with_source(cause)
        }
        sqlx::Error::Protocol(_) => Error::new(
            ErrorKind::Connect,
            format!("{what}: the server's answer is not understood"),
        )
        .with_source(cause),
        _ => Error::new(ErrorKind::Internal, what.to_owned()).with_source(cause),
    }
}

/// The bound value, from 1, that the server could not read.
pub(crate) fn parameter(cause: &sqlx::Error) -> Option<usize> {
    let refusal = cause.as_database_error()?;
    let refusal = refusal.try_downcast_ref::<PgDatabaseError>()?;
    // `unnamed portal parameter $2`, after what is said of the value.
    let number = refusal
        .r#where()?
        .lines()
        .last()?
        .split_once(" parameter $")?
        .1;
    let end = number.find(|c: char| !c.is_ascii_digit());
    number[..end.unwrap_or(number.len())].parse().ok()
}

/// A text is not one of its type's.
pub(crate) fn is_unreadable(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(|e| e.code());
    matches!(
        code.as_deref(),
        Some("22P02" | "22007" | "22008" | "22026" | "22030" | "22032" | "2200N" | "22023")
    )
}

/// A prepared statement does not fit its table any more: it must be prepared again.
pub(crate) fn is_stale(error: &Error) -> bool {
    error.code() == Some(FEATURE_NOT_SUPPORTED) && error.kind() == ErrorKind::Schema
}

/// What was to be created exists: the table, the column, or, where two sessions create one table at
/// the same time, its row in the catalogue.
pub(crate) fn already_exists(error: &Error) -> bool {
    match error.code() {
        Some("42P07" | "42701" | "42710") => true,
        Some("23505") => {
            let message = error.to_string();
            ["pg_type_typname_nsp_index", "pg_class_relname_nsp_index"]
                .iter()
                .any(|index| message.contains(index))
        }
        _ => false,
    }
}

const FEATURE_NOT_SUPPORTED: &str = "0A000";

fn no_tls(what: &str, cause: sqlx::Error) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("{what}: no TLS as `sslmode` and `sslrootcert` of the URL want it"),
    )
    .with_source(cause)
}

fn refused(what: &str, refusal: &PgDatabaseError) -> Error {
    let code = refusal.code();
    let kind = match code {
        // What PgBouncer says of a wrong user or password.
        "08P01" if is_authentication(refusal.message()) => ErrorKind::Auth,
        _ => kind(code, refusal.routine()),
    };
    let mut message = format!("{what}: ");
    match words(code) {
        Some(words) => message.push_str(words),
        // The server's words repeat values where it is about data, and names elsewhere.
        None if holds_values(code) => message.push_str("the server refuses the data"),
        None => message.push_str(refusal.message()),
    }
    let place = [
        ("table", refusal.table()),
        ("column", refusal.column().or_else(|| copy_column(refusal))),
        ("constraint", refusal.constraint()),
    ];
    for (noun, name) in place {
        if let Some(name) = name {
            message.push_str(&format!(", {noun} `{name}`"));
        }
    }
    if let Some(line) = copy_place(refusal).and_then(|place| place.split(", ").next()) {
        message.push_str(&format!(", {line} of the rows"));
    }
    let error = Error::new(kind, message).with_code(code);
    match code {
        // A foreign key; one that restricts.
        "23503" | "23001" => error.of_reference(),
        _ => error,
    }
}

fn is_authentication(message: &str) -> bool {
    let said = ["authentication failed", "no such user"];
    said.iter().any(|words| message.contains(words))
}

/// `line N, column c` of a COPY. In the binary format the server adds no value.
fn copy_place(refusal: &PgDatabaseError) -> Option<&str> {
    let context = refusal
        .r#where()?
        .lines()
        .find(|l| l.starts_with("COPY "))?;
    let at = context.rfind(", line ")?;
    context.get(at + 2..)
}

fn copy_column(refusal: &PgDatabaseError) -> Option<&str> {
    Some(copy_place(refusal)?.split_once(", column ")?.1)
}

/// The kind of an error, by its SQLSTATE and the server's routine that raised it.
fn kind(code: &str, routine: Option<&str>) -> ErrorKind {
    match code {
        FEATURE_NOT_SUPPORTED if routine == Some("RevalidateCachedQuery") => ErrorKind::Schema,
        // A column of the table has another type than the plan was created for.
        "22P03" | "22P04" => ErrorKind::Schema,
        "25006" => ErrorKind::Busy,
        "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => ErrorKind::Connect,
        "42501" => ErrorKind::Auth,
        // Statements of other sessions: a pooler that was not found out.
        "42P05" | "26000" => ErrorKind::Config,
        "54000" | "21000" => ErrorKind::Data,
        // Views that cannot be written, and the like.
        "55000" => ErrorKind::Schema,
        "55P03" | "40001" | "40P01" => ErrorKind::Conflict,
        "57014" => ErrorKind::Timeout,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "26" => ErrorKind::Connect,
            "0A" => ErrorKind::Unsupported,
            // P0: what a trigger raises.
            "22" | "23" | "44" | "P0" => ErrorKind::Data,
            "28" => ErrorKind::Auth,
            "3D" => ErrorKind::Config,
            "3F" | "42" => ErrorKind::Schema,
            "40" => ErrorKind::Conflict,
            "53" | "55" | "58" => ErrorKind::Busy,
            "54" => ErrorKind::Schema,
            _ => ErrorKind::Internal,
        },
    }
}

/// The server's message of this class may repeat a value.
fn holds_values(code: &str) -> bool {
    !matches!(
        code.get(..2).unwrap_or_default(),
        "08" | "0A" | "25" | "28" | "3D" | "3F" | "40" | "42" | "53" | "54" | "55" | "57" | "58"
    )
}

fn words(code: &str) -> Option<&'static str> {
    Some(match code {
        "0A000" => return None,
        "21000" => "two rows of the batch have the same key; reduce the batch to one row a key",
        "22001" => "a text is longer than its column",
        "22003" => "a number is out of the range of its column",
        "22007" | "22008" => "a date or time is out of the range of its column",
        "22021" | "22P05" => "a text holds a character that the database cannot store",
        "22023" => "a value is not one that its column takes",
        "22P02" => "a text is not a value of its column's type",
        "22P03" | "22P04" => {
            "a column of the table has another type than before; describe the table again"
        }
        "23502" => "NULL in a column that is NOT NULL",
        "23503" => "a foreign key without its row",
        "23505" => "the key is there already",
        "23514" => "a check constraint refuses the row",
        "23P01" => "an exclusion constraint refuses the row",
        "25P02" => "the transaction failed before; roll it back",
        "42P05" | "26000" => {
            "a prepared statement is of another session: a pooler gives each transaction another \
             one; set connection.pooler=transaction"
        }
        "54000" => "a value is too large, for an index or another limit of the server",
        "57P01" => "the server ended the connection",
        "P0001" => "a trigger refuses the row",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_its_kind() {
        for (code, expected) in [
            ("08006", ErrorKind::Connect),
            ("57P01", ErrorKind::Connect),
            ("57P03", ErrorKind::Connect),
            ("57014", ErrorKind::Timeout),
            ("53300", ErrorKind::Busy),
            ("53100", ErrorKind::Busy),
            ("25006", ErrorKind::Busy),
            ("40001", ErrorKind::Conflict),
            ("40P01", ErrorKind::Conflict),
            ("55P03", ErrorKind::Conflict),
            ("22001", ErrorKind::Data),
            ("22P02", ErrorKind::Data),
            ("23505", ErrorKind::Data),
            ("21000", ErrorKind::Data),
            ("P0001", ErrorKind::Data),
            ("44000", ErrorKind::Data),
            ("55000", ErrorKind::Schema),
            ("55006", ErrorKind::Busy),
            ("22P03", ErrorKind::Schema),
            ("42P01", ErrorKind::Schema),
            ("42703", ErrorKind::Schema),
            ("42501", ErrorKind::Auth),
            ("28P01", ErrorKind::Auth),
            ("28000", ErrorKind::Auth),
            ("3D000", ErrorKind::Config),
            ("3F000", ErrorKind::Schema),
            ("42P05", ErrorKind::Config),
            ("26000", ErrorKind::Config),
            ("0A000", ErrorKind::Unsupported),
            ("XX000", ErrorKind::Internal),
            ("", ErrorKind::Internal),
        ] {
            assert_eq!(kind(code, None), expected, "{code}");
        }
        let changed = kind("0A000", Some("RevalidateCachedQuery"));
        assert_eq!(changed, ErrorKind::Schema);
    }
}
