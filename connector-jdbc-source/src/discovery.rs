//! The tables that settings name, looked at in the database: what can be read, and all that
//! stands in the way (G9).
use crate::{config::SourceConfig, read_plan::ReadPlan, table_types::name_of};
use connect_api::{
    Error, ErrorKind, Result,
    config::{Faults, nearest},
};
use dialect_core::{Access, Connection, Syntax, Table, TableName, TableType};
use std::collections::HashMap;

/// The key that tables are named by.
const TABLES: &str = "table.whitelist";

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Tables that can be read, in the order of the settings.
    pub(crate) plans: Vec<ReadPlan>,
    pub(crate) faults: Faults,
}

impl Discovery {
    /// Looks at all tables.
    ///
    /// # Errors
    /// What keeps from looking: `Connect`, `Timeout`, and what the database says of the catalogue.
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

    /// Adds the tables that the user may not read to the faults.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn check_access(&mut self, connection: &mut dyn Connection) -> Result<()> {
        // Whoever may describe a query is told by the first page whether they may read it.
        let of_tables = self.plans.iter().filter(|r| r.query.is_none());
        for plan in of_tables {
            match check_select(connection, plan).await {
                Err(e) if e.kind() == ErrorKind::Auth => self.faults.general(e.report()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// The readings.
    ///
    /// # Errors
    /// `Schema`: there are faults; all are named.
    pub(crate) fn into_plans(self) -> Result<Vec<ReadPlan>> {
        if self.faults.is_empty() {
            Ok(self.plans)
        } else {
            Err(Error::new(ErrorKind::Schema, self.faults.to_string()))
        }
    }

    /// Rows of two tables in one topic, by accident, would meet under equal keys.
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
                        "tables {other} and {table} would share topic {}: read them by two \
                         connectors, or name one topic for all by `connect.topicname`",
                        config.topic_of(&table.name)
                    ),
                );
            }
        }
    }
}

/// # Errors
/// `Auth`: the user may not read all columns that are read. None of them is left out in silence.
async fn check_select(connection: &mut dyn Connection, plan: &ReadPlan) -> Result<()> {
    let table = &plan.table;
    connection.check_access(table, Access::Select).await?;
    let advice = "ask for SELECT on the table, or name the columns to read by `query`";
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
            "table {}: the user may not SELECT column {}; {advice}",
            table.name,
            kept.join(", ")
        ),
    ))
}

struct CatalogLookup<'a> {
    connection: &'a mut dyn Connection,
    config: &'a SourceConfig,
    /// Tables by schema.
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

    /// The names that the settings mean, in their order.
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
                let message = format!("no table is named like {}", entry.name);
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

    /// A table that is not there.
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

    /// A table that is there: it is read, unless the settings exclude it.
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

/// The columns that a query gives, as a table named as its topic: so its schema is named.
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
