//! The maximum size of a message.
use connect_api::{ErrorKind, Result};
use connect_transport::{MAX_MESSAGE_BYTES, MAX_PROPERTIES, Transport};
use std::num::NonZeroUsize;

/// Bytes reserved for properties below the brokers' limit, if no limit is configured.
const ROOM: usize = 128 << 10;
/// The same if one is configured: the longest properties, and the fields around a body.
const LEAST_ROOM: usize = MAX_PROPERTIES + 4096;

/// The longest body to send, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageLimit(usize);

impl MessageLimit {
    pub(crate) fn bytes(self) -> usize {
        self.0
    }

    /// The configured limit, or else that of the brokers.
    ///
    /// # Errors
    /// `Connect`, `Timeout`, `Busy`: the brokers do not answer now.
    pub(crate) async fn ask(
        transport: &dyn Transport,
        asked: Option<NonZeroUsize>,
    ) -> Result<Self> {
        let reported = match transport.max_message_bytes().await {
            Ok(reported) => reported,
            Err(e) => match e.kind() {
                ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Busy | ErrorKind::Stopped => {
                    return Err(e);
                }
                ErrorKind::Config
                | ErrorKind::Auth
                | ErrorKind::Conflict
                | ErrorKind::Schema
                | ErrorKind::Data
                | ErrorKind::Unsupported
                | ErrorKind::Internal => {
                    tracing::debug!(
                        error = e.report(),
                        "the brokers do not report their message size limit"
                    );
                    None
                }
            },
        };
        let asked = asked.map(NonZeroUsize::get);
        let limit = Self::of(asked, reported);
        if asked.is_some_and(|asked| asked > limit.0) {
            tracing::warn!(
                bytes = limit.0,
                broker_bytes = reported,
                "producer.max.message.bytes is more than the brokers take, and was lowered: raise \
                 their maxMessageSize"
            );
        }
        Ok(limit)
    }

    pub(crate) fn of(asked: Option<usize>, reported: Option<usize>) -> Self {
        let below = |limit: usize, room: usize| limit.saturating_sub(room).max(1);
        Self(match (asked, reported) {
            (Some(asked), Some(reported)) => asked.min(below(reported, LEAST_ROOM)),
            (Some(asked), None) => asked,
            (None, Some(reported)) => below(reported, ROOM),
            (None, None) => MAX_MESSAGE_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_configured_one_within_that_of_the_brokers() {
        let of = |asked, reported| MessageLimit::of(asked, reported).bytes();
        assert_eq!(of(None, None), 4_063_232);
        assert_eq!(of(None, Some(4_194_304)), 4_063_232);
        assert_eq!(of(None, Some(16_777_216)), 16_646_144);
        assert_eq!(of(Some(1_000), Some(4_194_304)), 1_000);
        assert_eq!(of(Some(4_100_000), Some(4_194_304)), 4_100_000);
        assert_eq!(of(Some(8_000_000), Some(4_194_304)), 4_157_441);
        assert_eq!(of(Some(8_000_000), None), 8_000_000);
        assert_eq!(of(None, Some(10)), 1);
    }
}
