//! A peer that speaks as much TDS as the tests need: it logs clients in, answers statements by
//! rules, and keeps what it was asked. It knows no SQL.
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What a statement is answered with.
#[derive(Clone)]
pub(crate) enum Reply {
    /// It is done, so many rows changed.
    Done(u64),
    /// Columns (type on the wire, flags, name) and rows, whose cells are bytes of the wire.
    Rows(Vec<Column>, Vec<Vec<u8>>),
    /// The server refuses: number, severity, text.
    Error(u32, u8, &'static str),
    /// Nothing is ever said.
    Silence,
    /// The connection ends.
    Hang,
}

/// A column: the description of its type, and its name.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) type_info: Vec<u8>,
    pub(crate) name: &'static str,
}

pub(crate) const BIGINT: &[u8] = &[0x26, 8];
pub(crate) const TIME7: &[u8] = &[0x29, 7];
/// Of no declared length.
pub(crate) const NVARCHAR_MAX: &[u8] = &[0xe7, 0xff, 0xff, 9, 4, 0xd0, 0, 0x34];
pub(crate) const NVARCHAR_50: &[u8] = &[0xe7, 100, 0, 9, 4, 0xd0, 0, 0x34];
pub(crate) const INT: &[u8] = &[0x26, 4];
pub(crate) const BINARY_8: &[u8] = &[0xad, 8, 0];

pub(crate) fn column(name: &'static str, type_info: &[u8]) -> Column {
    Column {
        type_info: type_info.to_vec(),
        name,
    }
}

/// A message of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Batch(String),
    /// A statement with bound values, and the whole message.
    Bound(String, Vec<u8>),
    Bulk(Vec<u8>),
}

impl Asked {
    /// The text of a statement, or `bulk`.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Batch(text) | Self::Bound(text, _) => text,
            Self::Bulk(_) => "bulk",
        }
    }
}

/// How the peer answers.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// The first whose words stand in the statement, or `bulk` for a bulk load, answers; one that
    /// is of no more use is passed over.
    pub(crate) replies: Vec<(&'static str, Vec<Reply>)>,
    /// The login is refused by this error.
    pub(crate) refuses: Option<(u32, &'static str)>,
    /// Nothing is said to a client that connects.
    pub(crate) mute: bool,
    /// TLS comes before anything else (TDS 8.0).
    pub(crate) tls: Option<TlsAcceptor>,
}

pub(crate) struct Peer {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    logins: Arc<Mutex<Vec<Vec<u8>>>>,
    clients: Arc<Mutex<Vec<u16>>>,
}

impl Peer {
    pub(crate) async fn new(rules: Rules) -> Self {
        Self::at("127.0.0.1:0", rules).await
    }

    pub(crate) async fn at(address: &str, rules: Rules) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let peer = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
            logins: Arc::default(),
            clients: Arc::default(),
        };
        let state = Arc::new(Mutex::new(rules));
        let (asked, logins) = (peer.asked.clone(), peer.logins.clone());
        let clients = peer.clients.clone();
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                clients.lock().unwrap().push(from.port());
                stream.set_nodelay(true).unwrap();
                let (state, asked, logins) =
                    (Arc::clone(&state), Arc::clone(&asked), Arc::clone(&logins));
                let tls = state.lock().unwrap().tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &state, &asked, &logins).await,
                        Some(tls) => {
                            let stream = tls.accept(stream).await.ok()?;
                            serve(stream, &state, &asked, &logins).await
                        }
                    }
                });
            }
        });
        peer
    }

    pub(crate) fn url(&self, query: &str) -> String {
        format!(
            "sqlserver://ann:hunter2@127.0.0.1:{}/shop?{query}",
            self.port
        )
    }

    /// What was asked since the session began.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let session = |asked: &Asked| asked.text().starts_with("SET ANSI_NULLS");
        let mut all = self.asked.lock().unwrap().clone();
        all.retain(|asked| !session(asked));
        all
    }

    /// The texts of the same.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.asked().iter().map(|a| a.text().to_owned()).collect()
    }

    pub(crate) fn sessions(&self) -> Vec<String> {
        let all = self.asked.lock().unwrap();
        all.iter().map(|a| a.text().to_owned()).collect()
    }

    pub(crate) fn logins(&self) -> Vec<Vec<u8>> {
        self.logins.lock().unwrap().clone()
    }

    /// The ports of the clients.
    pub(crate) fn clients(&self) -> Vec<u16> {
        self.clients.lock().unwrap().clone()
    }
}

/// A whole message: its type and what is in its packets.
async fn message(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.ok()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..]).await.ok()?;
        if header[1] & 1 == 1 {
            return Some((header[0], body));
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> Option<()> {
    let mut pieces = body.chunks(4_000).peekable();
    while let Some(piece) = pieces.next() {
        let last = u8::from(pieces.peek().is_none());
        let length = u16::try_from(piece.len() + 8).unwrap().to_be_bytes();
        let mut packet = vec![4, last, length[0], length[1], 0, 0, 1, 0];
        packet.extend_from_slice(piece);
        stream.write_all(&packet).await.ok()?;
    }
    stream.flush().await.ok()?;
    Some(())
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    rules: &Mutex<Rules>,
    asked: &Mutex<Vec<Asked>>,
    logins: &Mutex<Vec<Vec<u8>>>,
) -> Option<()> {
    let (mute, refuses) = {
        let rules = rules.lock().unwrap();
        (rules.mute, rules.refuses)
    };
    message(&mut stream).await?;
    if mute {
        return std::future::pending().await;
    }
    // Version 16, and no TLS.
    let prelogin = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2];
    answer(&mut stream, &prelogin).await?;
    let (kind, login) = message(&mut stream).await?;
    assert_eq!(kind, 16, "a login");
    logins.lock().unwrap().push(login);
    if let Some((number, text)) = refuses {
        let mut body = error(number, 14, text);
        body.extend(done(2, 0));
        return answer(&mut stream, &body).await;
    }
    let mut ack = vec![1, 0x74, 0, 0, 4];
    ack.extend(short_text("peer"));
    ack.extend([16, 0, 0, 0]);
    let mut body = vec![0xad];
    body.extend(u16::try_from(ack.len()).unwrap().to_le_bytes());
    body.extend(ack);
    body.extend(done(0, 0));
    answer(&mut stream, &body).await?;
    while let Some((kind, body)) = message(&mut stream).await {
        let this = match kind {
            1 => Asked::Batch(utf16(&body[22..])),
            3 => Asked::Bound(statement(&body), body),
            7 => Asked::Bulk(body),
            other => panic!("a message of type {other}"),
        };
        let text = this.text().to_owned();
        asked.lock().unwrap().push(this);
        let body = match reply(&mut rules.lock().unwrap(), &text) {
            Reply::Done(rows) => done(0x10, rows),
            Reply::Rows(columns, rows) => result(&columns, &rows),
            Reply::Error(number, severity, text) => {
                let mut body = error(number, severity, text);
                body.extend(done(2, 0));
                body
            }
            Reply::Silence => Vec::new(),
            Reply::Hang => return None,
        };
        answer(&mut stream, &body).await?;
    }
    Some(())
}

/// The last reply of a rule stays.
fn reply(rules: &mut Rules, text: &str) -> Reply {
    let found = rules
        .replies
        .iter_mut()
        .find(|(words, _)| text.contains(words));
    match found {
        Some((_, replies)) if replies.len() > 1 => replies.remove(0),
        Some((_, replies)) => replies[0].clone(),
        None => Reply::Done(0),
    }
}

fn done(status: u8, rows: u64) -> Vec<u8> {
    let mut token = vec![0xfd, status, 0, 0xc1, 0];
    token.extend(rows.to_le_bytes());
    token
}

fn error(number: u32, severity: u8, text: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, severity]);
    body.extend(
        u16::try_from(text.encode_utf16().count())
            .unwrap()
            .to_le_bytes(),
    );
    body.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    body.extend(short_text("peer"));
    body.push(0);
    body.extend(1_u32.to_le_bytes());
    let mut token = vec![0xaa];
    token.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    token.extend(body);
    token
}

fn result(columns: &[Column], rows: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![0x81];
    body.extend(u16::try_from(columns.len()).unwrap().to_le_bytes());
    for column in columns {
        // Nullable, and to be written.
        body.extend([0, 0, 0, 0, 5, 0]);
        body.extend(&column.type_info);
        body.extend(short_text(column.name));
    }
    for row in rows {
        body.push(0xd1);
        body.extend(row);
    }
    body.extend(done(0x10, rows.len() as u64));
    body
}

fn short_text(text: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(text.encode_utf16().count()).unwrap()];
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    out
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<_> = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

/// The statement of a call of `sp_executesql`: the first parameter.
fn statement(body: &[u8]) -> String {
    // Headers, number of the procedure, flags; then name, flags, type.
    let name = usize::from(body[28]) * 2;
    let at = 29 + name + 1;
    assert_eq!(body[at], 0xe7, "the statement is nvarchar");
    let most = u16::from_le_bytes([body[at + 1], body[at + 2]]);
    let at = at + 8;
    let (length, start) = if most == 0xffff {
        let length = u32::from_le_bytes(body[at + 8..at + 12].try_into().unwrap());
        (usize::try_from(length).unwrap(), at + 12)
    } else {
        (
            usize::from(u16::from_le_bytes([body[at], body[at + 1]])),
            at + 2,
        )
    };
    utf16(&body[start..start + length])
}

/// Text as a cell of an `nvarchar(50)`.
pub(crate) fn text_cell(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut cell = u16::try_from(units.len()).unwrap().to_le_bytes().to_vec();
    cell.extend(units);
    cell
}

/// A number as a cell of a `bigint`.
pub(crate) fn number_cell(number: i64) -> Vec<u8> {
    let mut cell = vec![8];
    cell.extend(number.to_le_bytes());
    cell
}
