//! How records go into a table of SQLite: statements and encoders, decided once.
use crate::{
    encode::Encoder,
    syntax::{SqliteSyntax, max_params},
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Pair, Route, Syntax as _, ValueOptions, WriteOp, WritePlan, WriteRequest};
use std::sync::Arc;

/// Rows of a statement that deletes.
const DELETED_ROWS: usize = 500;

/// Rows of a statement that inserts, and its values: by instructions a row, the fastest for ten columns
/// is 20 rows, for forty it is 5.
const ROWS: usize = 20;
const VALUES: usize = 200;

/// What the connection needs beside the [`WritePlan`].
#[derive(Debug)]
pub(crate) struct Detail {
    /// One a pair.
    pub(crate) encoders: Vec<Encoder>,
    /// The pairs in the order in which a row is bound.
    pub(crate) order: Vec<usize>,
    /// The statements by their rows: a full one, then falling powers of two.
    shapes: Vec<(usize, Arc<str>)>,
}

impl Detail {
    /// Rows of a full statement.
    pub(crate) fn full(&self) -> usize {
        self.shapes.first().map_or(1, |(rows, _)| *rows)
    }

    /// The statement for so many rows.
    pub(crate) fn statement(&self, rows: usize) -> Result<Arc<str>> {
        let shape = self.shapes.iter().find(|(r, _)| *r == rows);
        shape.map(|(_, text)| text.clone()).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("no statement for {rows} rows was planned"),
            )
        })
    }
}

pub(crate) fn plan(
    syntax: &SqliteSyntax,
    values: &ValueOptions,
    request: &WriteRequest<'_>,
) -> Result<WritePlan> {
    let (pairs, key) = request.pair()?;
    let encoders =
        request.encoders(&pairs, |kind, column| Encoder::choose(kind, column, values))?;
    let fastest = match request.op {
        WriteOp::Update => Route::Rows,
        WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Delete => {
            Route::Values
        }
    };
    let route = request.route.unwrap_or(fastest);
    if !matches!(
        (route, fastest),
        (Route::Rows, _) | (Route::Values, Route::Values)
    ) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "table {}: SQLite has no way {route:?} for {:?}",
                request.table.name, request.op
            ),
        ));
    }
    let full = match route {
        Route::Values => {
            let values = pairs.len().max(1);
            let fastest = match request.op {
                WriteOp::Delete => DELETED_ROWS,
                _ => ROWS.min(VALUES / values),
            };
            fastest.min(max_params() / values).max(1)
        }
        Route::Rows | Route::Load | Route::Stage => 1,
    };
    let shapes = std::iter::once(full)
        .chain(
            (0..full.ilog2() + 1)
                .rev()
                .map(|power| 1 << power)
                .filter(|rows| *rows < full),
        )
        .map(|rows| Ok((rows, text(syntax, request, &pairs, key, rows)?.into())))
        .collect::<Result<_>>()?;
    // An update binds its key last.
    let first = if request.op == WriteOp::Update {
        key
    } else {
        0
    };
    let order = (first..pairs.len()).chain(0..first).collect();
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(request.table.clone()),
        pairs,
        key,
        route,
        detail: Arc::new(Detail {
            encoders,
            order,
            shapes,
        }),
    })
}

fn text(
    syntax: &SqliteSyntax,
    request: &WriteRequest<'_>,
    pairs: &[Pair],
    key: usize,
    rows: usize,
) -> Result<String> {
    let table = request.table;
    match request.op {
        WriteOp::Insert => syntax.insert(table, pairs, rows),
        WriteOp::InsertIgnore => syntax.insert_ignore(table, pairs, rows),
        WriteOp::Upsert => syntax.upsert(table, pairs, key, rows),
        WriteOp::Update => syntax.update(table, pairs, key),
        WriteOp::Delete => syntax.delete(table, pairs, rows),
    }
}
