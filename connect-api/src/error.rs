//! One error type, classified by what the runtime does next.
use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, at the grain the runtime acts on.
///
/// The set is closed on purpose: a new kind does not compile until [`ErrorKind::disposition`]
/// says what the runtime does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A setting is wrong or missing.
    Config,
    /// Credentials are refused, or lack a permission.
    Auth,
    /// A system cannot be reached, or the connection broke.
    Connect,
    /// No answer in time.
    Timeout,
    /// The system answers that it is overloaded or locked.
    Busy,
    /// The database undid the transaction for another's sake: deadlock, serialisation failure.
    Conflict,
    /// A table, column or topic is missing or of another shape.
    Schema,
    /// One row or message cannot be converted or written.
    Data,
    /// Not supported by this program, or not offered by the system.
    Unsupported,
    /// Asked to stop.
    Stopped,
    /// A fault of this program.
    Internal,
}

/// What the runtime does with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Try the same again after a pause.
    Retry,
    /// Set the row aside, where the task's settings allow that; else fail.
    DeadLetter,
    /// Fail the task, nothing after it is touched.
    Fail,
    /// End the task without a fault.
    Stop,
}

impl ErrorKind {
    /// The default disposition; a task's config may be stricter, never laxer.
    pub const fn disposition(self) -> Disposition {
        match self {
            Self::Connect | Self::Timeout | Self::Busy | Self::Conflict => Disposition::Retry,
            Self::Data => Disposition::DeadLetter,
            Self::Config | Self::Auth | Self::Schema | Self::Unsupported | Self::Internal => {
                Disposition::Fail
            }
            Self::Stopped => Disposition::Stop,
        }
    }

    /// The name in logs, reports and exit codes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Auth => "auth",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::Schema => "schema",
            Self::Data => "data",
            Self::Unsupported => "unsupported",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

/// An error of a connector, a dialect, a transport or the runtime; one word wide.
///
/// The message names the operation and its object (table, column, topic, address), never a cell
/// value and never a secret.
#[derive(Debug)]
pub struct Error(Box<Repr>);

#[derive(Debug)]
struct Repr {
    kind: ErrorKind,
    message: Cow<'static, str>,
    code: Option<Box<str>>,
    retry_after: Option<Duration>,
    reference: bool,
    login: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` names the operation and object, never a cell value.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Repr {
            kind,
            message: message.into(),
            code: None,
            retry_after: None,
            reference: false,
            login: false,
            source: None,
        }))
    }

    /// Keeps the cause in the chain instead of in the text.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The vendor's own code: SQLSTATE, MySQL number, RocketMQ response code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Box<str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The system said when to come back.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// A foreign key refuses the row: it may pass once another row is there, or gone.
    #[must_use]
    pub fn of_reference(mut self) -> Self {
        self.0.reference = true;
        self
    }

    /// The user, its password or its certificate is refused: others may be accepted, where these have been
    /// replaced since they were read.
    #[must_use]
    pub fn of_login(mut self) -> Self {
        self.0.login = true;
        self
    }

    /// Puts `context` in front of the message, as `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message).into();
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The vendor's own code.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// When to come back, if the system said.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// See [`of_reference`](Self::of_reference).
    pub fn is_reference(&self) -> bool {
        self.0.reference
    }

    /// See [`of_login`](Self::of_login).
    pub fn is_login(&self) -> bool {
        self.0.login
    }

    /// The message and every cause below it, joined by `: `; a cause that repeats the text above
    /// it is left out. What people are shown.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(e) = cause {
            let part = e.to_string();
            if !text.contains(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            cause = e.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|s| s as &(dyn StdError + 'static))
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(e: arrow_schema::ArrowError) -> Self {
        Self::new(ErrorKind::Internal, "columns").with_source(e)
    }
}
