//! A workload's tables in a database, and those who compete on them.
use crate::{
    contest::{Contender, Run, Task, Way},
    database::{Brand, Database, Driver},
    ours, raw,
    workload::Workload,
};
use connect_api::{Kind, Records, Result, Schema, ValueRef};
use dialects::{
    Connection, Page, Route, Statement, Syntax, Table, TableName, WriteOp, WritePlan, WriteRequest,
};
use std::process;

/// Rows of a transaction while tables are filled.
const CHUNK: i64 = 5_000;

/// Three tables of a workload: one that is written to, and two that hold its rows before and after
/// a change.
pub struct Arena {
    database: Database,
    workload: Workload,
    rows: i64,
    connection: Box<dyn Connection>,
    target: Table,
    /// The tables with the rows of revision 0 and 1.
    rows_of: [TableName; 2],
}

impl Arena {
    /// Makes the tables, with this many rows each.
    ///
    /// # Errors
    /// As the database says.
    pub async fn open(database: &Database, workload: Workload, rows: i64) -> Result<Self> {
        let database = database.clone();
        let dialect = database.dialect().clone();
        let mut connection = dialect.connect().await?;
        let name = |what: &str| {
            let text = format!("bench_{}_{what}_{}", workload.name(), process::id());
            TableName::new(text)
        };
        let target = make(
            connection.as_mut(),
            dialect.syntax(),
            workload,
            name("target"),
        )
        .await?;
        let rows_of = [name("before"), name("after")];
        for (revision, name) in (0..).zip(&rows_of) {
            let table = make(
                connection.as_mut(),
                dialect.syntax(),
                workload,
                name.clone(),
            )
            .await?;
            let plan = plan(&database, workload, &table, WriteOp::Insert, None)?;
            let batches = batches(workload, rows, CHUNK, revision)?;
            for records in &batches {
                connection.begin().await?;
                connection.write(&plan, records, 0..records.len()).await?;
                connection.commit().await?;
            }
        }
        let mut arena = Self {
            database,
            workload,
            rows,
            connection,
            target,
            rows_of,
        };
        for name in arena.rows_of.clone() {
            arena.settle(&name).await?;
        }
        Ok(arena)
    }

    /// The ways of this database to do a task.
    pub fn ways(brand: Brand, task: Task) -> Vec<Way> {
        let routes: &[Route] = match (brand, task) {
            (_, Task::Read) if !raw::has(brand) => return vec![Way::Ours],
            (_, Task::Read) => return vec![Way::Ours, Way::Limit],
            (Brand::Postgres, Task::Insert) => {
                &[Route::Load, Route::Stage, Route::Values, Route::Rows]
            }
            (Brand::Postgres, Task::Upsert) => &[Route::Stage, Route::Values, Route::Rows],
            (Brand::Mariadb | Brand::Sqlite, _) => &[Route::Values, Route::Rows],
            (Brand::Odbc(_), _) => &[Route::Load, Route::Values, Route::Rows],
        };
        let mut ways: Vec<_> = routes.iter().copied().map(Way::Route).collect();
        if raw::has(brand) {
            ways.extend([Way::Limit, Way::OneRow]);
        }
        ways
    }

    /// Makes a contender ready, with a connection of its own: everything is prepared, so that its
    /// runs do nothing but the task. It writes `rows` rows, in transactions of `batch`.
    ///
    /// # Errors
    /// As the database says; `Unsupported`: it has no such route.
    pub async fn contender(
        &self,
        task: Task,
        way: Way,
        rows: i64,
        batch: i64,
    ) -> Result<Contender> {
        let Some(op) = task.op() else {
            return self.reader(way).await;
        };
        let rows = rows.min(self.rows);
        let run: Box<dyn Run> = match way {
            Way::Ours | Way::Route(_) => {
                let route = match way {
                    Way::Route(route) => Some(route),
                    _ => None,
                };
                Box::new(ours::Write {
                    connection: self.database.dialect().connect().await?,
                    plan: plan(&self.database, self.workload, &self.target, op, route)?,
                    batches: batches(self.workload, rows, batch, task.revision())?,
                })
            }
            Way::Limit | Way::OneRow => {
                let syntax = self.database.dialect().syntax();
                let from = usize::try_from(task.revision()).unwrap_or(0);
                let quote = |column: &dialects::Column| syntax.quote(&column.name);
                let job = raw::Job {
                    task,
                    table: syntax.table(&self.target.name)?,
                    from: syntax.table(&self.rows_of[from])?,
                    columns: self
                        .target
                        .columns
                        .iter()
                        .map(quote)
                        .collect::<Result<_>>()?,
                    rows,
                    batch,
                    one_row: way == Way::OneRow,
                };
                raw::write(&self.database, &job).await?
            }
        };
        Ok(Contender {
            task,
            way,
            rows: rows.unsigned_abs(),
            run,
        })
    }

    async fn reader(&self, way: Way) -> Result<Contender> {
        let columns: Vec<usize> = (0..self.target.columns.len()).collect();
        let table = Table {
            name: self.rows_of[0].clone(),
            ..self.target.clone()
        };
        let statement = self
            .database
            .dialect()
            .syntax()
            .select(&Page::of(&table, &columns))?;
        let run: Box<dyn Run> = match way {
            Way::Limit | Way::OneRow => raw::read(&self.database, &statement.sql).await?,
            Way::Ours | Way::Route(_) => Box::new(ours::Read {
                connection: self.database.dialect().connect().await?,
                schema: table.schema(&columns, &["id"])?,
                statement,
            }),
        };
        Ok(Contender {
            task: Task::Read,
            way,
            rows: self.rows.unsigned_abs(),
            run,
        })
    }

    /// Makes the table as a run of the task needs it.
    ///
    /// # Errors
    /// As the database says.
    pub async fn reset(&mut self, task: Task) -> Result<()> {
        let syntax = self.database.dialect().syntax();
        let table = syntax.table(&self.target.name)?;
        let empty = match self.database.brand().native() {
            Brand::Sqlite => format!("DELETE FROM {table}"),
            _ => format!("TRUNCATE TABLE {table}"),
        };
        let before = syntax.table(&self.rows_of[0])?;
        let fill = format!("INSERT INTO {table} SELECT * FROM {before}");
        match task {
            Task::Read => return Ok(()),
            Task::Insert => self.connection.execute(&empty).await?,
            Task::Upsert => {
                self.connection.execute(&empty).await?;
                self.connection.execute(&fill).await?
            }
        };
        let name = self.target.name.clone();
        self.settle(&name).await
    }

    /// Lets the database do now what it would else do while it is measured.
    async fn settle(&mut self, name: &TableName) -> Result<()> {
        let table = self.database.dialect().syntax().table(name)?;
        match self.database.brand() {
            Brand::Postgres | Brand::Odbc(Driver::Postgres) => {
                let settle = format!("VACUUM (ANALYZE) {table}");
                self.connection.execute(&settle).await?;
            }
            Brand::Sqlite => {
                // The log's pages go to the file, and the log begins anew.
                let columns = ["busy", "log", "checkpointed"];
                self.number("PRAGMA wal_checkpoint(TRUNCATE)", &columns)
                    .await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a write must leave behind.
    ///
    /// # Errors
    /// `Internal`: the table holds other rows.
    pub async fn check(&mut self, contender: &Contender) -> Result<()> {
        let Contender {
            task, way, rows, ..
        } = contender;
        let expected = match task {
            Task::Read => return Ok(()),
            Task::Insert => *rows,
            Task::Upsert => self.rows.unsigned_abs(),
        };
        let syntax = self.database.dialect().syntax();
        let (table, id) = (syntax.table(&self.target.name)?, syntax.quote("id")?);
        let revision = usize::try_from(task.revision()).unwrap_or(0);
        let from = syntax.table(&self.rows_of[revision])?;
        let count = self
            .number(&format!("SELECT COUNT(*) AS n FROM {table}"), &["n"])
            .await?;
        let other = format!(
            "SELECT COUNT(*) AS n FROM (SELECT * FROM {table} WHERE {id} <= {rows} EXCEPT SELECT * FROM {from}) AS other"
        );
        let other = self.number(&other, &["n"]).await?;
        if count == expected && other == 0 {
            return Ok(());
        }
        let (database, task) = (self.database.brand().name(), task.name());
        Err(crate::internal(format!(
            "{database} {task} {way}: {count} rows are there, expected {expected}; {other} differ"
        )))
    }

    /// The first number of what a query gives.
    async fn number(&mut self, sql: &str, columns: &[&str]) -> Result<u64> {
        let statement = Statement {
            sql: sql.to_owned(),
            params: Vec::new(),
        };
        let schema = Schema::new(
            "number",
            columns.iter().map(|c| Kind::Int64.field(c, true)),
            &[],
        )?;
        let mut cursor = self.connection.query(&statement, &schema).await?;
        let batch = cursor.next(1, usize::MAX).await?;
        drop(cursor);
        let Some(batch) = batch else { return Ok(0) };
        let records = Records::new("number".into(), schema, batch)?;
        Ok(match records.rows().next().map(|row| row.get(0)) {
            Some(ValueRef::Int(number)) => u64::try_from(number).unwrap_or(0),
            _ => 0,
        })
    }

    /// Drops the tables.
    ///
    /// # Errors
    /// As the database says.
    pub async fn close(mut self) -> Result<()> {
        let [before, after] = &self.rows_of;
        for name in [&self.target.name, before, after] {
            let table = self.database.dialect().syntax().table(name)?;
            self.connection
                .execute(&format!("DROP TABLE {table}"))
                .await?;
        }
        self.connection.close().await
    }
}

/// Makes a table, empty, in the place of one that has this name.
async fn make(
    connection: &mut dyn Connection,
    syntax: &dyn Syntax,
    workload: Workload,
    name: TableName,
) -> Result<Table> {
    let drop = format!("DROP TABLE IF EXISTS {}", syntax.table(&name)?);
    connection.execute(&drop).await?;
    let create = syntax.create_table(&name, &*workload.schema()?)?;
    connection.execute(&create).await?;
    let missing = || crate::internal(format!("table {name} is missing, though it was created"));
    connection.describe(&name).await?.ok_or_else(missing)
}

fn plan(
    database: &Database,
    workload: Workload,
    table: &Table,
    op: WriteOp,
    route: Option<Route>,
) -> Result<WritePlan> {
    database.dialect().plan_write(&WriteRequest {
        table,
        schema: &*workload.schema()?,
        op,
        key: &["id".to_owned()],
        columns: None,
        route,
    })
}

/// The rows from 1 on, cut into batches.
fn batches(workload: Workload, rows: i64, batch: i64, revision: i64) -> Result<Vec<Records>> {
    let all = workload.records(workload.name(), 1..=rows, revision)?;
    let batch = usize::try_from(batch.max(1)).unwrap_or(usize::MAX);
    let starts = (0..all.len()).step_by(batch);
    Ok(starts
        .map(|start| all.slice(start..(start + batch).min(all.len())))
        .collect())
}
