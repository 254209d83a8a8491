//! The contract of all transports.
use super::{connect, unique};
use connect_api::Result;
use connect_transport::{Transport, contract};
use std::{sync::Arc, time::Duration};

macro_rules! keeps_the_contract {
    ($($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<()> {
            let (transport, _share) = connect().await?;
            let transport: Arc<dyn Transport> = transport;
            contract::$name(&transport, &unique("contract")).await?;
            transport.close(Duration::from_secs(10)).await;
            Ok(())
        }
    )*};
}

keeps_the_contract!(
    topics_are_made_once messages_come_back_as_they_were nothing_new_is_an_empty_pull
    a_long_poll_wakes readers_begin_where_they_are_told what_is_dropped_is_not_lost
    bounds_follow_the_messages groups_keep_their_own_offsets unknown_topics_are_named
    pages_arrive_in_order_of_their_keys
);
