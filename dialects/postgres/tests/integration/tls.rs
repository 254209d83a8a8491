//! TLS, against a private server with certificates of its own.
use connect_api::ErrorKind;
use dialect_core::{OpenOptions, TlsMode, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs a program of PostgreSQL, which refuses to run as root.
fn run(program: &str, arguments: &[&str], directory: &Path) {
    let bin = fs::read_dir("/usr/lib/postgresql").ok().and_then(|found| {
        let versions = found.filter_map(|entry| Some(entry.ok()?.path()));
        versions.max()
    });
    let program = match bin {
        Some(bin) => bin.join("bin").join(program),
        None => PathBuf::from(program),
    };
    let is_root = fs::metadata("/proc/self").is_ok_and(|m| {
        use std::os::unix::fs::MetadataExt as _;
        m.uid() == 0
    });
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments).current_dir(directory);
    // The server goes on in the background, and must not hold the pipe of the test's output.
    let null = || std::process::Stdio::null();
    let status = command.stdin(null()).stdout(null()).stderr(null()).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

struct Server {
    directory: tempfile::TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        let data = data.to_str().unwrap();
        run(
            "pg_ctl",
            &["-D", data, "-m", "immediate", "stop"],
            self.directory.path(),
        );
    }
}

impl Server {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        certificates(&path);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        give_away(&path);
        let data = path.join("data");
        let data_text = data.to_str().unwrap();
        run(
            "initdb",
            &["-D", data_text, "-U", "connect", "-A", "trust", "--no-sync"],
            &path,
        );
        for name in ["server.crt", "server.key", "ca.crt"] {
            fs::copy(path.join(name), data.join(name)).unwrap();
        }
        fs::write(
            data.join("pg_hba.conf"),
            "hostssl all certified 127.0.0.1/32 cert\nhost all connect 127.0.0.1/32 trust\n",
        )
        .unwrap();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nssl = on\n\
             ssl_ca_file = 'ca.crt'\nfsync = off\n"
        );
        fs::write(data.join("postgresql.conf"), settings).unwrap();
        give_away(&path);
        restrict(&data.join("server.key"));
        let log = path.join("log");
        run(
            "pg_ctl",
            &["-D", data_text, "-w", "-l", log.to_str().unwrap(), "start"],
            &path,
        );
        Self { directory, port }
    }
}

fn restrict(key: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The server's user owns what is in the directory.
fn give_away(directory: &Path) {
    let status = Command::new("chown")
        .args(["-R", "postgres"])
        .arg(directory)
        .status();
    // Where the test is not run by root, it is the server's user itself.
    drop(status);
}

fn certificates(directory: &Path) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    fs::write(directory.join("ca.crt"), certificate.pem()).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    for (file, hosts, name) in [
        ("server", vec!["localhost".to_owned()], "localhost"),
        ("client", vec![], "certified"),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        fs::write(directory.join(format!("{file}.crt")), certificate.pem()).unwrap();
        fs::write(directory.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
    let stranger_key = KeyPair::generate().unwrap();
    let mut stranger = CertificateParams::new(Vec::new()).unwrap();
    stranger.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = stranger.self_signed(&stranger_key).unwrap();
    fs::write(directory.join("stranger.crt"), certificate.pem()).unwrap();
}

/// Whether the session is encrypted, or why there is none.
async fn encrypted(url: &str, tls: TlsOptions) -> Result<bool, ErrorKind> {
    let options = OpenOptions {
        tls,
        ..OpenOptions::default()
    };
    let dialect = dialect_postgres::open(url, &options).unwrap();
    let mut connection = dialect.connect().await.map_err(|e| e.kind())?;
    let sql = "SELECT 1 FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let encrypted = connection.execute(sql).await.unwrap() == 1;
    connection.close().await.unwrap();
    Ok(encrypted)
}

#[tokio::test]
async fn each_mode_trusts_as_far_as_it_says() {
    let server = Server::start();
    let url = |host: &str| format!("postgres://connect@{host}:{}/postgres", server.port);
    let (ours, stranger) = (server.path("ca.crt"), server.path("stranger.crt"));
    for (mode, host, ca, expected) in [
        (TlsMode::Disable, "127.0.0.1", None, Ok(false)),
        (TlsMode::Prefer, "127.0.0.1", None, Ok(true)),
        (TlsMode::Require, "127.0.0.1", None, Ok(true)),
        (TlsMode::VerifyCa, "127.0.0.1", Some(&ours), Ok(true)),
        (
            TlsMode::VerifyCa,
            "127.0.0.1",
            Some(&stranger),
            Err(ErrorKind::Config),
        ),
        (TlsMode::VerifyCa, "127.0.0.1", None, Err(ErrorKind::Config)),
        (TlsMode::VerifyFull, "localhost", Some(&ours), Ok(true)),
        // The certificate is not that of the address.
        (
            TlsMode::VerifyFull,
            "127.0.0.1",
            Some(&ours),
            Err(ErrorKind::Config),
        ),
    ] {
        let tls = TlsOptions {
            mode: Some(mode),
            ca: ca.cloned(),
            ..TlsOptions::default()
        };
        assert_eq!(
            encrypted(&url(host), tls).await,
            expected,
            "{mode:?}, {ca:?}"
        );
    }
    // The same by the URL, in both spellings.
    let parameters = format!("sslrootcert={}", ours.display());
    for spelling in ["sslmode=verify-full", "ssl=true"] {
        let url = format!("{}?{spelling}&{parameters}", url("localhost"));
        assert_eq!(encrypted(&url, TlsOptions::default()).await, Ok(true));
    }
    // A user who is known by a certificate.
    let certified = format!("postgres://certified@127.0.0.1:{}/postgres", server.port);
    let create = dialect_postgres::open(&url("127.0.0.1"), &OpenOptions::default()).unwrap();
    let mut create = create.connect().await.unwrap();
    create.execute("CREATE ROLE certified LOGIN").await.unwrap();
    let with = |certificate: Option<&str>| TlsOptions {
        mode: Some(TlsMode::Require),
        ca: None,
        certificate: certificate.map(|_| server.path("client.crt")),
        key: certificate.map(|_| server.path("client.key")),
    };
    let missing = TlsOptions {
        mode: Some(TlsMode::VerifyCa),
        ca: Some(server.path("nowhere.crt")),
        ..with(None)
    };
    assert_eq!(encrypted(&certified, with(Some("client"))).await, Ok(true));
    assert_eq!(
        encrypted(&certified, with(None)).await,
        Err(ErrorKind::Auth)
    );
    assert_eq!(encrypted(&certified, missing).await, Err(ErrorKind::Config));
}
