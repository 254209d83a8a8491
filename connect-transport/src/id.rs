//! Message ids as RocketMQ's tools read them.
use crate::{NAME_END, UNIQ_KEY, VALUE_END};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Length of the property: name, separator, 32 digits, separator.
pub(crate) const ID_PROPERTY_BYTES: usize = UNIQ_KEY.len() + 1 + 32 + 1;
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
/// Where the id's digits begin.
const ID: usize = UNIQ_KEY.len() + 1;
const DAY: Duration = Duration::from_secs(86_400);
/// The tools take the time in an id for local time; half a day earlier is early enough in every
/// zone, and they search from there on.
const ZONES: Duration = Duration::from_secs(12 * 3_600);

/// Eight bytes that no other process has: the standard library's hash seed comes from the
/// system's random source.
static PROCESS: LazyLock<[u8; 8]> = LazyLock::new(|| {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish().to_be_bytes()
});
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A number that no other process has.
pub(crate) fn process() -> u64 {
    u64::from_be_bytes(*PROCESS)
}

/// Writes the `UNIQ_KEY` property of one message after another.
///
/// The 16 bytes of an id, in hexadecimal digits: 8 of this process, 2 of a counter, 4 of the
/// milliseconds since the month began (where RocketMQ's tools look for the time when they search
/// a message by its id), 2 of the counter again. The counter comes round after 2³² messages, when
/// the time is another.
#[derive(Debug)]
pub(crate) struct MessageIds {
    property: [u8; ID_PROPERTY_BYTES],
    next: u32,
}

impl MessageIds {
    /// So many ids that nobody else gets.
    pub(crate) fn reserve(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let next = COUNTER.fetch_add(count, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = since_month(now.unwrap_or_default());
        let mut property = [0; ID_PROPERTY_BYTES];
        property[..UNIQ_KEY.len()].copy_from_slice(UNIQ_KEY.as_bytes());
        property[UNIQ_KEY.len()] = NAME_END;
        property[ID_PROPERTY_BYTES - 1] = VALUE_END;
        hex(&mut property[ID..], &*PROCESS);
        hex(&mut property[ID + 20..], &time.to_be_bytes());
        let mut ids = Self { property, next };
        ids.write_high();
        ids
    }

    fn write_high(&mut self) {
        let [a, b, ..] = self.next.to_be_bytes();
        hex(&mut self.property[ID + 16..], &[a, b]);
    }

    /// The property with the next id.
    pub(crate) fn next(&mut self) -> &[u8; ID_PROPERTY_BYTES] {
        let [_, _, c, d] = self.next.to_be_bytes();
        if c == 0 && d == 0 {
            self.write_high();
        }
        hex(&mut self.property[ID + 28..], &[c, d]);
        self.next = self.next.wrapping_add(1);
        &self.property
    }
}

fn hex(out: &mut [u8], bytes: &[u8]) {
    for (out, byte) in out.chunks_exact_mut(2).zip(bytes) {
        out[0] = DIGITS[usize::from(byte >> 4)];
        out[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Milliseconds from half a day after the month began to `now`.
fn since_month(now: Duration) -> u32 {
    let days = now.as_secs() / DAY.as_secs();
    // Days since 0000-03-01 in the cycles of the Gregorian calendar.
    let of_cycle = (days + 719_468) % 146_097;
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month + 2) / 5;
    let begin = Duration::from_secs((days - day_of_month) * DAY.as_secs());
    let since = now.saturating_sub(begin).saturating_sub(ZONES);
    u32::try_from(since.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_32_digits_and_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let mut ids = MessageIds::reserve(70_000);
            for _ in 0..70_000 {
                let property = ids.next();
                assert!(property.starts_with(b"UNIQ_KEY\x01") && property.ends_with(b"\x02"));
                let id = property[ID..ID + 32].to_vec();
                assert!(id.iter().all(|c| DIGITS.contains(c)));
                assert!(seen.insert(id));
            }
        }
    }

    #[test]
    fn an_id_holds_the_time_since_the_month_began_less_half_a_day() {
        let at = |seconds| since_month(Duration::from_secs(seconds));
        assert_eq!(at(0), 0);
        // 2024-02-29T13:00:01Z, 2024-03-01T00:00:00Z, 2026-01-01T12:00:07Z.
        assert_eq!(at(1_709_211_601), (28 * 24 + 1) * 3_600_000 + 1_000);
        assert_eq!(at(1_709_251_200), 0);
        assert_eq!(at(1_767_268_807), 7_000);
    }
}
