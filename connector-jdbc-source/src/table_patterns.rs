//! Regular expressions that tables are chosen by.
use connect_api::config::Setting;
use dialect_core::TableName;
use regex::Regex;

/// The value of `table.include.list` and `table.exclude.list`. An expression matches the whole of
/// `schema.table`, or of the name of a table without a schema.
#[derive(Debug, Clone, Default)]
pub struct TablePatterns {
    text: String,
    patterns: Vec<Regex>,
}

impl TablePatterns {
    /// There are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// One of them matches the table.
    pub(crate) fn matches(&self, table: &TableName) -> bool {
        let name = table.to_string();
        self.patterns.iter().any(|pattern| pattern.is_match(&name))
    }

    /// Those that match none of these tables.
    pub(crate) fn unmatched(&self, tables: &[TableName]) -> Vec<String> {
        let names: Vec<String> = tables.iter().map(TableName::to_string).collect();
        let patterns = self.patterns.iter();
        let unmatched = patterns.filter(|p| !names.iter().any(|name| p.is_match(name)));
        let shown = |pattern: &Regex| {
            let whole = pattern.as_str();
            let inner = whole
                .strip_prefix("^(?:")
                .and_then(|text| text.strip_suffix(")$"));
            inner.unwrap_or(whole).to_owned()
        };
        unmatched.map(shown).collect()
    }
}

/// Splits at commas outside of brackets: they are in repetitions and classes, too.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    let parts = parts.into_iter().map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

impl Setting for TablePatterns {
    const TYPE: &'static str = "list of regular expressions";

    fn parse(text: &str) -> Result<Self, String> {
        let compile = |pattern: &str| {
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            whole.map_err(|e| format!("`{pattern}` is no regular expression: {e}"))
        };
        let patterns = split(text).into_iter().map(compile);
        Ok(Self {
            patterns: patterns.collect::<Result<_, _>>()?,
            text: text.to_owned(),
        })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_match_the_whole_name_with_its_schema() {
        let patterns = TablePatterns::parse(r"shop\.orders, app_\d{1,2}\.[a,b]+ ,(?i)log").unwrap();
        assert_eq!(
            TablePatterns::parse(&patterns.show())
                .unwrap()
                .patterns
                .len(),
            3
        );
        let table = |text: &str| TableName::parse(text).unwrap();
        for held in ["shop.orders", "app_7.ab", "LOG"] {
            assert!(patterns.matches(&table(held)), "{held}");
        }
        for other in ["shop.orders2", "orders", "app_777.ab", "x.log"] {
            assert!(!patterns.matches(&table(other)), "{other}");
        }
        let unmatched = patterns.unmatched(&[table("shop.orders"), table("log")]);
        assert_eq!(unmatched, [r"app_\d{1,2}\.[a,b]+"]);
        assert!(TablePatterns::parse("a(").unwrap_err().contains("`a(`"));
    }
}
