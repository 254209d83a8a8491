//! Types and values as a database writes them.
use crate::{server::Profile, types::recreated};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, VENDOR, VENDOR_TYPE, Value, arrow::schema::Field,
    decimal_text,
};
use dialect_core::{Column, Syntax, TableName, ValueOptions};

/// Lengths beyond this are unbounded to us: no database declares them.
const MAX_LENGTH: u32 = 16_383;

/// A plain literal.
pub(super) fn literal(profile: Profile, value: &Value) -> Option<String> {
    let number_bool = matches!(
        profile,
        Profile::SqlServer | Profile::Oracle | Profile::Generic
    );
    Some(match value {
        Value::Bool(v) if number_bool => i32::from(*v).to_string(),
        Value::Bool(true) => "TRUE".to_owned(),
        Value::Bool(false) => "FALSE".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::UInt(v) => v.to_string(),
        Value::Decimal(v, scale) => decimal_text(*v, *scale),
        Value::Text(v) if !v.contains('\0') => {
            let doubled = v.replace('\'', "''");
            if profile.is_mysql() {
                format!("'{}'", doubled.replace('\\', "\\\\"))
            } else {
                format!("'{doubled}'")
            }
        }
        _ => return None,
    })
}

/// The type of a column for `field`. Texts in keys have a collation that distinguishes them as far
/// as the database can: all servers of MySQL's name know `utf8mb4_bin`, which pads with blanks, and
/// SQL Server pads by every collation.
pub(super) fn column_type(
    profile: Profile,
    field: &Field,
    in_key: bool,
    values: &ValueOptions,
) -> Result<String> {
    let made = uncollated(profile, field, in_key, values)?;
    let collation = match profile {
        Profile::MySql { mariadb: true } => "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
        Profile::MySql { mariadb: false } => "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        Profile::SqlServer => "COLLATE Latin1_General_100_BIN2",
        _ => return Ok(made),
    };
    let text = ["char", "varchar", "nchar", "nvarchar"];
    let base = made.split('(').next().unwrap_or_default();
    if in_key && text.contains(&base) && !made.contains(" COLLATE ") {
        return Ok(format!("{made} {collation}"));
    }
    Ok(made)
}

fn uncollated(
    profile: Profile,
    field: &Field,
    in_key: bool,
    values: &ValueOptions,
) -> Result<String> {
    let kind = Kind::of(field);
    let metadata = field.metadata();
    if metadata
        .get(VENDOR)
        .is_some_and(|vendor| vendor == profile.vendor())
        && let Some(text) = metadata.get(VENDOR_TYPE)
        && let Some(again) = recreated(profile, text, &kind, values)
        && (profile == Profile::Postgres || !has_odd_scale(&again))
        && !(in_key && profile.is_mysql() && (again.ends_with("text") || again.ends_with("blob")))
    {
        return Ok(again);
    }
    let length = metadata
        .get(LENGTH)
        .and_then(|length| length.parse::<u32>().ok())
        .filter(|length| (1..=MAX_LENGTH).contains(length));
    let made = match profile {
        Profile::Postgres => postgres(&kind, length),
        Profile::MySql { .. } => mysql(&kind, length, in_key),
        Profile::Sqlite => sqlite(&kind, length),
        Profile::SqlServer => sql_server(&kind, length, in_key),
        Profile::Oracle => oracle(&kind, length),
        Profile::Db2 | Profile::Generic => generic(&kind, length),
    };
    made.ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "column `{}`: no type of the database for {kind:?}",
                field.name()
            ),
        )
    })
}

/// `numeric(5,-2)` or `numeric(2,4)`, which PostgreSQL alone has.
fn has_odd_scale(declared: &str) -> bool {
    let arguments = declared
        .split_once('(')
        .map(|(_, rest)| rest.trim_end_matches(')'));
    let pair = arguments.and_then(|pair| pair.split_once(','));
    pair.is_some_and(|(precision, scale)| {
        let number = |text: &str| text.trim().parse::<i32>().ok();
        match (number(precision), number(scale)) {
            (Some(precision), Some(scale)) => scale < 0 || scale > precision,
            _ => false,
        }
    })
}

fn postgres(kind: &Kind, length: Option<u32>) -> Option<String> {
    Some(match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Int8 | Kind::UInt8 | Kind::Int16 => "smallint".to_owned(),
        Kind::UInt16 | Kind::Int32 => "integer".to_owned(),
        Kind::UInt32 | Kind::Int64 => "bigint".to_owned(),
        Kind::UInt64 => "numeric(20)".to_owned(),
        Kind::Float32 => "real".to_owned(),
        Kind::Float64 => "double precision".to_owned(),
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            format!("numeric({precision},{scale})")
        }
        Kind::BigDecimal => "numeric".to_owned(),
        Kind::Text => length.map_or("text".to_owned(), |n| format!("varchar({n})")),
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "jsonb".to_owned(),
        Kind::Bytes => "bytea".to_owned(),
        Kind::Uuid => "uuid".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time | Kind::TimeNanos => "time(6)".to_owned(),
        Kind::Duration => "interval day to second(6)".to_owned(),
        Kind::Timestamp { utc: false } => "timestamp(6)".to_owned(),
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => "timestamptz(6)".to_owned(),
        Kind::Interval => "varchar(64)".to_owned(),
        Kind::Other(_) => return None,
    })
}

fn mysql(kind: &Kind, length: Option<u32>, in_key: bool) -> Option<String> {
    Some(match kind {
        Kind::Bool => "tinyint(1)".to_owned(),
        Kind::Int8 => "tinyint".to_owned(),
        Kind::Int16 => "smallint".to_owned(),
        Kind::Int32 => "int".to_owned(),
        Kind::Int64 => "bigint".to_owned(),
        Kind::UInt8 => "tinyint unsigned".to_owned(),
        Kind::UInt16 => "smallint unsigned".to_owned(),
        Kind::UInt32 => "int unsigned".to_owned(),
        Kind::UInt64 => "bigint unsigned".to_owned(),
        Kind::Float32 => "float".to_owned(),
        Kind::Float64 => "double".to_owned(),
        Kind::Decimal {
            precision,
            scale: scale @ 0..=30,
        }
        | Kind::WideDecimal {
            precision: precision @ 0..=65,
            scale: scale @ 0..=30,
        } => {
            format!("decimal({precision},{scale})")
        }
        // Text keeps what has no number here; a key needs a length.
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => {
            if in_key { "varchar(255)" } else { "longtext" }.to_owned()
        }
        Kind::Text => match (length, in_key) {
            (Some(n), _) => format!("varchar({n})"),
            (None, true) => "varchar(255)".to_owned(),
            (None, false) => "longtext".to_owned(),
        },
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "json".to_owned(),
        Kind::Bytes => match (length, in_key) {
            (Some(n), true) => format!("varbinary({n})"),
            (None, true) => "varbinary(255)".to_owned(),
            _ => "longblob".to_owned(),
        },
        // MariaDB's own `uuid` refuses some.
        Kind::Uuid => "binary(16)".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time | Kind::TimeNanos | Kind::Duration => "time(6)".to_owned(),
        // `timestamp` ends in 2038.
        Kind::Timestamp { .. } | Kind::OffsetTimestamp => "datetime(6)".to_owned(),
        Kind::Interval => "varchar(64)".to_owned(),
        Kind::Other(_) => return None,
    })
}

/// The declared type says what the column holds, and its affinity keeps values as they are.
fn sqlite(kind: &Kind, length: Option<u32>) -> Option<String> {
    Some(match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => "integer".to_owned(),
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 => "integer".to_owned(),
        Kind::UInt64 => "decimal_text(20,0)".to_owned(),
        Kind::Float32 | Kind::Float64 => "real".to_owned(),
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            format!("decimal_text({precision},{scale})")
        }
        Kind::BigDecimal => "decimal_text".to_owned(),
        Kind::Text => length.map_or("text".to_owned(), |n| format!("varchar({n})")),
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "json_text".to_owned(),
        Kind::Bytes => "blob".to_owned(),
        Kind::Uuid => "uuid_text".to_owned(),
        Kind::Date => "date_text".to_owned(),
        Kind::Time | Kind::TimeNanos => "time_text".to_owned(),
        Kind::Duration => "duration_integer".to_owned(),
        Kind::Timestamp { utc: false } => "timestamp_text".to_owned(),
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => "timestamptz_text".to_owned(),
        Kind::Interval => "text".to_owned(),
        Kind::Other(_) => return None,
    })
}

fn sql_server(kind: &Kind, length: Option<u32>, in_key: bool) -> Option<String> {
    Some(match kind {
        Kind::Bool => "bit".to_owned(),
        Kind::UInt8 => "tinyint".to_owned(),
        Kind::Int8 | Kind::Int16 => "smallint".to_owned(),
        Kind::UInt16 | Kind::Int32 => "int".to_owned(),
        Kind::UInt32 | Kind::Int64 => "bigint".to_owned(),
        Kind::UInt64 => "decimal(20)".to_owned(),
        Kind::Float32 => "real".to_owned(),
        Kind::Float64 => "float(53)".to_owned(),
        Kind::Decimal {
            precision,
            scale: scale @ 0..,
        } => format!("decimal({precision},{scale})"),
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => if in_key {
            "varchar(450)"
        } else {
            "varchar(max)"
        }
        .to_owned(),
        Kind::Text => match (length, in_key) {
            (Some(n @ ..=4_000), _) => format!("nvarchar({n})"),
            (_, true) => "nvarchar(450)".to_owned(),
            (_, false) => "nvarchar(max)".to_owned(),
        },
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "nvarchar(max)".to_owned(),
        Kind::Bytes => if in_key {
            "varbinary(450)"
        } else {
            "varbinary(max)"
        }
        .to_owned(),
        Kind::Uuid => "uniqueidentifier".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time => "time(6)".to_owned(),
        Kind::TimeNanos => "time(7)".to_owned(),
        Kind::Duration => "bigint".to_owned(),
        Kind::Timestamp { utc: false } => "datetime2(6)".to_owned(),
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => "datetimeoffset(6)".to_owned(),
        Kind::Interval => "varchar(64)".to_owned(),
        Kind::Other(_) => return None,
    })
}

fn oracle(kind: &Kind, length: Option<u32>) -> Option<String> {
    Some(match kind {
        Kind::Bool => "number(1)".to_owned(),
        Kind::Int8 | Kind::UInt8 => "number(3)".to_owned(),
        Kind::Int16 | Kind::UInt16 => "number(5)".to_owned(),
        Kind::Int32 | Kind::UInt32 => "number(10)".to_owned(),
        Kind::Int64 => "number(19)".to_owned(),
        Kind::UInt64 => "number(20)".to_owned(),
        Kind::Float32 => "binary_float".to_owned(),
        Kind::Float64 => "binary_double".to_owned(),
        Kind::Decimal { precision, scale } => format!("number({precision},{scale})"),
        Kind::WideDecimal { .. } | Kind::BigDecimal => "varchar2(4000)".to_owned(),
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "varchar2(4000)".to_owned(),
        Kind::Text => format!("varchar2({} char)", length.unwrap_or(4_000).min(4_000)),
        Kind::Bytes => "raw(2000)".to_owned(),
        Kind::Uuid => "char(36)".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time | Kind::TimeNanos => "varchar2(18)".to_owned(),
        Kind::Duration => "number(19)".to_owned(),
        Kind::Timestamp { .. } => "timestamp(6)".to_owned(),
        Kind::OffsetTimestamp => "varchar2(35)".to_owned(),
        Kind::Interval => "varchar2(64)".to_owned(),
        Kind::Other(_) => return None,
    })
}

/// SQL-92, with lengths that most databases take.
fn generic(kind: &Kind, length: Option<u32>) -> Option<String> {
    Some(match kind {
        Kind::Bool | Kind::Int8 | Kind::UInt8 | Kind::Int16 => "smallint".to_owned(),
        Kind::UInt16 | Kind::Int32 => "integer".to_owned(),
        Kind::UInt32 | Kind::Int64 | Kind::Duration => "bigint".to_owned(),
        Kind::UInt64 => "decimal(20)".to_owned(),
        Kind::Float32 => "real".to_owned(),
        Kind::Float64 => "double precision".to_owned(),
        Kind::Decimal {
            precision,
            scale: scale @ 0..,
        } => format!("decimal({precision},{scale})"),
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => {
            "varchar(4000)".to_owned()
        }
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "varchar(4000)".to_owned(),
        Kind::Text => format!("varchar({})", length.unwrap_or(4_000)),
        Kind::Bytes => "varbinary(4000)".to_owned(),
        Kind::Uuid => "char(36)".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time | Kind::TimeNanos => "time".to_owned(),
        Kind::Timestamp { .. } => "timestamp".to_owned(),
        Kind::OffsetTimestamp => "varchar(35)".to_owned(),
        Kind::Interval => "varchar(64)".to_owned(),
        Kind::Other(_) => return None,
    })
}

/// Whether every value of `old` is one of `new`.
fn holds(new: &Kind, old: &Kind) -> bool {
    let bits = |kind: &Kind| match kind {
        Kind::Int8 => Some(8),
        Kind::Int16 => Some(16),
        Kind::Int32 => Some(32),
        Kind::Int64 => Some(64),
        _ => None,
    };
    match (bits(new), bits(old)) {
        (Some(new), Some(old)) => return new >= old,
        (None, Some(_)) if *new == Kind::Text => return true,
        _ => {}
    }
    let digits = |kind: &Kind| match kind {
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            Some((i16::from(*precision) - i16::from(*scale), *scale))
        }
        _ => None,
    };
    match (digits(new), digits(old)) {
        (Some((whole, places)), Some((old_whole, old_places))) => {
            whole >= old_whole && places >= old_places
        }
        _ => new == old || matches!((new, old), (Kind::Float64, Kind::Float32)),
    }
}

/// See [`dialect_core::Syntax::widen`].
pub(super) fn widen(
    syntax: &dyn Syntax,
    profile: Profile,
    table: &TableName,
    column: &Column,
    field: &Field,
) -> Result<String> {
    let refused = |why: &str| {
        Error::new(
            ErrorKind::Unsupported,
            format!("column `{}` of table `{table}`: {why}", column.name),
        )
    };
    let (new, old) = (Kind::of(field), column.kind.as_ref());
    if !old.is_some_and(|old| holds(&new, old)) {
        return Err(refused(
            "the new type would not hold every value of the old one",
        ));
    }
    let (name, target) = (syntax.quote(&column.name)?, syntax.table(table)?);
    let made = syntax.column_type(field, false)?;
    Ok(match profile {
        Profile::Postgres => format!("ALTER TABLE {target} ALTER COLUMN {name} TYPE {made}"),
        Profile::MySql { .. } => {
            // MODIFY takes away what it does not name.
            if column.auto_increment || column.generated || column.default.is_some() {
                return Err(refused("it has a default, which the change would drop"));
            }
            let null = if column.nullable { "NULL" } else { "NOT NULL" };
            format!("ALTER TABLE {target} MODIFY COLUMN {name} {made} {null}")
        }
        Profile::Sqlite
        | Profile::SqlServer
        | Profile::Oracle
        | Profile::Db2
        | Profile::Generic => {
            return Err(refused("the type of a column cannot be changed here"));
        }
    })
}
