//! What the session's role may do.
use crate::{catalog, describe::by_place, error_codes, session::Session};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Access, Table};

/// The word of a privilege.
pub(crate) fn privilege(access: Access) -> &'static str {
    match access {
        Access::Select => "SELECT",
        Access::Insert => "INSERT",
        Access::Update => "UPDATE",
        Access::Delete => "DELETE",
    }
}

/// Schemas and names, to be bound.
fn names<'a>(tables: &[&'a Table]) -> (Vec<Option<&'a str>>, Vec<&'a str>) {
    let schemas = tables.iter().map(|table| table.name.schema.as_deref());
    let names = tables.iter().map(|table| table.name.name.as_str());
    (schemas.collect(), names.collect())
}

/// The one table, or how many they are.
fn shown(tables: &[&Table]) -> String {
    match tables {
        [table] => format!("table {}", table.name),
        tables => format!("{} tables", tables.len()),
    }
}

impl Session {
    /// Whether the role may do this with each of the tables.
    pub(crate) async fn ask_access(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<()>>> {
        let (schemas, names) = names(tables);
        let query = sqlx::query_as::<_, (i64, bool)>(catalog::ACCESS)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(names)
            .bind(privilege(access));
        let found = query.fetch_all(&mut self.driver).await.map_err(|e| {
            error_codes::error(&format!("asking for privileges on {}", shown(tables)), e)
        })?;
        let found = by_place(found, tables.len()).into_iter().zip(tables);
        found
            .map(|(allowed, table)| match allowed {
                Some(true) => Ok(Ok(())),
                Some(false) => Ok(Err(denied(table, access))),
                None => Err(Error::new(
                    ErrorKind::Schema,
                    format!("table {}: there is none", table.name),
                )),
            })
            .collect()
    }

    /// The columns of each of the tables with which the role may do this.
    pub(crate) async fn ask_granted(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Vec<usize>>> {
        if access == Access::Delete {
            let all = |table: &&Table| (0..table.columns.len()).collect();
            return Ok(tables.iter().map(all).collect());
        }
        let (schemas, names) = names(tables);
        let found = sqlx::query_as::<_, (i64, String)>(catalog::GRANTED)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(names)
            .bind(privilege(access))
            .fetch_all(&mut self.driver)
            .await;
        let found = found.map_err(|e| {
            let what = format!("asking for privileges on columns of {}", shown(tables));
            error_codes::error(&what, e)
        })?;
        let mut granted = vec![Vec::new(); tables.len()];
        for (place, column) in found {
            let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
            if let (Some(columns), Some(table)) = (granted.get_mut(index), tables.get(index)) {
                columns.extend(table.columns.iter().position(|c| c.name == column));
            }
        }
        granted
            .iter_mut()
            .for_each(|columns| columns.sort_unstable());
        Ok(granted)
    }
}

fn denied(table: &Table, access: Access) -> Error {
    let (name, privilege) = (&table.name, privilege(access));
    Error::new(
        ErrorKind::Auth,
        format!(
            "table {name}: the user may not {privilege}; ask for GRANT {privilege} ON {name} and USAGE on \
             its schema"
        ),
    )
}
