//! Why a value cannot be converted.
use connect_api::{Error, ErrorKind};
use std::fmt;

/// Why a value cannot be converted to or from its column's type: a phrase that continues "a value
/// that", and never contains the value. Allocates nothing until [`at`](Self::at) names the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueError(pub &'static str);

impl ValueError {
    /// The error of kind `Data` that names table and column.
    #[must_use]
    pub fn at(self, table: impl fmt::Display, column: &str) -> Error {
        Error::new(
            ErrorKind::Data,
            format!("column `{column}` of table `{table}`: a value that {self}"),
        )
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ValueError {}
