//! Where rows were read.
use std::fmt;

/// The table that rows were read from, as their messages say it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Schema or database; `None` where it is not said.
    pub schema: Option<Box<str>>,
    /// Name of the table.
    pub table: Box<str>,
}

impl Origin {
    /// Both may be the same table: a part that is missing in one does not distinguish them.
    pub fn agrees(&self, other: &Self) -> bool {
        let schemas = self.schema.as_ref().zip(other.schema.as_ref());
        self.table == other.table && schemas.is_none_or(|(a, b)| a == b)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.table)
    }
}

/// What the table that rows were read from is to a sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origins {
    /// Nothing: rows of a topic belong together.
    #[default]
    Ignored,
    /// Rows of one table are expected. Those of another go to the sink by themselves, so that it
    /// can refuse them; those whose table is not known go with the others.
    Compared,
    /// It says where rows go: rows of each table, and those whose table is not known, go to the
    /// sink by themselves.
    Routed,
}
