//! Tables as the rows of `information_schema` describe them.
use crate::{
    server::Server,
    types::{Described, VENDOR_NAME},
};
use dialect_core::{ForeignKey, Table, TableName, TableType, ValueOptions};
use sqlx::{Row as _, mysql::MySqlRow};
use std::collections::BTreeMap;

/// Reads a row of the answer to [`describe_sql`](crate::catalog::describe_sql).
pub(crate) fn read(
    row: &MySqlRow,
    found: &mut BTreeMap<TableName, Found>,
) -> Result<(), sqlx::Error> {
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
            table.row_bytes = text(row, 9)?.parse().ok();
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
        "index" => {
            let whole = text(row, 6)? == "YES";
            let in_order = text(row, 8)?.eq_ignore_ascii_case("BTREE");
            table.indexes.push(IndexColumn {
                index: first,
                place,
                column: name,
                whole,
                unique: text(row, 7)? == "0",
                order: in_order.then_some(text(row, 9)?),
            });
        }
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
pub(crate) struct Found {
    table_type: Option<TableType>,
    comment: Option<String>,
    rows: Option<u64>,
    row_bytes: Option<u64>,
    columns: Vec<(i64, Described)>,
    indexes: Vec<IndexColumn>,
    /// Constraint, place in it, column, table and column that it refers to.
    references: Vec<(String, i64, String, TableName, String)>,
    /// Clauses of CHECK constraints.
    checks: Vec<String>,
}

/// A column of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct IndexColumn {
    index: String,
    /// Its place in the index.
    place: i64,
    /// Its name; an expression has none.
    column: String,
    /// The whole of its values is meant.
    whole: bool,
    unique: bool,
    /// `A` or `D` where the index is in order.
    order: Option<String>,
}

impl Found {
    /// The table; `None` where there is none.
    pub(crate) fn table(
        &self,
        name: &TableName,
        server: &Server,
        values: &ValueOptions,
    ) -> Option<Table> {
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
            indexes: Some(self.indexes()),
            foreign_keys: self.foreign_keys(),
            inherited: false,
            comment: self.comment.clone(),
            row_estimate: self.rows,
            row_bytes: self.row_bytes,
            identity: None,
            vendor: VENDOR_NAME,
        })
    }

    /// The primary key, the other unique keys over whole columns, and the names of those that are
    /// not.
    fn keys(&self) -> (Vec<String>, Vec<Vec<String>>, Vec<String>) {
        let mut unique: Vec<_> = self.indexes.iter().filter(|column| column.unique).collect();
        unique.sort();
        let mut keys: Vec<(&str, Vec<String>, bool)> = Vec::new();
        for IndexColumn {
            index,
            column,
            whole,
            ..
        } in unique
        {
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

    /// The columns of each index in order, as far as their order serves.
    fn indexes(&self) -> Vec<Vec<String>> {
        let mut columns: Vec<_> = self.indexes.iter().collect();
        columns.sort();
        let of_one = columns.chunk_by(|one, next| one.index == next.index);
        let in_order = of_one.filter_map(|columns| {
            let order = columns.first()?.order.as_ref()?;
            let serves = |column: &&&IndexColumn| {
                let same = column.order.as_ref() == Some(order);
                same && column.whole && !column.column.is_empty()
            };
            let columns = columns.iter().take_while(serves);
            Some(columns.map(|column| column.column.clone()).collect())
        });
        in_order.collect()
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

/// The type of the table that the catalogue has these words for.
pub(crate) fn table_type(text: &str, options: &str) -> TableType {
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
