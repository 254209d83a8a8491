//! Dry runs: statements are prepared or rolled back before the first row, to find missing
//! privileges (G9).
use crate::{config::SinkConfig, target::Target};
use connect_api::{ErrorKind, Kind, Result, Schema, config::Faults};
use dialect_core::{Access, Connection, Dialect, WriteOp, WriteRequest};

impl Target {
    /// Creates the table and rolls back, if `auto.create` is set and DDL is transactional; errors
    /// are collected.
    ///
    /// # Errors
    /// Errors of the connection: `Connect`, `Timeout`.
    pub(crate) async fn dry_run_create(
        &self,
        config: &SinkConfig,
        dialect: &dyn Dialect,
        connection: &mut dyn Connection,
        faults: &mut Faults,
    ) -> Result<()> {
        if !config.auto_create {
            return Ok(());
        }
        let schema = Schema::new(&self.name.name, [Kind::Int64.field("trial", true)], &[])?;
        let create = match dialect.syntax().create_table(&self.name, &schema) {
            Ok(create) => create,
            Err(e) => {
                faults.at("table.name.format", self.schema_error(e).to_string());
                return Ok(());
            }
        };
        if !dialect.capabilities().transactional_ddl {
            return Ok(());
        }
        match connection.begin().await {
            // Another connection writes to the file; that is temporary.
            Err(e) if e.kind() == ErrorKind::Busy => return Ok(()),
            begun => begun?,
        }
        let created = connection.execute(&create).await;
        connection.rollback().await?;
        match created {
            Err(e) if matches!(e.kind(), ErrorKind::Auth | ErrorKind::Schema) => {
                faults.at("auto.create", self.schema_error(e.report()).to_string());
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout) => Err(e),
            _ => Ok(()),
        }
    }

    /// Plans the configured writes for the columns that the user may write, and does a dry run of
    /// each; errors are collected.
    ///
    /// # Errors
    /// Errors of the connection: `Connect`, `Timeout`.
    pub(crate) async fn dry_run_writes(
        &self,
        config: &SinkConfig,
        dialect: &dyn Dialect,
        connection: &mut dyn Connection,
        faults: &mut Faults,
    ) -> Result<()> {
        let key = self.key(config).unwrap_or_default();
        let (Some(table), Ok(Some(schema))) = (&self.table, self.columns(config, &key)) else {
            return Ok(());
        };
        let mut ops = vec![config.write_op()];
        if config.delete {
            ops.push(WriteOp::Delete);
        }
        for op in ops {
            let access = match op {
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => Access::Insert,
                WriteOp::Update => Access::Update,
                WriteOp::Delete => Access::Delete,
            };
            let granted = connection.granted(table, access).await?;
            let may = |name: &String| table.index_of(name).is_none_or(|i| granted.contains(&i));
            let wanted = key.iter().filter(|_| op != WriteOp::Update);
            let wanted = wanted.chain(config.fields.0.iter().filter(|_| op != WriteOp::Delete));
            let denied: Vec<_> = wanted
                .filter(|name| !may(name))
                .map(|name| format!("`{name}`"))
                .collect();
            if !denied.is_empty() {
                let why = format!(
                    "permission denied: write to column {}; grant the privilege",
                    denied.join(", ")
                );
                faults.general(self.schema_error(why).to_string());
                continue;
            }
            // Records may lack the columns without a privilege.
            let fields = schema.columns().fields().iter().map(|field| field.name());
            let columns: Vec<String> = fields
                .filter(|name| key.contains(name) || config.writes(name, &key) && may(name))
                .cloned()
                .collect();
            let plan = dialect.plan_write(&WriteRequest {
                table,
                schema: &schema,
                op,
                key: &key,
                columns: Some(&columns),
                route: None,
            });
            // Other errors of the plan depend on the records.
            let Ok(plan) = plan else { continue };
            match connection.try_out(&plan).await {
                Err(e) if matches!(e.kind(), ErrorKind::Auth | ErrorKind::Schema) => {
                    faults.general(e.report());
                }
                Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout) => {
                    return Err(e);
                }
                Err(e) => tracing::debug!(table = %self.name, error = e.report(), "dry run \
                failed"),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}
