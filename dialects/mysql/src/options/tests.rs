use super::*;
use connect_api::config::Secret;
use dialect_core::{TinyInt1, ZeroDates};

fn read_with(query: &str, options: &OpenOptions) -> Result<Settings> {
    let address = Address::parse(&format!("jdbc:mysql://ann@db/shop?{query}"), options).unwrap();
    Settings::read(&address, options)
}

fn read(query: &str) -> Result<Settings> {
    read_with(query, &OpenOptions::default())
}

fn begins(settings: &Settings, version: &str) -> Vec<String> {
    let all = settings.session(&Server::new(version, 0)).unwrap();
    all.into_iter().map(|begin| begin.sql).collect()
}

#[test]
fn all_unknown_parameters_are_refused_by_name() {
    let error = read("sslMode=required&autoReconect=true&useSSL=perhaps&conectTimeout=1")
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(text.contains("unknown parameter `autoReconect`"), "{text}");
    assert!(text.contains("did you mean `connectTimeout`?"), "{text}");
    assert!(text.contains("`useSSL` is true or false"), "{text}");
    assert!(!text.contains("perhaps"), "{text}");
}

#[test]
fn a_url_without_a_user_is_refused() {
    let options = OpenOptions::default();
    let address = Address::parse("mysql://db/shop", &options).unwrap();
    let error = Settings::read(&address, &options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("connection.user"), "{error}");
}

#[test]
fn tls_modes_are_read_in_every_spelling_and_go_before_use_ssl() {
    for (query, mode) in [
        ("", "Preferred"),
        ("ssl-mode=VERIFY_IDENTITY", "VerifyIdentity"),
        ("sslMode=verify-full", "VerifyIdentity"),
        ("sslmode=verify-ca", "VerifyCa"),
        ("sslMode=trust", "Required"),
        ("sslMode=disable", "Disabled"),
        ("useSSL=false", "Disabled"),
        ("useSSL=true", "Required"),
        ("useSSL=true&verifyServerCertificate=true", "VerifyCa"),
        ("useSSL=true&verifyServerCertificate=false", "Required"),
        ("requireSSL=true", "Required"),
        ("sslMode=preferred&useSSL=true", "Preferred"),
    ] {
        let settings = read(query).unwrap();
        assert_eq!(
            format!("{:?}", settings.driver.get_ssl_mode()),
            mode,
            "{query}"
        );
    }
    assert!(read("sslMode=perhaps").is_err());
    let options = OpenOptions {
        tls: TlsOptions {
            mode: Some(TlsMode::Require),
            ..TlsOptions::default()
        },
        ..OpenOptions::default()
    };
    let settings = read_with("sslMode=disable", &options).unwrap();
    assert_eq!(
        format!("{:?}", settings.driver.get_ssl_mode()),
        "Required",
        "options go before the URL"
    );
    let half = read("ssl-cert=client.pem").err().unwrap();
    assert_eq!(half.kind(), ErrorKind::Config);
    assert!(half.to_string().contains("one is missing"), "{half}");
}

#[test]
fn parameters_of_the_java_drivers_are_taken() {
    let query = "useSSL=false&serverTimezone=UTC&characterEncoding=utf8&useUnicode=true\
                 &rewriteBatchedStatements=true&allowPublicKeyRetrieval=true&socketTimeout=1\
                 &useServerPrepStmts=true&connectTimeout=1500&tinyInt1isBit=false\
                 &zeroDateTimeBehavior=CONVERT_TO_NULL&tcpKeepAlive=true&cachePrepStmts=true\
                 &sessionVariables=lock_wait_timeout=7,tx_isolation='READ-COMMITTED'";
    let settings = read(query).unwrap();
    assert_eq!(settings.connect_timeout, Duration::from_millis(1500));
    assert_eq!(settings.values.tinyint1, TinyInt1::Number);
    assert_eq!(settings.values.zero_dates, ZeroDates::Null);
    assert_eq!(
        begins(&settings, "5.7.44")[1..],
        [
            "SET SESSION lock_wait_timeout = 7",
            "SET SESSION tx_isolation = 'READ-COMMITTED'"
        ]
    );
    assert!(read("zeroDateTimeBehavior=round").is_err());
    assert!(read("connectTimeout=soon").is_err());
}

#[test]
fn the_limits_of_a_session_are_set_in_the_syntax_of_its_server() {
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(1500)),
        idle_timeout: Some(Duration::from_secs(90)),
        read_only: true,
        ..OpenOptions::default()
    };
    let settings = read_with("", &options).unwrap();
    for (version, limit) in [
        ("5.7.44", "SET SESSION max_execution_time = 1500"),
        ("8.4.0", "SET SESSION max_execution_time = 1500"),
        ("10.11.6-MariaDB", "SET SESSION max_statement_time = 1.5"),
    ] {
        assert_eq!(
            begins(&settings, version)[1..],
            [
                "SET SESSION wait_timeout = 90",
                limit,
                "SET SESSION TRANSACTION READ ONLY"
            ]
        );
    }
    let error = settings.session(&Server::new("5.6.51", 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn names_of_settings_are_checked_and_their_values_quoted() {
    for (name, value, sql) in [
        ("lock_wait_timeout", "7", "7"),
        ("Long_Query_Time", "-1.5", "-1.5"),
        ("a", "1; DROP TABLE t", "'1; DROP TABLE t'"),
        ("a", "it's \\", "'it''s \\\\'"),
        ("a", "1.2.3", "'1.2.3'"),
        ("a", "", "''"),
    ] {
        assert_eq!(
            variable(name, value).unwrap(),
            (name.to_ascii_lowercase(), sql.to_owned())
        );
    }
    for name in [
        "",
        "1a",
        "a b",
        "a=1,b",
        "@@global.x",
        "SQL_MODE",
        "time_zone",
    ] {
        assert!(variable(name, "1").is_err(), "{name}");
    }
}

#[test]
fn what_the_driver_cannot_do_is_not_supported() {
    let options = OpenOptions {
        keep_alive: Some(Duration::from_secs(9)),
        password: Some(Secret::new("planted-secret")),
        ..OpenOptions::default()
    };
    let error = read_with("", &options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let settings = read_with(
        "",
        &OpenOptions {
            keep_alive: None,
            ..options
        },
    )
    .unwrap();
    assert!(!format!("{settings:?}").contains("planted-secret"));
}
