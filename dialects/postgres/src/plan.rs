//! Writes decided in advance: the type each column is met with, the route, the SQL.
use crate::{
    encode::{Target, writer},
    syntax::{PostgresSyntax, value_type},
};
use connect_api::{Error, ErrorKind, Kind, Result, arrow::array::new_empty_array};
use dialect_core::{
    Cells, Column, Route, Syntax as _, TableType, WriteOp, WritePlan, WriteRequest,
};
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// Fewer rows than this go by `Values` where the route is `Stage`: the temporary table costs
/// four more round trips, and what the arrays cost the server is not felt yet.
const STAGE_ROWS: usize = 512;

/// What a plan's route needs, beside what every plan has.
#[derive(Debug)]
pub(crate) struct Detail {
    /// How the columns are met, in the order of the plan's pairs.
    pub(crate) targets: Vec<Target>,
    /// `COPY` into the table.
    pub(crate) load: Arc<str>,
    /// The temporary table that rows are gathered in.
    pub(crate) stage: Stage,
    /// One statement for many rows, each column an array.
    pub(crate) values: Arc<str>,
    /// Smallest number of rows for the plan's route, where it is `Stage`.
    pub(crate) stage_rows: usize,
}

/// Statements around a temporary table.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) create: Arc<str>,
    pub(crate) copy: Arc<str>,
    pub(crate) merge: Arc<str>,
    pub(crate) empty: Arc<str>,
}

pub(crate) fn plan(request: &WriteRequest<'_>) -> Result<WritePlan> {
    let (pairs, key) = request.pair()?;
    let columns: Vec<&Column> = pairs.iter().map(|p| &request.table.columns[p.to]).collect();
    let targets = request.encoders(&pairs, |kind, column| {
        Target::of(column).filter(|target| fits(kind, *target))
    })?;
    let route = route(request, &columns, &targets)?;
    let write = Write {
        op: request.op,
        table: PostgresSyntax.table(&request.table.name)?,
        names: columns
            .iter()
            .map(|c| PostgresSyntax.quote(&c.name))
            .collect::<Result<_>>()?,
        casts: columns
            .iter()
            .zip(&targets)
            .map(|(column, target)| cast(column, *target))
            .collect(),
        key,
        identity: columns.iter().any(|c| c.auto_increment),
    };
    let detail = Detail {
        load: copy(&write.table, &write.names),
        stage: write.stage(&columns, &targets),
        values: write.values(&targets),
        stage_rows: if request.route.is_some() {
            0
        } else {
            STAGE_ROWS
        },
        targets,
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
fn fits(kind: &Kind, target: Target) -> bool {
    let column = new_empty_array(&kind.data_type());
    Cells::new(kind, column.as_ref()).is_ok_and(|cells| writer(cells, target).is_some())
}

fn route(request: &WriteRequest<'_>, columns: &[&Column], targets: &[Target]) -> Result<Route> {
    // COPY takes no view, and the exact type of each column: of a domain over JSON it is not
    // known whether that is `json` or `jsonb`.
    let exact = |(c, t): (&&Column, &Target)| *t != Target::Json || c.vendor_type == "json";
    let loadable = request.op == WriteOp::Insert
        && request.table.table_type == TableType::Table
        && columns.iter().zip(targets).all(exact);
    let best = match request.op {
        WriteOp::Insert if loadable => Route::Load,
        WriteOp::Insert => Route::Values,
        WriteOp::Upsert | WriteOp::Update | WriteOp::Delete => Route::Stage,
    };
    match request.route.unwrap_or(best) {
        Route::Load if !loadable => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "table {}: COPY only inserts, into tables that are no views, and not into domains over JSON",
                request.table.name
            ),
        )),
        route => Ok(route),
    }
}

/// The cast of a gathered value to the column's type, where it is met with another.
fn cast(column: &Column, target: Target) -> String {
    match (target, value_type(column)) {
        (Target::Text(_) | Target::Json | Target::Oid, name) if name != target.names().0 => {
            format!("::{name}")
        }
        _ => String::new(),
    }
}

fn copy(table: &str, names: &[String]) -> Arc<str> {
    format!(
        "COPY {table} ({}) FROM STDIN (FORMAT binary)",
        names.join(", ")
    )
    .into()
}

/// A write as text, but for where its rows come from.
struct Write {
    op: WriteOp,
    table: String,
    names: Vec<String>,
    casts: Vec<String>,
    key: usize,
    identity: bool,
}

impl Write {
    /// The statement that takes the rows of a relation, aliased as `r`, whose columns have the
    /// names of the table's.
    fn merge(&self, rows: &str) -> Arc<str> {
        let Self {
            table, names, key, ..
        } = self;
        let value = |i: usize| format!("r.{}{}", names[i], self.casts[i]);
        let matched: Vec<_> = (0..*key)
            .map(|i| format!("t.{} = {}", names[i], value(i)))
            .collect();
        let matched = matched.join(" AND ");
        let sql = match self.op {
            WriteOp::Insert | WriteOp::Upsert => {
                let values: Vec<_> = (0..names.len()).map(value).collect();
                let identity = match self.identity {
                    true => " OVERRIDING SYSTEM VALUE",
                    false => "",
                };
                format!(
                    "INSERT INTO {table} ({}){identity} SELECT {} FROM {rows}{}",
                    names.join(", "),
                    values.join(", "),
                    self.conflict(),
                )
            }
            WriteOp::Update => {
                let sets: Vec<_> = (*key..names.len())
                    .map(|i| format!("{} = {}", names[i], value(i)))
                    .collect();
                format!(
                    "UPDATE {table} AS t SET {} FROM {rows} WHERE {matched}",
                    sets.join(", ")
                )
            }
            WriteOp::Delete => format!("DELETE FROM {table} AS t USING {rows} WHERE {matched}"),
        };
        sql.into()
    }

    fn conflict(&self) -> String {
        if self.op == WriteOp::Insert {
            return String::new();
        }
        let keys = self.names[..self.key].join(", ");
        let sets: Vec<_> = self.names[self.key..]
            .iter()
            .map(|name| format!("{name} = EXCLUDED.{name}"))
            .collect();
        if sets.is_empty() {
            return format!(" ON CONFLICT ({keys}) DO NOTHING");
        }
        format!(" ON CONFLICT ({keys}) DO UPDATE SET {}", sets.join(", "))
    }

    fn values(&self, targets: &[Target]) -> Arc<str> {
        let arrays: Vec<_> = targets
            .iter()
            .enumerate()
            .map(|(i, target)| format!("${}::{}[]", i + 1, target.names().0))
            .collect();
        let (arrays, names) = (arrays.join(", "), self.names.join(", "));
        self.merge(&format!("UNNEST({arrays}) AS r({names})"))
    }

    fn stage(&self, columns: &[&Column], targets: &[Target]) -> Stage {
        let definitions: Vec<_> = columns
            .iter()
            .zip(targets)
            .zip(&self.names)
            .map(|((column, target), name)| match target {
                // As `json` a domain's text is certain to be taken; the merge casts it.
                Target::Json => format!("{name} json"),
                _ => format!("{name} {}", column.vendor_type),
            })
            .collect();
        let definitions = definitions.join(", ");
        // Plans over the same columns share a table, and a connection's tables stay few.
        let mut hasher = DefaultHasher::new();
        definitions.hash(&mut hasher);
        let name = format!("connect_stage_{:016x}", hasher.finish());
        Stage {
            create: format!("CREATE TEMPORARY TABLE {name} ({definitions}) ON COMMIT DELETE ROWS")
                .into(),
            copy: copy(&format!("pg_temp.{name}"), &self.names),
            merge: self.merge(&format!("pg_temp.{name} AS r")),
            empty: format!("TRUNCATE pg_temp.{name}").into(),
            name,
        }
    }
}
