//! Users without some of the privileges that the settings require.
use crate::harness::*;

const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("connection.password", "planted"),
];

async fn check(database: &Database, user: &str, table: &str, more: &[(&str, &str)]) -> String {
    let mut settings = UPSERT.to_vec();
    settings.extend([("connection.user", user), ("connect.topicnames", table)]);
    settings.extend(more);
    connector()
        .check(&database.settings(&settings))
        .await
        .to_string()
}

/// `check` reports exactly the errors that the first batch would get.
#[tokio::test]
async fn missing_privileges_of_an_upsert_are_reported_before_the_first_row() {
    for (variable, login, role) in [
        ("CONNECT_TEST_POSTGRES_URL", "LOGIN PASSWORD", "ROLE"),
        ("CONNECT_TEST_MYSQL_URL", "IDENTIFIED BY", "USER"),
    ] {
        let database = Database::server(variable);
        let postgres = role == "ROLE";
        let (table, user) = (unique("few"), unique("u"));
        for sql in [
            format!(
                "CREATE TABLE {table} (id bigint PRIMARY KEY, name varchar(9), note varchar(9), \
                 stamp varchar(9) DEFAULT 'x')"
            ),
            format!("CREATE {role} {user} {login} 'planted'"),
            format!("GRANT INSERT, UPDATE ON {table} TO {user}"),
        ] {
            database.execute(&sql).await;
        }
        // An upsert requires SELECT too.
        let faults = check(&database, &user, &table, &[]).await;
        assert!(faults.contains("SELECT"), "{variable}: {faults}");
        // Column privileges, without an optional column.
        for sql in [
            format!("REVOKE INSERT, UPDATE ON {table} FROM {user}"),
            format!(
                "GRANT SELECT (id, name), INSERT (id, name), UPDATE (id, name) ON {table} TO {user}"
            ),
        ] {
            database.execute(&sql).await;
        }
        assert_eq!(check(&database, &user, &table, &[]).await, "", "{variable}");
        let more = [("fields.whitelist", "name,note")];
        let faults = check(&database, &user, &table, &more).await;
        assert!(faults.contains("`note`"), "{variable}: {faults}");
        let mut settings = UPSERT.to_vec();
        settings.push(("connection.user", user.as_str()));
        let mut run = database.start(&settings).await;
        let batch = rows(&table, &[(1, Some("a")), (2, Some("b")), (1, Some("c"))]);
        run.task.target(&table).await.unwrap();
        assert_eq!(run.put(&batch).await, [], "{variable}");
        assert_eq!(
            database.rows(&table).await,
            ["1 c - x", "2 b - x"],
            "{variable}"
        );
        run.task.stop().await.unwrap();
        database.execute(&format!("DROP TABLE {table}")).await;
        if postgres {
            database.execute(&format!("DROP OWNED BY {user}")).await;
        }
        database.execute(&format!("DROP {role} {user}")).await;
    }
}

/// Creating a table has a dry run too, which leaves no table.
#[tokio::test]
async fn a_table_that_cannot_be_created_is_reported_before_the_first_row() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let (table, schema, user) = (unique("made"), unique("theirs"), unique("u"));
    for sql in [
        format!("CREATE SCHEMA {schema}"),
        format!("CREATE ROLE {user} LOGIN PASSWORD 'planted'"),
        format!("GRANT USAGE ON SCHEMA {schema} TO {user}"),
    ] {
        database.execute(&sql).await;
    }
    let format = format!("{schema}.${{topic}}");
    let more = [
        ("auto.create", "true"),
        ("pk.fields", "id"),
        ("table.name.format", format.as_str()),
    ];
    let faults = check(&database, &user, &table, &more).await;
    assert!(
        faults.contains("auto.create") && faults.contains(&schema),
        "{faults}"
    );
    let long = "x".repeat(64);
    let faults = check(&database, &user, &long, &more).await;
    assert!(faults.contains("table.name.format"), "{faults}");
    let grant = format!("GRANT CREATE ON SCHEMA {schema} TO {user}");
    database.execute(&grant).await;
    assert_eq!(check(&database, &user, &table, &more).await, "");
    // The dry run left no table.
    let make = format!("CREATE TABLE {schema}.{table} (id int)");
    database.execute(&make).await;
    for sql in [
        format!("DROP SCHEMA {schema} CASCADE"),
        format!("DROP OWNED BY {user}; DROP ROLE {user}"),
    ] {
        database.execute(&sql).await;
    }
}
