//! Faults of settings, gathered so that all are shown at once.
use crate::error::{Error, ErrorKind};
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
pub struct Faults {
    faults: Vec<Fault>,
    #[serde(skip)]
    notes: Vec<String>,
}

impl Faults {
    /// A fault of the value of `key`.
    pub fn at(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault {
            key: Some(key.into()),
            message: message.into(),
        });
    }

    /// A fault that lies at no single key.
    pub fn general(&mut self, message: impl Into<String>) {
        self.faults.push(Fault {
            key: None,
            message: message.into(),
        });
    }

    /// What was seen on the way and is no fault, but worth knowing.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The notes, which are gone then.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Adds those of `other`.
    pub fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.notes.extend(other.notes);
    }

    /// None found.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults, in the order they were found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.faults.iter()
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
        for (i, fault) in self.faults.iter().enumerate() {
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
