//! Pages ordered by keys of every kind.
use crate::conformance::{
    Fixture, KINDS, edge_values,
    harness::{Harness, INSERT, Rows, parts, schema},
};
use connect_api::{Kind, Value};

/// Values of the kind that can stand in a key.
fn keys(fixture: &Fixture, kind: &Kind) -> Vec<Value> {
    let short = |v: &Value| match v {
        Value::Text(t) => t.len() < 100,
        Value::Bytes(b) => b.len() < 100,
        Value::Float(f) => *f != 0.0,
        _ => true,
    };
    // Collations ignore blanks at the end, and characters without a width.
    let plain = |v: &Value| !matches!((kind, v), (Kind::Text, Value::Text(t)) if !t.chars().all(|c| c.is_ascii_graphic()) || t.is_empty());
    edge_values(kind)
        .into_iter()
        .filter(|v| (fixture.holds)(kind, v) && short(v) && plain(v))
        .collect()
}

/// Read by pages of two rows, every row comes once.
pub async fn pages_by_every_kind_of_key_hold_every_row_once(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    for (i, kind) in KINDS.iter().enumerate() {
        // Not orderable, or not allowed in a key, by one database or another.
        if matches!(
            kind,
            Kind::Json
                | Kind::Bool
                | Kind::BigDecimal
                | Kind::Float32
                | Kind::Float64
                | Kind::Bytes
        ) {
            continue;
        }
        let schema = schema([("k", kind.clone()), ("n", Kind::Int64)], &["k"]);
        let name = harness.name(&format!("key{i}"));
        let table = harness.create_table_for(name, &schema).await;
        let keys = keys(fixture, kind);
        let rows: Rows = keys
            .iter()
            .enumerate()
            .map(|(n, k)| vec![k.clone(), Value::Int(n as i64)])
            .collect();
        harness.write(&table, &schema, INSERT, &rows).await;
        let read = harness
            .read_by_pages(&table, &parts(&table, &["k"]), 2)
            .await;
        let mut seen: Vec<_> = read.iter().map(|row| row[1].clone()).collect();
        seen.sort_by_key(|v| match v {
            Value::Int(n) => *n,
            _ => -1,
        });
        let all: Vec<_> = (0..rows.len()).map(|n| Value::Int(n as i64)).collect();
        assert_eq!(seen, all, "pages by {kind:?}");
    }
    harness.done().await;
}
