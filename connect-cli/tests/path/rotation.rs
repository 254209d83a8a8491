//! Passwords that are replaced while a worker runs.
use crate::{client::Database, program::Program, unique, with_servers};
use std::{fs, thread, time::Duration};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_password_that_is_replaced_in_its_file_is_used_for_the_next_connection() {
    let _servers = with_servers();
    let name = unique("rotation");
    thread::scope(|scope| {
        for database in [Database::Postgres, Database::MariaDb] {
            let name = &name;
            scope.spawn(move || rotate(database, name));
        }
    });
}

fn rotate(database: Database, name: &str) {
    database.make_space(name);
    let table = database.quoted(name, "orders");
    let user = match database {
        Database::Postgres => format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'planted-first'; GRANT USAGE ON SCHEMA {name} TO {name};"
        ),
        Database::MariaDb => {
            format!(
                "CREATE USER {name} IDENTIFIED BY 'planted-first'; GRANT PROCESS ON *.* TO {name};"
            )
        }
    };
    database.run(&format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY); INSERT INTO {table} VALUES (1);
         {user} GRANT SELECT ON {table} TO {name};"
    ));
    let mut program = Program::new(&[("transport", "embedded")]);
    let password = program.dir.path().join("password");
    fs::write(&password, "planted-first\n").unwrap();
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &database.url(name)),
            ("connection.user", name),
            (
                "connection.password",
                &format!("${{file:{}}}", password.display()),
            ),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", &database.table(name, "orders")),
            ("connect.topicname", "orders"),
            ("poll.interval.ms", "50"),
        ],
    );
    program.start();
    let stored = program.dir.path().join("store/positions.json");
    let is_stored = |id: u64| {
        let text = fs::read_to_string(&stored).unwrap_or_default();
        text.contains(&id.to_string())
    };
    program.wait_until(LIMIT, || is_stored(1));
    // The database first, as most do; its sessions end.
    database.run(&match database {
        Database::Postgres => format!(
            "ALTER ROLE {name} PASSWORD 'planted-second';
             SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{name}';"
        ),
        Database::MariaDb => {
            format!("ALTER USER {name} IDENTIFIED BY 'planted-second'; KILL USER {name};")
        }
    });
    let log = program.log();
    program.wait_for_log(&log, "login refused; waiting", 1, LIMIT);
    database.run(&format!("INSERT INTO {table} VALUES (4711);"));
    fs::write(&password, "planted-second\n").unwrap();
    program.wait_until(LIMIT, || is_stored(4711));
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    let said = format!("{}{document}", program.log_text());
    assert!(!said.contains("planted"), "{said}");
    database.drop_space(name);
}
