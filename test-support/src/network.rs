//! A TCP proxy that can drop packets, like a firewall that lost the state of its connections, cut
//! connections, and refuse them.
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// The proxy of a server on a local port. It forwards bytes until [`drop_packets`](Self::drop_packets).
#[derive(Debug)]
pub struct Network {
    port: u16,
    drops: Arc<AtomicBool>,
    faults: Arc<Faults>,
}

/// What the proxy does to connections.
#[derive(Debug, Default)]
struct Faults {
    refuses: AtomicBool,
    /// Bytes of answers after which a connection is cut; 0 for never.
    cut_after: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
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
        let faults = Arc::new(Faults::default());
        let (flag, server, at_fault) = (drops.clone(), server.into(), faults.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if at_fault.refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone())
                else {
                    continue;
                };
                let limit = match at_fault.cut_after.load(Ordering::SeqCst) {
                    0 => u64::MAX,
                    limit => limit,
                };
                at_fault.open.lock().unwrap().extend(
                    [client.try_clone(), server.try_clone()]
                        .into_iter()
                        .flatten(),
                );
                let (drops, renames) = (flag.clone(), renames.clone());
                thread::spawn({
                    let drops = flag.clone();
                    move || {
                        forward(from_client, &to_server, &drops, None, u64::MAX);
                        // The client closed the connection.
                        to_server.shutdown(Shutdown::Both).ok();
                    }
                });
                thread::spawn(move || {
                    // A connection that lost bytes stays open.
                    if !forward(server, &client, &drops, renames.as_ref(), limit) {
                        client.shutdown(Shutdown::Both).ok();
                    }
                });
            }
        });
        Self {
            port,
            drops,
            faults,
        }
    }

    /// The local port of the proxy.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts or stops dropping packets. Connections that lost bytes stay dead.
    pub fn drop_packets(&self, drops: bool) {
        self.drops.store(drops, Ordering::SeqCst);
    }

    /// Starts or stops ending new connections at once; those that are open are cut.
    ///
    /// # Panics
    /// A thread of the proxy did.
    pub fn refuse(&self, refuses: bool) {
        self.faults.refuses.store(refuses, Ordering::SeqCst);
        if refuses {
            self.cut();
        }
    }

    /// Cuts the connections that are open.
    ///
    /// # Panics
    /// A thread of the proxy did.
    pub fn cut(&self) {
        for open in self.faults.open.lock().unwrap().drain(..) {
            open.shutdown(Shutdown::Both).ok();
        }
    }

    /// Cuts each new connection after so many bytes of the server's answers; 0 for never.
    pub fn cut_after(&self, bytes: u64) {
        self.faults.cut_after.store(bytes, Ordering::SeqCst);
    }
}

/// Forwards bytes until the end; returns whether some were dropped.
fn forward(
    mut from: TcpStream,
    mut to: &TcpStream,
    drops: &AtomicBool,
    renames: Option<&(String, String)>,
    mut limit: u64,
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
        let part = usize::try_from(limit).map_or(n, |limit| limit.min(n));
        limit -= part as u64;
        if to.write_all(&bytes[..part]).is_err() || part < n {
            from.shutdown(Shutdown::Both).ok();
            break;
        }
    }
    lost || drops.load(Ordering::SeqCst)
}
