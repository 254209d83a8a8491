//! What the rows of the catalogue say of one table.
use crate::types::{Base, Declared, VENDOR_NAME};
use dialect_core::{Column, ForeignKey, Table, TableName, TableType, ValueOptions, equates};
use tiberius::{ColumnData, Row};

/// One table, as its rows come.
#[derive(Debug, Default)]
pub(crate) struct Found {
    name: Option<(TableName, TableType)>,
    comment: Option<String>,
    row_estimate: Option<u64>,
    identity: Option<String>,
    columns: Vec<Described>,
    /// Number of the index, whether it is the primary key, and its columns.
    indexes: Vec<(i64, bool, Vec<String>)>,
    references: Vec<(i64, ForeignKey)>,
}

/// A column, as the catalogue or the description of a query reports it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    name: String,
    vendor_type: String,
    nullable: bool,
    identity: bool,
    generated: bool,
    /// Its text, where the user may see it.
    default: Option<String>,
    has_default: bool,
    comment: Option<String>,
    /// Of text.
    collation: Option<String>,
}

impl Found {
    pub(crate) fn read(&mut self, row: &Row) {
        match string(row, 0).as_str() {
            "table" => {
                let name = TableName {
                    schema: Some(string(row, 2)),
                    name: string(row, 3),
                };
                self.name = Some((name, table_type(&string(row, 4))));
                self.row_estimate = optional(row, 5).and_then(|rows| u64::try_from(rows).ok());
                self.comment = given(row, 6);
                self.identity = given(row, 7);
            }
            "column" => self.columns.push(Described::of_table(row)),
            "index" => {
                let (index, column) = (number(row, 2), string(row, 4));
                match self.indexes.last_mut().filter(|(i, ..)| *i == index) {
                    Some((.., columns)) => columns.push(column),
                    None => self
                        .indexes
                        .push((index, number(row, 3) == 1, vec![column])),
                }
            }
            "reference" => {
                let (key, column, referred) = (number(row, 2), string(row, 3), string(row, 6));
                match self.references.last_mut().filter(|(k, _)| *k == key) {
                    Some((_, reference)) => {
                        reference.columns.push(column);
                        reference.referred.push(referred);
                    }
                    None => self.references.push((
                        key,
                        ForeignKey {
                            columns: vec![column],
                            table: TableName {
                                schema: Some(string(row, 4)),
                                name: string(row, 5),
                            },
                            referred: vec![referred],
                        },
                    )),
                }
            }
            _ => {}
        }
    }

    /// The table; `None` where there is none.
    pub(crate) fn table(self, values: &ValueOptions) -> Option<Table> {
        let (name, table_type) = self.name?;
        let mut primary_key = Vec::new();
        let mut unique_keys = Vec::new();
        for (_, primary, columns) in self.indexes {
            if primary {
                primary_key = columns;
            } else {
                unique_keys.push(columns);
            }
        }
        Some(Table {
            name,
            table_type,
            columns: self
                .columns
                .into_iter()
                .map(|column| column.column(values))
                .collect(),
            primary_key,
            unique_keys,
            foreign_keys: self.references.into_iter().map(|(_, key)| key).collect(),
            inherited: false,
            comment: self.comment,
            row_estimate: self.row_estimate,
            identity: self.identity,
            vendor: VENDOR_NAME,
            ..Table::default()
        })
    }
}

/// A type of the catalogue in its numbers.
pub(crate) struct Numbers {
    pub(crate) max_length: i64,
    pub(crate) precision: i64,
    pub(crate) scale: i64,
}

/// A built-in type as it is written in DDL.
pub(crate) fn written(name: &str, numbers: &Numbers) -> String {
    let Numbers {
        max_length,
        precision,
        scale,
    } = numbers;
    match name {
        "char" | "varchar" | "binary" | "varbinary" | "nchar" | "nvarchar" => {
            let of_character = if name.starts_with('n') { 2 } else { 1 };
            match max_length {
                -1 => format!("{name}(max)"),
                bytes => format!("{name}({})", bytes / of_character),
            }
        }
        "decimal" | "numeric" => format!("{name}({precision},{scale})"),
        "time" | "datetime2" | "datetimeoffset" => format!("{name}({scale})"),
        // Eight bytes in front of four for each number.
        "vector" => format!("vector({})", (max_length - 8) / 4),
        "timestamp" => "rowversion".to_owned(),
        name => name.to_owned(),
    }
}

/// A type with its collation, where that determines what it holds or how it is compared.
pub(crate) fn collated(written: String, collation: Option<String>, is_default: bool) -> String {
    let Some(declared) = Declared::parse(&written) else {
        return written;
    };
    let narrow = matches!(declared.base, Base::Char | Base::VarChar | Base::Text);
    match collation {
        Some(collation) if declared.base != Base::Other && (narrow || !is_default) => {
            format!("{written} COLLATE {collation}")
        }
        _ => written,
    }
}

/// The name of a type of the user's.
fn qualified(schema: &str, name: &str) -> String {
    let quoted = |name: &str| format!("[{}]", name.replace(']', "]]"));
    format!("{}.{}", quoted(schema), quoted(name))
}

impl Described {
    fn of_table(row: &Row) -> Self {
        let (user_type, base) = (string(row, 3), given(row, 5));
        let (user_defined, assembly) = (number(row, 6) == 1, number(row, 7) == 1);
        let numbers = Numbers {
            max_length: number(row, 8),
            precision: number(row, 9),
            scale: number(row, 10),
        };
        let written = match base {
            _ if user_defined && assembly => qualified(&string(row, 4), &user_type),
            // An alias is its base type.
            Some(base) if user_defined => written(&base, &numbers),
            _ => written(&user_type, &numbers),
        };
        let identity = number(row, 12) == 1;
        let vendor_type = collated(written, given(row, 15), number(row, 16) == 1);
        Self {
            name: string(row, 2),
            nullable: number(row, 11) == 1,
            identity,
            // The server alone makes versions of rows.
            generated: number(row, 13) > 0 || vendor_type == "rowversion",
            default: given(row, 14),
            has_default: optional(row, 18) == Some(1),
            comment: given(row, 17),
            collation: given(row, 15),
            vendor_type,
        }
    }

    pub(crate) fn of_query(row: &Row) -> Self {
        let numbers = Numbers {
            max_length: number(row, 10),
            precision: 0,
            scale: 0,
        };
        let written = match (given(row, 2), given(row, 3), given(row, 4)) {
            (Some(system), ..) => match system.as_str() {
                "timestamp" => "rowversion".to_owned(),
                "vector" => written("vector", &numbers),
                _ => system,
            },
            (None, Some(name), schema) if schema.as_deref() == Some("sys") => name,
            (None, Some(name), schema) => qualified(&schema.unwrap_or_default(), &name),
            (None, None, _) => String::new(),
        };
        Self {
            name: string(row, 0),
            nullable: number(row, 1) == 1,
            identity: number(row, 5) == 1,
            vendor_type: collated(written, given(row, 6), number(row, 7) == 1),
            ..Self::default()
        }
    }

    pub(crate) fn column(self, values: &ValueOptions) -> Column {
        let declared = Declared::parse(&self.vendor_type);
        let kind = declared.as_ref().and_then(|d| d.kind(values));
        let sequence = self
            .default
            .as_deref()
            .is_some_and(|default| default.contains("NEXT VALUE FOR"));
        Column {
            extension: match (&declared, &kind) {
                (Some(declared), Some(kind)) => declared.extension(kind),
                _ => None,
            },
            length: declared.as_ref().and_then(|d| match d.base {
                Base::RowVersion => Some(8),
                _ => d.length().map(u32::from),
            }),
            kind,
            name: self.name,
            base_type: None,
            vendor_type: self.vendor_type,
            values: Vec::new(),
            nullable: self.nullable,
            has_default: self.has_default || self.default.is_some() || self.identity,
            default: self.default,
            auto_increment: self.identity || sequence,
            generated: self.generated,
            user_type: None,
            identity_always: self.identity,
            comment: self.comment,
            // Texts are compared as if blanks stood at their ends, in every collation.
            equates: self
                .collation
                .and_then(|collation| equates("char", &collation)),
        }
    }
}

/// The type of the table that the catalogue has this word for.
pub(crate) fn table_type(kind: &str) -> TableType {
    match kind {
        "foreign" => TableType::Foreign,
        "indexed view" => TableType::MaterializedView,
        "view" => TableType::View,
        "partitioned" => TableType::Partitioned,
        _ => TableType::Table,
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
