//! Which table rows go to, and whose rows a table takes.
use crate::{config::SinkConfig, task::Task};
use connect_api::{
    Disposition, Error, ErrorKind, Op, Origin, Origins, PutOutcome, Records, Rejected, Result,
};
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
    /// Takes the table of this place for rows of `origin`; whether it was nobody's before.
    ///
    /// # Errors
    /// As [`agree`](Self::agree).
    fn claim(&self, place: &Place, origin: &Origin) -> Result<bool> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match owners.get_mut(place) {
            None => {
                owners.insert(place.clone(), origin.clone());
                Ok(true)
            }
            Some(owner) => {
                agree(&place.2, owner, origin)?;
                // Older messages do not say their schema.
                if owner.schema.is_none() {
                    owner.clone_from(origin);
                }
                Ok(false)
            }
        }
    }

    /// Takes it back: no row of the origin was written.
    fn release(&self, place: &Place) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.remove(place);
    }

    /// The table of this place is nobody's, or takes rows of `origin`.
    ///
    /// # Errors
    /// `Data`: it takes rows of another one; both are named.
    fn agree(&self, place: &Place, origin: &Origin) -> Result<()> {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match owners.get(place) {
            Some(owner) => agree(&place.2, owner, origin),
            None => Ok(()),
        }
    }
}

fn agree(table: &TableName, owner: &Origin, origin: &Origin) -> Result<()> {
    if owner.agrees(origin) {
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

/// Records are on their way into a table.
pub(crate) struct Claim {
    pub(crate) table: TableName,
    /// The table was nobody's before.
    new: Option<Place>,
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
    /// The table of the records.
    ///
    /// # Errors
    /// As [`SinkConfig::table_of`].
    pub(crate) fn table_for(&self, records: &Records) -> Result<TableName> {
        let origin = records.origin().map(AsRef::as_ref);
        let schema = records.schema().name();
        self.config.table_of(records.topic(), origin, Some(schema))
    }

    /// Takes the table of the records for those of their origin.
    ///
    /// # Errors
    /// As [`SinkConfig::table_of`]; `Data`: it takes rows of another origin; both are named.
    pub(crate) fn claim(&self, records: &Records) -> Result<Claim> {
        let table = self.table_for(records)?;
        let schema = records.schema().name();
        // A delete may come without a schema of its own.
        let only_deletes = records.ops().uniform() == Some(Op::Delete);
        let named = || Origin {
            schema: None,
            table: schema.into(),
        };
        let origin = match records.origin() {
            Some(origin) => Some(Origin::clone(origin)),
            None if schema.is_empty() || only_deletes => None,
            None => Some(named()),
        };
        let new = match origin.filter(|_| !self.config.merge) {
            Some(origin) => {
                let place = self.place(&table);
                self.owners.claim(&place, &origin)?.then_some(place)
            }
            None => None,
        };
        Ok(Claim { table, new })
    }

    /// Rows that were refused take no table: those of another origin may be what it is for.
    pub(crate) fn settle(&self, claim: Claim, outcome: &Result<PutOutcome>) {
        let none = match outcome {
            Ok(outcome) => outcome.written == 0,
            // What is tried again may have been written.
            Err(e) => e.kind().disposition() != Disposition::Retry,
        };
        if let (Some(place), true) = (claim.new, none) {
            self.owners.release(&place);
        }
    }

    /// The table takes rows of this origin, as far as is known.
    ///
    /// # Errors
    /// `Data`: it takes rows of another one; both are named.
    pub(crate) fn agree(&self, table: &TableName, origin: &Origin) -> Result<()> {
        match self.config.merge {
            true => Ok(()),
            false => self.owners.agree(&self.place(table), origin),
        }
    }

    fn place(&self, table: &TableName) -> Place {
        let database = self.dialect.address().to_owned();
        (self.connector.clone(), database, table.clone())
    }
}

/// All rows are refused for the same reason.
pub(crate) fn all_refused(records: &Records, why: &Error) -> PutOutcome {
    let rejected = |row| Rejected {
        row,
        error: Error::new(why.kind(), why.report()),
    };
    PutOutcome {
        rejected: (0..records.len()).map(rejected).collect(),
        ..PutOutcome::default()
    }
}
