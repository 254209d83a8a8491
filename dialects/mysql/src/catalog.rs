//! Tables as `information_schema` describes them.
use crate::{
    declared::Described,
    refusal::error,
    server::{Family, Server},
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Table, TableName, TableType};
use sqlx::{AssertSqlSafe, MySqlConnection, Row as _, mysql::MySqlRow};

/// The schemas of the servers themselves.
const SYSTEM: &str = "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// Tables and views of `schema`, else of the connection's own, by name.
pub(crate) async fn tables(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
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
            Ok((name, table_type(&text(row, 2)?)))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| error(what, e))?;
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

fn table_type(text: &str) -> TableType {
    match text {
        "VIEW" => TableType::View,
        _ => TableType::Table,
    }
}

/// Text of the catalogue, which servers give as text or as bytes.
fn text(row: &MySqlRow, i: usize) -> Result<String, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get_unchecked(i)?;
    Ok(String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned())
}

/// One query for columns, unique indexes and JSON checks, told apart by the first column. All is
/// text of one character set: the catalogue has several collations, which UNION does not mix.
fn describe_sql(server: &Server) -> String {
    fn part(tag: &str, columns: [&str; 9], from: &str, schema: &str) -> String {
        let columns: Vec<_> = columns
            .iter()
            .map(|c| format!("CONVERT({c} USING utf8mb4)"))
            .collect();
        let table = schema
            .replace("SCHEMA", "NAME")
            .replace("CONSTRAINT", "TABLE");
        format!(
            "SELECT '{tag}', {} FROM information_schema.{from} \
             WHERE {schema} = COALESCE(?, DATABASE()) AND {table} = ?",
            columns.join(", ")
        )
    }
    let mut sql = [
        part(
            "table",
            [
                "0",
                "TABLE_NAME",
                "TABLE_TYPE",
                "TABLE_SCHEMA",
                "''",
                "''",
                "''",
                "''",
                "''",
            ],
            "TABLES",
            "TABLE_SCHEMA",
        ),
        part(
            "column",
            [
                "ORDINAL_POSITION",
                "COLUMN_NAME",
                "COLUMN_TYPE",
                "IS_NULLABLE",
                "IF(COLUMN_DEFAULT IS NULL OR COLUMN_DEFAULT = 'NULL', 'NO', 'YES')",
                "EXTRA",
                "COLUMN_COMMENT",
                "CHARACTER_MAXIMUM_LENGTH",
                "''",
            ],
            "COLUMNS",
            "TABLE_SCHEMA",
        ),
        part(
            "unique",
            [
                "SEQ_IN_INDEX",
                "COLUMN_NAME",
                "INDEX_NAME",
                "IF(SUB_PART IS NULL, 'YES', 'NO')",
                "''",
                "''",
                "''",
                "''",
                "NON_UNIQUE",
            ],
            "STATISTICS",
            "TABLE_SCHEMA",
        ),
    ]
    .join(" UNION ALL ");
    if server.family == Family::MariaDb {
        // JSON is a name for longtext; the check that the server adds tells it.
        sql.push_str(" UNION ALL ");
        sql.push_str(&part(
            "check",
            [
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
            "CHECK_CONSTRAINTS",
            "CONSTRAINT_SCHEMA",
        ));
    }
    sql
}

/// The table `name`; `None` where there is none.
pub(crate) async fn describe(
    connection: &mut MySqlConnection,
    server: &Server,
    name: &TableName,
    tinyint1_is_bool: bool,
) -> Result<Option<Table>> {
    let sql = describe_sql(server);
    let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
    for _ in 0..sql.matches('?').count() / 2 {
        query = query.bind(name.schema.as_deref()).bind(&name.name);
    }
    let what = || format!("describe table {name}");
    let rows = query
        .fetch_all(connection)
        .await
        .map_err(|e| error(what(), e))?;
    let mut catalog = Catalog::default();
    for row in &rows {
        catalog.read(row).map_err(|e| error(what(), e))?;
    }
    catalog.table(tinyint1_is_bool)
}

/// What the rows of the catalogue say of one table.
#[derive(Debug, Default)]
struct Catalog {
    name: Option<(TableName, TableType)>,
    columns: Vec<(i64, Described)>,
    /// Index, place in it, column, and whether the whole column is meant.
    unique: Vec<(String, i64, String, bool)>,
    /// Clauses of CHECK constraints.
    checks: Vec<String>,
}

impl Catalog {
    fn read(&mut self, row: &MySqlRow) -> Result<(), sqlx::Error> {
        let place = text(row, 1)?.parse().unwrap_or(0);
        let name = text(row, 2)?;
        let third = text(row, 3)?;
        match text(row, 0)?.as_str() {
            "table" => {
                let schema = Some(text(row, 4)?);
                self.name = Some((TableName { schema, name }, table_type(&third)));
            }
            "column" => self.columns.push((
                place,
                Described {
                    name,
                    column_type: third,
                    nullable: text(row, 4)? == "YES",
                    default: text(row, 5)? == "YES",
                    extra: text(row, 6)?,
                    comment: text(row, 7)?,
                    length: text(row, 8)?.parse().ok(),
                },
            )),
            "unique" if text(row, 9)? == "0" => {
                self.unique
                    .push((third, place, name, text(row, 4)? == "YES"));
            }
            "check" => self.checks.push(third),
            _ => {}
        }
        Ok(())
    }

    fn table(mut self, tinyint1_is_bool: bool) -> Result<Option<Table>> {
        let Some((name, table_type)) = self.name else {
            return Ok(None);
        };
        self.columns.sort_by_key(|(position, _)| *position);
        self.unique.sort();
        let mut keys: Vec<(&str, Vec<String>, bool)> = Vec::new();
        for (index, _, column, whole) in &self.unique {
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
        let mut primary_key = Vec::new();
        let mut unique_keys = Vec::new();
        for (index, columns, whole) in keys {
            match index {
                "PRIMARY" => primary_key = columns,
                _ if whole => unique_keys.push(columns),
                _ => {}
            }
        }
        let columns = self
            .columns
            .iter()
            .map(|(_, column)| {
                let clause = format!("json_valid(`{}`)", column.name.replace('`', "``"));
                let json = self
                    .checks
                    .iter()
                    .any(|check| check.eq_ignore_ascii_case(&clause));
                column.column(json, tinyint1_is_bool)
            })
            .collect();
        if primary_key.iter().any(String::is_empty) {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("table {name}: its primary key cannot be read"),
            ));
        }
        Ok(Some(Table {
            name,
            table_type,
            columns,
            primary_key,
            unique_keys,
            ..Table::default()
        }))
    }
}
