//! Names of topics and tags: `${catalog}`, `${schema}` and `${table}`, and a map of tables to topics.
use crate::{
    config::{OptionalName, SourceConfig},
    key_template,
};
use connect_api::config::Setting;
use regex::Regex;

const PLACEHOLDERS: [&str; 3] = ["${catalog}", "${schema}", "${table}"];

/// A table, as names of topics are made of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// The database of the session; `None` where schemas are databases.
    pub(crate) catalog: Option<&'a str>,
    pub(crate) schema: Option<&'a str>,
    pub(crate) table: &'a str,
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template(pub(crate) Option<String>);

impl Setting for Template {
    const TYPE: &'static str = "text with placeholders";

    fn parse(text: &str) -> Result<Self, String> {
        check_placeholders(text)?;
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }

    fn show(&self) -> String {
        self.0.clone().unwrap_or_default()
    }
}

fn check_placeholders(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices("${") {
        let rest = &text[at..];
        if !PLACEHOLDERS.iter().any(|name| rest.starts_with(name)) {
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            return Err(format!(
                "unknown placeholder `{}`; there are {}",
                &rest[..end],
                PLACEHOLDERS.join(", ")
            ));
        }
    }
    Ok(())
}

/// The text with its placeholders filled in; what is missing, if the table has none.
fn fill(text: &str, of: &Named<'_>) -> Result<String, &'static str> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(match name {
            "catalog" => of.catalog.or(of.schema).ok_or("catalog")?,
            "schema" => of.schema.ok_or("schema")?,
            _ => of.table,
        });
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Patterns of tables, each with a topic.
#[derive(Debug, Clone, Default)]
pub struct TopicMap {
    text: String,
    entries: Vec<(Regex, String)>,
}

const ARROW: &str = "->";

impl Setting for TopicMap {
    const TYPE: &'static str = "list of patterns with topics";

    fn parse(text: &str) -> Result<Self, String> {
        // A comma before which there is no arrow is one of the pattern.
        let mut parts: Vec<String> = Vec::new();
        for part in text.split([',', '\n']) {
            match parts.last_mut() {
                Some(last) if !last.contains(ARROW) => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => parts.push(part.to_owned()),
            }
        }
        let mut entries = Vec::new();
        for part in parts.iter().filter(|part| !part.trim().is_empty()) {
            let Some((pattern, topic)) = part.split_once(ARROW) else {
                return Err(format!("`{}` is not `pattern -> topic`", part.trim()));
            };
            let (pattern, topic) = (pattern.trim(), topic.trim());
            if pattern.is_empty() || topic.is_empty() {
                return Err(format!("`{}` is not `pattern -> topic`", part.trim()));
            }
            let regex = Regex::new(&format!("^(?:{pattern})$"));
            let regex = regex.map_err(|e| format!("`{pattern}` is no regular expression: {e}"))?;
            check_references(&regex, topic)?;
            entries.push((regex, topic.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            entries,
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

/// A part of a topic in the map.
enum Part<'a> {
    Text(&'a str),
    /// `$1`, `$name` or `${name}`: a group of the pattern, or a placeholder.
    Reference(&'a str),
}

fn parts(topic: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = topic;
    while let Some((before, after)) = rest.split_once('$') {
        parts.push(Part::Text(before));
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or((braced, "")),
            None => {
                let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                after.split_at(after.find(ends).unwrap_or(after.len()))
            }
        };
        parts.push(Part::Reference(name));
        rest = after;
    }
    parts.push(Part::Text(rest));
    parts
}

fn is_placeholder(name: &str) -> bool {
    PLACEHOLDERS.contains(&format!("${{{name}}}").as_str())
}

/// Checks that the pattern has the groups that its topic refers to.
fn check_references(pattern: &Regex, topic: &str) -> Result<(), String> {
    for part in parts(topic) {
        let Part::Reference(name) = part else {
            continue;
        };
        let by_number = name
            .parse()
            .is_ok_and(|group: usize| group < pattern.captures_len());
        let by_name = pattern.capture_names().flatten().any(|group| group == name);
        if !(by_number || by_name || is_placeholder(name)) {
            return Err(format!(
                "`{topic}`: `{name}` is neither a group of the pattern nor one of {}; write `${{1}}` \
                 before a letter, digit or underscore",
                PLACEHOLDERS.join(", ")
            ));
        }
    }
    Ok(())
}

impl TopicMap {
    /// The topic of the first pattern that the name matches, and whether all such tables have it.
    fn topic(&self, of: &Named<'_>) -> Option<Result<Topic, &'static str>> {
        let qualified = match of.schema {
            Some(schema) => format!("{schema}.{}", of.table),
            None => of.table.to_owned(),
        };
        self.entries.iter().find_map(|(pattern, topic)| {
            let found = pattern.captures(&qualified);
            let found = found.or_else(|| pattern.captures(of.table))?;
            let mut name = String::new();
            for part in parts(topic) {
                match part {
                    Part::Text(text) => name.push_str(text),
                    Part::Reference(reference) if is_placeholder(reference) => {
                        match fill(&format!("${{{reference}}}"), of) {
                            Ok(filled) => name.push_str(&filled),
                            Err(missing) => return Some(Err(missing)),
                        }
                    }
                    Part::Reference(group) => {
                        let group = match group.parse() {
                            Ok(number) => found.get(number),
                            Err(_) => found.name(group),
                        };
                        name.push_str(group.map_or("", |group| group.as_str()));
                    }
                }
            }
            let is_shared = !topic.contains('$');
            Some(Ok(Topic { name, is_shared }))
        })
    }
}

/// The topic of a table.
pub(crate) struct Topic {
    pub(crate) name: String,
    /// The settings give this topic to several tables.
    pub(crate) is_shared: bool,
}

impl SourceConfig {
    /// The topic of a table.
    ///
    /// # Errors
    /// What the table does not have.
    pub(crate) fn topic_of_table(&self, of: &Named<'_>) -> Result<Topic, &'static str> {
        if let Some(topic) = self.topic_map.topic(of) {
            return topic;
        }
        let name = match (&self.topic, &self.topic_format.0, &self.topic_prefix) {
            (Some(topic), _, _) => topic.clone(),
            (None, Some(format), _) => fill(format, of)?,
            (None, None, Some(OptionalName(Some(prefix)))) => format!("{prefix}{}", of.table),
            (None, None, _) => of.table.to_owned(),
        };
        Ok(Topic {
            name,
            is_shared: self.topic.is_some(),
        })
    }

    /// The tag of a table's messages.
    ///
    /// # Errors
    /// What the table does not have.
    pub(crate) fn tag_of_table(&self, of: &Named<'_>) -> Result<Option<String>, &'static str> {
        self.tag.0.as_deref().map(|tag| fill(tag, of)).transpose()
    }

    /// The settings ask for the name of the database.
    pub(crate) fn needs_catalog(&self) -> bool {
        let settings = connect_api::config::Config::to_settings(self);
        let named = |(key, value): (&str, &str)| {
            value.contains(PLACEHOLDERS[0]) && !key.ends_with(key_template::KEY)
                || (key.ends_with("message.properties") && value.contains("database"))
        };
        settings.iter().any(named)
    }
}

/// Properties of messages that are sent where they are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraProperties {
    pub(crate) database: bool,
    pub(crate) schema_version: bool,
    pub(crate) position: bool,
}

const DATABASE: &str = "database";
const SCHEMA_VERSION: &str = "schema.version";
const POSITION: &str = "position";

impl Setting for ExtraProperties {
    const TYPE: &'static str = "list of properties";

    fn parse(text: &str) -> Result<Self, String> {
        let mut properties = Self::default();
        let names = text.split([',', ';']).map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                DATABASE => properties.database = true,
                SCHEMA_VERSION => properties.schema_version = true,
                POSITION => properties.position = true,
                "schema" | "table" | "op" | "operation" | "event.time" => {
                    return Err(format!("`{name}` is always sent"));
                }
                _ => {
                    return Err(format!(
                        "`{name}` is none of {DATABASE}, {SCHEMA_VERSION}, {POSITION}"
                    ));
                }
            }
        }
        Ok(properties)
    }

    fn show(&self) -> String {
        let all = [
            (self.database, DATABASE),
            (self.schema_version, SCHEMA_VERSION),
            (self.position, POSITION),
        ];
        let asked = all.iter().filter(|(asked, _)| *asked);
        let names: Vec<_> = asked.map(|(_, name)| *name).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Faults, Settings};

    fn config(pairs: &[(&str, &str)]) -> Result<SourceConfig, Faults> {
        let mut settings = Settings::from_iter([
            ("connection.url", "sqlite:x"),
            ("table.whitelist", "t"),
            ("mode", "bulk"),
        ]);
        pairs.iter().for_each(|(k, v)| settings.set(*k, *v));
        SourceConfig::from_settings(&settings)
    }

    const ORDERS: Named<'_> = Named {
        catalog: Some("shop"),
        schema: Some("eu"),
        table: "orders_07",
    };

    #[test]
    fn topics_and_tags_are_made_of_the_parts_of_a_name() {
        let config = config(&[
            ("topic.name.format", "${catalog}-${schema}-${table}"),
            ("message.tag", "${schema}"),
        ])
        .unwrap();
        let config = SourceConfig::from_settings(&config.to_settings()).unwrap();
        let topic = config.topic_of_table(&ORDERS).map(|topic| topic.name);
        assert_eq!(topic, Ok("shop-eu-orders_07".to_owned()));
        assert_eq!(config.tag_of_table(&ORDERS), Ok(Some("eu".to_owned())));
        assert!(config.needs_catalog());
        let mysql = Named {
            catalog: None,
            ..ORDERS
        };
        let topic = config.topic_of_table(&mysql).map(|topic| topic.name);
        assert_eq!(topic, Ok("eu-eu-orders_07".to_owned()));
        let sqlite = Named {
            schema: None,
            ..mysql
        };
        assert_eq!(
            config.topic_of_table(&sqlite).map(|t| t.name),
            Err("catalog")
        );
    }

    #[test]
    fn the_first_pattern_that_matches_gives_the_topic() {
        let config = config(&[
            ("topic.prefix", "p-"),
            (
                "topic.map",
                r"eu\.orders_\d{1,2} -> orders, (.*)_(?<kind>a|b) -> ${1}_${schema}-$kind, us\..* -> ${table}",
            ),
        ])
        .unwrap();
        let config = SourceConfig::from_settings(&config.to_settings()).unwrap();
        let of = |schema, table| {
            let topic = config
                .topic_of_table(&Named {
                    catalog: None,
                    schema,
                    table,
                })
                .unwrap_or(Topic {
                    name: "none".into(),
                    is_shared: false,
                });
            (topic.name, topic.is_shared)
        };
        assert_eq!(of(Some("eu"), "orders_7"), ("orders".to_owned(), true));
        assert_eq!(
            of(Some("eu"), "orders_123"),
            ("p-orders_123".to_owned(), false)
        );
        assert_eq!(of(Some("us"), "x_b"), ("us.x_us-b".to_owned(), false));
        assert_eq!(
            of(None, "x_a"),
            ("none".to_owned(), false),
            "it has no schema"
        );
        assert_eq!(of(Some("us"), "items"), ("items".to_owned(), false));
    }

    #[test]
    fn names_that_cannot_be_made_are_refused() {
        for (key, value, why) in [
            (
                "topic.name.format",
                "${topic}",
                "unknown placeholder `${topic}`; there are ${catalog}",
            ),
            ("message.tag", "${table", "unknown placeholder"),
            ("topic.map", "orders", "is not `pattern -> topic`"),
            ("topic.map", "(a -> b", "is no regular expression"),
            ("topic.map", "a -> ${x}", "`x` is neither a group"),
            (
                "topic.map",
                "(a) -> $1_b",
                "`1_b` is neither a group of the pattern",
            ),
            ("message.properties", "table", "`table` is always sent"),
            (
                "message.properties",
                "host",
                "none of database, schema.version, position",
            ),
        ] {
            let faults = config(&[("topic.prefix", ""), (key, value)]).unwrap_err();
            assert!(faults.to_string().contains(why), "{key}={value}: {faults}");
        }
        let two = [("topic.prefix", "a"), ("topic.name.format", "${table}")];
        let faults = config(&two).unwrap_err().to_string();
        assert!(faults.contains("set only one of"), "{faults}");
        assert!(
            config(&[])
                .unwrap_err()
                .to_string()
                .contains("required unless")
        );
    }
}
