//! Markdown.

/// A table, printed row by row as they are known.
pub(crate) struct Table;

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        println!("{}", line(head));
        println!("|{}", "---|".repeat(head.len()));
        Self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        println!("{}", line(&cells));
    }

    /// What follows is none of its rows.
    pub(crate) fn end(self) {
        println!();
    }
}

fn line<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
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
    fn a_row_is_markdown() {
        assert_eq!(line(&["read", "1"]), "| read | 1 |");
        assert_eq!(thousands(1_234_567.0), "1,235 k");
        assert_eq!(thousands(512_340.0), "512 k");
        assert_eq!(thousands(12_340.0), "12.3 k");
    }

    #[test]
    fn what_is_not_reached_is_bold() {
        assert_eq!(bold_below(0.7, 0.75, ""), "**0.70**");
        assert_eq!(bold_below(12.3, 8.0, "×"), "12×");
    }
}
