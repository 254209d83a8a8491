//! Statements around the temporary table that the rows of a write are gathered in.
use crate::plan::{
    statements::{Merge, copy},
    update_first::Replace,
};
use dialect_core::Table;
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// Statements around a temporary table.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) create: Arc<str>,
    /// The same for one transaction.
    pub(crate) create_local: Arc<str>,
    pub(crate) copy: Arc<str>,
    pub(crate) merge: Arc<str>,
    /// The faster way of an upsert of rows that are there, where it is one.
    pub(crate) replace: Option<Replace>,
    pub(crate) empty: Arc<str>,
}

impl Merge<'_> {
    pub(crate) fn stage(&self, table: &Table) -> Stage {
        let definitions: Vec<_> = self
            .columns
            .iter()
            .zip(self.targets)
            .zip(&self.names)
            .map(|((column, target), name)| {
                if target.is_exact(column) {
                    format!("{name} {}", column.vendor_type)
                } else {
                    format!("{name} {}", target.name())
                }
            })
            .collect();
        let definitions = definitions.join(", ");
        // Plans over the same columns share a table, and a connection's tables stay few.
        let mut hasher = DefaultHasher::new();
        definitions.hash(&mut hasher);
        let name = format!("connect_stage_{:016x}", hasher.finish());
        Stage {
            create: format!("CREATE TEMPORARY TABLE {name} ({definitions}) ON COMMIT DELETE ROWS")
                .into(),
            create_local: format!("CREATE TEMPORARY TABLE {name} ({definitions}) ON COMMIT DROP")
                .into(),
            copy: copy(&format!("pg_temp.{name}"), &self.names),
            merge: self.statement(&format!("pg_temp.{name} AS r")).into(),
            replace: Replace::new(self, table, &format!("pg_temp.{name}")),
            empty: format!("TRUNCATE pg_temp.{name}").into(),
            name,
        }
    }
}
