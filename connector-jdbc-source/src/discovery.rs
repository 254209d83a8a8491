//! Table discovery: describes the tables or the query in the settings and collects all errors (G9).
use crate::{
    column_rules::UnknownColumns,
    config::SourceConfig,
    queries::at_query,
    read_plan::{QUERY, ReadPlan},
    table::query_scalar,
    table_settings::TableConfigs,
    table_types::name_of,
};
use connect_api::{
    Error, ErrorKind, Kind, Result, Schema, Value,
    config::{Faults, nearest},
};
use dialect_core::{Access, Connection, Statement, Syntax, Table, TableName, TableType};
use std::{collections::HashMap, sync::Arc};

/// The setting that lists the tables.
const TABLES: &str = "table.whitelist";

/// The result of discovery.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// The read plans of the tables, in the order of the settings.
    pub(crate) plans: Vec<ReadPlan>,
    pub(crate) faults: Faults,
}

impl Discovery {
    /// Describes all tables.
    ///
    /// # Errors `Connect`, `Timeout`, and errors of the database's catalog queries.
    pub(crate) async fn run(
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        config: &SourceConfig,
    ) -> Result<Self> {
        let mut lookup = CatalogLookup {
            connection,
            config,
            tables_by_schema: HashMap::new(),
            tables: Vec::new(),
            queries: Vec::new(),
            faults: Faults::default(),
        };
        lookup.describe_tables().await?;
        lookup.describe_queries().await?;
        let catalog = match config.needs_catalog() {
            true => catalog(lookup.connection, syntax).await?,
            false => None,
        };
        let mut discovery = Self {
            plans: Vec::new(),
            faults: lookup.faults,
        };
        let mut configs = TableConfigs::new(config);
        let mut unknown = UnknownColumns::default();
        for table in lookup.tables {
            let plan = configs.of(&table.name);
            let plan = plan.inspect(|config| unknown.look(&table, config));
            match plan.and_then(|config| ReadPlan::build(table, &config, syntax)) {
                Ok(plan) => discovery.add(plan, catalog.as_ref()),
                Err(faults) => discovery.faults.extend(faults),
            }
        }
        for pattern in configs.unused() {
            let note = format!("`tables.{pattern}.*` has no effect: no table matches it");
            discovery.faults.note(note);
        }
        for (id, table, config) in lookup.queries {
            unknown.look(&table, &config);
            match ReadPlan::build(table, &config, syntax) {
                Ok(plan) => discovery.add(plan.with_query_id(id), catalog.as_ref()),
                Err(faults) if id == QUERY => discovery.faults.extend(faults),
                Err(faults) => at_query(&id, &faults, &mut discovery.faults),
            }
        }
        for note in unknown.notes() {
            discovery.faults.note(note);
        }
        discovery.check_shared_topics();
        Ok(discovery)
    }

    /// Adds a plan with its topic.
    fn add(&mut self, mut plan: ReadPlan, catalog: Option<&Arc<str>>) {
        match plan.set_names(catalog) {
            Ok(()) => self.plans.push(plan),
            Err(faults) => self.faults.extend(faults),
        }
    }

    /// Adds missing SELECT privileges to the errors.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn check_access(&mut self, connection: &mut dyn Connection) -> Result<()> {
        // For a query, the first page reports missing privileges.
        let of_tables = self.plans.iter().filter(|r| r.query.is_none());
        for plan in of_tables {
            match check_select(connection, plan).await {
                Err(e) if e.kind() == ErrorKind::Auth => self.faults.general(e.report()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// The read plans.
    ///
    /// # Errors `Schema`: all errors that were found.
    pub(crate) fn into_plans(self) -> Result<Vec<ReadPlan>> {
        if self.faults.is_empty() {
            Ok(self.plans)
        } else {
            Err(Error::new(ErrorKind::Schema, self.faults.to_string()))
        }
    }

    /// Rejects two tables with the same topic: their keys could collide.
    fn check_shared_topics(&mut self) {
        let mut first: HashMap<&str, &ReadPlan> = HashMap::new();
        for plan in &self.plans {
            let topic = plan.topic.as_ref();
            let Some(other) = first.get(topic) else {
                first.insert(topic, plan);
                continue;
            };
            if plan.has_shared_topic && other.has_shared_topic {
                continue;
            }
            let (other, own) = (other.name(), plan.name());
            self.faults.at(
                "topic.prefix",
                format!(
                    "tables {other} and {own} map to the same topic {topic}; use two \
                     connectors, or set one topic for both tables with `connect.topicname` or `topic.map`",
                ),
            );
        }
    }
}

/// The name of the session's database, where schemas are parts of it.
async fn catalog(connection: &mut dyn Connection, syntax: &dyn Syntax) -> Result<Option<Arc<str>>> {
    let Some(sql) = syntax.select_catalog() else {
        return Ok(None);
    };
    let statement = Statement {
        sql: sql.to_owned(),
        params: Vec::new(),
    };
    let schema = Schema::new("catalog", [Kind::Text.field("name", true)], &[])?;
    Ok(match query_scalar(connection, &statement, &schema).await? {
        Value::Text(name) => Some(name.as_ref().into()),
        _ => None,
    })
}

/// # Errors `Auth`: the user lacks SELECT on some of the columns. None of them is skipped silently.
async fn check_select(connection: &mut dyn Connection, plan: &ReadPlan) -> Result<()> {
    let table = &plan.table;
    connection.check_access(table, Access::Select).await?;
    let advice = "grant SELECT on the table, or list the columns to read in `column.include.list` or \
                  in a `query`";
    let granted = connection.granted(table, Access::Select).await;
    let granted = match granted {
        // Columns that the database hides are none of those.
        Err(e) if e.kind() == ErrorKind::Auth && !plan.config.columns.is_empty() => return Ok(()),
        granted => granted,
    };
    let granted = granted.map_err(|e| e.context(advice))?;
    let kept = plan.columns.iter().filter(|i| !granted.contains(i));
    let kept: Vec<_> = kept
        .map(|i| format!("`{}`", table.columns[*i].name))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Auth,
        format!(
            "table {}: permission denied: SELECT on column {}; {advice}",
            table.name,
            kept.join(", ")
        ),
    ))
}

struct CatalogLookup<'a> {
    connection: &'a mut dyn Connection,
    config: &'a SourceConfig,
    /// Listed tables by schema.
    tables_by_schema: HashMap<Option<String>, Vec<(TableName, TableType)>>,
    tables: Vec<Table>,
    /// Described queries, with their ids and settings.
    queries: Vec<(String, Table, Arc<SourceConfig>)>,
    faults: Faults,
}

impl CatalogLookup<'_> {
    async fn tables_in(&mut self, schema: &Option<String>) -> Result<&[(TableName, TableType)]> {
        if !self.tables_by_schema.contains_key(schema) {
            let tables = self.connection.tables(schema.as_deref()).await?;
            self.tables_by_schema.insert(schema.clone(), tables);
        }
        Ok(self.tables_by_schema.get(schema).map_or(&[], Vec::as_slice))
    }

    /// The table names that the settings match, in their order.
    async fn table_names(&mut self) -> Result<Vec<TableName>> {
        let mut table_names = Vec::new();
        for entry in self.config.tables.entries() {
            let own = entry.name.schema.as_deref();
            let schema = own.or(self.config.default_schema()).map(str::to_owned);
            if !entry.pattern {
                table_names.push(TableName {
                    schema,
                    ..entry.name.clone()
                });
                continue;
            }
            let types = &self.config.table_types;
            let tables = self.tables_in(&schema).await?;
            let fitting = tables
                .iter()
                .filter(|(name, table_type)| entry.matches(&name.name) && types.holds(*table_type));
            let before = table_names.len();
            table_names.extend(fitting.map(|(name, _)| name.clone()));
            if table_names.len() == before {
                let message = format!("no table matches {}", entry.name);
                self.faults.at(TABLES, message);
            }
        }
        Ok(table_names)
    }

    async fn describe_tables(&mut self) -> Result<()> {
        let table_names = self.table_names().await?;
        let described = self.connection.describe_all(&table_names).await?;
        for (name, table) in table_names.iter().zip(described) {
            match table {
                Some(table) => self.add(table),
                None => self.report_missing(name).await?,
            }
        }
        Ok(())
    }

    async fn describe_queries(&mut self) -> Result<()> {
        for (id, config) in self.config.of_queries(&mut self.faults) {
            let sql = config.query.0.as_deref().unwrap_or_default();
            match describe_query(self.connection, &config, sql).await {
                Ok(table) => self.queries.push((id, table, config)),
                Err(e) if matches!(e.kind(), ErrorKind::Schema | ErrorKind::Unsupported) => {
                    let key = match id.as_str() {
                        QUERY => QUERY.to_owned(),
                        id => format!("queries.{id}.sql"),
                    };
                    self.faults.at(key, e.report());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reports a missing table.
    async fn report_missing(&mut self, name: &TableName) -> Result<()> {
        let tables = self.tables_in(&name.schema).await?;
        let names = tables.iter().map(|(table, _)| table.name.as_str());
        let message = match nearest(&name.name, names) {
            Some(near) => format!("table {name} does not exist; did you mean `{near}`?"),
            None => format!("table {name} does not exist"),
        };
        self.faults.at(TABLES, message);
        Ok(())
    }

    /// Adds a table unless the settings exclude it.
    fn add(&mut self, table: Table) {
        let known = self.tables.iter().any(|t| t.name == table.name);
        if known || self.config.excluded.holds(&table.name) {
            return;
        }
        if self.config.table_types.holds(table.table_type) {
            self.tables.push(table);
            return;
        }
        let is = name_of(table.table_type);
        let message = format!(
            "{} is a {}; add {is} to table.types",
            table.name,
            is.to_lowercase()
        );
        self.faults.at(TABLES, message);
    }
}

/// The result columns of a query, as a table with the name of its topic, which becomes the schema
/// name.
///
/// # Errors
/// As [`Connection::describe_query`].
pub(crate) async fn describe_query(
    connection: &mut dyn Connection,
    config: &SourceConfig,
    query: &str,
) -> Result<Table> {
    let described = connection.describe_query(query).await?;
    let name = TableName::new(config.topic_of_query());
    Ok(Table { name, ..described })
}
