//! The guides of the databases: their statements run as they stand, and their connectors read rows as the
//! user that they create.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use connect_runtime::file;
use std::{fs, path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(30);

/// The blocks of a guide in this language, with other names in place of those of the guide.
fn blocks(guide: &str, language: &str, names: &[(&str, &str)]) -> Vec<String> {
    let page = format!("{}/../docs/{guide}", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).unwrap();
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1).map(|block| {
        let text = block.split("```").next().unwrap().to_owned();
        let renamed = |text: String, (old, new): &(&str, &str)| text.replace(old, new);
        names.iter().fold(text, renamed)
    });
    blocks.collect()
}

/// Checks and runs the first connector of a guide, on the database at `url`, until it has stored a position.
fn run_connector(guide: &str, names: &[(&str, &str)], url: &str) {
    let text = blocks(guide, "toml", names).remove(0);
    let mut settings = file::parse(&text, file::Format::Toml).unwrap();
    settings.set("connection.url", url);
    let mut program = Program::new(&[("transport", "embedded")]);
    program.connector("source", &settings.iter().collect::<Vec<_>>());
    let checked = program.check();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(checked.status.success(), "{guide}: {said}");
    for unwanted in ["late rows can be missed", "no index", "PROCESS"] {
        assert!(!said.contains(unwanted), "{guide}: {said}");
    }
    program.start();
    let stored = program.dir.path().join("store/positions.json");
    program.wait_until(LIMIT, || {
        fs::read_to_string(&stored).is_ok_and(|text| text.contains("incrementing"))
    });
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{guide}: {document:#}");
    assert_eq!(document["tasks"][0]["records"], 1, "{guide}: {document:#}");
}

/// The URL of a server's database, without user and password.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.split_once('@').unwrap().1)
}

#[test]
fn statements_and_connector_of_the_guide_to_postgresql_work() {
    let _servers = with_servers();
    let (space, user) = (unique("guide"), unique("reader"));
    let names = [
        ("DATABASE shop", "DATABASE connect"),
        ("connect_reader", &*user),
        ("sales", &*space),
    ];
    Database::Postgres.make_space(&space);
    for block in blocks("guide-postgresql.md", "sql", &names) {
        Database::Postgres.run(&block);
    }
    Database::Postgres.run(&format!(
        "INSERT INTO {space}.orders (total) VALUES (12.5);"
    ));
    let url = without_user(&setting("CONNECT_TEST_POSTGRES_URL"));
    run_connector("guide-postgresql.md", &names, &url);
    Database::Postgres.drop_space(&space);
}

#[test]
fn statements_and_connector_of_the_guide_to_mysql_work() {
    let _servers = with_servers();
    let (space, user) = (unique("guide"), unique("reader"));
    let names = [("connect_reader", &*user), ("shop.", &*format!("{space}."))];
    Database::MariaDb.make_space(&space);
    for block in blocks("guide-mysql.md", "sql", &names) {
        Database::MariaDb.run(&block);
    }
    Database::MariaDb.run(&format!(
        "INSERT INTO {space}.orders (total) VALUES (12.5);"
    ));
    let url = without_user(&Database::MariaDb.url(&space));
    run_connector("guide-mysql.md", &names, &url);
    Database::MariaDb.drop_space(&space);
}

#[test]
fn statements_and_connector_of_the_guide_to_sqlite_work() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("shop.db").display());
    let opened = dialects::open(
        &format!("{url}?mode=rwc"),
        &dialects::OpenOptions::default(),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut connection = opened.unwrap().connect().await.unwrap();
        for block in blocks("guide-sqlite.md", "sql", &[]) {
            for statement in block.split(";\n").filter(|text| !text.trim().is_empty()) {
                connection.execute(statement).await.unwrap();
            }
        }
        connection.close().await.unwrap();
    });
    run_connector("guide-sqlite.md", &[], &url);
}

#[test]
fn each_supported_database_has_a_guide_that_is_linked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for database in ["postgresql", "mysql", "sqlserver", "sqlite", "odbc"] {
        let guide = format!("docs/guide-{database}.md");
        assert!(
            root.join(&guide).exists() && readme.contains(&guide),
            "{guide}"
        );
    }
}
