//! Tables as `information_schema` describes them.
use crate::{error_codes::statement_error as error, server::Server, types::Described};
use connect_api::Result;
use dialect_core::{Access, ForeignKey, Table, TableName, TableType, ValueOptions};
use sqlx::{AssertSqlSafe, MySqlConnection, Row as _, mysql::MySqlRow};
use std::collections::BTreeMap;

/// The kind of database whose vendor types the columns have.
pub(crate) const VENDOR: &str = "mysql";

/// The schemas of the servers themselves.
const SYSTEM: &str = "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// Indexes of the columns of a table with which the user may do this.
pub(crate) async fn granted(
    connection: &mut MySqlConnection,
    table: &Table,
    access: Access,
) -> Result<Vec<usize>> {
    let word = match access {
        Access::Select => "select",
        Access::Insert => "insert",
        Access::Update => "update",
        // There are no such rights over columns.
        Access::Delete => return Ok((0..table.columns.len()).collect()),
    };
    let what = || format!("privileges on columns of table {}", table.name);
    let rows = sqlx::query(
        "SELECT COLUMN_NAME, `PRIVILEGES` FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?",
    )
    .bind(table.name.schema.as_deref())
    .bind(&table.name.name)
    .fetch_all(connection)
    .await
    .map_err(|e| error(what(), e))?;
    let mut granted = Vec::new();
    for row in &rows {
        let privileges = text(row, 1).map_err(|e| error(what(), e))?;
        let name = text(row, 0).map_err(|e| error(what(), e))?;
        if privileges.split(',').any(|privilege| privilege == word) {
            granted.extend(table.index_of(&name));
        }
    }
    granted.sort_unstable();
    Ok(granted)
}

/// Tables and views of `schema`, else of the connection's own, by name.
pub(crate) async fn tables(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CREATE_OPTIONS FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_SCHEMA NOT IN ({SYSTEM}) \
         AND TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
    );
    let what = "list the tables";
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(schema)
        .fetch_all(connection)
        .await
        .map_err(|e| error(what, e))?;
    let mut tables = rows
        .iter()
        .map(|row| {
            let name = TableName {
                schema: Some(text(row, 0)?),
                name: text(row, 1)?,
            };
            Ok((name, table_type(&text(row, 2)?, &text(row, 3)?)))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| error(what, e))?;
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

fn table_type(text: &str, options: &str) -> TableType {
    match text {
        "VIEW" => TableType::View,
        _ if options.to_ascii_lowercase().contains("partitioned") => TableType::Partitioned,
        _ => TableType::Table,
    }
}

/// Text of the catalogue, which servers give as text or as bytes; empty for NULL.
pub(crate) fn text(row: &MySqlRow, i: usize) -> Result<String, sqlx::Error> {
    Ok(optional(row, i)?.unwrap_or_default())
}

/// The same; `None` for NULL.
pub(crate) fn optional(row: &MySqlRow, i: usize) -> Result<Option<String>, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get_unchecked(i)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// A part of the query: what its rows are called, where they are from, what of them is asked, and
/// the condition beside that of the table.
struct Part {
    tag: &'static str,
    from: &'static str,
    schema: &'static str,
    /// A place, a name and what else the part tells.
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
            "''",
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
        tag: "unique",
        from: "STATISTICS",
        schema: "TABLE_SCHEMA",
        columns: [
            "SEQ_IN_INDEX",
            "COLUMN_NAME",
            "INDEX_NAME",
            "IF(SUB_PART IS NULL, 'YES', 'NO')",
            "''",
            "''",
            "''",
            "''",
            "''",
        ],
        condition: " AND NON_UNIQUE = 0",
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
    // JSON is a name for longtext in MariaDB; the check that the server adds tells it.
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

/// One query for all that is told of `names`, each of a schema; the parts of it are told apart by
/// the first column. All is text of one character set: the catalogue has several collations, which
/// UNION does not mix. Servers look at the named tables alone where names are compared by `=`, and
/// at one schema alone where that is.
fn describe_sql(server: &Server, names: &[TableName]) -> (String, Vec<String>) {
    let mut params = Vec::new();
    let mut parts = Vec::new();
    let schema = names
        .first()
        .and_then(|n| n.schema.clone())
        .unwrap_or_default();
    let one_schema = names.iter().all(|n| n.schema.as_ref() == Some(&schema));
    for part in &PARTS {
        if part.tag == "check" && !server.tells_checks() {
            continue;
        }
        let columns: Vec<_> = ["TABLE_NAME"]
            .iter()
            .chain(&part.columns)
            .map(|c| format!("CONVERT({c} USING utf8mb4)"))
            .collect();
        let places = |place: &str| vec![place; names.len()].join(", ");
        let condition = match names {
            [name] => {
                params.extend([schema.clone(), name.name.clone()]);
                format!("{} = ? AND TABLE_NAME = ?", part.schema)
            }
            _ if one_schema => {
                params.push(schema.clone());
                params.extend(names.iter().map(|n| n.name.clone()));
                format!("{} = ? AND TABLE_NAME IN ({})", part.schema, places("?"))
            }
            _ => {
                for name in names {
                    params.extend([name.schema.clone().unwrap_or_default(), name.name.clone()]);
                }
                format!("({}, TABLE_NAME) IN ({})", part.schema, places("(?, ?)"))
            }
        };
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

/// The tables `names`, in one round trip; `None` where there is none of a name.
pub(crate) async fn describe(
    connection: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
    values: &ValueOptions,
) -> Result<Vec<Option<Table>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<_> = names
        .iter()
        .map(|name| TableName {
            schema: name.schema.clone().or(server.database.clone()),
            name: name.name.clone(),
        })
        .collect();
    let what = || match &names[..] {
        [name] => format!("describe table {name}"),
        names => format!("describe {} tables", names.len()),
    };
    let (sql, params) = describe_sql(server, &names);
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(names.len() == 1);
    for param in params {
        query = query.bind(param);
    }
    let rows = query
        .fetch_all(connection)
        .await
        .map_err(|e| error(what(), e))?;
    let mut found = BTreeMap::<TableName, Catalog>::new();
    for row in &rows {
        read(row, &mut found).map_err(|e| error(what(), e))?;
    }
    let lower = |name: &TableName| {
        let lower = |text: &String| text.to_lowercase();
        (name.schema.as_ref().map(lower), lower(&name.name))
    };
    Ok(names
        .iter()
        .map(|name| {
            let same = found.get_key_value(name).or_else(|| {
                let mut like = found.iter().filter(|(n, _)| lower(n) == lower(name));
                like.next().filter(|_| server.names_in_any_case)
            });
            same.and_then(|(name, catalog)| catalog.table(name, server, values))
        })
        .collect())
}

/// What the columns of a table are, as one number; `None` where there is no such table. Servers look
/// at the one table where both names are compared by `=`.
pub(crate) async fn fingerprint(
    connection: &mut MySqlConnection,
    server: &Server,
    name: &TableName,
) -> Result<Option<String>> {
    const SQL: &str = "SELECT CONCAT_WS(' ', COUNT(*), SUM(CRC32(CONCAT_WS(' ', \
        ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, EXTRA, COLUMN_KEY)))) \
        FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    let schema = name.schema.as_ref().or(server.database.as_ref());
    let row = sqlx::query(SQL)
        .bind(schema)
        .bind(&name.name)
        .fetch_one(connection)
        .await;
    let told = row.and_then(|row| text(&row, 0));
    let told = told.map_err(|e| error(format!("ask whether table {name} has changed"), e))?;
    // No columns: no such table.
    Ok((told != "0").then_some(told))
}

fn read(row: &MySqlRow, found: &mut BTreeMap<TableName, Catalog>) -> Result<(), sqlx::Error> {
    let name = TableName {
        schema: Some(text(row, 1)?),
        name: text(row, 2)?,
    };
    let table = found.entry(name).or_default();
    let place = text(row, 3)?.parse().unwrap_or(0);
    let name = text(row, 4)?;
    let first = text(row, 5)?;
    match text(row, 0)?.as_str() {
        "table" => {
            table.table_type = Some(table_type(&first, &text(row, 6)?));
            table.comment = Some(text(row, 7)?).filter(|c| !c.is_empty() && first != "VIEW");
            table.rows = text(row, 8)?.parse().ok();
        }
        "column" => table.columns.push((
            place,
            Described {
                name,
                column_type: first,
                nullable: text(row, 6)? == "YES",
                default: optional(row, 7)?,
                extra: text(row, 8)?,
                comment: text(row, 9)?,
                length: text(row, 10)?.parse().ok(),
                json: false,
                collation: text(row, 11)?,
            },
        )),
        "unique" => table
            .unique
            .push((first, place, name, text(row, 6)? == "YES")),
        "reference" => {
            let to = TableName {
                schema: Some(text(row, 6)?),
                name: text(row, 7)?,
            };
            let referred = text(row, 8)?;
            table.references.push((first, place, name, to, referred));
        }
        _ => table.checks.push(first),
    }
    Ok(())
}

/// What the rows of the catalogue say of one table.
#[derive(Debug, Default)]
struct Catalog {
    table_type: Option<TableType>,
    comment: Option<String>,
    rows: Option<u64>,
    columns: Vec<(i64, Described)>,
    /// Index, place in it, column, and whether the whole column is meant.
    unique: Vec<(String, i64, String, bool)>,
    /// Constraint, place in it, column, table and column that it refers to.
    references: Vec<(String, i64, String, TableName, String)>,
    /// Clauses of CHECK constraints.
    checks: Vec<String>,
}

impl Catalog {
    /// The table; `None` where there is none.
    fn table(&self, name: &TableName, server: &Server, values: &ValueOptions) -> Option<Table> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|(position, _)| *position);
        let columns = columns.into_iter().map(|(_, column)| {
            let clause = format!("json_valid(`{}`)", column.name.replace('`', "``"));
            let json = self.checks.iter().any(|c| c.eq_ignore_ascii_case(&clause));
            Described {
                json,
                ..column.clone()
            }
            .column(values, server)
        });
        let (primary_key, unique_keys, partial_keys) = self.keys();
        Some(Table {
            name: name.clone(),
            table_type: self.table_type?,
            columns: columns.collect(),
            primary_key,
            unique_keys,
            partial_keys,
            foreign_keys: self.foreign_keys(),
            inherited: false,
            comment: self.comment.clone(),
            row_estimate: self.rows,
            vendor: VENDOR,
        })
    }

    /// The primary key, the other unique keys over whole columns, and the names of those that are
    /// not.
    fn keys(&self) -> (Vec<String>, Vec<Vec<String>>, Vec<String>) {
        let mut unique: Vec<_> = self.unique.iter().collect();
        unique.sort();
        let mut keys: Vec<(&str, Vec<String>, bool)> = Vec::new();
        for (index, _, column, whole) in unique {
            // An expression instead of a column has no name.
            let whole = *whole && !column.is_empty();
            match keys.last_mut().filter(|(name, ..)| name == index) {
                Some((_, columns, all)) => {
                    columns.push(column.clone());
                    *all &= whole;
                }
                None => keys.push((index, vec![column.clone()], whole)),
            }
        }
        let (mut primary_key, mut unique_keys, mut partial) = (Vec::new(), Vec::new(), Vec::new());
        for (index, columns, whole) in keys {
            match index {
                "PRIMARY" => primary_key = columns,
                _ if whole => unique_keys.push(columns),
                _ => partial.push(index.to_owned()),
            }
        }
        (primary_key, unique_keys, partial)
    }

    fn foreign_keys(&self) -> Vec<ForeignKey> {
        let mut references: Vec<_> = self.references.iter().collect();
        references.sort();
        let mut keys: Vec<(&str, ForeignKey)> = Vec::new();
        for (constraint, _, column, table, referred) in references {
            match keys.last_mut().filter(|(name, _)| name == constraint) {
                Some((_, key)) => {
                    key.columns.push(column.clone());
                    key.referred.push(referred.clone());
                }
                None => keys.push((
                    constraint,
                    ForeignKey {
                        columns: vec![column.clone()],
                        table: table.clone(),
                        referred: vec![referred.clone()],
                    },
                )),
            }
        }
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

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
