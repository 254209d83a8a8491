//! Connections: how they are made, and how they end.
use crate::peer::{INT, Peer, Reply, Rules, column};
use connect_api::{Error, ErrorKind};
use dialect_core::{Connection, OpenOptions, Table, TableName, TlsOptions};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;

const PLANTED: &str = "hunter2";

pub(crate) async fn connect_with(
    url: &str,
    options: &OpenOptions,
) -> Result<Box<dyn Connection>, Error> {
    dialect_sqlserver::open(url, options)?.connect().await
}

pub(crate) async fn connect(peer: &Peer) -> Box<dyn Connection> {
    connect_with(&peer.url("sslmode=disable"), &OpenOptions::default())
        .await
        .unwrap()
}

async fn refused(url: &str, options: &OpenOptions) -> Error {
    let error = connect_with(url, options).await.err().unwrap();
    for shown in [error.report(), format!("{error:?}")] {
        assert!(!shown.contains(PLANTED), "{shown}");
    }
    error
}

#[tokio::test]
async fn a_session_is_set_before_it_is_used() {
    let peer = Peer::new(Rules::default()).await;
    let options = OpenOptions {
        session: vec![("DEADLOCK_PRIORITY".to_owned(), "LOW".to_owned())],
        ..OpenOptions::default()
    };
    let url = peer.url("sslmode=disable&lockTimeout=500");
    let mut connection = connect_with(&url, &options).await.unwrap();
    connection.ping().await.unwrap();
    let said = peer.sessions();
    assert!(said[0].contains("QUOTED_IDENTIFIER ON"), "{said:?}");
    assert!(said[0].contains("SET LANGUAGE us_english"), "{said:?}");
    assert_eq!(
        said[1..],
        [
            "SET LOCK_TIMEOUT 500",
            "SET DEADLOCK_PRIORITY LOW",
            "SELECT 1"
        ]
    );
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_rejected_login_is_reported_without_the_password() {
    let peer = Peer::new(Rules {
        refuses: Some((18_456, "Login failed for user 'ann'.")),
        ..Rules::default()
    })
    .await;
    let error = refused(&peer.url("sslmode=disable"), &OpenOptions::default()).await;
    assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
    assert_eq!(error.code(), Some("18456"));
    for part in ["127.0.0.1", "user `ann`", "Login failed"] {
        assert!(error.report().contains(part), "{}", error.report());
    }
}

#[tokio::test]
async fn tls_is_never_given_up_where_it_is_asked_for() {
    let peer = Peer::new(Rules::default()).await;
    for query in ["sslmode=require", "sslmode=verify-full", ""] {
        let error = refused(&peer.url(query), &OpenOptions::default()).await;
        assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
        assert!(error.report().contains("TLS"), "{}", error.report());
    }
    assert!(peer.logins().is_empty(), "no password was sent");
    let preferred = peer.url("sslmode=prefer");
    connect_with(&preferred, &OpenOptions::default())
        .await
        .unwrap();
    assert_eq!(peer.logins().len(), 1);
    let missing = peer.url("sslmode=verify-full&sslrootcert=/no/such/file.pem");
    let error = refused(&missing, &OpenOptions::default()).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.report().contains("/no/such/file.pem"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn hosts_are_tried_in_their_order() {
    let peer = Peer::new(Rules::default()).await;
    let url = format!(
        "sqlserver://ann:{PLANTED}@127.0.0.1:1,127.0.0.1:{}/shop?sslmode=disable",
        peer.port
    );
    connect_with(&url, &OpenOptions::default()).await.unwrap();
    assert_eq!(peer.logins().len(), 1);
}

#[tokio::test]
async fn an_address_may_have_colons_in_it() {
    let peer = Peer::at("[::1]:0", Rules::default()).await;
    for url in [
        format!(
            "sqlserver://ann:pw@[::1]:{}/shop?sslmode=disable",
            peer.port
        ),
        format!(
            "jdbc:sqlserver://[::1]:{};user=ann;password=pw;sslmode=disable",
            peer.port
        ),
    ] {
        connect_with(&url, &OpenOptions::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_in_time() {
    let mute = Peer::new(Rules {
        mute: true,
        ..Rules::default()
    })
    .await;
    let options = OpenOptions {
        connect_timeout: Duration::from_millis(100),
        ..OpenOptions::default()
    };
    let error = refused(&mute.url("sslmode=disable"), &options).await;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());

    let peer = Peer::new(Rules {
        replies: vec![("WAITFOR", vec![Reply::Silence])],
        ..Rules::default()
    })
    .await;
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(100)),
        ..OpenOptions::default()
    };
    let url = peer.url("sslmode=disable");
    let mut connection = connect_with(&url, &options).await.unwrap();
    let began = Instant::now();
    let error = connection.execute("WAITFOR DELAY '1'").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    assert!(began.elapsed() < Duration::from_secs(20));
    let error = connection.ping().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Connect,
        "its answer may still come"
    );
}

#[tokio::test]
async fn a_lost_connection_is_reported_by_every_call() {
    let peer = Peer::new(Rules {
        replies: vec![("KILL", vec![Reply::Hang])],
        ..Rules::default()
    })
    .await;
    let mut connection = connect(&peer).await;
    for sql in ["KILL 5", "SELECT 1"] {
        let error = connection.execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
    }
    // The server ends the session after an error of this severity.
    let peer = Peer::new(Rules {
        replies: vec![(
            "x",
            vec![Reply::Error(596, 21, "the session is in the kill state")],
        )],
        ..Rules::default()
    })
    .await;
    let mut connection = connect(&peer).await;
    for sql in ["x", "SELECT 1"] {
        let error = connection.execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
    }
}

#[tokio::test]
async fn a_call_that_was_given_up_leaves_a_connection_of_no_more_use() {
    let peer = Peer::new(Rules {
        replies: vec![("WAITFOR", vec![Reply::Silence])],
        ..Rules::default()
    })
    .await;
    let mut connection = connect(&peer).await;
    let waiting = connection.execute("WAITFOR DELAY '1'");
    let given_up = tokio::time::timeout(Duration::from_millis(50), waiting).await;
    assert!(given_up.is_err());
    let error = connection.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
}

#[tokio::test]
async fn a_refused_statement_leaves_the_connection_usable() {
    let peer = Peer::new(Rules {
        replies: vec![(
            "nowhere",
            vec![Reply::Error(208, 16, "Invalid object name 'nowhere'.")],
        )],
        ..Rules::default()
    })
    .await;
    let mut connection = connect(&peer).await;
    for sql in ["SELECT * FROM nowhere", "DELETE FROM nowhere"] {
        let error = connection.execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
        assert!(error.report().contains("Invalid object name"));
    }
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn a_connection_to_read_only_asks_for_a_secondary_and_does_not_write() {
    let peer = Peer::new(Rules::default()).await;
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let url = peer.url("sslmode=disable");
    let mut connection = connect_with(&url, &options).await.unwrap();
    let intent = |login: &[u8]| login[26] & 0x20 != 0;
    assert!(intent(&peer.logins()[0]));
    let error = connection.execute("DELETE FROM t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
    assert!(peer.asked().is_empty());
    connect(&peer).await;
    assert!(!intent(&peer.logins()[1]));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn tcp_asks_whether_an_idle_peer_still_lives() {
    // The kernel lists a socket whose keep-alive timer runs with the timer 02, one without any with
    // 00, and, before either, 01 until the peer has acknowledged what was sent.
    let timer = async |peer: &Peer| {
        let client = format!("0100007F:{:04X}", peer.clients()[0]);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let line = table
                .lines()
                .find(|line| line.split_whitespace().nth(1) == Some(&client))
                .unwrap();
            let timer = &line.split_whitespace().nth(5).unwrap()[..2];
            if timer != "01" || Instant::now() > deadline {
                return timer.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let peer = Peer::new(Rules::default()).await;
    let options = OpenOptions {
        keep_alive: Some(Duration::from_secs(600)),
        ..OpenOptions::default()
    };
    let url = peer.url("sslmode=disable");
    let mut kept = connect_with(&url, &options).await.unwrap();
    kept.ping().await.unwrap();
    assert_eq!(timer(&peer).await, "02");
    let plain = Peer::new(Rules::default()).await;
    let mut connection = connect(&plain).await;
    connection.ping().await.unwrap();
    assert_eq!(timer(&plain).await, "00");
}

#[tokio::test]
async fn the_port_of_an_instance_is_asked_for() {
    let peer = Peer::new(Rules::default()).await;
    let browser = UdpSocket::bind("127.0.0.1:1434").await.unwrap();
    let port = peer.port;
    let received = tokio::spawn(async move {
        let mut asked = [0; 64];
        let (length, from) = browser.recv_from(&mut asked).await.unwrap();
        let mut answer = vec![5, 0, 0];
        answer.extend(format!("ServerName;H;InstanceName;SALES;tcp;{port};;").as_bytes());
        browser.send_to(&answer, from).await.unwrap();
        asked[..length].to_vec()
    });
    let url = "jdbc:sqlserver://127.0.0.1\\sales;user=ann;password=hunter2;sslmode=disable";
    connect_with(url, &OpenOptions::default()).await.unwrap();
    assert_eq!(received.await.unwrap(), b"\x04sales");
    assert_eq!(peer.logins().len(), 1);
}

#[tokio::test]
async fn privileges_are_asked_for_by_name() {
    let answer = |number: u8| {
        let columns = vec![column("", INT)];
        Reply::Rows(columns, vec![vec![4, number, 0, 0, 0]])
    };
    let peer = Peer::new(Rules {
        replies: vec![("HAS_PERMS", vec![answer(1), answer(0)])],
        ..Rules::default()
    })
    .await;
    let mut connection = connect(&peer).await;
    let table = Table {
        name: TableName::new("orders"),
        ..Table::default()
    };
    let mut check = async || {
        connection
            .check_access(&table, dialect_core::Access::Insert)
            .await
    };
    check().await.unwrap();
    let error = check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.report().contains("orders") && error.report().contains("INSERT"));
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_reported_without_the_password() {
    // Port 1 of this machine: nothing listens.
    let options = OpenOptions {
        connect_timeout: Duration::from_secs(5),
        tls: TlsOptions::default(),
        ..OpenOptions::default()
    };
    let url = "sqlserver://ann:hunter2@127.0.0.1:1,127.0.0.1:2/shop";
    let error = dialect_sqlserver::open(url, &options)
        .unwrap()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
    assert!(error.report().contains("127.0.0.1:2"), "{}", error.report());
    assert!(!error.report().contains(PLANTED), "{}", error.report());
}
