//! The table of signals, as it is read.
use connect_api::{Error, ErrorKind, Kind, Records, Result, SchemaRef, Value};
use dialect_core::{Connection, Dialect, KeyPart, Page, Table, TableName};
use std::num::NonZeroU32;

/// The columns of the table, as Debezium names them.
const COLUMNS: [&str; 3] = ["id", "type", "data"];
/// The table is small: all signals since the start are read at once.
const MAX_BYTES: usize = 1 << 20;

/// A table of signals that exists and has their columns.
pub(super) struct SignalTable {
    table: Table,
    columns: [usize; 3],
    schema: SchemaRef,
    key: [KeyPart; 1],
}

/// A row of the table.
pub(super) struct Signal {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) data: String,
}

/// What is wrong with the table, and what to do.
fn fault(name: &TableName, what: &str) -> Error {
    Error::new(
        ErrorKind::Schema,
        format!(
            "`signal.data.collection`: table {name} {what}; create it with the columns id (an \
             auto-increment number and the primary key), type (text) and data (text)"
        ),
    )
}

/// The error of a table that does not exist.
pub(super) fn missing(name: &TableName) -> Error {
    fault(name, "does not exist")
}

impl SignalTable {
    /// Describes the table; `None` if it does not exist.
    ///
    /// # Errors `Schema`: one of its columns is missing, or of another type.
    pub(super) async fn describe(
        connection: &mut dyn Connection,
        name: &TableName,
    ) -> Result<Option<Self>> {
        let Some(table) = connection.describe(name).await? else {
            return Ok(None);
        };
        let mut columns = [0; 3];
        for (index, wanted) in columns.iter_mut().zip(COLUMNS) {
            let mut found = table.columns.iter();
            let found = found.position(|column| column.name.eq_ignore_ascii_case(wanted));
            *index = found.ok_or_else(|| fault(name, &format!("has no column `{wanted}`")))?;
            let kind = &table.columns[*index].kind;
            let fits = match kind {
                Some(Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64) => wanted == "id",
                Some(Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64) => wanted == "id",
                Some(Kind::Text | Kind::Json) => wanted != "id",
                _ => false,
            };
            if !fits {
                let vendor_type = &table.columns[*index].vendor_type;
                let what = format!("has the column `{wanted}` of type {vendor_type}");
                return Err(fault(name, &what));
            }
        }
        let schema = table.schema(&columns, &[])?;
        let key = [KeyPart {
            columns: vec![columns[0]],
        }];
        Ok(Some(Self {
            table,
            columns,
            schema,
            key,
        }))
    }

    pub(super) fn name(&self) -> &TableName {
        &self.table.name
    }

    /// Both are one table; `None` where the database gives tables no number.
    pub(super) fn is(&self, other: &Self) -> Option<bool> {
        let numbers = self
            .table
            .identity
            .as_ref()
            .zip(other.table.identity.as_ref());
        numbers.map(|(own, other)| own == other)
    }

    /// The signals behind this number.
    pub(super) async fn after(
        &self,
        id: Option<i64>,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Vec<Signal>> {
        let after = id.map(|id| [Value::Int(id)]);
        let page = Page {
            key: &self.key,
            after: after.as_ref().map(<[Value; 1]>::as_slice),
            ..Page::of(&self.table, &self.columns)
        };
        self.select(&page, connection, dialect).await
    }

    /// The greatest number of a signal; 0 if there is none.
    pub(super) async fn greatest(
        &self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<i64> {
        let page = Page {
            key: &self.key,
            descending: true,
            limit: Some(NonZeroU32::MIN),
            ..Page::of(&self.table, &self.columns)
        };
        let last = self.select(&page, connection, dialect).await?;
        Ok(last.first().map_or(0, |signal| signal.id))
    }

    async fn select(
        &self,
        page: &Page<'_>,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Vec<Signal>> {
        let statement = dialect.syntax().select(page)?;
        let mut cursor = connection.query(&statement, &self.schema).await?;
        let mut signals = Vec::new();
        while let Some(batch) = cursor.next(1_000, MAX_BYTES).await? {
            let records = Records::new("".into(), self.schema.clone(), batch)?;
            signals.extend(records.rows().filter_map(|row| {
                let text = |column: usize| match row.get(column).to_value() {
                    Value::Text(text) => text.into(),
                    _ => String::new(),
                };
                let id = match row.get(0).to_value() {
                    Value::Int(id) => id,
                    Value::UInt(id) => i64::try_from(id).ok()?,
                    _ => return None,
                };
                Some(Signal {
                    id,
                    kind: text(1),
                    data: text(2),
                })
            }));
        }
        Ok(signals)
    }
}
