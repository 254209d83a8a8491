//! Excerpts of statements for error messages.

/// The first `max_chars` characters of a statement, with an ellipsis if it is longer.
pub fn statement_excerpt(sql: &str, max_chars: usize) -> String {
    let mut excerpt: String = sql.chars().take(max_chars).collect();
    if excerpt.len() < sql.len() {
        excerpt.push('…');
    }
    excerpt
}
