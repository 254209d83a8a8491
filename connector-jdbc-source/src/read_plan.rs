//! The read plan of a table: which columns are read and in which order. It is built once, from the
//! table's description and the settings.
use crate::{
    column_rules,
    config::{Mode, SourceConfig},
    local_time::{LocalTimeColumns, with_instants},
    mode_columns::ModeColumns,
    projection::Projection,
    topics::{Named, Topic},
    unique_key,
};
use connect_api::{
    ColumnBuilder, KeyTemplate, Kind, MessageProperties, Origin, SchemaRef, Value, config::Faults,
};
use dialect_core::{KeyPart, KeyValues, Syntax, Table, Zone};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc, time::Duration};

/// How a table is read.
#[derive(Debug, Clone)]
pub(crate) struct ReadPlan {
    /// The table, or the columns of the query.
    pub(crate) table: Table,
    /// The fingerprint of its columns from before they were described, where it was asked for.
    pub(crate) fingerprint: Option<String>,
    /// The settings in force for it.
    pub(crate) config: Arc<SourceConfig>,
    /// The query that is read instead of the table.
    pub(crate) query: Option<Query>,
    /// The columns, by index in the table, which has no others: all of them, so that a column has the same index in the
    /// table and in the records.
    pub(crate) columns: Vec<usize>,
    /// The schema of the rows as they are read.
    pub(crate) schema: SchemaRef,
    /// The conversion of local times to instants, if `db.timezone` is set.
    pub(crate) local_times: Option<LocalTimeColumns>,
    /// How the rows are sent; `None`: as they are read.
    pub(crate) projection: Option<Projection>,
    /// How the message keys are made, where not of the key columns.
    pub(crate) key_template: Option<Arc<KeyTemplate>>,
    /// The topic of its rows.
    pub(crate) topic: Arc<str>,
    /// The settings give this topic to several tables.
    pub(crate) has_shared_topic: bool,
    /// The session's database, where it is asked for.
    pub(crate) catalog: Option<Arc<str>>,
    /// What its messages say beside the origin.
    pub(crate) properties: Option<Arc<MessageProperties>>,
    /// The source table; `None` for a query.
    pub(crate) origin: Option<Arc<Origin>>,
    /// The key of keyset pagination; empty for a table that is read with one statement.
    pub(crate) key: Vec<KeyPart>,
    /// No two rows have the same key, so that a page may end at any row.
    pub(crate) unique_key: bool,
    /// The name of each key part in stored positions.
    pub(crate) offset_names: Vec<Box<str>>,
    /// Names of parts that positions stored by older versions have in addition to the key.
    pub(crate) legacy_offset_names: Vec<Box<str>>,
    /// Bulk mode: the table is read again after the last row.
    pub(crate) bulk: bool,
    /// See [`Page::before_now`](dialect_core::Page::before_now).
    pub(crate) before_now: Option<Duration>,
    /// The resolution of the timestamps in the first part of the key.
    pub(crate) resolution: Duration,
    /// The time zone of the local times in the first part of the key.
    pub(crate) time_zone: Option<Zone>,
    /// Where to start if there is no stored position.
    pub(crate) start: StartPosition,
    /// Columns with the event time; the first that is not NULL is used.
    pub(crate) event_time_columns: Vec<usize>,
    /// The soft-delete column.
    pub(crate) delete_column: Option<usize>,
}

/// A query that is read.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// `query` for that of the setting `query`.
    pub(crate) id: String,
    pub(crate) sql: String,
}

fn is_unsigned(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64
    )
}

/// The number as a value of this kind; `None` if it is none.
fn number_of(kind: &Kind, number: i64) -> Option<Value> {
    let value = match kind {
        kind if is_unsigned(kind) => Value::UInt(number.try_into().ok()?),
        Kind::Decimal { scale, .. } => {
            let unit = 10_i128.checked_pow(u32::try_from(*scale).ok()?)?;
            Value::Decimal(i128::from(number).checked_mul(unit)?, *scale)
        }
        _ => Value::Int(number),
    };
    let mut column = ColumnBuilder::new(kind, 1).ok()?;
    column.append_value(kind, value.clone())?;
    Some(value)
}

/// A short text that is the same for schemas with the same columns and key.
fn schema_version(schema: &SchemaRef) -> String {
    let columns = schema.columns().fields().iter();
    let columns = columns.map(|field| (field.name(), field.data_type(), field.is_nullable()));
    let kinds: Vec<_> = columns.zip(schema.kinds()).collect();
    let hash = Sha256::digest(format!("{kinds:?} {:?}", schema.key()));
    let digits = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// Where to start if there is no stored position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StartPosition {
    /// At the first row.
    First,
    /// After the rows whose key starts with these values.
    After(Vec<Value>),
    /// Behind the rows of that time: at the database's current time, or after the greatest key.
    Now,
}

/// Names of the key parts in stored positions; those of the primary key are `key.` and the column's
/// name.
const TIMESTAMP: &str = "timestamp";
const INCREMENTING: &str = "incrementing";

/// The id of the query of the setting `query`.
pub(crate) const QUERY: &str = "query";

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id.as_str() {
            QUERY => f.write_str("(query)"),
            id => write!(f, "(query {id})"),
        }
    }
}

/// Removes the parts of the key after a part whose values are truncated when they are read: rows
/// with equal truncated values are not in the order of the parts behind it. Returns the names of
/// the removed parts.
fn truncate_after_inexact_part(
    table: &Table,
    syntax: &dyn Syntax,
    key: &mut Vec<(Box<str>, Vec<usize>)>,
) -> Vec<Box<str>> {
    let fine = key.iter().position(|(_, columns)| {
        let mut columns = columns.iter().map(|i| &table.columns[*i]);
        columns.any(|column| syntax.key_values(column) == KeyValues::Cut)
    });
    let rest = fine.map(|fine| key.split_off(fine + 1));
    let rest = rest.unwrap_or_default().into_iter();
    rest.map(|(name, _)| name).collect()
}

impl ReadPlan {
    /// Builds the plan for `table`.
    ///
    /// # Errors All errors of the table and the settings at once.
    pub(crate) fn build(
        table: Table,
        config: &Arc<SourceConfig>,
        syntax: &dyn Syntax,
    ) -> Result<Self, Faults> {
        let table = column_rules::without_unread(table, config);
        let mut mode_columns = ModeColumns::new(&table, config);
        let event_time_columns = mode_columns.timestamp_columns();
        let mut key = Vec::new();
        if config.uses_timestamps() && !event_time_columns.is_empty() {
            mode_columns.check_not_null("timestamp.column.name", "timestamp", &event_time_columns);
            key.push((TIMESTAMP.into(), event_time_columns.clone()));
        }
        let mut incrementing = None;
        if config.uses_incrementing() {
            incrementing = mode_columns.incrementing_column();
            if let Some(column) = incrementing {
                mode_columns.check_not_null("incrementing.column.name", "incrementing", &[column]);
                key.push((INCREMENTING.into(), vec![column]));
            }
        }
        key.extend(mode_columns.tie_breakers(incrementing));
        let legacy_offset_names = truncate_after_inexact_part(&table, syntax, &mut key);
        let message_key = column_rules::message_key(&table, config, &mut mode_columns.faults);
        let has_key = incrementing.is_some() || message_key.is_some();
        let delete_column = mode_columns.delete_column(has_key);
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let record_key = match (message_key, table.primary_key.as_slice(), incrementing) {
            (Some(columns), _, _) => columns,
            (None, [], Some(column)) => vec![column],
            (None, primary, _) => {
                let columns = primary.iter();
                columns.filter_map(|name| table.index_of(name)).collect()
            }
        };
        let faults = &mut mode_columns.faults;
        let projection = match config.timezone.is_some() {
            true => {
                let (sent, _) = with_instants(&table);
                Projection::of(&sent, &columns, &record_key, config, faults)
            }
            false => Projection::of(&table, &columns, &record_key, config, faults),
        };
        let template = &config.key_template;
        let key_template = template.resolve(projection.as_ref(), &mut mode_columns);
        let record_key: Vec<&str> = record_key
            .iter()
            .map(|column| table.columns[*column].name.as_str())
            .collect();
        let schema = match table.schema(&columns, &record_key) {
            Ok(schema) if mode_columns.faults.is_empty() => schema,
            Ok(_) => return Err(mode_columns.faults),
            Err(e) => {
                mode_columns.faults.general(e.to_string());
                return Err(mode_columns.faults);
            }
        };
        let local_times = config
            .timezone
            .as_ref()
            .map(|zone| LocalTimeColumns::of(&table, &record_key, zone));
        let local_times = match local_times.transpose() {
            Ok(local_times) => local_times.flatten(),
            Err(e) => {
                mode_columns.faults.general(e.to_string());
                return Err(mode_columns.faults);
            }
        };
        let start = match config
            .timestamp_initial
            .filter(|_| config.uses_timestamps())
        {
            None if !config.reads_existing_rows() => StartPosition::Now,
            None => StartPosition::First,
            Some(-1) => StartPosition::Now,
            // Keys are compared with `>`: one microsecond earlier, so that rows of this exact time
            // are included.
            Some(ms) => {
                let micros = ms.saturating_mul(1_000).saturating_sub(1);
                let first = event_time_columns.first().map(|i| &schema.kinds()[*i]);
                StartPosition::After(vec![match first {
                    Some(Kind::OffsetTimestamp) => Value::OffsetTimestamp(micros, 0),
                    _ => Value::Timestamp(micros),
                }])
            }
        };
        let first = config
            .incrementing_initial
            .filter(|_| config.mode == Some(Mode::Incrementing));
        let start = match first.zip(incrementing) {
            // All rows are behind it.
            Some((..0, column)) if is_unsigned(&schema.kinds()[column]) => start,
            Some((number, column)) => match number_of(&schema.kinds()[column], number) {
                Some(value) => StartPosition::After(vec![value]),
                None => {
                    let message = format!(
                        "table {}: column `{}` has no such number",
                        table.name, table.columns[column].name
                    );
                    mode_columns.faults.at("incrementing.initial", message);
                    return Err(mode_columns.faults);
                }
            },
            None => start,
        };
        let (offset_names, parts): (Vec<_>, Vec<_>) = key.into_iter().unzip();
        let parts = parts.into_iter().map(|columns| KeyPart { columns });
        let key: Vec<KeyPart> = parts.collect();
        let query = config.query.0.is_some();
        let of_first = key.first().map_or(&[][..], |part| &part.columns);
        let steps = of_first.iter().map(|i| syntax.step(&table.columns[*i]));
        let resolution = steps.max().unwrap_or_default();
        let origin = (!query).then(|| {
            Arc::new(Origin {
                schema: table.name.schema.as_deref().map(Into::into),
                table: table.name.name.as_str().into(),
            })
        });
        Ok(Self {
            fingerprint: None,
            topic: "".into(),
            has_shared_topic: false,
            catalog: None,
            properties: None,
            origin,
            query: config.query.0.clone().map(|sql| Query {
                id: QUERY.to_owned(),
                sql,
            }),
            config: config.clone(),
            columns,
            schema,
            local_times,
            projection,
            key_template: key_template.map(Arc::new),
            resolution,
            time_zone: None,
            unique_key: unique_key::is_unique(&table, query, &key, syntax),
            key,
            offset_names,
            legacy_offset_names,
            bulk: config.mode == Some(Mode::Bulk),
            before_now: config.uses_timestamps().then_some(config.timestamp_delay.0),
            start,
            event_time_columns,
            delete_column,
            table,
        })
    }

    /// The same, of the query `id`.
    pub(crate) fn with_query_id(mut self, id: String) -> Self {
        if let Some(query) = &mut self.query {
            query.id = id;
        }
        self
    }

    /// Without a stored position, the rows of a table that was created a moment ago are all read.
    pub(crate) fn start_at_first_row(&mut self) {
        if self.start == StartPosition::Now {
            self.start = StartPosition::First;
        }
    }

    /// The name of the table, or `(query)` and its id, for messages.
    pub(crate) fn name(&self) -> &(dyn fmt::Display + Send + Sync) {
        match &self.query {
            Some(query) => query,
            None => &self.table.name,
        }
    }

    /// Names its topic, and what its messages say beside that; `catalog` is the session's database.
    ///
    /// # Errors
    /// A name has a part that the table does not have.
    pub(crate) fn set_names(&mut self, catalog: Option<&Arc<str>>) -> Result<(), Faults> {
        let name = &self.table.name;
        let named = Named {
            catalog: catalog.map(AsRef::as_ref),
            schema: name.schema.as_deref(),
            table: &name.name,
        };
        let mut faults = Faults::default();
        let mut missing = |key: &str, what: &str| {
            let message = format!("table {name} has no {what} to fill in");
            faults.at(key, message);
        };
        let topic = match &self.query {
            Some(_) => Ok(Topic {
                name: self.config.topic_of_query(),
                is_shared: self.config.topic.is_some(),
            }),
            None => self.config.topic_of_table(&named),
        };
        match topic {
            Ok(topic) if topic.name.is_empty() => {
                faults.at("topic.map", format!("table {name} has an empty topic"));
            }
            Ok(topic) => {
                (self.topic, self.has_shared_topic) = (topic.name.into(), topic.is_shared);
            }
            Err(what) => missing("topic.name.format", what),
        }
        let tag = match self.config.tag_of_table(&named) {
            Ok(tag) => tag,
            Err(what) => {
                faults.at(
                    "message.tag",
                    format!("table {name} has no {what} to fill in"),
                );
                None
            }
        };
        let refused = |c: char| c.is_whitespace() || c.is_control() || c == '|';
        if tag.as_ref().is_some_and(|tag| tag.contains(refused)) {
            let message = format!("the tag of table {name} contains a blank or `|`");
            faults.at("message.tag", message);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let extra = &self.config.extra_properties;
        let database = catalog.map(AsRef::as_ref).or(named.schema);
        let properties = MessageProperties {
            tag: tag.map(Into::into),
            database: database.filter(|_| extra.database).map(Into::into),
            schema_version: extra
                .schema_version
                .then(|| schema_version(self.outgoing_schema()).into()),
            key: self.key_template.clone(),
            with_position: extra.position,
        };
        let none = properties == MessageProperties::default();
        self.properties = (!none).then(|| Arc::new(properties));
        self.catalog = catalog.cloned();
        Ok(())
    }

    /// New rows are read after the last, and late ones are looked for.
    pub(crate) fn looks_for_late_rows(&self) -> bool {
        let follows = self.config.uses_timestamps() || self.config.uses_incrementing();
        follows && self.config.gap_safe
    }

    /// A key part may be NULL; such rows are never read.
    pub(crate) fn has_nullable_key(&self) -> bool {
        let nullable = |part: &KeyPart| {
            let mut columns = part.columns.iter();
            columns.all(|i| self.table.columns[*i].nullable)
        };
        self.key.iter().any(nullable)
    }

    /// The schema of the records that are sent.
    pub(crate) fn outgoing_schema(&self) -> &SchemaRef {
        match (&self.projection, &self.local_times) {
            (Some(projection), _) => &projection.schema,
            (None, Some(local_times)) => &local_times.schema,
            (None, None) => &self.schema,
        }
    }

    /// The columns of the records' key, by index in the table.
    pub(crate) fn record_key(&self) -> impl Iterator<Item = usize> {
        self.schema.key().iter().copied()
    }

    /// The columns of the key, by index in the table.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = usize> {
        let parts = self.key.iter();
        parts.flat_map(|part| part.columns.iter().copied())
    }

    /// The kind of a key part.
    pub(crate) fn key_kind(&self, part: usize) -> &Kind {
        &self.schema.kinds()[self.key[part].columns[0]]
    }
}
