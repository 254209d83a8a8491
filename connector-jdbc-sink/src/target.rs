//! The target table: its description, its checks, and cached write plans per schema.
use crate::{
    coerce::Coercion,
    config::{KeyMode, SinkConfig},
    local_time,
};
use connect_api::{
    Error, ErrorKind, Result, Schema, SchemaRef,
    arrow::schema::Field,
    config::{Faults, nearest},
};
use dialect_core::{
    Access, Connection, Dialect, Table, TableName, WriteOp, WritePlan, WriteRequest,
};
use std::sync::Arc;

/// Cached plans per table. Topics have one schema, or a few while it changes.
const PLANS: usize = 8;

/// The target table, as last described.
pub(crate) struct Target {
    pub(crate) name: TableName,
    /// `None` where it does not exist yet.
    pub(crate) table: Option<Arc<Table>>,
    /// Most recently used first.
    plans: Vec<Planned>,
    /// The coercion of each schema, most recently used first.
    coercions: Vec<(SchemaRef, Option<Arc<Coercion>>)>,
}

type Planned = (SchemaRef, WriteOp, WritePlan);

fn same(a: &SchemaRef, b: &SchemaRef) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

impl Target {
    /// Describes the table.
    ///
    /// # Errors
    /// As [`Connection::describe`].
    pub(crate) async fn describe(connection: &mut dyn Connection, name: TableName) -> Result<Self> {
        let table = connection.describe(&name).await?.map(Arc::new);
        Ok(Self {
            name,
            table,
            plans: Vec::new(),
            coercions: Vec::new(),
        })
    }

    /// Describes the table again and returns whether it changed; cached plans are dropped.
    ///
    /// # Errors
    /// As [`Connection::describe`].
    pub(crate) async fn describe_again(&mut self, connection: &mut dyn Connection) -> Result<bool> {
        let now = Self::describe(connection, self.name.clone()).await?;
        let changed = now.table != self.table;
        *self = now;
        Ok(changed)
    }

    /// Sets the new description of a changed table; cached plans are dropped.
    pub(crate) fn set_table(&mut self, table: Table) {
        self.table = Some(Arc::new(table));
        self.plans.clear();
        self.coercions.clear();
    }

    pub(crate) fn schema_error(&self, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Schema, format!("table {}: {why}", self.name))
    }

    /// The names of the key columns in the table: from the settings, otherwise the primary key;
    /// none with `pk.mode=none`.
    ///
    /// # Errors `Schema`: neither exists.
    pub(crate) fn key(&self, config: &SinkConfig) -> Result<Vec<String>> {
        if config.key_mode == KeyMode::None {
            return Ok(Vec::new());
        }
        let in_table = |name: &String| {
            let column = self.table.as_ref().and_then(|table| table.column(name));
            column.map_or_else(|| name.clone(), |column| column.name.clone())
        };
        match (&self.table, config.key_fields.0.as_slice()) {
            (Some(table), []) if !table.primary_key.is_empty() => Ok(table.primary_key.clone()),
            (Some(_), []) => {
                Err(self.schema_error("it has no primary key; set the key columns in pk.fields"))
            }
            (None, []) => {
                Err(self.schema_error("it does not exist yet; set its key columns in pk.fields"))
            }
            (_, fields) => Ok(fields.iter().map(in_table).collect()),
        }
    }

    /// Errors that prevent writes to the table, whatever the records are.
    pub(crate) fn faults(&self, config: &SinkConfig, dialect: &dyn Dialect) -> Faults {
        let mut faults = Faults::default();
        let key = self.key(config).unwrap_or_else(|e| {
            faults.at("pk.fields", e.to_string());
            Vec::new()
        });
        let Some(table) = &self.table else {
            if !config.auto_create {
                let why = "it does not exist; create it, or set auto.create=true";
                faults.at("table.name.format", self.schema_error(why).to_string());
            }
            return faults;
        };
        let columns = [("pk.fields", &key), ("fields.whitelist", &config.fields.0)];
        for (setting, names) in columns {
            for name in names.iter().filter(|name| table.index_of(name).is_none()) {
                let near = nearest(name, table.columns.iter().map(|c| c.name.as_str()));
                let hint = near
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let why = format!("column `{name}` does not exist{hint}");
                faults.at(setting, self.schema_error(why).to_string());
            }
        }
        if config.write_op() == WriteOp::Upsert && !key.is_empty() {
            if !dialect.capabilities().upsert {
                let why = format!("{} does not support upsert", dialect.name());
                faults.at("insert.mode", self.schema_error(why).to_string());
            }
            let mut unique = std::iter::once(&table.primary_key).chain(&table.unique_keys);
            if !unique.any(|columns| same_names(columns, &key)) {
                let why = format!(
                    "an upsert by {} needs a primary key or unique key of exactly these columns; \
                     the primary key is ({})",
                    key.join(", "),
                    table.primary_key.join(", ")
                );
                faults.at("pk.fields", self.schema_error(why).to_string());
            }
        }
        if faults.is_empty()
            && let Err(e) = self.columns(config, &key)
        {
            faults.general(e.to_string());
        }
        faults
    }

    /// Adds missing privileges to the errors.
    ///
    /// # Errors
    /// Errors of the connection: `Connect`, `Timeout`.
    pub(crate) async fn check_access(
        &self,
        config: &SinkConfig,
        dialect: &dyn Dialect,
        connection: &mut dyn Connection,
        faults: &mut Faults,
    ) -> Result<()> {
        let Some(table) = &self.table else {
            return self
                .dry_run_create(config, dialect, connection, faults)
                .await;
        };
        let mut needed = match config.write_op() {
            WriteOp::Insert | WriteOp::InsertIgnore => vec![Access::Insert],
            WriteOp::Upsert => vec![Access::Insert, Access::Update],
            WriteOp::Update => vec![Access::Update],
            WriteOp::Delete => Vec::new(),
        };
        if config.delete {
            needed.push(Access::Delete);
        }
        for access in needed {
            match connection.check_access(table, access).await {
                Err(e) if e.kind() == ErrorKind::Auth => faults.general(e.report()),
                outcome => outcome?,
            }
        }
        if faults.is_empty() {
            self.dry_run_writes(config, dialect, connection, faults)
                .await?;
        }
        Ok(())
    }

    /// The schema for message bodies without one; `None` if the table does not exist yet.
    ///
    /// # Errors `Unsupported`: columns of unsupported types that the settings do not exclude.
    pub(crate) fn columns(&self, config: &SinkConfig, key: &[String]) -> Result<Option<SchemaRef>> {
        let Some(table) = &self.table else {
            return Ok(None);
        };
        let columns = table.columns.iter().enumerate();
        let filled = columns.filter(|(_, column)| {
            let excluded = column.kind.is_none() && !config.writes(&column.name, key);
            let unknown = column.generated && column.kind.is_none();
            !unknown && !excluded
        });
        let filled: Vec<usize> = filled.map(|(index, _)| index).collect();
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        match config.timezone {
            Some(_) => local_time::with_instants(table)
                .schema(&filled, &key)
                .map(Some),
            None => table.schema(&filled, &key).map(Some),
        }
    }

    /// The fields of the records that are written.
    pub(crate) fn written_fields<'a>(
        &self,
        config: &SinkConfig,
        schema: &'a Schema,
        key: &[String],
    ) -> impl Iterator<Item = &'a Field> {
        let fields = schema.columns().fields().iter().map(AsRef::as_ref);
        fields.filter(move |field: &&Field| config.writes_field(schema, field.name(), key))
    }

    /// The write plan of records of `schema` with `op`, from the cache if possible.
    ///
    /// # Errors
    /// `Schema`, `Unsupported`: as [`Dialect::plan_write`].
    pub(crate) fn plan(
        &mut self,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &SchemaRef,
        op: WriteOp,
    ) -> Result<WritePlan> {
        let known = |(known, of, _): &Planned| *of == op && same(known, schema);
        if let Some(found) = self.plans.iter().position(known) {
            self.plans[..=found].rotate_right(1);
            return Ok(self.plans[0].2.clone());
        }
        let key = self.key(config)?;
        let Some(table) = &self.table else {
            return Err(self.schema_error("it does not exist"));
        };
        let columns: Option<Vec<String>> = (!config.fields.0.is_empty()).then(|| {
            let written_fields = self.written_fields(config, schema, &key);
            written_fields.map(|field| field.name().clone()).collect()
        });
        let key: Vec<String> = key.iter().map(|n| name_in(schema, n).to_owned()).collect();
        let plan = dialect.plan_write(&WriteRequest {
            table,
            schema,
            op,
            key: &key,
            columns: columns.as_deref(),
            route: None,
        })?;
        tracing::debug!(table = %self.name, op = ?op, route = ?plan.route, "write planned");
        self.plans.insert(0, (schema.clone(), op, plan.clone()));
        self.plans.truncate(PLANS);
        Ok(plan)
    }

    /// The coercion of records of `schema`, from the cache if possible; `None` if none is needed,
    /// or if there is no table.
    ///
    /// # Errors
    /// As [`Coercion::plan`].
    pub(crate) fn coercion(
        &mut self,
        dialect: &dyn Dialect,
        config: &SinkConfig,
        schema: &SchemaRef,
    ) -> Result<Option<Arc<Coercion>>> {
        if let Some(found) = self
            .coercions
            .iter()
            .position(|(known, _)| same(known, schema))
        {
            self.coercions[..=found].rotate_right(1);
            return Ok(self.coercions[0].1.clone());
        }
        let Some(table) = self.table.clone() else {
            return Ok(None);
        };
        let key = self.key(config)?;
        let coercion = Coercion::plan(dialect, &table, schema, &key, config)?.map(Arc::new);
        self.coercions.insert(0, (schema.clone(), coercion.clone()));
        self.coercions.truncate(PLANS);
        Ok(coercion)
    }

    /// Records of `schema` were written before.
    pub(crate) fn is_known(&self, schema: &SchemaRef) -> bool {
        self.coercions.iter().any(|(known, _)| same(known, schema))
    }

    /// The indexes of the key columns in records of `schema`, without missing ones.
    pub(crate) fn key_in(&self, config: &SinkConfig, schema: &Schema) -> Result<Vec<usize>> {
        let key = self.key(config)?;
        let indexes = key
            .iter()
            .map(|name| schema.index_of(name_in(schema, name)));
        Ok(indexes.flatten().collect())
    }
}

/// The name in the schema: the exact name, otherwise one that differs only in case.
pub(crate) fn name_in<'a>(schema: &'a Schema, name: &'a str) -> &'a str {
    if schema.index_of(name).is_some() {
        return name;
    }
    let mut fields = schema.columns().fields().iter();
    fields
        .find(|field| field.name().eq_ignore_ascii_case(name))
        .map_or(name, |field| field.name())
}

fn same_names(a: &[String], b: &[String]) -> bool {
    let holds = |all: &[String], one: &String| all.iter().any(|n| n.eq_ignore_ascii_case(one));
    !a.is_empty() && a.iter().all(|n| holds(b, n)) && b.iter().all(|n| holds(a, n))
}
