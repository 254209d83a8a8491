//! What brokers and connections report, as errors of this crate.
use connect_api::{Error, ErrorKind};
use rocketmq_error::CanonicalCondition;
use rocketmq_transport::api::{
    OutboundRequestRejection, OutboundRequestRejectionReason as Reason, OutboundRequestStage,
    TransportError,
};
use std::{error::Error as StdError, fmt, time::Duration};

/// Response codes that this crate acts on (`ResponseCode.java`).
pub(super) mod code {
    pub(crate) const SUCCESS: i32 = 0;
    pub(crate) const SYSTEM_ERROR: i32 = 1;
    pub(crate) const SYSTEM_BUSY: i32 = 2;
    pub(crate) const REQUEST_CODE_NOT_SUPPORTED: i32 = 3;
    pub(crate) const FLUSH_DISK_TIMEOUT: i32 = 10;
    pub(crate) const SLAVE_NOT_AVAILABLE: i32 = 11;
    pub(crate) const FLUSH_SLAVE_TIMEOUT: i32 = 12;
    pub(crate) const MESSAGE_ILLEGAL: i32 = 13;
    pub(crate) const SERVICE_NOT_AVAILABLE: i32 = 14;
    pub(crate) const NO_PERMISSION: i32 = 16;
    pub(crate) const TOPIC_NOT_EXIST: i32 = 17;
    pub(crate) const PULL_NOT_FOUND: i32 = 19;
    pub(crate) const PULL_RETRY_IMMEDIATELY: i32 = 20;
    pub(crate) const PULL_OFFSET_MOVED: i32 = 21;
    pub(crate) const QUERY_NOT_FOUND: i32 = 22;
    pub(crate) const SUBSCRIPTION_GROUP_NOT_EXIST: i32 = 26;
    pub(crate) const INVALID_PARAMETER: i32 = 29;
    pub(crate) const POLLING_FULL: i32 = 209;
    pub(crate) const FLOW_CONTROL: i32 = 215;
    pub(crate) const NOT_LEADER_FOR_QUEUE: i32 = 501;
    pub(crate) const GO_AWAY: i32 = 1500;
}

/// Longest part of a remark that is shown; some hold a stack trace.
const MAX_REMARK: usize = 300;

/// Who was asked for what; the words before every error.
pub(super) struct Asked<'a> {
    /// The topic, queue or group.
    pub(super) subject: &'a (dyn fmt::Display + Sync),
    pub(super) address: &'a str,
    /// Whom the request was signed as.
    pub(super) user: Option<&'a str>,
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at {}", self.subject, self.address)
    }
}

/// The kind of a response code.
fn kind_of(code: i32, remark: &str) -> ErrorKind {
    match code {
        // The first access control of RocketMQ has no code of its own.
        code::SYSTEM_ERROR if remark.contains("AclException") => ErrorKind::Auth,
        code::SYSTEM_ERROR | code::MESSAGE_ILLEGAL if remark.contains("size exceed") => {
            ErrorKind::Data
        }
        code::MESSAGE_ILLEGAL => ErrorKind::Data,
        code::NO_PERMISSION => ErrorKind::Auth,
        code::TOPIC_NOT_EXIST | code::SUBSCRIPTION_GROUP_NOT_EXIST | code::INVALID_PARAMETER => {
            ErrorKind::Schema
        }
        code::REQUEST_CODE_NOT_SUPPORTED => ErrorKind::Unsupported,
        // Stored, but not yet on disk or at the replica: no acknowledgement (G1).
        code::FLUSH_DISK_TIMEOUT | code::SLAVE_NOT_AVAILABLE | code::FLUSH_SLAVE_TIMEOUT => {
            ErrorKind::Timeout
        }
        // Any failure inside the broker: worth another try.
        code::SYSTEM_ERROR
        | code::SYSTEM_BUSY
        | code::SERVICE_NOT_AVAILABLE
        | code::POLLING_FULL
        | code::FLOW_CONTROL => ErrorKind::Busy,
        code::NOT_LEADER_FOR_QUEUE | code::GO_AWAY => ErrorKind::Connect,
        _ => ErrorKind::Internal,
    }
}

/// The error of an answer that is a refusal.
pub(super) fn refused(asked: &Asked<'_>, code: i32, remark: &str) -> Error {
    let kind = kind_of(code, remark);
    let said = said(remark);
    let text = match kind {
        ErrorKind::Auth => match asked.user {
            Some(user) => format!(
                "{asked}: refused to user {user:?}: {said}; check accessKey, secretKey and what \
                 the user is permitted"
            ),
            None => format!(
                "{asked}: refused without credentials: {said}; set aclEnable, accessKey and \
                 secretKey"
            ),
        },
        _ => format!("{asked}: code {code}: {said}"),
    };
    Error::new(kind, text).with_code(code.to_string())
}

/// A remark in one line of bounded length.
fn said(remark: &str) -> String {
    let line = remark.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(MAX_REMARK) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "(no remark)".into(),
        None => line.into(),
    }
}

/// The error of a request that the client gave up.
pub(super) fn rejected(
    asked: &Asked<'_>,
    rejection: &OutboundRequestRejection,
    timeout: Duration,
) -> Error {
    let (kind, text) = match (rejection.reason(), rejection.stage()) {
        (Reason::DeadlineExpired, OutboundRequestStage::BeforeWrite) => (
            ErrorKind::Connect,
            format!("no connection within {timeout:?}"),
        ),
        (Reason::DeadlineExpired, _) => {
            (ErrorKind::Timeout, format!("no answer within {timeout:?}"))
        }
        (Reason::Cancelled | Reason::SessionClosed, _) => {
            (ErrorKind::Connect, "the connection broke".into())
        }
        (Reason::EndpointUnavailable, _) => (
            ErrorKind::Connect,
            "no connection, after several failures".into(),
        ),
        (Reason::QueueSaturated, _) => (
            ErrorKind::Busy,
            "too many requests wait for an answer".into(),
        ),
        // A client stops while its transport continues: it is replaced after several failures.
        (Reason::ClientStopping, _) => (
            ErrorKind::Connect,
            "the connection was given up, a new one will be opened".into(),
        ),
    };
    Error::new(kind, format!("{asked}: {text}"))
}

/// The error of a request that failed.
pub(super) fn failed(asked: &Asked<'_>, error: &TransportError, timeout: Duration) -> Error {
    let cause = root_cause(error);
    let before_write = error.request_stage() == Some(OutboundRequestStage::BeforeWrite);
    let (kind, text) = if cause.contains("certificate") {
        (
            ErrorKind::Config,
            format!("TLS: {cause}; name the authority that signed it in the TLS settings"),
        )
    } else if error.condition() != CanonicalCondition::DeadlineExceeded {
        (ErrorKind::Connect, cause)
    } else if before_write {
        (
            ErrorKind::Connect,
            format!("no connection within {timeout:?}"),
        )
    } else {
        (ErrorKind::Timeout, format!("no answer within {timeout:?}"))
    };
    Error::new(kind, format!("{asked}: {text}"))
}

/// What the innermost cause says: the client's own words are the same for all.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(user: Option<&str>, code: i32, remark: &str) -> Error {
        let asked = Asked {
            subject: &"topic \"orders\"",
            address: "10.0.0.1:10911",
            user,
        };
        refused(&asked, code, remark)
    }

    #[test]
    fn codes_have_kinds() {
        for (kind, code, remark) in [
            (ErrorKind::Auth, 16, "check signature failed."),
            (ErrorKind::Auth, 1, "AclException: No acl config"),
            (ErrorKind::Schema, 17, "topic[x] not exist"),
            (
                ErrorKind::Schema,
                26,
                "subscription group [g] does not exist",
            ),
            (ErrorKind::Schema, 29, "request queueId[9] is illegal"),
            (ErrorKind::Data, 13, "the message is illegal"),
            (ErrorKind::Data, 1, "message body size exceeded"),
            (ErrorKind::Busy, 1, "store putMessage failed"),
            (ErrorKind::Busy, 2, "[TIMEOUT_CLEAN_QUEUE]broker busy"),
            (ErrorKind::Busy, 14, "service not available now"),
            (ErrorKind::Busy, 215, "flow control"),
            (ErrorKind::Timeout, 10, ""),
            (ErrorKind::Timeout, 11, ""),
            (ErrorKind::Timeout, 12, ""),
            (ErrorKind::Unsupported, 3, "request type 352 not supported"),
            (ErrorKind::Internal, 4711, "what is that"),
        ] {
            let error = refusal(None, code, remark);
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.code(), Some(&*code.to_string()));
        }
    }

    #[test]
    fn errors_of_rejected_users_say_what_to_check() {
        assert_eq!(
            refusal(Some("ann"), 16, "check signature failed.").to_string(),
            "topic \"orders\", at 10.0.0.1:10911: refused to user \"ann\": check signature \
             failed.; check accessKey, secretKey and what the user is permitted"
        );
        assert_eq!(
            refusal(None, 16, "username cannot be null.").to_string(),
            "topic \"orders\", at 10.0.0.1:10911: refused without credentials: username cannot \
             be null.; set aclEnable, accessKey and secretKey"
        );
    }

    #[test]
    fn remarks_are_shown_in_one_line_of_bounded_length() {
        let remark = format!("{}\n\tat org.apache.rocketmq", "ä".repeat(500));
        let error = refusal(None, 1, &remark).to_string();
        assert!(
            error.ends_with("ä…") && error.chars().count() < 360,
            "{error}"
        );
        let error = refusal(None, 1, "").to_string();
        assert!(error.ends_with("code 1: (no remark)"), "{error}");
    }
}
