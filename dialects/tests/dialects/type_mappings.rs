//! Every type of every database on its way into every other, and the page of docs/ that documents it.
use crate::page::Page;
use dialects::{
    OpenOptions, ValueOptions,
    conformance::{Fixture, Sample, map_types},
};

/// The page; `UPDATE_DOCS=1` writes it anew.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/type-mappings.md");

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set; run eval \"$(scripts/services env)\" in the project's folder"
        )
    })
}

fn fixture(url: &str, place: &str, samples: Vec<Sample>, values: ValueOptions) -> Fixture {
    let options = OpenOptions {
        values,
        ..OpenOptions::default()
    };
    let dialect = dialects::open(url, &options).unwrap();
    let unique = format!("x{place}{}", std::process::id());
    Fixture::bare(dialect, unique, samples)
}

/// Values of every declared type arrive in every other database, or an error names the column;
/// the page says which.
#[tokio::test]
async fn every_type_of_every_database_reaches_every_other_or_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}?mode=rwc", folder.path().join("a.db").display());
    let odbc = url("CONNECT_TEST_ODBC_SQLITE");
    let (driver, _) = odbc.split_once(";Database=").unwrap();
    let odbc_file = format!("{driver};Database={}", folder.path().join("b.db").display());
    let places = [
        (
            "PostgreSQL 15",
            url("CONNECT_TEST_POSTGRES_URL"),
            dialect_postgres::conformance::samples as fn() -> Vec<Sample>,
        ),
        (
            "MariaDB 10.11",
            url("CONNECT_TEST_MYSQL_URL"),
            dialect_mysql::conformance::samples,
        ),
        ("SQLite", file, dialect_sqlite::samples),
        (
            "PostgreSQL by ODBC",
            url("CONNECT_TEST_ODBC_POSTGRES"),
            dialect_odbc::conformance::postgres,
        ),
        (
            "MariaDB by ODBC",
            url("CONNECT_TEST_ODBC_MARIADB"),
            dialect_odbc::conformance::mariadb,
        ),
        (
            "SQLite by ODBC",
            odbc_file,
            dialect_odbc::conformance::sqlite,
        ),
    ];
    let plain = ValueOptions::default();
    let mut sources: Vec<_> = places
        .iter()
        .enumerate()
        .map(|(i, (from, url, samples))| (i, *from, url, samples(), plain))
        .collect();
    // What has parts, by its parts.
    let by_parts = dialect_postgres::conformance::by_parts();
    let samples = dialect_postgres::conformance::samples_by_parts();
    sources.insert(
        1,
        (
            0,
            "PostgreSQL 15, by parts",
            &places[0].1,
            samples,
            by_parts,
        ),
    );
    let postgres = dialects::open(&places[0].1, &OpenOptions::default()).unwrap();
    let mut session = postgres.connect().await.unwrap();
    // Tests side by side may make it at the same moment.
    let hstore = "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public; \
                  EXCEPTION WHEN unique_violation OR duplicate_object THEN NULL; END $$";
    session.execute(hstore).await.unwrap();
    session.close().await.unwrap();
    let mut page = Page::new();
    for (n, (i, from, from_url, samples, values)) in sources.iter().enumerate() {
        let mut columns = Vec::new();
        for (j, (to, to_url, _)) in places.iter().enumerate().filter(|(j, _)| j != i) {
            let source = fixture(from_url, &format!("f{n}{j}_"), samples.clone(), *values);
            let sink = fixture(to_url, &format!("t{n}{j}_"), Vec::new(), plain);
            columns.push((*to, map_types(&source, &sink).await));
        }
        page.database(from, &columns);
    }
    let page = page.finish();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let there = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        there == page,
        "docs/type-mappings.md is out of date; run this test with UPDATE_DOCS=1 and read the difference"
    );
}
