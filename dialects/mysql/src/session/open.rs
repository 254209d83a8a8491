//! How a session begins.
use crate::{
    error_codes::error,
    options::Settings,
    server::Server,
    session::{Session, sql},
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::Host;
use sqlx::{ConnectOptions as _, Executor as _, Row as _, mysql::MySqlConnection};

impl Session {
    /// Connects; `address` and the user are for messages.
    pub(crate) async fn open(settings: &Settings, host: &Host, address: &str) -> Result<Self> {
        settings.check_files()?;
        let user = settings.driver.get_username();
        let what = format!("connect to {address} as user `{user}`");
        let connect = async {
            let mut driver = settings
                .of(host)
                .connect()
                .await
                .map_err(|e| error(&what, e))?;
            let server = ask(&mut driver).await.map_err(|e| error(&what, e))?;
            for statement in settings.session(&server)? {
                driver
                    .execute(sqlx::raw_sql(sql(&statement.sql)))
                    .await
                    .map_err(|e| error(format_args!("{what}: {}", statement.what), e))?;
            }
            Ok::<_, Error>((driver, server))
        };
        let (driver, server) = tokio::time::timeout(settings.connect_timeout, connect)
            .await
            .map_err(|e| {
                let seconds = settings.connect_timeout.as_secs_f32();
                let message = format!("{what}: no response within {seconds} s");
                Error::new(ErrorKind::Timeout, message).with_source(e)
            })??;
        tracing::debug!(address, %server, "connected");
        Ok(Self {
            driver,
            server,
            values: settings.values,
            in_transaction: false,
            left: false,
            no_stage: false,
        })
    }
}

/// What the server says of itself, and of what the connection is to it.
async fn ask(driver: &mut MySqlConnection) -> Result<Server, sqlx::Error> {
    let row = driver
        .fetch_one(sqlx::raw_sql(
            "SELECT VERSION(), @@max_allowed_packet, @@lower_case_table_names, DATABASE(), \
             CONCAT_WS(' ', @@hostname, @@port, CURRENT_USER()), @@global.read_only",
        ))
        .await?;
    let text = |i: usize| -> Result<Option<String>, sqlx::Error> {
        let bytes: Option<&[u8]> = row.try_get_unchecked(i)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    };
    let number = |i: usize| Ok::<_, sqlx::Error>(text(i)?.and_then(|n| n.parse::<u64>().ok()));
    let mut server = Server::new(&text(0)?.unwrap_or_default(), number(1)?.unwrap_or(1 << 20));
    server.names_in_any_case = number(2)?.unwrap_or(0) != 0;
    server.database = text(3)?;
    server.identity = text(4)?.unwrap_or_default();
    server.replica = text(5)?.is_some_and(|value| value != "0" && value != "OFF");
    server.session = session(driver).await?;
    Ok(server)
}

/// The number of the connection and where it comes from; `None` for servers like MySQL that do not show
/// their connections as it does.
async fn session(driver: &mut MySqlConnection) -> Result<Option<String>, sqlx::Error> {
    let asked = sqlx::raw_sql(
        "SELECT CONCAT_WS(' ', ID, HOST) FROM information_schema.PROCESSLIST \
         WHERE ID = CONNECTION_ID()",
    );
    match driver.fetch_optional(asked).await {
        Ok(Some(row)) => {
            let bytes: Option<&[u8]> = row.try_get_unchecked(0)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
        }
        Ok(None) | Err(sqlx::Error::Database(_)) => Ok(None),
        Err(e) => Err(e),
    }
}
