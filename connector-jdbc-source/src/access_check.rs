//! Whether the user may read the columns of tables, asked for all of them together.
use crate::read_plan::ReadPlan;
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Access, Connection, Table};

const ADVICE: &str = "grant SELECT on the table, or list the columns to read in `column.include.list` or \
                      in a `query`";

/// Of each plan why it cannot be read: the user lacks SELECT on the table, or on some of its columns.
/// None of them is skipped silently.
///
/// # Errors Other errors than `Auth`.
pub(crate) async fn denied(
    connection: &mut dyn Connection,
    plans: &[ReadPlan],
) -> Result<Vec<Option<Error>>> {
    let mut denied: Vec<Option<Error>> = plans.iter().map(|_| None).collect();
    let of_tables = plans.iter().enumerate();
    let mut asked: Vec<(usize, &Table)> = of_tables
        .filter(|(_, plan)| plan.query.is_none())
        .map(|(i, plan)| (i, &plan.table))
        .collect();
    let allowed = connection
        .check_access_all(&tables(&asked), Access::Select)
        .await?;
    let allowed = allowed.into_iter().zip(&asked);
    for (allowed, (i, _)) in allowed {
        denied[*i] = allowed.err();
    }
    asked.retain(|(i, _)| denied[*i].is_none());
    let granted = connection
        .granted_all(&tables(&asked), Access::Select)
        .await?;
    let granted = granted.into_iter().zip(&asked);
    for (granted, (i, _)) in granted {
        denied[*i] = columns_denied(&plans[*i], granted);
    }
    Ok(denied)
}

fn tables<'a>(asked: &[(usize, &'a Table)]) -> Vec<&'a Table> {
    asked.iter().map(|(_, table)| *table).collect()
}

/// The columns of the plan that are not granted.
fn columns_denied(plan: &ReadPlan, granted: Result<Vec<usize>>) -> Option<Error> {
    let granted = match granted {
        // Columns that the database hides are none of those.
        Err(e) if e.kind() == ErrorKind::Auth && !plan.config.columns.is_empty() => return None,
        Err(e) => return Some(e.context(ADVICE)),
        Ok(granted) => granted,
    };
    let table = &plan.table;
    let kept = plan.columns.iter().filter(|i| !granted.contains(i));
    let kept: Vec<_> = kept
        .map(|i| format!("`{}`", table.columns[*i].name))
        .collect();
    (!kept.is_empty()).then(|| {
        Error::new(
            ErrorKind::Auth,
            format!(
                "table {}: permission denied: SELECT on column {}; {ADVICE}",
                table.name,
                kept.join(", ")
            ),
        )
    })
}
