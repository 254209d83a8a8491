//! Why a cell cannot be carried.
use connect_api::{Error, ErrorKind};
use std::fmt;

/// Why a cell does not fit its column's kind: a phrase that goes on after "a value that", and
/// never holds the value. Costs nothing until it is put [`at`](Self::at) a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit(pub &'static str);

impl Misfit {
    /// The error of kind `Data` that names table and column.
    #[must_use]
    pub fn at(self, table: impl fmt::Display, column: &str) -> Error {
        Error::new(
            ErrorKind::Data,
            format!("column `{column}` of table `{table}`: a value that {self}"),
        )
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Misfit {}
