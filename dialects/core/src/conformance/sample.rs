//! Values of a declared type.
use connect_api::{Kind, Value};

/// A column type as written in DDL, the kind it is described as, and values of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The type in DDL.
    pub declared: &'static str,
    /// The kind that a column of it has.
    pub kind: Kind,
    /// Values as SQL writes them, and as they are read. NULL is taken for granted.
    pub values: Vec<(String, Value)>,
    /// A column that is created of the type's own metadata is of the same type.
    pub recreated: bool,
    /// Values can be written to a column of it.
    pub written: bool,
}

impl Sample {
    /// Values of a type; each as an SQL expression, and as it is read.
    pub fn new<'a>(
        declared: &'static str,
        kind: Kind,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Self {
        Self {
            declared,
            kind,
            values: values
                .into_iter()
                .map(|(sql, value)| (sql.to_owned(), value))
                .collect(),
            recreated: true,
            written: true,
        }
    }

    /// The database cannot create the type from its name alone, as it belongs to one database or
    /// schema: another column is created for its values.
    #[must_use]
    pub fn not_recreated(self) -> Self {
        Self {
            recreated: false,
            ..self
        }
    }

    /// The database alone writes columns of the type.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            written: false,
            ..self
        }
    }
}
