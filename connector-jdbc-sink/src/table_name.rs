//! The target table of a row, from `table.name.format`.
use crate::config::SinkConfig;
use connect_api::{Error, ErrorKind, Origin, Origins, Result};
use dialect_core::TableName;

/// The placeholders of `table.name.format`, each with a marker character that replaces it while the
/// format is split at its dots.
const PLACEHOLDERS: [(&str, char); 3] = [
    ("${source.table}", '\u{1}'),
    ("${source.schema}", '\u{2}'),
    ("${schema.name}", '\u{3}'),
];
/// The placeholder of the topic.
pub(crate) const TOPIC: &str = "${topic}";

impl SinkConfig {
    fn format(&self) -> &str {
        match self.from_header {
            true => PLACEHOLDERS[0].0,
            false => &self.table_format,
        }
    }

    fn uses(&self, placeholder: usize) -> bool {
        self.format().contains(PLACEHOLDERS[placeholder].0)
    }

    /// The topic alone determines the table.
    pub(crate) fn is_by_topic(&self) -> bool {
        PLACEHOLDERS
            .iter()
            .all(|(placeholder, _)| !self.format().contains(placeholder))
    }

    /// The table depends on the schema of the records.
    pub(crate) fn is_by_schema(&self) -> bool {
        self.uses(2)
    }

    /// All topics have the same table.
    pub(crate) fn is_one_table(&self) -> bool {
        self.is_by_topic() && !self.format().contains(TOPIC)
    }

    /// How this sink uses source tables.
    pub(crate) fn origins(&self) -> Origins {
        if self.uses(0) || self.uses(1) {
            Origins::Routed
        } else if self.merge {
            Origins::Ignored
        } else {
            Origins::Compared
        }
    }

    /// The target table of a topic's rows with this source table and schema.
    ///
    /// # Errors `Config`: the result is not a valid table name. `Data`: the message lacks a value
    /// for a placeholder.
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
        for (placeholder, marker) in PLACEHOLDERS {
            format = format.replace(placeholder, &marker.to_string());
        }
        let table = TableName::parse(&format).map_err(|e| e.context("table.name.format"))?;
        let values = [
            origin.map(|origin| &*origin.table),
            origin.and_then(|origin| origin.schema.as_deref()),
            schema.filter(|name| !name.is_empty()),
        ];
        let filled = |part: &str| {
            let mut part = part.to_owned();
            for ((placeholder, marker), value) in PLACEHOLDERS.iter().zip(values) {
                if part.contains(*marker) {
                    let value = value.ok_or_else(|| {
                        Error::new(
                            ErrorKind::Data,
                            format!(
                                "topic {topic}: the message has no value for `{placeholder}` in \
                                 table.name.format (properties connect-ext-__source_table and \
                                 connect-ext-__source_db, or the schema name)"
                            ),
                        )
                    })?;
                    part = part.replace(*marker, value);
                }
            }
            Ok::<_, Error>(part)
        };
        Ok(TableName {
            schema: table.schema.as_deref().map(filled).transpose()?,
            name: filled(&table.name)?,
        })
    }

    /// Checks the format.
    pub(crate) fn check_format(&self) -> std::result::Result<(), String> {
        let known = Origin {
            schema: Some("schema".into()),
            table: "table".into(),
        };
        self.table_of("topic", Some(&known), Some("schema"))
            .map_err(|e| e.to_string())?;
        let mut rest = self.table_format.replace(TOPIC, "");
        for (placeholder, _) in PLACEHOLDERS {
            rest = rest.replace(placeholder, "");
        }
        match rest.contains("${") {
            true => Err(format!(
                "unknown placeholder; only `{TOPIC}`, `{}`, `{}` and `{}` are supported",
                PLACEHOLDERS[0].0, PLACEHOLDERS[1].0, PLACEHOLDERS[2].0
            )),
            false => Ok(()),
        }
    }
}
