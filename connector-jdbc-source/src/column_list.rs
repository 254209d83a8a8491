//! Columns in settings: `column`, `table.column` or `schema.table.column`, some with a text.
use connect_api::config::Setting;
use dialect_core::{Table, TableName, list_entries, split_unquoted};

/// One column, or several by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnPattern {
    /// As it was given.
    pub(crate) text: String,
    schema: Option<NamePattern>,
    table: Option<NamePattern>,
    column: NamePattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NamePattern {
    name: String,
    /// Stars stand for any characters.
    pattern: bool,
}

impl NamePattern {
    fn matches(&self, name: &str) -> bool {
        if self.pattern {
            matches(&self.name, name)
        } else {
            self.name == name
        }
    }
}

/// `*` stands for any characters, none included.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| matches(rest, &text[at..]))
        }),
    }
}

impl ColumnPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in split_unquoted(text, &['.']) {
            let pattern = unquoted(part).is_none() && part.contains('*');
            let name = unquoted(part).unwrap_or_else(|| part.to_owned());
            if name.is_empty() {
                return Err(format!(
                    "`{text}` is not the name of a column: a part is empty"
                ));
            }
            parts.push(NamePattern { name, pattern });
        }
        let (column, table, schema) = (parts.pop(), parts.pop(), parts.pop());
        match column.filter(|_| parts.is_empty()) {
            Some(column) => Ok(Self {
                text: text.to_owned(),
                schema,
                table,
                column,
            }),
            None => Err(format!(
                "`{text}` is not the name of a column: it has more parts than schema, table and column"
            )),
        }
    }

    /// It can mean columns of this table.
    pub(crate) fn is_of(&self, table: &TableName) -> bool {
        let table_name = self.table.as_ref();
        let schema = self.schema.as_ref().zip(table.schema.as_deref());
        table_name.is_none_or(|pattern| pattern.matches(&table.name))
            && schema.is_none_or(|(pattern, schema)| pattern.matches(schema))
    }

    /// The columns of the table that are meant. A name that is none, but for its case, means that
    /// column.
    pub(crate) fn columns(&self, table: &Table) -> Vec<usize> {
        if !self.is_of(&table.name) {
            return Vec::new();
        }
        if !self.column.pattern {
            return table.index_of(&self.column.name).into_iter().collect();
        }
        let all = table.columns.iter().enumerate();
        all.filter(|(_, column)| self.column.matches(&column.name))
            .map(|(index, _)| index)
            .collect()
    }

    /// The name of the column, for suggestions.
    pub(crate) fn column(&self) -> &str {
        &self.column.name
    }
}

/// The text in quotes; `None` where there are none.
fn unquoted(text: &str) -> Option<String> {
    ['"', '`'].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    })
}

/// Columns, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnList {
    text: String,
    columns: Vec<ColumnPattern>,
}

impl ColumnList {
    /// The columns.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &ColumnPattern> {
        self.columns.iter()
    }

    /// It names none.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

impl Setting for ColumnList {
    const TYPE: &'static str = "list of columns";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self {
            text: text.to_owned(),
            columns: list_entries(text)
                .map(ColumnPattern::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

/// Columns, each with a text after a colon, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnTexts {
    text: String,
    columns: Vec<(ColumnPattern, String)>,
}

impl ColumnTexts {
    /// The columns with their texts.
    pub(crate) fn entries(&self) -> &[(ColumnPattern, String)] {
        &self.columns
    }
}

impl Setting for ColumnTexts {
    const TYPE: &'static str = "list of columns with texts";

    fn parse(text: &str) -> Result<Self, String> {
        let mut columns = Vec::new();
        for entry in list_entries(text) {
            let name = split_unquoted(entry, &[':'])[0];
            let Some(value) = entry[name.len()..].trim_start().strip_prefix(':') else {
                // The text may be confidential, and may have been separated by a comma.
                return Err(format!(
                    "entry {} is not `column:text`; a text with a comma needs double quotes",
                    columns.len() + 1
                ));
            };
            let value = value.trim();
            let value = unquoted(value).unwrap_or_else(|| value.to_owned());
            columns.push((ColumnPattern::parse(name)?, value));
        }
        Ok(Self {
            text: text.to_owned(),
            columns,
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

/// Columns, each with its new name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnNames(ColumnTexts);

impl ColumnNames {
    /// The columns with their names.
    pub(crate) fn entries(&self) -> &[(ColumnPattern, String)] {
        self.0.entries()
    }
}

impl Setting for ColumnNames {
    const TYPE: &'static str = "list of columns with new names";

    fn parse(text: &str) -> Result<Self, String> {
        let names = ColumnTexts::parse(text)?;
        for (column, name) in names.entries() {
            if column.column.pattern {
                return Err(format!("`{}`: `*` cannot be renamed", column.text));
            }
            if name.is_empty() {
                return Err(format!("`{}`: the new name is empty", column.text));
            }
        }
        Ok(Self(names))
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

/// Columns, each with a length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnLengths {
    text: String,
    columns: Vec<(ColumnPattern, u32)>,
}

impl ColumnLengths {
    /// The columns with their lengths.
    pub(crate) fn entries(&self) -> &[(ColumnPattern, u32)] {
        &self.columns
    }
}

impl Setting for ColumnLengths {
    const TYPE: &'static str = "list of columns with lengths";

    fn parse(text: &str) -> Result<Self, String> {
        let with_length = |(column, length): (ColumnPattern, String)| match length.parse() {
            Ok(length) => Ok((column, length)),
            Err(_) => Err(format!("`{}:{length}` has no length", column.text)),
        };
        let columns = ColumnTexts::parse(text)?.columns.into_iter();
        Ok(Self {
            text: text.to_owned(),
            columns: columns.map(with_length).collect::<Result<_, _>>()?,
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::Column;

    #[test]
    fn columns_are_named_with_or_without_their_table() {
        let column = |name: &str| Column {
            name: name.to_owned(),
            ..Column::default()
        };
        let table = Table {
            name: TableName::parse("shop.orders").unwrap(),
            columns: ["id", "Ssn", "card_no", "card_cvc", "a.b"]
                .map(column)
                .into(),
            ..Table::default()
        };
        for (text, found) in [
            ("id", &[0][..]),
            ("ssn", &[1]),
            ("card_*", &[2, 3]),
            ("*", &[0, 1, 2, 3, 4]),
            ("*c*", &[2, 3]),
            ("orders.id", &[0]),
            ("order*.id", &[0]),
            ("items.id", &[]),
            ("shop.orders.card_no", &[2]),
            ("other.orders.card_no", &[]),
            ("\"a.b\"", &[4]),
            ("orders.`a.b`, \"*\"", &[4]),
            ("cards", &[]),
        ] {
            let list = ColumnList::parse(text).unwrap();
            let columns = list.patterns().flat_map(|pattern| pattern.columns(&table));
            assert_eq!(columns.collect::<Vec<_>>(), found, "{text}");
            assert_eq!(ColumnList::parse(&list.show()).unwrap(), list);
        }
        for text in ["a.b.c.d", "a..b", "a."] {
            assert!(ColumnList::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn texts_names_and_lengths_stand_after_a_colon() {
        let texts = ColumnTexts::parse("a:x, t.b:\"y, \"\"z\"\"\",\"c:d\" : , e:f:g").unwrap();
        let texts: Vec<_> = texts
            .entries()
            .iter()
            .map(|(c, t)| (&*c.text, &**t))
            .collect();
        assert_eq!(
            texts,
            [
                ("a", "x"),
                ("t.b", "y, \"z\""),
                ("\"c:d\"", ""),
                ("e", "f:g")
            ]
        );
        let lengths = ColumnLengths::parse("a:3,b:0").unwrap();
        assert_eq!(lengths.entries()[1].1, 0);
        assert!(
            ColumnLengths::parse("a:-1")
                .unwrap_err()
                .contains("no length")
        );
        assert!(
            ColumnNames::parse("a*:b")
                .unwrap_err()
                .contains("cannot be renamed")
        );
        let refused = ColumnTexts::parse("a:secret, hidden").unwrap_err();
        assert!(refused.starts_with("entry 2 is not"), "{refused}");
    }
}
