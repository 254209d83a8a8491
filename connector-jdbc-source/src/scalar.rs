//! Queries of one value.
use connect_api::{Records, Result, SchemaRef, Value};
use dialect_core::{Connection, Statement};

/// The single value that a query returns.
pub(crate) async fn query_scalar(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &SchemaRef,
) -> Result<Value> {
    let mut cursor = connection.query(statement, schema).await?;
    let batch = cursor.next(1, usize::MAX).await?;
    let Some(batch) = batch.filter(|batch| batch.num_rows() > 0) else {
        return Ok(Value::Null);
    };
    let records = Records::new(schema.name().into(), schema.clone(), batch)?;
    Ok(records.row(0).get(0).to_value())
}
