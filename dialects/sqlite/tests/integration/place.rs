//! A file of its own for a test.
use connect_api::{ConnectRecord, Error, Records, Result, SchemaRef, Value};
use dialect_core::{
    Connection, Dialect, KeyPart, OpenOptions, Page, SqliteDates, Table, TableName, WriteOp,
    WriteRequest,
};
use std::{path::PathBuf, sync::Arc};

pub(crate) struct Database {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) connection: Box<dyn Connection>,
    directory: tempfile::TempDir,
}

impl Database {
    /// A new file with one table `t`, made by this DDL.
    pub(crate) async fn with(columns: &str, dates: SqliteDates) -> Self {
        let mut options = OpenOptions::default();
        options.values.sqlite_dates = dates;
        Self::opened(columns, options).await
    }

    /// The same, with other options.
    pub(crate) async fn opened(columns: &str, options: OpenOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!(
            "sqlite:{}?mode=rwc",
            directory.path().join("a.db").display()
        );
        let dialect = dialect_sqlite::open(&url, &options).unwrap();
        let connection = dialect.connect().await.unwrap();
        let mut database = Self {
            dialect,
            connection,
            directory,
        };
        database.run(&format!("CREATE TABLE t ({columns})")).await;
        database
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("a.db")
    }

    /// What a query gives, described by the dialect itself.
    pub(crate) async fn ask(&mut self, query: &str) -> Result<Vec<Vec<Value>>> {
        let table = self.connection.describe_query(query).await?;
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[])?;
        let page = Page {
            query: Some(query),
            ..Page::of(&table, &columns)
        };
        self.page(&page, &schema).await
    }

    pub(crate) async fn page(
        &mut self,
        page: &Page<'_>,
        schema: &SchemaRef,
    ) -> Result<Vec<Vec<Value>>> {
        let statement = self.dialect.syntax().select(page)?;
        let mut cursor = self.connection.query(&statement, schema).await?;
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next(100, 1 << 20).await? {
            let records = Records::new("t".into(), schema.clone(), batch)?;
            rows.extend(records.rows().map(|row| row.to_record().values));
        }
        Ok(rows)
    }

    /// Another dialect for the same file; `%` in the URL stands for its path.
    pub(crate) fn reopened(&self, url: &str) -> Arc<dyn Dialect> {
        let path = self.directory.path().join("a.db");
        let url = url.replace('%', &path.display().to_string());
        dialect_sqlite::open(&url, &OpenOptions::default()).unwrap()
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        self.connection
            .execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {}", e.report()));
    }

    pub(crate) async fn table(&mut self) -> Table {
        self.connection
            .describe(&TableName::new("t"))
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn try_read(
        &mut self,
        key: &[KeyPart],
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Vec<Value>>> {
        let table = self.table().await;
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[])?;
        let page = Page {
            key,
            after,
            limit: std::num::NonZeroU32::new(limit),
            ..Page::of(&table, &columns)
        };
        self.page(&page, &schema).await
    }

    pub(crate) async fn read(&mut self) -> Vec<Vec<Value>> {
        self.try_read(&[], None, 0)
            .await
            .unwrap_or_else(|e| panic!("{}", e.report()))
    }

    pub(crate) async fn read_error(&mut self) -> Error {
        self.try_read(&[], None, 0)
            .await
            .expect_err("the cell is refused")
    }

    pub(crate) async fn insert(&mut self, schema: &SchemaRef, rows: &[Vec<Value>]) -> Result<u64> {
        let table = self.table().await;
        let plan = self.dialect.plan_write(&WriteRequest {
            table: &table,
            schema,
            op: WriteOp::Insert,
            key: &[],
            columns: None,
            route: None,
        })?;
        let rows = rows.iter().map(|values| ConnectRecord {
            values: values.clone(),
            ..Default::default()
        });
        let records = Records::from_rows("t".into(), schema.clone(), rows)?;
        self.connection
            .write(&plan, &records, 0..records.len())
            .await
    }
}
