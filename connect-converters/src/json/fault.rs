//! What is wrong with a message, before it is known which message it is.
use connect_api::{Error, ErrorKind};
use std::{borrow::Cow, fmt};

/// A fault of a body or a key; one word wide, since the code that meets none is the hot one.
#[derive(Debug)]
pub(crate) struct Fault(Box<Repr>);

/// Result of reading a piece of a message.
pub(crate) type Result<T> = std::result::Result<T, Fault>;

#[derive(Debug)]
enum Repr {
    /// Not JSON.
    Syntax { expected: &'static str, at: usize },
    /// A value that cannot be converted; never contains the value.
    Value(Cow<'static, str>),
}

impl Fault {
    /// The text is not JSON from the byte `at` on.
    #[cold]
    pub(crate) fn syntax(expected: &'static str, at: usize) -> Self {
        Self(Box::new(Repr::Syntax { expected, at }))
    }

    /// A value that cannot be converted.
    #[cold]
    pub(crate) fn value(message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Repr::Value(message.into())))
    }

    /// Another type of value than `expected`.
    #[cold]
    pub(crate) fn found(expected: impl fmt::Display, found: &str) -> Self {
        Self::value(format!("expected {expected}, found {found}"))
    }

    /// The same, of the column `name`. Faults of syntax stay: they are of the whole body.
    #[cold]
    pub(crate) fn of_column(self, name: &str) -> Self {
        match *self.0 {
            Repr::Value(message) => Self::value(format!("column `{name}`: {message}")),
            Repr::Syntax { .. } => self,
        }
    }

    /// The same, of the part `what` of a message. Faults of syntax name it by themselves.
    #[cold]
    pub(crate) fn of(self, what: &str) -> Self {
        match *self.0 {
            Repr::Value(message) => Self::value(format!("{what}: {message}")),
            Repr::Syntax { .. } => self,
        }
    }

    /// The error, of kind `Data`; `what` is the body or the key.
    #[cold]
    pub(crate) fn into_error(self, what: &str) -> Error {
        let message = match *self.0 {
            Repr::Syntax { expected, at } => {
                format!("{what} is not JSON: expected {expected} at byte {at}").into()
            }
            Repr::Value(message) => message,
        };
        Error::new(ErrorKind::Data, message)
    }
}
