//! The page that documents the mapping of every type.
use dialects::conformance::{Outcome, TypeMapping};
use std::fmt::Write as _;

const HEAD: &str = "\
# What becomes of every type in another database

This page is written by a test (`cargo test -p dialects --all-features --test dialects`) that makes a
table of each type with its least, greatest and strangest values, reads it into Arrow, lets the other
database make a table for it, writes, reads back and compares what the values mean there. *Equal*: all
do. Otherwise some values do not fit the other database, and each of those is an error that names the
column: nothing is rounded, cut or left out. *By parts*: under `point.mapping=struct`,
`range.mapping=struct`, `hstore.mapping=map` and `interval.mapping=arrow`.
";

/// The page as it grows.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new() -> Self {
        Self(HEAD.to_owned())
    }

    /// What becomes of one database's types in each of the others.
    pub(crate) fn database(&mut self, name: &str, others: &[(&str, Vec<TypeMapping>)]) {
        let names: Vec<_> = others
            .iter()
            .map(|(other, _)| format!("in {other}"))
            .collect();
        let rules = "|---".repeat(others.len() + 2);
        let _infallible = write!(
            self.0,
            "\n## From {name}\n| declared | kind | {} |\n{rules}|\n",
            names.join(" | ")
        );
        let Some((_, first)) = others.first() else {
            return;
        };
        for (i, mapping) in first.iter().enumerate() {
            let cells: Vec<_> = others.iter().map(|(_, all)| cell(&all[i])).collect();
            let _infallible = writeln!(
                self.0,
                "| `{}` | {} | {} |",
                mapping.declared,
                format!("{:?}", mapping.kind).replace('|', "\\|"),
                cells.join(" | ")
            );
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

fn cell(mapping: &TypeMapping) -> String {
    match &mapping.arrived {
        Outcome::Equal => format!("`{}`: equal", mapping.becomes),
        Outcome::Part { equal, refused, .. } => format!(
            "`{}`: {equal} of {} equal, {refused} refused",
            mapping.becomes,
            equal + refused
        ),
        Outcome::Refused(_) => "refused".to_owned(),
    }
}
