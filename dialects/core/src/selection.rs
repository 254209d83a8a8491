//! Which tables are meant.
use crate::table::TableName;
use connect_api::config::Setting;

/// Names of tables, some of them with `*` or `%`, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection(Vec<Entry>);

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table, or what its name is like.
    pub name: TableName,
    /// `*` and `%` in the name of the table stand for any characters.
    pub pattern: bool,
    /// The same for its schema.
    pub schema_pattern: bool,
}

impl Selection {
    /// Exactly these tables.
    pub fn exactly(names: impl IntoIterator<Item = TableName>) -> Self {
        let entry = |name| Entry {
            name,
            pattern: false,
            schema_pattern: false,
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
            let schema =
                entry.name.schema.is_none() || entry.matches_schema(table.schema.as_deref());
            schema && entry.matches(&table.name)
        })
    }
}

impl Entry {
    /// One table is meant, and no pattern.
    pub fn is_exact(&self) -> bool {
        !(self.pattern || self.schema_pattern)
    }

    /// The entry, of this schema or pattern of schemas if it has none of its own.
    pub fn in_schema(&self, schema: Option<&str>) -> Self {
        let mut entry = self.clone();
        if let (None, Some(schema)) = (&entry.name.schema, schema) {
            entry.schema_pattern = is_pattern(schema);
            entry.name.schema = Some(schema.to_owned());
        }
        entry
    }

    /// Whether this schema is meant. A table without one is in none, which `*` matches.
    pub fn matches_schema(&self, schema: Option<&str>) -> bool {
        match &self.name.schema {
            Some(pattern) if self.schema_pattern => {
                matches_pattern(pattern, schema.unwrap_or_default())
            }
            own => own.as_deref() == schema,
        }
    }

    /// Whether the name of a table is meant, its schema left aside.
    pub fn matches(&self, name: &str) -> bool {
        if self.pattern {
            matches_pattern(&self.name.name, name)
        } else {
            self.name.name == name
        }
    }
}

/// The characters that stand for any characters, none included: that of shells, and that of SQL's `LIKE`
/// and of JDBC. `_` is itself, as it is in names.
const WILDCARDS: [char; 2] = ['*', '%'];

/// A pattern, and not a name.
pub fn is_pattern(text: &str) -> bool {
    text.contains(WILDCARDS)
}

/// Whether the text is like the pattern: `*` and `%` stand for any characters, none included.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(WILDCARDS);
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

/// A wildcard stands outside of quotes.
fn has_wildcard(text: &str) -> bool {
    let mut quote = None;
    text.chars().any(|c| {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None => return WILDCARDS.contains(&c),
        }
        false
    })
}

fn quoted(part: &str, pattern: bool) -> String {
    let special = |c: char| ".,;\"`".contains(c) || (WILDCARDS.contains(&c) && !pattern);
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
            let wild: Vec<bool> = split_unquoted(part, &['.'])
                .into_iter()
                .map(has_wildcard)
                .collect();
            let (pattern, schema_pattern) = match wild.as_slice() {
                [schema, table] => (*table, *schema),
                parts => (parts.contains(&true), false),
            };
            entries.push(Entry {
                name,
                pattern,
                schema_pattern,
            });
        }
        Ok(Self(entries))
    }

    fn show(&self) -> String {
        let entry = |entry: &Entry| {
            let name = quoted(&entry.name.name, entry.pattern);
            match &entry.name.schema {
                Some(schema) => format!("{}.{name}", quoted(schema, entry.schema_pattern)),
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
        for (pattern, text, is_like) in [
            ("a*b*c", "axxbyyc", true),
            ("a%b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("*", "", true),
            ("%", "x", true),
            ("ab*ba", "aba", false),
            ("a_b", "axb", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), is_like, "{pattern} {text}");
        }
        assert_eq!(Selection::parse(&selection.show()).unwrap(), selection);
    }

    #[test]
    fn a_pattern_of_schemas_means_tables_of_each() {
        let selection = Selection::parse("app_%.orders, *.log*, \"a%\".x, \"a*b%\"").unwrap();
        let wild = |entry: &Entry| (entry.schema_pattern, entry.pattern);
        let wild: Vec<_> = selection.0.iter().map(wild).collect();
        assert_eq!(
            wild,
            [(true, false), (true, true), (false, false), (false, false)]
        );
        assert_eq!(Selection::parse(&selection.show()).unwrap(), selection);
        let table = |text: &str| TableName::parse(text).unwrap();
        for held in [
            "app_1.orders",
            "app_.orders",
            "b.logs",
            "log",
            "\"a%\".x",
            "c.\"a*b%\"",
        ] {
            assert!(selection.holds(&table(held)), "{held}");
        }
        for other in ["app.orders", "app_1.order", "orders", "ab.x", "c.axb"] {
            assert!(!selection.holds(&table(other)), "{other}");
        }
        let error = Selection::parse("a.b.c").unwrap_err();
        assert!(error.contains("more parts"), "{error}");
    }
}
