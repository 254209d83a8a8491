//! A connection to a database, and the cursor over what it reads.
use crate::{
    identity::Identity,
    plan::WritePlan,
    query::{Page, Statement},
    split::Split,
    syntax::Syntax,
    table::{Table, TableName, TableType},
    visibility::{Replica, Visibility},
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef, arrow::array::RecordBatch};
use std::{num::NonZeroU32, ops::Range, time::Duration};

/// A privilege on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in SQL")]
pub enum Access {
    Select,
    Insert,
    Update,
    Delete,
}

/// What a session does, as another sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// The server does not say.
    Unknown,
    /// It works on a statement.
    Working,
    /// It has waited for one for so long.
    Idle(Duration),
    /// There is no such session.
    Gone,
}

/// One connection, one owner. After an error of kind `Connect` or `Timeout`, or a dropped
/// future, it must not be used again. A cursor that is dropped before its end leaves the connection
/// usable, or of kind `Connect` from the next call on; rows of the two never mix.
///
/// A method that is added here, with a default too, is passed on by `liveness.rs`.
#[async_trait]
pub trait Connection: Send {
    /// Tables and views of `schema`, or of the connection's own where it is `None`; those of the
    /// system left out; sorted by name.
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>>;

    /// Those of all schemas that the database lists; of the connection's own where that is not asked.
    async fn tables_of_all_schemas(&mut self) -> Result<Vec<(TableName, TableType)>> {
        self.tables(None).await
    }

    /// The table as the catalogue describes it; `None` where there is none.
    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>>;

    /// Several tables, in the order of `names`; in as many round trips as one takes.
    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            tables.push(self.describe(name).await?);
        }
        Ok(tables)
    }

    /// About how many rows each of `names` has, at once and without counting them; `None` where
    /// nobody knows. May wait for locks, unlike [`describe_all`](Self::describe_all).
    async fn row_estimates(&mut self, names: &[TableName]) -> Result<Vec<Option<u64>>> {
        let described = self.describe_all(names).await?.into_iter();
        let rows = described.map(|table| table.and_then(|table| table.row_estimate));
        Ok(rows.collect())
    }

    /// The columns that a query returns, as a table named `q` without keys. Nothing is run. All
    /// columns are taken to be nullable where the database does not report it.
    ///
    /// # Errors
    /// `Schema`: it is not a query, or two of its columns have one name, or one has none;
    /// `Unsupported`.
    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        let _ = query;
        Err(Error::new(
            ErrorKind::Unsupported,
            "queries cannot be described here",
        ))
    }

    /// A fingerprint of the table's columns: a text that changes when a column is added, dropped,
    /// renamed or retyped, or another table takes the name. It may change for other reasons too.
    /// `None` where the database reports that there is no such table. Called with every page that is
    /// read: one short round trip where the catalogue allows that.
    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        let table = self.describe(name).await?;
        Ok(table.map(|table| format!("{:?} {:?}", table.columns, table.primary_key)))
    }

    /// The fingerprints of several tables, in the order of `names`; in as many round trips as one
    /// takes.
    async fn fingerprints(&mut self, names: &[TableName]) -> Result<Vec<Option<String>>> {
        let mut fingerprints = Vec::with_capacity(names.len());
        for name in names {
            fingerprints.push(self.fingerprint(name).await?);
        }
        Ok(fingerprints)
    }

    /// What tells each of these tables from another that takes its name later, in the order of `names`;
    /// in few round trips. `None` where the catalogue has nothing of that kind, or no such table.
    async fn identities(&mut self, names: &[TableName]) -> Result<Vec<Option<Identity>>> {
        Ok(vec![None; names.len()])
    }

    /// [`fingerprint`](Self::fingerprint) of the columns that a query returns.
    ///
    /// # Errors
    /// As [`describe_query`](Self::describe_query).
    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        let table = self.describe_query(query).await?;
        Ok(format!("{:?}", table.columns))
    }

    /// Which rows are final; `None` where the database does not report it. Call it before reading:
    /// what is true then is true of what is read after.
    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        Ok(None)
    }

    /// What [`visibility`](Self::visibility) does not cover of late rows of each of these tables in
    /// the order of its column, a sentence each: a sequence that hands out its numbers in blocks.
    async fn visibility_limits(&mut self, columns: &[(&Table, usize)]) -> Result<Vec<Vec<String>>> {
        Ok(vec![Vec::new(); columns.len()])
    }

    /// What the server is to another whose changes it follows; `None` where it follows none, or that is
    /// not asked.
    async fn replica(&mut self) -> Result<Option<Replica>> {
        Ok(None)
    }

    /// The time zone whose clocks write columns without one in sessions that set no other; `None`
    /// where the database does not report it, or [`Syntax::now`] knows it by itself.
    async fn time_zone(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Splits that together are the rows of `page` which have a key, about the same number in each;
    /// fewer than `parts` where the table has few keys. With a key they are ranges of its first
    /// part; without one, blocks of the file where the database has them; else one split.
    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>>;

    /// How the server calls this session, for [`activity`](Self::activity); `None` where it has no name,
    /// or a pooler may give each statement another session.
    fn session(&self) -> Option<&str> {
        None
    }

    /// What another session of the same user does.
    async fn activity(&mut self, _session: &str) -> Result<Activity> {
        Ok(Activity::Unknown)
    }

    /// Ends another session of the same user, if it is still there.
    async fn end_session(&mut self, _session: &str) -> Result<()> {
        Ok(())
    }

    /// Checks that the server responds.
    async fn ping(&mut self) -> Result<()> {
        self.execute("SELECT 1").await.map(|_| ())
    }

    /// Whether the user may do this with the table, without doing it.
    ///
    /// # Errors
    /// `Auth`: they may not; the message says what on which table.
    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()>;

    /// Indexes of the table's columns with which the user may do this: all of them where the
    /// database has no column privileges, or does not report them.
    ///
    /// # Errors
    /// `Auth`: there are columns that the database hides from the user.
    async fn granted(&mut self, table: &Table, _access: Access) -> Result<Vec<usize>> {
        Ok((0..table.columns.len()).collect())
    }

    /// [`check_access`](Self::check_access) of several tables, in their order; in few round trips
    /// where the database allows that.
    ///
    /// # Errors
    /// Other errors than `Auth`, which is that of a table.
    async fn check_access_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<()>>> {
        let mut allowed = Vec::with_capacity(tables.len());
        for table in tables {
            allowed.push(denied(self.check_access(table, access).await)?);
        }
        Ok(allowed)
    }

    /// [`granted`](Self::granted) of several tables, in the same way.
    ///
    /// # Errors
    /// As [`check_access_all`](Self::check_access_all).
    async fn granted_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<Vec<usize>>>> {
        let mut granted = Vec::with_capacity(tables.len());
        for table in tables {
            granted.push(denied(self.granted(table, access).await)?);
        }
        Ok(granted)
    }

    /// Tries what a write by `plan` needs (the privileges of each of its statements, a temporary
    /// table) without changing a row. Why a route is not available, while another one is, is
    /// logged. Outside transactions only.
    ///
    /// # Errors
    /// `Auth`, `Schema`: the write would fail, whatever its rows are.
    async fn try_out(&mut self, _plan: &WritePlan) -> Result<()> {
        Ok(())
    }

    /// Runs a query whose columns are those of `schema`, in order.
    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>>;

    /// Runs a statement without results; the number of rows it changed.
    async fn execute(&mut self, sql: &str) -> Result<u64>;

    /// Begins a transaction.
    async fn begin(&mut self) -> Result<()>;

    /// Commits it. `Ok` means durable as far as the database is set to be.
    async fn commit(&mut self) -> Result<()>;

    /// Rolls it back; does nothing where there is none.
    async fn rollback(&mut self) -> Result<()>;

    /// Marks a place in the transaction to which [`rollback_to_savepoint`] goes back; one that was
    /// marked before is forgotten.
    ///
    /// # Errors
    /// `Unsupported`: there are none, see [`Capabilities`](crate::Capabilities).
    ///
    /// [`rollback_to_savepoint`]: Self::rollback_to_savepoint
    async fn savepoint(&mut self) -> Result<()> {
        Err(no_savepoints())
    }

    /// Undoes what was done since the savepoint; the transaction is usable again. The savepoint
    /// stays: any number of calls go back to the same place. Where a database takes a savepoint away
    /// with the first of them, its dialect sets it again.
    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        Err(no_savepoints())
    }

    /// Writes some rows of the records, whole or not at all; the number of rows written. Inside
    /// a transaction where one was begun: a failed write leaves the transaction usable only
    /// after [`rollback`](Self::rollback).
    ///
    /// # Errors
    /// `Data`: a row that the table refuses; the message names table and column where the
    /// database does. The sink finds the row by halving the range.
    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64>;

    /// Closes the connection.
    async fn close(self: Box<Self>) -> Result<()>;
}

/// Missing privileges are those of one table of several; other errors are those of the call.
///
/// # Errors
/// Other errors than `Auth`.
pub fn denied<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(e) if e.kind() != ErrorKind::Auth => Err(e),
        outcome => Ok(outcome),
    }
}

fn no_savepoints() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "transactions have no savepoints here",
    )
}

/// Rows on their way from the database into columns.
#[async_trait]
pub trait Cursor: Send {
    /// The next rows: at most so many, and no more once they take so many bytes; `None` after
    /// the last.
    ///
    /// # Errors
    /// `Data`: a value that its column's kind cannot represent; the message names the column.
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>>;
}
