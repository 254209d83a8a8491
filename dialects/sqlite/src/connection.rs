//! A connection to a SQLite file.
use crate::{
    bind::param,
    cursor::{Query, SqliteCursor},
    decode::Decoder,
    describe,
    error_codes::refusal,
    options::Settings,
    session::{Session, thread::Thread},
    syntax::{SqliteSyntax, quoted},
    write,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Identity, IdentityChanges, Page, Split, Statement, Syntax, Table,
    TableName, TableType, WritePlan, split_by_quantiles,
};
use std::{collections::HashMap, num::NonZeroU32, ops::Range, sync::Arc};

pub(crate) struct SqliteConnection {
    thread: Thread,
    settings: Arc<Settings>,
    syntax: SqliteSyntax,
}

impl SqliteConnection {
    /// Opens the file, on a thread of its own.
    pub(crate) async fn open(
        settings: Arc<Settings>,
        syntax: SqliteSyntax,
        address: &str,
    ) -> Result<Self> {
        let opening = Thread::open(settings.clone(), address);
        let thread = tokio::time::timeout(settings.connect_timeout, opening)
            .await
            .map_err(|elapsed| {
                Error::new(ErrorKind::Timeout, format!("{address}: opening")).with_source(elapsed)
            })??;
        Ok(Self {
            thread,
            settings,
            syntax,
        })
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        let schema = schema.map(str::to_owned);
        self.thread
            .run(move |session| describe::tables(session, schema.as_deref()))
            .await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let mut tables = self.describe_all(std::slice::from_ref(name)).await?;
        Ok(tables.pop().flatten())
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        let names = names.to_vec();
        self.thread
            .run(move |session| describe::describe(session, &names))
            .await
    }

    async fn row_estimates(&mut self, names: &[TableName]) -> Result<Vec<Option<u64>>> {
        let names = names.to_vec();
        self.thread
            .run(move |session| describe::row_estimates(session, &names))
            .await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        let query = query.to_owned();
        self.thread
            .run(move |session| describe::describe_query(session, &query))
            .await
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        let name = name.clone();
        self.thread
            .run(move |session| describe::fingerprint(session, &name))
            .await
    }

    async fn identities(&mut self, names: &[TableName]) -> Result<Vec<Option<Identity>>> {
        let versions = self.fingerprints(names).await?.into_iter();
        let identity = |version: String| Identity {
            text: format!("schema {version}"),
            changes: IdentityChanges::WithDatabase,
        };
        Ok(versions.map(|version| version.map(identity)).collect())
    }

    async fn fingerprints(&mut self, names: &[TableName]) -> Result<Vec<Option<String>>> {
        let mut versions: HashMap<Option<String>, Option<String>> = HashMap::new();
        for name in names {
            if !versions.contains_key(&name.schema) {
                let version = self.fingerprint(name).await?;
                versions.insert(name.schema.clone(), version);
            }
        }
        let version = |name: &TableName| versions.get(&name.schema).cloned().flatten();
        Ok(names.iter().map(version).collect())
    }

    // What an expression gives can follow its rows: that is no change.
    async fn query_fingerprint(&mut self, _query: &str) -> Result<String> {
        let name = TableName::new("");
        let fingerprint = self.fingerprint(&name).await?;
        Ok(fingerprint.unwrap_or_default())
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        // Digits that are padded to be compared are not those of a key.
        let padded = page
            .key
            .first()
            .is_some_and(|_| self.syntax.pads(page.key_column(0)));
        if padded {
            return Ok(vec![Split::Key {
                after: None,
                until: None,
            }]);
        }
        split_by_quantiles(self, syntax, page, parts).await
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let name = self.syntax.table(&table.name)?;
        let column = table.columns.iter().find(|c| !c.generated);
        let column = column.map_or("rowid".to_owned(), |c| quoted(&c.name));
        // Run on no row at all: a table that is not there, a view, and a file that cannot be
        // written are refused all the same.
        let statement = match access {
            Access::Select => format!("SELECT 1 FROM {name} WHERE 0"),
            Access::Insert => {
                format!("INSERT INTO {name} ({column}) SELECT {column} FROM {name} WHERE 0")
            }
            Access::Update => format!("UPDATE {name} SET {column} = {column} WHERE 0"),
            Access::Delete => format!("DELETE FROM {name} WHERE 0"),
        };
        let operation = format!("{access:?} on table {}", table.name);
        let run = move |session: &mut Session| {
            session
                .run(&statement)
                .map(|_| ())
                .map_err(|e| refusal(operation, &e))
        };
        match self.thread.run(run).await {
            // Another writes: so can we, later.
            Err(e) if e.kind() == ErrorKind::Busy => Ok(()),
            done => done,
        }
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        let plan = plan.clone();
        self.thread
            .run(move |session| write::dry_run::try_plan(session, &plan))
            .await
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let bound = statement.params.iter().map(param);
        let params = bound.collect::<Result<_, _>>().map_err(|error| {
            let table = schema.name();
            Error::new(
                ErrorKind::Data,
                format!("query on table `{table}`: a bound value that {error}"),
            )
        })?;
        let decoders = schema
            .kinds()
            .iter()
            .zip(schema.columns().fields())
            .map(|(kind, field)| Decoder::new(kind, field, &self.settings.values))
            .collect();
        let query = Query {
            sql: statement.sql.clone(),
            params,
            schema: schema.clone(),
            decoders,
        };
        Ok(Box::new(SqliteCursor::open(&self.thread, query)?))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        let sql = sql.to_owned();
        let run =
            move |session: &mut Session| session.run(&sql).map_err(|e| refusal("statement", &e));
        self.thread.run(run).await
    }

    async fn begin(&mut self) -> Result<()> {
        self.thread.run(Session::begin).await
    }

    async fn commit(&mut self) -> Result<()> {
        self.thread.run(Session::commit).await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.thread.run(Session::rollback).await
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.thread.run(Session::savepoint).await
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        self.thread.run(Session::rollback_to_savepoint).await
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        let (plan, records) = (plan.clone(), records.clone());
        self.thread
            .run(move |session| write::write(session, &plan, &records, rows))
            .await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.thread.close().await
    }
}
