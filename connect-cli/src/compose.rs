//! What this program is composed of: connectors, dialects, transports.
use connect_api::Result;
use connect_runtime::{Registry, TransportChoice, WorkerConfig};
use connect_transport::Transport;
use connector_jdbc_sink::JdbcSink;
use connector_jdbc_source::JdbcSource;
use std::sync::Arc;

/// Log directives that quiet what libraries say of themselves.
#[cfg(feature = "rocketmq")]
pub(crate) const QUIET: &str = connect_transport::rocketmq::LOG_FILTER;
/// Log directives that quiet what libraries say of themselves.
#[cfg(not(feature = "rocketmq"))]
pub(crate) const QUIET: &str = "";

/// The JDBC source over all dialects of this program.
pub(crate) fn source() -> JdbcSource {
    JdbcSource::new(Arc::new(dialects::open))
}

/// The JDBC sink over all dialects of this program.
pub(crate) fn sink() -> JdbcSink {
    JdbcSink::new(Arc::new(dialects::open))
}

/// All connectors.
pub(crate) fn registry() -> Registry {
    Registry::default().with(source()).with(sink())
}

#[cfg(not(all(feature = "embedded", feature = "rocketmq")))]
fn left_out(transport: &str) -> connect_api::Error {
    connect_api::Error::new(
        connect_api::ErrorKind::Unsupported,
        format!(
            "transport `{transport}` is not in this program; build it with `--features {transport}`"
        ),
    )
}

/// Opens the worker's transport.
///
/// # Errors
/// `Unsupported`: it was left out of this program. Else as the transport says.
pub(crate) async fn transport(config: &WorkerConfig) -> Result<Arc<dyn Transport>> {
    match config.transport {
        TransportChoice::Embedded => embedded(config).await,
        TransportChoice::RocketMq => rocketmq(config).await,
    }
}

#[cfg(feature = "embedded")]
async fn embedded(config: &WorkerConfig) -> Result<Arc<dyn Transport>> {
    use connect_transport::embedded::{Embedded, EmbeddedOptions};
    let dir = std::path::Path::new(&config.store_dir);
    std::fs::create_dir_all(dir).map_err(|e| {
        let message = format!("storePathRootDir {}: cannot be created", dir.display());
        connect_api::Error::new(connect_api::ErrorKind::Config, message).with_source(e)
    })?;
    let store = Embedded::open(dir.join("queues.redb"), EmbeddedOptions::default()).await?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "embedded"))]
async fn embedded(_: &WorkerConfig) -> Result<Arc<dyn Transport>> {
    Err(left_out("embedded"))
}

/// How to reach the worker's RocketMQ cluster.
///
/// # Errors
/// `Config`: settings of access control are missing or wrong, all at once.
#[cfg(feature = "rocketmq")]
pub(crate) fn rocketmq_options(
    config: &WorkerConfig,
) -> Result<connect_transport::rocketmq::RocketMqOptions> {
    use connect_transport::rocketmq::RocketMqOptions;
    let acl = config.acl().map_err(|faults| {
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        connect_api::Error::new(connect_api::ErrorKind::Config, texts.join("\n"))
    })?;
    Ok(RocketMqOptions {
        credentials: acl.credentials,
        tls: config.tls(),
        instance_name: config.worker_id.clone(),
        request_timeout: config.operation_timeout.0,
        ..RocketMqOptions::new(&config.name_servers.0.join(";"))
    })
}

#[cfg(feature = "rocketmq")]
async fn rocketmq(config: &WorkerConfig) -> Result<Arc<dyn Transport>> {
    use connect_transport::rocketmq::RocketMq;
    Ok(RocketMq::connect(rocketmq_options(config)?).await?)
}

#[cfg(not(feature = "rocketmq"))]
async fn rocketmq(_: &WorkerConfig) -> Result<Arc<dyn Transport>> {
    Err(left_out("rocketmq"))
}
