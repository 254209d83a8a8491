//! Column names that differ only in case.
use crate::{config::SinkConfig, target::Target};
use connect_api::{Result, Schema, arrow::schema::Field};
use dialect_core::{Dialect, Table};

impl Target {
    /// Checks that the columns to create have distinct names for the database.
    ///
    /// # Errors `Schema`: two names differ only in case, and the database does not distinguish
    /// them.
    pub(crate) fn check_case_conflicts(
        &self,
        dialect: &dyn Dialect,
        fields: &[&Field],
    ) -> Result<()> {
        if !dialect.capabilities().folds_columns {
            return Ok(());
        }
        for (i, field) in fields.iter().enumerate() {
            let like = |other: &&&Field| other.name().eq_ignore_ascii_case(field.name());
            if let Some(other) = fields[..i].iter().find(like) {
                return Err(self.schema_error(format_args!(
                    "the records have columns `{}` and `{}`, which are the same name in {}; list \
                     the columns to write in fields.whitelist",
                    other.name(),
                    field.name(),
                    dialect.name()
                )));
            }
        }
        Ok(())
    }
}

/// The table has no column for this field of the records. A column whose name differs only in case
/// counts, unless the records have that exact name too and the database distinguishes them.
pub(crate) fn is_missing(
    table: &Table,
    dialect: &dyn Dialect,
    schema: &Schema,
    field: &Field,
) -> bool {
    match table.column(field.name()) {
        None => true,
        Some(column) if column.name == *field.name() => false,
        Some(column) => {
            !dialect.capabilities().folds_columns && schema.index_of(&column.name).is_some()
        }
    }
}

impl SinkConfig {
    /// This column of the records is written, or is part of the key. A listed name that differs
    /// only in case counts, unless the records have that exact name too.
    pub(crate) fn writes_field(&self, schema: &Schema, column: &str, key: &[String]) -> bool {
        let means = |listed: &String| {
            listed == column
                || (listed.eq_ignore_ascii_case(column) && schema.index_of(listed).is_none())
        };
        self.fields.0.is_empty() || self.fields.0.iter().chain(key).any(means)
    }
}
