//! Which tables are meant.
use crate::table::TableName;
use connect_api::config::Setting;

/// Names of tables, some of them with `*`, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection(Vec<Entry>);

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table, or what its name is like.
    pub name: TableName,
    /// Stars in the name of the table stand for any characters.
    pub pattern: bool,
}

impl Selection {
    /// Exactly these tables.
    pub fn exactly(names: impl IntoIterator<Item = TableName>) -> Self {
        let entry = |name| Entry {
            name,
            pattern: false,
        };
        Self(names.into_iter().map(entry).collect())
    }

    /// It names none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Whether one of the entries means `table`; an entry without a schema means the table of
    /// that name in any.
    pub fn holds(&self, table: &TableName) -> bool {
        self.0.iter().any(|entry| {
            let schema = entry.name.schema.is_none() || entry.name.schema == table.schema;
            schema && entry.matches(&table.name)
        })
    }
}

impl Entry {
    /// Whether the name of a table is meant, its schema left aside.
    pub fn matches(&self, name: &str) -> bool {
        if self.pattern {
            matches(&self.name.name, name)
        } else {
            self.name.name == name
        }
    }
}

/// `*` stands for any characters, none included.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Splits at these characters outside of quotes; the parts are trimmed.
pub fn split_unquoted<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None if separators.contains(&c) => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            None => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// The entries of a list: what stands between commas and semicolons outside of quotes.
pub fn list_entries(text: &str) -> impl Iterator<Item = &str> {
    let parts = split_unquoted(text, &[',', ';']).into_iter();
    parts.filter(|part| !part.is_empty())
}

/// A star stands outside of quotes.
fn has_star(text: &str) -> bool {
    let mut quote = None;
    text.chars().any(|c| {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None => return c == '*',
        }
        false
    })
}

fn quoted(part: &str, pattern: bool) -> String {
    let special = |c: char| ".,;\"`".contains(c) || (c == '*' && !pattern);
    if part.contains(special) || part.trim() != part {
        format!("\"{}\"", part.replace('"', "\"\""))
    } else {
        part.to_owned()
    }
}

impl Setting for Selection {
    const TYPE: &'static str = "list of tables";

    fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for part in list_entries(text) {
            let name = TableName::parse(part).map_err(|e| e.to_string())?;
            let pattern = has_star(part);
            if pattern && name.schema.as_ref().is_some_and(|s| s.contains('*')) {
                return Err(format!(
                    "`{part}`: `*` can stand in the name of a table only"
                ));
            }
            entries.push(Entry { name, pattern });
        }
        Ok(Self(entries))
    }

    fn show(&self) -> String {
        let entry = |entry: &Entry| {
            let name = quoted(&entry.name.name, entry.pattern);
            match &entry.name.schema {
                Some(schema) => format!("{}.{name}", quoted(schema, false)),
                None => name,
            }
        };
        self.0.iter().map(entry).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_hold_commas_dots_and_stars() {
        let text = "orders, shop.items,\"a,b\",\"x.y\".\"*\",`z;`";
        let selection = Selection::parse(text).unwrap();
        let names: Vec<_> = selection.0.iter().map(|e| e.name.to_string()).collect();
        assert_eq!(names, ["orders", "shop.items", "a,b", "x.y.*", "z;"]);
        assert!(selection.0.iter().all(|e| !e.pattern));
        assert_eq!(Selection::parse(&selection.show()).unwrap(), selection);
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let selection = Selection::parse("public.order_*, *").unwrap();
        assert!(selection.0.iter().all(|e| e.pattern));
        assert!(selection.0[0].matches("order_items") && selection.0[0].matches("order_"));
        assert!(!selection.0[0].matches("orders"));
        assert!(matches("a*b*c", "axxbyyc") && !matches("a*b*c", "axxbyy") && matches("*", ""));
        assert!(!matches("ab*ba", "aba"));
        assert_eq!(Selection::parse(&selection.show()).unwrap(), selection);
    }

    #[test]
    fn a_star_in_the_schema_and_a_broken_name_are_refused() {
        assert!(
            Selection::parse("*.orders")
                .unwrap_err()
                .contains("name of a table only")
        );
        assert!(
            Selection::parse("a.b.c")
                .unwrap_err()
                .contains("more parts")
        );
    }
}
