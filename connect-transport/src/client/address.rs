//! Where a client connects to.
use super::ConnectOptions;
use crate::Transport;
use connect_api::{Error, ErrorKind, Result};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// Name servers.
    RocketMq(&'a str),
    /// A file.
    Embedded(&'a str),
}

const FORMS: &str = "use rocketmq://HOST:PORT with the address of a name server, or embedded:PATH";

impl<'a> Address<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::Config, format!("address: {why}"));
        let text = text.trim();
        if let Some(path) = text.strip_prefix("embedded:") {
            return match path.is_empty() {
                true => Err(wrong(format!("there is no path in `embedded:`; {FORMS}"))),
                false => Ok(Self::Embedded(path)),
            };
        }
        let servers = match text.split_once("://") {
            Some(("rocketmq", servers)) => servers.trim_end_matches('/'),
            // What stands before may be anything, a password too: it is not repeated.
            Some(_) => return Err(wrong(format!("its scheme is not known; {FORMS}"))),
            None => text,
        };
        if servers.contains('@') {
            return Err(wrong(
                "user and password do not belong into it; give them with \
                 ConnectOptions::credentials"
                    .into(),
            ));
        }
        match servers.is_empty() {
            true => Err(wrong(format!("it is empty; {FORMS}"))),
            false => Ok(Self::RocketMq(servers)),
        }
    }

    pub(super) async fn open(self, options: ConnectOptions) -> Result<Arc<dyn Transport>> {
        match self {
            Self::RocketMq(servers) => rocketmq(servers, options).await,
            Self::Embedded(_) if options.credentials.is_some() || options.tls.enabled => {
                Err(Error::new(
                    ErrorKind::Config,
                    "address: credentials and TLS are of no effect for a local file; leave them out",
                ))
            }
            Self::Embedded(path) => embedded(path).await,
        }
    }
}

#[cfg(feature = "rocketmq")]
async fn rocketmq(servers: &str, options: ConnectOptions) -> Result<Arc<dyn Transport>> {
    use crate::rocketmq::{RocketMq, RocketMqOptions};
    let options = RocketMqOptions {
        credentials: options.credentials,
        tls: options.tls,
        ..RocketMqOptions::new(servers)
    };
    Ok(RocketMq::connect(options).await?)
}

#[cfg(not(feature = "rocketmq"))]
async fn rocketmq(_: &str, _: ConnectOptions) -> Result<Arc<dyn Transport>> {
    Err(left_out("rocketmq"))
}

#[cfg(feature = "embedded")]
async fn embedded(path: &str) -> Result<Arc<dyn Transport>> {
    use crate::embedded::{Embedded, EmbeddedOptions};
    let store = Embedded::open(path, EmbeddedOptions::default()).await?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "embedded"))]
async fn embedded(_: &str) -> Result<Arc<dyn Transport>> {
    Err(left_out("embedded"))
}

#[cfg(not(all(feature = "embedded", feature = "rocketmq")))]
fn left_out(feature: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("address: connect-transport was built without the feature `{feature}`; add it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_servers_or_a_file() {
        for (text, address) in [
            ("rocketmq://a:9876", Address::RocketMq("a:9876")),
            (" rocketmq://a:1,b:2/ ", Address::RocketMq("a:1,b:2")),
            ("127.0.0.1:9876", Address::RocketMq("127.0.0.1:9876")),
            ("embedded:data/q.redb", Address::Embedded("data/q.redb")),
            ("embedded:/var/q", Address::Embedded("/var/q")),
        ] {
            assert_eq!(Address::parse(text).unwrap(), address);
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_its_secrets() {
        for (text, why) in [
            ("", "it is empty"),
            ("rocketmq://", "it is empty"),
            ("embedded:", "no path"),
            ("kafka://a:1", "scheme is not known"),
            ("s3cret://a:1", "scheme is not known"),
            ("rocketmq://me:s3cret@a:1", "ConnectOptions::credentials"),
            ("me:s3cret@a:1", "ConnectOptions::credentials"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = error.to_string();
            assert!(text.contains(why) && !text.contains("s3cret"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_local_file_takes_no_credentials() {
        let options = ConnectOptions::default().credentials("me", "s3cret");
        let opened = Address::Embedded("nowhere").open(options).await;
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
