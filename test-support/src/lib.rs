//! Test fixtures: databases, unique names, and a network proxy that drops packets.
#![expect(clippy::unwrap_used, reason = "a failed fixture fails its test")]
#[cfg(feature = "database")]
mod database;
mod network;

#[cfg(feature = "database")]
pub use database::Database;
pub use network::Network;

use std::sync::atomic::{AtomicU32, Ordering};

/// A name that no other test uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{next}", std::process::id())
}
