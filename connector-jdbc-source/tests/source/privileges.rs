//! Users with SELECT on some columns of a table.
use crate::harness::*;

async fn check(database: &Database, user: &str, table: &str, query: Option<&str>) -> String {
    check_columns(database, user, table, query, "").await
}

async fn check_columns(
    database: &Database,
    user: &str,
    table: &str,
    query: Option<&str>,
    columns: &str,
) -> String {
    let mut settings = database.settings(&[
        ("mode", "bulk"),
        ("connection.password", "planted"),
        ("topic.prefix", "p-"),
        ("column.include.list", columns),
    ]);
    settings.set("connection.user", user);
    match query {
        Some(query) => settings.set("query", query),
        None => settings.set("table.whitelist", table),
    }
    connector().check(&settings).await.to_string()
}

/// Columns without the privilege are reported before the first row, and never skipped silently.
#[tokio::test]
async fn columns_without_select_privilege_are_reported_and_a_query_reads_the_others() {
    // MySQL hides their names too.
    for (variable, login, role, named) in [
        (
            "CONNECT_TEST_POSTGRES_URL",
            "LOGIN PASSWORD",
            "ROLE",
            "`secret`",
        ),
        (
            "CONNECT_TEST_MYSQL_URL",
            "IDENTIFIED BY",
            "USER",
            "beside `id`, `name`",
        ),
    ] {
        let database = Database::server(variable);
        let (table, user) = (unique("few"), unique("u"));
        for sql in [
            format!(
                "CREATE TABLE {table} (id int PRIMARY KEY, name varchar(9), secret varchar(9))"
            ),
            format!("CREATE {role} {user} {login} 'planted'"),
            format!("GRANT SELECT (id, name) ON {table} TO {user}"),
        ] {
            database.execute(&sql).await;
        }
        let faults = check(&database, &user, &table, None).await;
        assert!(
            faults.contains(named) && faults.contains(&table) && faults.contains("`query`"),
            "{variable}: {faults}"
        );
        let query = format!("SELECT id, name FROM {table}");
        let faults = check(&database, &user, &table, Some(&query)).await;
        assert_eq!(faults, "", "{variable}");
        let faults = check_columns(&database, &user, &table, None, "id, name").await;
        assert_eq!(faults, "", "{variable}");
        let grant = format!("GRANT SELECT ON {table} TO {user}");
        database.execute(&grant).await;
        assert_eq!(
            check(&database, &user, &table, None).await,
            "",
            "{variable}"
        );
        database.execute(&format!("DROP TABLE {table}")).await;
        if role == "ROLE" {
            database.execute(&format!("DROP OWNED BY {user}")).await;
        }
        database.execute(&format!("DROP {role} {user}")).await;
    }
}
