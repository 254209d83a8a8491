//! The present time, and how fine columns count it.
use crate::{server::Profile, types::Declared};
use connect_api::Kind;
use dialect_core::{Column, KeyValues, step_of_digits};
use std::time::Duration;

/// The present time less `delay`, of the type of `column`.
pub(super) fn now(profile: Profile, column: &Column, delay: Duration) -> String {
    let micros = delay.as_micros();
    let millis = micros.div_ceil(1_000);
    match profile {
        Profile::Postgres => {
            let name = match &column.kind {
                Some(Kind::Timestamp { utc: true }) => "clock_timestamp()",
                // As sessions write it that set no zone of their own, unlike ours.
                _ => {
                    "(clock_timestamp() AT TIME ZONE (SELECT reset_val FROM pg_catalog.pg_settings \
                     WHERE name = 'TimeZone'))"
                }
            };
            let now = format!("({name} - interval '{micros} microseconds')");
            match &column.kind {
                Some(Kind::Date) => format!("CAST({now} AS date)"),
                _ => now,
            }
        }
        // The session's zone is +00:00; what has none is written by the server's clock.
        Profile::MySql { .. } => {
            let utc = format!("(UTC_TIMESTAMP(6) - INTERVAL {micros} MICROSECOND)");
            let now = match &column.kind {
                Some(Kind::Timestamp { utc: true }) => utc,
                _ => format!("CONVERT_TZ({utc}, '+00:00', @@global.time_zone)"),
            };
            match &column.kind {
                Some(Kind::Date) => format!("DATE({now})"),
                _ => now,
            }
        }
        Profile::Sqlite => {
            let shift = i64::try_from(micros).unwrap_or(i64::MAX);
            sqlite_now(column, -shift)
        }
        Profile::SqlServer => {
            let clock = match &column.kind {
                Some(Kind::Timestamp { utc: false } | Kind::Date) => "SYSDATETIME()",
                _ => "SYSUTCDATETIME()",
            };
            format!(
                "DATEADD(second, -{}, DATEADD(millisecond, -{}, {clock}))",
                millis / 1_000,
                millis % 1_000
            )
        }
        Profile::Db2 => format!("(CURRENT TIMESTAMP - {micros} MICROSECONDS)"),
        Profile::Oracle | Profile::Generic => format!(
            "(CURRENT_TIMESTAMP - INTERVAL '{}' SECOND)",
            micros.div_ceil(1_000_000)
        ),
    }
}

/// SQLite's own clock, moved by so many microseconds, as text.
fn sqlite_now(column: &Column, shift: i64) -> String {
    let millis = shift.div_euclid(1_000).unsigned_abs();
    let sign = if shift > 0 { '+' } else { '-' };
    let delay = format!(
        "'now', '{sign}{}.{:03} seconds'",
        millis / 1_000,
        millis % 1_000
    );
    match &column.kind {
        Some(Kind::Date) => format!("date({delay})"),
        Some(Kind::Time) => format!("strftime('%H:%M:%f', {delay}) || '000'"),
        Some(Kind::Timestamp { utc: true }) => {
            format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000Z'")
        }
        Some(Kind::Timestamp { utc: false }) => {
            format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000'")
        }
        _ => format!("strftime('%Y-%m-%d %H:%M:%f', {delay})"),
    }
}

/// The present time in UTC, moved by so many microseconds, of the type of `column`, which has no
/// time zone.
pub(super) fn utc_now(profile: Profile, column: &Column, shift: i64) -> String {
    let date = |now: String| match &column.kind {
        Some(Kind::Date) => format!("CAST({now} AS date)"),
        _ => now,
    };
    match profile {
        Profile::Postgres => date(format!(
            "(clock_timestamp() AT TIME ZONE 'UTC' + interval '{shift} microseconds')"
        )),
        Profile::MySql { .. } => date(format!("(UTC_TIMESTAMP(6) + INTERVAL {shift} MICROSECOND)")),
        Profile::Sqlite => sqlite_now(column, shift),
        Profile::SqlServer => {
            let seconds = shift.div_euclid(1_000_000);
            let millis = shift.rem_euclid(1_000_000) / 1_000;
            format!("DATEADD(second, {seconds}, DATEADD(millisecond, {millis}, SYSUTCDATETIME()))")
        }
        Profile::Db2 => {
            format!("(CURRENT TIMESTAMP - CURRENT TIMEZONE + {shift} MICROSECONDS)")
        }
        Profile::Oracle => format!(
            "(SYS_EXTRACT_UTC(SYSTIMESTAMP) + NUMTODSINTERVAL({}, 'SECOND'))",
            shift.div_euclid(1_000_000)
        ),
        // The zone of its clock is not known.
        Profile::Generic => format!(
            "(CURRENT_TIMESTAMP + INTERVAL '{}' SECOND)",
            shift.div_euclid(1_000_000)
        ),
    }
}

/// See [`Syntax::step`](dialect_core::Syntax::step).
pub(super) fn step(profile: Profile, column: &Column) -> Duration {
    let declared = Declared::parse(&column.vendor_type);
    let name = declared.as_ref().map_or("", |of| of.name.as_str());
    let digits = declared.as_ref().and_then(Declared::length);
    match &column.kind {
        Some(Kind::Date) => return Duration::from_hours(24),
        Some(Kind::Timestamp { .. } | Kind::OffsetTimestamp) => {}
        _ => return Duration::ZERO,
    }
    match profile {
        Profile::Postgres => step_of_digits(digits.unwrap_or(6)),
        Profile::MySql { .. } => step_of_digits(digits.unwrap_or(0)),
        Profile::Sqlite if name.ends_with("_text") => Duration::ZERO,
        Profile::SqlServer if name == "datetime" => Duration::from_micros(3_334),
        Profile::SqlServer if name == "smalldatetime" => Duration::from_secs(60),
        // What is not reported is taken for whole seconds.
        Profile::Sqlite
        | Profile::SqlServer
        | Profile::Oracle
        | Profile::Db2
        | Profile::Generic => step_of_digits(digits.unwrap_or(0)),
    }
}

/// See [`Syntax::key_values`](dialect_core::Syntax::key_values): what may have more digits than are
/// represented is taken to have them.
pub(super) fn key_values(profile: Profile, column: &Column) -> KeyValues {
    match &column.kind {
        Some(Kind::Timestamp { .. } | Kind::OffsetTimestamp) => {}
        _ => return KeyValues::Exact,
    }
    let declared = Declared::parse(&column.vendor_type);
    let name = declared.as_ref().map_or("", |of| of.name.as_str());
    let digits = declared.as_ref().and_then(Declared::length);
    let fine = match profile {
        Profile::Postgres | Profile::MySql { .. } => false,
        Profile::Sqlite => !name.ends_with("_text"),
        Profile::SqlServer => !["datetime", "smalldatetime"].contains(&name),
        Profile::Oracle => name != "date",
        Profile::Db2 | Profile::Generic => true,
    };
    if fine && digits.is_none_or(|digits| digits > 6) {
        KeyValues::Cut
    } else {
        KeyValues::Exact
    }
}
