//! The program as people run it, against real servers.
//!
//! Rows are loaded, changed and compared with the databases' own clients, not with the code under
//! test.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
mod access;
mod bad_input;
mod client;
mod flights;
mod nycflights;
mod parts;
mod program;
mod start;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Tests that stop servers take it for writing, all others for reading.
static SERVERS: RwLock<()> = RwLock::new(());

/// Servers that stay up as long as the guard lives.
fn with_servers() -> RwLockReadGuard<'static, ()> {
    SERVERS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Servers that this test alone uses.
fn alone_with_servers() -> RwLockWriteGuard<'static, ()> {
    SERVERS.write().unwrap_or_else(PoisonError::into_inner)
}

/// A setting of the environment that `scripts/services env` prints.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_unset| {
        panic!("{name} is not set: run `scripts/services up`, then `eval \"$(scripts/services env)\"`, or all of it by `scripts/test`")
    })
}

/// A name that no other test and no other run has.
fn unique(name: &str) -> String {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    format!("{name}_{:x}", nanos / 1000)
}
