//! Writes decided in advance: an encoder a column, the route, the SQL.
pub(crate) mod statements;
use crate::{encode::Encoder, plan::statements::Merge, syntax::SqlServerSyntax, types::declared};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Route, Syntax as _, Table, TableType, WriteOp, WritePlan, WriteRequest};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Rows of a statement that binds them. A power of two, as all smaller statements are: few plans
/// are kept by the server.
const FULL_ROWS: usize = 512;
const SHAPES: usize = FULL_ROWS.ilog2() as usize + 1;

/// As many rows as this, or fewer, are bound: a bulk load takes four round trips.
const FEW_ROWS: usize = 64;

/// A bulk load straight into the table.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    /// The user may not do it: the driver asks for the types of the columns by a SELECT.
    denied: AtomicBool,
}

/// What a plan holds for this dialect.
#[derive(Debug)]
pub(crate) struct Detail {
    /// One for each pair.
    pub(crate) encoders: Vec<Encoder>,
    pub(crate) merge: Merge,
    /// The statement that takes the staged rows.
    pub(crate) staged_sql: String,
    /// Where a load puts the same rows into the table as an INSERT does.
    pub(crate) load: Option<Load>,
    /// The quoted table, where its identity column is given values.
    pub(crate) identity: Option<String>,
    /// Rows of a full statement that binds them, a power of two.
    pub(crate) full_rows: usize,
    /// The route was asked for: it is taken however few rows there are.
    pub(crate) forced: bool,
    /// Statements that write bound rows, and those that stage them, by the logarithm of the rows.
    texts: [[OnceLock<Arc<str>>; SHAPES]; 2],
}

/// Plans a write.
///
/// # Errors
/// As [`Dialect::plan_write`](dialect_core::Dialect::plan_write).
pub(crate) fn plan_write(request: &WriteRequest<'_>) -> Result<WritePlan> {
    let table = request.table;
    let (pairs, key) = request.pair()?;
    let in_key = |name: &str| {
        pairs[..key]
            .iter()
            .any(|p| table.columns[p.to].name == name)
    };
    let encoders = request.encoders(&pairs, |kind, column| {
        Encoder::new(kind, column, &declared(column), in_key(&column.name))
    })?;
    if request.op == WriteOp::Upsert {
        check_keys(table, request.key)?;
    }
    let identity = pairs
        .iter()
        .position(|p| table.columns[p.to].identity_always);
    let changes = matches!(request.op, WriteOp::Upsert | WriteOp::Update);
    if let Some(i) = identity.filter(|i| changes && *i >= key) {
        return Err(Error::new(
            ErrorKind::Schema,
            format!(
                "table {}: identity column `{}` cannot be updated; leave it out, or make it the key",
                table.name, table.columns[pairs[i].to].name
            ),
        ));
    }
    let inserts = matches!(
        request.op,
        WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert
    );
    let merge = Merge::new(table, &pairs, key, request.op)?;
    let load = load(request, &pairs)?;
    let best = match (&load, merge.many_at_once()) {
        (Some(_), _) => Route::Load,
        (None, true) => Route::Stage,
        // Two rows of one key would not be found.
        (None, false) => Route::Rows,
    };
    let route = match request.route.unwrap_or(best) {
        Route::Load if load.is_none() => {
            return Err(unsupported(
                table,
                "bulk loads only insert, into tables all of whose columns have types that the driver loads; \
                 a column that is left out would be NULL, whatever its default",
            ));
        }
        Route::Stage | Route::Values if !merge.many_at_once() => {
            return Err(unsupported(
                table,
                "the key is too long for an index, so that rows are written one by one",
            ));
        }
        route => route,
    };
    let most = SqlServerSyntax.max_params() / pairs.len().max(1);
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(table.clone()),
        key,
        route,
        detail: Arc::new(Detail {
            encoders,
            staged_sql: merge.staged_sql(),
            merge,
            load,
            identity: match identity.filter(|_| inserts) {
                Some(_) => Some(SqlServerSyntax.table(&table.name)?),
                None => None,
            },
            full_rows: 1 << most.clamp(1, FULL_ROWS).ilog2(),
            forced: request.route.is_some(),
            texts: Default::default(),
        }),
        pairs,
    })
}

fn unsupported(table: &Table, why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("table {}: {why}", table.name),
    )
}

fn load(request: &WriteRequest<'_>, pairs: &[dialect_core::Pair]) -> Result<Option<Load>> {
    let columns = || pairs.iter().map(|p| &request.table.columns[p.to]);
    // A load that keeps NULLs writes them there, and one that does not writes defaults for NULLs.
    let all = request.table.columns.iter().enumerate();
    let mut left_out = all
        .filter(|(i, _)| !pairs.iter().any(|p| p.to == *i))
        .map(|(_, c)| c);
    // The driver takes no control characters in names.
    let plain = |name: &str| !name.contains(char::is_control);
    let name = &request.table.name;
    let loadable = request.op == WriteOp::Insert
        && matches!(
            request.table.table_type,
            TableType::Table | TableType::Partitioned
        )
        && plain(&name.name)
        && name.schema.as_deref().is_none_or(plain)
        && columns().all(|c| plain(&c.name) && declared(c).loads())
        && !left_out.any(|c| c.has_default && !c.identity_always && !c.generated);
    if !loadable {
        return Ok(None);
    }
    Ok(Some(Load {
        table: SqlServerSyntax.table(name)?,
        columns: columns()
            .map(|c| SqlServerSyntax.quote(&c.name))
            .collect::<Result<_>>()?,
        denied: AtomicBool::new(false),
    }))
}

/// Without a unique key over its columns, an upsert would change many rows, and two sessions would
/// add a row twice.
fn check_keys(table: &Table, key: &[String]) -> Result<()> {
    let same = |columns: &Vec<String>| {
        columns.len() == key.len()
            && columns
                .iter()
                .all(|c| key.iter().any(|k| k.eq_ignore_ascii_case(c)))
    };
    let mut keys = std::iter::once(&table.primary_key).chain(&table.unique_keys);
    if table.table_type.is_table() && !keys.any(same) {
        return Err(Error::new(
            ErrorKind::Schema,
            format!(
                "table {}: rows cannot be upserted by {}, as it has no primary or unique key over these columns",
                table.name,
                key.join(", ")
            ),
        ));
    }
    Ok(())
}

impl Detail {
    /// The statement that writes so many bound rows, a power of two.
    pub(crate) fn values_sql(&self, rows: usize) -> Arc<str> {
        let text = &self.texts[0][rows.max(1).ilog2() as usize];
        text.get_or_init(|| self.merge.values_sql(rows).into())
            .clone()
    }

    /// The statement that stages so many bound rows, a power of two.
    pub(crate) fn fill_sql(&self, rows: usize) -> Arc<str> {
        let text = &self.texts[1][rows.max(1).ilog2() as usize];
        text.get_or_init(|| self.merge.fill_sql(rows).into())
            .clone()
    }

    /// Which way so many rows go.
    pub(crate) fn route(&self, planned: Route, rows: usize) -> Route {
        let denied = |load: &Load| load.denied.load(Ordering::Relaxed);
        match planned {
            _ if self.forced => planned,
            Route::Load | Route::Stage if rows <= self.full_rows.min(FEW_ROWS) => Route::Values,
            Route::Load if self.load.as_ref().is_some_and(denied) => Route::Stage,
            _ => planned,
        }
    }
}

impl Load {
    /// From now on rows go another way.
    pub(crate) fn deny(&self) {
        self.denied.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
