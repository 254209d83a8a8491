//! Table discovery: describes the tables or the query in the settings and collects all errors (G9).
use crate::{
    access_check,
    column_rules::UnknownColumns,
    config::SourceConfig,
    failed_tables::concerns_table_alone,
    queries::at_query,
    read_plan::{QUERY, ReadPlan},
    scalar::query_scalar,
    startup_check::check_statement,
    table_settings::TableConfigs,
    table_types::name_of,
};
use connect_api::{
    Error, ErrorKind, Kind, Result, Schema, Value,
    config::{Faults, nearest},
};
use dialect_core::{
    Connection, DeleteCapture, Dialect, Statement, Syntax, Table, TableName, TableType,
};
use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    sync::Arc,
};

/// Tables that are described together: the answer is in memory at once.
const TOGETHER: usize = 1_000;
/// The setting that lists the tables.
const TABLES: &str = "table.whitelist";

/// A table that the settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: TableName,
    /// It is named exactly, and must exist; otherwise a pattern matches it.
    pub(crate) exact: bool,
}

/// The result of discovery.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// The read plans of the tables, in the order of the settings.
    pub(crate) plans: Vec<ReadPlan>,
    /// Tables of `plans` that the settings name exactly.
    pub(crate) exact: HashSet<TableName>,
    /// Tables that cannot be read, each with its faults.
    pub(crate) refused: Vec<(TableName, Faults)>,
    /// Tables that another session has locked.
    pub(crate) locked: Vec<(Wanted, Error)>,
    /// Tables that do not exist.
    pub(crate) missing: Vec<TableName>,
    /// Faults that do not concern a single table.
    pub(crate) faults: Faults,
    /// Columns of the settings, as far as tables have them.
    unknown: UnknownColumns,
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
        let mut configs = TableConfigs::new(config);
        let mut lookup = CatalogLookup::new(connection, config);
        let (wanted, unmatched) = lookup.wanted().await?;
        let names: Vec<_> = wanted.iter().map(|table| table.name.clone()).collect();
        let described = describe_each(lookup.connection, &names).await?;
        let described = described.into_iter().map(|table| (table, None)).collect();
        let of_tables =
            Self::of_tables(lookup.connection, syntax, &mut configs, &wanted, described);
        let mut discovery = of_tables.await?;
        let mut refused = Vec::new();
        for name in &discovery.missing {
            lookup.report_missing(name, &mut refused).await?;
        }
        refused.append(&mut discovery.refused);
        discovery.refused = refused;
        for pattern in unmatched {
            let message = format!("no table matches {pattern}");
            match config.watches_tables() {
                true => discovery.faults.note(format!(
                    "{message}; tables are looked for every table.poll.interval.ms"
                )),
                false => discovery.faults.at(TABLES, message),
            }
        }
        for pattern in configs.unused() {
            let note = format!("`tables.{pattern}.*` has no effect: no table matches it");
            discovery.faults.note(note);
        }
        discovery.add_queries(connection, syntax, config).await?;
        for note in std::mem::take(&mut discovery.unknown).notes() {
            discovery.faults.note(note);
        }
        discovery.check_shared_topics();
        Ok(discovery)
    }

    /// Adds the plan of a query with its topic.
    fn add_query(&mut self, id: &str, mut plan: ReadPlan, catalog: Option<&Arc<str>>) {
        match plan.set_names(catalog) {
            Ok(()) => self.plans.push(plan),
            Err(faults) if id == QUERY => self.faults.extend(faults),
            Err(faults) => at_query(id, &faults, &mut self.faults),
        }
    }

    /// Describes these tables, each with the fingerprint of its columns from before.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn to_read(
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        configs: &mut TableConfigs,
        wanted: &[Wanted],
    ) -> Result<Self> {
        let names: Vec<_> = wanted.iter().map(|table| table.name.clone()).collect();
        let fingerprints = fingerprint_each(connection, &names).await?;
        let described = describe_each(connection, &names).await?;
        let described = described.into_iter().zip(fingerprints).collect();
        Self::of_tables(connection, syntax, configs, wanted, described).await
    }

    /// Plans how these tables are read.
    async fn of_tables(
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        configs: &mut TableConfigs,
        wanted: &[Wanted],
        described: Vec<Described>,
    ) -> Result<Self> {
        let mut discovery = Self::default();
        let config = configs.base().clone();
        let catalog = match config.needs_catalog() {
            true => catalog(connection, syntax).await?,
            false => None,
        };
        let mut known = HashSet::new();
        for (Wanted { name, exact }, (table, fingerprint)) in wanted.iter().zip(described) {
            let table = match table {
                Ok(Some(table)) => table,
                Ok(None) => {
                    discovery.missing.push(name.clone());
                    continue;
                }
                Err(e) if e.kind() == ErrorKind::Conflict => {
                    let (name, exact) = (name.clone(), *exact);
                    discovery.locked.push((Wanted { name, exact }, e));
                    continue;
                }
                Err(e) => {
                    let mut faults = Faults::default();
                    faults.general(e.report());
                    discovery.refused.push((name.clone(), faults));
                    continue;
                }
            };
            if config.excludes(&table.name) || !known.insert(table.name.clone()) {
                continue;
            }
            let described = (table, fingerprint);
            discovery.add(described, *exact, syntax, configs, catalog.as_ref());
        }
        Ok(discovery)
    }

    /// Describes the queries.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn add_queries(
        &mut self,
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        config: &SourceConfig,
    ) -> Result<()> {
        let queries = config.of_queries(&mut self.faults);
        let catalog = match !queries.is_empty() && config.needs_catalog() {
            true => catalog(connection, syntax).await?,
            false => None,
        };
        for (id, config) in queries {
            let sql = config.query.0.as_deref().unwrap_or_default();
            let table = match describe_query(connection, &config, sql).await {
                Ok(table) => table,
                Err(e) if matches!(e.kind(), ErrorKind::Schema | ErrorKind::Unsupported) => {
                    let key = match id.as_str() {
                        QUERY => QUERY.to_owned(),
                        id => format!("queries.{id}.sql"),
                    };
                    self.faults.at(key, e.report());
                    continue;
                }
                Err(e) => return Err(e),
            };
            self.unknown.look(&table, &config);
            match ReadPlan::build(table, &config, syntax) {
                Ok(plan) => self.add_query(&id.clone(), plan.with_query_id(id), catalog.as_ref()),
                Err(faults) if id == QUERY => self.faults.extend(faults),
                Err(faults) => at_query(&id, &faults, &mut self.faults),
            }
        }
        Ok(())
    }

    /// Adds a table that is there.
    fn add(
        &mut self,
        (table, fingerprint): (Table, Option<String>),
        exact: bool,
        syntax: &dyn Syntax,
        configs: &mut TableConfigs,
        catalog: Option<&Arc<str>>,
    ) {
        let name = table.name.clone();
        if exact {
            self.exact.insert(name.clone());
        }
        if !configs.base().table_types.holds(table.table_type) {
            let is = name_of(table.table_type);
            let mut faults = Faults::default();
            faults.at(
                TABLES,
                format!("{name} is a {}; add {is} to table.types", is.to_lowercase()),
            );
            self.refused.push((name, faults));
            return;
        }
        let plan = configs.of(&name);
        let plan = plan.inspect(|config| self.unknown.look(&table, config));
        let named = plan.and_then(|config| {
            let mut plan = ReadPlan::build(table, &config, syntax)?;
            plan.fingerprint = fingerprint;
            plan.set_names(catalog).map(|()| plan)
        });
        match named {
            Ok(plan) => {
                if let Some(note) = plan.config.key_template.null_note(&plan.table) {
                    self.faults.note(note);
                }
                self.plans.push(plan);
            }
            Err(faults) => self.refused.push((name, faults)),
        }
    }

    /// Adds missing SELECT privileges and statements that the database refuses to the errors.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn check_access(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<()> {
        let denied = access_check::denied(connection, &self.plans).await?;
        for (plan, denied) in self.plans.iter().zip(denied) {
            match denied {
                Some(error) => self.faults.general(error.report()),
                // By each of its own: one statement is prepared, and run for no rows.
                None => match check_statement(connection, dialect, plan, &mut self.faults).await {
                    Err(e) if e.kind() == ErrorKind::Conflict => {
                        self.faults.note(unchecked(&plan.name(), &e));
                    }
                    checked => checked?,
                },
            }
        }
        Ok(())
    }

    /// The read plans.
    ///
    /// # Errors `Schema`: all errors that were found.
    pub(crate) fn into_plans(self) -> Result<Vec<ReadPlan>> {
        let (plans, faults) = self.into_faults();
        match faults.is_empty() {
            true => Ok(plans),
            false => Err(Error::new(ErrorKind::Schema, faults.to_string())),
        }
    }

    /// The read plans, and all errors that were found.
    pub(crate) fn into_faults(self) -> (Vec<ReadPlan>, Faults) {
        let mut faults = Faults::default();
        for (_, of_table) in self.refused {
            faults.extend(of_table);
        }
        for (table, error) in self.locked {
            faults.note(unchecked(&table.name, &error));
        }
        faults.extend(self.faults);
        (self.plans, faults)
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
            let message = shared_topic(&other.name(), &plan.name(), topic);
            self.faults.at("topic.prefix", message);
        }
    }
}

fn unchecked(table: &dyn Display, error: &Error) -> String {
    let report = error.report();
    format!("table {table}: another session has locked it, so it is not checked: {report}")
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

/// A table, and the fingerprint of its columns from before it was described.
type Described = (Result<Option<Table>>, Option<String>);

/// Describes tables together, or one by one if that fails because of one of them.
async fn describe_each(
    connection: &mut dyn Connection,
    names: &[TableName],
) -> Result<Vec<Result<Option<Table>>>> {
    let mut described = Vec::with_capacity(names.len());
    for names in names.chunks(TOGETHER) {
        match connection.describe_all(names).await {
            Ok(tables) => {
                described.extend(tables.into_iter().map(Ok));
                continue;
            }
            Err(error) if concerns_table_alone(&error) => {}
            Err(error) => return Err(error),
        }
        for name in names {
            match connection.describe(name).await {
                Err(e) if !concerns_table_alone(&e) => return Err(e),
                table => described.push(table),
            }
        }
    }
    Ok(described)
}

/// The fingerprints of tables; none where one of them cannot be asked for.
async fn fingerprint_each(
    connection: &mut dyn Connection,
    names: &[TableName],
) -> Result<Vec<Option<String>>> {
    let mut fingerprints = Vec::with_capacity(names.len());
    for names in names.chunks(TOGETHER) {
        match connection.fingerprints(names).await {
            Err(error) if concerns_table_alone(&error) => {
                // They are described again with their first page.
                fingerprints.resize(fingerprints.len() + names.len(), None);
            }
            of_names => fingerprints.extend(of_names?),
        }
    }
    Ok(fingerprints)
}

/// Why one of two tables is not read.
pub(crate) fn shared_topic(other: &dyn Display, own: &dyn Display, topic: &str) -> String {
    format!(
        "tables {other} and {own} map to the same topic {topic}; give each its own with \
         `topic.name.format`, such as ${{schema}}.${{table}}, or set one topic for both tables with \
         `connect.topicname` or `topic.map`"
    )
}

/// What the catalog lists of the tables that the settings name.
pub(crate) struct CatalogLookup<'a> {
    connection: &'a mut dyn Connection,
    config: &'a SourceConfig,
    /// Listed tables by schema.
    tables_by_schema: HashMap<Option<String>, Vec<(TableName, TableType)>>,
    /// Those of all schemas, once they were asked for.
    all: Option<Vec<(TableName, TableType)>>,
}

impl<'a> CatalogLookup<'a> {
    pub(crate) fn new(connection: &'a mut dyn Connection, config: &'a SourceConfig) -> Self {
        Self {
            connection,
            config,
            tables_by_schema: HashMap::new(),
            all: None,
        }
    }

    async fn tables_in(&mut self, schema: &Option<String>) -> Result<&[(TableName, TableType)]> {
        if !self.tables_by_schema.contains_key(schema) {
            let tables = self.connection.tables(schema.as_deref()).await?;
            self.tables_by_schema.insert(schema.clone(), tables);
        }
        Ok(self.tables_by_schema.get(schema).map_or(&[], Vec::as_slice))
    }

    async fn tables_of_all_schemas(&mut self) -> Result<&[(TableName, TableType)]> {
        let all = match self.all.take() {
            Some(all) => all,
            None => self.connection.tables_of_all_schemas().await?,
        };
        Ok(self.all.insert(all))
    }

    /// The tables that the settings name, in their order, and the patterns that match none. Whether
    /// those that are named exactly exist is not asked.
    pub(crate) async fn wanted(&mut self) -> Result<(Vec<Wanted>, Vec<String>)> {
        let (mut wanted, mut unmatched) = (Vec::new(), Vec::new());
        let config = self.config;
        // Tables of changes are read with their tables.
        let captures = config.captures_some_deletes();
        let of_changes = |name: &TableName| captures && DeleteCapture::is_changes(name);
        for entry in config.tables.entries() {
            let entry = entry.in_schema(config.schema_or_pattern());
            if entry.is_exact() {
                let name = entry.name;
                wanted.push(Wanted { name, exact: true });
                continue;
            }
            let tables = match entry.schema_pattern {
                true => self.tables_of_all_schemas().await?,
                false => self.tables_in(&entry.name.schema).await?,
            };
            let in_schema = |name: &TableName| {
                !entry.schema_pattern || entry.matches_schema(name.schema.as_deref())
            };
            let fitting = tables.iter().filter(|(name, table_type)| {
                let matches = entry.matches(&name.name) && config.table_types.holds(*table_type);
                matches && in_schema(name) && !of_changes(name)
            });
            let before = wanted.len();
            wanted.extend(fitting.map(|(name, _)| Wanted {
                name: name.clone(),
                exact: false,
            }));
            if wanted.len() == before {
                unmatched.push(entry.name.to_string());
            }
        }
        if !config.included.is_empty() {
            let tables = self.tables_of_all_schemas().await?.iter();
            let tables = tables.filter(|(_, is)| config.table_types.holds(*is));
            let tables: Vec<TableName> = tables.map(|(name, _)| name.clone()).collect();
            unmatched.extend(config.included.unmatched(&tables));
            let fitting = tables
                .into_iter()
                .filter(|name| config.included.matches(name) && !of_changes(name));
            wanted.extend(fitting.map(|name| Wanted { name, exact: false }));
        }
        wanted.retain(|table| table.exact || !config.excludes(&table.name));
        Ok((wanted, unmatched))
    }

    /// Reports a missing table.
    async fn report_missing(
        &mut self,
        name: &TableName,
        refused: &mut Vec<(TableName, Faults)>,
    ) -> Result<()> {
        let tables = self.tables_in(&name.schema).await?;
        let names = tables.iter().map(|(table, _)| table.name.as_str());
        let message = match nearest(&name.name, names) {
            Some(near) => format!("table {name} does not exist; did you mean `{near}`?"),
            None => format!("table {name} does not exist"),
        };
        let mut faults = Faults::default();
        faults.at(TABLES, message);
        refused.push((name.clone(), faults));
        Ok(())
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
