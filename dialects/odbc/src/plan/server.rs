//! What is known of driver and database when a write is planned.
use crate::syntax::OdbcSyntax;
use dialect_core::OtherKeys;

/// Driver and database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) syntax: OdbcSyntax,
    /// The driver walks arrays of values rightly.
    pub(crate) arrays: bool,
    /// What an upsert does to rows of other keys.
    pub(crate) others: OtherKeys,
}
