//! Descriptions of tables.
use crate::conformance::{
    Fixture, KINDS,
    harness::{Harness, schema},
};
use crate::table::{TableName, TableType};
use connect_api::Kind;

/// Types, keys, defaults and generated columns are described as the table was created.
pub async fn tables_are_described(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table(
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

    let counted = harness
        .create_table(
            "counted",
            &format!("{}, v varchar(9)", fixture.auto_increment_id),
        )
        .await;
    let id = counted.column("id").unwrap();
    assert!(id.auto_increment && id.has_default && !id.nullable && !id.generated);
    assert_eq!(counted.primary_key, ["id"]);
    assert!(counted.unique_keys.is_empty());

    let view = harness.name("view");
    let sql = format!(
        "CREATE VIEW {} AS SELECT a, b FROM {}",
        harness.quoted(&view),
        harness.quoted(&table.name)
    );
    harness.run(&sql).await;
    let describe_table = harness.describe_table(&view).await;
    assert_eq!(describe_table.table_type, TableType::View);
    assert_eq!(describe_table.columns.len(), 2);
    assert_eq!(describe_table.columns[1].kind, Some(Kind::Int64));
    let listed = harness.connection.tables(None).await.unwrap();
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
    let sql = format!("DROP VIEW {}", harness.quoted(&view));
    harness.run(&sql).await;
    harness.done().await;
}

/// A table created for a schema has its columns, key and NOT NULL.
pub async fn created_tables_match_their_schema(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let names: Vec<_> = (0..KINDS.len()).map(|i| format!("c{i}")).collect();
    let columns = names.iter().map(String::as_str).zip(KINDS.iter().cloned());
    let keyed = [("k2", Kind::Text), ("k1", Kind::Int32)]
        .into_iter()
        .chain(columns);
    let schema = schema(keyed, &["k1", "k2"]);
    let name = harness.name("created");
    let table = harness.create_table_for(name.clone(), &schema).await;
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
    // Once more is no error: two tasks may create_table it at the same time.
    let sql = fixture
        .dialect
        .syntax()
        .create_table(&name, &schema)
        .unwrap();
    harness.run(&sql).await;
    // A column more, which may be NULL.
    let field = Kind::Int64.field("added", true);
    let sql = fixture.dialect.syntax().add_column(&name, &field).unwrap();
    harness.run(&sql).await;
    let table = harness.describe_table(&name).await;
    assert_eq!(table.columns.len(), KINDS.len() + 3);
    assert_eq!(
        table.column("added").and_then(|c| c.kind.clone()),
        Some((fixture.created)(&Kind::Int64))
    );
    let missing = TableName::new(format!("{}_missing", fixture.unique));
    assert_eq!(harness.connection.describe(&missing).await.unwrap(), None);
    harness.done().await;
}
