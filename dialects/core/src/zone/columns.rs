//! Whole columns, from what clocks showed to instants and back.
use crate::zone::{SECOND, Shows, Zone};
use connect_api::arrow::array::{Array as _, TimestampMicrosecondArray};

/// So far around a time whose clock does not change, the next is asked for no more.
const NEAR: i64 = 12 * 3_600 * SECOND;

/// How many times of a column a clock showed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated(pub usize);

/// The instants at which the clocks of `zone` showed the times of a column; of two the later, as
/// Java takes them. `None` where they never showed one of them.
pub fn instants(
    zone: &Zone,
    column: &TimestampMicrosecondArray,
) -> Option<(TimestampMicrosecondArray, Repeated)> {
    let mut repeated = 0;
    let mut steady = Steady::default();
    let mut instants = Vec::with_capacity(column.len());
    for (row, wall) in column.values().iter().copied().enumerate() {
        if column.is_null(row) {
            instants.push(0);
            continue;
        }
        if let Some(east) = steady.at(wall) {
            instants.push(wall - east);
            continue;
        }
        instants.push(match zone.shows(wall) {
            Shows::Once(instant) => {
                let east = wall - instant;
                let same = |wall: i64| zone.shows(wall) == Shows::Once(wall - east);
                // No clock changes twice within a day.
                if same(wall.saturating_sub(NEAR)) && same(wall.saturating_add(NEAR)) {
                    steady = Steady::around(wall, east);
                }
                instant
            }
            Shows::Twice(instant) => {
                repeated += 1;
                instant
            }
            Shows::Never => return None,
        });
    }
    let column = TimestampMicrosecondArray::new(instants.into(), column.nulls().cloned());
    Some((column, Repeated(repeated)))
}

/// What the clocks of `zone` showed at the instants of a column.
pub fn shown(zone: &Zone, column: &TimestampMicrosecondArray) -> TimestampMicrosecondArray {
    let mut steady = Steady::default();
    let mut walls = Vec::with_capacity(column.len());
    for instant in column.values().iter().copied() {
        let east = steady.at(instant).unwrap_or_else(|| {
            let east = zone.east_at(instant);
            let same = |instant: i64| zone.east_at(instant) == east;
            if same(instant.saturating_sub(NEAR)) && same(instant.saturating_add(NEAR)) {
                steady = Steady::around(instant, east);
            }
            east
        });
        walls.push(instant.saturating_add(east));
    }
    TimestampMicrosecondArray::new(walls.into(), column.nulls().cloned())
}

/// A stretch of time in which the clocks do not change.
#[derive(Default)]
struct Steady {
    from: i64,
    until: i64,
    east: i64,
}

impl Steady {
    fn around(time: i64, east: i64) -> Self {
        Self {
            from: time.saturating_sub(NEAR),
            until: time.saturating_add(NEAR),
            east,
        }
    }

    fn at(&self, time: i64) -> Option<i64> {
        (self.from < time && time < self.until).then_some(self.east)
    }
}
