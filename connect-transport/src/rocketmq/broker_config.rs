//! The settings of a broker, as it reports them.
use super::{error_codes::code, link::Link, request::Request};
use connect_api::Result;
use std::time::Duration;
use tracing::debug;

/// Lines of `name=value`.
pub(super) struct BrokerConfig(String);

impl BrokerConfig {
    /// Asks the broker; `None` where it does not report them: settings are for administrators, where brokers
    /// know users.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(super) async fn read(link: &Link, timeout: Duration) -> Result<Option<Self>> {
        let subject = "settings of the broker";
        let answer = link
            .ask(&subject, Request::broker_config(), timeout)
            .await?;
        if answer.code != code::SUCCESS {
            let (broker, remark) = (link.address(), answer.remark());
            debug!(broker, remark, "its settings are not known");
            return Ok(None);
        }
        let body = answer.into_body();
        Ok(Some(Self(String::from_utf8_lossy(&body).into_owned())))
    }

    /// The value of a setting.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_a_broker_are_found_by_their_whole_name() {
        let properties =
            "brokerName=a\nstoreTypeX=b\nstoreType=defaultRocksDB\nmaxMessageSize = 5\n";
        let config = BrokerConfig(properties.to_owned());
        assert_eq!(config.get("storeType"), Some("defaultRocksDB"));
        assert_eq!(config.get("store"), None);
        assert_eq!(config.get("Type"), None);
    }
}
