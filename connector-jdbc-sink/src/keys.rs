//! Warnings about the keys of the target table.
use crate::{config::SinkConfig, target::Target};
use dialect_core::{Dialect, OtherKeys, WriteOp};

impl Target {
    /// Warnings about the table's keys: key columns whose collation treats different texts as
    /// equal, and other unique keys that affect an upsert.
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
                    "table {}: key column `{}` ignores {equates} when keys are compared; rows \
                     whose keys differ only in that are merged into one row, and the last one wins",
                    self.name, column.name
                ));
            }
        }
        let others = table.other_keys(&key);
        let upsert = config.write_op() == WriteOp::Upsert;
        if upsert && dialect.capabilities().upsert_by_any_key && !others.is_empty() {
            let what = match config.other_keys {
                OtherKeys::Refuse => {
                    "is rejected (set upsert.other.keys=update to update that row instead)"
                }
                OtherKeys::Update => {
                    "updates that row (set upsert.other.keys=refuse to reject the new one)"
                }
            };
            notes.push(format!(
                "table {}: it has unique keys other than ({}): {}; a row that conflicts there \
                 with a row of another key {what}",
                self.name,
                key.join(", "),
                others.join("; ")
            ));
        }
        notes
    }
}
