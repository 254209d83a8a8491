//! Precision of date and time columns.

/// The times that a column can store, as a step in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct DatetimePrecision {
    /// The largest distance between two adjacent times, in microseconds.
    step: i64,
    /// Rounds down to a time that can be stored, where that is not the last multiple of the step since
    /// 1970-01-01.
    floor: Option<fn(i64) -> i64>,
}

impl DatetimePrecision {
    /// Every microsecond.
    pub const MICROSECOND: Self = Self {
        step: 1,
        floor: None,
    };

    /// Of so many fractional-second digits.
    pub const fn digits(digits: u32) -> Self {
        match digits {
            0..6 => Self {
                step: 10_i64.pow(6 - digits),
                floor: None,
            },
            _ => Self::MICROSECOND,
        }
    }

    /// Of uneven steps of at most `step` microseconds; `floor` rounds a time down to one of them.
    pub const fn of(step: i64, floor: fn(i64) -> i64) -> Self {
        Self {
            step,
            floor: Some(floor),
        }
    }

    /// Whether every microsecond can be stored.
    pub const fn is_microsecond(&self) -> bool {
        self.step <= 1
    }

    /// `micros`, rounded down to a time that can be stored.
    pub fn floor(&self, micros: i64) -> i64 {
        match self.floor {
            Some(floor) => floor(micros),
            None => micros - micros.rem_euclid(self.step),
        }
    }

    /// `micros`, rounded to the nearest time that can be stored; halfway, to the later one.
    pub fn round(&self, micros: i64) -> i64 {
        let before = self.floor(micros);
        if before == micros {
            return micros;
        }
        match before.checked_add(self.step).map(|after| self.floor(after)) {
            Some(after) if micros - before >= after - micros => after,
            _ => before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_down_and_to_the_nearest() {
        for (digits, micros, floor, round) in [
            (6, 1_234_567, 1_234_567, 1_234_567),
            (9, 1_234_567, 1_234_567, 1_234_567),
            (3, 1_234_499, 1_234_000, 1_234_000),
            (3, 1_234_500, 1_234_000, 1_235_000),
            (0, 1_500_000, 1_000_000, 2_000_000),
            (0, 1_499_999, 1_000_000, 1_000_000),
            (0, 3_000_000, 3_000_000, 3_000_000),
            // Before 1970.
            (0, -1, -1_000_000, 0),
            (0, -500_000, -1_000_000, 0),
            (0, -500_001, -1_000_000, -1_000_000),
        ] {
            let precision = DatetimePrecision::digits(digits);
            assert_eq!(precision.floor(micros), floor, "{digits} of {micros}");
            assert_eq!(precision.round(micros), round, "{digits} of {micros}");
        }
        let last = DatetimePrecision::digits(0).round(i64::MAX);
        assert_eq!(last % 1_000_000, 0, "there is no later one");
    }

    #[test]
    fn uneven_steps_round_to_the_nearest() {
        // 0, 3, 7, 10 and so on.
        fn tick(micros: i64) -> i64 {
            let rest = micros.rem_euclid(10);
            micros - rest + [0, 0, 0, 3, 3, 3, 3, 7, 7, 7][usize::try_from(rest).unwrap()]
        }
        let precision = DatetimePrecision::of(4, tick);
        for (micros, round) in [(1, 0), (2, 3), (4, 3), (5, 7), (8, 7), (9, 10), (13, 13)] {
            assert_eq!(precision.round(micros), round, "{micros}");
        }
    }
}
