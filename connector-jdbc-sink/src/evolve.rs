//! Tables and columns that the sink makes.
use crate::{
    config::SinkConfig,
    target::{Target, name_in},
};
use connect_api::{Result, Schema, arrow::schema::Field};
use dialect_core::{Change, Connection, Dialect};

impl Target {
    /// Makes the table for records of `schema`; one that another task has made is taken as it is.
    ///
    /// # Errors
    /// `Schema`, `Unsupported`: there can be no such table; what the database says of it.
    pub(crate) async fn create(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &Schema,
    ) -> Result<()> {
        let key = self.key(config)?;
        let fields: Vec<Field> = self.written(config, schema, &key).cloned().collect();
        let names: Vec<&str> = key.iter().map(|name| name_in(schema, name)).collect();
        let schema = Schema::new(&self.name.name, fields, &names)
            .map_err(|e| e.context(format_args!("table {}", self.name)))?;
        let name = self.name.clone();
        let change = Change::Create {
            table: &name,
            schema: &schema,
        };
        let table = change.apply(dialect, connection).await;
        self.now_is(table.map_err(|e| e.context("cannot create it"))?);
        tracing::info!(table = %self.name, "table created");
        Ok(())
    }

    /// Adds the columns that records of `schema` have and the table lacks.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(crate) async fn evolve(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &Schema,
    ) -> Result<()> {
        let key = self.key(config)?;
        let mut left = usize::MAX;
        // Again where another task has added some of them in the meantime.
        while let Some(table) = self.table.clone() {
            let new: Vec<&Field> = self
                .written(config, schema, &key)
                .filter(|field| table.index_of(field.name()).is_none())
                .collect();
            if new.is_empty() {
                break;
            }
            let names: Vec<_> = new.iter().map(|f| format!("`{}`", f.name())).collect();
            let names = names.join(", ");
            if new.len() >= left {
                return Err(self.wrong(format_args!("{names} were added, and are not there")));
            }
            left = new.len();
            let change = Change::AddColumns {
                table: &table,
                fields: &new,
            };
            let changed = change.apply(dialect, connection).await;
            self.now_is(changed.map_err(|e| e.context(format_args!("cannot add {names}")))?);
            tracing::info!(table = %self.name, columns = names, "columns added");
        }
        Ok(())
    }
}
