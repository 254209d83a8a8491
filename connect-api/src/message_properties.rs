//! What messages say of their rows beside their origin.
use crate::key_template::KeyTemplate;
use std::sync::Arc;

/// Properties that all rows of some records have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageProperties {
    /// The tag, by which consumers filter.
    pub tag: Option<Arc<str>>,
    /// The database that the rows were read from.
    pub database: Option<Arc<str>>,
    /// The same for rows with the same columns and key, and different for others.
    pub schema_version: Option<Arc<str>>,
    /// The message keys of rows that are not deletes, in place of the key columns.
    pub key: Option<Arc<KeyTemplate>>,
    /// Messages have the position after the last of the rows.
    pub with_position: bool,
}
