//! The test harness: a connection with the operations that the tests share.
use crate::conformance::Fixture;
use crate::{
    connection::Connection,
    plan::{Route, WriteOp, WriteRequest},
    query::{KeyPart, Page},
    table::{Table, TableName},
};
use connect_api::{ConnectRecord, Kind, Records, Result, Schema, SchemaRef, Value};
use std::num::NonZeroU32;

/// Rows as the topics give and compare them.
pub(super) type Rows = Vec<Vec<Value>>;

/// What a write does, beside its rows.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) op: WriteOp,
    pub(super) key: &'a [&'a str],
    pub(super) route: Option<Route>,
}

pub(super) const INSERT: Write<'static> = Write {
    op: WriteOp::Insert,
    key: &[],
    route: None,
};

pub(super) struct Harness<'a> {
    pub(super) fixture: &'a Fixture,
    pub(super) connection: Box<dyn Connection>,
    created: Vec<TableName>,
}

impl<'a> Harness<'a> {
    pub(super) async fn new(fixture: &'a Fixture) -> Self {
        let connection = fixture.dialect.connect().await.unwrap();
        Self {
            fixture,
            connection,
            created: Vec::new(),
        }
    }

    pub(super) fn name(&self, topic: &str) -> TableName {
        TableName::new(format!("{}_{topic}", self.fixture.unique))
    }

    pub(super) fn quoted(&self, name: &TableName) -> String {
        self.fixture.dialect.syntax().table(name).unwrap()
    }

    pub(super) async fn run(&mut self, sql: &str) {
        if let Err(e) = self.connection.execute(sql).await {
            panic!("{sql}: {}", e.report());
        }
    }

    /// Creates a table of these columns in DDL, and describes it.
    pub(super) async fn create_table(&mut self, topic: &str, columns: &str) -> Table {
        let name = self.name(topic);
        let sql = format!("CREATE TABLE {} ({columns})", self.quoted(&name));
        self.run(&sql).await;
        self.created.push(name.clone());
        self.describe_table(&name).await
    }

    /// Creates a table for a schema, and describes it.
    pub(super) async fn create_table_for(&mut self, name: TableName, schema: &Schema) -> Table {
        let sql = self
            .fixture
            .dialect
            .syntax()
            .create_table(&name, schema)
            .unwrap();
        self.run(&sql).await;
        self.created.push(name.clone());
        self.describe_table(&name).await
    }

    pub(super) async fn describe_table(&mut self, name: &TableName) -> Table {
        let table = self.connection.describe(name).await;
        table
            .unwrap_or_else(|e| panic!("describing {name}: {}", e.report()))
            .unwrap_or_else(|| panic!("there is no table {name}"))
    }

    pub(super) async fn try_write(
        &mut self,
        table: &Table,
        schema: &SchemaRef,
        write: Write<'_>,
        rows: &Rows,
    ) -> Result<u64> {
        let key: Vec<_> = write.key.iter().map(|k| (*k).to_owned()).collect();
        let plan = self.fixture.dialect.plan_write(&WriteRequest {
            table,
            schema,
            op: write.op,
            key: &key,
            columns: None,
            route: write.route,
        })?;
        if let Some(route) = write.route {
            assert_eq!(plan.route, route, "a plan has the route that is asked for");
        }
        let records = records(schema, rows);
        self.connection
            .write(&plan, &records, 0..records.len())
            .await
    }

    pub(super) async fn write(
        &mut self,
        table: &Table,
        schema: &SchemaRef,
        write: Write<'_>,
        rows: &Rows,
    ) {
        match self.try_write(table, schema, write, rows).await {
            Ok(written) => {
                if matches!(write.op, WriteOp::Insert | WriteOp::Upsert) {
                    assert_eq!(written, rows.len() as u64, "rows written by {:?}", write.op);
                }
            }
            Err(e) => panic!(
                "{:?} by {:?} into {}: {}",
                write.op,
                write.route,
                table.name,
                e.report()
            ),
        }
    }

    /// The routes that the dialect offers for a write; `Rows` comes first and is always there.
    pub(super) fn routes(
        &self,
        table: &Table,
        schema: &Schema,
        op: WriteOp,
        key: &[&str],
    ) -> Vec<Route> {
        let key: Vec<_> = key.iter().map(|k| (*k).to_owned()).collect();
        let offered = |route: &Route| {
            let request = WriteRequest {
                table,
                schema,
                op,
                key: &key,
                columns: None,
                route: Some(*route),
            };
            match self.fixture.dialect.plan_write(&request) {
                Ok(_) => true,
                Err(e) => {
                    assert_eq!(
                        e.kind(),
                        connect_api::ErrorKind::Unsupported,
                        "{}",
                        e.report()
                    );
                    false
                }
            }
        };
        let routes: Vec<_> = [Route::Rows, Route::Values, Route::Load, Route::Stage]
            .into_iter()
            .filter(offered)
            .collect();
        assert_eq!(
            routes.first(),
            Some(&Route::Rows),
            "{op:?}: every write goes row by row too"
        );
        routes
    }

    /// All rows, in the order of these columns, read in batches of a few rows.
    pub(super) async fn read(&mut self, table: &Table, order: &[&str]) -> Rows {
        let all: Vec<_> = (0..table.columns.len()).collect();
        let key = parts(table, order);
        let page = Page {
            key: &key,
            ..Page::of(table, &all)
        };
        self.page(&page).await
    }

    /// The rows of a page.
    pub(super) async fn page(&mut self, page: &Page<'_>) -> Rows {
        let schema = page.table.schema(page.columns, &[]).unwrap();
        let statement = self.fixture.dialect.syntax().select(page).unwrap();
        let mut rows = Rows::new();
        let cursor = self.connection.query(&statement, &schema).await;
        let mut cursor = cursor.unwrap_or_else(|e| panic!("{}: {}", statement.sql, e.report()));
        loop {
            let batch = cursor.next(7, 1 << 20).await;
            let batch = batch.unwrap_or_else(|e| panic!("{}: {}", statement.sql, e.report()));
            let Some(batch) = batch else { break };
            assert!(
                (1..=7).contains(&batch.num_rows()),
                "a batch has 1 to 7 rows"
            );
            let records = Records::new("t".into(), schema.clone(), batch).unwrap();
            rows.extend(records.rows().map(|row| row.to_record().values));
        }
        rows
    }

    /// Which of the pages have a row; `None` where that is not asked.
    pub(super) async fn any(&mut self, pages: &[Page<'_>]) -> Option<Vec<Value>> {
        let statement = self.fixture.dialect.syntax().select_any(pages).unwrap()?;
        let columns = (0..pages.len()).map(|i| Kind::Int64.field(&format!("p{i}"), true));
        let schema = Schema::new("any", columns, &[]).unwrap();
        let cursor = self.connection.query(&statement, &schema).await;
        let mut cursor = cursor.unwrap_or_else(|e| panic!("{}: {}", statement.sql, e.report()));
        let batch = cursor.next(2, 1 << 20).await;
        let batch = batch.unwrap_or_else(|e| panic!("{}: {}", statement.sql, e.report()));
        let records = Records::new("t".into(), schema.clone(), batch?).unwrap();
        Some(records.row(0).to_record().values)
    }

    /// All rows by pages of so many, each after the last key of the page before.
    pub(super) async fn read_by_pages(
        &mut self,
        table: &Table,
        key: &[KeyPart],
        limit: u32,
    ) -> Rows {
        let all: Vec<_> = (0..table.columns.len()).collect();
        let (mut rows, mut after) = (Rows::new(), None::<Vec<Value>>);
        loop {
            let page = Page {
                key,
                after: after.as_deref(),
                limit: NonZeroU32::new(limit),
                ..Page::of(table, &all)
            };
            let found = self.page(&page).await;
            assert!(rows.len() < 100_000, "pages come to an end");
            let Some(last) = found.last() else {
                return rows;
            };
            assert!(found.len() <= limit as usize, "a page has its limit");
            after = Some(
                key.iter()
                    .map(|part| {
                        part.columns
                            .iter()
                            .map(|i| last[*i].clone())
                            .find(|v| *v != Value::Null)
                            .unwrap()
                    })
                    .collect(),
            );
            rows.extend(found);
        }
    }

    /// Drops this table too in the end.
    pub(super) fn keep(&mut self, name: TableName) {
        self.created.push(name);
    }

    /// It was dropped before the end.
    pub(super) fn forget(&mut self, name: &TableName) {
        self.created.retain(|created| created != name);
    }

    /// In the end, drops first what was created last.
    pub(super) fn forget_last_first(&mut self) {
        self.created.reverse();
    }

    /// Takes another connection.
    pub(super) async fn reconnect(&mut self) {
        self.connection = self.fixture.dialect.connect().await.unwrap();
    }

    /// Drops what was created and closes the connection.
    pub(super) async fn done(mut self) {
        for name in std::mem::take(&mut self.created) {
            let sql = format!("DROP TABLE {}", self.quoted(&name));
            self.run(&sql).await;
        }
        self.connection.close().await.unwrap();
    }
}

pub(super) fn parts(table: &Table, columns: &[&str]) -> Vec<KeyPart> {
    columns
        .iter()
        .map(|name| KeyPart {
            columns: vec![table.index_of(name).unwrap()],
        })
        .collect()
}

pub(super) fn schema<'a>(
    fields: impl IntoIterator<Item = (&'a str, Kind)>,
    key: &[&str],
) -> SchemaRef {
    let fields = fields
        .into_iter()
        .map(|(name, kind)| kind.field(name, !key.contains(&name)));
    Schema::new("t", fields.collect::<Vec<_>>(), key).unwrap()
}

pub(super) fn records(schema: &SchemaRef, rows: &Rows) -> Records {
    let rows = rows.iter().map(|values| ConnectRecord {
        values: values.clone(),
        ..Default::default()
    });
    Records::from_rows("t".into(), schema.clone(), rows).unwrap()
}
