//! Markdown.
use std::fmt;

/// A table, row by row.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|text| (*text).to_owned());
        let rows = vec![head.collect()];
        Self { rows }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, row) in self.rows.iter().enumerate() {
            writeln!(f, "| {} |", row.join(" | "))?;
            if i == 0 {
                writeln!(f, "|{}", "---|".repeat(row.len()))?;
            }
        }
        Ok(())
    }
}

/// A number of rows, e.g. `1,234 k`.
pub(crate) fn thousands(rows: f64) -> String {
    let text = format!("{:.0}", rows / 1_000.0);
    if rows < 100_000.0 {
        return format!("{:.1} k", rows / 1_000.0);
    }
    match text.len().checked_sub(3).filter(|at| *at > 0) {
        Some(at) => format!("{},{} k", &text[..at], &text[at..]),
        None => format!("{text} k"),
    }
}

/// A ratio, bold where it is below what is to be reached.
pub(crate) fn bold_below(ratio: f64, least: f64, sign: &str) -> String {
    let text = match ratio < 10.0 {
        true => format!("{ratio:.2}{sign}"),
        false => format!("{ratio:.0}{sign}"),
    };
    match ratio < least {
        true => format!("**{text}**"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["task", "rows/s"]);
        table.row(["read".to_owned(), thousands(1_234_567.0)]);
        assert_eq!(
            table.to_string(),
            "| task | rows/s |\n|---|---|\n| read | 1,235 k |\n"
        );
        assert_eq!(thousands(12_340.0), "12.3 k");
        assert_eq!(thousands(512_340.0), "512 k");
    }

    #[test]
    fn what_is_not_reached_is_bold() {
        assert_eq!(bold_below(0.7, 0.75, ""), "**0.70**");
        assert_eq!(bold_below(12.3, 8.0, "×"), "12×");
    }
}
