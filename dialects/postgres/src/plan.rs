//! Writes decided in advance: the type each column is met with, the route, the SQL.
pub(crate) mod stage;
pub(crate) mod statements;
pub(crate) mod update_first;
use crate::{
    encode::{target::Target, writer},
    plan::{
        stage::Stage,
        statements::{Merge, Values, cast},
    },
    syntax::PostgresSyntax,
};
use connect_api::{Error, ErrorKind, Kind, Result, arrow::array::new_empty_array};
use dialect_core::{
    Cells, Column, Pair, Route, Syntax as _, TableType, ValueOptions, WriteOp, WritePlan,
    WriteRequest, beside_excluded,
};
use std::sync::Arc;

/// What a plan's route needs, beside what every plan has.
#[derive(Debug)]
pub(crate) struct Detail {
    /// How the columns are met, in the order of the plan's pairs.
    pub(crate) targets: Vec<Target>,
    /// `COPY` into the table.
    pub(crate) load: Arc<str>,
    /// The temporary table that rows are gathered in.
    pub(crate) stage: Stage,
    /// One statement for many rows.
    pub(crate) values: Values,
    /// The pairs whose values are texts that the server casts to another type.
    pub(crate) cast: Vec<usize>,
    /// The route was asked for: it is taken however few rows there are.
    pub(crate) forced: bool,
}

pub(crate) fn plan(request: &WriteRequest<'_>, options: &ValueOptions) -> Result<WritePlan> {
    let (pairs, key) = request.pair()?;
    let columns: Vec<&Column> = pairs.iter().map(|p| &request.table.columns[p.to]).collect();
    let targets = request.encoders(&pairs, |kind, column| target(kind, column, options))?;
    check_identities(request, &pairs, key)?;
    let route = route(request, &columns, &targets)?;
    let merge = Merge {
        op: request.op,
        table: PostgresSyntax.table(&request.table.name)?,
        inserted: beside_excluded(&PostgresSyntax, &request.table.name)?,
        names: PostgresSyntax.names(request.table, &pairs)?,
        columns,
        targets: &targets,
        key,
    };
    let is_cast = |i: &usize| cast(merge.columns[*i], &targets[*i]).reads_text();
    let detail = Detail {
        load: merge.load(),
        stage: merge.stage(request.table),
        values: merge.values(),
        cast: (0..targets.len()).filter(is_cast).collect(),
        forced: request.route.is_some(),
        targets: targets.clone(),
    };
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(request.table.clone()),
        pairs,
        key,
        route,
        detail: Arc::new(detail),
    })
}

/// Cells of `kind` have a way into the target.
/// What values of `kind` are met with in `column`; `None` where they do not go into it.
pub(crate) fn target(kind: &Kind, column: &Column, options: &ValueOptions) -> Option<Target> {
    let mut candidates = Target::candidates(kind, column, options).into_iter();
    candidates.find(|target| fits(kind, target))
}

fn fits(kind: &Kind, target: &Target) -> bool {
    let column = new_empty_array(&kind.data_type());
    Cells::new(kind, column.as_ref()).is_ok_and(|cells| writer(cells, target).is_some())
}

/// A row that is there keeps the number that the database gave it.
fn check_identities(request: &WriteRequest<'_>, pairs: &[Pair], key: usize) -> Result<()> {
    if !matches!(request.op, WriteOp::Upsert | WriteOp::Update) {
        return Ok(());
    }
    let changed = pairs[key..].iter().map(|p| &request.table.columns[p.to]);
    let names: Vec<_> = changed
        .filter(|column| column.identity_always)
        .map(|column| format!("`{}`", column.name))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Schema,
        format!(
            "table {}: column {} is GENERATED ALWAYS AS IDENTITY and cannot be changed; make it part of the key or leave it out",
            request.table.name,
            names.join(", ")
        ),
    ))
}

fn route(request: &WriteRequest<'_>, columns: &[&Column], targets: &[Target]) -> Result<Route> {
    let table = request.table;
    if !table.table_type.is_table() && table.table_type != TableType::View {
        return Err(Error::new(
            ErrorKind::Schema,
            format!(
                "table {}: a materialized view cannot be written",
                table.name
            ),
        ));
    }
    // COPY takes no view, and the very type of each column.
    let exact = columns.iter().zip(targets).all(|(c, t)| t.is_exact(c));
    let loadable = request.op == WriteOp::Insert && table.table_type.is_table() && exact;
    let best = match request.op {
        WriteOp::Insert if loadable => Route::Load,
        WriteOp::Insert if table.table_type == TableType::View => Route::Values,
        WriteOp::Insert
        | WriteOp::InsertIgnore
        | WriteOp::Upsert
        | WriteOp::Update
        | WriteOp::Delete => Route::Stage,
    };
    match request.route.unwrap_or(best) {
        Route::Load if !loadable => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "table {}: COPY only inserts, into tables that are no views, and into columns of types whose binary form is written",
                table.name
            ),
        )),
        route => Ok(route),
    }
}

#[cfg(test)]
mod tests;
