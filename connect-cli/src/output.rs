//! What people and programs are shown.
use connect_api::{Error, ErrorKind, Result};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};
use tracing_subscriber::EnvFilter;

/// Starts the log, on standard error.
pub(crate) fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let quiet = crate::compose::QUIET;
    // G8: drivers repeat values; who names one in RUST_LOG asks for it. Those of ODBC repeat
    // connection strings too, and no setting shows them.
    let drivers = dialects::LOG_FILTER;
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(asked) => EnvFilter::new(format!("{drivers},{asked},odbc_api=off")),
        Err(_unset) => EnvFilter::new(format!("{level},{quiet},{drivers}")),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Prints to standard output; a reader that has gone away is no fault.
///
/// # Errors
/// `Internal`: standard output cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Internal, "cannot print").with_source(e))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON document.
///
/// # Errors
/// `Internal`: standard output cannot be written.
pub(crate) fn print_json(document: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|e| Error::new(ErrorKind::Internal, "cannot print").with_source(e))?;
    print(&text)
}
