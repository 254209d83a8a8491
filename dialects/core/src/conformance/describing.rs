//! What tables are described as.
use super::{
    Fixture, KINDS,
    workbench::{Workbench, schema},
};
use crate::table::{TableName, TableType};
use connect_api::Kind;

/// Types, keys, defaults and generated columns are told as the table was made.
pub async fn tables_are_described(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let table = bench
        .make(
            "keys",
            "a varchar(50) NOT NULL, b bigint NOT NULL, note varchar(40), \
             other varchar(40) UNIQUE, seven bigint DEFAULT 7 NOT NULL, \
             twice bigint GENERATED ALWAYS AS (b * 2) STORED, PRIMARY KEY (b, a)",
        )
        .await;
    assert_eq!(table.table_type, TableType::Table);
    assert_eq!(table.primary_key, ["b", "a"], "in the key's order");
    assert_eq!(table.unique_keys, [["other"]]);
    let column = |name: &str| table.column(name).unwrap();
    assert!(!column("a").nullable && !column("b").nullable && column("note").nullable);
    assert_eq!(column("a").length, Some(50));
    assert!(column("seven").has_default && !column("note").has_default);
    assert!(column("twice").generated && !column("b").generated);
    assert!(!column("b").auto_increment);

    let counted = bench
        .make("counted", &format!("{}, v varchar(9)", fixture.counted_id))
        .await;
    let id = counted.column("id").unwrap();
    assert!(id.auto_increment && id.has_default && !id.nullable && !id.generated);
    assert_eq!(counted.primary_key, ["id"]);
    assert!(counted.unique_keys.is_empty());

    let view = bench.name("view");
    let sql = format!(
        "CREATE VIEW {} AS SELECT a, b FROM {}",
        bench.quoted(&view),
        bench.quoted(&table.name)
    );
    bench.run(&sql).await;
    let described = bench.described(&view).await;
    assert_eq!(described.table_type, TableType::View);
    assert_eq!(described.columns.len(), 2);
    assert_eq!(described.columns[1].kind, Some(Kind::Int64));
    let listed = bench.connection.tables(None).await.unwrap();
    let ours = listed
        .iter()
        .filter(|(name, _)| name.name.starts_with(&fixture.unique));
    let ours: Vec<_> = ours.map(|(name, t)| (name.name.clone(), *t)).collect();
    for (name, expected) in [(&view, TableType::View), (&table.name, TableType::Table)] {
        assert!(
            ours.contains(&(name.name.clone(), expected)),
            "{name} is listed: {ours:?}"
        );
    }
    assert!(ours.is_sorted_by_key(|(name, _)| name.clone()), "{ours:?}");
    let sql = format!("DROP VIEW {}", bench.quoted(&view));
    bench.run(&sql).await;
    bench.done().await;
}

/// A table made for a schema has its columns, key and NOT NULL.
pub async fn created_tables_are_described_as_made(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let names: Vec<_> = (0..KINDS.len()).map(|i| format!("c{i}")).collect();
    let columns = names.iter().map(String::as_str).zip(KINDS.iter().cloned());
    let keyed = [("k2", Kind::Text), ("k1", Kind::Int32)]
        .into_iter()
        .chain(columns);
    let schema = schema(keyed, &["k1", "k2"]);
    let name = bench.name("created");
    let table = bench.make_for(name.clone(), &schema).await;
    assert_eq!(table.primary_key, ["k1", "k2"]);
    assert!(table.columns[..2].iter().all(|c| !c.nullable));
    for (column, kind) in table.columns[2..].iter().zip(KINDS) {
        assert_eq!(
            column.kind,
            Some((fixture.created)(kind)),
            "{kind:?} as {}",
            column.vendor_type
        );
        assert!(column.nullable);
    }
    // Once more is no error: two tasks may make it at the same time.
    let sql = fixture
        .dialect
        .syntax()
        .create_table(&name, &schema)
        .unwrap();
    bench.run(&sql).await;
    // A column more, which may be NULL.
    let field = Kind::Int64.field("added", true);
    let sql = fixture.dialect.syntax().add_column(&name, &field).unwrap();
    bench.run(&sql).await;
    let table = bench.described(&name).await;
    assert_eq!(table.columns.len(), KINDS.len() + 3);
    assert_eq!(
        table.column("added").and_then(|c| c.kind.clone()),
        Some((fixture.created)(&Kind::Int64))
    );
    let missing = TableName::new(format!("{}_missing", fixture.unique));
    assert_eq!(bench.connection.describe(&missing).await.unwrap(), None);
    bench.done().await;
}
