//! SQLite's declared types, by name and then by affinity.
use crate::types::{Declared, partly};
use connect_api::Kind;
use dialect_core::{SqliteDates, SqliteTyping, ValueOptions};

/// What a column of this type is to hold; `None` where nobody can know. `…_text` are the names that
/// are made here: SQLite makes text of them, and says so.
pub(crate) fn sqlite(declared: &Declared, values: &ValueOptions) -> Option<Kind> {
    let dated = |kind| match values.sqlite_dates {
        SqliteDates::Iso => kind,
        // Numbers in these columns come as their text.
        SqliteDates::Text | SqliteDates::Unix | SqliteDates::Julian => Kind::Text,
    };
    let has = |part: &str| declared.name.contains(part);
    let kind = match &*declared.name {
        "boolean" | "bool" => Kind::Bool,
        "decimal" | "numeric" | "dec" | "decimal_text" => declared.decimal(None, values),
        "json" | "json_text" => Kind::Json,
        "uuid" | "guid" | "uuid_text" => Kind::Uuid,
        "date_text" => Kind::Date,
        "time_text" => Kind::Time,
        "timestamp_text" => Kind::Timestamp { utc: false },
        "timestamptz_text" => Kind::Timestamp { utc: true },
        "duration_integer" => Kind::Duration,
        "date" => dated(Kind::Date),
        "time" => dated(Kind::Time),
        "datetime" | "timestamp" => dated(Kind::Timestamp { utc: false }),
        "timestamptz" | "timestamp with time zone" => dated(Kind::Timestamp { utc: true }),
        // The five rules of affinity, in their order.
        _ if has("int") => Kind::Int64,
        _ if has("char") || has("clob") || has("text") => Kind::Text,
        _ if has("blob") => Kind::Bytes,
        _ if has("real") || has("floa") || has("doub") => Kind::Float64,
        _ => return None,
    };
    Some(match values.sqlite_typing {
        SqliteTyping::Strict => partly(kind, values),
        SqliteTyping::Text => Kind::Text,
    })
}
