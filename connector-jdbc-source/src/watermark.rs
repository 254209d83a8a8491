//! The watermark of timestamp columns without time zone: the time before which no new rows are
//! expected.
use crate::read_plan::{ReadPlan, StartPosition};
use connect_api::{Kind, Result, Value};
use dialect_core::{Connection, Zone};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The assumed maximum clock skew between the database and this host, in microseconds.
const CLOCK_SKEW: i64 = 120_000_000;

/// The watermark in local time of a time zone.
#[derive(Debug, PartialEq)]
pub(crate) struct Watermark {
    /// See [`Page::east`](dialect_core::Page::east).
    pub(crate) east: i64,
    /// Read no row at or after this local time: it is about to occur again.
    pub(crate) before: Option<i64>,
}

/// The watermark at an instant.
fn watermark(zone: &Zone, instant: i64) -> Watermark {
    // Around a clock change, the earlier of the possible local times is used.
    let times = [instant, instant - CLOCK_SKEW, instant + CLOCK_SKEW];
    let east = times.map(|time| zone.east_at(time)).into_iter().min();
    let east = east.unwrap_or_default();
    let least = zone.least_shown_from(instant);
    Watermark {
        east,
        before: (least < instant + east).then_some(least),
    }
}

impl ReadPlan {
    /// The key starts with a timestamp without time zone.
    pub(crate) fn needs_time_zone(&self) -> bool {
        let kinds = self.before_now.map(|_| self.key_kind(0));
        matches!(kinds, Some(Kind::Timestamp { utc: false }))
    }

    /// Sets the time zone of the key's timestamps.
    pub(crate) fn set_time_zone(&mut self, zone: Zone) {
        if let StartPosition::After(key) = &mut self.start
            && let Some(Value::Timestamp(micros)) = key.first_mut()
        {
            // One microsecond earlier, so that rows of this exact time are included.
            *micros = zone.least_shown_from(micros.saturating_add(1)) - 1;
        }
        self.time_zone = Some(zone);
    }

    /// The watermark `back` before the current time; `None` if the database computes it.
    pub(crate) fn watermark(&self, back: Duration) -> Option<Watermark> {
        let zone = self.time_zone.as_ref()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let then = now.saturating_sub(back).as_micros();
        Some(watermark(
            zone,
            i64::try_from(then).unwrap_or(i64::MAX - CLOCK_SKEW),
        ))
    }
}

/// The time zone of timestamps without time zone: from the settings, otherwise from the database,
/// if it reports one.
///
/// # Errors
/// As [`Connection::time_zone`].
pub(crate) async fn database_time_zone(
    connection: &mut dyn Connection,
    wanted: Option<&Zone>,
) -> Result<Option<Zone>> {
    if let Some(zone) = wanted {
        return Ok(Some(zone.clone()));
    }
    let Some(name) = connection.time_zone().await? else {
        return Ok(None);
    };
    let zone = Zone::named(&name);
    match &zone {
        Some(zone) => tracing::info!(
            zone = zone.name(),
            "timestamp columns without time zone are compared with the current time in the \
             database's time zone; set db.timezone to use another one"
        ),
        None => tracing::warn!(
            zone = name,
            "unknown database time zone: timestamp columns without time zone are compared with \
             the database's own current time; set db.timezone to the time zone of the values"
        ),
    }
    Ok(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;

    #[test]
    fn the_watermark_is_held_back_while_clocks_change() {
        let zone = Zone::named("America/New_York").unwrap();
        // 2024-11-03 06:00 in UTC: from 02:00 back to 01:00.
        let autumn = 1_730_613_600 * SECOND;
        let at = |instant: i64| watermark(&zone, instant);
        let summer = |before| Watermark {
            east: -4 * HOUR,
            before,
        };
        let again = autumn - 5 * HOUR;
        assert_eq!(at(autumn - 2 * HOUR), summer(None));
        assert_eq!(at(autumn - HOUR / 2), summer(Some(again)));
        let winter = Watermark {
            east: -5 * HOUR,
            before: None,
        };
        assert_eq!(
            at(autumn - SECOND),
            winter,
            "the clock that is behind counts"
        );
        assert_eq!(at(autumn + HOUR), winter);
        // 2024-03-10 07:00 in UTC: from 02:00 to 03:00.
        let spring = 1_710_054_000 * SECOND;
        assert_eq!(at(spring + SECOND), winter);
        assert_eq!(at(spring + 2 * CLOCK_SKEW), summer(None));
    }
}
