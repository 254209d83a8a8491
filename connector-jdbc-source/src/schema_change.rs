//! Schema changes of a table while it is read: detected with every page, before its rows are
//! returned.
use crate::{
    column_rules, discovery, position, read_plan::ReadPlan, row_ids::RowIds, table::TableState,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Connection, Dialect, Table};
use std::time::Duration;

/// How long to wait for a missing table: swapping two tables with two RENAME statements leaves the
/// name free for a moment.
const MISSING_TABLE_WAIT: Duration = Duration::from_secs(3);
const MISSING_TABLE_RETRY: Duration = Duration::from_millis(100);

impl TableState {
    /// Checks whether the columns differ from those that the current rows were read with. If so,
    /// the new columns are used from now on, and the rows must be read again.
    ///  G3: called after the rows were read and before they are returned, it detects every change
    /// that was committed before one of them. No transaction is needed for that.
    ///
    /// # Errors `Schema`: the table is missing, or can no longer be read; `Config`: the key has
    /// changed.
    pub(crate) async fn has_schema_changed(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        let changes = match &self.plan.query {
            Some(query) => Some(connection.query_fingerprint(&query.sql).await?),
            None => connection.fingerprint(&self.plan.table.name).await?,
        };
        if changes.is_some() && changes == self.fingerprint {
            return Ok(false);
        }
        // The fingerprint was taken before the description: a later change is detected next time.
        let changed = self.refresh_schema(connection, dialect).await?;
        self.fingerprint = changes;
        Ok(changed)
    }

    /// A schema change may be the cause of this error.
    pub(crate) fn may_be_schema_change(error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Schema
            | ErrorKind::Data
            | ErrorKind::Unsupported
            | ErrorKind::Auth
            | ErrorKind::Internal => true,
            ErrorKind::Config
            | ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Busy
            | ErrorKind::Conflict
            | ErrorKind::Stopped => false,
        }
    }

    /// Describes the columns again; returns whether rows are read differently from now on.
    ///
    /// # Errors
    /// As [`has_schema_changed`](Self::has_schema_changed).
    pub(crate) async fn refresh_schema(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        let plan = self.plan_now(connection, dialect).await?;
        let name = self.plan.name().to_string();
        let what = column_changes(&self.plan.table, &plan.table);
        let context = |e: Error| in_context(e, &name, &what);
        if self.plan.is_of_another_table(&plan.table) {
            tracing::warn!(
                table = %name, change = what,
                "another table has this name now: it is read from its first row"
            );
            self.replace(plan)?;
            return Ok(true);
        }
        if plan.reads_same_records(&self.plan) {
            self.plan = plan;
            return Ok(false);
        }
        self.keep_late_rows(&plan).map_err(context)?;
        match &self.after {
            // Bulk mode reads all rows again anyway.
            Some(_) if self.plan.bulk && plan.offset_names != self.plan.offset_names => {
                tracing::warn!(table = %name, "the key changed: the table is read again from the \
                beginning");
                self.after = None;
            }
            // If it has only the first parts of a key, no row was read yet.
            Some(key) if key.len() == self.plan.key.len() => {
                let offset = position::offset(&self.plan, key);
                self.after = position::resume(&plan, Some(offset)).map_err(context)?;
            }
            Some(_) | None => {}
        }
        tracing::info!(
            table = %name, change = what,
            "the table definition changed; reading continues with the new columns"
        );
        self.plan = plan;
        // The end of ties, and unreadable rows, are determined again.
        (self.ties_until, self.bisect) = (None, None);
        Ok(true)
    }

    /// Describes the table, and plans how it is read, anew.
    ///
    /// # Errors `Schema`: it is missing, or cannot be read.
    pub(crate) async fn plan_now(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<ReadPlan> {
        let described = self.describe(connection).await?;
        let described = column_rules::without_unread(described, &self.plan.config);
        let what = column_changes(&self.plan.table, &described);
        let name = self.plan.name().to_string();
        let mut plan = ReadPlan::build(described, &self.plan.config, dialect.syntax())
            .map_err(|faults| Error::new(ErrorKind::Schema, faults.to_string()))
            .map_err(|e| in_context(e, &name, &what))?;
        plan.query = self.plan.query.clone();
        plan.set_names(self.plan.catalog.as_ref())
            .map_err(|faults| Error::new(ErrorKind::Schema, faults.to_string()))?;
        let zone = self.plan.time_zone.clone();
        if let Some(zone) = zone.filter(|_| plan.needs_time_zone()) {
            plan.set_time_zone(zone);
        }
        Ok(plan)
    }

    /// Reads the table that has the name now from its first row.
    ///
    /// # Errors
    /// As [`plan_now`](Self::plan_now).
    pub(crate) async fn begin_again(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<()> {
        let mut plan = self.plan_now(connection, dialect).await?;
        plan.start_at_first_row();
        self.replace(plan)
    }

    /// Reads another table of this name from its first row.
    fn replace(&mut self, plan: ReadPlan) -> Result<()> {
        if self.range_end.is_some() {
            // A part of the old table is read; the task opens the new one.
            let message = format!("another table has the name {} now", plan.name());
            return Err(Error::new(ErrorKind::Schema, message));
        }
        if let Some(late) = &mut self.late {
            let hashers = late.ids.hashers();
            late.ids = match late.ids.by_key {
                true => RowIds::by_key(&plan, hashers)?,
                false => RowIds::of(&plan, hashers)?,
            };
        }
        self.identity = plan.table.identity.clone();
        self.plan = plan;
        self.read_again();
        // G1: otherwise a restart would use the position in the old table.
        self.store_start();
        Ok(())
    }

    /// Keeps what is known of open rows, if they are identified by the same columns as before;
    /// otherwise they are read, and sent, again.
    fn keep_late_rows(&mut self, plan: &ReadPlan) -> Result<()> {
        let Some(late) = &mut self.late else {
            return Ok(());
        };
        let hashers = late.ids.hashers();
        let ids = match late.ids.by_key {
            true => RowIds::by_key(plan, hashers)?,
            false => RowIds::of(plan, hashers)?,
        };
        let same_key = plan.offset_names == self.plan.offset_names;
        if same_key && ids.same_columns(plan, &late.ids, &self.plan) {
            late.ids = ids;
            return Ok(());
        }
        if late.has_open_rows() {
            tracing::info!(
                table = %plan.name(),
                "the columns that identify rows changed: rows that may not be complete are sent again"
            );
        }
        late.ids = ids;
        self.after = late.complete.clone();
        let complete = match &late.complete {
            Some(key) if key.len() == self.plan.key.len() => {
                position::resume(plan, Some(position::offset(&self.plan, key)))?
            }
            complete => complete.clone(),
        };
        late.restart_at(complete);
        Ok(())
    }

    async fn describe(&mut self, connection: &mut dyn Connection) -> Result<Table> {
        if let Some(query) = &self.plan.query {
            return discovery::describe_query(connection, &self.plan.config, &query.sql).await;
        }
        let name = &self.plan.table.name;
        let config = &self.plan.config;
        let wait = match config.watches_tables() {
            true => MISSING_TABLE_WAIT.min(config.table_poll_interval.0 * 4),
            false => MISSING_TABLE_WAIT,
        };
        let gone = tokio::time::Instant::now() + wait;
        loop {
            if let Some(table) = connection.describe(name).await? {
                return Ok(table);
            }
            if tokio::time::Instant::now() >= gone {
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!(
                        "table {name} no longer exists; create it again, or remove it from \
                         table.whitelist"
                    ),
                ));
            }
            tokio::time::sleep(MISSING_TABLE_RETRY).await;
        }
    }
}

impl ReadPlan {
    /// Both have the same name, and are not the same table.
    pub(crate) fn is_of_another_table(&self, other: &Table) -> bool {
        let identities = self.table.identity.as_ref().zip(other.identity.as_ref());
        identities.is_some_and(|(own, other)| own != other)
    }

    /// Rows are read with the same columns in the same order, and produce the same records.
    fn reads_same_records(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.outgoing_schema() == other.outgoing_schema()
            && self.key == other.key
            && self.offset_names == other.offset_names
            && self.unique_key == other.unique_key
            && self.event_time_columns == other.event_time_columns
            && self.delete_column == other.delete_column
    }
}

/// Adds the changes of the columns to the error.
fn in_context(error: Error, name: &str, what: &str) -> Error {
    match what.is_empty() {
        true => error,
        false => error.context(format!("{name} changed while it was being read ({what})")),
    }
}

/// The changes of the columns, for log and error messages.
fn column_changes(before: &Table, after: &Table) -> String {
    let mut changes = Vec::new();
    for column in &after.columns {
        match before.columns.iter().find(|c| c.name == column.name) {
            None => changes.push(format!("`{}` {} added", column.name, column.vendor_type)),
            Some(old) if old.vendor_type != column.vendor_type => changes.push(format!(
                "`{}` {} changed to {}",
                column.name, old.vendor_type, column.vendor_type
            )),
            Some(old) if old.nullable != column.nullable => {
                let now = if column.nullable { "NULL" } else { "NOT NULL" };
                changes.push(format!("`{}` changed to {now}", column.name));
            }
            Some(_) => {}
        }
    }
    for column in &before.columns {
        if !after.columns.iter().any(|c| c.name == column.name) {
            changes.push(format!("`{}` dropped", column.name));
        }
    }
    if before.primary_key != after.primary_key {
        let key = after.primary_key.join(", ");
        changes.push(match key.is_empty() {
            true => "primary key dropped".to_owned(),
            false => format!("primary key ({key})"),
        });
    }
    changes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::Column;

    #[test]
    fn column_changes_are_reported_by_name() {
        let column = |name: &str, vendor_type: &str| Column {
            name: name.to_owned(),
            vendor_type: vendor_type.to_owned(),
            ..Column::default()
        };
        let table = |columns: Vec<Column>| Table {
            columns,
            ..Table::default()
        };
        let before = table(vec![column("id", "int4"), column("a", "text")]);
        let after = Table {
            primary_key: vec!["id".to_owned()],
            ..table(vec![column("id", "int8"), column("b", "text")])
        };
        assert_eq!(
            column_changes(&before, &after),
            "`id` int4 changed to int8, `b` text added, `a` dropped, primary key (id)"
        );
        assert_eq!(column_changes(&after, &after), "");
    }
}
