//! Table discovery: describes the tables or the query in the settings and collects all errors (G9).
use crate::{config::SourceConfig, read_plan::ReadPlan, table_types::name_of};
use connect_api::{
    Error, ErrorKind, Result,
    config::{Faults, nearest},
};
use dialect_core::{Access, Connection, Syntax, Table, TableName, TableType};
use std::collections::HashMap;

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
            faults: Faults::default(),
        };
        match &config.query.0 {
            Some(query) => lookup.describe_query(query).await?,
            None => lookup.describe_tables().await?,
        }
        let mut discovery = Self {
            plans: Vec::new(),
            faults: lookup.faults,
        };
        for table in lookup.tables {
            match ReadPlan::build(table, config, syntax) {
                Ok(plan) => discovery.plans.push(plan),
                Err(faults) => discovery.faults.extend(faults),
            }
        }
        discovery.check_shared_topics(config);
        Ok(discovery)
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
    fn check_shared_topics(&mut self, config: &SourceConfig) {
        if config.topic.is_some() {
            return;
        }
        let mut first: HashMap<&str, &TableName> = HashMap::new();
        for plan in &self.plans {
            let table = &plan.table.name;
            if let Some(other) = first.insert(&table.name, table) {
                self.faults.at(
                    "topic.prefix",
                    format!(
                        "tables {other} and {table} map to the same topic {}; use two \
                         connectors, or set one topic for all tables with `connect.topicname`",
                        config.topic_of(&table.name)
                    ),
                );
            }
        }
    }
}

/// # Errors `Auth`: the user lacks SELECT on some of the columns. None of them is skipped silently.
async fn check_select(connection: &mut dyn Connection, plan: &ReadPlan) -> Result<()> {
    let table = &plan.table;
    connection.check_access(table, Access::Select).await?;
    let advice = "grant SELECT on the table, or list the columns to read in a `query`";
    let granted = connection.granted(table, Access::Select).await;
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

    async fn describe_query(&mut self, query: &str) -> Result<()> {
        match describe_query(self.connection, self.config, query).await {
            Ok(table) => self.tables.push(table),
            Err(e) if matches!(e.kind(), ErrorKind::Schema | ErrorKind::Unsupported) => {
                self.faults.at("query", e.report());
            }
            Err(e) => return Err(e),
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
    let name = TableName::new(config.topic_of(&described.name.name));
    Ok(Table { name, ..described })
}
