//! Settings of a worker. Names are those of the Java original where it has the key.
use crate::original_keys;
use acl::{AclSettings, SettingsError, Tls, Verification};
use connect_api::{
    Result,
    config::{Config as _, Faults, List, Millis, Secret, Settings},
};
use connect_converters::KeyConverter;
use std::path::{Path, PathBuf};

connect_api::choice! {
    /// The transport of the messages.
    pub enum TransportChoice {
        /// Apache RocketMQ at `namesrvAddr`.
        RocketMq = "rocketmq",
        /// Queues in a file of this machine, for one worker.
        Embedded = "embedded",
    }
}

connect_api::settings! {
    /// Settings of a worker.
    pub struct WorkerConfig {
        /// Name of the worker, used as the client id at the brokers. Consumer groups are named by
        /// `task.group.id` or by the connector.
        "workerId": worker_id: String, default "DefaultWorker", High;
        /// Message transport: `rocketmq`, or `embedded` for queues in a local file.
        "transport": transport: TransportChoice, default "rocketmq", High;
        /// Addresses of the name servers, `host:port`, separated by commas or semicolons. Required
        /// by the transport `rocketmq`. If the file omits it, the environment variable
        /// `NAMESRV_ADDR` is used.
        "namesrvAddr": name_servers: List, default "", High;
        /// Directory for positions and, with the embedded transport, messages. Created if it does
        /// not exist.
        "storePathRootDir": store_dir: String, default "connect-store", High;
        /// Connector files to run in addition to those of the command line, relative to the worker
        /// file.
        "connectors": connectors: List, default "", High;
        /// Sign every request with `accessKey` and `secretKey`.
        "aclEnable": acl_enable: bool, default "false", High;
        /// Access key (user name) of the RocketMQ account.
        "accessKey": access_key: String, optional, High;
        /// Secret key of the RocketMQ account; preferably `${env:NAME}` or `${file:path}`.
        "secretKey": secret_key: Secret, optional, High;
        /// Security token of temporary credentials.
        "securityToken": security_token: Secret, optional, Low;
        /// Signature algorithm: `HmacSHA1` or `HmacSHA256`, as configured at the broker.
        "signatureAlgorithm": signature_algorithm: String, default "HmacSHA1", Low;
        /// Use TLS for connections to name servers and brokers.
        "tlsEnable": tls_enable: bool, default "false", Medium;
        /// Whether to verify the server's certificate.
        "tlsVerify": tls_verify: bool, default "true", Medium;
        /// PEM file of the certificate authorities that servers' certificates are verified against.
        "tlsCaFile": tls_ca_file: String, optional, Medium;
        /// PEM file of the client certificate.
        "tlsCertFile": tls_cert_file: String, optional, Low;
        /// PEM file of the client certificate's private key.
        "tlsKeyFile": tls_key_file: String, optional, Low;
        /// Default converter of message bodies.
        "valueConverter": value_converter: String, default "json", Medium;
        /// Default converter of message keys.
        "keyConverter": key_converter: String, default "text", Medium;
        /// Timeout of a request to a name server or broker.
        "operationTimeout": operation_timeout: Millis, default "3000", Low;
        /// Interval at which positions and offsets are committed. After `kill -9`, rows since the
        /// last commit are delivered again.
        "offsetCommitIntervalMsConfig": commit_interval: Millis, default "1000", Medium;
        /// Time that tasks have to finish when the worker stops.
        "maxStopTimeoutMills": stop_timeout: Millis, default "60000", Medium;
    }
    check check
}

fn check(config: &WorkerConfig, faults: &mut Faults) {
    if config.transport == TransportChoice::RocketMq && config.name_servers.0.is_empty() {
        faults.at(
            "namesrvAddr",
            "is required by transport `rocketmq`; give host:port of a name server, or set `transport` to `embedded`",
        );
    }
    if let Err(wrong) = config.acl() {
        for fault in wrong {
            faults.general(fault.to_string());
        }
    }
    if let Err(fault) = config.tls().validate() {
        faults.at("tlsCertFile", fault.to_string());
    }
    if let Err(fault) = connect_converters::converter(&config.value_converter, &Settings::default())
    {
        faults.at("valueConverter", fault.to_string());
    }
    if let Err(fault) = KeyConverter::named(&config.key_converter, &Settings::default()) {
        faults.at("keyConverter", fault.to_string());
    }
}

const NAMESRV: &str = "namesrvAddr";
/// The variable that RocketMQ's own programs take name servers from.
const NAMESRV_ADDR: &str = "NAMESRV_ADDR";

/// A worker's settings as read from a file.
#[derive(Debug)]
pub struct WorkerFile {
    /// The settings.
    pub config: WorkerConfig,
    /// Connector files named in it, made absolute by the file's place.
    pub connectors: Vec<PathBuf>,
    /// Keys of the Java original without meaning here, each with the reason.
    pub notes: Vec<String>,
}

impl WorkerFile {
    /// Reads a worker file: TOML, or the properties of the Java original. `NAMESRV_ADDR` of the
    /// environment is taken where the file names no name server.
    ///
    /// # Errors
    /// `Config`: all faults of the file at once.
    pub fn read(path: &Path) -> Result<Self> {
        let mut settings = crate::file::read(path)?;
        let notes = original_keys::of_worker(&mut settings, WorkerConfig::definition());
        if let Ok(addresses) = std::env::var(NAMESRV_ADDR)
            && settings.get(NAMESRV).is_none_or(str::is_empty)
        {
            settings.set(NAMESRV, addresses);
        }
        let config = WorkerConfig::from_settings(&settings)
            .map_err(|faults| connect_api::Error::from(faults).context(path.display()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let connectors = config.connectors.0.iter().map(|c| base.join(c)).collect();
        Ok(Self {
            config,
            connectors,
            notes,
        })
    }
}

impl WorkerConfig {
    /// Whom requests are signed as.
    ///
    /// # Errors
    /// Keys that are missing or cannot be read, all at once.
    pub fn acl(&self) -> Result<AclSettings, Vec<SettingsError>> {
        AclSettings::read(|key| match key {
            AclSettings::ENABLE => Some(if self.acl_enable { "true" } else { "false" }),
            AclSettings::ACCESS_KEY => self.access_key.as_deref(),
            AclSettings::SECRET_KEY => self.secret_key.as_ref().map(Secret::expose),
            AclSettings::SECURITY_TOKEN => self.security_token.as_ref().map(Secret::expose),
            AclSettings::SIGNATURE_ALGORITHM => Some(&self.signature_algorithm),
            _ => None,
        })
    }

    /// How connections are encrypted.
    pub fn tls(&self) -> Tls {
        Tls {
            enabled: self.tls_enable,
            ca_file: self.tls_ca_file.as_ref().map(PathBuf::from),
            cert_file: self.tls_cert_file.as_ref().map(PathBuf::from),
            key_file: self.tls_key_file.as_ref().map(PathBuf::from),
            verification: if self.tls_verify {
                Verification::Full
            } else {
                Verification::Off
            },
        }
    }

    /// The settings that are left as they are by default, beside `settings`.
    ///
    /// # Errors
    /// All faults at once.
    pub fn new<K: Into<String>, V: Into<String>>(
        settings: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        Ok(Self::from_settings(&Settings::from_iter(settings))?)
    }
}
