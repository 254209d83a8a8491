//! Every transport keeps to the contract.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]
use connect_api::Result;
use connect_transport::{Transport, contract};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A name that no other run has.
fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("contract-{}", now.unwrap_or_default().as_nanos())
}

/// A test for each function of the contract, on the transport that `$open` opens.
macro_rules! keeps_the_contract {
    ($open:path) => {
        keeps_the_contract!($open:
            topics_are_made_once messages_come_back_as_they_were nothing_new_is_an_empty_pull
            a_long_poll_wakes readers_begin_where_they_are_told what_is_dropped_is_not_lost
            bounds_follow_the_messages groups_keep_their_own_offsets unknown_topics_are_named
            pages_arrive_in_order_of_their_keys);
    };
    ($open:path: $($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<()> {
            let (transport, _keep) = $open().await?;
            let transport: Arc<dyn Transport> = Arc::new(transport);
            contract::$name(&transport, &unique()).await?;
            transport.close(Duration::from_secs(10)).await;
            Ok(())
        }
    )*};
}

#[cfg(feature = "embedded")]
mod embedded {
    use super::*;
    use connect_transport::embedded::{Embedded, EmbeddedOptions};

    async fn open() -> Result<(Embedded, tempfile::TempDir)> {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let path = dir.path().join("messages.redb");
        let store = Embedded::open(path, EmbeddedOptions::default()).await?;
        Ok((store, dir))
    }

    keeps_the_contract!(open);
}
