//! One attempt to write records to a table: values coerced, rows reduced, writes planned.
use crate::{
    batch::{self, Write},
    config::SinkConfig,
    reduce::{self, Rejection, Step, Steps},
    target::Target,
};
use connect_api::{Error, ErrorKind, Op, PutOutcome, Records, Rejected, Result};
use dialect_core::{Connection, Dialect, WriteOp};

/// Writes the records to the table as it was described, with each value coerced to the type of its
/// column. Rejected rows are returned; all others are written.
pub(crate) async fn attempt(
    target: &mut Target,
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
) -> Result<PutOutcome> {
    let Some(coercion) = target.coercion(dialect, config, records.schema())? else {
        return write_coerced(target, connection, dialect, config, records).await;
    };
    let coerced = coercion.apply(records)?;
    let mut outcome = match coerced.records.is_empty() {
        true => PutOutcome::default(),
        false => write_coerced(target, connection, dialect, config, &coerced.records).await?,
    };
    if let Some(kept_rows) = coerced.kept_rows {
        for rejected in &mut outcome.rejected {
            rejected.row = kept_rows[rejected.row] as usize;
        }
        outcome.rejected.extend(coerced.rejected);
        outcome.rejected.sort_unstable_by_key(|r| r.row);
    }
    Ok(outcome)
}

/// Writes records whose values were coerced.
async fn write_coerced(
    target: &mut Target,
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
) -> Result<PutOutcome> {
    let (op, schema) = (config.write_op(), records.schema());
    if records.ops().uniform() != Some(Op::Delete) {
        // Planned first, because the plan reports all missing columns.
        target.plan(dialect, config, schema, op)?;
    }
    let key = target.key_in(config, schema)?;
    let Steps {
        steps,
        rejected_rows,
    } = reduce::steps(records, &key, op, config.delete)?;
    let mut rejected: Vec<Rejected> = rejected_rows
        .into_iter()
        .map(|(row, rejection)| Rejected {
            row,
            error: rejection_error(rejection, target, records),
        })
        .collect();
    let writes = plan(target, dialect, config, records, steps)?;
    let mut newly = batch::write(connection, &writes, config.batch_size).await?;
    let reduced = matches!(op, WriteOp::Upsert | WriteOp::Update);
    // If the last row of a key is rejected, the previous one is written.
    while !newly.is_empty() && reduced {
        let last: Vec<usize> = newly.iter().map(|r| r.row).collect();
        rejected.append(&mut newly);
        rejected.sort_unstable_by_key(|r| r.row);
        let out: Vec<usize> = rejected.iter().map(|r| r.row).collect();
        let steps = reduce::steps_for_previous(records, &key, op, &last, &out)?;
        let writes = plan(target, dialect, config, records, steps)?;
        newly = batch::write_in_pieces(connection, &writes, config.batch_size).await?;
    }
    rejected.append(&mut newly);
    rejected.sort_unstable_by_key(|r| r.row);
    Ok(PutOutcome {
        written: records.len() - rejected.len(),
        rejected,
        ..PutOutcome::default()
    })
}

pub(crate) fn rejection_error(rejection: Rejection, target: &Target, records: &Records) -> Error {
    let why = match rejection {
        Rejection::NullKey(column) => {
            format!(
                "key column `{}` is NULL",
                records.schema().field(column).name()
            )
        }
        Rejection::Delete => format!(
            "a delete (tombstone) in topic {}; set delete.enabled=true and pk.mode=record_key to \
             delete rows",
            records.topic()
        ),
    };
    Error::new(ErrorKind::Data, format!("table {}: {why}", target.name))
}

/// The rows of each step with their write plan.
pub(crate) fn plan(
    target: &mut Target,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
    steps: Vec<Step>,
) -> Result<Vec<Write>> {
    let write = |step: Step| {
        let plan = target.plan(dialect, config, records.schema(), step.op)?;
        Write::new(plan, records, step.rows)
    };
    steps.into_iter().map(write).collect()
}
