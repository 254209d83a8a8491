//! A database of a test.
use connect_api::{Records, Value, config::Settings};
use dialects::{Connection, Dialect, OpenOptions, Page, Table, TableName};
use std::sync::Arc;
use tempfile::TempDir;

/// A SQLite file, or a server.
#[derive(Debug)]
pub struct Database {
    /// Its connection URL.
    pub url: String,
    _dir: Option<TempDir>,
}

impl Database {
    /// A new SQLite file, after these statements.
    ///
    /// # Panics
    /// A statement fails.
    pub async fn sqlite(statements: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}?mode=rwc", dir.path().join("test.db").display());
        let database = Self {
            url,
            _dir: Some(dir),
        };
        for statement in statements {
            database.execute(statement).await;
        }
        database
    }

    /// The server whose URL is in this environment variable.
    ///
    /// # Panics
    /// The variable is not set.
    pub fn server(variable: &str) -> Self {
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: run `eval \"$(scripts/services env)\"` first")
        });
        Self { url, _dir: None }
    }

    /// The connection settings of a connector.
    pub fn connection_settings(&self) -> Settings {
        Settings::from_iter([
            ("connection.url", self.url.as_str()),
            ("connection.backoff.ms", "1"),
        ])
    }

    /// A connection of its own.
    ///
    /// # Panics
    /// There is none to be had.
    pub async fn connect(&self) -> Box<dyn Connection> {
        self.dialect().connect().await.unwrap()
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        dialects::open(&self.url, &OpenOptions::default()).unwrap()
    }

    /// Executes a statement.
    ///
    /// # Panics
    /// It fails.
    pub async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        connection
            .execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {}", e.report()));
        connection.close().await.unwrap();
    }

    /// The description of a table.
    ///
    /// # Panics
    /// The database fails.
    pub async fn describe(&self, table: &str) -> Option<Table> {
        let mut connection = self.connect().await;
        let table = connection.describe(&TableName::new(table)).await.unwrap();
        connection.close().await.unwrap();
        table
    }

    /// The rows of a table, as text, sorted.
    ///
    /// # Panics
    /// There is no such table.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let rows = self.all(table).await.into_iter().map(|row| {
            let cells = row.iter().map(shown);
            cells.collect::<Vec<_>>().join(" ")
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }

    /// The rows of a table with an integer column and a second one, ordered by the integers.
    ///
    /// # Panics
    /// There is no such table, or the first column is not an integer.
    pub async fn values(&self, table: &str) -> Vec<(i64, Value)> {
        let rows = self.all(table).await.into_iter();
        let mut rows: Vec<(i64, Value)> = rows
            .map(|mut row| match (row.remove(0), row.remove(0)) {
                (Value::Int(id), value) => (id, value),
                (other, _) => panic!("{other:?} is no number"),
            })
            .collect();
        rows.sort_by_key(|(id, _)| *id);
        rows
    }

    async fn all(&self, table: &str) -> Vec<Vec<Value>> {
        let mut connection = self.connect().await;
        let name = TableName::new(table);
        let table = connection
            .describe(&name)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{name} does not exist"));
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[]).unwrap();
        let page = Page::of(&table, &columns);
        let statement = self.dialect().syntax().select(&page).unwrap();
        let mut cursor = connection.query(&statement, &schema).await.unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next(1_000, usize::MAX).await.unwrap() {
            let records = Records::new("t".into(), schema.clone(), batch).unwrap();
            rows.extend(records.rows().map(|row| {
                let cells = (0..columns.len()).map(|i| row.get(i).to_value());
                cells.collect()
            }));
        }
        rows
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::Text(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        other => format!("{other:?}"),
    }
}
