//! Tables that were made again under their name: between two polls, and while no task ran.
//!
//! What the catalogue has of a table's identity is stored with its position, and asked for at the start and
//! with each look for tables, for all tables together. Where it also changes for other reasons, rows tell:
//! those of a table that was altered are still there.
use crate::{
    failed_tables::concerns_table_alone,
    position::holds,
    read_plan::ReadPlan,
    row_ids::hash_value,
    scalar::query_row,
    table::{TableState, select},
};
use connect_api::{Records, Result, Row, Value};
use dialect_core::{Connection, Dialect, Identity, IdentityChanges, Page, TableName};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher as _},
    num::NonZeroU32,
};

/// Tables that are asked about together.
const TOGETHER: usize = 1_000;

/// The last row that was read, to find it again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LastRow {
    key: Vec<Value>,
    /// The names of its other columns, each with the hash of its value.
    others: Vec<(String, u64)>,
}

impl LastRow {
    fn of(plan: &ReadPlan, row: &Row<'_>, key: Vec<Value>) -> Self {
        let of_key: Vec<usize> = plan.key_columns().collect();
        let others = plan.columns.iter().filter(|i| !of_key.contains(i));
        let hash = |column: &usize| {
            let mut hasher = DefaultHasher::new();
            hash_value(&row.get(*column).to_value(), &mut hasher);
            (plan.table.columns[*column].name.clone(), hasher.finish())
        };
        Self {
            others: others.map(hash).collect(),
            key,
        }
    }

    /// It is the same row, in a table that may have other columns.
    fn is_same(&self, other: &Self) -> bool {
        let mut both = 0;
        let same = self.others.iter().all(|(name, hash)| {
            let found = other.others.iter().find(|(column, _)| column == name);
            both += usize::from(found.is_some());
            found.is_none_or(|(_, other)| other == hash)
        });
        self.key == other.key && same && both > 0
    }
}

/// The identities of tables, as far as they have one.
///
/// # Errors Errors that do not concern single tables.
pub(crate) async fn identities(
    connection: &mut dyn Connection,
    names: &[TableName],
) -> Result<HashMap<TableName, Identity>> {
    let mut identities = HashMap::with_capacity(names.len());
    for names in names.chunks(TOGETHER) {
        match connection.identities(names).await {
            Ok(found) => {
                let found = names.iter().zip(found);
                identities.extend(found.filter_map(|(name, id)| Some((name.clone(), id?))));
            }
            Err(error) if concerns_table_alone(&error) => tracing::warn!(
                error = error.report(),
                "whether tables were made again under their names cannot be asked for now"
            ),
            Err(error) => return Err(error),
        }
    }
    Ok(identities)
}

impl ReadPlan {
    /// Another table may take its name.
    pub(crate) fn has_identity(&self) -> bool {
        self.query.is_none() && self.table.table_type.is_table()
    }
}

impl TableState {
    /// Remembers the last of these rows, where it may be needed to recognise the table.
    pub(crate) fn note_last_row(&mut self, rows: &Records, key: &[Value]) {
        if !self.remembers_last_row {
            return;
        }
        if let Some(last) = rows.len().checked_sub(1) {
            self.last_row = Some(LastRow::of(&self.plan, &rows.row(last), key.to_vec()));
        }
    }

    /// Compares the identity of the table with the last one that is known. If another table has the name
    /// now, it is read from its first row; returns whether that is so.
    ///
    /// # Errors Errors of the database; `Schema`: the other table cannot be read.
    pub(crate) async fn check_identity(
        &mut self,
        now: &Identity,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        self.remembers_last_row = now.changes == IdentityChanges::WithRebuild;
        let before = self.identity.replace(now.text.clone());
        let is_new = before.is_none();
        let changed = before.is_some_and(|before| now.has_changed_since(&before));
        if !changed {
            // Otherwise a table that has no new rows would not be known by it after a restart.
            self.unsaved |= is_new && self.after.is_some() && !self.plan.bulk;
            // It was read before the identity was asked for.
            if let Some(last) = &self.last_row {
                self.known_row = Some(last.clone());
            }
            return Ok(false);
        }
        let is_other = match now.changes {
            IdentityChanges::WithTable => true,
            IdentityChanges::WithRebuild => !self.has_known_row(connection, dialect).await?,
            IdentityChanges::WithDatabase => !self.has_later_rows(connection, dialect).await?,
        };
        self.unsaved |= !self.plan.bulk;
        if !is_other {
            tracing::debug!(
                table = %self.plan.name(),
                "the table may have been made again, but the rows that were read are there"
            );
            return Ok(false);
        }
        tracing::warn!(
            table = %self.plan.name(),
            "another table has this name now: it is read from its first row"
        );
        self.begin_again(connection, dialect).await?;
        self.identity = Some(now.text.clone());
        Ok(true)
    }

    /// The row that was read last, as far as it is known, is in the table.
    async fn has_known_row(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        let known = self.known_row.clone();
        let key = known.as_ref().map(|row| &row.key).or(self.after.as_ref());
        let Some(key) = key.cloned() else {
            // Nothing was read.
            return Ok(true);
        };
        if known.is_none() && !self.plan.config.uses_timestamps() {
            // Another table has rows with these numbers, too.
            return Ok(false);
        }
        // As it is now: columns may have been added or dropped.
        let plan = self.plan_now(connection, dialect).await?;
        if key.len() != plan.key.len() {
            return Ok(false);
        }
        let row = last_up_to(&plan, &key, &plan.columns, connection, dialect).await?;
        let found = row.and_then(|row| {
            let key = plan.last_key(&row)?;
            Some(LastRow::of(&plan, &row.row(0), key))
        });
        Ok(found.is_some_and(|found| match known {
            Some(known) => known.is_same(&found),
            None => found.key == key,
        }))
    }

    /// There are rows at the position or behind it.
    async fn has_later_rows(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        let (Some(key), plan) = (&self.after, &self.plan) else {
            return Ok(true);
        };
        let there = has_rows_from(plan, key, connection, dialect).await;
        match there {
            // The next page reports it, unless that explains it by a change of columns.
            Err(error) if concerns_table_alone(&error) => Ok(true),
            there => there,
        }
    }
}

/// There are rows with this key or behind it.
async fn has_rows_from(
    plan: &ReadPlan,
    key: &[Value],
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
) -> Result<bool> {
    let columns: Vec<usize> = plan.key_columns().collect();
    let row = last_up_to(plan, key, &columns, connection, dialect).await?;
    let found = row.and_then(|row| plan.page_key(&columns, &row.row(0)));
    if found.is_some_and(|found| found.starts_with(key)) {
        return Ok(true);
    }
    let page = Page {
        columns: &columns,
        before_now: None,
        ..plan.next_page(Some(key), Some(NonZeroU32::MIN))
    };
    let statement = select(dialect, &page, &plan.config)?;
    let schema = plan.table.schema(&columns, &[])?;
    let behind = query_row(connection, &statement, &schema).await?;
    Ok(behind.is_some())
}

/// These columns of the last row up to this key.
async fn last_up_to(
    plan: &ReadPlan,
    key: &[Value],
    columns: &[usize],
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
) -> Result<Option<Records>> {
    let mut values = key.iter().enumerate();
    if plan.key.len() < key.len() || !values.all(|(part, value)| holds(plan, part, value)) {
        // The columns of the mode are others, or of other types.
        return Ok(None);
    }
    let page = Page {
        columns,
        descending: true,
        limit: Some(NonZeroU32::MIN),
        ..plan.ties_page(None, key)
    };
    let statement = select(dialect, &page, &plan.config)?;
    let schema = plan.table.schema(columns, &[])?;
    query_row(connection, &statement, &schema).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_known_by_its_key_and_the_columns_that_are_left() {
        let row = |key: i64, others: &[(&str, u64)]| LastRow {
            key: vec![Value::Int(key)],
            others: others
                .iter()
                .map(|(name, hash)| ((*name).to_owned(), *hash))
                .collect(),
        };
        let known = row(7, &[("a", 1), ("b", 2)]);
        for (found, same) in [
            (row(7, &[("a", 1), ("b", 2)]), true),
            (row(7, &[("b", 2), ("c", 9)]), true),
            (row(7, &[("a", 1), ("b", 3)]), false),
            (row(6, &[("a", 1), ("b", 2)]), false),
            (row(7, &[("c", 9)]), false),
            (row(7, &[]), false),
        ] {
            assert_eq!(known.is_same(&found), same, "{found:?}");
        }
    }
}
