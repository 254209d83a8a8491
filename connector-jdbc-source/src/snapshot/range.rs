//! Ranges of keys, and how they are divided.
use connect_api::Value;

/// The values of a key, or of its first parts.
pub(crate) type Key = Vec<Value>;

/// The rows whose key is greater than `after` and not greater than `until`; `None`: without that bound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    pub(crate) after: Option<Key>,
    pub(crate) until: Option<Key>,
}

impl Range {
    /// Divides the range at values between its bounds, into about `parts` ranges of the same width.
    /// One range where that part of the key has no numbers, or too few.
    pub(crate) fn divide(&self, parts: u32) -> Vec<Self> {
        let mut ranges = Vec::new();
        let mut after = self.after.clone();
        for until in self.points(parts) {
            ranges.push(Self {
                after: after.replace(until.clone()),
                until: Some(until),
            });
        }
        ranges.push(Self {
            after,
            until: self.until.clone(),
        });
        ranges
    }

    /// Takes the upper half of the range; `None` if it cannot be divided.
    pub(crate) fn split_off_half(&mut self) -> Option<Self> {
        let middle = self.points(2).pop()?;
        Some(Self {
            after: Some(middle.clone()),
            until: self.until.replace(middle),
        })
    }

    /// Keys that divide the range: they differ in the first part in which its bounds do.
    fn points(&self, parts: u32) -> Vec<Key> {
        let (Some(low), Some(high)) = (&self.after, &self.until) else {
            return Vec::new();
        };
        let equal = low.iter().zip(high).take_while(|(low, high)| low == high);
        let equal = equal.count();
        let (Some(first), Some(last)) = (low.get(equal), high.get(equal)) else {
            return Vec::new();
        };
        let Some((from, to)) = ordinal(first).zip(ordinal(last)) else {
            return Vec::new();
        };
        let Some(width) = to.checked_sub(from).filter(|width| *width > 1) else {
            return Vec::new();
        };
        let parts = i128::from(parts).min(width);
        let step = |part: i128| {
            // Without overflow: the width of UUIDs is near the limit.
            from + width / parts * part + width % parts * part / parts
        };
        let key = |part: i128| {
            let mut key = low[..equal].to_vec();
            key.push(with_ordinal(first, step(part))?);
            Some(key)
        };
        (1..parts).filter_map(key).collect()
    }
}

/// The place of a value in its order, where all values between two of them are values too.
fn ordinal(value: &Value) -> Option<i128> {
    match value {
        Value::Int(v) | Value::Timestamp(v) | Value::OffsetTimestamp(v, _) | Value::Time(v) => {
            Some(i128::from(*v))
        }
        Value::UInt(v) => Some(i128::from(*v)),
        Value::Date(v) => Some(i128::from(*v)),
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Decimal(..)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Interval(..)
        | Value::List(_)
        | Value::Struct(_)
        | Value::Map(_) => None,
    }
}

/// A value like this one, at another place of its order.
fn with_ordinal(like: &Value, ordinal: i128) -> Option<Value> {
    let long = || i64::try_from(ordinal).ok();
    Some(match like {
        Value::Int(_) => Value::Int(long()?),
        Value::UInt(_) => Value::UInt(u64::try_from(ordinal).ok()?),
        Value::Timestamp(_) => Value::Timestamp(long()?),
        Value::OffsetTimestamp(..) => Value::OffsetTimestamp(long()?, 0),
        Value::Time(_) => Value::Time(long()?),
        Value::Date(_) => Value::Date(i32::try_from(ordinal).ok()?),
        _ => return None,
    })
}

/// Joins ranges that follow each other. They are in no order, and do not overlap.
pub(crate) fn joined(ranges: impl IntoIterator<Item = Range>) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    let mut rest: Vec<Range> = ranges.into_iter().collect();
    while let Some(mut range) = rest.pop() {
        loop {
            let behind = |other: &Range| range.until.is_some() && other.after == range.until;
            let before = |other: &Range| range.after.is_some() && other.until == range.after;
            if let Some(index) = rest.iter().position(behind) {
                range.until = rest.swap_remove(index).until;
            } else if let Some(index) = rest.iter().position(before) {
                range.after = rest.swap_remove(index).after;
            } else {
                break;
            }
        }
        joined.push(range);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(after: Option<i64>, until: Option<i64>) -> Range {
        let key = |value: Option<i64>| value.map(|value| vec![Value::Int(value)]);
        Range {
            after: key(after),
            until: key(until),
        }
    }

    #[test]
    fn ranges_are_divided_without_gaps_and_joined_again() {
        for (after, until, parts, expected) in [
            (0, 100, 4, 4),
            (-7, 3, 4, 4),
            (0, 3, 8, 3),
            (0, 1, 4, 1),
            (i64::MIN, i64::MAX, 7, 7),
            (5, 5, 3, 1),
        ] {
            let whole = range(Some(after), Some(until));
            let mut parts = whole.divide(parts);
            assert_eq!(parts.len(), expected, "{after} {until}");
            let follow = parts.windows(2).all(|pair| pair[0].until == pair[1].after);
            assert!(follow, "{parts:?}");
            parts.reverse();
            assert_eq!(joined(parts), [whole]);
        }
    }

    #[test]
    fn ranges_of_other_types_or_without_bounds_are_not_divided() {
        let text = |text: &str| Some(vec![Value::from(text)]);
        let texts = Range {
            after: text("a"),
            until: text("z"),
        };
        assert_eq!(texts.divide(4), std::slice::from_ref(&texts));
        let open = range(Some(1), None);
        assert_eq!(open.divide(4), std::slice::from_ref(&open));
        assert_eq!(open.clone().split_off_half(), None);
    }

    #[test]
    fn the_upper_half_is_split_off_and_the_last_bound_stays_whole() {
        let mut lower = Range {
            after: Some(vec![Value::Timestamp(0), Value::Int(7)]),
            until: Some(vec![Value::Timestamp(10), Value::Int(9)]),
        };
        let upper = lower.split_off_half().unwrap();
        assert_eq!(lower.until, Some(vec![Value::Timestamp(5)]));
        assert_eq!(upper.after, lower.until);
        assert_eq!(upper.until, Some(vec![Value::Timestamp(10), Value::Int(9)]));
    }

    #[test]
    fn rows_with_equal_timestamps_are_divided_by_the_next_part_of_the_key() {
        let key = |number| Some(vec![Value::Timestamp(7), Value::Int(number)]);
        let range = |after, until| Range {
            after: key(after),
            until: key(until),
        };
        assert_eq!(range(0, 10).divide(2), [range(0, 5), range(5, 10)]);
        let prefix = Range {
            after: Some(vec![Value::Timestamp(7)]),
            until: key(10),
        };
        let whole = prefix.divide(2);
        assert_eq!(whole, [prefix], "no lower number is known");
    }

    #[test]
    fn ranges_that_do_not_touch_stay_apart() {
        let ranges = [
            range(Some(1), Some(2)),
            range(Some(3), Some(4)),
            range(None, Some(1)),
        ];
        let mut joined = joined(ranges);
        joined.sort_by_key(|range| format!("{range:?}"));
        assert_eq!(joined, [range(None, Some(2)), range(Some(3), Some(4))]);
    }
}
