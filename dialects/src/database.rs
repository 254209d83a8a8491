//! The everyday calls: connect, read tables and queries as Arrow batches, write batches into tables.
mod batches;
mod reader;
mod write;

pub use batches::Batches;
pub use reader::BlockingReader;
pub use write::{Write, Written};

use crate::{open, write_or_reject};
use connect_api::{
    Error, ErrorKind, Records, Result, Schema, SchemaRef,
    arrow::{array::RecordBatch, schema::Schema as ArrowSchema},
};
use dialect_core::{
    Change, Connection, Dialect, OpenOptions, Page, Statement, Table, TableName, WritePlan,
    WriteRequest,
};
use futures_util::{Stream, StreamExt as _};
use std::{fmt, num::NonZeroUsize, pin::pin, sync::Arc};

/// A database and one connection to it. `Debug` shows where it is, without user and password.
pub struct Database {
    dialect: Arc<dyn Dialect>,
    connection: Box<dyn Connection>,
    /// What is being read: the rows that are handed out borrow it.
    reading: Option<(Statement, SchemaRef)>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database")
            .field(&self.dialect.address())
            .finish()
    }
}

impl Database {
    /// Connects to the database at `url`, with default options.
    ///
    /// # Errors
    /// As [`open`], then `Auth`, `Connect`, `Timeout`.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, &OpenOptions::default()).await
    }

    /// Connects with options: timeouts, TLS, the mapping of values.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(url: &str, options: &OpenOptions) -> Result<Self> {
        let dialect = open(url, options)?;
        let connection = dialect.connect().await?;
        Ok(Self {
            dialect,
            connection,
            reading: None,
        })
    }

    /// The dialect, for what this type has no method for.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// The connection, for what this type has no method for.
    pub fn connection(&mut self) -> &mut dyn Connection {
        self.connection.as_mut()
    }

    /// Describes a table; its name as SQL writes it, `orders` or `sales."order.lines"`.
    ///
    /// # Errors
    /// `Config`: it is not a name. `Schema`: there is no such table.
    pub async fn describe(&mut self, table: &str) -> Result<Table> {
        let name = TableName::parse(table)?;
        let found = self.connection.describe(&name).await?;
        found.ok_or_else(|| {
            let why = format!("table {name}: there is none");
            Error::new(ErrorKind::Schema, why)
        })
    }

    /// Reads all rows of a table, in no particular order, in batches of bounded size.
    ///
    /// # Errors
    /// As [`describe`](Self::describe). `Unsupported`: a column of an unsupported type.
    pub async fn read_table(&mut self, table: &str) -> Result<Batches<'_>> {
        let table = self.describe(table).await?;
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let key: Vec<_> = table.primary_key.iter().map(String::as_str).collect();
        let schema = table.schema(&columns, &key)?;
        let statement = self.dialect.syntax().select(&Page::of(&table, &columns))?;
        self.read(statement, schema).await
    }

    /// Reads the rows of a query.
    ///
    /// # Errors
    /// `Schema`: it is not a query, or two of its columns have one name. `Unsupported`: a column of
    /// an unsupported type.
    pub async fn read_query(&mut self, query: &str) -> Result<Batches<'_>> {
        let table = self.connection.describe_query(query).await?;
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[])?;
        let statement = self.dialect.syntax().select(&Page {
            query: Some(query),
            ..Page::of(&table, &columns)
        })?;
        self.read(statement, schema).await
    }

    async fn read(&mut self, statement: Statement, schema: SchemaRef) -> Result<Batches<'_>> {
        let (statement, schema) = self.reading.insert((statement, schema));
        let cursor = self.connection.query(statement, schema).await?;
        Ok(Batches::new(cursor, schema.columns().clone()))
    }

    /// Writes a batch into a table.
    ///
    /// # Errors
    /// As [`write_all`](Self::write_all).
    pub async fn write(
        &mut self,
        table: &str,
        batch: &RecordBatch,
        how: &Write,
    ) -> Result<Written> {
        let batches = futures_util::stream::iter([Ok(batch.clone())]);
        self.write_all(table, batches, how).await
    }

    /// Writes batches into a table, each whole or not at all, in a transaction of its own; with
    /// [`Write::in_one_transaction`] all of them whole or not at all. An upsert, an update or a delete
    /// has each key once in a batch.
    ///
    /// # Errors
    /// `Config`: what `how` asks for contradicts itself. `Schema`: the columns do not fit the table,
    /// or there is none and [`Write::create_table`] was not asked for. `Data`: a row that the table
    /// refuses, unless [`Write::skip_rejected`] was asked for; batches before it stay written. An
    /// error of `batches` ends the write likewise.
    pub async fn write_all(
        &mut self,
        table: &str,
        batches: impl Stream<Item = Result<RecordBatch>>,
        how: &Write,
    ) -> Result<Written> {
        how.validate()?;
        let name = TableName::parse(table)?;
        let mut written = Written::default();
        let mut begun = false;
        let outcome = self
            .write_batches(&name, batches, how, &mut begun, &mut written)
            .await;
        match outcome {
            Ok(()) if begun => self.connection.commit().await?,
            Ok(()) => {}
            Err(first) => {
                if begun {
                    // The first error is the one to report; a rollback that fails leaves nothing behind.
                    self.connection.rollback().await.ok();
                }
                return Err(first);
            }
        }
        Ok(written)
    }

    async fn write_batches(
        &mut self,
        name: &TableName,
        batches: impl Stream<Item = Result<RecordBatch>>,
        how: &Write,
        begun: &mut bool,
        written: &mut Written,
    ) -> Result<()> {
        let mut batches = pin!(batches);
        let mut plan: Option<(Arc<ArrowSchema>, WritePlan)> = None;
        let mut first_row = 0;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let key: Vec<_> = how.key.iter().map(String::as_str).collect();
            let records = Records::from_batch(name.name.as_str().into(), &name.name, &batch, &key)?;
            let planned = plan.as_ref().filter(|(of, _)| *of == batch.schema());
            let planned = match planned {
                Some((_, planned)) => planned,
                None => {
                    let planned = self.plan(name, records.schema(), how).await?;
                    // Behind the table's creation, which commits in some databases.
                    if how.one_transaction && !*begun {
                        self.connection.begin().await?;
                        *begun = true;
                    }
                    &plan.insert((batch.schema(), planned)).1
                }
            };
            let rows = 0..records.len();
            if how.skip_rejected {
                let connection = self.connection.as_mut();
                let most = NonZeroUsize::MAX;
                let rejected = write_or_reject(connection, planned, &records, rows, most).await?;
                written.rows += (records.len() - rejected.len()) as u64;
                written.rejected.extend(rejected.into_iter().map(|mut row| {
                    row.row += first_row;
                    row
                }));
            } else {
                written.rows += self.connection.write(planned, &records, rows).await?;
            }
            first_row += records.len();
        }
        Ok(())
    }

    async fn plan(&mut self, name: &TableName, schema: &Schema, how: &Write) -> Result<WritePlan> {
        let table = match self.connection.describe(name).await? {
            Some(table) => table,
            None if how.create_table => {
                let change = Change::Create {
                    table: name,
                    schema,
                };
                change
                    .apply(self.dialect.as_ref(), self.connection.as_mut())
                    .await?
            }
            None => {
                let why = format!("table {name}: there is none; Write::create_table creates it");
                return Err(Error::new(ErrorKind::Schema, why));
            }
        };
        let key = match how.key.is_empty() {
            true => table.primary_key.clone(),
            false => how.key.clone(),
        };
        self.dialect.plan_write(&WriteRequest {
            table: &table,
            schema,
            op: how.op,
            key: &key,
            columns: None,
            route: None,
        })
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// `Connect`: it was broken.
    pub async fn close(self) -> Result<()> {
        self.connection.close().await
    }
}
