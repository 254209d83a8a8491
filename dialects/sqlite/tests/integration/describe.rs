//! Descriptions of tables, views and queries.
use crate::place::Database;
use connect_api::{ErrorKind, Kind, Value};
use dialect_core::{SqliteDates, TableName, TableType};

#[tokio::test]
async fn tables_are_described_with_all_that_sqlite_knows() {
    let mut database = Database::with(
        "id INTEGER PRIMARY KEY AUTOINCREMENT, n INT NOT NULL DEFAULT 7, word TEXT DEFAULT 'it''s', \
         twice INT GENERATED ALWAYS AS (n * 2) VIRTUAL, kept INT AS (n * 3) STORED, UNIQUE (word, n)",
        SqliteDates::Text,
    )
    .await;
    database
        .run("CREATE TABLE child (a INT, b TEXT, parent INT REFERENCES t, FOREIGN KEY (b, a) REFERENCES t (word, n))")
        .await;
    let table = database.table().await;
    assert_eq!((table.vendor, table.row_estimate), ("sqlite", None));
    assert_eq!(table.primary_key, ["id"]);
    assert_eq!(table.unique_keys, [["word", "n"]]);
    let described: Vec<_> = table
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.default.as_deref(),
                c.nullable,
                c.generated,
                c.auto_increment,
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            ("id", None, false, false, true),
            ("n", Some("7"), false, false, false),
            ("word", Some("'it''s'"), true, false, false),
            ("twice", None, true, true, false),
            ("kept", None, true, true, false),
        ]
    );
    database.run("INSERT INTO t (n) VALUES (1), (2), (3)").await;
    database.run("ANALYZE").await;
    let names = ["missing", "CHILD", "t"].map(TableName::new);
    let all = database.connection.describe_all(&names).await.unwrap();
    assert!(all[0].is_none());
    let child = all[1].as_ref().unwrap();
    let keys: Vec<_> = child
        .foreign_keys
        .iter()
        .map(|key| {
            (
                key.columns.join(","),
                key.table.name.as_str(),
                key.referred.join(","),
            )
        })
        .collect();
    assert_eq!(
        keys,
        [
            ("parent".to_owned(), "t", "id".to_owned()),
            ("b,a".to_owned(), "t", "word,n".to_owned()),
        ]
    );
    assert_eq!(all[2].as_ref().unwrap().row_estimate, Some(3));
    database
        .run("CREATE TABLE fresh (n INTEGER); INSERT INTO fresh VALUES (7), (8)")
        .await;
    database
        .run("CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID")
        .await;
    let names = ["missing", "t", "fresh", "keyed"].map(TableName::new);
    let estimates = database.connection.row_estimates(&names).await.unwrap();
    assert_eq!(estimates, [None, Some(3), Some(2), None]);
}

#[tokio::test]
async fn expressions_of_views_are_of_the_kind_of_their_first_value() {
    let mut database =
        Database::with("id INTEGER, amount DECIMAL(5,2), at DATE", SqliteDates::Iso).await;
    let view = "CREATE VIEW v AS SELECT id, amount AS paid, at, id * 2 AS twice, id / 2.0 AS half, \
         CASE WHEN id > 1 THEN 'word' END AS word, NULL AS nix FROM t";
    database.run(view).await;
    let described = |found: &dialect_core::Table| {
        assert_eq!(found.table_type, TableType::View);
        let kinds: Vec<_> = found
            .columns
            .iter()
            .map(|c| c.kind.clone().unwrap())
            .collect();
        kinds
    };
    let decimal = Kind::Decimal {
        precision: 5,
        scale: 2,
    };
    let name = TableName::new("v");
    let empty = database.connection.describe(&name).await.unwrap().unwrap();
    let text = Kind::Text;
    let declared = [Kind::Int64, decimal, Kind::Date];
    let nothing_yet = [
        &declared[..],
        &[text.clone(), text.clone(), text.clone(), text.clone()],
    ]
    .concat();
    assert_eq!(described(&empty), nothing_yet);
    database
        .run("INSERT INTO t VALUES (1, 1.5, '2024-01-01'), (2, 2.5, NULL)")
        .await;
    let full = database.connection.describe(&name).await.unwrap().unwrap();
    let found = [
        &declared[..],
        &[Kind::Int64, Kind::Float64, text.clone(), text],
    ]
    .concat();
    assert_eq!(described(&full), found);
    assert!(full.columns.iter().all(|c| c.nullable && !c.generated));
    let read = database.ask("SELECT * FROM v ORDER BY id").await.unwrap();
    let row = [
        1.into(),
        Value::Decimal(150, 2),
        Value::Date(19_723),
        2.into(),
        0.5.into(),
        Value::Null,
        Value::Null,
    ];
    assert_eq!(read[0], row);
    assert_eq!(read[1][5], "word".into());
    // A value of another kind is an error, not another kind.
    database
        .run("CREATE VIEW w AS SELECT CASE id WHEN 1 THEN 1 ELSE 'hunter2' END AS odd FROM t")
        .await;
    let error = database.ask("SELECT * FROM w").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.report().contains("column `odd`"),
        "{}",
        error.report()
    );
    assert!(!error.report().contains("hunter2"));
}

#[tokio::test]
async fn queries_that_are_none_are_refused() {
    let mut database = Database::with("id INTEGER, v TEXT", SqliteDates::Text).await;
    for (query, why) in [
        ("SELEC 1", "syntax error"),
        ("DELETE FROM t", "syntax error"),
        ("SELECT 1; DROP TABLE t", "syntax error"),
        ("SELECT id FROM nowhere", "no such table: nowhere"),
        ("SELECT nonsense FROM t", "no such column: nonsense"),
        (
            "SELECT id, v AS ID FROM t",
            "two columns have the name `id`",
        ),
        ("SELECT id AS \"\" FROM t", "has no name"),
    ] {
        let error = database.connection.describe_query(query).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Schema,
            "{query}: {}",
            error.report()
        );
        assert!(error.report().contains(why), "{query}: {}", error.report());
    }
    let table = database
        .connection
        .describe_query("SELECT v, id FROM t;")
        .await
        .unwrap();
    assert_eq!((table.name.name.as_str(), table.columns.len()), ("q", 2));
    assert!(table.columns.iter().all(|c| c.nullable));
}

#[tokio::test]
async fn a_view_that_is_broken_is_named() {
    let mut database = Database::with("id INTEGER", SqliteDates::Text).await;
    database.run("CREATE VIEW v AS SELECT id FROM t").await;
    database
        .run("PRAGMA legacy_alter_table = ON; DROP TABLE t")
        .await;
    let error = database
        .connection
        .describe(&TableName::new("v"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error.report().contains("no such table: main.t"),
        "{}",
        error.report()
    );
}
