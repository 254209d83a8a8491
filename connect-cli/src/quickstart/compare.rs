//! Whether two tables hold the same rows, whatever their order.
use connect_api::{Blobs, Kind, Records, Result, Schema, ValueRef, config::Settings};
use dialects::{
    Connection, Dialect, OpenOptions, Page, SqliteDates, Statement, TableName, ValueOptions,
};
use std::{path::Path, sync::Arc};
use twox_hash::XxHash3_64;

/// Rows read at once.
const ROWS: usize = 10_000;

/// The content of a table: how many rows, and the sum of their hashes, which does not depend on
/// their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Content {
    pub(super) rows: u64,
    sum: u64,
}

impl Content {
    pub(super) fn checksum(&self) -> String {
        format!("{:016x}", self.sum)
    }
}

/// The number that a query answers with; 0 for NULL.
pub(super) async fn number(connection: &mut dyn Connection, sql: &str) -> Result<u64> {
    let statement = Statement {
        sql: sql.to_owned(),
        params: Vec::new(),
    };
    let schema = Schema::new("number", [Kind::Int64.field("number", true)], &[])?;
    let mut cursor = connection.query(&statement, &schema).await?;
    let Some(batch) = cursor.next(1, usize::MAX).await? else {
        return Ok(0);
    };
    match Records::new("number".into(), schema.clone(), batch)?
        .row(0)
        .get(0)
    {
        ValueRef::Int(number) => Ok(number.cast_unsigned()),
        _ => Ok(0),
    }
}

/// The table `orders` of one database.
pub(super) struct Side {
    connection: Box<dyn Connection>,
    dialect: Arc<dyn Dialect>,
}

impl Side {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let options = OpenOptions {
            values: ValueOptions {
                sqlite_dates: SqliteDates::Iso,
                ..ValueOptions::default()
            },
            ..OpenOptions::default()
        };
        let dialect = dialects::open(&url, &options)?;
        let connection = dialect.connect().await?;
        Ok(Self {
            connection,
            dialect,
        })
    }

    /// Number of rows; none where there is no table yet.
    pub(super) async fn count(&mut self) -> Result<u64> {
        let tables = self.connection.tables(None).await?;
        if !tables.iter().any(|(table, _)| table.name == "orders") {
            return Ok(0);
        }
        number(self.connection.as_mut(), "SELECT count(*) FROM orders").await
    }

    /// Reads all rows that are not marked as deleted.
    pub(super) async fn content(&mut self) -> Result<Content> {
        let mut content = Content::default();
        let name = TableName::new("orders");
        let Some(table) = self.connection.describe(&name).await? else {
            return Ok(content);
        };
        let columns: Vec<_> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[])?;
        let page = Page::of(&table, &columns);
        let statement = self.dialect.syntax().select(&page)?;
        let mut cursor = self.connection.query(&statement, &schema).await?;
        let plain = Settings::from_iter([("schemas.enable", "false")]);
        let json = connect_converters::converter("json", &plain)?;
        let mut bodies = Blobs::default();
        let deleted = schema.index_of("deleted");
        while let Some(batch) = cursor.next(ROWS, usize::MAX).await? {
            let records = Records::new("orders".into(), schema.clone(), batch)?;
            bodies.clear();
            json.encode(&records, &mut bodies)?;
            for row in 0..records.len() {
                let is_deleted =
                    deleted.is_some_and(|i| records.row(row).get(i) == ValueRef::Bool(true));
                if !is_deleted {
                    content.rows += 1;
                    let hash = XxHash3_64::oneshot(bodies.get(row));
                    content.sum = content.sum.wrapping_add(hash);
                }
            }
        }
        Ok(content)
    }
}
