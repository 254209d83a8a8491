//! Dates and times in the units of the wire.
use crate::types::{Base, Declared};
use dialect_core::{DatetimePrecision, SUBMICROSECOND, ValueError, civil::DAY_MICROS};
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

const TOO_PRECISE: ValueError = ValueError("has a finer fraction of a second than the column");
const NOT_TICK: ValueError =
    ValueError("is not at one of the 300 fractions of a second that a datetime column has");
const NOT_MINUTE: ValueError = ValueError("is not at a full minute, as the column is");
const NO_DATE: ValueError = ValueError("lies outside the years 1 to 9999");
const NO_DATETIME: ValueError =
    ValueError("lies outside the years 1753 to 9999 of a datetime column");
const NO_SMALL: ValueError =
    ValueError("lies outside the years 1900 to 2079 of a smalldatetime column");
const NO_TIME: ValueError = ValueError("is no time of the day");
const FAR_OFFSET: ValueError = ValueError("is more than 14 hours away from UTC");

/// Days from 0001-01-01 to 1970-01-01.
const YEAR_1: i64 = 719_162;
/// Days from 1900-01-01 to 1970-01-01.
const YEAR_1900: i64 = 25_567;
/// Days from 1753-01-01 to 1900-01-01.
const YEAR_1753: i64 = 53_690;
/// The last day, 9999-12-31, from 0001-01-01.
const LAST_DAY: i64 = 3_652_058;
/// Ticks of a `datetime` in a day.
const DAY_TICKS: i64 = 300 * 86_400;
const MINUTE_MICROS: i64 = 60_000_000;

/// What becomes of digits finer than a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finer {
    Refuse,
    Cut,
    Null,
}

/// A date of so many days since 1970-01-01.
pub(crate) fn date(days: i64) -> Result<Date, ValueError> {
    let days = days.saturating_add(YEAR_1);
    match u32::try_from(days) {
        Ok(since) if days <= LAST_DAY => Ok(Date::new(since)),
        _ => Err(NO_DATE),
    }
}

/// Days since 1970-01-01.
pub(crate) fn days(date: Date) -> Result<i32, ValueError> {
    i32::try_from(i64::from(date.days()) - YEAR_1).map_err(|_e| NO_DATE)
}

/// A time of the day in `10^-digits` seconds.
pub(crate) fn time(nanos: i64, digits: u8) -> Result<Time, ValueError> {
    let step = 10_i64.pow(9 - u32::from(digits.min(7)));
    if !(0..DAY_MICROS * 1_000).contains(&nanos) {
        return Err(NO_TIME);
    }
    if nanos % step != 0 {
        return Err(TOO_PRECISE);
    }
    let increments = u64::try_from(nanos / step).map_err(|_e| NO_TIME)?;
    Ok(Time::new(increments, digits))
}

/// Nanoseconds since midnight.
pub(crate) fn nanos(time: Time) -> Result<i64, ValueError> {
    let step = 10_u64.pow(9 - u32::from(time.scale().min(9)));
    let nanos = time.increments().checked_mul(step);
    nanos
        .and_then(|n| i64::try_from(n).ok())
        .filter(|n| *n < DAY_MICROS * 1_000)
        .ok_or(NO_TIME)
}

/// Microseconds of nanoseconds; `None` where the rest is to become NULL.
fn micros_of(nanos: i64, finer: Finer) -> Result<Option<i64>, ValueError> {
    match finer {
        _ if nanos % 1_000 == 0 => Ok(Some(nanos / 1_000)),
        Finer::Refuse => Err(SUBMICROSECOND),
        Finer::Cut => Ok(Some(nanos.div_euclid(1_000))),
        Finer::Null => Ok(None),
    }
}

/// A time of the day in microseconds.
pub(crate) fn time_micros(time: Time) -> Result<i64, ValueError> {
    micros_of(nanos(time)?, Finer::Refuse)?.ok_or(SUBMICROSECOND)
}

/// A wall clock's reading, in microseconds since 1970-01-01.
pub(crate) fn datetime2(micros: i64, digits: u8) -> Result<DateTime2, ValueError> {
    let date = date(micros.div_euclid(DAY_MICROS))?;
    let time = time(micros.rem_euclid(DAY_MICROS) * 1_000, digits)?;
    Ok(DateTime2::new(date, time))
}

/// The same, back.
pub(crate) fn datetime2_micros(value: DateTime2, finer: Finer) -> Result<Option<i64>, ValueError> {
    let days = i64::from(days(value.date())?);
    let micros = micros_of(nanos(value.time())?, finer)?;
    Ok(micros.map(|micros| days * DAY_MICROS + micros))
}

/// An instant and its offset in minutes. The wire has the instant in UTC.
pub(crate) fn offset(micros: i64, offset: i16, digits: u8) -> Result<DateTimeOffset, ValueError> {
    if offset.unsigned_abs() > 14 * 60 {
        return Err(FAR_OFFSET);
    }
    // The wall clock too must show a year from 1 to 9999.
    let wall = micros.saturating_add(i64::from(offset) * MINUTE_MICROS);
    date(wall.div_euclid(DAY_MICROS))?;
    Ok(DateTimeOffset::new(datetime2(micros, digits)?, offset))
}

/// Day and tick of a `datetime`, from 1970-01-01, whose printed value is the last that is not
/// after this one.
fn tick_floor(micros: i64) -> (i64, i64) {
    let (day, of_day) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
    // Ticks are printed as .000, .003 and .007.
    let (tens, rest) = (of_day / 10_000, of_day % 10_000);
    let tick = match rest {
        0..3_000 => 0,
        3_000..7_000 => 1,
        _ => 2,
    };
    (day, tens * 3 + tick)
}

fn tick_micros(tick: i64) -> i64 {
    (tick * 10 + 1) / 3 * 1_000
}

/// The last value of a `datetime` that is not after this one.
pub(crate) fn datetime_floor(micros: i64) -> i64 {
    let (day, tick) = tick_floor(micros);
    day * DAY_MICROS + tick_micros(tick)
}

/// The last full minute that is not after this one.
pub(crate) fn minute_floor(micros: i64) -> i64 {
    micros.div_euclid(MINUTE_MICROS) * MINUTE_MICROS
}

/// How fine the times of a type are.
pub(crate) fn datetime_precision(declared: &Declared) -> DatetimePrecision {
    match declared.base {
        Base::DateTime => DatetimePrecision::of(4_000, datetime_floor),
        Base::SmallDateTime => DatetimePrecision::of(MINUTE_MICROS, minute_floor),
        _ => DatetimePrecision::digits(declared.digits().into()),
    }
}

/// A `datetime`.
pub(crate) fn datetime(micros: i64) -> Result<DateTime, ValueError> {
    let (day, tick) = tick_floor(micros);
    if day * DAY_MICROS + tick_micros(tick) != micros {
        return Err(NOT_TICK);
    }
    let day = day + YEAR_1900;
    match (i32::try_from(day), u32::try_from(tick)) {
        (Ok(days), Ok(tick)) if (-YEAR_1753..=LAST_DAY - (YEAR_1 - YEAR_1900)).contains(&day) => {
            Ok(DateTime::new(days, tick))
        }
        _ => Err(NO_DATETIME),
    }
}

/// What the server prints of a `datetime`.
pub(crate) fn datetime_micros(value: DateTime) -> Result<i64, ValueError> {
    let tick = i64::from(value.seconds_fragments());
    if tick >= DAY_TICKS {
        return Err(NO_TIME);
    }
    Ok((i64::from(value.days()) - YEAR_1900) * DAY_MICROS + tick_micros(tick))
}

/// A `smalldatetime`, as the type that it is staged by.
pub(crate) fn small_datetime(micros: i64) -> Result<DateTime2, ValueError> {
    if micros % MINUTE_MICROS != 0 {
        return Err(NOT_MINUTE);
    }
    let day = micros.div_euclid(DAY_MICROS) + YEAR_1900;
    if u16::try_from(day).is_err() {
        return Err(NO_SMALL);
    }
    datetime2(micros, 0)
}

/// What the server prints of a `smalldatetime`.
pub(crate) fn small_micros(value: SmallDateTime) -> i64 {
    // Its fractions are minutes.
    (i64::from(value.days()) - YEAR_1900) * DAY_MICROS
        + i64::from(value.seconds_fragments()) * MINUTE_MICROS
}

#[cfg(test)]
mod tests;
