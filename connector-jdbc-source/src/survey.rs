//! The tables that settings name, looked at in the database: what can be read, and all that
//! stands in the way (G9).
use crate::{config::SourceConfig, reading::Reading, selection::name_of};
use connect_api::{
    Error, ErrorKind, Result,
    config::{Faults, nearest},
};
use dialect_core::{Access, Connection, Table, TableName, TableType};
use std::collections::HashMap;

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
    pub(crate) async fn of(connection: &mut dyn Connection, config: &SourceConfig) -> Result<Self> {
        let mut search = Search {
            connection,
            config,
            lists: HashMap::new(),
            tables: Vec::new(),
            faults: Faults::default(),
        };
        for entry in config.tables.entries() {
            if entry.pattern {
                search.find_all(entry).await?;
            } else {
                search.find(&entry.name).await?;
            }
        }
        let mut survey = Self {
            readings: Vec::new(),
            faults: search.faults,
        };
        for table in search.tables {
            match Reading::decide(table, config) {
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
        for reading in &self.readings {
            match connection
                .check_access(&reading.table, Access::Select)
                .await
            {
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

    async fn find_all(&mut self, entry: &crate::selection::Entry) -> Result<()> {
        let types = &self.config.table_types;
        let list = self.list(&entry.name.schema).await?;
        let fitting = list
            .iter()
            .filter(|(name, table_type)| entry.matches(&name.name) && types.holds(*table_type));
        let names: Vec<_> = fitting.map(|(name, _)| name.clone()).collect();
        if names.is_empty() {
            let message = format!("no table is named like {}", entry.name);
            self.faults.at("table.whitelist", message);
        }
        for name in names {
            self.find(&name).await?;
        }
        Ok(())
    }

    async fn find(&mut self, name: &TableName) -> Result<()> {
        const KEY: &str = "table.whitelist";
        let Some(table) = self.connection.describe(name).await? else {
            let list = self.list(&name.schema).await?;
            let names = list.iter().map(|(table, _)| table.name.as_str());
            let message = match nearest(&name.name, names) {
                Some(near) => format!("table {name} does not exist; did you mean `{near}`?"),
                None => format!("table {name} does not exist"),
            };
            self.faults.at(KEY, message);
            return Ok(());
        };
        let known = self.tables.iter().any(|t| t.name == table.name);
        if known || self.config.excluded.holds(&table.name) {
            return Ok(());
        }
        if !self.config.table_types.holds(table.table_type) {
            let is = name_of(table.table_type);
            let message = format!(
                "{} is a {}; add {is} to table.types",
                table.name,
                is.to_lowercase()
            );
            self.faults.at(KEY, message);
            return Ok(());
        }
        self.tables.push(table);
        Ok(())
    }
}
