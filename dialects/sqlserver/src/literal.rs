//! Literals.

/// Text as a literal of Unicode.
pub(crate) fn text(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}
