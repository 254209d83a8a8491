//! The result stream of a table: all rows of a table without a key, and ties that do not fit a page.
use super::{TableState, select};
use crate::{
    idle::Came,
    result_stream::{ResultStream, ResultStreamRequest, StreamItem},
    row_ids::EqualRows,
};
use connect_api::{Records, Result};
use dialect_core::{Connection, Dialect};
use std::sync::Arc;

/// Ties that were read in parts.
#[derive(Default)]
pub(super) struct Ties {
    equal: EqualRows,
    ids: Vec<u128>,
}

impl TableState {
    /// The next rows of the result stream, which is opened if needed. After the last of ties: empty
    /// records with their position. After the last row of a table: `None`. All rows are of one
    /// statement, so schema changes are checked with the first batch.
    ///
    /// # Errors Errors of the result stream.
    pub(super) async fn next_from_stream(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
    ) -> Result<Option<Records>> {
        // Taken while it is in use: a dropped future loses no rows.
        let (stream, streamed) = match self.stream.take() {
            Some(mut stream) => {
                let streamed = stream.next().await?;
                (stream, streamed)
            }
            None => loop {
                let mut stream = self.open_stream(dialect)?;
                let streamed = stream.next().await?;
                let ended = matches!(streamed, StreamItem::End(_));
                if ended
                    || !self
                        .has_schema_changed(connection, dialect.as_ref())
                        .await?
                {
                    break (stream, streamed);
                }
                if !self.is_streaming() {
                    // The table now has a key, or another one.
                    return Ok(None);
                }
            },
        };
        match (streamed, self.ties_until.take()) {
            (StreamItem::Batch(batch), None) => {
                self.stream = Some(stream);
                let rows = self.rows(batch)?;
                self.count(rows.len());
                self.plan.outgoing(rows).map(Some)
            }
            (StreamItem::Batch(batch), Some(until)) => {
                let rows = self.rows(batch)?;
                let mut ties = std::mem::take(&mut self.ties);
                let (unsent, ids) = self.unsent(rows, &mut ties.equal)?;
                ties.ids.extend(ids);
                self.ties = ties;
                let records = unsent.map(|rows| self.plan.outgoing(rows)).transpose()?;
                (self.stream, self.ties_until) = (Some(stream), Some(until));
                // G1: ties count as read only at their end; until then, their rows have the
                // position before them.
                let before = self.after.as_deref().unwrap_or_default();
                let records = match records {
                    Some(records) => records,
                    None => self.empty_records_after(before)?,
                };
                let before = self.position(self.stored_offset(before));
                Ok(Some(records.with_position(before)))
            }
            (StreamItem::End(connection), None) => {
                self.reached_end(Came::Nothing);
                if let Some(connection) = connection {
                    connection.close().await?;
                }
                Ok(None)
            }
            (StreamItem::End(connection), Some(until)) => {
                self.spare_connection = connection;
                let ties = std::mem::take(&mut self.ties);
                self.passed(ties.ids, &until);
                let after = self.empty_records_after(&until)?;
                self.after = Some(until);
                self.advance(None);
                Ok(Some(after))
            }
        }
    }

    /// Opens the result stream of the whole table, or of the next ties.
    fn open_stream(&mut self, dialect: &Arc<dyn Dialect>) -> Result<ResultStream> {
        let page = match &self.ties_until {
            Some(until) => self.plan.ties_page(self.after.as_deref(), until),
            None => self.plan.next_page(None, None),
        };
        Ok(ResultStream::open(ResultStreamRequest {
            dialect: dialect.clone(),
            attempts: self.plan.config.connection.connect_retry(),
            connection: self.spare_connection.take(),
            statement: select(dialect.as_ref(), &page, &self.plan.config)?,
            schema: self.plan.schema.clone(),
            max_rows: usize::try_from(self.plan.config.max_rows.get()).unwrap_or(usize::MAX),
            max_bytes: self.plan.config.max_bytes.get(),
        }))
    }
}
