//! The columns that a query says it gives.
use connect_api::{Error, ErrorKind, Result};
use sqlx::{Column as _, postgres::PgColumn};
use std::collections::HashSet;

/// What the server calls a column without a name.
const NAMELESS: &str = "?column?";

/// The columns of a query, an entry of each list a column.
pub(crate) struct QueryColumns {
    pub(crate) names: Vec<String>,
    /// OIDs of the types.
    pub(crate) types: Vec<i64>,
    /// The table that a column is read from, where it is.
    pub(crate) relations: Vec<Option<i64>>,
    /// Its number there.
    pub(crate) attributes: Vec<Option<i16>>,
}

impl QueryColumns {
    /// # Errors
    /// `Schema`: it gives no columns, two of one name, or one without a name.
    pub(crate) fn of(columns: &[PgColumn]) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::Schema, format!("the query {why}"));
        if columns.is_empty() {
            return Err(wrong("gives no columns".to_owned()));
        }
        let mut seen = HashSet::new();
        for (i, column) in columns.iter().enumerate() {
            let name = column.name();
            if name == NAMELESS {
                return Err(wrong(format!(
                    "has no name for column {}; give it one with AS",
                    i + 1
                )));
            }
            if !seen.insert(name) {
                return Err(wrong(format!(
                    "gives two columns `{name}`; rename one with AS"
                )));
            }
        }
        let oid = |oid: sqlx::postgres::types::Oid| i64::from(oid.0);
        Ok(Self {
            names: columns.iter().map(|c| c.name().to_owned()).collect(),
            types: columns
                .iter()
                .map(|c| c.type_info().oid().map_or(0, oid))
                .collect(),
            relations: columns.iter().map(|c| c.relation_id().map(oid)).collect(),
            attributes: columns.iter().map(|c| c.relation_attribute_no()).collect(),
        })
    }
}
