//! Writing records of one schema: what does not fit the table, and rows that it refuses.
use crate::{
    batch,
    config::SinkConfig,
    reduce::{self, Steps},
    target::Target,
    task::{attempt, plan, refuse},
};
use connect_api::{Error, ErrorKind, Op, PutOutcome, Records, Rejected, Result};
use dialect_core::{Connection, Dialect};
use std::ops::Range;

/// What becomes of the rows behind one that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusals {
    /// They are written, and the refused rows are handed back.
    HandedBack,
    /// They are not written: the task ends there.
    End,
}

/// Records on their way into their table.
#[derive(Clone, Copy)]
pub(crate) struct RecordsWrite<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    pub(crate) config: &'a SinkConfig,
    pub(crate) records: &'a Records,
    pub(crate) refusals: Refusals,
}

impl RecordsWrite<'_> {
    /// Writes the records. Where the table does not take their schema, all rows are refused.
    ///
    /// # Errors
    /// What is the fault of no row and of no schema.
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
        let error = if changed || !is_misfit(&error) {
            match self.once(target, connection).await {
                Err(e) if is_misfit(&e) => e,
                outcome => return outcome,
            }
        } else {
            error
        };
        self.misfit(target, connection, &error).await
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
        match self.refusals {
            Refusals::HandedBack => attempt(target, connection, dialect, config, records).await,
            Refusals::End => self.until_refused(target, connection).await,
        }
    }

    /// Refuses rows whose schema the table does not take. Deletes among them need no more than
    /// their key, and are done.
    ///
    /// # Errors
    /// `why`, where there is no table that rows could fit.
    pub(crate) async fn misfit(
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
        let (deletes, rows): (Vec<usize>, Vec<usize>) = match self.refusals {
            Refusals::HandedBack => all.partition(is_delete),
            Refusals::End => match all.clone().find(|row| !is_delete(row)) {
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
            if self.refusals == Refusals::End && !outcome.rejected.is_empty() {
                return Ok(outcome);
            }
        }
        outcome.rejected.extend(rejected(rows, why));
        outcome.rejected.sort_unstable_by_key(|r| r.row);
        Ok(outcome)
    }

    /// Does the deletes among records that do not fit; `rows` are theirs.
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
        let part = RecordsWrite {
            records: &records,
            ..*self
        };
        match part.once(target, connection).await {
            Ok(mut outcome) => {
                for refused in &mut outcome.rejected {
                    refused.row = rows[refused.row];
                }
                Ok(outcome)
            }
            Err(why) if is_misfit(&why) => Ok(PutOutcome {
                rejected: rejected(rows.to_vec(), &why),
                ..PutOutcome::default()
            }),
            Err(e) => Err(e),
        }
    }

    /// Writes the rows before the first that the table refuses, and no others.
    ///
    /// Which one that is, is found by halving: what is before it is committed piece by piece.
    async fn until_refused(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
    ) -> Result<PutOutcome> {
        let all = self.records.len();
        let mut written = 0;
        while written < all {
            if self
                .whole(target, connection, written..all)
                .await?
                .is_none()
            {
                written = all;
                break;
            }
            let mut end = all;
            while end - written > 1 {
                let middle = written + (end - written) / 2;
                match self.whole(target, connection, written..middle).await? {
                    None => written = middle,
                    Some(_) => end = middle,
                }
            }
            match self.whole(target, connection, written..end).await? {
                // Refused together with rows before it alone.
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

    /// Writes rows in one transaction, or none of them; gives the refusal of one of them.
    async fn whole(
        &self,
        target: &mut Target,
        connection: &mut dyn Connection,
        rows: Range<usize>,
    ) -> Result<Option<Error>> {
        let (dialect, config) = (self.dialect, self.config);
        let mut records = self.records.slice(rows);
        if let Some(fit) = target.fit(dialect, config, records.schema())? {
            let fitted = fit.apply(&records)?;
            if let Some(first) = fitted.rejected.into_iter().next() {
                return Ok(Some(first.error));
            }
            records = fitted.records;
        }
        let (op, schema) = (config.write_op(), records.schema());
        if records.ops().uniform() != Some(Op::Delete) {
            target.plan(dialect, config, schema, op)?;
        }
        let key = target.key_in(config, schema)?;
        let Steps { steps, refused } = reduce::steps(&records, &key, op, config.delete)?;
        if let Some((_, refusal)) = refused.into_iter().next() {
            return Ok(Some(refuse(refusal, target, &records)));
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

/// The table cannot take the records' schema; the database was not asked.
fn is_misfit(error: &Error) -> bool {
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
