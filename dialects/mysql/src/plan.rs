//! How records go into a table: texts by number of rows, and an encoder a column.
pub(crate) mod stage;
pub(crate) mod upsert;
use crate::{
    encode::{
        Encoder,
        cell::{Cell, Source},
    },
    error_codes::encode_error,
    plan::{
        stage::Stage,
        upsert::{Guard, on_duplicate_key, or_ignore},
    },
    server::Server,
    syntax::MySqlSyntax,
};
use connect_api::{Error, ErrorKind, Kind, Records, Result};
use dialect_core::{
    JsonNumbers, OtherKeys, Route, Syntax as _, Table, ValueError, WriteOp, WritePlan,
    WriteRequest, chunks,
};
use sqlx::{Arguments as _, mysql::MySqlArguments};
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Rows of a statement. A power of two, as all smaller statements are: few texts are prepared,
/// where the driver keeps a hundred a connection. More rows gain nothing.
const FULL_ROWS: usize = 512;
const SHAPES: usize = FULL_ROWS.ilog2() as usize + 1;

/// Bytes of a statement's values, even where the server takes more: they are held twice.
const MAX_STATEMENT_BYTES: usize = 4 << 20;

/// What a plan holds for this dialect.
#[derive(Debug)]
pub(crate) struct Detail {
    /// One for each pair, in the order in which values are bound.
    bound: Vec<(usize, Encoder)>,
    /// Rows of a full statement, a power of two.
    full_rows: usize,
    /// Texts by the logarithm of their rows; the second list is for servers with a row alias.
    texts: [[OnceLock<Arc<str>>; SHAPES]; 2],
    /// For updates by way of a temporary table: the plan of filling it.
    pub(crate) stage: Option<Stage>,
    guard: Guard,
}

/// Plans a write.
///
/// # Errors
/// As [`Dialect::plan_write`](dialect_core::Dialect::plan_write).
pub(crate) fn plan_write(request: &WriteRequest<'_>, others: OtherKeys) -> Result<WritePlan> {
    let (pairs, key) = request.pair()?;
    if request.op == WriteOp::Upsert {
        request.table.check_upsert_key(request.key)?;
    }
    let in_key = |name: &str| {
        pairs[..key]
            .iter()
            .any(|p| request.table.columns[p.to].name == name)
    };
    let encoders = request.encoders(&pairs, |kind, column| {
        Encoder::new(kind, column, in_key(&column.name))
    })?;
    let stage = match request.op {
        WriteOp::Update if request.route != Some(Route::Rows) => {
            let fill = || Detail::new(encoders.clone(), full_rows(pairs.len()));
            Stage::new(request.table, &pairs, key, || Arc::new(fill()))?
        }
        _ => None,
    };
    // An UPDATE has the key behind the other values.
    let mut bound: Vec<_> = encoders.into_iter().enumerate().collect();
    if request.op == WriteOp::Update {
        bound.rotate_left(key);
    }
    let route = match (request.op, request.route) {
        (_, Some(Route::Rows)) => Route::Rows,
        (WriteOp::Update, None | Some(Route::Stage)) if stage.is_some() => Route::Stage,
        (WriteOp::Update, None) => Route::Rows,
        (
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Delete,
            None | Some(Route::Values),
        ) => Route::Values,
        (op, Some(route)) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("MySQL has no way {route:?} for the write {op:?}"),
            ));
        }
    };
    let full_rows = match route {
        Route::Rows | Route::Stage => 1,
        _ => full_rows(pairs.len()),
    };
    for (pair, kind) in pairs.iter().map(|p| (p, &request.schema.kinds()[p.from])) {
        if *kind == Kind::OffsetTimestamp {
            tracing::warn!(
                table = %request.table.name,
                column = request.table.columns[pair.to].name,
                "UTC offsets are not stored: the database has no type for them"
            );
        }
    }
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(request.table.clone()),
        pairs,
        key,
        route,
        detail: Arc::new(Detail {
            bound,
            full_rows,
            texts: Default::default(),
            stage,
            guard: match request.op {
                WriteOp::Upsert => guard(request.table, request.key, others),
                _ => Guard::None,
            },
        }),
    })
}

/// Rows of a full statement of so many values a row: a power of two.
fn full_rows(values: usize) -> usize {
    let most = usize::from(u16::MAX) / values.max(1);
    1 << most.clamp(1, FULL_ROWS).ilog2()
}

/// What the other unique keys of the table are to an upsert.
fn guard(table: &Table, key: &[String], others: OtherKeys) -> Guard {
    if !table.has_other_keys(key) {
        return Guard::None;
    }
    match others {
        OtherKeys::Refuse => Guard::SameKey,
        OtherKeys::Update => {
            tracing::warn!(
                table = %table.name,
                key = key.join(", "),
                other_keys = table.other_keys(key).join("; "),
                "an upsert also changes a row that has the same value of another unique key"
            );
            Guard::None
        }
    }
}

impl Detail {
    /// For rows of these columns, in this order.
    fn new(encoders: Vec<Encoder>, full_rows: usize) -> Self {
        Self {
            bound: encoders.into_iter().enumerate().collect(),
            full_rows,
            texts: Default::default(),
            stage: None,
            guard: Guard::None,
        }
    }

    /// The text for so many rows, a power of two.
    ///
    /// # Errors
    /// As [`dialect_core::Syntax::quote`].
    pub(crate) fn text(&self, plan: &WritePlan, rows: usize, server: &Server) -> Result<Arc<str>> {
        let alias = plan.op == WriteOp::Upsert && server.row_alias();
        let place = &self.texts[usize::from(alias)][rows.ilog2() as usize];
        if let Some(text) = place.get() {
            return Ok(text.clone());
        }
        let (table, pairs) = (&plan.table, &plan.pairs);
        let syntax = MySqlSyntax::default();
        let text: Arc<str> = match plan.op {
            WriteOp::Insert => syntax.insert(table, pairs, rows)?,
            WriteOp::InsertIgnore => syntax.insert(table, pairs, rows)? + &or_ignore(table, pairs)?,
            WriteOp::Upsert => {
                let tail = on_duplicate_key(table, pairs, plan.key, alias, self.guard)?;
                syntax.insert(table, pairs, rows)? + &tail
            }
            WriteOp::Update => syntax.update(table, pairs, plan.key)?,
            WriteOp::Delete => syntax.delete(table, pairs, rows)?,
        }
        .into();
        Ok(place.get_or_init(|| text).clone())
    }

    fn sources<'a>(
        &'a self,
        plan: &WritePlan,
        records: &'a Records,
        numbers: Option<JsonNumbers>,
    ) -> Result<Vec<Source<'a>>> {
        let cells = plan.cells(records)?;
        Ok(self
            .bound
            .iter()
            .map(|(pair, encoder)| Source::new(encoder, cells[*pair], numbers))
            .collect())
    }

    /// The rows of each statement: few shapes, none of them too large for the server.
    ///
    /// # Errors
    /// `Data`: a row that the server does not take for its size.
    pub(crate) fn statements(
        &self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
        server: &Server,
    ) -> Result<Vec<Range<usize>>> {
        // What stands around the values in a packet.
        let packet = server.max_packet_bytes.saturating_sub(1024);
        let sources = self.sources(plan, records, None)?;
        let bytes = |rows: &Range<usize>| sources.iter().map(|s| s.bytes(rows)).sum::<usize>();
        let mut statements = Vec::new();
        for mut chunk in chunks(rows, self.full_rows) {
            while !chunk.is_empty() {
                let mut part = chunk.start..chunk.start + (1 << chunk.len().ilog2());
                while part.len() > 1 && bytes(&part) > packet.min(MAX_STATEMENT_BYTES) {
                    part.end = part.start + part.len() / 2;
                }
                if bytes(&part) > packet {
                    return Err(Error::new(
                        ErrorKind::Data,
                        format!(
                            "table {}: a row of about {} bytes is more than the server takes; raise its max_allowed_packet of {} bytes",
                            plan.table.name,
                            bytes(&part),
                            server.max_packet_bytes
                        ),
                    ));
                }
                chunk.start = part.end;
                statements.push(part);
            }
        }
        Ok(statements)
    }

    /// The values of some rows. `numbers`: what becomes of those in JSON that the server rounds.
    ///
    /// # Errors
    /// `Data`: a value that its column cannot take; table and column are named.
    pub(crate) fn arguments(
        &self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
        numbers: Option<JsonNumbers>,
    ) -> Result<MySqlArguments> {
        let sources = self.sources(plan, records, numbers)?;
        let mut arguments = MySqlArguments::default();
        let bytes = sources.iter().map(|s| s.bytes(&rows)).sum();
        arguments.reserve(rows.len() * sources.len(), bytes);
        for row in rows {
            for (source, (pair, _)) in sources.iter().zip(&self.bound) {
                if let Err(e) = arguments.add(Cell(source, row)) {
                    let column = &plan.table.columns[plan.pairs[*pair].to].name;
                    return Err(match e.downcast::<ValueError>() {
                        Ok(error) => error.at(&plan.table.name, column),
                        Err(e) => encode_error(format_args!("column `{column}`"), e),
                    });
                }
            }
        }
        Ok(arguments)
    }
}
