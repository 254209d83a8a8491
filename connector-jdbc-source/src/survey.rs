//! The tables that settings name, looked at in the database: what can be read, and all that
//! stands in the way (G9).
use crate::{config::SourceConfig, reading::Reading, table_types::name_of};
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
pub(crate) struct Survey {
    /// Tables that can be read, in the order of the settings.
    pub(crate) readings: Vec<Reading>,
    pub(crate) faults: Faults,
}

impl Survey {
    /// Looks at all tables.
    ///
    /// # Errors
    /// What keeps from looking: `Connect`, `Timeout`, and what the database says of the catalogue.
    pub(crate) async fn of(
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        config: &SourceConfig,
    ) -> Result<Self> {
        let mut search = Search {
            connection,
            config,
            lists: HashMap::new(),
            tables: Vec::new(),
            faults: Faults::default(),
        };
        match &config.query.0 {
            Some(query) => search.look_at_query(query).await?,
            None => search.look_at_tables().await?,
        }
        let mut survey = Self {
            readings: Vec::new(),
            faults: search.faults,
        };
        for table in search.tables {
            match Reading::decide(table, config, syntax) {
                Ok(reading) => survey.readings.push(reading),
                Err(faults) => survey.faults.extend(faults),
            }
        }
        survey.refuse_shared_topics(config);
        Ok(survey)
    }

    /// Adds the tables that the user may not read to the faults.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) async fn check_access(&mut self, connection: &mut dyn Connection) -> Result<()> {
        // Whoever may describe a query is told by the first page whether they may read it.
        let of_tables = self.readings.iter().filter(|r| r.query.is_none());
        for reading in of_tables {
            match may_read(connection, reading).await {
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
    pub(crate) fn into_readings(self) -> Result<Vec<Reading>> {
        if self.faults.is_empty() {
            Ok(self.readings)
        } else {
            Err(Error::new(ErrorKind::Schema, self.faults.to_string()))
        }
    }

    /// Rows of two tables in one topic, by accident, would meet under equal keys.
    fn refuse_shared_topics(&mut self, config: &SourceConfig) {
        if config.topic.is_some() {
            return;
        }
        let mut first: HashMap<&str, &TableName> = HashMap::new();
        for reading in &self.readings {
            let table = &reading.table.name;
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
async fn may_read(connection: &mut dyn Connection, reading: &Reading) -> Result<()> {
    let table = &reading.table;
    connection.check_access(table, Access::Select).await?;
    let advice = "ask for SELECT on the table, or name the columns to read by `query`";
    let granted = connection.granted(table, Access::Select).await;
    let granted = granted.map_err(|e| e.context(advice))?;
    let kept = reading.columns.iter().filter(|i| !granted.contains(i));
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

struct Search<'a> {
    connection: &'a mut dyn Connection,
    config: &'a SourceConfig,
    /// Tables by schema.
    lists: HashMap<Option<String>, Vec<(TableName, TableType)>>,
    tables: Vec<Table>,
    faults: Faults,
}

impl Search<'_> {
    async fn list(&mut self, schema: &Option<String>) -> Result<&[(TableName, TableType)]> {
        if !self.lists.contains_key(schema) {
            let tables = self.connection.tables(schema.as_deref()).await?;
            self.lists.insert(schema.clone(), tables);
        }
        Ok(self.lists.get(schema).map_or(&[], Vec::as_slice))
    }

    /// The names that the settings mean, in their order.
    async fn names(&mut self) -> Result<Vec<TableName>> {
        let mut names = Vec::new();
        for entry in self.config.tables.entries() {
            let own = entry.name.schema.as_deref();
            let schema = own.or(self.config.default_schema()).map(str::to_owned);
            if !entry.pattern {
                names.push(TableName {
                    schema,
                    ..entry.name.clone()
                });
                continue;
            }
            let types = &self.config.table_types;
            let list = self.list(&schema).await?;
            let fitting = list
                .iter()
                .filter(|(name, table_type)| entry.matches(&name.name) && types.holds(*table_type));
            let before = names.len();
            names.extend(fitting.map(|(name, _)| name.clone()));
            if names.len() == before {
                let message = format!("no table is named like {}", entry.name);
                self.faults.at(TABLES, message);
            }
        }
        Ok(names)
    }

    async fn look_at_tables(&mut self) -> Result<()> {
        let names = self.names().await?;
        let described = self.connection.describe_all(&names).await?;
        for (name, table) in names.iter().zip(described) {
            match table {
                Some(table) => self.take(table),
                None => self.miss(name).await?,
            }
        }
        Ok(())
    }

    async fn look_at_query(&mut self, query: &str) -> Result<()> {
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
    async fn miss(&mut self, name: &TableName) -> Result<()> {
        let list = self.list(&name.schema).await?;
        let names = list.iter().map(|(table, _)| table.name.as_str());
        let message = match nearest(&name.name, names) {
            Some(near) => format!("table {name} does not exist; did you mean `{near}`?"),
            None => format!("table {name} does not exist"),
        };
        self.faults.at(TABLES, message);
        Ok(())
    }

    /// A table that is there: it is read, unless the settings exclude it.
    fn take(&mut self, table: Table) {
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
