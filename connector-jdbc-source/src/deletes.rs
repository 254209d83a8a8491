//! Rows that are deleted without a trace in their table: what is found of them, and how.
pub(crate) mod capture;
pub(crate) mod capture_check;
pub(crate) mod compared_table;
pub(crate) mod comparison;
mod known_keys;
mod sent_keys;
mod walk;

use crate::read_plan::ReadPlan;
use connect_api::{
    Error, ErrorKind, MessageProperties, Op, Ops, Records, Result, arrow::array::RecordBatch,
};
use dialect_core::{Syntax, Table};
use std::sync::Arc;

connect_api::choice! {
    /// How deleted rows are found.
    pub enum Deletes {
        /// Not at all.
        None = "none",
        /// By a column that marks them.
        Mark = "mark",
        /// By triggers that write their keys to a table of changes.
        Trigger = "trigger",
        /// By comparing the keys of tables with those that were sent.
        Diff = "diff",
    }
}

/// Makes deletes of the keys of rows that are gone.
#[derive(Debug, Clone)]
pub(crate) struct DeletedKeys {
    /// The table with its key columns alone.
    plan: ReadPlan,
    topic: Arc<str>,
}

/// The rows have their key columns only.
fn without_key_template(of: &Arc<MessageProperties>) -> Arc<MessageProperties> {
    Arc::new(MessageProperties {
        key: None,
        ..MessageProperties::clone(of)
    })
}

impl DeletedKeys {
    /// For the rows of `plan`.
    ///
    /// # Errors
    /// `Schema`: the key columns cannot be read by themselves.
    pub(crate) fn of(plan: &ReadPlan, syntax: &dyn Syntax) -> Result<Self> {
        let columns = plan.record_key();
        let columns: Vec<_> = columns.map(|i| plan.table.columns[i].clone()).collect();
        let table = Table {
            primary_key: columns.iter().map(|column| column.name.clone()).collect(),
            columns,
            unique_keys: Vec::new(),
            ..plan.table.clone()
        };
        let built = ReadPlan::build(table, &Arc::new(plan.config.of_keys()), syntax);
        let built = built.map_err(|faults| Error::new(ErrorKind::Schema, faults.to_string()))?;
        Ok(Self {
            topic: plan.topic.clone(),
            plan: ReadPlan {
                origin: plan.origin.clone(),
                properties: plan.properties.as_ref().map(without_key_template),
                ..built
            },
        })
    }

    /// The names of the key columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.plan.table.columns.iter();
        columns.map(|column| column.name.as_str())
    }

    /// Keys as rows of the key columns.
    ///
    /// # Errors
    /// `Internal`: they are not of the key's types.
    pub(crate) fn keys(&self, keys: &RecordBatch) -> Result<Records> {
        let columns = self.plan.schema.columns().clone();
        let batch = RecordBatch::try_new(columns, keys.columns().to_vec());
        let batch = batch.map_err(|e| {
            let name = self.plan.name();
            Error::new(ErrorKind::Internal, format!("{name}: keys of deleted rows")).with_source(e)
        })?;
        Records::new(self.topic.clone(), self.plan.schema.clone(), batch)
    }

    /// Deletes of keys as they are sent.
    ///
    /// # Errors
    /// `Internal`: they are not of the key's types.
    pub(crate) fn deletes_of_sent(&self, keys: RecordBatch) -> Result<Records> {
        let schema = self.plan.outgoing_schema().clone();
        let records = Records::new(self.topic.clone(), schema, keys)?;
        self.plan.labelled(records).with_ops(Ops::All(Op::Delete))
    }

    /// The deletes of these keys.
    ///
    /// # Errors
    /// As [`ReadPlan::outgoing`].
    pub(crate) fn deletes(&self, keys: Records) -> Result<Records> {
        self.plan.outgoing(keys)?.with_ops(Ops::All(Op::Delete))
    }
}
