//! Brokers of a cluster.
use super::{Admin, answers};
use crate::rocketmq::request::Request;
use connect_api::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A broker that the name servers know.
#[derive(Debug, Clone, Serialize)]
pub struct Broker {
    /// The cluster it belongs to.
    pub cluster: String,
    /// Its name, which its replicas have too.
    pub name: String,
    /// 0 is the one that is written to.
    pub id: u64,
    /// Where it is.
    pub address: String,
    /// What it says of itself; `None` where it does not answer.
    pub state: Option<BrokerState>,
    /// Why it does not answer.
    pub fault: Option<String>,
}

/// What a broker says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct BrokerState {
    /// Its version.
    pub version: String,
    /// When it was started, milliseconds since 1970-01-01.
    pub started: Option<i64>,
    /// Messages stored in a second, over the last ten.
    pub stored_per_second: Option<f64>,
    /// Messages handed out in a second, over the last ten.
    pub read_per_second: Option<f64>,
    /// How full the disk of its messages is, from 0 to 1.
    pub disk_used: Option<f64>,
}

#[derive(Deserialize)]
struct Table {
    table: HashMap<String, String>,
}

impl Admin {
    /// The brokers that the name servers know, in order.
    ///
    /// # Errors
    /// `Connect`: no name server answers. A broker that does not answer is listed with the error.
    pub async fn brokers(&self) -> Result<Vec<Broker>> {
        let (_, members) = self.cluster.routes.members().await?;
        let mut brokers = Vec::new();
        for member in &members {
            for (id, address) in member.broker_addrs() {
                let state = self.broker_state(address).await;
                let fault = state.as_ref().err().map(|error| error.report());
                brokers.push(Broker {
                    cluster: member.cluster().to_owned(),
                    name: member.broker_name().to_string(),
                    id: *id,
                    address: address.to_string(),
                    state: state.ok(),
                    fault,
                });
            }
        }
        brokers.sort_by(|a, b| (&a.cluster, &a.name, a.id).cmp(&(&b.cluster, &b.name, b.id)));
        Ok(brokers)
    }

    async fn broker_state(&self, address: &str) -> Result<BrokerState> {
        let subject = "state of the broker";
        let (link, answer) = self
            .call(address, &subject, Request::broker_state())
            .await?;
        let response: Table = answers::read(&subject, &link, answer)?;
        let text = |name: &str| response.table.get(name).map(String::as_str);
        // Rates are those of the last ten, sixty and six hundred seconds.
        let number = |name| text(name)?.split(' ').next()?.parse().ok();
        Ok(BrokerState {
            version: text("brokerVersionDesc").unwrap_or_default().to_owned(),
            started: text("bootTimestamp").and_then(|millis| millis.parse().ok()),
            stored_per_second: number("putTps"),
            read_per_second: number("getTransferredTps"),
            disk_used: number("commitLogDiskRatio"),
        })
    }
}
