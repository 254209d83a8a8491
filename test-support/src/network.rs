//! A TCP proxy that can drop packets, like a firewall that lost the state of its connections.
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// The proxy of a server on a local port. It forwards bytes until [`drop_packets`](Self::drop_packets).
#[derive(Debug)]
pub struct Network {
    port: u16,
    drops: Arc<AtomicBool>,
}

impl Network {
    /// A proxy of `server`, a host and port.
    ///
    /// # Panics
    /// No local port can be bound.
    pub fn before(server: impl Into<String>) -> Self {
        Self::renaming(server, None)
    }

    /// A proxy that replaces a text in the server's answers with another of the same length.
    ///
    /// # Panics
    /// No local port can be bound.
    pub fn renaming(server: impl Into<String>, renames: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let drops = Arc::new(AtomicBool::new(false));
        let (flag, server) = (drops.clone(), server.into());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone())
                else {
                    continue;
                };
                let (drops, renames) = (flag.clone(), renames.clone());
                thread::spawn({
                    let drops = flag.clone();
                    move || {
                        forward(from_client, &to_server, &drops, None);
                        // The client closed the connection.
                        to_server.shutdown(Shutdown::Both).ok();
                    }
                });
                thread::spawn(move || {
                    // A connection that lost bytes stays open.
                    if !forward(server, &client, &drops, renames.as_ref()) {
                        client.shutdown(Shutdown::Both).ok();
                    }
                });
            }
        });
        Self { port, drops }
    }

    /// The local port of the proxy.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts or stops dropping packets. Connections that lost bytes stay dead.
    pub fn drop_packets(&self, drops: bool) {
        self.drops.store(drops, Ordering::SeqCst);
    }
}

/// Forwards bytes until the end; returns whether some were dropped.
fn forward(
    mut from: TcpStream,
    mut to: &TcpStream,
    drops: &AtomicBool,
    renames: Option<&(String, String)>,
) -> bool {
    let mut bytes = vec![0; 1 << 16];
    let mut lost = false;
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        lost |= drops.load(Ordering::SeqCst);
        if lost {
            continue;
        }
        if let Some((old, new)) = renames {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            for at in 0..=n.saturating_sub(old.len()) {
                if bytes[at..n].starts_with(old) {
                    bytes[at..at + old.len()].copy_from_slice(new);
                }
            }
        }
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    lost || drops.load(Ordering::SeqCst)
}
