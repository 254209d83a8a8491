//! Writes records of one schema, and handles schema mismatches and rejected rows.
use crate::{
    attempt::{attempt, plan, rejection_error},
    batch,
    config::SinkConfig,
    reduce::{self, Steps},
    target::Target,
};
use connect_api::{Error, ErrorKind, Op, PutOutcome, Records, Rejected, Result};
use dialect_core::{Connection, Dialect};
use std::ops::Range;

/// What happens to the rows behind a rejected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRejection {
    /// They are written, and the rejected rows are returned.
    Continue,
    /// They are not written: the task stops there.
    Stop,
}

/// Writes records to their table.
#[derive(Clone, Copy)]
pub(crate) struct RecordWriter<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    pub(crate) config: &'a SinkConfig,
    pub(crate) records: &'a Records,
    pub(crate) on_rejection: OnRejection,
}

impl RecordWriter<'_> {
    /// Writes the records. On a schema mismatch, all rows are rejected.
    ///
    /// # Errors Errors that neither a row nor the schema caused.
    pub(crate) async fn run(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
    ) -> Result<PutOutcome> {
        let error = match self.once(target, connection).await {
            Err(e) if matches!(e.kind(), ErrorKind::Schema | ErrorKind::Unsupported) => e,
            outcome => return outcome,
        };
        connection.rollback().await?;
        // The table may have changed since it was described.
        let changed = target.describe_again(connection).await?;
        let error = if changed || !is_schema_mismatch(&error) {
            match self.once(target, connection).await {
                Err(e) if is_schema_mismatch(&e) => e,
                outcome => return outcome,
            }
        } else {
            error
        };
        self.reject_mismatch(target, connection, &error).await
    }

    async fn once(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
    ) -> Result<PutOutcome> {
        let Self {
            dialect,
            config,
            records,
            ..
        } = *self;
        match self.on_rejection {
            OnRejection::Continue => attempt(target, connection, dialect, config, records).await,
            OnRejection::Stop => self.write_until_rejected(target, connection).await,
        }
    }

    /// Rejects rows whose schema does not match the table. Deletes among them need only their key
    /// and are done.
    ///
    /// # Errors `why`, if the table does not exist.
    pub(crate) async fn reject_mismatch(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
        why: &Error,
    ) -> Result<PutOutcome> {
        if target.table.is_none() && !self.config.auto_create {
            return Err(copy(why));
        }
        let ops = self.records.ops();
        let is_delete = |row: &usize| ops.get(*row) == Op::Delete;
        let all = 0..self.records.len();
        let (deletes, rows): (Vec<usize>, Vec<usize>) = match self.on_rejection {
            OnRejection::Continue => all.partition(is_delete),
            OnRejection::Stop => match all.clone().find(|row| !is_delete(row)) {
                Some(first) => ((0..first).collect(), vec![first]),
                None => (Vec::new(), vec![0]),
            },
        };
        let mut outcome = PutOutcome::default();
        if rows.is_empty() {
            outcome.rejected = rejected(deletes, why);
            return Ok(outcome);
        }
        if !deletes.is_empty() {
            outcome = self.deletes(target, connection, &deletes).await?;
            if self.on_rejection == OnRejection::Stop && !outcome.rejected.is_empty() {
                return Ok(outcome);
            }
        }
        outcome.rejected.extend(rejected(rows, why));
        outcome.rejected.sort_unstable_by_key(|r| r.row);
        Ok(outcome)
    }

    /// Does the deletes at `rows` of records with a schema mismatch.
    async fn deletes(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
        rows: &[usize],
    ) -> Result<PutOutcome> {
        if target.table.is_none() && self.config.delete {
            return Ok(PutOutcome {
                written: rows.len(),
                ..PutOutcome::default()
            });
        }
        let indexes: Vec<u32> = rows.iter().flat_map(|row| u32::try_from(*row)).collect();
        let records = self.records.take(&indexes)?;
        let part = RecordWriter {
            records: &records,
            ..*self
        };
        match part.once(target, connection).await {
            Ok(mut outcome) => {
                for rejected in &mut outcome.rejected {
                    rejected.row = rows[rejected.row];
                }
                Ok(outcome)
            }
            Err(why) if is_schema_mismatch(&why) => Ok(PutOutcome {
                rejected: rejected(rows.to_vec(), &why),
                ..PutOutcome::default()
            }),
            Err(e) => Err(e),
        }
    }

    /// Writes the rows before the first rejected one, and no others.
    ///  The first rejected row is found by bisection; rows before it are committed piece by piece.
    async fn write_until_rejected(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
    ) -> Result<PutOutcome> {
        let all = self.records.len();
        let mut written = 0;
        while written < all {
            if self
                .try_write_all(target, connection, written..all)
                .await?
                .is_none()
            {
                written = all;
                break;
            }
            let mut end = all;
            while end - written > 1 {
                let middle = written + (end - written) / 2;
                match self
                    .try_write_all(target, connection, written..middle)
                    .await?
                {
                    None => written = middle,
                    Some(_) => end = middle,
                }
            }
            match self.try_write_all(target, connection, written..end).await? {
                // Rejected only together with rows before it.
                None => written = end,
                Some(error) => {
                    let row = written;
                    return Ok(PutOutcome {
                        written,
                        rejected: vec![Rejected { row, error }],
                        ..PutOutcome::default()
                    });
                }
            }
        }
        Ok(PutOutcome {
            written,
            ..PutOutcome::default()
        })
    }

    /// Writes rows in one transaction, or none of them; returns the error of a rejected row.
    async fn try_write_all(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
        rows: Range<usize>,
    ) -> Result<Option<Error>> {
        let (dialect, config) = (self.dialect, self.config);
        let mut records = self.records.slice(rows);
        if let Some(coercion) = target.coercion(dialect, config, records.schema())? {
            let coerced = coercion.apply(&records)?;
            if let Some(first) = coerced.rejected.into_iter().next() {
                return Ok(Some(first.error));
            }
            records = coerced.records;
        }
        let (op, schema) = (config.write_op(), records.schema());
        if records.ops().uniform() != Some(Op::Delete) {
            target.plan(dialect, config, schema, op)?;
        }
        let key = target.key_in(config, schema)?;
        let Steps {
            steps,
            rejected_rows,
        } = reduce::steps(&records, &key, op, config.delete)?;
        if let Some((_, rejection)) = rejected_rows.into_iter().next() {
            return Ok(Some(rejection_error(rejection, target, &records)));
        }
        let writes = plan(target, dialect, config, &records, steps)?;
        match batch::in_one_transaction(connection, &writes, config.batch_size).await {
            Ok(()) => Ok(None),
            Err(e) if e.kind() == ErrorKind::Data => {
                connection.rollback().await?;
                Ok(Some(e))
            }
            Err(e) => Err(e),
        }
    }
}

/// A schema mismatch that was found without a database call.
fn is_schema_mismatch(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Schema | ErrorKind::Unsupported) && error.code().is_none()
}

fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.report())
}

fn rejected(rows: Vec<usize>, why: &Error) -> Vec<Rejected> {
    let of = |row| Rejected {
        row,
        error: copy(why),
    };
    rows.into_iter().map(of).collect()
}

/// Rejects all rows for the same reason.
pub(crate) fn reject_all(records: &Records, why: &Error) -> PutOutcome {
    let rejected = |row| Rejected {
        row,
        error: Error::new(why.kind(), why.report()),
    };
    PutOutcome {
        rejected: (0..records.len()).map(rejected).collect(),
        ..PutOutcome::default()
    }
}
