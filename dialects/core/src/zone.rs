//! Time zones: the local time at an instant, and the instants of a local time.
//!
//! Times are in microseconds: instants since 1970-01-01 in UTC, local times since 1970-01-01 00:00
//! local time.
mod columns;
mod names;

pub use columns::{Repeated, instants, shown};

use connect_api::config::Setting;
use jiff::{Timestamp, tz::TimeZone};
use std::fmt;

const SECOND: i64 = 1_000_000;
/// Local times differ from UTC by less than this.
const FARTHEST: i64 = 26 * 3_600 * SECOND;
/// So long before a clock is put back, local times that occur twice are held back.
const AHEAD: i64 = 2 * FARTHEST;

/// A time zone.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: Box<str>,
    zone: TimeZone,
}

/// When a local time occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// At this instant.
    Once(i64),
    /// Twice, as the clock was put back in between; the later instant.
    Twice(i64),
    /// Never: the clock was put forward past it.
    Never,
}

fn timestamp(micros: i64) -> Timestamp {
    let limit = if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(micros.div_euclid(SECOND)).unwrap_or(limit)
}

impl Zone {
    /// The zone of this name: one of the IANA database, an offset from UTC such as `+08:00` or
    /// `GMT+8`, or one of Java's short names. `None` where there is none.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        names::find(name).map(|zone| Self {
            name: name.into(),
            zone,
        })
    }

    /// Its name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The offset from UTC at an instant, in microseconds; positive east of UTC.
    pub fn east_at(&self, instant: i64) -> i64 {
        let offset = self.zone.to_offset(timestamp(instant));
        i64::from(offset.seconds()) * SECOND
    }

    /// The local time at an instant.
    pub fn shown_at(&self, instant: i64) -> i64 {
        instant.saturating_add(self.east_at(instant))
    }

    /// The earliest local time at `instant` or at any time after it: where the clock is put back
    /// soon, earlier than the local time now.
    pub fn least_shown_from(&self, instant: i64) -> i64 {
        let now = self.shown_at(instant);
        self.changes(instant, instant.saturating_add(AHEAD))
            .map(|(at, east)| at.saturating_add(east))
            .fold(now, i64::min)
    }

    /// The instants after `from` and up to `until` at which the offset changes, with the offset from
    /// then on.
    fn changes(&self, from: i64, until: i64) -> impl Iterator<Item = (i64, i64)> {
        self.zone
            .following(timestamp(from))
            .map(|change| {
                let at = change.timestamp().as_second().saturating_mul(SECOND);
                (at, i64::from(change.offset().seconds()) * SECOND)
            })
            .take_while(move |(at, _)| *at <= until)
    }

    /// When the local time `local` occurs.
    pub fn shows(&self, local: i64) -> Shows {
        let (begin, end) = (
            local.saturating_sub(FARTHEST),
            local.saturating_add(FARTHEST),
        );
        let (mut from, mut east) = (i64::MIN, self.east_at(begin));
        let mut found = Shows::Never;
        let mut meet = |from: i64, until: i64, east: i64| {
            let instant = local.saturating_sub(east);
            if (from..until).contains(&instant) {
                found = match found {
                    Shows::Never => Shows::Once(instant),
                    Shows::Once(_) | Shows::Twice(_) => Shows::Twice(instant),
                };
            }
        };
        for (at, next) in self.changes(begin, end) {
            meet(from, at, east);
            (from, east) = (at, next);
        }
        meet(from, i64::MAX, east);
        found
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Setting for Zone {
    const TYPE: &'static str = "time zone";

    fn parse(text: &str) -> Result<Self, String> {
        Self::named(text).ok_or_else(|| {
            "expected a time zone, such as Asia/Shanghai, UTC, +08:00 or GMT+8".to_owned()
        })
    }

    fn show(&self) -> String {
        self.name.to_string()
    }
}

#[cfg(test)]
mod tests;
