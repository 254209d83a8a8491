//! The program as people run it, against real servers.
//!
//! Rows are loaded, changed and compared with the databases' own clients, not with the code under
//! test.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
mod access;
mod admin;
mod advice;
mod bad_input;
mod bad_rows;
mod batch_topics;
mod client;
mod deletes;
mod flights;
mod guides;
mod late_rows;
mod message_properties;
mod names;
mod nycflights;
mod original;
mod parts;
mod planted;
mod program;
mod refused;
mod rotation;
mod runs;
mod silence;
mod snapshot;
mod start;
mod two_workers;
mod waiting;

use std::{
    process::Command,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Tests that stop servers take it for writing, all others for reading.
static SERVERS: RwLock<()> = RwLock::new(());
/// Whether a server may be down: at first, and after a test that stops them.
static MAY_BE_DOWN: Mutex<bool> = Mutex::new(true);

/// Servers that stay up as long as the guard lives.
fn with_servers() -> RwLockReadGuard<'static, ()> {
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    bring_up();
    servers
}

/// Servers that this test alone uses.
struct Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>);

impl Drop for Alone {
    fn drop(&mut self) {
        // A test that fails half-way is one failure: the next brings up what it left down.
        *MAY_BE_DOWN.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// Servers that this test alone uses.
fn alone_with_servers() -> Alone {
    let servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    bring_up();
    Alone(servers)
}

/// Starts those servers that are down.
fn bring_up() {
    let mut may_be_down = MAY_BE_DOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if *may_be_down {
        let services = setting("CONNECT_TEST_SERVICES");
        let up = Command::new(services).arg("up").output().unwrap();
        let said = String::from_utf8_lossy(&up.stderr);
        assert!(up.status.success(), "scripts/services up: {said}");
        *may_be_down = false;
    }
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
