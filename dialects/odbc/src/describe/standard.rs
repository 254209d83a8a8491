//! ODBC's own functions: SQLTables, SQLColumns, SQLPrimaryKeys, SQLForeignKeys. SQLStatistics, which
//! would list other unique keys, is not offered by odbc-api: there are none here.
use crate::describe::{grouped, postgres::references};
use crate::{session::Session, types::standard};
use connect_api::{Kind, Result};
use dialect_core::{Column, Table, TableName, TableType};
use odbc_api::{ColumnsRow, Error as OdbcError, parameter::VarCharArray};

fn text<const N: usize>(cell: &VarCharArray<N>) -> String {
    String::from_utf8_lossy(cell.as_bytes().unwrap_or_default())
        .trim_end()
        .to_owned()
}

fn schema_of(text: String) -> Option<String> {
    Some(text).filter(|schema| !schema.is_empty())
}

fn list(session: &Session, schema: &str) -> Result<Vec<(TableName, TableType)>, OdbcError> {
    let mut tables = Vec::new();
    for row in session.connection.tables("", schema, "", "TABLE,VIEW")? {
        let row = row?;
        let name = TableName {
            schema: schema_of(text(&row.schema)),
            name: text(&row.table),
        };
        let kind = match &*text(&row.table_type) {
            "VIEW" => TableType::View,
            _ => TableType::Table,
        };
        tables.push((name, kind));
    }
    Ok(tables)
}

pub(super) fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    session.check()?;
    let found = list(session, schema.unwrap_or_default());
    found.map_err(|e| session.fault("listing tables", &e))
}

pub(super) fn describe(session: &mut Session, name: &TableName) -> Result<Option<Table>> {
    session.check()?;
    let found = described(session, name);
    found.map_err(|e| session.fault(format_args!("describing table {name}"), &e))
}

fn described(session: &Session, name: &TableName) -> Result<Option<Table>, OdbcError> {
    let schema = name.schema.as_deref().unwrap_or_default();
    let mut columns = Vec::new();
    let mut found = None;
    // The name is a pattern to ODBC: what it also fits is left out.
    for row in session.connection.columns("", schema, &name.name, "")? {
        let row = row?;
        let table = text(&row.table);
        let own = TableName {
            schema: schema_of(text(&row.schema)),
            name: table,
        };
        if own.name != name.name && !own.name.eq_ignore_ascii_case(&name.name) {
            continue;
        }
        // Of several schemas, the first that is reported.
        if found.get_or_insert_with(|| own.clone()) == &own {
            columns.push(column(session, &row));
        }
    }
    let Some(own) = found else {
        return Ok(None);
    };
    let at = own.schema.as_deref();
    let mut primary = Vec::new();
    for row in session.connection.primary_keys(None, at, &own.name)? {
        let row = row?;
        primary.push((row.key_seq, text(&row.column)));
    }
    primary.sort_unstable();
    let mut members = Vec::new();
    let keys =
        session
            .connection
            .foreign_keys("", "", "", "", at.unwrap_or_default(), &own.name)?;
    for row in keys {
        let row = row?;
        let to = TableName {
            schema: schema_of(text(&row.pk_schema)),
            name: text(&row.pk_table),
        };
        members.push((
            text(&row.fk_name),
            (text(&row.fk_column), to, text(&row.pk_column)),
        ));
    }
    let kinds = list(session, at.unwrap_or_default())?;
    let table_type = kinds
        .iter()
        .find(|(name, _)| name.name == own.name)
        .map_or(TableType::Table, |(_, kind)| *kind);
    Ok(Some(Table {
        name: own,
        table_type,
        columns,
        primary_key: primary.into_iter().map(|(_, name)| name).collect(),
        foreign_keys: references(grouped(members)),
        vendor: session.server.syntax.profile.vendor(),
        ..Table::default()
    }))
}

fn column(session: &Session, row: &ColumnsRow) -> Column {
    let size = row.column_size.as_opt().copied().unwrap_or_default();
    let size = usize::try_from(size).unwrap_or_default();
    let digits = row.decimal_digits.as_opt().copied().unwrap_or_default();
    let type_name = text(&row.type_name);
    let kind = standard(
        row.data_type,
        size,
        digits,
        &type_name,
        session.server.syntax.profile,
        &session.settings.values,
    );
    let default = text(&row.column_default);
    let default = Some(default).filter(|d| !d.is_empty() && !d.eq_ignore_ascii_case("null"));
    let comment = text(&row.remarks);
    let counts = type_name.contains("identity") || type_name.contains("serial");
    let lengthy = matches!(kind, Some(Kind::Text | Kind::Bytes)) && (1..=8_000).contains(&size);
    Column {
        name: text(&row.column_name),
        vendor_type: match (&kind, lengthy) {
            (Some(Kind::Decimal { .. } | Kind::WideDecimal { .. }), _) => {
                format!("{type_name}({size},{digits})")
            }
            (_, true) => format!("{type_name}({size})"),
            _ => type_name,
        },
        kind,
        length: if lengthy {
            u32::try_from(size).ok()
        } else {
            None
        },
        // SQL_NO_NULLS
        nullable: row.nullable != 0,
        has_default: default.is_some() || counts,
        auto_increment: counts,
        default,
        comment: Some(comment).filter(|c| !c.is_empty()),
        ..Column::default()
    }
}
