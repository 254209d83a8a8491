//! Faults of settings, gathered so that all are shown at once.
use crate::{Error, ErrorKind};
use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The key it lies at, where it lies at one.
    pub key: Option<String>,
    /// What is wrong and what to do; never a secret.
    pub message: String,
}

/// All faults found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// A fault of the value of `key`.
    pub fn at(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Fault {
            key: Some(key.into()),
            message: message.into(),
        });
    }

    /// A fault that lies at no single key.
    pub fn general(&mut self, message: impl Into<String>) {
        self.0.push(Fault {
            key: None,
            message: message.into(),
        });
    }

    /// Adds those of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// None found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in the order they were found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "`{key}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::new(ErrorKind::Config, faults.to_string())
    }
}
