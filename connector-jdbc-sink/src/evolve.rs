//! Schema evolution: creates tables (`auto.create`) and adds columns (`auto.evolve`).
use crate::{
    config::SinkConfig,
    name_case::is_missing,
    target::{Target, name_in},
};
use connect_api::{Result, Schema, SchemaRef, arrow::schema::Field};
use dialect_core::{Change, Connection, Dialect, Table};

impl Target {
    /// Checks that the table can be created, or its columns added, for records of `schema`, without
    /// a database call.
    ///
    /// # Errors
    /// `Schema`, `Unsupported`: as the dialect says.
    pub(crate) fn check_changes(
        &self,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &Schema,
    ) -> Result<()> {
        match &self.table {
            None if config.auto_create => {
                let schema = self.schema_to_create(config, schema)?;
                let fields: Vec<&Field> = schema
                    .columns()
                    .fields()
                    .iter()
                    .map(AsRef::as_ref)
                    .collect();
                self.check_case_conflicts(dialect, &fields)?;
                let change = Change::Create {
                    table: &self.name,
                    schema: &schema,
                };
                change.statements(dialect)?;
            }
            Some(table) if config.auto_evolve => {
                let new = self.fields_to_add(table, dialect, config, schema)?;
                self.check_case_conflicts(dialect, &new)?;
                if !new.is_empty() {
                    let change = Change::AddColumns {
                        table,
                        fields: &new,
                    };
                    change.statements(dialect)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The schema of the table to create.
    fn schema_to_create(&self, config: &SinkConfig, schema: &Schema) -> Result<SchemaRef> {
        let key = self.key(config)?;
        let fields: Vec<Field> = self.written_fields(config, schema, &key).cloned().collect();
        let names: Vec<&str> = key.iter().map(|name| name_in(schema, name)).collect();
        Schema::new(&self.name.name, fields, &names)
            .map_err(|e| e.context(format_args!("table {}", self.name)))
    }

    /// The fields without a column in `table`.
    fn fields_to_add<'a>(
        &self,
        table: &Table,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &'a Schema,
    ) -> Result<Vec<&'a Field>> {
        let key = self.key(config)?;
        let written = self.written_fields(config, schema, &key);
        Ok(written
            .filter(|field| is_missing(table, dialect, schema, field))
            .collect())
    }

    /// Creates the table for records of `schema`, unless another task has created it.
    ///
    /// # Errors `Schema`, `Unsupported`: the table cannot be created; errors of the database.
    pub(crate) async fn create(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &Schema,
    ) -> Result<()> {
        let schema = self.schema_to_create(config, schema)?;
        let name = self.name.clone();
        let change = Change::Create {
            table: &name,
            schema: &schema,
        };
        let table = change.apply(dialect, connection).await;
        self.set_table(table.map_err(|e| e.context("cannot create the table"))?);
        tracing::info!(table = %self.name, "table created");
        Ok(())
    }

    /// Adds the columns that the table lacks for records of `schema`.
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
        let mut left = usize::MAX;
        // Repeats if another task has added some of them in the meantime.
        while let Some(table) = self.table.clone() {
            let new = self.fields_to_add(&table, dialect, config, schema)?;
            if new.is_empty() {
                break;
            }
            let names: Vec<_> = new.iter().map(|f| format!("`{}`", f.name())).collect();
            let names = names.join(", ");
            if new.len() >= left {
                return Err(self.schema_error(format_args!(
                    "columns {names} were added but are still \
                     missing"
                )));
            }
            left = new.len();
            let change = Change::AddColumns {
                table: &table,
                fields: &new,
            };
            let changed = change.apply(dialect, connection).await;
            self.set_table(changed.map_err(|e| e.context(format_args!("cannot add {names}")))?);
            tracing::info!(table = %self.name, columns = names, "columns added");
        }
        Ok(())
    }
}
