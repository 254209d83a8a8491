//! The way from a URL to a dialect, for those who must not name one.
use crate::{dialect::Dialect, options::OpenOptions};
use connect_api::Result;
use std::sync::Arc;

/// Opens a dialect by URL. Connectors are given one, so that they name no dialect; functions and
/// closures of the same shape are openers, `dialects::open` among them.
pub trait Opener: Send + Sync {
    /// The dialect for `url`; no I/O is done.
    ///
    /// # Errors
    /// `Config`: the URL is none, or of a database that the program does not know or was built
    /// without.
    fn open(&self, url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>>;
}

impl<F> Opener for F
where
    F: Fn(&str, &OpenOptions) -> Result<Arc<dyn Dialect>> + Send + Sync,
{
    fn open(&self, url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
        self(url, options)
    }
}
