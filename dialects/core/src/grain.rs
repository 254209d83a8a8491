//! How fine the times of a column are.

/// The times that a column can hold: every so many microseconds one.
#[derive(Debug, Clone, Copy)]
pub struct Grain {
    /// Microseconds from a time that can be held to the next, at most.
    step: i64,
    /// The last time that can be held and is not after the given one, where it is not the last
    /// multiple of the step since 1970-01-01.
    floor: Option<fn(i64) -> i64>,
}

impl Grain {
    /// Every microsecond.
    pub const MICROSECOND: Self = Self {
        step: 1,
        floor: None,
    };

    /// Of so many digits after the second.
    pub const fn digits(digits: u32) -> Self {
        match digits {
            0..6 => Self {
                step: 10_i64.pow(6 - digits),
                floor: None,
            },
            _ => Self::MICROSECOND,
        }
    }

    /// Of times that are at most `step` microseconds from one another, by the function that gives the
    /// last of them that is not after a time.
    pub const fn of(step: i64, floor: fn(i64) -> i64) -> Self {
        Self {
            step,
            floor: Some(floor),
        }
    }

    /// Every microsecond can be held.
    pub const fn is_microsecond(&self) -> bool {
        self.step <= 1
    }

    /// The last time that can be held and is not after `micros`.
    pub fn floor(&self, micros: i64) -> i64 {
        match self.floor {
            Some(floor) => floor(micros),
            None => micros - micros.rem_euclid(self.step),
        }
    }

    /// The time that can be held and is nearest to `micros`; of two that are as near, the later one.
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
    fn times_are_cut_to_the_one_before_and_rounded_to_the_nearest() {
        for (digits, micros, floor, round) in [
            (6, 1_234_567, 1_234_567, 1_234_567),
            (9, 1_234_567, 1_234_567, 1_234_567),
            (3, 1_234_499, 1_234_000, 1_234_000),
            (3, 1_234_500, 1_234_000, 1_235_000),
            (0, 1_500_000, 1_000_000, 2_000_000),
            (0, 1_499_999, 1_000_000, 1_000_000),
            (0, 3_000_000, 3_000_000, 3_000_000),
            // Before 1970: cut to the one before, too.
            (0, -1, -1_000_000, 0),
            (0, -500_000, -1_000_000, 0),
            (0, -500_001, -1_000_000, -1_000_000),
        ] {
            let grain = Grain::digits(digits);
            assert_eq!(grain.floor(micros), floor, "{digits} of {micros}");
            assert_eq!(grain.round(micros), round, "{digits} of {micros}");
        }
        let last = Grain::digits(0).round(i64::MAX);
        assert_eq!(last % 1_000_000, 0, "there is no later one");
    }

    #[test]
    fn times_of_uneven_steps_are_met() {
        // 0, 3, 7, 10 and so on.
        fn tick(micros: i64) -> i64 {
            let rest = micros.rem_euclid(10);
            micros - rest + [0, 0, 0, 3, 3, 3, 3, 7, 7, 7][usize::try_from(rest).unwrap()]
        }
        let grain = Grain::of(4, tick);
        for (micros, round) in [(1, 0), (2, 3), (4, 3), (5, 7), (8, 7), (9, 10), (13, 13)] {
            assert_eq!(grain.round(micros), round, "{micros}");
        }
    }
}
