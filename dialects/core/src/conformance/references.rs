//! What else the catalogue tells, and what a query gives.
use super::{
    Fixture,
    sameness::assert_same,
    workbench::{INSERT, Rows, Workbench, schema},
};
use crate::{
    query::Page,
    table::{ForeignKey, TableName},
};
use connect_api::{ErrorKind, Kind, Value};

/// Defaults and foreign keys are told as the tables were made; several tables at once are told as
/// one by one.
pub async fn tables_tell_defaults_and_references(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let child = bench.name("child");
    let parent = bench
        .make(
            "parent",
            "b bigint NOT NULL, a varchar(20) NOT NULL, seven bigint DEFAULT 7, \
             word varchar(20) DEFAULT 'it''s', PRIMARY KEY (b, a)",
        )
        .await;
    let columns = format!(
        "id bigint NOT NULL PRIMARY KEY, pb bigint, pa varchar(20), FOREIGN KEY (pb, pa) REFERENCES {} (b, a)",
        bench.quoted(&parent.name)
    );
    let made = bench.make("child", &columns).await;
    let default = |name: &str| parent.column(name).unwrap().default.clone();
    assert!(default("seven").unwrap().contains('7'));
    assert!(default("word").unwrap().contains("it"));
    assert_eq!(default("a"), None);
    assert!(parent.foreign_keys.is_empty());
    let [reference] = &made.foreign_keys[..] else {
        panic!("one foreign key: {:?}", made.foreign_keys);
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
    assert!(!made.vendor.is_empty());
    let missing = TableName::new(format!("{}_missing", fixture.unique));
    let names = [child, missing, parent.name.clone()];
    let all = bench.connection.describe_all(&names).await.unwrap();
    assert_eq!(all, [Some(made.clone()), None, Some(parent.clone())]);
    // The child goes first: its reference holds the parent.
    bench.forget_last_first();
    bench.done().await;
}

/// A query of the user's is described, read like a table, by pages and with a condition.
pub async fn queries_are_described_and_read(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("asked");
    let table = bench.make_for(name, &records).await;
    let rows: Rows = (0..50)
        .map(|id: i64| vec![id.into(), format!("row {id}").into()])
        .collect();
    bench.write(&table, &records, INSERT, &rows).await;
    let query = format!(
        "SELECT v AS word, id FROM {} WHERE id >= 10 -- the first are left out",
        bench.quoted(&table.name)
    );
    let described = bench.connection.describe_query(&query).await.unwrap();
    let columns: Vec<_> = described
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.kind.clone()))
        .collect();
    assert_eq!(
        columns,
        [("word", Some(Kind::Text)), ("id", Some(Kind::Int64))]
    );
    let key = super::workbench::parts(&described, &["id"]);
    let after = [Value::Int(14)];
    let page = Page {
        query: Some(&query),
        key: &key,
        after: Some(&after),
        filter: Some("id < 20 OR id > 47 -- the user's"),
        limit: std::num::NonZeroU32::new(6),
        ..Page::of(&described, &[1, 0])
    };
    let expected: Rows = [15, 16, 17, 18, 19, 48]
        .map(|i: usize| rows[i].clone())
        .to_vec();
    assert_same(&bench.page(&page).await, &expected, "a page of a query");
    for wrong in ["SELEC 1", "SELECT id, id FROM nowhere_at_all"] {
        let error = bench.connection.describe_query(wrong).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Schema | ErrorKind::Config),
            "{}",
            error.report()
        );
    }
    let twice = format!("SELECT id, id FROM {}", bench.quoted(&table.name));
    let error = bench.connection.describe_query(&twice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
    // The connection is none the worse for it.
    assert_eq!(bench.read(&table, &["id"]).await.len(), 50);
    bench.done().await;
}
