//! Message keys that are made of columns and text: `message.key.template`.
use crate::{mode_columns::ModeColumns, projection::Projection};
use connect_api::{KeyTemplate, KeyTemplatePart, config::Setting};
use dialect_core::Table;

pub(crate) const KEY: &str = "message.key.template";

/// A text with names of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Its name in the database.
    Column(String),
}

impl Setting for ColumnTemplate {
    const TYPE: &'static str = "text with columns";

    fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal.push_str(before);
            rest = match after.chars().next() {
                Some('$') => {
                    literal.push('$');
                    &after[1..]
                }
                Some('{') => {
                    let (name, after) = column(&after[1..])?;
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Column(name));
                    after
                }
                _ => {
                    return Err(
                        "a `$` begins no column: write `${column}` for the value of a column, and \
                         `$$` for a dollar sign"
                            .to_owned(),
                    );
                }
            };
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        let names_column = parts.iter().any(|part| matches!(part, Part::Column(_)));
        if !(parts.is_empty() || names_column) {
            return Err(
                "names no column, so all messages would have the same key; write `${column}`"
                    .to_owned(),
            );
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

/// The name that begins here, without quotes, and what follows its closing brace.
fn column(text: &str) -> Result<(String, &str), String> {
    let unclosed = || "a column has no closing brace: write `${column}`".to_owned();
    let (name, rest) = match text.strip_prefix('"') {
        None => {
            let (name, rest) = text.split_once('}').ok_or_else(unclosed)?;
            (name.to_owned(), rest)
        }
        Some(mut quoted) => {
            let mut name = String::new();
            loop {
                let (part, after) = quoted.split_once('"').ok_or_else(unclosed)?;
                name.push_str(part);
                match after.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        quoted = more;
                    }
                    None => break (name, after.strip_prefix('}').ok_or_else(unclosed)?),
                }
            }
        }
    };
    match name.is_empty() {
        true => Err("`${}` names no column".to_owned()),
        false => Ok((name, rest)),
    }
}

impl ColumnTemplate {
    /// The columns that it names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &String> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Column(name) => Some(name),
        })
    }

    /// The template for rows of a table as they are sent; `None` if none is set, or if there are faults,
    /// which are added.
    pub(crate) fn resolve(
        &self,
        projection: Option<&Projection>,
        columns: &mut ModeColumns<'_>,
    ) -> Option<KeyTemplate> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let name = match part {
                Part::Text(text) => {
                    parts.push(KeyTemplatePart::Text(text.as_str().into()));
                    continue;
                }
                Part::Column(name) => name,
            };
            let Some(index) = columns.find(KEY, "template", name) else {
                continue;
            };
            let sent = match projection {
                None => Some(index),
                Some(projection) => projection.place_of(index),
            };
            if projection.is_some_and(|projection| projection.is_nulled(index)) {
                let why = format!("column `{name}` is masked as NULL, which no key can have");
                columns.fault(KEY, &why);
            }
            match sent {
                Some(place) => parts.push(KeyTemplatePart::Column(place)),
                None => {
                    let why = format!(
                        "column `{name}` is excluded, and a message key shows its value; include it, or \
                         use another column"
                    );
                    columns.fault(KEY, &why);
                }
            }
        }
        let complete = !parts.is_empty() && parts.len() == self.parts.len();
        complete.then(|| KeyTemplate::new(parts))
    }

    /// The note on columns that may be NULL.
    pub(crate) fn null_note(&self, table: &Table) -> Option<String> {
        let nullable = |name: &&String| {
            let column = table.index_of(name).map(|i| &table.columns[i]);
            column.is_some_and(|column| column.nullable)
        };
        let names = self.columns().filter(nullable);
        let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| {
            format!(
                "table {}: `{KEY}` has columns that may be NULL ({}); a row with NULL there has no key, \
                 and is an error like a value that cannot be converted",
                table.name,
                names.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{faults, read_plan};

    fn parts(text: &str) -> Vec<String> {
        let template = ColumnTemplate::parse(text).unwrap();
        assert_eq!(template.show(), text);
        let parts = template.parts.into_iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Column(name) => format!("<{name}>"),
        });
        parts.collect()
    }

    #[test]
    fn a_template_is_read_as_columns_and_text() {
        assert_eq!(parts("${id}"), ["<id>"]);
        assert_eq!(
            parts("order-${id}/${code} $$5"),
            ["order-", "<id>", "/", "<code>", " $5"]
        );
        assert_eq!(parts("$$${id}$$"), ["$", "<id>", "$"]);
        assert_eq!(parts("$${id}-${id}"), ["${id}-", "<id>"]);
        assert_eq!(
            parts(r#"${"a}b"}${"say ""hi"""}"#),
            ["<a}b>", r#"<say "hi">"#]
        );
        assert!(parts("").is_empty());
    }

    #[test]
    fn a_template_that_is_none_says_why() {
        for (text, why) in [
            ("order", "names no column"),
            ("$$", "names no column"),
            ("$id", "write `${column}`"),
            ("${id}$", "`$$` for a dollar sign"),
            ("${id", "no closing brace"),
            (r#"${"id}"#, "no closing brace"),
            (r#"${"id"x}"#, "no closing brace"),
            ("${}", "`${}` names no column"),
        ] {
            let error = ColumnTemplate::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_template_takes_columns_as_they_are_sent() {
        let plan = read_plan(&[
            ("mode", "bulk"),
            ("column.exclude.list", "a"),
            ("column.rename", "b:changed"),
            ("message.key.template", "${code} ${b}"),
        ]);
        assert_eq!(
            plan.key_template.unwrap().parts(),
            [
                KeyTemplatePart::Column(1),
                KeyTemplatePart::Text(" ".into()),
                KeyTemplatePart::Column(2),
            ]
        );
        assert!(read_plan(&[("mode", "bulk")]).key_template.is_none());
    }

    #[test]
    fn columns_of_a_template_must_exist_and_be_sent() {
        let template = (KEY, "${cod}-${a}-${id}");
        let nulled = ("column.mask.null", "a");
        let found = faults(&[("mode", "bulk"), template, nulled]);
        assert_eq!(
            found,
            "`message.key.template`: table shop.orders: template column `cod` does not exist; did you \
             mean `code`?\n`message.key.template`: table shop.orders: column `a` is masked as NULL, \
             which no key can have"
        );
        let excluded = ("column.exclude.list", "a");
        let found = faults(&[("mode", "bulk"), (KEY, "${a}"), excluded]);
        assert!(found.contains("column `a` is excluded"), "{found}");
    }

    #[test]
    fn columns_of_a_template_that_may_be_null_are_noted() {
        let note = |text: &str| {
            let plan = read_plan(&[("mode", "bulk"), (KEY, text)]);
            plan.config.key_template.null_note(&plan.table)
        };
        assert!(note("${a}-${id}").unwrap().contains("(`a`)"));
        assert_eq!(note("${code}-${id}"), None);
    }
}
