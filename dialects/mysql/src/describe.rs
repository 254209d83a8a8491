//! Asks the catalogue about tables and queries.
pub(crate) mod query;
