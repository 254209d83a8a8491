//! Tables and columns that the sink makes.
use crate::{
    config::SinkConfig,
    target::{Target, name_in},
};
use connect_api::{Result, Schema, arrow::schema::Field};
use dialect_core::{Connection, Dialect, Table};

impl Target {
    /// Makes the table for records of `schema`.
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
        let sql = dialect.syntax().create_table(&self.name, &schema)?;
        let created = connection.execute(&sql).await;
        self.describe_again(connection).await?;
        if self.table.is_none() {
            // Another task may have been faster: only a table that is not there is a fault.
            created.map_err(|e| e.context(format_args!("cannot create table {}", self.name)))?;
            return Err(self.wrong("it was created, and is not there"));
        }
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
        let Some(table) = self.table.clone() else {
            return Ok(());
        };
        let lacks = |table: &Table, field: &Field| table.index_of(field.name()).is_none();
        let new: Vec<&Field> = self
            .written(config, schema, &key)
            .filter(|field| lacks(&table, field))
            .collect();
        for field in &new {
            let sql = dialect.syntax().add_column(&table.name, field)?;
            if let Err(e) = connection.execute(&sql).await {
                // Another task may have been faster.
                self.describe_again(connection).await?;
                let there = self
                    .table
                    .as_ref()
                    .is_some_and(|table| !lacks(table, field));
                if !there {
                    let what =
                        format_args!("cannot add column `{}` to {}", field.name(), table.name);
                    return Err(e.context(what));
                }
            }
            tracing::info!(table = %self.name, column = field.name(), "column added");
        }
        if !new.is_empty() {
            self.describe_again(connection).await?;
        }
        Ok(())
    }
}
