//! Triggers that capture deleted rows.
use crate::syntax::SqliteSyntax;
use connect_api::{Kind, Result, Value};
use dialect_core::{
    CaptureDdl, DeleteCapture, Param, Statement, Syntax as _, TableName, TriggerList,
};

/// See [`Syntax::capture_deletes`](dialect_core::Syntax::capture_deletes).
pub(crate) fn capture(syntax: &SqliteSyntax, capture: &DeleteCapture<'_>) -> Result<CaptureDdl> {
    // A trigger lies in the file of its table, and names tables of that file alone.
    let table = syntax.quote(&capture.table.name.name)?;
    let changes = syntax.table(&capture.changes)?;
    let into = syntax.quote(&capture.changes.name)?;
    let keys = capture.key_list(syntax, "")?;
    let (old, new) = (
        capture.quoted_key(syntax, "OLD.")?,
        capture.quoted_key(syntax, "NEW.")?,
    );
    let changed: Vec<_> = old
        .iter()
        .zip(&new)
        .map(|(old, new)| format!("{old} IS NOT {new}"))
        .collect();
    let columns: Vec<_> = capture
        .key
        .iter()
        .zip(capture.quoted_key(syntax, "")?)
        .map(|(i, name)| {
            let declared = &capture.table.columns[*i].vendor_type;
            format!("{name} {declared}").trim_end().to_owned()
        })
        .collect();
    let names = ["_connect_deletes", "_connect_rekeys"]
        .map(|suffix| format!("{}{suffix}", capture.table.name.name));
    let trigger = |name: &String, when: String| -> Result<String> {
        let name = syntax.table(&TableName {
            schema: capture.table.name.schema.clone(),
            name: name.clone(),
        })?;
        Ok(format!(
            "CREATE TRIGGER {name} {when} BEGIN INSERT INTO {into} ({keys}) VALUES ({}); END",
            old.join(", ")
        ))
    };
    let (id, time) = (DeleteCapture::ID, DeleteCapture::TIME);
    Ok(CaptureDdl {
        table: vec![format!(
            "CREATE TABLE {changes} ({id} integer PRIMARY KEY AUTOINCREMENT, {time} text NOT NULL \
             DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')), {})",
            columns.join(", ")
        )],
        triggers: vec![
            trigger(&names[0], format!("AFTER DELETE ON {table}"))?,
            trigger(
                &names[1],
                format!("AFTER UPDATE ON {table} WHEN {}", changed.join(" OR ")),
            )?,
        ],
        names: names.into(),
        purge: capture.purge(syntax, "datetime('now', '-7 days')")?,
    })
}

/// See [`Syntax::triggers`](dialect_core::Syntax::triggers).
pub(crate) fn triggers(syntax: &SqliteSyntax, table: &TableName) -> Result<TriggerList> {
    let schema = table.schema.as_deref().unwrap_or("main");
    Ok(TriggerList {
        statement: Statement {
            sql: format!(
                "SELECT name FROM {}.sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
                syntax.quote(schema)?
            ),
            params: vec![Param {
                value: Value::from(table.name.as_str()),
                kind: Kind::Text,
            }],
        },
        may_hide: false,
    })
}
