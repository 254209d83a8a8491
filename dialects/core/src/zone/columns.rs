//! Converts columns of local times to instants and back.
use crate::zone::{SECOND, Shows, Zone};
use connect_api::arrow::array::{Array as _, TimestampMicrosecondArray};

/// Around a time without a change of the offset, times this close have the same offset.
const NEAR: i64 = 12 * 3_600 * SECOND;

/// Number of local times of a column that occurred twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated(pub usize);

/// The instants of a column of local times in `zone`; of two the later, as Java takes them. `None`
/// where one of them never occurred.
pub fn instants(
    zone: &Zone,
    column: &TimestampMicrosecondArray,
) -> Option<(TimestampMicrosecondArray, Repeated)> {
    let mut repeated = 0;
    let mut steady = Steady::default();
    let mut instants = Vec::with_capacity(column.len());
    for (row, local) in column.values().iter().copied().enumerate() {
        if column.is_null(row) {
            instants.push(0);
            continue;
        }
        if let Some(east) = steady.at(local) {
            instants.push(local - east);
            continue;
        }
        instants.push(match zone.shows(local) {
            Shows::Once(instant) => {
                let east = local - instant;
                let same = |local: i64| zone.shows(local) == Shows::Once(local - east);
                // No offset changes twice within a day.
                if same(local.saturating_sub(NEAR)) && same(local.saturating_add(NEAR)) {
                    steady = Steady::around(local, east);
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

/// The local times in `zone` of a column of instants.
pub fn shown(zone: &Zone, column: &TimestampMicrosecondArray) -> TimestampMicrosecondArray {
    let mut steady = Steady::default();
    let mut local_times = Vec::with_capacity(column.len());
    for instant in column.values().iter().copied() {
        let east = steady.at(instant).unwrap_or_else(|| {
            let east = zone.east_at(instant);
            let same = |instant: i64| zone.east_at(instant) == east;
            if same(instant.saturating_sub(NEAR)) && same(instant.saturating_add(NEAR)) {
                steady = Steady::around(instant, east);
            }
            east
        });
        local_times.push(instant.saturating_add(east));
    }
    TimestampMicrosecondArray::new(local_times.into(), column.nulls().cloned())
}

/// A period in which the offset does not change.
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
