//! The embedded store keeps to the contract of transports.
#![cfg(feature = "embedded")]
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]
use connect_api::Result;
use connect_transport::{
    Transport,
    embedded::{Embedded, EmbeddedOptions},
    keeps_the_transport_contract,
};
use std::sync::Arc;
use tempfile::TempDir;

async fn open() -> Result<(Arc<dyn Transport>, TempDir)> {
    let dir = tempfile::tempdir().expect("a directory for the store");
    let path = dir.path().join("messages.redb");
    let store = Embedded::open(path, EmbeddedOptions::default()).await?;
    Ok((Arc::new(store), dir))
}

/// Each test has a store of its own.
fn unique() -> String {
    "contract".to_owned()
}

keeps_the_transport_contract!(open, unique);
