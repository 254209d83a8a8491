//! What the session's role may do.
use crate::{catalog, error_codes, session::Session};
use connect_api::Result;
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

impl Session {
    /// The columns of the table with which the role may do this.
    pub(crate) async fn ask_granted(
        &mut self,
        table: &Table,
        access: Access,
    ) -> Result<Vec<usize>> {
        if access == Access::Delete {
            return Ok((0..table.columns.len()).collect());
        }
        let names = sqlx::query_scalar::<_, String>(catalog::GRANTED)
            .persistent(self.keeps_statements())
            .bind(table.name.schema.as_deref())
            .bind(&table.name.name)
            .bind(privilege(access))
            .fetch_all(&mut self.driver)
            .await;
        let names = names.map_err(|e| {
            let what = format!("asking for privileges on columns of table {}", table.name);
            error_codes::error(&what, e)
        })?;
        let granted = table.columns.iter().enumerate();
        let granted = granted.filter(|(_, column)| names.contains(&column.name));
        Ok(granted.map(|(i, _)| i).collect())
    }
}
