//! How records go into a table: statements and encoders, decided once.
pub(crate) mod server;

use crate::{encode::Encoder, plan::server::Server, server::Profile};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{
    OtherKeys, Pair, Route, Syntax as _, WriteOp, WritePlan, WriteRequest, insert_or_excluded,
};
use std::sync::Arc;

/// Rows of an array.
pub(crate) const ARRAY_ROWS: usize = 2_048;

/// Rows of a statement with many, a power of two.
const STATEMENT_ROWS: usize = 256;

/// What a plan holds for this dialect.
#[derive(Debug)]
pub(crate) struct Detail {
    /// One a pair.
    pub(crate) encoders: Vec<Encoder>,
    /// Indexes of the pairs in the order in which they are bound.
    pub(crate) order: Vec<usize>,
    pub(crate) way: Way,
}

/// How the statements go.
#[derive(Debug)]
pub(crate) enum Way {
    /// One statement, bound with arrays of so many rows.
    Arrays { text: String, rows: usize },
    /// Statements by their rows: a full one, then falling powers of two.
    Values(Vec<(usize, String)>),
    /// Row by row: counted first, and then updated or inserted.
    Checked(Checked),
}

/// The statements for a database that has none which inserts or updates.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Counts the rows with a key, each with the pairs that it binds. A row is there where one
    /// of them is not zero.
    pub(crate) counts: Vec<(String, Vec<usize>)>,
    /// For rows that are there, with the pairs in the order in which they are bound.
    pub(crate) update: Option<(String, Vec<usize>)>,
    /// For rows that are not.
    pub(crate) insert: String,
}

/// The way that is fastest by measure (see the crate's page).
fn fastest(server: &Server, op: WriteOp) -> Route {
    match (server.syntax.profile, op) {
        // Psqlodbc makes a round trip, sqliteodbc a step of each row of an array: one statement
        // with many rows is 2 to 3 times as fast. Maodbc sends arrays whole.
        (
            Profile::Postgres | Profile::Sqlite,
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert,
        ) => Route::Values,
        _ if server.arrays => Route::Load,
        _ => Route::Rows,
    }
}

/// Plans a write.
///
/// # Errors
/// As [`dialect_core::Dialect::plan_write`].
pub(crate) fn plan_write(server: &Server, request: &WriteRequest<'_>) -> Result<WritePlan> {
    let (syntax, table) = (&server.syntax, request.table);
    let profile = syntax.profile;
    let (pairs, key) = request.pair()?;
    if request.op == WriteOp::Upsert && profile.is_mysql() {
        table.check_upsert_key(request.key)?;
    }
    let encoders = request.encoders(&pairs, |kind, column| {
        Encoder::choose(profile, kind, column)
    })?;
    let inserts = matches!(
        request.op,
        WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert
    );
    let checked =
        !profile.has_upsert() && matches!(request.op, WriteOp::InsertIgnore | WriteOp::Upsert);
    let offered = |route| match route {
        Route::Rows => true,
        Route::Values => inserts && profile.has_upsert(),
        Route::Load => server.arrays && !checked,
        Route::Stage => false,
    };
    let route = match request.route {
        Some(route) if offered(route) => route,
        Some(route) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "table {}: this driver has no way {route:?} for {:?}",
                    table.name, request.op
                ),
            ));
        }
        None if checked => Route::Rows,
        None => fastest(server, request.op),
    };
    let mut order: Vec<_> = (0..pairs.len()).collect();
    if request.op == WriteOp::Update {
        order.rotate_left(key);
    }
    let text = |rows| statement(server, request, &pairs, key, rows);
    let way = if checked {
        Way::Checked(checked_way(server, request, &pairs, key)?)
    } else {
        match route {
            Route::Values => {
                let most = syntax.max_params() / pairs.len().max(1);
                let full = 1usize << most.clamp(1, STATEMENT_ROWS).ilog2();
                let sizes = (0..=full.ilog2()).rev().map(|power| 1 << power);
                Way::Values(
                    sizes
                        .map(|rows| Ok((rows, text(rows)?)))
                        .collect::<Result<_>>()?,
                )
            }
            Route::Load => Way::Arrays {
                text: text(1)?,
                rows: ARRAY_ROWS,
            },
            Route::Rows | Route::Stage => Way::Arrays {
                text: text(1)?,
                rows: 1,
            },
        }
    };
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(table.clone()),
        pairs,
        key,
        route,
        detail: Arc::new(Detail {
            encoders,
            order,
            way,
        }),
    })
}

fn statement(
    server: &Server,
    request: &WriteRequest<'_>,
    pairs: &[Pair],
    key: usize,
    rows: usize,
) -> Result<String> {
    let (syntax, table) = (&server.syntax, request.table);
    Ok(match request.op {
        WriteOp::Insert => syntax.insert(table, pairs, rows)?,
        WriteOp::InsertIgnore => {
            syntax.insert(table, pairs, rows)? + &syntax.or_ignore(table, pairs)?
        }
        WriteOp::Upsert => {
            let guarded = server.others == OtherKeys::Refuse && table.has_other_keys(request.key);
            let insert = match syntax.profile.is_mysql() {
                true => syntax.insert(table, pairs, rows)?,
                false => insert_or_excluded(syntax, table, pairs, rows)?,
            };
            insert + &syntax.on_conflict(table, pairs, key, guarded)?
        }
        WriteOp::Update => syntax.update(table, pairs, key)?,
        WriteOp::Delete => syntax.delete(table, pairs, rows)?,
    })
}

fn checked_way(
    server: &Server,
    request: &WriteRequest<'_>,
    pairs: &[Pair],
    key: usize,
) -> Result<Checked> {
    let (syntax, table) = (&server.syntax, request.table);
    let mut counts = Vec::new();
    let mut update = None;
    if request.op == WriteOp::Upsert {
        counts.push((syntax.count_of(table, &pairs[..key])?, (0..key).collect()));
        if key < pairs.len() {
            let order = (key..pairs.len()).chain(0..key).collect();
            update = Some((syntax.update(table, pairs, key)?, order));
        }
    } else {
        let keys = std::iter::once(&table.primary_key).chain(&table.unique_keys);
        for columns in keys.filter(|columns| !columns.is_empty()) {
            let at = |name: &String| pairs.iter().position(|p| table.columns[p.to].name == *name);
            // A key that the records do not give is given by the database, and is new.
            let Some(places) = columns.iter().map(at).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let bound: Vec<_> = places.iter().map(|i| pairs[*i]).collect();
            counts.push((syntax.count_of(table, &bound)?, places));
        }
    }
    Ok(Checked {
        counts,
        update,
        insert: syntax.insert(table, pairs, 1)?,
    })
}
