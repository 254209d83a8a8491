//! Retries of transient errors: exponential backoff with jitter, within a time limit.
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use connect_api::{Disposition, Error};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The first pause. Databases and brokers restart in seconds; a shorter pause only adds noise.
const FIRST_DELAY: Duration = Duration::from_millis(300);

/// How long and how often something is retried.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Longest pause.
    pub max_delay: Duration,
    /// Longest time from the first failure on; `None` for ever.
    pub timeout: Option<Duration>,
    /// Most tries after the first failure; `None` for any number.
    pub max_retries: Option<u32>,
    /// The pause before each try, in place of those that double.
    pub pause: Option<Duration>,
}

impl RetryPolicy {
    /// The policy of `errors.retry.timeout` (milliseconds, negative for ever) and
    /// `errors.retry.delay.max.ms`.
    pub fn new(timeout_ms: i64, max_delay: Duration) -> Self {
        Self {
            max_delay,
            timeout: u64::try_from(timeout_ms).ok().map(Duration::from_millis),
            max_retries: None,
            pause: None,
        }
    }

    /// The same, with `max.retries` and `retry.backoff.ms` where they are set.
    #[must_use]
    pub fn with_retries(self, max_retries: Option<u32>, pause: Option<Duration>) -> Self {
        Self {
            max_retries,
            pause,
            max_delay: pause.map_or(self.max_delay, |pause| pause.max(self.max_delay)),
            ..self
        }
    }

    /// The pauses after a first failure.
    pub(crate) fn begin(&self) -> Retry {
        Retry {
            policy: *self,
            since: Instant::now(),
            tries: 0,
            delays: ExponentialBuilder::default()
                .with_min_delay(FIRST_DELAY.min(self.max_delay))
                .with_max_delay(self.max_delay)
                .without_max_times()
                .with_jitter()
                .build(),
        }
    }
}

/// Failures in a row.
pub(crate) struct Retry {
    policy: RetryPolicy,
    since: Instant,
    tries: u32,
    delays: ExponentialBackoff,
}

/// What follows a failure.
#[derive(Debug)]
pub(crate) enum Next {
    /// Pause so long, then try again.
    After(Duration),
    /// It is over.
    GiveUp,
}

impl Retry {
    /// Decides what follows `error`.
    pub(crate) fn next(&mut self, error: &Error) -> Next {
        match error.kind().disposition() {
            Disposition::Retry => {}
            Disposition::DeadLetter | Disposition::Fail | Disposition::Stop => return Next::GiveUp,
        }
        if self
            .policy
            .max_retries
            .is_some_and(|most| self.tries >= most)
        {
            return Next::GiveUp;
        }
        self.tries = self.tries.saturating_add(1);
        let doubled = self.delays.next().unwrap_or(self.policy.max_delay);
        let pause = self.policy.pause.unwrap_or(doubled);
        let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
        match self.policy.timeout {
            Some(timeout) if self.since.elapsed() + pause > timeout => Next::GiveUp,
            _ => Next::After(pause.min(self.policy.max_delay)),
        }
    }
}

/// Sleeps, or returns `false` at once when asked to stop.
pub(crate) async fn pause(delay: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(delay) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::ErrorKind;

    #[test]
    fn what_passes_is_tried_again_until_the_time_is_up() {
        let connect = Error::new(ErrorKind::Connect, "gone");
        let endless = RetryPolicy::new(-1, Duration::from_secs(1));
        let mut retry = endless.begin();
        for _ in 0..100 {
            match retry.next(&connect) {
                Next::After(pause) => assert!(pause <= Duration::from_secs(1)),
                Next::GiveUp => panic!("gave up"),
            }
        }
        let mut never = RetryPolicy::new(0, Duration::from_secs(1)).begin();
        assert!(matches!(never.next(&connect), Next::GiveUp));
    }

    #[test]
    fn what_passes_is_tried_again_so_many_times_with_one_pause() {
        let connect = Error::new(ErrorKind::Connect, "gone");
        let pause = Duration::from_secs(3);
        let policy = RetryPolicy::new(-1, Duration::from_secs(1));
        let mut retry = policy.with_retries(Some(2), Some(pause)).begin();
        for _ in 0..2 {
            assert!(matches!(retry.next(&connect), Next::After(after) if after == pause));
        }
        assert!(matches!(retry.next(&connect), Next::GiveUp));
        let mut none = policy.with_retries(Some(0), None).begin();
        assert!(matches!(none.next(&connect), Next::GiveUp));
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        let mut retry = RetryPolicy::new(-1, Duration::from_secs(1)).begin();
        for kind in [
            ErrorKind::Auth,
            ErrorKind::Data,
            ErrorKind::Schema,
            ErrorKind::Stopped,
        ] {
            assert!(matches!(retry.next(&Error::new(kind, "no")), Next::GiveUp));
        }
    }
}
