//! The declared keys of a component.
use std::fmt::Write as _;

/// How much a key matters to most users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named by what they mean")]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// Whether a key must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out, and then has no value.
    Optional,
    /// It may be left out, and then has this value.
    Default(&'static str),
    /// Its name ends with `*`, and stands for any number of keys that begin like it.
    Prefix,
}

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// As it stands in configs.
    pub name: &'static str,
    /// Whether it must be given.
    pub need: Need,
    /// The type, for people.
    pub value: &'static str,
    /// The values it can have; empty where there is no such list.
    pub choices: &'static [&'static str],
    /// Its value is never shown (G8).
    pub secret: bool,
    /// How much it matters to most users.
    pub importance: Importance,
    /// What it does.
    pub doc: &'static str,
}

/// All keys of a component.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What the settings are of.
    pub about: &'static str,
    /// The keys, in the order of the documentation.
    pub keys: Vec<Key>,
}

impl Key {
    /// It stands for `name`.
    fn is_named(&self, name: &str) -> bool {
        match self.need {
            Need::Prefix => {
                let rest = name.strip_prefix(self.name.trim_end_matches('*'));
                rest.is_some_and(|rest| !rest.is_empty())
            }
            Need::Required | Need::Optional | Need::Default(_) => self.name == name,
        }
    }
}

impl Definition {
    /// The key `name`.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.is_named(name))
    }

    /// The reference page of the keys, as a Markdown table.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("| key | type | default | meaning |\n|---|---|---|---|\n");
        for key in &self.keys {
            let value = if key.choices.is_empty() {
                key.value.to_owned()
            } else {
                key.choices.join(", ")
            };
            let default = match key.need {
                Need::Required => "**required**".to_owned(),
                Need::Optional | Need::Prefix | Need::Default("") => String::new(),
                Need::Default(text) => format!("`{text}`"),
            };
            let doc = key
                .doc
                .split('\n')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(" ")
                .replace('|', "\\|");
            writeln!(text, "| `{}` | {value} | {default} | {doc} |", key.name)
                .unwrap_or_else(|_| unreachable!("a String takes all that is written"));
        }
        text
    }
}

/// The name among `names` that `given` most likely stands for, for a "did you mean".
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    names
        .map(|name| {
            (
                strsim::jaro_winkler(&given, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
