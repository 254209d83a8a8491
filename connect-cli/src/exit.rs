//! Exit codes; the table stands in `--help`.
use connect_api::ErrorKind;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or stopped as asked, and no task had failed.
    Success = 0,
    /// A task failed, or the program itself.
    Failed = 1,
    /// The command line or a configuration is at fault.
    Config = 2,
    /// A server cannot be reached, or refuses the credentials.
    Unreachable = 3,
    /// Tasks did not end in time when the worker was stopped.
    Deadline = 4,
    /// The two sides of the quickstart differ.
    Different = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Config | ErrorKind::Schema | ErrorKind::Unsupported => Self::Config,
            ErrorKind::Auth | ErrorKind::Connect => Self::Unreachable,
            ErrorKind::Timeout => Self::Deadline,
            ErrorKind::Busy
            | ErrorKind::Conflict
            | ErrorKind::Data
            | ErrorKind::Stopped
            | ErrorKind::Internal => Self::Failed,
        }
    }
}
