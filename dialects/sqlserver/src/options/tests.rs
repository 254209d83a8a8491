use super::*;
use dialect_core::TlsOptions;

fn read_with(query: &str, options: &OpenOptions) -> Result<Settings> {
    let address = Address::parse(&format!("sqlserver://ann:pw@db/shop?{query}"), options)?;
    Settings::read(&address, options)
}

fn read(query: &str) -> Result<Settings> {
    read_with(query, &OpenOptions::default())
}

fn fault(query: &str) -> String {
    let error = read(query).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
    error.to_string()
}

#[test]
fn tls_is_said_in_every_spelling() {
    for (query, encryption) in [
        ("", Encryption::Verified),
        ("sslmode=disable", Encryption::None),
        ("sslmode=prefer", Encryption::Preferred),
        ("sslMode=require", Encryption::Required),
        ("ssl-mode=verify-full", Encryption::Verified),
        ("encrypt=true", Encryption::Verified),
        (
            "encrypt=true&trustServerCertificate=true",
            Encryption::Required,
        ),
        ("trustServerCertificate=true", Encryption::Required),
        (
            "encrypt=false&trustServerCertificate=true",
            Encryption::Login,
        ),
        ("encrypt=strict", Encryption::Strict),
        ("encrypt=false&sslmode=verify-full", Encryption::Verified),
    ] {
        assert_eq!(read(query).unwrap().encryption, encryption, "{query}");
    }
    let error = read("sslmode=verify-ca").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("hostNameInCertificate"),
        "{error}"
    );
}

#[test]
fn files_of_tls_go_with_a_mode_that_heeds_them() {
    let settings = read("sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem").unwrap();
    assert_eq!(settings.ca, Some("/ca.pem".into()));
    assert_eq!(settings.client, Some(("/c.pem".into(), "/k.pem".into())));
    assert!(fault("sslmode=require&sslrootcert=/ca.pem").contains("verify-full"));
    assert!(fault("sslcert=/c.pem").contains("go together"));
    let options = OpenOptions {
        tls: TlsOptions {
            mode: Some(TlsMode::VerifyFull),
            ca: Some("/own.pem".into()),
            ..TlsOptions::default()
        },
        ..OpenOptions::default()
    };
    let settings = read_with("sslmode=disable&sslrootcert=/ca.pem", &options).unwrap();
    assert_eq!(
        settings.encryption,
        Encryption::Verified,
        "options go before the URL"
    );
    assert_eq!(settings.ca, Some("/own.pem".into()));
}

#[test]
fn parameters_of_the_drivers_have_their_effect() {
    let settings = read(
        "loginTimeout=7&queryTimeout=9&lockTimeout=500&applicationName=mine&packetSize=4096\
         &applicationIntent=ReadOnly&instanceName=sales&hostNameInCertificate=db.example\
         &sendStringParametersAsUnicode=false&multiSubnetFailover=true&integratedSecurity=false",
    )
    .unwrap();
    assert_eq!(settings.connect_timeout, Duration::from_secs(7));
    assert_eq!(settings.statement_timeout, Some(Duration::from_secs(9)));
    assert_eq!(settings.session, ["SET LOCK_TIMEOUT 500"]);
    assert_eq!(
        (settings.application.as_str(), settings.packet_bytes),
        ("mine", 4_096)
    );
    assert!(settings.read_only);
    assert_eq!(settings.instance.as_deref(), Some("sales"));
    assert_eq!(settings.host_in_certificate.as_deref(), Some("db.example"));
    assert_eq!(
        read("connectTimeout=1500").unwrap().connect_timeout,
        Duration::from_millis(1_500)
    );
}

#[test]
fn all_faults_are_reported_at_once_and_no_value_is_repeated() {
    let text = fault(
        "trustServerCertficate=hunter2&encrypt=hunter2&packetSize=hunter2&authentication=hunter2",
    );
    for part in [
        "unknown parameter `trustServerCertficate`",
        "did you mean `trustServerCertificate`?",
        "`encrypt` is true, false or strict",
        "`packetSize` is a number",
        "`authentication`: only a user",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn options_that_cannot_be_heeded_are_refused() {
    let options = OpenOptions {
        idle_timeout: Some(Duration::from_secs(1)),
        ..OpenOptions::default()
    };
    let error = read_with("", &options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let address = Address::parse("sqlserver://db/shop", &OpenOptions::default()).unwrap();
    let error = Settings::read(&address, &OpenOptions::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("connection.user"), "{error}");
}

#[test]
fn session_settings_are_words_alone() {
    let with = |name: &str, value: &str| OpenOptions {
        session: vec![(name.to_owned(), value.to_owned())],
        ..OpenOptions::default()
    };
    let settings = read_with("", &with("TRANSACTION ISOLATION LEVEL", "SNAPSHOT")).unwrap();
    assert_eq!(
        settings.session,
        ["SET TRANSACTION ISOLATION LEVEL SNAPSHOT"]
    );
    let settings = read_with("", &with("LOCK_TIMEOUT", "-1")).unwrap();
    assert_eq!(settings.session, ["SET LOCK_TIMEOUT -1"]);
    for (name, value) in [
        ("LOCK_TIMEOUT", "1; DROP TABLE t"),
        ("X", "1--"),
        ("a;b", "1"),
        ("", "1"),
    ] {
        assert!(read_with("", &with(name, value)).is_err(), "{name} {value}");
    }
}
