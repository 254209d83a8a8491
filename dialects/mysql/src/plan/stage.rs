//! Updates by way of a temporary table: its rows go in like any others, and one statement takes
//! them over. Row by row an update is a round trip each.
use crate::syntax::MySqlSyntax;
use connect_api::{Kind, Result};
use dialect_core::{Pair, Route, Syntax as _, Table, TableName, TableType, WriteOp, WritePlan};
use std::{any::Any, sync::Arc};

/// Fewer rows are updated one by one: a temporary table is created and dropped for each write.
pub(crate) const FEWEST_ROWS: usize = 8;

/// The temporary table. It is the session's own, and hides a table of the same name.
const NAME: &str = "rocketmq_connect_stage";
/// The same for a table that is called so itself.
const OTHER_NAME: &str = "rocketmq_connect_stage_2";

/// The statements of such an update.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Drops what a broken write has left.
    pub(crate) clear: String,
    /// Creates the table: columns of the very types, the key as its primary key.
    pub(crate) create: String,
    /// Takes the rows over.
    pub(crate) update: String,
    pub(crate) drop: String,
    /// The plan of filling it. Of several rows with one key the last counts, as one by one.
    pub(crate) fill: WritePlan,
}

impl Stage {
    /// The statements for `pairs`, the first `key` of them the key; `None` where there is no way
    /// but row by row. `fill`: the detail of the plan of filling the table.
    ///
    /// # Errors
    /// As [`Syntax::quote`](dialect_core::Syntax::quote).
    pub(crate) fn new(
        table: &Table,
        pairs: &[Pair],
        key: usize,
        fill: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) -> Result<Option<Self>> {
        let indexed = |pair: &Pair| {
            let column = &table.columns[pair.to];
            let long = ["text", "blob", "json", "vector"]
                .iter()
                .any(|t| column.vendor_type.contains(t));
            !long && column.extension.is_none() && column.kind.is_some()
        };
        let is_table = matches!(table.table_type, TableType::Table | TableType::Partitioned);
        if !is_table || !pairs[..key].iter().all(indexed) {
            return Ok(None);
        }
        // A float is found by its own type alone, which a bound value does not have: the ways
        // would differ.
        let float = |pair: &Pair| table.columns[pair.to].kind == Some(Kind::Float32);
        if pairs[..key].iter().any(float) {
            return Ok(None);
        }
        let syntax = MySqlSyntax::default();
        let stage = TableName {
            schema: table.name.schema.clone(),
            name: match table.name.name.eq_ignore_ascii_case(NAME) {
                true => OTHER_NAME.to_owned(),
                false => NAME.to_owned(),
            },
        };
        let (quoted, target) = (syntax.table(&stage)?, syntax.table(&table.name)?);
        let names = syntax.names(table, pairs)?;
        let (keys, others) = names.split_at(key);
        let same: Vec<_> = keys.iter().map(|k| format!("t.{k} = s.{k}")).collect();
        let set: Vec<_> = others.iter().map(|c| format!("t.{c} = s.{c}")).collect();
        let fill = WritePlan {
            op: WriteOp::Upsert,
            table: Arc::new(Table {
                name: stage,
                ..table.clone()
            }),
            pairs: pairs.to_vec(),
            key,
            route: Route::Values,
            detail: fill(),
        };
        Ok(Some(Self {
            clear: format!("DROP TEMPORARY TABLE IF EXISTS {quoted}"),
            create: format!(
                "CREATE TEMPORARY TABLE {quoted} (PRIMARY KEY ({})) SELECT {} FROM {target} LIMIT 0",
                keys.join(", "),
                names.join(", ")
            ),
            // The few rows of the temporary table find those of the other by its index.
            update: format!(
                "UPDATE {quoted} AS s STRAIGHT_JOIN {target} AS t ON {} SET {}",
                same.join(" AND "),
                set.join(", ")
            ),
            drop: format!("DROP TEMPORARY TABLE {quoted}"),
            fill,
        }))
    }
}
