//! Queries of one row or one value.
use crate::read_plan::ReadPlan;
use connect_api::{Records, Result, Schema, SchemaRef, Value};
use dialect_core::{Connection, Dialect, Statement};
use std::time::Duration;

/// The single row that a query returns; `None` if it returns none.
pub(crate) async fn query_row(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &SchemaRef,
) -> Result<Option<Records>> {
    let mut cursor = connection.query(statement, schema).await?;
    let batch = cursor.next(1, usize::MAX).await?;
    // To the end of the result, which frees the connection.
    while cursor.next(1, usize::MAX).await?.is_some() {}
    let batch = batch.filter(|batch| batch.num_rows() > 0);
    let records = |batch| Records::new(schema.name().into(), schema.clone(), batch);
    batch.map(records).transpose()
}

/// The single value that a query returns.
pub(crate) async fn query_scalar(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &SchemaRef,
) -> Result<Value> {
    let row = query_row(connection, statement, schema).await?;
    Ok(row.map_or(Value::Null, |row| row.row(0).get(0).to_value()))
}

/// The present time of the database less `back`, in the form of the first key part; `east` as in
/// [`Page::east`](dialect_core::Page::east).
pub(crate) async fn present(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
    east: Option<i64>,
    back: Duration,
) -> Result<Value> {
    let column = plan.next_page(None, None).key_column(0).clone();
    let statement = dialect.syntax().select_present(&column, east, back);
    let schema = Schema::new("now", [plan.key_kind(0).clone().field("now", true)], &[])?;
    query_scalar(connection, &statement, &schema).await
}
