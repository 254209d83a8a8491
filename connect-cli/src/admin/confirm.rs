//! Asking before something is gone.
use super::args::Sure;
use connect_api::{Error, ErrorKind, Result};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Goes on where the command says so, or who sits at the terminal.
///
/// # Errors
/// `Config`: there is nobody to ask. `Stopped`: the answer is no.
pub(crate) fn confirm(sure: Sure, what: &str) -> Result<()> {
    if sure.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("{what}: nothing was done, for there is no terminal to ask at; add --yes"),
        ));
    }
    let fault = |e| Error::new(ErrorKind::Internal, "cannot ask").with_source(e);
    let mut terminal = io::stderr();
    write!(terminal, "{what}. Go on? [y/N] ").map_err(fault)?;
    terminal.flush().map_err(fault)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(fault)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::new(ErrorKind::Stopped, "nothing was done")),
    }
}
