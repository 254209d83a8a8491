//! Tables and queries described: the catalogue is asked, its rows are read.
mod privileges;
mod query;
pub(crate) mod visibility;

use crate::{
    catalog::{self, rows},
    error_codes,
    session::Session,
    types::VENDOR,
};
use connect_api::Result;
use dialect_core::{Split, Table, TableName, TableType};
use query::QueryColumns;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
};
use std::num::NonZeroU32;

impl Session {
    pub(crate) async fn describe_found(
        &mut self,
        names: &[TableName],
    ) -> Result<Vec<Option<Table>>> {
        let schemas: Vec<_> = names.iter().map(|name| name.schema.as_deref()).collect();
        let tables: Vec<_> = names.iter().map(|name| name.name.as_str()).collect();
        let query = sqlx::query_as::<_, (i64, String)>(catalog::DESCRIBE)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(tables);
        let found = query.fetch_all(&mut self.driver).await.map_err(|e| {
            let shown: Vec<_> = names.iter().map(TableName::to_string).collect();
            error_codes::error(&format!("describing table {}", shown.join(", ")), e)
        })?;
        let found = by_place(found, names.len()).into_iter();
        let table = |json: String| rows::table(&json, &self.values);
        found.map(|json| json.map(table).transpose()).collect()
    }

    pub(crate) async fn ask_fingerprints(
        &mut self,
        names: &[TableName],
    ) -> Result<Vec<Option<String>>> {
        let schemas: Vec<_> = names.iter().map(|name| name.schema.as_deref()).collect();
        let tables: Vec<_> = names.iter().map(|name| name.name.as_str()).collect();
        let query = sqlx::query_as::<_, (i64, String)>(catalog::FINGERPRINTS)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(tables);
        let found = query.fetch_all(&mut self.driver).await;
        let found =
            found.map_err(|e| error_codes::error("asking whether tables have changed", e))?;
        Ok(by_place(found, names.len()))
    }

    pub(crate) async fn estimate_rows(&mut self, names: &[TableName]) -> Result<Vec<Option<u64>>> {
        let schemas: Vec<_> = names.iter().map(|name| name.schema.as_deref()).collect();
        let tables: Vec<_> = names.iter().map(|name| name.name.as_str()).collect();
        let query = sqlx::query_as::<_, (i64, i64)>(catalog::ROW_ESTIMATES)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(tables);
        let found = query.fetch_all(&mut self.driver).await;
        let found = found.map_err(|e| error_codes::error("estimating rows of tables", e))?;
        let estimates = by_place(found, names.len()).into_iter();
        let rows = |rows: Option<i64>| rows.and_then(|rows| u64::try_from(rows).ok());
        Ok(estimates.map(rows).collect())
    }

    pub(crate) async fn describe_columns(&mut self, query: &str) -> Result<Table> {
        let what = "describing a query";
        let query = query.trim().trim_end_matches(';');
        let columns = if self.keeps_statements() {
            let sql = format!("SELECT * FROM ({query}\n) AS \"q\"");
            // What was prepared before may be of a table that has changed.
            let cleared = self.driver.clear_cached_statements().await;
            cleared.map_err(|e| error_codes::error(what, e))?;
            let sql = AssertSqlSafe(sql).into_sql_str();
            let prepared = (&mut self.driver).prepare(sql).await;
            QueryColumns::of(prepared.map_err(|e| error_codes::error(what, e))?.columns())?
        } else {
            // The driver prepares under a name; a row of NULLs gives as much.
            let sql = format!(
                "SELECT \"q\".* FROM (SELECT) AS \"one\" LEFT JOIN ({query}\n) AS \"q\" ON false"
            );
            let row = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let row = row.fetch_one(&mut self.driver).await;
            QueryColumns::of(row.map_err(|e| error_codes::error(what, e))?.columns())?
        };
        let types = sqlx::query_as::<_, (String, String)>(catalog::TYPES)
            .persistent(self.keeps_statements())
            .bind(&columns.types)
            .bind(&columns.relations)
            .bind(&columns.attributes)
            .fetch_all(&mut self.driver)
            .await
            .map_err(|e| error_codes::error(what, e))?;
        let described = columns
            .names
            .iter()
            .zip(&types)
            .map(|(name, (vendor, json))| rows::query_column(name, vendor, json, &self.values));
        Ok(Table {
            name: TableName::new("q"),
            columns: described.collect::<Result<_>>()?,
            vendor: VENDOR,
            table_type: TableType::View,
            ..Table::default()
        })
    }

    /// The blocks of the table's file in parts; `None` where it has no file of its own.
    pub(crate) async fn block_splits(
        &mut self,
        table: &Table,
        parts: NonZeroU32,
    ) -> Result<Option<Vec<Split>>> {
        let own = self.enter().await?;
        let query = sqlx::query_scalar::<_, i64>(catalog::BLOCKS)
            .persistent(self.keeps_statements())
            .bind(table.name.schema.as_deref())
            .bind(&table.name.name);
        let found = query.fetch_optional(&mut self.driver).await.map_err(|e| {
            error_codes::error(&format!("asking for the size of table {}", table.name), e)
        });
        let Some(blocks) = self.leave(own, found).await? else {
            return Ok(None);
        };
        let blocks = u64::try_from(blocks).unwrap_or(0);
        let parts = u64::from(parts.get()).min(blocks.max(1));
        let bound = |part: u64| match part {
            // Rows may come behind the present end.
            part if part == parts => u64::MAX,
            part => blocks * part / parts,
        };
        let splits = (0..parts).map(|part| Split::Blocks(bound(part)..bound(part + 1)));
        Ok(Some(splits.collect()))
    }
}

/// What was found of a list, by the place in it, from 1.
pub(crate) fn by_place<T: Clone>(found: Vec<(i64, T)>, count: usize) -> Vec<Option<T>> {
    let mut all = vec![None; count];
    for (place, what) in found {
        let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
        if let Some(one) = all.get_mut(index) {
            *one = Some(what);
        }
    }
    all
}
