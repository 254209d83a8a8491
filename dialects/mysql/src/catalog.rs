//! Tables as `information_schema` describes them.
use crate::{
    refusal::error,
    server::{Family, Server},
    syntax::{BOOLEAN, UTC, UUID},
};
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{Column, Table, TableName, TableType};
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

#[derive(Debug, Default)]
struct Described {
    name: String,
    column_type: String,
    nullable: bool,
    default: bool,
    extra: String,
    comment: String,
    length: Option<u64>,
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
        }))
    }
}

impl Described {
    fn column(&self, json: bool, tinyint1_is_bool: bool) -> Column {
        let extra = self.extra.to_ascii_lowercase();
        let base = base_type(&self.column_type);
        let kind = match (base, self.comment.as_str()) {
            ("tinyint", BOOLEAN) if self.column_type.starts_with("tinyint(1)") => Some(Kind::Bool),
            ("tinyint", _) if tinyint1_is_bool && self.column_type == "tinyint(1)" => {
                Some(Kind::Bool)
            }
            ("datetime", UTC) => Some(Kind::Timestamp { utc: true }),
            ("binary", UUID) if self.length == Some(16) => Some(Kind::Uuid),
            ("longtext", _) if json => Some(Kind::Json),
            _ => kind(&self.column_type),
        };
        let sized = matches!(base, "char" | "varchar" | "binary" | "varbinary");
        Column {
            name: self.name.clone(),
            kind,
            vendor_type: if json {
                "json".to_owned()
            } else {
                self.column_type.clone()
            },
            length: self
                .length
                .filter(|_| sized)
                .and_then(|l| u32::try_from(l).ok()),
            nullable: self.nullable,
            has_default: self.default
                || extra.contains("default_generated")
                || extra.contains("auto_increment"),
            auto_increment: extra.contains("auto_increment"),
            generated: extra.contains("virtual generated")
                || extra.contains("stored generated")
                || extra.contains("persistent"),
        }
    }
}

/// `decimal` of `decimal(12,2) unsigned`.
pub(crate) fn base_type(column_type: &str) -> &str {
    column_type.split(['(', ' ']).next().unwrap_or(column_type)
}

/// The numbers in the brackets of `decimal(12,2)`; those that are not there are `None`.
pub(crate) fn type_numbers(column_type: &str) -> (Option<u8>, Option<u8>) {
    let Some((_, rest)) = column_type.split_once('(') else {
        return (None, None);
    };
    let mut numbers = rest
        .split(')')
        .next()
        .unwrap_or_default()
        .split(',')
        .map(|n| n.trim().parse().ok());
    (numbers.next().flatten(), numbers.next().flatten())
}

/// What a column of this type holds; `None` for types that are not carried.
pub(crate) fn kind(column_type: &str) -> Option<Kind> {
    let unsigned = column_type.contains(" unsigned");
    let numbers = type_numbers(column_type);
    Some(match (base_type(column_type), unsigned) {
        ("tinyint", false) => Kind::Int8,
        ("tinyint", true) => Kind::UInt8,
        ("smallint", false) => Kind::Int16,
        ("smallint", true) => Kind::UInt16,
        ("mediumint" | "int" | "integer", false) => Kind::Int32,
        ("mediumint" | "int" | "integer", true) => Kind::UInt32,
        ("bigint", false) => Kind::Int64,
        ("bigint", true) => Kind::UInt64,
        ("float", _) => Kind::Float32,
        ("double" | "real", _) => Kind::Float64,
        ("decimal" | "numeric", _) => {
            let (precision, scale) = (numbers.0.unwrap_or(10), numbers.1.unwrap_or(0));
            if precision > 38 {
                return None;
            }
            Kind::Decimal {
                precision,
                scale: i8::try_from(scale).ok()?,
            }
        }
        ("bit", _) if numbers.0.unwrap_or(1) == 1 => Kind::Bool,
        ("bit", _) => Kind::UInt64,
        (
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
            | "inet4" | "inet6",
            _,
        ) => Kind::Text,
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => {
            Kind::Bytes
        }
        ("date", _) => Kind::Date,
        ("time", _) => Kind::Time,
        ("datetime", _) => Kind::Timestamp { utc: false },
        ("timestamp", _) => Kind::Timestamp { utc: true },
        ("year", _) => Kind::Int16,
        ("json", _) => Kind::Json,
        ("uuid", _) => Kind::Uuid,
        _ => return None,
    })
}
