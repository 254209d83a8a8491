//! TLS, with a server of its own that has a certificate.
use crate::place::unique;
use connect_api::{ErrorKind, Result};
use dialect_core::{OpenOptions, TlsMode, TlsOptions};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A MariaDB in a directory of its own; it ends with the value.
struct Server {
    directory: PathBuf,
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_dir_all(&self.directory).unwrap();
    }
}

fn run(program: &str, directory: &Path, arguments: &[&str]) {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(
        done.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// An authority, a server's certificate for `localhost` and a client's.
fn certificates(directory: &Path) {
    let openssl = |arguments: &str| {
        let arguments: Vec<_> = arguments.split(' ').collect();
        run("openssl", directory, &arguments);
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
    );
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem",
    );
    fs::write(
        directory.join("server.ext"),
        "subjectAltName=DNS:localhost\n",
    )
    .unwrap();
    fs::write(
        directory.join("client.ext"),
        "extendedKeyUsage=clientAuth\n",
    )
    .unwrap();
    for who in ["server", "client"] {
        openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={who} -keyout {who}.key -out {who}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {who}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile {who}.ext -out {who}.pem"
        ));
    }
}

impl Server {
    fn start() -> Self {
        let directory = std::env::temp_dir().join(unique("mariadb-tls"));
        fs::create_dir(&directory).unwrap();
        certificates(&directory);
        let path = directory.to_str().unwrap().to_owned();
        run(
            "mariadb-install-db",
            &directory,
            &[
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--user=root",
                &format!("--datadir={path}/data"),
            ],
        );
        fs::write(
            directory.join("users.sql"),
            "CREATE USER 'any'@'%' IDENTIFIED BY 'pw';\n\
             CREATE USER 'known'@'%' IDENTIFIED BY 'pw' REQUIRE SUBJECT '/CN=client';\n",
        )
        .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let process = Command::new("mariadbd")
            .args([
                "--no-defaults".to_owned(),
                "--user=root".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--innodb-buffer-pool-size=8M".to_owned(),
                format!("--datadir={path}/data"),
                format!("--socket={path}/socket"),
                format!("--pid-file={path}/pid"),
                format!("--port={port}"),
                format!("--init-file={path}/users.sql"),
                format!("--ssl-ca={path}/ca.pem"),
                format!("--ssl-cert={path}/server.pem"),
                format!("--ssl-key={path}/server.key"),
            ])
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self {
            directory,
            process,
            port,
        };
        let deadline = Instant::now() + Duration::from_secs(90);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(server.directory.join("log"));
            assert!(Instant::now() < deadline, "{:?}", log());
            assert!(server.process.try_wait().unwrap().is_none(), "{:?}", log());
            std::thread::yield_now();
        }
        server
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.directory.join(name))
    }

    async fn connect(&self, host: &str, user: &str, tls: TlsOptions) -> Result<()> {
        let options = OpenOptions {
            tls,
            ..OpenOptions::default()
        };
        let url = format!("mysql://{user}:pw@{host}:{}/", self.port);
        let dialect = dialect_mysql::open(&url, &options)?;
        dialect.connect().await?.close().await
    }
}

#[tokio::test]
async fn a_server_is_trusted_as_far_as_the_mode_says() {
    let server = Server::start();
    let tls = |mode, ca: Option<&str>| TlsOptions {
        mode: Some(mode),
        ca: ca.and_then(|ca| server.file(ca)),
        ..TlsOptions::default()
    };
    let cases = [
        (TlsMode::Disable, None, "127.0.0.1", true),
        (TlsMode::Prefer, None, "127.0.0.1", true),
        (TlsMode::Require, None, "127.0.0.1", true),
        (TlsMode::VerifyCa, Some("ca.pem"), "127.0.0.1", true),
        (TlsMode::VerifyCa, Some("other.pem"), "127.0.0.1", false),
        (TlsMode::VerifyCa, None, "127.0.0.1", false),
        (TlsMode::VerifyFull, Some("ca.pem"), "localhost", true),
        (TlsMode::VerifyFull, Some("ca.pem"), "127.0.0.1", false),
        (TlsMode::VerifyFull, Some("other.pem"), "localhost", false),
        (TlsMode::VerifyCa, Some("missing.pem"), "127.0.0.1", false),
    ];
    for (mode, ca, host, trusted) in cases {
        let connected = server.connect(host, "any", tls(mode, ca)).await;
        match connected {
            Ok(()) => assert!(trusted, "{mode:?} {ca:?} {host}"),
            Err(e) => {
                assert!(!trusted, "{mode:?} {ca:?} {host}: {}", e.report());
                assert_eq!(
                    e.kind(),
                    ErrorKind::Config,
                    "{mode:?} {ca:?} {}",
                    e.report()
                );
            }
        }
    }
    let known = TlsOptions {
        certificate: server.file("client.pem"),
        key: server.file("client.key"),
        ..tls(TlsMode::VerifyCa, Some("ca.pem"))
    };
    server.connect("127.0.0.1", "known", known).await.unwrap();
    let without = tls(TlsMode::VerifyCa, Some("ca.pem"));
    let error = server.connect("127.0.0.1", "known", without).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Auth);
}
