//! Tables as the catalogue describes them: several in one exchange.
use crate::{
    catalog::rows::{Described, Found},
    session::Session,
    syntax::SqlServerSyntax,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Access, Syntax as _, Table, TableName, TableType, ValueOptions};
use std::borrow::Cow;
use tiberius::{ColumnData, Row};

/// Tables that are described in one exchange: each is a bound value.
const MOST_AT_ONCE: usize = 1_000;

fn text(text: &str) -> ColumnData<'_> {
    ColumnData::String(Some(Cow::Borrowed(text)))
}

/// Tables and views of `schema`, else of the user's own, by name.
pub(crate) async fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let sql = format!(
        "SELECT s.name, o.name, {KIND} FROM sys.objects AS o \
         INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
         LEFT JOIN sys.tables AS b ON b.object_id = o.object_id \
         WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 \
         AND s.name = COALESCE(@P1, SCHEMA_NAME())"
    );
    let schema = schema.map_or(ColumnData::String(None), text);
    let rows = session.rows("list the tables", &sql, vec![schema]).await?;
    let mut tables: Vec<_> = rows
        .iter()
        .map(|row| {
            let name = TableName {
                schema: Some(string(row, 0)),
                name: string(row, 1),
            };
            (name, table_type(&string(row, 2)))
        })
        .collect();
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

/// What stands behind the name of `o`, whose row in `sys.tables` is `b`.
const KIND: &str = "CASE WHEN b.is_external = 1 THEN N'foreign' \
    WHEN o.type = 'V' AND EXISTS (SELECT 1 FROM sys.indexes AS x \
    WHERE x.object_id = o.object_id AND x.index_id = 1) THEN N'indexed view' \
    WHEN o.type = 'V' THEN N'view' \
    WHEN EXISTS (SELECT 1 FROM sys.indexes AS x INNER JOIN sys.partition_schemes AS p \
    ON p.data_space_id = x.data_space_id WHERE x.object_id = o.object_id AND x.index_id IN (0, 1)) \
    THEN N'partitioned' ELSE N'table' END";

pub(crate) fn table_type(kind: &str) -> TableType {
    match kind {
        "foreign" => TableType::Foreign,
        "indexed view" => TableType::MaterializedView,
        "view" => TableType::View,
        "partitioned" => TableType::Partitioned,
        _ => TableType::Table,
    }
}

/// The queries for so many tables, whose quoted names are bound; told apart by their first column.
fn describe_sql(count: usize) -> String {
    let ids: Vec<_> = (0..count)
        .map(|i| format!("({i}, OBJECT_ID(@P{}))", i + 1))
        .collect();
    let names = format!("(VALUES {}) AS n (i, id)", ids.join(", "));
    let comment = |owner: &str, minor: &str| {
        format!(
            "(SELECT CONVERT(nvarchar(4000), e.value) FROM sys.extended_properties AS e \
             WHERE e.class = 1 AND e.major_id = {owner} AND e.minor_id = {minor} \
             AND e.name = N'MS_Description')"
        )
    };
    let tables = format!(
        "SELECT N'table', n.i, s.name, o.name, {KIND}, \
         (SELECT SUM(p.rows) FROM sys.partitions AS p \
         WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)), {} \
         FROM {names} INNER JOIN sys.objects AS o ON o.object_id = n.id AND o.type IN ('U', 'V') \
         INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
         LEFT JOIN sys.tables AS b ON b.object_id = o.object_id",
        comment("o.object_id", "0")
    );
    let columns = format!(
        "SELECT N'column', n.i, c.name, u.name, us.name, t.name, \
         CONVERT(int, u.is_user_defined), CONVERT(int, u.is_assembly_type), \
         CONVERT(int, c.max_length), CONVERT(int, c.precision), CONVERT(int, c.scale), \
         CONVERT(int, c.is_nullable), CONVERT(int, c.is_identity), \
         CONVERT(int, c.is_computed) + CONVERT(int, c.generated_always_type), d.definition, \
         c.collation_name, CASE WHEN c.collation_name = \
         CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) THEN 1 ELSE 0 END, {}, \
         CASE WHEN c.default_object_id <> 0 THEN 1 ELSE 0 END \
         FROM {names} INNER JOIN sys.columns AS c ON c.object_id = n.id \
         INNER JOIN sys.types AS u ON u.user_type_id = c.user_type_id \
         INNER JOIN sys.schemas AS us ON us.schema_id = u.schema_id \
         LEFT JOIN sys.types AS t ON t.user_type_id = c.system_type_id \
         LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id \
         ORDER BY n.i, c.column_id",
        comment("c.object_id", "c.column_id")
    );
    let indexes = format!(
        "SELECT N'index', n.i, CONVERT(bigint, x.index_id), CONVERT(int, x.is_primary_key), c.name \
         FROM {names} INNER JOIN sys.indexes AS x ON x.object_id = n.id AND x.is_unique = 1 \
         AND x.has_filter = 0 AND x.is_disabled = 0 AND x.is_hypothetical = 0 \
         INNER JOIN sys.index_columns AS k ON k.object_id = x.object_id \
         AND k.index_id = x.index_id AND k.key_ordinal > 0 \
         INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
         ORDER BY n.i, x.index_id, k.key_ordinal"
    );
    let references = format!(
        "SELECT N'reference', n.i, CONVERT(bigint, f.object_id), c.name, rs.name, r.name, rc.name \
         FROM {names} INNER JOIN sys.foreign_keys AS f ON f.parent_object_id = n.id \
         INNER JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id \
         INNER JOIN sys.columns AS c ON c.object_id = k.parent_object_id \
         AND c.column_id = k.parent_column_id \
         INNER JOIN sys.objects AS r ON r.object_id = k.referenced_object_id \
         INNER JOIN sys.schemas AS rs ON rs.schema_id = r.schema_id \
         INNER JOIN sys.columns AS rc ON rc.object_id = k.referenced_object_id \
         AND rc.column_id = k.referenced_column_id \
         ORDER BY n.i, f.object_id, k.constraint_column_id"
    );
    [tables, columns, indexes, references].join("; ")
}

/// Several tables, in the order of `names`; `None` where there is none.
pub(crate) async fn describe(
    session: &mut Session,
    names: &[TableName],
    values: &ValueOptions,
) -> Result<Vec<Option<Table>>> {
    let mut tables = Vec::with_capacity(names.len());
    for names in names.chunks(MOST_AT_ONCE) {
        let quoted = names
            .iter()
            .map(|name| SqlServerSyntax.table(name))
            .collect::<Result<Vec<_>>>()?;
        let params = quoted.iter().map(|name| text(name)).collect();
        let what = match names {
            [name] => format!("describe table {name}"),
            names => format!("describe {} tables", names.len()),
        };
        let rows = session
            .rows(what, &describe_sql(names.len()), params)
            .await?;
        let mut found: Vec<_> = names.iter().map(|_| Found::default()).collect();
        for row in &rows {
            let place = usize::try_from(number(row, 1)).ok();
            if let Some(found) = place.and_then(|i| found.get_mut(i)) {
                found.read(row);
            }
        }
        tables.extend(found.into_iter().map(|found| found.table(values)));
    }
    Ok(tables)
}

/// What a query gives, as a table named `q`.
pub(crate) async fn describe_query(
    session: &mut Session,
    query: &str,
    values: &ValueOptions,
) -> Result<Table> {
    let what = "describe the query";
    let sql = "SELECT d.name, CONVERT(int, d.is_nullable), d.system_type_name, d.user_type_name, \
        d.user_type_schema, CONVERT(int, d.is_identity_column), d.collation_name, \
        CASE WHEN d.collation_name = \
        CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) THEN 1 ELSE 0 END, \
        CONVERT(int, d.error_number), d.error_message, CONVERT(int, d.max_length) \
        FROM sys.dm_exec_describe_first_result_set(@P1, NULL, 0) AS d \
        WHERE d.is_hidden = 0 OR d.error_number IS NOT NULL ORDER BY d.column_ordinal";
    let rows = session.rows(what, sql, vec![text(query)]).await?;
    let wrong = |why: String| Error::new(ErrorKind::Schema, format!("{what}: {why}"));
    let mut columns: Vec<dialect_core::Column> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if let Some(number) = optional(row, 8) {
            return Err(
                wrong(format!("{} (error {number} of the server)", string(row, 9)))
                    .with_code(number.to_string()),
            );
        }
        let name = string(row, 0);
        if name.is_empty() {
            return Err(wrong(format!("column {} has no name", i + 1)));
        }
        if columns.iter().any(|c| c.name == name) {
            return Err(wrong(format!("two columns have the name `{name}`")));
        }
        columns.push(Described::of_query(row).column(values));
    }
    if columns.is_empty() {
        return Err(wrong("it gives no columns".to_owned()));
    }
    Ok(Table {
        name: TableName::new("q"),
        columns,
        vendor: crate::ddl::VENDOR_NAME,
        ..Table::default()
    })
}

/// Asks whether the user may do this with the table.
pub(crate) async fn check_access(
    session: &mut Session,
    table: &Table,
    access: Access,
) -> Result<()> {
    let permission = match access {
        Access::Select => "SELECT",
        Access::Insert => "INSERT",
        Access::Update => "UPDATE",
        Access::Delete => "DELETE",
    };
    let what = format!("access to table {}", table.name);
    let name = SqlServerSyntax.table(&table.name)?;
    let sql =
        "SELECT HAS_PERMS_BY_NAME(@P1, 'OBJECT', @P2), HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'SELECT')";
    let rows = session
        .rows(&what, sql, vec![text(&name), text(permission)])
        .await?;
    let may = |i| rows.first().and_then(|row| optional(row, i));
    // Rows that change or go are found by their key.
    let finds = matches!(access, Access::Update | Access::Delete);
    match (may(0), may(1)) {
        (Some(1), Some(1)) => Ok(()),
        (Some(1), _) if !finds => Ok(()),
        (Some(1), _) => Err(Error::new(
            ErrorKind::Auth,
            format!(
                "{what}: the user may {permission} but not SELECT, and the rows are found by their key"
            ),
        )),
        (Some(_), _) => Err(Error::new(
            ErrorKind::Auth,
            format!("{what}: the user may not {permission}"),
        )),
        (None, _) => Err(Error::new(
            ErrorKind::Schema,
            format!("{what}: there is no such table"),
        )),
    }
}

/// Text of the catalogue; empty for NULL.
pub(crate) fn string(row: &Row, i: usize) -> String {
    given(row, i).unwrap_or_default()
}

/// Text of the catalogue.
pub(crate) fn given(row: &Row, i: usize) -> Option<String> {
    match row.get_column_data(i) {
        Ok(ColumnData::String(Some(text))) => Some(text.to_string()),
        _ => None,
    }
}

/// A number of the catalogue; 0 for NULL.
pub(crate) fn number(row: &Row, i: usize) -> i64 {
    optional(row, i).unwrap_or(0)
}

/// A number of the catalogue.
pub(crate) fn optional(row: &Row, i: usize) -> Option<i64> {
    match row.get_column_data(i) {
        Ok(ColumnData::I32(v)) => v.map(i64::from),
        Ok(ColumnData::I64(v)) => *v,
        _ => None,
    }
}

#[cfg(test)]
mod tests;
