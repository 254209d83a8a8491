//! Concurrent schema changes, defaults, widened columns.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, schema},
};
use crate::{connection::Connection, evolve::Change};
use connect_api::{DEFAULT, ErrorKind, Kind, Result, Schema, Value, arrow::schema::Field};

/// Sessions that create the same table, and then the same columns, at the same time all find them
/// there.
pub async fn concurrent_schema_changes_are_applied_once(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let dialect = fixture.dialect.as_ref();
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let added = [Kind::Int32.field("n", true), Kind::Text.field("w", true)];
    let fields: Vec<&Field> = added.iter().collect();
    let mut others: Vec<Box<dyn Connection>> = Vec::new();
    for _ in 0..2 {
        others.push(dialect.connect().await.unwrap());
    }
    let (left, right) = others.split_at_mut(1);
    for round in 0..8 {
        let table = harness.name(&format!("race{round}"));
        let create = Change::Create {
            table: &table,
            schema: &schema,
        };
        let created: [Result<_>; 2] = both(
            create.apply(dialect, left[0].as_mut()),
            create.apply(dialect, right[0].as_mut()),
        )
        .await;
        harness.keep(table.clone());
        let [created, other] = created.map(|created| {
            let created = created.unwrap_or_else(|e| panic!("making: {}", e.report()));
            assert_eq!(created.columns.len(), 2);
            created
        });
        assert_eq!(created.name, other.name);
        let add = Change::AddColumns {
            table: &created,
            fields: &fields,
        };
        let changed: [Result<_>; 2] = both(
            add.apply(dialect, left[0].as_mut()),
            add.apply(dialect, right[0].as_mut()),
        )
        .await;
        for changed in changed {
            let changed = changed.unwrap_or_else(|e| panic!("adding: {}", e.report()));
            assert_eq!(changed.columns.len(), 4);
        }
        let dry = create.statements(dialect).unwrap();
        assert!(dry[0].contains(&harness.quoted(&table)), "{dry:?}");
    }
    for other in others {
        other.close().await.unwrap();
    }
    harness.done().await;
}

async fn both<T>(a: impl Future<Output = T>, b: impl Future<Output = T>) -> [T; 2] {
    let (a, b) = tokio::join!(a, b);
    [a, b]
}

/// The defaults of a schema are those of the table, whatever stands in them.
pub async fn defaults_are_created_as_given(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let word = "O'Re\"il\\ly; -- %s";
    let with = |kind: Kind, name: &str, json: String| {
        let field = kind.field(name, true);
        let mut metadata = field.metadata().clone();
        metadata.insert(DEFAULT.to_owned(), json);
        // A length: some databases have no defaults for unbounded text.
        metadata.insert(connect_api::LENGTH.to_owned(), "40".to_owned());
        field.with_metadata(metadata)
    };
    let fields = [
        Kind::Int64.field("id", false),
        with(Kind::Int32, "n", "-7".to_owned()),
        with(Kind::Bool, "b", "true".to_owned()),
        with(Kind::Text, "w", serde_json::to_string(word).unwrap()),
        with(Kind::Text, "bent", "not json".to_owned()),
    ];
    let created = Schema::new("t", fields, &["id"]).unwrap();
    let name = harness.name("defaults");
    let table = harness.create_table_for(name, &created).await;
    let ids = schema([("id", Kind::Int64)], &["id"]);
    harness
        .write(&table, &ids, INSERT, &vec![vec![1.into()]])
        .await;
    let expected = vec![vec![
        1.into(),
        Value::Int(-7),
        Value::Bool(true),
        word.into(),
        Value::Null,
    ]];
    assert_same(&harness.read(&table, &["id"]).await, &expected, "defaults");
    harness.done().await;
}

/// Every change of a table's column changes its fingerprint, for other sessions too; a query's
/// likewise. New rows leave it as it is.
pub async fn fingerprints_change_with_columns(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let dialect = fixture.dialect.as_ref();
    let table = harness
        .create_table("printed", "id bigint NOT NULL PRIMARY KEY, v varchar(20)")
        .await;
    let name = harness.quoted(&table.name);
    let query = format!("SELECT * FROM {name}");
    let mut other = dialect.connect().await.unwrap();
    let mut fingerprint = async || {
        let of_table = other.fingerprint(&table.name).await;
        let of_table = of_table.unwrap_or_else(|e| panic!("{}", e.report()));
        let of_query = match other.query_fingerprint(&query).await {
            Err(e) if e.kind() == ErrorKind::Unsupported => None,
            fingerprint => Some(fingerprint.unwrap_or_else(|e| panic!("{}", e.report()))),
        };
        (of_table.unwrap(), of_query)
    };
    let first = fingerprint().await;
    harness
        .run(&format!("INSERT INTO {name} (id, v) VALUES (1, 'a')"))
        .await;
    assert_eq!(fingerprint().await, first, "a row");
    let added = Kind::Int32.field("w", true);
    let add = Change::AddColumns {
        table: &table,
        fields: &[&added],
    };
    add.apply(dialect, harness.connection.as_mut())
        .await
        .unwrap();
    let second = fingerprint().await;
    assert_ne!(second.0, first.0, "a column more");
    assert!(second.1.is_none() || second.1 != first.1, "of the query");
    assert_eq!(fingerprint().await, second);
    other.close().await.unwrap();
    harness.done().await;
}

/// A widened column keeps its values and accepts those of the wider kind; where columns cannot be
/// widened, an error says so.
pub async fn widened_columns_hold_more(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let dialect = fixture.dialect.as_ref();
    let (declared, kind) = fixture.widens.clone().unwrap_or(("bigint", Kind::Text));
    let table = harness
        .create_table(
            "widen",
            &format!("id bigint NOT NULL PRIMARY KEY, v {declared}"),
        )
        .await;
    let field = kind.clone().field("v", true);
    let change = Change::Widen {
        table: &table.name,
        column: &table.columns[1],
        field: &field,
    };
    assert_eq!(fixture.widens.is_some(), dialect.capabilities().widen);
    if fixture.widens.is_none() {
        let error = change
            .apply(dialect, harness.connection.as_mut())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
        return harness.done().await;
    }
    let insert = format!(
        "INSERT INTO {} (id, v) VALUES (1, 12)",
        harness.quoted(&table.name)
    );
    harness.run(&insert).await;
    let wider = change.apply(dialect, harness.connection.as_mut()).await;
    let wider = wider.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(wider.columns[1].kind, Some(kind.clone()));
    let value = match kind {
        Kind::Text => Value::from("a text that is longer than the column was before"),
        _ => Value::Int(i64::from(i32::MAX) + 1),
    };
    let records = schema([("id", Kind::Int64), ("v", kind)], &["id"]);
    let row = vec![2.into(), value.clone()];
    harness.write(&wider, &records, INSERT, &vec![row]).await;
    let old = if matches!(value, Value::Text(_)) {
        "12".into()
    } else {
        12.into()
    };
    let expected = vec![vec![1.into(), old], vec![2.into(), value]];
    assert_same(&harness.read(&wider, &["id"]).await, &expected, "wider");
    // A narrower type would not hold what is there.
    let narrow = Kind::Bool.field("v", true);
    let back = Change::Widen {
        table: &wider.name,
        column: &wider.columns[1],
        field: &narrow,
    };
    let error = back.statements(dialect).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
    harness.done().await;
}
