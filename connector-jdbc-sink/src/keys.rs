//! What is worth knowing of the keys of a table that rows are found by.
use crate::{config::SinkConfig, target::Target};
use dialect_core::{Dialect, OtherKeys, WriteOp};

impl Target {
    /// What an operator should know of the table's keys before the first row: columns that take
    /// different texts for one, and unique keys that have a say in an upsert.
    pub(crate) fn notes(&self, config: &SinkConfig, dialect: &dyn Dialect) -> Vec<String> {
        let mut notes = Vec::new();
        let (Some(table), Ok(key)) = (&self.table, self.key(config)) else {
            return notes;
        };
        let by_key = match config.write_op() {
            WriteOp::Upsert | WriteOp::Update | WriteOp::Delete => true,
            WriteOp::Insert | WriteOp::InsertIgnore => config.delete,
        };
        let columns = key.iter().filter_map(|name| table.column(name));
        for (column, equates) in columns.filter_map(|c| Some((c, c.equates.as_ref()?))) {
            if by_key {
                notes.push(format!(
                    "table {}: key column `{}` does not tell apart: {equates}; rows whose keys \
                     differ in that alone become one row, of which the last remains",
                    self.name, column.name
                ));
            }
        }
        let others = table.other_keys(&key);
        let upsert = config.write_op() == WriteOp::Upsert;
        if upsert && dialect.capabilities().upsert_by_any_key && !others.is_empty() {
            let what = match config.other_keys {
                OtherKeys::Refuse => {
                    "is refused (upsert.other.keys=update changes that row instead)"
                }
                OtherKeys::Update => "changes that row (upsert.other.keys=refuse refuses it)",
            };
            notes.push(format!(
                "table {}: it has other unique keys than ({}): {}; a row that has there the \
                 value of a row with another key {what}",
                self.name,
                key.join(", "),
                others.join("; ")
            ));
        }
        notes
    }
}
