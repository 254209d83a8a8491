//! How a session begins.
use crate::{
    error_codes::{error, statement_error},
    options::{Encryption, Settings},
    session::{Session, Tds},
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Address, Host};
use socket2::{SockRef, TcpKeepalive};
use tiberius::{
    AuthMethod, Client, Config, EncryptionLevel, SqlBrowser as _, error::Error as DriverError,
};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncWriteCompatExt as _;

/// What every session is set to.
///
/// - What indexed views and computed columns want, and what makes a value that is too long or too
///   large an error instead of another value.
/// - Messages are in English: names are taken from them. Dates are read as ISO writes them.
/// - Long values are sent whole.
const SESSION: &str = "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, \
    CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF; \
    SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT OFF; SET NOCOUNT OFF; \
    SET LANGUAGE us_english; SET DATEFORMAT ymd; SET TEXTSIZE 2147483647";

/// The port of SQL Server, and the one that reports the ports of its instances.
const PORT: u16 = 1_433;
const BROWSER_PORT: u16 = 1_434;

/// How often a server may name another address, as gateways do.
const REDIRECTS: usize = 3;

impl Session {
    /// Begins a session with the server at `host`.
    ///
    /// # Errors
    /// `Auth`, `Connect`, `Timeout`, `Config`; the address and the user are named.
    pub(crate) async fn open(settings: &Settings, address: &Address, host: &Host) -> Result<Self> {
        let what = format!("connect to {address} as user `{}`", settings.user);
        let connect = Box::pin(async {
            let client = Box::pin(client(settings, host, &what)).await?;
            let mut session = Self {
                client,
                busy: false,
                values: settings.values,
                read_only: settings.read_only,
                in_transaction: false,
            };
            session.batch(&what, SESSION).await?;
            for statement in &settings.session {
                session.batch(&what, statement).await?;
            }
            tracing::debug!(%address, %host, "connected");
            Ok(session)
        });
        // Microsoft's drivers wait for ever where no time is given.
        if settings.connect_timeout.is_zero() {
            return connect.await;
        }
        tokio::time::timeout(settings.connect_timeout, connect)
            .await
            .map_err(|e| {
                let seconds = settings.connect_timeout.as_secs_f32();
                let message = format!("{what}: no response within {seconds} s");
                Error::new(ErrorKind::Timeout, message).with_source(e)
            })?
    }
}

async fn client(settings: &Settings, host: &Host, what: &str) -> Result<Tds> {
    let mut host = host.clone();
    for _ in 0..REDIRECTS {
        let mut encryption = settings.encryption;
        let found = loop {
            let config = config(settings, &host, encryption)?;
            match Box::pin(one(settings, &host, config)).await {
                Err(DriverError::Protocol(why))
                    if encryption == Encryption::Preferred && why.contains("encryption level") =>
                {
                    tracing::warn!(%host, "the server has no TLS, and sslmode=prefer: plain text");
                    encryption = Encryption::None;
                }
                found => break found,
            }
        };
        match found {
            Ok(client) => return Ok(client),
            Err(DriverError::Routing { host: name, port }) => {
                host = Host {
                    name,
                    port: Some(port),
                };
            }
            Err(e) => return Err(statement_error(what, e)),
        }
    }
    Err(error(
        what,
        DriverError::Routing {
            host: host.name,
            port: host.port.unwrap_or(PORT),
        },
    ))
}

async fn one(settings: &Settings, host: &Host, config: Config) -> Result<Tds, DriverError> {
    // The driver asks for the port of an instance, but takes no address with colons in it.
    let tcp = match (&settings.instance, host.port) {
        (Some(_), None) => TcpStream::connect_named(&config).await?,
        (_, port) => TcpStream::connect((host.name.as_str(), port.unwrap_or(PORT))).await?,
    };
    tcp.set_nodelay(true)?;
    if let Some(idle) = settings.keep_alive {
        SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))?;
    }
    Box::pin(Client::connect(config, tcp.compat_write())).await
}

fn config(settings: &Settings, host: &Host, encryption: Encryption) -> Result<Config> {
    let mut config = Config::new();
    config.host(&host.name);
    match (&settings.instance, host.port) {
        // The instance's own port is known: nobody needs to be asked.
        (_, Some(port)) => config.port(port),
        (Some(instance), None) => {
            config.instance_name(instance);
            config.port(BROWSER_PORT);
        }
        (None, None) => config.port(PORT),
    }
    if !settings.database.is_empty() {
        config.database(&settings.database);
    }
    config.application_name(&settings.application);
    config.packet_size(settings.packet_bytes);
    config.readonly(settings.read_only);
    config.authentication(AuthMethod::sql_server(
        &settings.user,
        settings.password.expose(),
    ));
    // The whole of it is bounded by the caller.
    config.handshake_timeout(None);
    config.command_timeout(settings.statement_timeout);
    config.encryption(match encryption {
        Encryption::None => EncryptionLevel::NotSupported,
        Encryption::Login => EncryptionLevel::Off,
        Encryption::Preferred => EncryptionLevel::On,
        Encryption::Required | Encryption::Verified => EncryptionLevel::Required,
        Encryption::Strict => EncryptionLevel::Strict,
    });
    match encryption {
        Encryption::None => {}
        Encryption::Login | Encryption::Preferred | Encryption::Required => config.trust_cert(),
        Encryption::Verified | Encryption::Strict => {
            if let Some(path) = &settings.ca {
                let bundle = std::fs::read(path).map_err(|e| {
                    Error::new(
                        ErrorKind::Config,
                        format!("the file {} of sslrootcert cannot be read", path.display()),
                    )
                    .with_source(e)
                })?;
                config.trust_cert_ca_bundle(bundle);
            }
        }
    }
    if let Some((certificate, key)) = settings
        .client
        .as_ref()
        .filter(|_| encryption != Encryption::None)
    {
        config.client_certificate(certificate, key);
    }
    if let Some(name) = &settings.host_in_certificate {
        config.hostname_in_certificate(name);
    }
    Ok(config)
}
