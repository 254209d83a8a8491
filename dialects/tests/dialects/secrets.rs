//! A password in any place where one can be given shows nowhere.
use connect_api::config::Secret;
use dialects::OpenOptions;
use std::time::Duration;

const PLANTED: &str = "hunter2";

/// A closed port, or a file that is not there: connecting fails.
const URLS: &[&str] = &[
    "postgres://ada:hunter2@127.0.0.1:1/db",
    "jdbc:postgresql://127.0.0.1:1/db?user=ada&password=hunter2",
    "postgres://ada:hunter2@127.0.0.1:1,127.0.0.1:2/db?sslmode=prefer",
    "mysql://ada:hunter2@127.0.0.1:1/db",
    "jdbc:mariadb://127.0.0.1:1/db?user=ada&password=hunter2",
    "mysql://ada:hunter2@127.0.0.1:1/db?charset=utf8mb4",
    "mysql://ada:hunter2@127.0.0.1:1/db?no_such_parameter=hunter2",
    "sqlite:/nowhere/at/all.db?password=hunter2",
    "sqlserver://ada:hunter2@127.0.0.1:1/db",
    "jdbc:sqlserver://127.0.0.1:1;databaseName=db;user=ada;password=hunter2",
    "jdbc:sqlserver://127.0.0.1:1;databaseName=db;user=ada;password={hunter2;}};encrypt=false",
    "odbc:Driver={No such driver};Server=127.0.0.1;UID=ada;PWD=hunter2",
    "odbc:Driver={No such driver};Server=127.0.0.1;UID=ada;PWD={hun;ter2hunter2}",
    "postgres:ada:hunter2",
    "hunter2",
];

/// Neither what a URL opens nor any error of it, of options or of connecting, repeats the password.
#[tokio::test]
async fn passwords_show_nowhere() {
    for given in [false, true] {
        for url in URLS {
            let options = OpenOptions {
                password: given.then(|| Secret::new(PLANTED)),
                connect_timeout: Duration::from_secs(3),
                ..OpenOptions::default()
            };
            let url = if given {
                url.replace(PLANTED, "x")
            } else {
                (*url).to_owned()
            };
            let said = match dialects::open(&url, &options) {
                Err(e) => format!("{} {e} {e:?}", e.report()),
                Ok(dialect) => {
                    let opened = format!("{dialect:?} {} {}", dialect.address(), dialect.name());
                    match dialect.connect().await {
                        Ok(_) => panic!("{url} cannot be connected to"),
                        Err(e) => format!("{opened} {} {e} {e:?}", e.report()),
                    }
                }
            };
            assert!(!said.contains(PLANTED), "{url}: {said}");
        }
    }
    let options = OpenOptions {
        password: Some(Secret::new(PLANTED)),
        ..OpenOptions::default()
    };
    assert!(!format!("{options:?}").contains(PLANTED));
}
