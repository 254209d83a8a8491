//! The server that the tests run against, and a schema of their own on it.
use connect_api::{Kind, Records, RecordsBuilder, Result, SchemaRef};
use dialect_core::{
    Connection, Dialect, OpenOptions, Page, Route, Statement, Syntax as _, Table, TableName,
    WriteOp, WritePlan, WriteRequest,
};
use dialect_postgres::PostgresSyntax;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The server's URL.
pub(crate) fn url() -> String {
    std::env::var("CONNECT_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("CONNECT_TEST_POSTGRES_URL is not set; run: scripts/services up && eval \"$(scripts/services env)\"")
    })
}

pub(crate) fn open(url: &str) -> Result<Arc<dyn Dialect>> {
    dialect_postgres::open(url, &OpenOptions::default())
}

pub(crate) async fn connect() -> Box<dyn Connection> {
    open(&url()).unwrap().connect().await.unwrap()
}

/// A schema that no other test uses.
pub(crate) struct Scratch {
    pub(crate) schema: String,
    pub(crate) connection: Box<dyn Connection>,
}

impl Scratch {
    pub(crate) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut scratch = Self {
            schema: format!("dialect_test_{}_{n}", std::process::id()),
            connection: connect().await,
        };
        let schema = &scratch.schema;
        let sql = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path TO {schema}"
        );
        scratch.connection.execute(&sql).await.unwrap();
        scratch
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> u64 {
        self.connection.execute(sql).await.unwrap()
    }

    pub(crate) async fn table(&mut self, name: &str) -> Table {
        let table = self.connection.describe(&TableName::new(name)).await;
        table.unwrap().unwrap()
    }

    /// Rows as text, the values that are not NULL joined by `|`.
    pub(crate) async fn rows(&mut self, values: &str, rest: &str) -> Vec<String> {
        let statement = Statement {
            sql: format!("SELECT concat_ws('|', {values}) {rest}"),
            params: Vec::new(),
        };
        let schema =
            connect_api::Schema::new("rows", [Kind::Text.field("row", true)], &[]).unwrap();
        let records = read(&mut *self.connection, &statement, &schema)
            .await
            .unwrap();
        let text = |row: connect_api::Row<'_>| match row.get(0) {
            connect_api::ValueRef::Text(text) => text.to_owned(),
            other => panic!("{other:?}"),
        };
        records.rows().map(text).collect()
    }

    /// Reads columns of a table, by name.
    pub(crate) async fn read(&mut self, table: &Table, columns: &[&str]) -> Result<Records> {
        let columns: Vec<_> = columns.iter().map(|c| table.index_of(c).unwrap()).collect();
        let page = Page::of(table, &columns);
        let statement = PostgresSyntax.select(&page)?;
        let schema = table.schema(&columns, &[])?;
        read(&mut *self.connection, &statement, &schema).await
    }

    pub(crate) async fn drop(mut self) {
        let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
        self.connection.execute(&sql).await.unwrap();
        self.connection.close().await.unwrap();
    }
}

pub(crate) async fn read(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &SchemaRef,
) -> Result<Records> {
    let mut cursor = connection.query(statement, schema).await?;
    let batch = cursor.next(usize::MAX, usize::MAX).await?;
    match batch {
        Some(batch) => Records::new("rows".into(), schema.clone(), batch),
        None => RecordsBuilder::new(schema.clone(), 0)?.finish("rows".into()),
    }
}

pub(crate) fn plan(
    table: &Table,
    records: &Records,
    op: WriteOp,
    key: &[&str],
    route: Option<Route>,
) -> Result<WritePlan> {
    let key: Vec<_> = key.iter().map(|k| (*k).to_owned()).collect();
    open(&url())?.plan_write(&WriteRequest {
        table,
        schema: records.schema(),
        op,
        key: &key,
        columns: None,
        route,
    })
}
