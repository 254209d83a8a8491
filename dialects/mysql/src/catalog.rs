//! Texts of the catalogue's queries; the rows of their answers are read by [`rows`].
pub(crate) mod rows;

use crate::server::Server;
use dialect_core::TableName;
use std::collections::BTreeSet;

/// The schemas of the servers themselves.
const SYSTEM: &str = "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// Tables and views of all schemas that the user may see.
pub(crate) fn tables_of_all_schemas_sql() -> String {
    tables_sql().replace("TABLE_SCHEMA = COALESCE(?, DATABASE()) AND ", "")
}

/// Tables and views of a schema, else of the connection's own.
pub(crate) fn tables_sql() -> String {
    format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CREATE_OPTIONS FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_SCHEMA NOT IN ({SYSTEM}) \
         AND TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
    )
}

/// A part of the query: what its rows are called, where they are from, what of them is asked, and
/// the condition beside that of the table.
struct Part {
    tag: &'static str,
    from: &'static str,
    schema: &'static str,
    /// A place, a name and the other values of the part.
    columns: [&'static str; 9],
    condition: &'static str,
}

const PARTS: [Part; 5] = [
    Part {
        tag: "table",
        from: "TABLES",
        schema: "TABLE_SCHEMA",
        columns: [
            "0",
            "''",
            "TABLE_TYPE",
            "CREATE_OPTIONS",
            "TABLE_COMMENT",
            "TABLE_ROWS",
            "AVG_ROW_LENGTH",
            "''",
            "''",
        ],
        condition: "",
    },
    Part {
        tag: "column",
        from: "COLUMNS",
        schema: "TABLE_SCHEMA",
        columns: [
            "ORDINAL_POSITION",
            "COLUMN_NAME",
            "COLUMN_TYPE",
            "IS_NULLABLE",
            "COLUMN_DEFAULT",
            "EXTRA",
            "COLUMN_COMMENT",
            "CHARACTER_MAXIMUM_LENGTH",
            "COLLATION_NAME",
        ],
        condition: "",
    },
    Part {
        tag: "index",
        from: "STATISTICS",
        schema: "TABLE_SCHEMA",
        columns: [
            "SEQ_IN_INDEX",
            "COLUMN_NAME",
            "INDEX_NAME",
            "IF(SUB_PART IS NULL, 'YES', 'NO')",
            "NON_UNIQUE",
            "INDEX_TYPE",
            "COLLATION",
            "''",
            "''",
        ],
        condition: "",
    },
    Part {
        tag: "reference",
        from: "KEY_COLUMN_USAGE",
        schema: "TABLE_SCHEMA",
        columns: [
            "ORDINAL_POSITION",
            "COLUMN_NAME",
            "CONSTRAINT_NAME",
            "REFERENCED_TABLE_SCHEMA",
            "REFERENCED_TABLE_NAME",
            "REFERENCED_COLUMN_NAME",
            "''",
            "''",
            "''",
        ],
        condition: " AND REFERENCED_TABLE_NAME IS NOT NULL",
    },
    // JSON is a name for longtext in MariaDB; the check that the server adds identifies it.
    Part {
        tag: "check",
        from: "CHECK_CONSTRAINTS",
        schema: "CONSTRAINT_SCHEMA",
        columns: [
            "0",
            "CONSTRAINT_NAME",
            "CHECK_CLAUSE",
            "''",
            "''",
            "''",
            "''",
            "''",
            "''",
        ],
        condition: "",
    },
];

/// One query for all that is reported on `names`, each of a schema; its parts are distinguished by
/// the first column. All is text of one character set: the catalogue has several collations, which
/// UNION does not mix.
pub(crate) fn describe_sql(server: &Server, names: &[TableName]) -> (String, Vec<String>) {
    let mut params = Vec::new();
    let mut parts = Vec::new();
    for part in &PARTS {
        if part.tag == "check" && !server.reports_checks() {
            continue;
        }
        let columns: Vec<_> = ["TABLE_NAME"]
            .iter()
            .chain(&part.columns)
            .map(|c| format!("CONVERT({c} USING utf8mb4)"))
            .collect();
        let (condition, bound) = condition(part.schema, names);
        params.extend(bound);
        parts.push(format!(
            "SELECT '{}', CONVERT({} USING utf8mb4), {} FROM information_schema.{} WHERE {condition}{}",
            part.tag,
            part.schema,
            columns.join(", "),
            part.from,
            part.condition
        ));
    }
    (parts.join(" UNION ALL "), params)
}

/// What the columns of a table are, as one number.
const FINGERPRINT_OF_COLUMNS: &str = "CONCAT_WS(' ', COUNT(*), SUM(CRC32(CONCAT_WS(' ', \
    ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, EXTRA, COLUMN_KEY))))";

/// The same of the columns of a table of a schema; `0` where there is no such table. Servers look at
/// the one table where both names are compared by `=`.
pub(crate) fn fingerprint_sql() -> String {
    format!(
        "SELECT {FINGERPRINT_OF_COLUMNS} FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?"
    )
}

/// The condition that holds for the tables `names`, each of a schema, and what is bound in it. Servers
/// look at the named tables alone where names are compared by `=`, and at one schema alone where that
/// is.
fn condition(schema_column: &str, names: &[TableName]) -> (String, Vec<String>) {
    let schema_of = |name: &TableName| name.schema.clone().unwrap_or_default();
    let schema = names.first().map(schema_of).unwrap_or_default();
    let places = |place: &str| vec![place; names.len()].join(", ");
    match names {
        [name] => (
            format!("{schema_column} = ? AND TABLE_NAME = ?"),
            vec![schema, name.name.clone()],
        ),
        _ if names.iter().all(|name| schema_of(name) == schema) => {
            let names = names.iter().map(|name| name.name.clone());
            (
                format!("{schema_column} = ? AND TABLE_NAME IN ({})", places("?")),
                std::iter::once(schema).chain(names).collect(),
            )
        }
        _ => {
            let both = |name: &TableName| [schema_of(name), name.name.clone()];
            (
                format!("({schema_column}, TABLE_NAME) IN ({})", places("(?, ?)")),
                names.iter().flat_map(both).collect(),
            )
        }
    }
}

/// What the user may do with each column of a table of a schema, else of the connection's own.
pub(crate) const GRANTED: &str = "SELECT COLUMN_NAME, `PRIVILEGES` FROM information_schema.COLUMNS \
    WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?";

/// The zone of sessions that set none; NULL where the server's system alone knows it.
pub(crate) const TIME_ZONE: &str = "SELECT CASE WHEN @@global.time_zone <> 'SYSTEM' THEN @@global.time_zone \
    WHEN winter = summer THEN CONCAT(IF(winter < 0, '-', '+'), \
    LPAD(ABS(winter) DIV 60, 2, '0'), ':', LPAD(ABS(winter) MOD 60, 2, '0')) END FROM (SELECT \
    TIMESTAMPDIFF(MINUTE, january, CONVERT_TZ(january, '+00:00', 'SYSTEM')) AS winter, \
    TIMESTAMPDIFF(MINUTE, july, CONVERT_TZ(july, '+00:00', 'SYSTEM')) AS summer FROM (SELECT \
    MAKEDATE(YEAR(UTC_DATE()), 15) AS january, MAKEDATE(YEAR(UTC_DATE()), 196) AS july) AS days) \
    AS offsets";

/// The fingerprint of [`fingerprint_sql`] for each of the tables `names`, with schema and name.
pub(crate) fn fingerprints_sql(names: &[TableName]) -> (String, Vec<String>) {
    let (condition, params) = condition("TABLE_SCHEMA", names);
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, {FINGERPRINT_OF_COLUMNS} FROM information_schema.COLUMNS \
         WHERE {condition} GROUP BY TABLE_SCHEMA, TABLE_NAME"
    );
    (sql, params)
}

/// Schema, name and number of the tables of InnoDB in the schemas of `names`. Files are named in a
/// character set of their own.
pub(crate) fn table_ids_sql(server: &Server, names: &[TableName]) -> (String, Vec<String>) {
    let named = |place: &str| {
        let part = format!("SUBSTRING_INDEX(NAME, '/', {place})");
        format!("CONVERT(CONVERT(CAST({part} AS BINARY) USING filename) USING utf8mb4)")
    };
    let schemas: BTreeSet<_> = names
        .iter()
        .filter_map(|name| name.schema.clone())
        .collect();
    let places = vec!["?"; schemas.len()].join(", ");
    let schema = named("1");
    let sql = format!(
        "SELECT {schema}, {}, 'table', CAST(TABLE_ID AS CHAR) FROM information_schema.{} \
         WHERE NAME LIKE '%/%' AND {schema} IN ({places})",
        named("-1"),
        server.innodb_tables()
    );
    (sql, schemas.into_iter().collect())
}

/// Schema, name and time of creation, in seconds by any clock, of the tables `names`; NULL of a view.
pub(crate) fn created_sql(names: &[TableName]) -> (String, Vec<String>) {
    let (condition, params) = condition("TABLE_SCHEMA", names);
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, 'created', \
         CAST(TIMESTAMPDIFF(SECOND, '1970-01-01', CREATE_TIME) AS CHAR) \
         FROM information_schema.TABLES WHERE {condition}"
    );
    (sql, params)
}

/// Schema, name and engine of each of the tables `names`; NULL of a view.
pub(crate) fn engines_sql(names: &[TableName]) -> (String, Vec<String>) {
    let (condition, params) = condition("TABLE_SCHEMA", names);
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE {condition}"
    );
    (sql, params)
}

/// The running transactions of InnoDB: session, begin in seconds by any clock, number, and of this
/// session's own what it is running. Those that have changed nothing have the number 0 in MariaDB, and
/// one from 2^48 on in MySQL.
pub(crate) const RUNNING_TRANSACTIONS: &str = "CAST(trx_mysql_thread_id AS CHAR), \
    CAST(TIMESTAMPDIFF(SECOND, '1970-01-01', trx_started) AS CHAR), CAST(trx_id AS CHAR), \
    IF(trx_mysql_thread_id = CONNECTION_ID(), COALESCE(trx_query, ''), NULL) \
    FROM information_schema.INNODB_TRX";

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: &str, name: &str) -> TableName {
        TableName {
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn any_number_of_tables_is_one_query_with_bound_names() {
        let old = Server::new("5.7.44", 0);
        let new = Server::new("10.11.6-MariaDB", 0);
        for (names, condition, params) in [
            (
                vec![name("a", "x")],
                "TABLE_SCHEMA = ? AND TABLE_NAME = ?",
                2,
            ),
            (
                vec![name("a", "x"), name("a", "y")],
                "TABLE_SCHEMA = ? AND TABLE_NAME IN (?, ?)",
                3,
            ),
            (
                vec![name("a", "x"), name("b", "y")],
                "(TABLE_SCHEMA, TABLE_NAME) IN ((?, ?), (?, ?))",
                4,
            ),
        ] {
            for (server, parts) in [(&old, 4), (&new, 5)] {
                let (sql, bound) = describe_sql(server, &names);
                assert_eq!(sql.matches("UNION ALL").count(), parts - 1);
                assert_eq!(sql.matches(condition).count(), 4, "{sql}");
                assert_eq!(bound.len(), parts * params);
                assert_eq!(sql.matches('?').count(), bound.len());
            }
        }
    }
}
