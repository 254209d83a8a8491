//! Reports the state of the worker to systemd: the protocol of `sd_notify`, datagrams to a socket.
use std::{env, os::unix::net::UnixDatagram};

/// The socket of the variable `NOTIFY_SOCKET`; nothing is sent where there is none.
pub(crate) struct Notify {
    socket: Option<UnixDatagram>,
}

impl Notify {
    /// Connects to who started this program, if it asked for that.
    pub(crate) fn from_environment() -> Self {
        let name = env::var("NOTIFY_SOCKET").unwrap_or_default();
        let socket = connect(&name)
            .inspect_err(|e| tracing::warn!("NOTIFY_SOCKET is not usable, no status is sent: {e}"))
            .ok()
            .flatten();
        Self { socket }
    }

    fn send(&self, text: &str) {
        if let Some(socket) = &self.socket
            && let Err(e) = socket.send(text.as_bytes())
        {
            tracing::debug!("NOTIFY_SOCKET: {e}");
        }
    }

    /// What it waits for; it is not ready yet.
    pub(crate) fn waiting(&self, what: &str) {
        // A status is one line.
        self.send(&format!("STATUS=waiting: {}\n", what.replace('\n', " ")));
    }

    /// All connectors are started.
    pub(crate) fn ready(&self) {
        self.send("READY=1\nSTATUS=running\n");
    }

    /// It was asked to stop.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping\n");
    }
}

fn connect(name: &str) -> std::io::Result<Option<UnixDatagram>> {
    if name.is_empty() {
        return Ok(None);
    }
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        None => socket.connect(name)?,
        Some(_abstract) => connect_abstract(&socket, name)?,
    }
    Ok(Some(socket))
}

#[cfg(target_os = "linux")]
fn connect_abstract(socket: &UnixDatagram, name: &str) -> std::io::Result<()> {
    use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
    socket.connect_addr(&SocketAddr::from_abstract_name(&name[1..])?)
}

#[cfg(not(target_os = "linux"))]
fn connect_abstract(socket: &UnixDatagram, name: &str) -> std::io::Result<()> {
    socket.connect(name)
}
