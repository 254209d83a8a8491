//! Defaults and foreign keys from the catalogue, and the columns of a query.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, schema},
};
use crate::{
    query::Page,
    table::{ForeignKey, TableName},
};
use connect_api::{ErrorKind, Kind, Value};

/// Defaults and foreign keys are reported as created; describing several tables at once gives the
/// same result as one by one.
pub async fn tables_report_defaults_and_foreign_keys(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let child = harness.name("child");
    let parent = harness
        .create_table(
            "parent",
            "b bigint NOT NULL, a varchar(20) NOT NULL, seven bigint DEFAULT 7, \
             word varchar(20) DEFAULT 'it''s', PRIMARY KEY (b, a)",
        )
        .await;
    let columns = format!(
        "id bigint NOT NULL PRIMARY KEY, pb bigint, pa varchar(20), FOREIGN KEY (pb, pa) REFERENCES {} (b, a)",
        harness.quoted(&parent.name)
    );
    let created = harness.create_table("child", &columns).await;
    let default = |name: &str| parent.column(name).unwrap().default.clone();
    assert!(default("seven").unwrap().contains('7'));
    assert!(default("word").unwrap().contains("it"));
    assert_eq!(default("a"), None);
    assert!(parent.foreign_keys.is_empty());
    let [reference] = &created.foreign_keys[..] else {
        panic!("one foreign key: {:?}", created.foreign_keys);
    };
    let ForeignKey {
        columns,
        table,
        referred,
    } = reference;
    assert_eq!(
        (&columns[..], &referred[..]),
        (
            &["pb".to_owned(), "pa".to_owned()][..],
            &["b".to_owned(), "a".to_owned()][..]
        )
    );
    assert_eq!(table.name, parent.name.name);
    assert!(!created.vendor.is_empty());
    let missing = TableName::new(format!("{}_missing", fixture.unique));
    let names = [child, missing, parent.name.clone()];
    let all = harness.connection.describe_all(&names).await.unwrap();
    assert_eq!(all, [Some(created.clone()), None, Some(parent.clone())]);
    // The child goes first: its reference holds the parent.
    harness.forget_last_first();
    harness.done().await;
}

/// A query of the user's is described, read like a table, by pages and with a condition.
pub async fn queries_are_described_and_read(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("asked");
    let table = harness.create_table_for(name, &records).await;
    let rows: Rows = (0..50)
        .map(|id: i64| vec![id.into(), format!("row {id}").into()])
        .collect();
    harness.write(&table, &records, INSERT, &rows).await;
    let query = format!(
        "SELECT v AS word, id FROM {} WHERE id >= 10 -- the first are left out",
        harness.quoted(&table.name)
    );
    let describe_table = harness.connection.describe_query(&query).await.unwrap();
    let columns: Vec<_> = describe_table
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.kind.clone()))
        .collect();
    assert_eq!(
        columns,
        [("word", Some(Kind::Text)), ("id", Some(Kind::Int64))]
    );
    let key = super::harness::parts(&describe_table, &["id"]);
    let after = [Value::Int(14)];
    let page = Page {
        query: Some(&query),
        key: &key,
        after: Some(&after),
        filter: Some("id < 20 OR id > 47 -- the user's"),
        limit: std::num::NonZeroU32::new(6),
        ..Page::of(&describe_table, &[1, 0])
    };
    let expected: Rows = [15, 16, 17, 18, 19, 48]
        .map(|i: usize| rows[i].clone())
        .to_vec();
    assert_same(&harness.page(&page).await, &expected, "a page of a query");
    for wrong in ["SELEC 1", "SELECT id, id FROM nowhere_at_all"] {
        let error = harness.connection.describe_query(wrong).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Schema | ErrorKind::Config),
            "{}",
            error.report()
        );
    }
    let twice = format!("SELECT id, id FROM {}", harness.quoted(&table.name));
    let error = harness.connection.describe_query(&twice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
    // The connection is none the worse for it.
    assert_eq!(harness.read(&table, &["id"]).await.len(), 50);
    harness.done().await;
}
