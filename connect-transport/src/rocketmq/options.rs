//! How to reach a RocketMQ cluster.
use acl::{Credentials, Tls};
use connect_api::{Error, ErrorKind, Result};
use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

/// How to reach a RocketMQ cluster, and how patient to be.
#[derive(Debug, Clone)]
pub struct RocketMqOptions {
    /// Name servers, each as `host:port`; asked in this order.
    pub name_servers: Vec<String>,
    /// The cluster to create topics and groups in, where the name servers know several; else all.
    pub cluster: Option<String>,
    /// Whom to sign every request as; `None` for clusters without access control.
    pub credentials: Option<Credentials>,
    /// TLS to name servers and brokers alike.
    pub tls: Tls,
    /// The name that brokers know this client by; letters, digits, `-`, `_`, `.`, `@`.
    pub instance_name: String,
    /// The producer group of what is sent.
    pub producer_group: String,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take: routes, topics, groups, offsets.
    pub request_timeout: Duration,
    /// How long the answer to a batch may take.
    pub send_timeout: Duration,
    /// How long the broker holds a pull of an empty queue open.
    pub poll_timeout: Duration,
    /// Most messages to ask for in one pull. Brokers give 32, or one batch of a topic that keeps
    /// them whole, unless `maxTransferCountOnMessageInMemory` and its like are raised.
    pub pull_messages: NonZeroU32,
    /// Bytes that a pull is to bring: fewer messages are asked for where they are long. One message,
    /// or batch that is kept whole, may be longer; and brokers give 256 KiB unless
    /// `maxTransferBytesOnMessageInMemory` and its like are raised.
    pub pull_bytes: NonZeroUsize,
}

impl RocketMqOptions {
    /// Three seconds: what RocketMQ's own clients wait.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
    /// A batch of 4 MiB over a slow line takes longer than a question.
    pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);
    /// One request a queue in five seconds costs nothing, and a line that went dead without a
    /// word is noticed soon after.
    pub const POLL_TIMEOUT: Duration = Duration::from_secs(5);
    /// Brokers cut it down to what they allow.
    pub const PULL_MESSAGES: NonZeroU32 = NonZeroU32::new(16_384).unwrap();
    /// 512 KiB: the one in hand and the one in flight of a dozen queues stay a small part of a
    /// worker's memory.
    pub const PULL_BYTES: NonZeroUsize = NonZeroUsize::new(512 << 10).unwrap();

    /// The defaults, for name servers given as `host:port`, several separated by `;` or `,`.
    pub fn new(name_servers: &str) -> Self {
        Self {
            name_servers: name_servers
                .split([';', ','])
                .map(str::trim)
                .filter(|address| !address.is_empty())
                .map(str::to_owned)
                .collect(),
            cluster: None,
            credentials: None,
            tls: Tls::default(),
            instance_name: format!("connect-{}", std::process::id()),
            producer_group: "CONNECT_PRODUCER".into(),
            connect_timeout: Self::REQUEST_TIMEOUT,
            request_timeout: Self::REQUEST_TIMEOUT,
            send_timeout: Self::SEND_TIMEOUT,
            poll_timeout: Self::POLL_TIMEOUT,
            pull_messages: Self::PULL_MESSAGES,
            pull_bytes: Self::PULL_BYTES,
        }
    }

    /// Checks the options, without I/O.
    ///
    /// # Errors
    /// `Config`, with all faults.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        if self.name_servers.is_empty() {
            faults.push("no name server is given".to_owned());
        }
        for address in &self.name_servers {
            let port = address
                .rsplit_once(':')
                .map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(1..))) {
                faults.push(format!("name server {address:?} is not host:port"));
            }
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if self.instance_name.is_empty() || !self.instance_name.chars().all(allowed) {
            faults.push(format!(
                "instance name {:?}: {NAME_RULE}",
                self.instance_name
            ));
        }
        if let Err(fault) = check_name("producer group", &self.producer_group) {
            faults.push(fault.to_string());
        }
        if let Err(fault) = self.tls.validate() {
            faults.push(fault.to_string());
        }
        for (name, timeout) in [
            ("connect timeout", self.connect_timeout),
            ("request timeout", self.request_timeout),
            ("send timeout", self.send_timeout),
            ("poll timeout", self.poll_timeout),
        ] {
            if !(Duration::from_millis(1)..=MAX_TIMEOUT).contains(&timeout) {
                faults.push(format!("{name} {timeout:?} is not between 1 ms and 2 min"));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Config, faults.join("; ")))
        }
    }
}

/// The client ends requests after five minutes; a pull takes two of these.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);
const NAME_RULE: &str = "use letters, digits, '-', '_', '.' and '@'";

/// Checks the name of a topic or group by RocketMQ's own rule.
pub(super) fn check_name(what: &str, name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_%|".contains(c);
    if (1..=127).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("{what} {name:?}: a name has 1 to 127 letters, digits, '-', '_', '%' and '|'"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_name_servers_are_taken_from_one_text() {
        let options = RocketMqOptions::new(" a:9876; b:9877,[::1]:9878;");
        assert_eq!(options.name_servers, ["a:9876", "b:9877", "[::1]:9878"]);
        options.validate().unwrap();
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let mut options = RocketMqOptions::new("a;b:0");
        options.instance_name = "two words".into();
        options.producer_group = String::new();
        options.tls.key_file = Some("key.pem".into());
        options.send_timeout = Duration::ZERO;
        let error = options.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        for fault in [
            "\"a\" is not host:port",
            "\"b:0\" is not host:port",
            "instance name \"two words\"",
            "producer group \"\"",
            "certificate and its key",
            "send timeout 0ns",
        ] {
            assert!(text.contains(fault), "{fault:?} is not in {text:?}");
        }
        let error = RocketMqOptions::new(" ;").validate().unwrap_err();
        assert_eq!(error.to_string(), "no name server is given");
    }

    #[test]
    fn names_keep_to_the_rule_of_brokers() {
        for name in ["a", "%RETRY%group_1", "a|b-c", &"x".repeat(127)] {
            check_name("topic", name).unwrap();
        }
        for name in ["", "a b", "a.b", "größe", "\"}", &"x".repeat(128)] {
            assert!(check_name("topic", name).is_err(), "{name}");
        }
    }
}
