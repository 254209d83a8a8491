//! A database of its own for every test.
use connect_api::{ConnectRecord, Kind, Records, Schema, SchemaRef, Value};
use dialect_core::{
    Connection, Dialect, OpenOptions, Page, Statement, Table, TableName, WriteOp, WritePlan,
    WriteRequest,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The URL of the server, with a user who may do everything.
pub(crate) fn url() -> String {
    std::env::var("CONNECT_TEST_MYSQL_URL").unwrap_or_else(|_| {
        panic!("CONNECT_TEST_MYSQL_URL is not set: run `eval \"$(scripts/services env)\"` first")
    })
}

/// The server's URL with another database, and parameters behind it.
pub(crate) fn url_of(database: &str, parameters: &str) -> String {
    let url = url();
    let (server, _) = url.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{database}{parameters}")
}

/// The server is MariaDB, and has words and types of its own.
pub(crate) async fn is_mariadb() -> bool {
    let schema = Schema::new("v", [Kind::Text.field("v", true)], &[]).unwrap();
    let statement = Statement {
        sql: "SELECT VERSION() AS v".to_owned(),
        params: Vec::new(),
    };
    let mut connection = open(&url()).connect().await.unwrap();
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(1, 1 << 10).await.unwrap().unwrap();
    let records = Records::new("v".into(), schema.clone(), batch).unwrap();
    let version = records.row(0).get(0).to_value();
    matches!(version, Value::Text(version) if version.contains("MariaDB"))
}

/// A relation of the numbers from 1 to a power of ten, as `seq`; every server understands it.
pub(crate) fn numbers(power: usize) -> String {
    let digit = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
                 SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL \
                 SELECT 8 UNION ALL SELECT 9)";
    let terms: Vec<_> = (0..power)
        .map(|i| format!("n{i}.d * 1{}", "0".repeat(i)))
        .collect();
    let digits: Vec<_> = (0..power).map(|i| format!("{digit} AS n{i}")).collect();
    format!(
        "(SELECT 1 + {} AS seq FROM {}) AS numbers",
        terms.join(" + "),
        digits.join(" CROSS JOIN ")
    )
}

/// A name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}_{:x}_{next}", now.as_micros())
}

pub(crate) fn open(url: &str) -> Arc<dyn Dialect> {
    dialect_mysql::open(url, &OpenOptions::default()).unwrap()
}

/// A database of its own, and a connection to it.
pub(crate) struct Place {
    pub(crate) database: String,
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) connection: Box<dyn Connection>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With parameters of the URL, e.g. `?tinyInt1isBit=true`.
    pub(crate) async fn with(parameters: &str) -> Self {
        Self::made(parameters, &OpenOptions::default()).await
    }

    /// With options.
    pub(crate) async fn opened(set: impl FnOnce(&mut OpenOptions)) -> Self {
        let mut options = OpenOptions::default();
        set(&mut options);
        Self::made("", &options).await
    }

    async fn made(parameters: &str, options: &OpenOptions) -> Self {
        let database = unique("t");
        let mut admin = open(&url()).connect().await.unwrap();
        admin
            .execute(&format!("CREATE DATABASE {database}"))
            .await
            .unwrap();
        let dialect = dialect_mysql::open(&url_of(&database, parameters), options).unwrap();
        let connection = dialect.connect().await.unwrap();
        Self {
            database,
            dialect,
            connection,
        }
    }

    pub(crate) async fn run(&mut self, sql: &str) -> u64 {
        self.connection.execute(sql).await.unwrap()
    }

    /// Makes the table `t` of these columns, in the place of one that was there.
    pub(crate) async fn remake(&mut self, columns: &str) {
        self.run("DROP TABLE IF EXISTS t").await;
        self.run(&format!("CREATE TABLE t ({columns})")).await;
    }

    pub(crate) async fn table(&mut self, name: &str) -> Table {
        let described = self.connection.describe(&TableName::new(name)).await;
        described.unwrap().expect("the table is there")
    }

    /// The whole table, in no order, as rows.
    pub(crate) async fn try_read(
        &mut self,
        table: &Table,
        key: &[&str],
    ) -> connect_api::Result<Vec<Vec<Value>>> {
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, key)?;
        let page = Page::of(table, &columns);
        let statement = self.dialect.syntax().select(&page)?;
        let mut cursor = self.connection.query(&statement, &schema).await?;
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next(1000, 1 << 20).await? {
            let records = Records::new("t".into(), schema.clone(), batch)?;
            rows.extend(records.rows().map(|row| row.to_record().values));
        }
        Ok(rows)
    }

    pub(crate) async fn read(&mut self, name: &str) -> Vec<Vec<Value>> {
        let table = self.table(name).await;
        let mut rows = self.try_read(&table, &[]).await.unwrap();
        rows.sort_by_key(|row| format!("{row:?}"));
        rows
    }

    pub(crate) fn plan(
        &self,
        table: &Table,
        schema: &SchemaRef,
        op: WriteOp,
        key: &[&str],
    ) -> connect_api::Result<WritePlan> {
        let key: Vec<_> = key.iter().map(|k| (*k).to_owned()).collect();
        self.dialect.plan_write(&WriteRequest {
            table,
            schema,
            op,
            key: &key,
            columns: None,
            route: None,
        })
    }

    /// Writes rows to the table `name`, all of them.
    pub(crate) async fn write(
        &mut self,
        name: &str,
        op: WriteOp,
        key: &[&str],
        schema: &SchemaRef,
        rows: Vec<Vec<Value>>,
    ) -> connect_api::Result<u64> {
        let table = self.table(name).await;
        let plan = self.plan(&table, schema, op, key)?;
        let records = records(schema, rows);
        self.connection
            .write(&plan, &records, 0..records.len())
            .await
    }

    pub(crate) async fn drop(mut self) {
        let sql = format!("DROP DATABASE {}", self.database);
        self.run(&sql).await;
        self.connection.close().await.unwrap();
    }
}

pub(crate) fn records(schema: &SchemaRef, rows: Vec<Vec<Value>>) -> Records {
    let rows = rows.into_iter().map(|values| ConnectRecord {
        values,
        ..ConnectRecord::default()
    });
    Records::from_rows("t".into(), schema.clone(), rows).unwrap()
}
