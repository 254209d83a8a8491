//! Which table rows go to, and whose rows a table takes.
use crate::{config::SinkConfig, task::Task};
use connect_api::{Error, ErrorKind, Op, Origin, Origins, PutOutcome, Records, Rejected, Result};
use dialect_core::TableName;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What can stand in `table.name.format`, each with the sign that stands for it while the format is
/// taken apart at its dots.
const PLACES: [(&str, char); 3] = [
    ("${source.table}", '\u{1}'),
    ("${source.schema}", '\u{2}'),
    ("${schema.name}", '\u{3}'),
];
/// Stands for the topic.
pub(crate) const TOPIC: &str = "${topic}";

/// The origins that tables of the connectors have got their first rows from. The tasks of a process
/// share it: rows of another origin are as foreign to one task as to another.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<HashMap<Place, Origin>>);

/// Connector, database and table.
type Place = (Arc<str>, String, TableName);

impl Owners {
    /// Takes the table of this database for rows of `origin`.
    ///
    /// # Errors
    /// `Data`: it takes rows of another one; both are named.
    pub(crate) fn claim(
        &self,
        connector: &Arc<str>,
        database: &str,
        table: &TableName,
        origin: &Origin,
    ) -> Result<()> {
        let place = (connector.clone(), database.to_owned(), table.clone());
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = owners.entry(place).or_insert_with(|| origin.clone());
        if owner.agrees(origin) {
            // Older messages do not say their schema.
            if owner.schema.is_none() {
                owner.clone_from(origin);
            }
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Data,
            format!(
                "table {table}: it has rows of source table {owner}, and this one is of {origin}; \
                 give each a table of its own by `${{source.table}}` or `${{source.schema}}` in \
                 table.name.format, or set table.merge=true"
            ),
        ))
    }
}

impl SinkConfig {
    fn format(&self) -> &str {
        match self.from_header {
            true => PLACES[0].0,
            false => &self.table_format,
        }
    }

    fn needs(&self, place: usize) -> bool {
        self.format().contains(PLACES[place].0)
    }

    /// The table is known before a row is.
    pub(crate) fn is_by_topic(&self) -> bool {
        PLACES
            .iter()
            .all(|(place, _)| !self.format().contains(place))
    }

    /// The schema of the records has a say in where they go.
    pub(crate) fn is_by_schema(&self) -> bool {
        self.needs(2)
    }

    /// The same table for all topics.
    pub(crate) fn is_one_table(&self) -> bool {
        self.is_by_topic() && !self.format().contains(TOPIC)
    }

    /// What origins are to this sink.
    pub(crate) fn origins(&self) -> Origins {
        if self.needs(0) || self.needs(1) {
            Origins::Routed
        } else if self.merge {
            Origins::Ignored
        } else {
            Origins::Compared
        }
    }

    /// The table of a topic's rows, of this origin and schema.
    ///
    /// # Errors
    /// `Config`: with this topic, the format gives no name of a table. `Data`: it needs what is not
    /// known of the rows.
    pub(crate) fn table_of(
        &self,
        topic: &str,
        origin: Option<&Origin>,
        schema: Option<&str>,
    ) -> Result<TableName> {
        let mut format = self.format().replace(TOPIC, topic);
        if self.is_by_topic() {
            return TableName::parse(&format).map_err(|e| e.context("table.name.format"));
        }
        for (place, sign) in PLACES {
            format = format.replace(place, &sign.to_string());
        }
        let table = TableName::parse(&format).map_err(|e| e.context("table.name.format"))?;
        let values = [
            origin.map(|origin| &*origin.table),
            origin.and_then(|origin| origin.schema.as_deref()),
            schema.filter(|name| !name.is_empty()),
        ];
        let filled = |part: &str| {
            let mut part = part.to_owned();
            for ((place, sign), value) in PLACES.iter().zip(values) {
                if part.contains(*sign) {
                    let value = value.ok_or_else(|| {
                        Error::new(
                            ErrorKind::Data,
                            format!(
                                "topic {topic}: the message does not say what stands for `{place}` \
                                 in the name of its table (properties connect-ext-__source_table \
                                 and connect-ext-__source_db, the name of its schema)"
                            ),
                        )
                    })?;
                    part = part.replace(*sign, value);
                }
            }
            Ok::<_, Error>(part)
        };
        Ok(TableName {
            schema: table.schema.as_deref().map(filled).transpose()?,
            name: filled(&table.name)?,
        })
    }

    /// What is wrong with the format.
    pub(crate) fn check_format(&self) -> std::result::Result<(), String> {
        let known = Origin {
            schema: Some("schema".into()),
            table: "table".into(),
        };
        self.table_of("topic", Some(&known), Some("schema"))
            .map_err(|e| e.to_string())?;
        let mut rest = self.table_format.replace(TOPIC, "");
        for (place, _) in PLACES {
            rest = rest.replace(place, "");
        }
        match rest.contains("${") {
            true => Err(format!(
                "only `{TOPIC}`, `{}`, `{}` and `{}` can stand for something else",
                PLACES[0].0, PLACES[1].0, PLACES[2].0
            )),
            false => Ok(()),
        }
    }
}

impl Task {
    /// The table of the records, where it takes rows of their origin.
    ///
    /// # Errors
    /// As [`SinkConfig::table_of`] and [`Owners::claim`].
    pub(crate) fn table_for(&self, records: &Records) -> Result<TableName> {
        let schema = records.schema().name();
        let origin = records.origin().map(AsRef::as_ref);
        let table = self
            .config
            .table_of(records.topic(), origin, Some(schema))?;
        // A delete may come without a schema of its own.
        let only_deletes = records.ops().uniform() == Some(Op::Delete);
        match origin {
            Some(origin) => self.claim(&table, origin)?,
            None if schema.is_empty() || only_deletes => {}
            None => self.claim(
                &table,
                &Origin {
                    schema: None,
                    table: schema.into(),
                },
            )?,
        }
        Ok(table)
    }

    /// As [`Owners::claim`], unless tables may be merged.
    pub(crate) fn claim(&self, table: &TableName, origin: &Origin) -> Result<()> {
        if self.config.merge {
            return Ok(());
        }
        let database = self.dialect.address();
        self.owners.claim(&self.connector, database, table, origin)
    }
}

/// All rows are refused for the same reason.
pub(crate) fn all_refused(records: &Records, why: &Error) -> PutOutcome {
    let rejected = |row| Rejected {
        row,
        error: Error::new(why.kind(), why.report()),
    };
    PutOutcome {
        written: 0,
        rejected: (0..records.len()).map(rejected).collect(),
    }
}
