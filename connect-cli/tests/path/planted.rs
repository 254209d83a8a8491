//! What a run shows at its default level: of rows that a database refuses, no value.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use dialects::OpenOptions;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

/// Rows that are too long, there already, out of a CHECK, none of an enumeration, and refused by a
/// trigger; and two that are none of these, of which PostgreSQL is caused to report something.
const ROWS: &str = "(1, 'fine', 'a', 'ok'), (2, repeat('planted-long', 9), 'b', 'ok'), \
    (3, 'fine', 'planted-twice', 'ok'), (4, 'fine', 'planted-twice', 'ok'), \
    (5, 'fine', 'planted-check', 'ok'), (6, 'fine', 'c', 'planted-mood'), \
    (7, 'planted-trigger', 'd', 'ok'), (8, 'planted-notice', 'e', 'ok')";
const REFUSED: usize = 5;

const COLUMNS: &str = "id bigint PRIMARY KEY, note varchar(30), code varchar(60) UNIQUE";

fn make_postgres(space: &str, table: &str) {
    Database::Postgres.run(&format!(
        "SET search_path = {space};
         CREATE TABLE {table} ({COLUMNS}, mood mood, CHECK (code <> 'planted-check'));
         CREATE TRIGGER says BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION says();"
    ));
}

fn make_mariadb(space: &str, table: &str) {
    Database::MariaDb.run(&format!(
        "USE {space};
         CREATE TABLE {table} ({COLUMNS}, mood enum('ok'), CHECK (code <> 'planted-check'));
         DELIMITER //
         CREATE TRIGGER says_{table} BEFORE INSERT ON {table} FOR EACH ROW
         IF NEW.id = 7 THEN
           SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this: planted-trigger';
         END IF//
         DELIMITER ;"
    ));
}

fn make_sqlite(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let dialect = dialects::open(url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        for sql in [
            "CREATE TABLE t (id bigint PRIMARY KEY, note varchar(30) CHECK (length(note) < 31), \
             code varchar(60) UNIQUE \
             CONSTRAINT decent CHECK (code <> 'planted-check'), mood text CHECK (mood = 'ok'))",
            "CREATE TRIGGER says BEFORE INSERT ON t WHEN NEW.id = 7 \
             BEGIN SELECT RAISE(ABORT, 'not this: planted-trigger'); END",
        ] {
            connection.execute(sql).await.unwrap();
        }
        connection.close().await.unwrap();
    });
}

#[test]
fn no_value_of_a_refused_row_is_shown_by_any_database_or_driver() {
    let _servers = with_servers();
    let space = unique("planted");
    Database::Postgres.make_space(&space);
    Database::MariaDb.make_space(&space);
    Database::Postgres.run(&format!(
        "SET search_path = {space};
         CREATE TYPE mood AS ENUM ('ok');
         CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE WARNING 'seen: %', NEW.note;
           IF NEW.id = 7 THEN RAISE EXCEPTION 'not this: %', NEW.note; END IF;
           RETURN NEW;
         END $$;
         CREATE TABLE rows (id bigint PRIMARY KEY, note text, code text, mood text);
         INSERT INTO rows VALUES {ROWS};"
    ));
    for table in ["t", "t_odbc"] {
        make_postgres(&space, table);
        make_mariadb(&space, table);
    }
    let mut program = Program::new(&[("transport", "embedded"), ("workerId", &space)]);
    let file = program.dir.path().join("planted.db").display().to_string();
    let sqlite = format!("sqlite:{file}?mode=rwc");
    make_sqlite(&sqlite);

    let (from, of) = (Database::Postgres.url(&space), format!("{space}.rows"));
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &from),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", &of),
            ("connect.topicname", &space),
            ("poll.interval.ms", "100"),
        ],
    );
    let sinks = [
        (
            "postgres",
            Database::Postgres.url(&space),
            format!("{space}.t"),
        ),
        ("mariadb", Database::MariaDb.url(&space), "t".to_owned()),
        ("sqlite", sqlite, "t".to_owned()),
        (
            "odbc_postgres",
            setting("CONNECT_TEST_ODBC_POSTGRES"),
            format!("{space}.t_odbc"),
        ),
        (
            "odbc_mariadb",
            setting("CONNECT_TEST_ODBC_MARIADB"),
            format!("{space}.t_odbc"),
        ),
    ];
    for (name, url, table) in &sinks {
        program.connector(
            name,
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", url),
                ("connect.topicnames", &space),
                ("table.name.format", table),
                ("errors.tolerance", "all"),
                (
                    "errors.deadletterqueue.topic.name",
                    &format!("{space}_dead"),
                ),
            ],
        );
    }
    program.start();
    let log = program.log();
    program.wait_for_log(
        &log,
        "message sent to the dead letter queue",
        REFUSED * sinks.len(),
        LIMIT,
    );
    let (code, document) = program.stop();
    let shown = format!("{}{document:#}", program.log_text());
    assert_eq!(code, 0, "{shown}");
    for (name, ..) in &sinks {
        assert!(shown.contains(name), "{name}: {shown}");
    }
    let leaks: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("planted-"))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    for database in [Database::Postgres, Database::MariaDb] {
        let written = format!("SELECT count(*) FROM {};", database.quoted(&space, "t"));
        assert_eq!(database.number(&written), 3);
        database.drop_space(&space);
    }
}
