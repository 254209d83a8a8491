//! What stands after the rows of an INSERT to make it an upsert.
use crate::syntax::MySqlSyntax;
use connect_api::Result;
use dialect_core::{Pair, Syntax as _, Table};

/// Number of the server's error by which [`Guard::SameKey`] refuses a row: a subquery returns more
/// than one row.
pub(crate) const REFUSED: &str = "1242";

/// What keeps an upsert from a row of another key. `ON DUPLICATE KEY UPDATE` changes the row that
/// has the same value of any unique key of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing: there is no other unique key, or it is asked for.
    None,
    /// The key of the row that is there must be that of the record; else the statement fails. It
    /// costs nothing that can be measured: 100,000 rows take as long as without it.
    SameKey,
}

/// Makes an INSERT an upsert. `row_alias`: see [`Server::row_alias`](crate::server::Server::row_alias).
///
/// # Errors
/// As [`Syntax::quote`](dialect_core::Syntax::quote).
pub(crate) fn on_duplicate_key(
    table: &Table,
    pairs: &[Pair],
    key: usize,
    row_alias: bool,
    guard: Guard,
) -> Result<String> {
    let syntax = MySqlSyntax::default();
    let names = syntax.names(table, pairs)?;
    let own = syntax.table(&table.name)?;
    // The alias must not be the name of the table.
    let alias = if table.name.name.eq_ignore_ascii_case("new") {
        "new_row"
    } else {
        "new"
    };
    let given = |name: &String| match row_alias {
        true => format!("{alias}.{name}"),
        false => format!("VALUES({name})"),
    };
    let mut set = Vec::with_capacity(names.len());
    if let (Guard::SameKey, Some(first)) = (guard, names.first()) {
        let same = names[..key]
            .iter()
            .map(|name| format!("{own}.{name} <=> {}", given(name)))
            .collect::<Vec<_>>();
        // A value of the column's own type in either case: the key stays as it is, or there are two
        // rows where one is allowed.
        set.push(format!(
            "{first} = IF({}, {own}.{first}, (SELECT {own}.{first} UNION ALL SELECT {own}.{first}))",
            same.join(" AND ")
        ));
    }
    let values = names[key..].iter();
    set.extend(values.map(|name| format!("{name} = {}", given(name))));
    if let (true, Some(name)) = (set.is_empty(), names.first()) {
        set.push(format!("{name} = {own}.{name}"));
    }
    let alias = match row_alias {
        true => format!(" AS {alias}"),
        false => String::new(),
    };
    Ok(format!(
        "{alias} ON DUPLICATE KEY UPDATE {}",
        set.join(", ")
    ))
}

/// Makes an INSERT pass over rows that some key keeps out: the row stays as it is. INSERT IGNORE
/// would hide other faults.
///
/// # Errors
/// As [`Syntax::quote`](dialect_core::Syntax::quote).
pub(crate) fn or_ignore(table: &Table, pairs: &[Pair]) -> Result<String> {
    let syntax = MySqlSyntax::default();
    let names = syntax.names(table, pairs)?;
    let first = names.first().map_or("", String::as_str);
    let own = syntax.table(&table.name)?;
    Ok(format!(" ON DUPLICATE KEY UPDATE {first} = {own}.{first}"))
}
