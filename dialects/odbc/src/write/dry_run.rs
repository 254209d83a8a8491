//! Writes tried out before their first row: each statement is explained with NULL for its values,
//! which asks for its privileges and runs nothing.
use crate::{
    plan::{Detail, Way},
    server::Profile,
    session::Session,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::WritePlan;

/// Tries the statement of one row of a plan, where the database explains writes.
///
/// # Errors
/// `Auth`, `Schema`: the write would fail, whatever its rows are.
pub(crate) fn try_plan(session: &mut Session, plan: &WritePlan) -> Result<()> {
    let explains = match session.server.syntax.profile {
        Profile::Postgres | Profile::MySql { .. } | Profile::Sqlite => true,
        // EXPLAIN is missing there, or writes into tables of its own.
        Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => false,
    };
    let detail: &Detail = plan.detail_as()?;
    let text = match &detail.way {
        Way::Arrays { text, .. } => Some(text),
        Way::Values(texts) => texts.last().map(|(_, text)| text),
        Way::Checked(_) => None,
    };
    let Some(text) = text.filter(|_| explains) else {
        return Ok(());
    };
    let explained = format!("EXPLAIN {}", with_nulls(text));
    match session.execute(&explained) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::Auth => Err(needs(plan, e)),
        Err(e) => Err(e.context(plan.action())),
    }
}

fn needs(plan: &WritePlan, error: Error) -> Error {
    error.context(format_args!(
        "{}: the user lacks a privilege that the write needs",
        plan.action()
    ))
}

/// The statement with NULL for each placeholder that stands outside of quotes.
fn with_nulls(text: &str) -> String {
    let mut quote = None;
    let mut filled = String::with_capacity(text.len());
    for c in text.chars() {
        match (quote, c) {
            (None, '?') => {
                filled.push_str("NULL");
                continue;
            }
            (None, '"' | '`' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        filled.push(c);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_outside_of_quotes_are_null() {
        for (text, filled) in [
            (
                "INSERT INTO t (a) VALUES (?, CAST(? AS date))",
                "INSERT INTO t (a) VALUES (NULL, CAST(NULL AS date))",
            ),
            (
                "INSERT INTO \"a?\"\"?\" (`b?`) VALUES (?)",
                "INSERT INTO \"a?\"\"?\" (`b?`) VALUES (NULL)",
            ),
            (
                "UPDATE t SET a = '?' WHERE b = ?",
                "UPDATE t SET a = '?' WHERE b = NULL",
            ),
        ] {
            assert_eq!(with_nulls(text), filled);
        }
    }
}
