//! The target table of a row, from `table.name.format`.
use crate::config::SinkConfig;
use connect_api::{Error, ErrorKind, Origin, Origins, Result};
use dialect_core::TableName;

/// What can stand in `table.name.format`, each with the sign that stands for it while the format is
/// taken apart at its dots.
const PLACEHOLDERS: [(&str, char); 3] = [
    ("${source.table}", '\u{1}'),
    ("${source.schema}", '\u{2}'),
    ("${schema.name}", '\u{3}'),
];
/// Stands for the topic.
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

    /// The table is known before a row is.
    pub(crate) fn is_by_topic(&self) -> bool {
        PLACEHOLDERS
            .iter()
            .all(|(placeholder, _)| !self.format().contains(placeholder))
    }

    /// The schema of the records has a say in where they go.
    pub(crate) fn is_by_schema(&self) -> bool {
        self.uses(2)
    }

    /// The same table for all topics.
    pub(crate) fn is_one_table(&self) -> bool {
        self.is_by_topic() && !self.format().contains(TOPIC)
    }

    /// What origins are to this sink.
    pub(crate) fn origins(&self) -> Origins {
        if self.uses(0) || self.uses(1) {
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
                                "topic {topic}: the message does not say what stands for `{placeholder}` \
                                 in the name of its table (properties connect-ext-__source_table \
                                 and connect-ext-__source_db, the name of its schema)"
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

    /// What is wrong with the format.
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
                "only `{TOPIC}`, `{}`, `{}` and `{}` can stand for something else",
                PLACEHOLDERS[0].0, PLACEHOLDERS[1].0, PLACEHOLDERS[2].0
            )),
            false => Ok(()),
        }
    }
}
