//! Times, as people write them and are shown them.
use jiff::{SignedDuration, Timestamp};
use std::{fmt, str::FromStr};

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(Timestamp);

impl Moment {
    pub(crate) fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Of milliseconds since 1970-01-01.
    pub(crate) fn of(millis: i64) -> Option<Self> {
        Timestamp::from_millisecond(millis).ok().map(Self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Moment {
    type Err = String;

    /// An instant of RFC 3339, or a span of time before now: `90s`, `15m`, `2h`, `7d`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "use a time with its zone, as 2026-11-28T05:00:00Z or 2026-11-28T07:00:00+02:00, or how \
             long ago, as 90s, 15m, 2h or 7d"
                .to_owned()
        };
        let seconds = match text.char_indices().last() {
            Some((at, 's')) => Some((at, 1)),
            Some((at, 'm')) => Some((at, 60)),
            Some((at, 'h')) => Some((at, 3_600)),
            Some((at, 'd')) => Some((at, 86_400)),
            _ => None,
        };
        if let Some((at, unit)) = seconds {
            let count: u32 = text[..at].parse().map_err(|_count| wrong())?;
            let ago = SignedDuration::from_secs(i64::from(count) * unit);
            let then = Timestamp::now().checked_sub(ago);
            return then.map(Self).map_err(|_range| wrong());
        }
        text.parse().map(Self).map_err(|_time: jiff::Error| wrong())
    }
}

/// A time of a table: empty where there is none.
pub(crate) fn shown(millis: Option<i64>) -> String {
    let moment = millis.and_then(Moment::of);
    moment.map(|moment| moment.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_or_spans_before_now() {
        let moment: Moment = "2026-11-28T07:00:00.5+02:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-28T05:00:00.500Z");
        assert_eq!(Moment::of(moment.millis()), Some(moment));
        let now = Timestamp::now().as_millisecond();
        for (text, millis) in [
            ("0s", 0),
            ("90s", 90_000),
            ("15m", 900_000),
            ("2h", 7_200_000),
        ] {
            let moment: Moment = text.parse().unwrap();
            let ago = now - moment.millis();
            assert!((millis - 10_000..=millis).contains(&ago), "{text}: {ago}");
        }
        // Without a zone, the instant is ambiguous.
        for text in [
            "",
            "h",
            "-2h",
            "2026-11-28",
            "2026-11-28T05:00:00",
            "1795844496553",
            "2w",
        ] {
            let error = text.parse::<Moment>().unwrap_err();
            assert!(error.contains("with its zone"), "{text}: {error}");
        }
        assert_eq!(shown(None), "");
    }
}
