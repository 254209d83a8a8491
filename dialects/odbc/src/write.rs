//! Writing on the connection's thread.
pub(crate) mod dry_run;

use crate::{
    encode::{Staged, stage},
    plan::{Checked, Detail, Way},
    server::Profile,
    session::Session,
};
use connect_api::{Error, Records, Result};
use dialect_core::{Cells, WriteOp, WritePlan, chunks};
use odbc_api::{
    BindParamDesc, ColumnarBulkInserter, Cursor as _, DataType, Error as OdbcError, Prepared,
    buffers::{BoxColumnBuffer, BufferDesc},
    handles::{Record, State, StatementImpl},
    parameter::WithDataType,
};
use std::{num::NonZeroUsize, ops::Range};

/// Bytes that are bound at once.
const MAX_BYTES: usize = 4 << 20;

/// What went wrong: one of ours, or the driver's.
enum Fault {
    Ours(Error),
    Driver(OdbcError),
}

impl From<OdbcError> for Fault {
    fn from(error: OdbcError) -> Self {
        Self::Driver(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// Writes the rows whole or not at all, in a transaction of its own where none is open.
pub(crate) fn write(
    session: &mut Session,
    plan: &WritePlan,
    records: &Records,
    rows: Range<usize>,
) -> Result<u64> {
    session.check()?;
    plan.check_keys(records, rows.clone())?;
    let detail: &Detail = plan.detail_as()?;
    let cells = plan.cells(records)?;
    if rows.is_empty() {
        return Ok(0);
    }
    // Psqlodbc forgets to free the statement of a failed row that is outside of any transaction.
    let single = rows.len() == 1
        && !matches!(detail.way, Way::Checked(_))
        && session.server.syntax.profile != Profile::Postgres;
    let own = !session.is_in_transaction() && !single;
    if own {
        session.begin()?;
    }
    let written = Work {
        session,
        plan,
        detail,
        cells: &cells,
    }
    .run(rows);
    let written = written.map_err(|fault| match fault {
        Fault::Ours(error) => error,
        Fault::Driver(cause) => session.fault(plan.action(), &cause),
    });
    if !own {
        return written;
    }
    match written {
        Ok(written) => session.commit().map(|()| written),
        Err(e) => {
            // What broke the write may have broken the connection; the first error is returned.
            if let Err(second) = session.rollback() {
                tracing::debug!(error = second.report(), "rollback after a failed write");
            }
            Err(e)
        }
    }
}

struct Work<'a> {
    session: &'a Session,
    plan: &'a WritePlan,
    detail: &'a Detail,
    cells: &'a [Cells<'a>],
}

type Inserter<'a> =
    ColumnarBulkInserter<odbc_api::handles::StatementRef<'a>, WithDataType<BoxColumnBuffer>>;

impl<'a> Work<'a> {
    fn prepare(&self, text: &str) -> Result<Prepared<StatementImpl<'a>>, OdbcError> {
        let mut prepared = self.session.connection.prepare(text)?;
        if let Some(seconds) = self.session.timeout() {
            prepared.set_query_timeout_sec(seconds)?;
        }
        Ok(prepared)
    }

    fn run(&self, rows: Range<usize>) -> Result<u64, Fault> {
        match &self.detail.way {
            Way::Arrays { text, rows: most } => {
                let mut prepared = self.prepare(text)?;
                let mut written = 0;
                let mut left = rows;
                while !left.is_empty() {
                    // Single rows are staged together, and bound one by one.
                    let end = left.end.min(left.start + crate::plan::ARRAY_ROWS);
                    let staged = self.stage(left.start..end)?;
                    written += self.arrays(&mut prepared, &staged, 0..end - left.start, *most)?;
                    left.start = end;
                }
                Ok(written)
            }
            Way::Values(texts) => self.values(texts, rows),
            Way::Checked(checked) => self.checked(checked, rows),
        }
    }

    fn stage(&self, rows: Range<usize>) -> Result<Vec<Staged>, Error> {
        let pairs = self.plan.pairs.iter();
        let columns = self.detail.encoders.iter().zip(self.cells).zip(pairs);
        columns
            .map(|((encoder, cells), pair)| {
                stage(encoder, cells, rows.clone()).map_err(|error| {
                    let column = &self.plan.table.columns[pair.to].name;
                    error.at(&self.plan.table.name, column)
                })
            })
            .collect()
    }

    /// Rows by arrays of at most `most` rows, and no more than the reserved memory.
    fn arrays(
        &self,
        prepared: &mut Prepared<StatementImpl<'_>>,
        staged: &[Staged],
        rows: Range<usize>,
        most: usize,
    ) -> Result<u64, Fault> {
        let mut written = 0;
        let mut left = rows;
        while !left.is_empty() {
            let mut part = left.start..left.end.min(left.start + most);
            let bytes = |part: &Range<usize>| {
                let cells = staged.iter().map(|s| s.cell_bytes(part.clone()));
                cells.sum::<usize>() * part.len()
            };
            while part.len() > 1 && bytes(&part) > MAX_BYTES {
                part.end = part.start + part.len() / 2;
            }
            // Sqliteodbc takes all cells of an array of bytes to be as long as the longest.
            if self.is_sqlite() && staged.iter().any(|s| s.has_uneven_bytes(part.clone())) {
                part.end = part.start + 1;
            }
            let sets = part.len();
            let descs = self.descriptions(staged, &self.detail.order, &part);
            let mut inserter = prepared.column_inserter(sets, descs)?;
            inserter.set_num_rows(sets);
            for (place, pair) in self.detail.order.iter().enumerate() {
                fill(&mut inserter, place, &staged[*pair], part.clone());
            }
            inserter.execute()?;
            drop(inserter);
            self.check_written(prepared, sets)?;
            written += self.count(prepared, sets);
            left.start = part.end;
        }
        Ok(written)
    }

    fn is_sqlite(&self) -> bool {
        self.session.server.syntax.profile == Profile::Sqlite
    }

    /// G3: an error of MySQL whose SQLSTATE is of the class of warnings, such as 1265 for a value that
    /// an enumeration does not have, comes through drivers as a success. Where they do not count the
    /// rows that were given, the server is asked.
    ///
    /// # Errors
    /// That of the statement.
    fn check_written(
        &self,
        prepared: &mut Prepared<StatementImpl<'_>>,
        rows: usize,
    ) -> Result<(), Fault> {
        if !self.session.server.syntax.profile.is_mysql() {
            return Ok(());
        }
        let least = match self.plan.op {
            WriteOp::Insert => rows,
            WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Update | WriteOp::Delete => 1,
        };
        if prepared.row_count().unwrap_or(None) >= Some(least) {
            return Ok(());
        }
        let connection = &self.session.connection;
        let Some(mut errors) = connection.execute("SHOW ERRORS LIMIT 1", (), None)? else {
            return Ok(());
        };
        let Some(mut error) = errors.next_row()? else {
            return Ok(());
        };
        let mut code = odbc_api::Nullable::<i32>::null();
        error.get_data(2, &mut code)?;
        let record = Record {
            state: State(*b"01000"),
            native_error: code.into_opt().unwrap_or_default(),
            // It may hold values.
            message: Vec::new(),
        };
        let function = "SQLExecute";
        Err(OdbcError::Diagnostics { record, function }.into())
    }

    /// Rows that a statement has written: what is given where every row is, else what the driver
    /// counts, or all where it does not.
    fn count(&self, prepared: &mut Prepared<StatementImpl<'_>>, rows: usize) -> u64 {
        let counted = match self.plan.op {
            WriteOp::Insert | WriteOp::Upsert => None,
            WriteOp::InsertIgnore | WriteOp::Update | WriteOp::Delete => {
                prepared.row_count().unwrap_or(None)
            }
        };
        counted.unwrap_or(rows).min(rows) as u64
    }

    fn values(&self, texts: &[(usize, String)], rows: Range<usize>) -> Result<u64, Fault> {
        let full = texts.first().map_or(1, |(rows, _)| *rows);
        let mut prepared: Vec<Option<Prepared<StatementImpl<'a>>>> =
            texts.iter().map(|_| None).collect();
        let mut written = 0;
        let mut ranges: Vec<_> = chunks(rows, full).collect();
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            let staged = self.stage(range.clone())?;
            let all = 0..range.len();
            let bytes: usize = staged.iter().map(|s| s.cell_bytes(all.clone())).sum();
            if range.len() > 1 && bytes * range.len() > MAX_BYTES {
                let middle = range.start + range.len() / 2;
                ranges.push(middle..range.end);
                ranges.push(range.start..middle);
                continue;
            }
            let Some(shape) = texts.iter().position(|(rows, _)| *rows == range.len()) else {
                let message = format!("no statement for {} rows was planned", range.len());
                return Err(Error::new(connect_api::ErrorKind::Internal, message).into());
            };
            let prepared = match &mut prepared[shape] {
                Some(prepared) => prepared,
                none => none.insert(self.prepare(&texts[shape].1)?),
            };
            let mut descs = Vec::with_capacity(range.len() * staged.len());
            for row in all.clone() {
                descs.extend(self.descriptions(&staged, &self.detail.order, &(row..row + 1)));
            }
            let mut inserter = prepared.column_inserter(1, descs)?;
            inserter.set_num_rows(1);
            for row in all {
                for (place, pair) in self.detail.order.iter().enumerate() {
                    let at = row * self.detail.order.len() + place;
                    fill(&mut inserter, at, &staged[*pair], row..row + 1);
                }
            }
            inserter.execute()?;
            drop(inserter);
            self.check_written(prepared, range.len())?;
            written += self.count(prepared, range.len());
        }
        Ok(written)
    }

    /// Row by row: there or not decides what is done.
    fn checked(&self, checked: &Checked, rows: Range<usize>) -> Result<u64, Fault> {
        let mut counts = Vec::with_capacity(checked.counts.len());
        for (text, places) in &checked.counts {
            counts.push((self.prepare(text)?, places));
        }
        let mut update = match &checked.update {
            Some((text, order)) => Some((self.prepare(text)?, order)),
            None => None,
        };
        let mut insert = self.prepare(&checked.insert)?;
        let mut written = 0;
        for row in rows {
            let staged = self.stage(row..row + 1)?;
            let mut there = false;
            for (count, places) in &mut counts {
                there = there || self.one(count, &staged, places)? > 0;
            }
            match (&mut update, there) {
                (Some((update, order)), true) => {
                    self.one(update, &staged, order)?;
                    written += 1;
                }
                (None, true) if self.plan.op == WriteOp::Upsert => written += 1,
                (None, true) => {}
                (_, false) => {
                    self.one(&mut insert, &staged, &self.detail.order)?;
                    written += 1;
                }
            }
        }
        Ok(written)
    }

    /// Runs a statement for the one staged row; the number that it gives, where it gives one.
    fn one(
        &self,
        prepared: &mut Prepared<StatementImpl<'_>>,
        staged: &[Staged],
        order: &[usize],
    ) -> Result<i64, Fault> {
        let descs = self.descriptions(staged, order, &(0..1));
        let mut inserter = prepared.column_inserter(1, descs)?;
        inserter.set_num_rows(1);
        for (place, pair) in order.iter().enumerate() {
            fill(&mut inserter, place, &staged[*pair], 0..1);
        }
        let Some(mut cursor) = inserter.execute()? else {
            drop(inserter);
            self.check_written(prepared, 1)?;
            return Ok(0);
        };
        let mut found = odbc_api::Nullable::<i64>::null();
        if let Some(mut row) = cursor.next_row()? {
            row.get_data(1, &mut found)?;
        }
        Ok(found.into_opt().unwrap_or(0))
    }

    /// How the staged cells of some rows are bound, in this order.
    fn descriptions(
        &self,
        staged: &[Staged],
        order: &[usize],
        rows: &Range<usize>,
    ) -> Vec<BindParamDesc> {
        let description = |pair: &usize| match &staged[*pair] {
            Staged::Ints(_) => BindParamDesc::i64(true),
            Staged::Floats(_) => BindParamDesc::f64(true),
            Staged::Texts(texts) => {
                let max_str_len = texts.longest(rows.clone()).max(1);
                BindParamDesc {
                    buffer_desc: BufferDesc::Text { max_str_len },
                    data_type: self.detail.encoders[*pair].data_type(max_str_len),
                }
            }
            Staged::Bytes(bytes) => {
                let max_bytes = bytes.longest(rows.clone()).max(1);
                let length = NonZeroUsize::new(max_bytes);
                BindParamDesc {
                    buffer_desc: BufferDesc::Binary { max_bytes },
                    data_type: if max_bytes > 8_000 {
                        DataType::LongVarbinary { length }
                    } else {
                        DataType::Varbinary { length }
                    },
                }
            }
        };
        order.iter().map(description).collect()
    }
}

/// Puts the cells of `rows` into the buffer that is bound at `place`. The buffers are those that
/// [`Work::descriptions`] asks for.
fn fill(inserter: &mut Inserter<'_>, place: usize, staged: &Staged, rows: Range<usize>) {
    let buffer = inserter.column_mut(place);
    match staged {
        Staged::Ints(ints) => {
            if let Some(mut buffer) = buffer.as_nullable_slice::<i64>() {
                buffer.write(ints[rows].iter().copied());
            }
        }
        Staged::Floats(floats) => {
            if let Some(mut buffer) = buffer.as_nullable_slice::<f64>() {
                buffer.write(floats[rows].iter().copied());
            }
        }
        Staged::Texts(texts) => {
            if let Some(mut buffer) = buffer.as_text() {
                for (i, row) in rows.enumerate() {
                    buffer.set_cell(i, texts.get(row));
                }
            }
        }
        Staged::Bytes(bytes) => {
            if let Some(mut buffer) = buffer.as_binary() {
                for (i, row) in rows.enumerate() {
                    buffer.set_cell(i, bytes.get(row));
                }
            }
        }
    }
}
