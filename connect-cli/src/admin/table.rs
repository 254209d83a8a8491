//! Tables of text.
use crate::output;
use connect_api::Result;

/// Rows below headings, in columns as wide as what is in them.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|c| printable(&c)).collect());
    }

    /// Prints it; nothing where it has no rows.
    pub(crate) fn print(&self) -> Result<()> {
        if self.rows.len() > 1 {
            output::print(&self.text())?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell: &String| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let lines = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths);
            let line: String = cells
                .map(|(cell, width)| format!("{cell:width$}  "))
                .collect();
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A text without what a terminal would act on.
pub(crate) fn printable(text: &str) -> String {
    let escaped = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        c if c.is_control() => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&["TOPIC", "QUEUES"]);
        table.row(["größe".into(), "8".into()]);
        table.row(["a-longer-one".into(), String::new()]);
        assert_eq!(
            table.text(),
            "TOPIC         QUEUES\ngröße         8\na-longer-one"
        );
    }

    #[test]
    fn what_a_terminal_would_act_on_is_shown_as_text() {
        assert_eq!(printable("a\u{1b}[2Jb\n\u{9b}"), "a\\u{1b}[2Jb\n\\u{9b}");
    }
}
