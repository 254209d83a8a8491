//! The client underneath: the transport crate of the Rust client for RocketMQ.
use super::{RocketMqOptions, groups::Groups, inbound::Inbound};
use acl::{Tls, Verification};
use connect_api::{Error, ErrorKind, Result};
use rocketmq_runtime::RuntimeContext;
use rocketmq_transport::api::{
    ConnectConfig, RPCHook, TlsClientConfig, TlsConfig, TransportClient, TransportClientConfig,
};
use std::{fs::File, path::PathBuf, sync::Arc};

pub(super) type Client = TransportClient<Inbound>;

/// Creates clients, all alike.
pub(super) struct Clients {
    /// Holds the tasks of all clients; they run in the runtime this was created in.
    pub(super) context: RuntimeContext,
    config: Arc<TransportClientConfig>,
    /// Signs every request of every client: the one place where credentials are applied.
    hook: Option<Arc<dyn RPCHook>>,
    /// What brokers are answered from.
    groups: Arc<Groups>,
}

impl Clients {
    /// # Errors
    /// `Config`: a file of the TLS settings cannot be read. `Internal`: there is no Tokio
    /// runtime.
    pub(super) fn new(options: &RocketMqOptions, groups: Arc<Groups>) -> Result<Self> {
        check_files(&options.tls)?;
        if options.tls.enabled {
            choose_cryptography();
        }
        let context = RuntimeContext::try_from_current("connect-transport").map_err(|source| {
            Error::new(ErrorKind::Internal, "RocketMQ: no Tokio runtime here").with_source(source)
        })?;
        Ok(Self {
            context,
            config: Arc::new(client_config(options)),
            groups,
            hook: options.credentials.clone().map(acl::signing_hook),
        })
    }

    /// A client without a connection yet.
    pub(super) fn create(&self) -> Result<Arc<Client>> {
        let client = Client::builder(
            Arc::clone(&self.config),
            Inbound::new(Arc::clone(&self.groups)),
            self.context.service_context("connection"),
        )
        .build()
        .map_err(|source| {
            Error::new(ErrorKind::Internal, "RocketMQ: the client does not start")
                .with_source(source)
        })?;
        if let Some(hook) = &self.hook {
            client.register_rpc_hook(Arc::clone(hook));
        }
        Ok(Arc::new(client))
    }
}

/// Chooses the process's cryptography provider if none is set: the client takes rustls' default, and
/// rustls has none in a program whose crates bring several, as database drivers do.
fn choose_cryptography() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    if provider.install_default().is_err() {
        tracing::trace!("the program has chosen its cryptography");
    }
}

/// Opens the files of the TLS settings: the client names none that it cannot read.
fn check_files(tls: &Tls) -> Result<()> {
    let files = [&tls.ca_file, &tls.cert_file, &tls.key_file];
    for path in files.into_iter().flatten().filter(|_| tls.enabled) {
        File::open(path).map_err(|e| {
            let text = format!("TLS: {} cannot be read", path.display());
            Error::new(ErrorKind::Config, text).with_source(e)
        })?;
    }
    Ok(())
}

fn client_config(options: &RocketMqOptions) -> TransportClientConfig {
    let path = |path: &Option<PathBuf>| {
        path.as_ref()
            .map(|path| path.to_string_lossy().into_owned())
    };
    let tls = &options.tls;
    TransportClientConfig {
        connect: ConnectConfig {
            timeout: options.connect_timeout,
        },
        tls: TlsConfig {
            enable: tls.enabled,
            // Else the client lets /etc/rocketmq/tls.properties override what is set here.
            config_file: String::new(),
            client: TlsClientConfig {
                auth_server: tls.verification == Verification::Full,
                trust_cert_path: path(&tls.ca_file),
                cert_path: path(&tls.cert_file),
                key_path: path(&tls.key_file),
                ..TlsClientConfig::default()
            },
            ..TlsConfig::default()
        },
        ..TransportClientConfig::default()
    }
}
