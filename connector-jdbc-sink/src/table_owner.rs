//! Table owners: a target table takes the rows of one source table, unless `table.merge` is set.
use connect_api::{Disposition, Error, ErrorKind, Op, Origin, PutOutcome, Records, Result};
use dialect_core::TableName;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The source tables that own target tables: the first whose rows were written. Shared by all tasks
/// of a process.
#[derive(Debug, Default)]
pub(crate) struct TableOwners(Mutex<HashMap<OwnerKey, Origin>>);

/// Connector, database and table.
type OwnerKey = (Arc<str>, String, TableName);

impl TableOwners {
    /// Makes `origin` the owner of the table; returns whether the table had no owner before.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    fn claim(&self, key: &OwnerKey, origin: &Origin) -> Result<bool> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match owners.get_mut(key) {
            None => {
                owners.insert(key.clone(), origin.clone());
                Ok(true)
            }
            Some(owner) => {
                check(&key.2, owner, origin)?;
                // Messages of older versions lack the schema.
                if owner.schema.is_none() {
                    owner.clone_from(origin);
                }
                Ok(false)
            }
        }
    }

    /// Removes the owner, because none of its rows was written.
    fn release(&self, key: &OwnerKey) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.remove(key);
    }

    /// Checks that the table has no owner, or is owned by `origin`.
    ///
    /// # Errors
    /// `Data`: another source table owns it; the message names both.
    fn check(&self, key: &OwnerKey, origin: &Origin) -> Result<()> {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match owners.get(key) {
            Some(owner) => check(&key.2, owner, origin),
            None => Ok(()),
        }
    }
}

fn check(table: &TableName, owner: &Origin, origin: &Origin) -> Result<()> {
    if owner.agrees(origin) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Data,
        format!(
            "table {table}: it takes rows of source table {owner}, but this row is from \
             {origin}; write each source table to its own table with `${{source.table}}` or \
             `${{source.schema}}` in table.name.format, or set table.merge=true"
        ),
    ))
}

/// The right of one batch of records to write to a table.
pub(crate) struct Claim {
    pub(crate) table: TableName,
    /// This claim made the source table the owner.
    new: Option<OwnerKey>,
}

/// The ownership of tables, as one task sees it.
pub(crate) struct Ownership {
    owners: Arc<TableOwners>,
    connector: Arc<str>,
    database: String,
    /// `table.merge`: tables have no owner.
    merge: bool,
}

impl Ownership {
    pub(crate) fn new(owners: Arc<TableOwners>, database: &str, merge: bool) -> Self {
        Self {
            owners,
            connector: "".into(),
            database: database.to_owned(),
            merge,
        }
    }

    /// The name of the connector, which is known when the task starts.
    pub(crate) fn set_connector(&mut self, connector: Arc<str>) {
        self.connector = connector;
    }

    /// Claims the table for the source table of the records.
    ///
    /// # Errors
    /// `Data`: another source table owns it; the message names both.
    pub(crate) fn claim(&self, table: TableName, records: &Records) -> Result<Claim> {
        let schema = records.schema().name();
        // A delete may come without a schema of its own.
        let only_deletes = records.ops().uniform() == Some(Op::Delete);
        let named = || Origin {
            schema: None,
            table: schema.into(),
        };
        let origin = match records.origin() {
            Some(origin) => Some(Origin::clone(origin)),
            None if schema.is_empty() || only_deletes => None,
            None => Some(named()),
        };
        let new = match origin.filter(|_| !self.merge) {
            Some(origin) => {
                let key = self.key(&table);
                self.owners.claim(&key, &origin)?.then_some(key)
            }
            None => None,
        };
        Ok(Claim { table, new })
    }

    /// Releases a new claim of which no row was written: the table may be meant for another
    /// source table.
    pub(crate) fn settle(&self, claim: Claim, outcome: &Result<PutOutcome>) {
        let none = match outcome {
            Ok(outcome) => outcome.written == 0,
            // A batch that is retried may have been written.
            Err(e) => e.kind().disposition() != Disposition::Retry,
        };
        if let (Some(key), true) = (claim.new, none) {
            self.owners.release(&key);
        }
    }

    /// Checks that the table has no owner yet, or is owned by this source table.
    ///
    /// # Errors
    /// `Data`: another source table owns it; the message names both.
    pub(crate) fn check(&self, table: &TableName, origin: &Origin) -> Result<()> {
        match self.merge {
            true => Ok(()),
            false => self.owners.check(&self.key(table), origin),
        }
    }

    fn key(&self, table: &TableName) -> OwnerKey {
        (self.connector.clone(), self.database.clone(), table.clone())
    }
}
