//! Whether the catalogue proves that no two rows have equal keys.
use connect_api::Kind;
use dialect_core::{KeyPart, KeyValues, Syntax, Table};

/// No two rows have the same key: its columns include a primary or unique key.
pub(crate) fn is_unique(table: &Table, query: bool, key: &[KeyPart], syntax: &dyn Syntax) -> bool {
    if query || table.inherited {
        return false;
    }
    // A COALESCE of several columns does not prove that either is unique.
    let alone: Vec<usize> = key
        .iter()
        .filter_map(|part| match part.columns.as_slice() {
            [column] => Some(*column),
            _ => None,
        })
        .filter(|column| syntax.key_values(&table.columns[*column]) == KeyValues::Exact)
        .collect();
    let index = |name: &String| table.columns.iter().position(|c| c.name == *name);
    let covered = |name: &String| index(name).is_some_and(|column| alone.contains(&column));
    let holds = |columns: &&Vec<String>| !columns.is_empty() && columns.iter().all(covered);
    // An index may have another collation than its column.
    let plain = |columns: &&Vec<String>| {
        let mut columns = columns.iter().filter_map(index);
        columns.all(|i| {
            table.columns[i]
                .kind
                .as_ref()
                .is_some_and(compares_as_database)
        })
    };
    holds(&&table.primary_key) || table.unique_keys.iter().filter(plain).any(|k| holds(&k))
}

/// Values of this kind compare here as in the database. Text does not (the database uses a
/// collation), nor do numbers of any length (which come with their trailing zeros).
pub(crate) fn compares_as_database(kind: &Kind) -> bool {
    match kind {
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => true,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => true,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::Uuid => true,
        Kind::Date | Kind::Time | Kind::TimeNanos | Kind::Duration => true,
        Kind::Timestamp { .. } | Kind::OffsetTimestamp => true,
        Kind::Text | Kind::Bytes | Kind::BigDecimal => false,
        Kind::Bool | Kind::Float32 | Kind::Float64 | Kind::Json => false,
        Kind::Interval | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => false,
        Kind::Other(_) => false,
    }
}
