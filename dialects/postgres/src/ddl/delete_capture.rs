//! Triggers that capture deleted rows.
use crate::syntax::PostgresSyntax;
use connect_api::{Kind, Result, Value};
use dialect_core::{
    CaptureDdl, DeleteCapture, Param, Statement, Syntax as _, TableName, TriggerList,
};

const DELETES: &str = "connect_deletes";
const KEY_UPDATES: &str = "connect_key_updates";
const TRUNCATES: &str = "connect_truncates";

/// See [`Syntax::capture_deletes`](dialect_core::Syntax::capture_deletes).
pub(crate) fn capture(syntax: &PostgresSyntax, capture: &DeleteCapture<'_>) -> Result<CaptureDdl> {
    let table = syntax.table(&capture.table.name)?;
    // A function and a table can have one name.
    let changes = syntax.table(&capture.changes)?;
    let keys = capture.key_list(syntax, "")?;
    let (old, new) = (
        capture.key_list(syntax, "OLD.")?,
        capture.key_list(syntax, "NEW.")?,
    );
    let (id, time) = (DeleteCapture::ID, DeleteCapture::TIME);
    let trigger = |name: &str, when: &str, each: &str| {
        format!("CREATE TRIGGER {name} {when} ON {table} {each} EXECUTE FUNCTION {changes}()")
    };
    let changed = format!("FOR EACH ROW WHEN ((ROW({old})) IS DISTINCT FROM (ROW({new})))");
    Ok(CaptureDdl {
        // The columns have the types and collations of the table's.
        table: vec![
            format!("CREATE TABLE {changes} AS SELECT {keys} FROM {table} WITH NO DATA"),
            format!(
                "ALTER TABLE {changes} ADD COLUMN {id} bigint GENERATED ALWAYS AS IDENTITY PRIMARY \
                 KEY, ADD COLUMN {time} timestamptz NOT NULL DEFAULT clock_timestamp()"
            ),
        ],
        // The function writes as its owner: writers of the table need no privilege on the changes.
        triggers: vec![
            format!(
                "CREATE OR REPLACE FUNCTION {changes}() RETURNS trigger LANGUAGE plpgsql SECURITY \
                 DEFINER SET search_path = pg_catalog AS $connect$\nBEGIN\n  IF TG_OP = 'TRUNCATE' \
                 THEN\n    INSERT INTO {changes} ({keys}) SELECT {keys} FROM {table};\n  ELSE\n    \
                 INSERT INTO {changes} ({keys}) VALUES ({old});\n  END IF;\n  RETURN NULL;\nEND\n\
                 $connect$"
            ),
            trigger(DELETES, "AFTER DELETE", "FOR EACH ROW"),
            trigger(KEY_UPDATES, "AFTER UPDATE", &changed),
            trigger(TRUNCATES, "BEFORE TRUNCATE", "FOR EACH STATEMENT"),
        ],
        names: [DELETES, KEY_UPDATES, TRUNCATES].map(str::to_owned).into(),
        purge: capture.purge(syntax, "now() - interval '7 days'")?,
    })
}

/// See [`Syntax::triggers`](dialect_core::Syntax::triggers).
pub(crate) fn triggers(syntax: &PostgresSyntax, table: &TableName) -> Result<TriggerList> {
    Ok(TriggerList {
        statement: Statement {
            sql: "SELECT t.tgname::text FROM pg_catalog.pg_trigger t \
                  WHERE t.tgrelid = pg_catalog.to_regclass($1::text) AND NOT t.tgisinternal \
                  AND t.tgenabled IN ('O', 'A')"
                .to_owned(),
            params: vec![Param {
                value: Value::from(syntax.table(table)?.as_str()),
                kind: Kind::Text,
            }],
        },
        may_hide: false,
    })
}
