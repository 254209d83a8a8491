//! The drivers that the tests run against.
use dialect_core::{Dialect, OpenOptions, UnknownTypes};
use std::sync::Arc;

pub(crate) const PLANTED: &str = "planted-secret";

/// The URL that a variable names.
pub(crate) fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set; run: scripts/services up && eval \"$(scripts/services env)\""
        )
    })
}

pub(crate) fn open(url: &str) -> Arc<dyn Dialect> {
    dialect_odbc::open(url, &OpenOptions::default()).unwrap()
}

/// Types that are not known are not supported.
pub(crate) fn strict(url: &str) -> Arc<dyn Dialect> {
    let mut options = OpenOptions::default();
    options.values.unknown_types = UnknownTypes::Fail;
    dialect_odbc::open(url, &options).unwrap()
}

/// The same with a password that is wrong.
pub(crate) fn with_wrong_password(url: &str) -> Arc<dyn Dialect> {
    let options = OpenOptions {
        password: Some(connect_api::config::Secret::new(PLANTED)),
        ..OpenOptions::default()
    };
    dialect_odbc::open(url, &options).unwrap()
}

/// A part of names that no other process uses.
pub(crate) fn unique(letter: &str) -> String {
    format!("{letter}{}", std::process::id())
}
