//! The catalogue of MySQL and MariaDB.
use crate::describe::{Row, grouped, postgres::references, rows};
use crate::{
    server::Profile,
    session::Session,
    types::{Declared, mysql, unknown},
};
use connect_api::{Kind, Result};
use dialect_core::{Column, Table, TableName, TableType, equates};

const SCHEMA: &str = "COALESCE(NULLIF(?, ''), DATABASE())";
const LIST: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT \
    FROM information_schema.TABLES WHERE TABLE_SCHEMA = ";
const COLUMNS: &str = "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, \
    CHARACTER_MAXIMUM_LENGTH, COLUMN_COMMENT, DATA_TYPE, COLLATION_NAME FROM information_schema.COLUMNS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
const KEYS: &str = "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
    ORDER BY INDEX_NAME, SEQ_IN_INDEX";
const REFERENCES: &str = "SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, \
    REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL \
    ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION";

fn table_type(text: &str) -> TableType {
    if text.contains("VIEW") {
        TableType::View
    } else {
        TableType::Table
    }
}

pub(super) fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let sql = format!("{LIST}{SCHEMA}");
    let found = rows(session, &sql, &[schema.unwrap_or_default()])?;
    Ok(found
        .into_iter()
        .map(|mut row| {
            let name = TableName {
                schema: row.option(0),
                name: row.text(1),
            };
            (name, table_type(&row.text(2)))
        })
        .collect())
}

pub(super) fn describe(session: &mut Session, name: &TableName) -> Result<Option<Table>> {
    let sql = format!("{LIST}{SCHEMA} AND TABLE_NAME = ?");
    let schema = name.schema.as_deref().unwrap_or_default();
    let mut found = rows(session, &sql, &[schema, &name.name])?;
    let Some(found) = found.first_mut() else {
        return Ok(None);
    };
    let (schema, own) = (found.text(0), found.text(1));
    let at = [&*schema, &*own];
    let columns = rows(session, COLUMNS, &at)?;
    let columns = columns
        .into_iter()
        .map(|row| column(session, row))
        .collect();
    let keys = rows(session, KEYS, &at)?;
    let members = keys.into_iter().map(|mut row| {
        // A prefix or an expression decides less than the column does.
        let whole = row.0[2].is_none();
        (row.text(0), row.option(1).filter(|_| whole))
    });
    let mut primary_key = Vec::new();
    let mut unique_keys = Vec::new();
    let mut partial_keys = Vec::new();
    for (index, columns) in grouped(members) {
        match columns.into_iter().collect::<Option<Vec<_>>>() {
            Some(columns) if index == "PRIMARY" => primary_key = columns,
            Some(columns) => unique_keys.push(columns),
            None => partial_keys.push(index),
        }
    }
    let members = rows(session, REFERENCES, &at)?.into_iter().map(|mut row| {
        let to = TableName {
            schema: row.option(2),
            name: row.text(3),
        };
        (row.text(0), (row.text(1), to, row.text(4)))
    });
    Ok(Some(Table {
        table_type: table_type(&found.text(2)),
        columns,
        primary_key,
        unique_keys,
        partial_keys,
        indexes: None,
        foreign_keys: references(grouped(members)),
        inherited: false,
        comment: found
            .option(4)
            .filter(|comment| !comment.is_empty() && comment != "VIEW"),
        row_estimate: found.text(3).parse().ok(),
        row_bytes: None,
        identity: None,
        vendor: Profile::MySql { mariadb: true }.vendor(),
        name: TableName {
            schema: Some(schema),
            name: own,
        },
    }))
}

fn column(session: &Session, mut row: Row) -> Column {
    let values = &session.settings.values;
    let (vendor_type, data_type, extra) = (row.text(1), row.text(7), row.text(4));
    let listed = matches!(&*data_type, "enum" | "set");
    let kind = if listed {
        Some(Kind::Text)
    } else {
        let known = Declared::parse(&vendor_type).and_then(|d| mysql(&d, values));
        known.or_else(|| unknown(values))
    };
    // MariaDB says NULL in letters.
    let default = row.option(3).filter(|d| d != "NULL");
    let generated = extra.contains("GENERATED") && !extra.contains("DEFAULT_GENERATED");
    let auto_increment = extra.contains("auto_increment");
    let long = data_type.ends_with("text") || data_type.ends_with("blob");
    Column {
        name: row.text(0),
        kind,
        length: row.text(5).parse().ok().filter(|_| !long && !listed),
        values: if listed {
            labels(&vendor_type)
        } else {
            Vec::new()
        },
        nullable: row.is(2, "YES"),
        has_default: (default.is_some() && !generated) || auto_increment,
        default: default.filter(|_| !generated),
        auto_increment,
        generated,
        user_type: None,
        identity_always: false,
        comment: row.option(6).filter(|comment| !comment.is_empty()),
        extension: None,
        base_type: None,
        equates: row
            .option(8)
            .and_then(|collation| equates(&data_type, &collation)),
        vendor_type,
    }
}

/// The labels of `enum('a','b''c')`.
fn labels(vendor_type: &str) -> Vec<String> {
    let Some((_, inside)) = vendor_type.split_once('(') else {
        return Vec::new();
    };
    let mut labels = Vec::new();
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(c) = chars.next() {
            if c == '\'' && chars.peek() != Some(&'\'') {
                break;
            }
            if c == '\'' {
                chars.next();
            }
            label.push(c);
        }
        labels.push(label);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn labels_are_read_with_their_quotes_and_commas() {
        assert_eq!(labels("enum('a','b''c','d,e','')"), ["a", "b'c", "d,e", ""]);
        assert!(labels("int").is_empty());
    }
}
