use super::*;
use connect_api::config::Secret;
use dialect_core::TlsOptions;

fn with(url: &str, options: &OpenOptions) -> Result<Settings> {
    Settings::new(&Address::parse(url, options)?, options)
}

fn settings(url: &str) -> Result<Settings> {
    with(url, &OpenOptions::default())
}

#[test]
fn a_url_says_file_and_mode() {
    let plain = settings("sqlite:/tmp/a.db").unwrap();
    assert_eq!(
        (plain.path.to_str(), plain.mode),
        (Some("/tmp/a.db"), Mode::ReadWrite)
    );
    assert!(plain.needs_file());
    for url in [
        "sqlite::memory:",
        "jdbc:sqlite::memory:",
        "sqlite:any?mode=memory",
    ] {
        assert_eq!(settings(url).unwrap().mode, Mode::Memory, "{url}");
    }
    let made = settings(
        "jdbc:sqlite:a%20b.db?mode=rwc&busy_timeout=10&cache_size=-2000&cache=shared&journal_mode=DELETE",
    )
    .unwrap();
    assert_eq!(
        (made.path.to_str(), made.mode, made.cache, made.journal),
        (Some("a b.db"), Mode::Create, Cache::Shared, Journal::Delete)
    );
    assert_eq!(made.busy_timeout, Duration::from_millis(10));
    assert_eq!(
        made.session,
        [("cache_size".to_owned(), "-2000".to_owned())]
    );
}

#[test]
fn what_is_wrong_with_a_url_is_said() {
    for (url, part) in [
        ("sqlite:", "names no file"),
        (
            "sqlite:a?mode=rwx",
            "parameter `mode`: `rwx` is none of ro, rw, rwc, memory",
        ),
        (
            "sqlite:a?serverTimezone=UTC",
            "unknown parameter `serverTimezone`; SQLite has busy_timeout",
        ),
        (
            "sqlite:a?chache=shared",
            "unknown parameter `chache`; did you mean `cache`?",
        ),
        ("sqlite:a?busy_timeout=soon", "parameter `busy_timeout`"),
    ] {
        let error = settings(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_a_file_cannot_heed_is_refused() {
    let seconds = Some(Duration::from_secs(9));
    let tls = |mode| TlsOptions {
        mode: Some(mode),
        ..TlsOptions::default()
    };
    let plain = OpenOptions::default;
    for (options, what) in [
        (
            OpenOptions {
                user: Some("ada".to_owned()),
                ..plain()
            },
            "user",
        ),
        (
            OpenOptions {
                password: Some(Secret::new("hunter2")),
                ..plain()
            },
            "password",
        ),
        (
            OpenOptions {
                keep_alive: seconds,
                ..plain()
            },
            "keep-alive",
        ),
        (
            OpenOptions {
                idle_timeout: seconds,
                ..plain()
            },
            "idle timeout",
        ),
        (
            OpenOptions {
                tls: tls(TlsMode::Prefer),
                ..plain()
            },
            "TLS",
        ),
    ] {
        let error = with("sqlite:a.db", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.report().contains(what), "{}", error.report());
        assert!(!error.report().contains("hunter2"));
    }
    let options = OpenOptions {
        tls: tls(TlsMode::Disable),
        ..plain()
    };
    with("sqlite:a.db", &options).unwrap();
    let error = settings("sqlite:a.db?password=hunter2").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(!error.report().contains("hunter2"));
}

#[test]
fn settings_of_a_session_are_pragmas_by_name() {
    let session = |name: &str| OpenOptions {
        session: vec![(name.to_owned(), "1".to_owned())],
        ..OpenOptions::default()
    };
    assert_eq!(
        with("sqlite:a", &session("main.Cache_Size"))
            .unwrap()
            .session,
        [("main.cache_size".to_owned(), "1".to_owned())]
    );
    for name in [
        "",
        "a b",
        "a.b.c",
        "a;b",
        "a'b",
        "cache_size = 1; DROP TABLE t",
    ] {
        let error = with("sqlite:a", &session(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}");
    }
}

#[test]
fn waiting_for_a_writer_takes_no_longer_than_a_statement_may() {
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(30)),
        ..OpenOptions::default()
    };
    let settings = with("sqlite:a", &options).unwrap();
    assert_eq!(settings.busy_timeout, Duration::from_millis(30));
}
