//! Tables and columns that the sink makes.
use crate::{
    config::SinkConfig,
    name_case::is_missing,
    target::{Target, name_in},
};
use connect_api::{Result, Schema, SchemaRef, arrow::schema::Field};
use dialect_core::{Change, Connection, Dialect, Table};

impl Target {
    /// Whether a table can be made, or the columns be added, for records of `schema`; asks no
    /// database. What stands in the way is the fault of this schema.
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

    /// What the table is made for.
    fn schema_to_create(&self, config: &SinkConfig, schema: &Schema) -> Result<SchemaRef> {
        let key = self.key(config)?;
        let fields: Vec<Field> = self.written_fields(config, schema, &key).cloned().collect();
        let names: Vec<&str> = key.iter().map(|name| name_in(schema, name)).collect();
        Schema::new(&self.name.name, fields, &names)
            .map_err(|e| e.context(format_args!("table {}", self.name)))
    }

    /// The fields that `table` has no column for.
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
        let schema = self.schema_to_create(config, schema)?;
        let name = self.name.clone();
        let change = Change::Create {
            table: &name,
            schema: &schema,
        };
        let table = change.apply(dialect, connection).await;
        self.set_table(table.map_err(|e| e.context("cannot create it"))?);
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
        let mut left = usize::MAX;
        // Again where another task has added some of them in the meantime.
        while let Some(table) = self.table.clone() {
            let new = self.fields_to_add(&table, dialect, config, schema)?;
            if new.is_empty() {
                break;
            }
            let names: Vec<_> = new.iter().map(|f| format!("`{}`", f.name())).collect();
            let names = names.join(", ");
            if new.len() >= left {
                return Err(
                    self.schema_error(format_args!("{names} were added, and are not there"))
                );
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
