//! Opens a dialect by URL, for crates that must not depend on a particular dialect.
use crate::{dialect::Dialect, options::OpenOptions};
use connect_api::Result;
use std::sync::Arc;

/// Opens a dialect by URL. Connectors are given one, so that they depend on no particular dialect.
/// Functions and closures of the same signature implement it, `dialects::open` among them.
pub trait DialectProvider: Send + Sync {
    /// The dialect for `url`; no I/O is done.
    ///
    /// # Errors
    /// `Config`: not a valid URL, or the URL of a database that the program does not support or was
    /// built without.
    fn open(&self, url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>>;
}

impl<F> DialectProvider for F
where
    F: Fn(&str, &OpenOptions) -> Result<Arc<dyn Dialect>> + Send + Sync,
{
    fn open(&self, url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
        self(url, options)
    }
}
