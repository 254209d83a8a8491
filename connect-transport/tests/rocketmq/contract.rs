//! The contract of all transports.
use super::{connect, unique};
use connect_api::Result;
use connect_transport::{Transport, keeps_the_transport_contract};
use std::sync::Arc;
use tokio::sync::RwLockReadGuard;

async fn open() -> Result<(Arc<dyn Transport>, RwLockReadGuard<'static, ()>)> {
    let (transport, share) = connect().await?;
    Ok((transport, share))
}

fn name() -> String {
    unique("contract")
}

keeps_the_transport_contract!(open, name);
