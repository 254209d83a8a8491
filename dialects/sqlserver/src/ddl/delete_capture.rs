//! Triggers that capture deleted rows.
use crate::syntax::SqlServerSyntax;
use connect_api::{Kind, Result, Value};
use dialect_core::{
    CaptureDdl, DeleteCapture, Param, Statement, Syntax as _, TableName, TriggerList,
};

/// See [`Syntax::capture_deletes`](dialect_core::Syntax::capture_deletes).
pub(crate) fn capture(syntax: &SqlServerSyntax, capture: &DeleteCapture<'_>) -> Result<CaptureDdl> {
    let table = syntax.table(&capture.table.name)?;
    let changes = syntax.table(&capture.changes)?;
    let keys = capture.key_list(syntax, "")?;
    let deleted = capture.quoted_key(syntax, "d.")?;
    let same: Vec<_> = deleted
        .iter()
        .zip(capture.quoted_key(syntax, "i.")?)
        .map(|(deleted, inserted)| format!("{inserted} = {deleted}"))
        .collect();
    let (id, time) = (DeleteCapture::ID, DeleteCapture::TIME);
    let name = format!("{}_connect_capture", capture.table.name.name);
    let quoted = syntax.table(&TableName {
        schema: capture.table.name.schema.clone(),
        name: name.clone(),
    })?;
    let trigger = format!(
        "CREATE TRIGGER {quoted} ON {table} AFTER DELETE, UPDATE AS BEGIN SET NOCOUNT ON; INSERT INTO \
         {changes} ({keys}) SELECT {} FROM deleted d WHERE NOT EXISTS (SELECT 1 FROM inserted i WHERE \
         {}); END",
        deleted.join(", "),
        same.join(" AND ")
    );
    let trigger = trigger.replace('\'', "''");
    Ok(CaptureDdl {
        // The union takes the property IDENTITY from the columns.
        table: vec![
            format!(
                "SELECT TOP (0) {keys} INTO {changes} FROM {table} UNION ALL SELECT TOP (0) {keys} \
                 FROM {table}"
            ),
            format!(
                "ALTER TABLE {changes} ADD {id} bigint IDENTITY(1,1) NOT NULL PRIMARY KEY, {time} \
                 datetime2(3) NOT NULL DEFAULT SYSUTCDATETIME()"
            ),
        ],
        // A trigger is created by a batch of its own.
        triggers: vec![format!("EXEC sys.sp_executesql N'{trigger}'")],
        names: vec![name],
        purge: capture.purge(syntax, "DATEADD(day, -7, SYSUTCDATETIME())")?,
    })
}

/// See [`Syntax::triggers`](dialect_core::Syntax::triggers). They are shown to users with a privilege on
/// their definition.
pub(crate) fn triggers(syntax: &SqlServerSyntax, table: &TableName) -> Result<TriggerList> {
    Ok(TriggerList {
        statement: Statement {
            sql:
                "SELECT name FROM sys.triggers WHERE parent_id = OBJECT_ID(@P1) AND is_disabled = 0"
                    .to_owned(),
            params: vec![Param {
                value: Value::from(syntax.table(table)?.as_str()),
                kind: Kind::Text,
            }],
        },
        may_hide: true,
    })
}
