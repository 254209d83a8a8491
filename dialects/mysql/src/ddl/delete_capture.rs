//! Triggers that capture deleted rows.
use crate::syntax::MySqlSyntax;
use connect_api::{Kind, Result, Value};
use dialect_core::{
    CaptureDdl, DeleteCapture, Param, Statement, Syntax as _, TableName, TriggerList,
};

/// See [`Syntax::capture_deletes`](dialect_core::Syntax::capture_deletes).
pub(crate) fn capture(syntax: &MySqlSyntax, capture: &DeleteCapture<'_>) -> Result<CaptureDdl> {
    let table = syntax.table(&capture.table.name)?;
    let changes = syntax.table(&capture.changes)?;
    let keys = capture.key_list(syntax, "")?;
    let (old, new) = (
        capture.quoted_key(syntax, "OLD.")?,
        capture.quoted_key(syntax, "NEW.")?,
    );
    // Texts that the collation equates are different keys.
    let same: Vec<_> = old
        .iter()
        .zip(&new)
        .map(|(old, new)| format!("CAST({old} AS BINARY) <=> CAST({new} AS BINARY)"))
        .collect();
    let (id, time) = (DeleteCapture::ID, DeleteCapture::TIME);
    // Names of triggers are those of their schema.
    let names = ["_connect_deletes", "_connect_rekeys"]
        .map(|suffix| format!("{}{suffix}", capture.table.name.name));
    let quoted = names.each_ref().map(|name| {
        syntax.table(&TableName {
            schema: capture.table.name.schema.clone(),
            name: name.clone(),
        })
    });
    let [deletes, updates] = quoted;
    Ok(CaptureDdl {
        // The columns have the types and collations of the table's.
        table: vec![format!(
            "CREATE TABLE {changes} ({id} bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, {time} \
             timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) AS SELECT {keys} FROM {table} \
             WHERE 1 = 0"
        )],
        triggers: vec![
            format!(
                "CREATE TRIGGER {} AFTER DELETE ON {table} FOR EACH ROW INSERT INTO {changes} \
                 ({keys}) VALUES ({})",
                deletes?,
                old.join(", ")
            ),
            format!(
                "CREATE TRIGGER {} AFTER UPDATE ON {table} FOR EACH ROW INSERT INTO {changes} \
                 ({keys}) SELECT {} FROM DUAL WHERE NOT ({})",
                updates?,
                old.join(", "),
                same.join(" AND ")
            ),
        ],
        names: names.into(),
        purge: capture.purge(syntax, "NOW() - INTERVAL 7 DAY")?,
    })
}

/// See [`Syntax::triggers`](dialect_core::Syntax::triggers). They are shown to users with the privilege
/// TRIGGER on the table.
pub(crate) fn triggers(table: &TableName) -> TriggerList {
    let param = |text: &str| Param {
        value: Value::from(text),
        kind: Kind::Text,
    };
    let (schema, mut params) = match &table.schema {
        Some(schema) => ("?", vec![param(schema)]),
        None => ("DATABASE()", Vec::new()),
    };
    params.push(param(&table.name));
    TriggerList {
        statement: Statement {
            sql: format!(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS \
                 WHERE EVENT_OBJECT_SCHEMA = {schema} AND EVENT_OBJECT_TABLE = ?"
            ),
            params,
        },
        may_hide: true,
    }
}
