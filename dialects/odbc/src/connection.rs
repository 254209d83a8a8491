//! A connection: what is asked of it goes to its thread.
use crate::{
    bind::{Bound, bound},
    cursor::OdbcCursor,
    describe,
    options::Settings,
    plan::server::Server,
    server::Profile,
    session::thread::Handle,
    write,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Page, Split, Statement, Syntax, Table, TableName, TableType,
    WritePlan, split_by_quantiles,
};
use std::{
    num::NonZeroU32,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// The one savepoint of a transaction.
const SAVEPOINT: &str = "connect_part";

pub(crate) struct OdbcConnection {
    handle: Handle,
    server: Server,
    settings: Arc<Settings>,
}

impl OdbcConnection {
    pub(crate) async fn open(
        settings: Arc<Settings>,
        known: Arc<OnceLock<Server>>,
    ) -> Result<Self> {
        let (handle, server) = Handle::open(settings.clone(), known).await?;
        Ok(Self {
            handle,
            server,
            settings,
        })
    }

    fn params(&self, statement: &Statement, table: &str) -> Result<Vec<Bound>> {
        let param = |param| {
            bound(self.server.syntax.profile, param).map_err(|error| {
                Error::new(
                    ErrorKind::Data,
                    format!("query on table `{table}`: a bound value that {error}"),
                )
            })
        };
        statement.params.iter().map(param).collect()
    }
}

#[async_trait]
impl Connection for OdbcConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        let schema = schema.map(str::to_owned);
        let job = move |session: &mut _| describe::tables(session, schema.as_deref());
        self.handle.call(job).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let name = name.clone();
        self.handle
            .call(move |session| describe::describe(session, &name))
            .await
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        let names = names.to_vec();
        self.handle
            .call(move |session| {
                let tables = names.iter().map(|name| describe::describe(session, name));
                tables.collect()
            })
            .await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        let query = query.to_owned();
        self.handle
            .call(move |session| describe::describe_query(session, &query))
            .await
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        split_by_quantiles(self, syntax, page, parts).await
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let sql = access_sql(&self.server, table, access)?;
        let name = table.name.clone();
        self.handle
            .call(move |session| {
                let done = session.execute(&sql);
                match done.map_err(|e| e.context(format_args!("{access:?} on table {name}"))) {
                    // Another writes: so can we, later.
                    Err(e) if e.kind() == ErrorKind::Busy => Ok(()),
                    done => done.map(|_| ()),
                }
            })
            .await
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        let plan = plan.clone();
        self.handle
            .call(move |session| write::dry_run::try_plan(session, &plan))
            .await
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let params = self.params(statement, schema.name())?;
        let cursor = OdbcCursor::open(
            &self.handle,
            &self.server,
            &self.settings,
            statement.sql.clone(),
            params,
            schema,
        );
        Ok(Box::new(cursor.await?))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        let sql = sql.to_owned();
        self.handle.call(move |session| session.execute(&sql)).await
    }

    async fn ping(&mut self) -> Result<()> {
        let sql = match self.server.syntax.profile {
            Profile::Oracle => "SELECT 1 FROM dual",
            Profile::Db2 => "SELECT 1 FROM sysibm.sysdummy1",
            _ => "SELECT 1",
        };
        self.execute(sql).await.map(|_| ())
    }

    async fn begin(&mut self) -> Result<()> {
        self.handle.call(|session| session.begin()).await
    }

    async fn commit(&mut self) -> Result<()> {
        self.handle.call(|session| session.commit()).await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.handle.call(|session| session.rollback()).await
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.savepoints()?;
        self.execute(&format!("SAVEPOINT {SAVEPOINT}"))
            .await
            .map(|_| ())
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        self.savepoints()?;
        self.handle
            .call(|session| {
                session.execute(&format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}"))?;
                session.mended();
                Ok(())
            })
            .await
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        // Columns are shared, not copied.
        let (plan, records) = (plan.clone(), records.clone());
        self.handle
            .call(move |session| write::write(session, &plan, &records, rows))
            .await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.handle.call(|session| session.rollback()).await
    }
}

impl OdbcConnection {
    fn savepoints(&self) -> Result<()> {
        if self.server.syntax.profile.has_savepoints() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "transactions have no savepoints here",
        ))
    }
}

/// A statement that needs the privilege, run on no row at all.
fn access_sql(server: &Server, table: &Table, access: Access) -> Result<String> {
    let syntax = &server.syntax;
    let name = syntax.table(&table.name)?;
    let column = table.columns.iter().find(|c| !c.generated);
    let column = match column {
        Some(column) => syntax.quote(&column.name)?,
        None => {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("table {}: it has no column that can be written", table.name),
            ));
        }
    };
    Ok(match access {
        Access::Select => format!("SELECT {column} FROM {name} WHERE 1 = 0"),
        Access::Insert => {
            // Where no rows may be of no table, the user must be one who may read this one.
            let nothing = match syntax.profile {
                Profile::Postgres | Profile::Sqlite | Profile::SqlServer => "NULL".to_owned(),
                Profile::MySql { .. } | Profile::Oracle => "NULL FROM dual".to_owned(),
                Profile::Db2 | Profile::Generic => format!("{column} FROM {name}"),
            };
            format!("INSERT INTO {name} ({column}) SELECT {nothing} WHERE 1 = 0")
        }
        Access::Update => format!("UPDATE {name} SET {column} = {column} WHERE 1 = 0"),
        Access::Delete => format!("DELETE FROM {name} WHERE 1 = 0"),
    })
}
