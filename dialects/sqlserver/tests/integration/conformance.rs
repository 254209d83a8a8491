//! The suite of all dialects against the server that `CONNECT_TEST_SQLSERVER_URL` names. Where it
//! names none, each topic says that it was left out.
use connect_api::{Kind, Value};
use dialect_core::{OpenOptions, conformance::Fixture};
use dialect_sqlserver::conformance::{SESSION, created, holds, read_back, samples};

const SERVER: &str = "CONNECT_TEST_SQLSERVER_URL";

/// The fixture, where a server is named.
fn fixture(topic: &str) -> Option<Fixture> {
    let Ok(url) = std::env::var(SERVER) else {
        eprintln!("{topic}: LEFT OUT, as {SERVER} names no server");
        return None;
    };
    let open = |options: &OpenOptions| dialect_sqlserver::open(&url, options).unwrap();
    let wrong = OpenOptions {
        password: Some(connect_api::config::Secret::new("planted-secret")),
        ..OpenOptions::default()
    };
    Some(Fixture {
        dialect: open(&OpenOptions::default()),
        unique: format!("c{}", std::process::id()),
        samples: samples(),
        created,
        holds,
        read_back,
        // Every type that all servers have is known here.
        strict: None,
        session: Some(SESSION),
        widens: Some(("int", Kind::Int64)),
        short_text: Some("nvarchar(5)"),
        small_number: Some("smallint"),
        auto_increment_id: "id bigint IDENTITY PRIMARY KEY",
        wrong_password: Some(("planted-secret", open(&wrong))),
        guard: None,
    })
}

macro_rules! topics {
    ($($topic:ident)+) => { $(
        #[tokio::test]
        async fn $topic() {
            if let Some(fixture) = fixture(stringify!($topic)) {
                dialect_core::conformance::$topic(&fixture).await;
            }
        }
    )+ };
}

// `tables_are_described` has a generated column that is not T-SQL: see below.
dialect_core::for_each_conformance_test! { [topics] }

/// Keys, defaults, identities and computed columns are reported as the table was created.
#[tokio::test]
async fn tables_are_described() {
    let Some(fixture) = fixture("tables_are_described") else {
        return;
    };
    let mut connection = fixture.dialect.connect().await.unwrap();
    let name = format!("{}_described", fixture.unique);
    let sql = format!(
        "CREATE TABLE {name} (a varchar(50) NOT NULL, b bigint IDENTITY NOT NULL, \
         other nvarchar(40) UNIQUE, seven bigint DEFAULT 7 NOT NULL, twice AS (b * 2) PERSISTED, \
         version rowversion, PRIMARY KEY (b, a))"
    );
    connection.execute(&sql).await.unwrap();
    let table = connection
        .describe(&dialect_core::TableName::new(&name))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(table.primary_key, ["b", "a"], "in the key's order");
    assert_eq!(table.unique_keys, [["other"]]);
    let column = |name: &str| table.column(name).unwrap();
    assert_eq!(column("a").length, Some(50));
    assert!(column("b").identity_always && column("b").auto_increment);
    assert!(column("seven").has_default && !column("a").has_default);
    assert!(column("twice").generated && column("version").generated);
    connection
        .execute(&format!("DROP TABLE {name}"))
        .await
        .unwrap();
}

/// What the server can be made to say of each kind of error.
#[tokio::test]
async fn errors_of_the_server_have_their_kinds() {
    use connect_api::ErrorKind;
    let Some(fixture) = fixture("errors_of_the_server_have_their_kinds") else {
        return;
    };
    let mut connection = fixture.dialect.connect().await.unwrap();
    let name = format!("{}_errors", fixture.unique);
    let create = format!(
        "CREATE TABLE {name} (id int PRIMARY KEY, n tinyint NOT NULL CHECK (n < 9), v varchar(3))"
    );
    connection.execute(&create).await.unwrap();
    let insert = |values: &str| format!("INSERT INTO {name} VALUES ({values})");
    connection.execute(&insert("1, 1, 'a'")).await.unwrap();
    for (sql, kind) in [
        (insert("1, 1, 'a'"), ErrorKind::Data),
        (insert("2, NULL, 'a'"), ErrorKind::Data),
        (insert("2, 9, 'a'"), ErrorKind::Data),
        (insert("2, 300, 'a'"), ErrorKind::Data),
        (insert("2, 1, 'abcd'"), ErrorKind::Data),
        (insert("'x', 1, 'a'"), ErrorKind::Data),
        (
            "SELECT nothing FROM sys.objects".to_owned(),
            ErrorKind::Schema,
        ),
        ("SELECT 1 FROM nowhere_at_all".to_owned(), ErrorKind::Schema),
        (create.clone(), ErrorKind::Schema),
    ] {
        let error = connection.execute(&sql).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {}", error.report());
    }
    let drop = format!("DROP TABLE {name}");
    connection.execute(&drop).await.unwrap();
}

/// What the fixture says of values is true of the kinds that it names.
#[test]
fn values_that_no_column_holds_are_reported() {
    let nan = Value::Float(f64::NAN);
    assert!(!holds(&Kind::Float64, &nan));
    assert!(holds(&Kind::Text, &Value::from("a\0b")));
    assert!(!holds(&Kind::Date, &Value::Date(2_932_897)));
    let instant = read_back(&Kind::Timestamp { utc: true }, Value::Timestamp(5));
    assert_eq!(instant, Value::OffsetTimestamp(5, 0));
    assert_eq!(created(&Kind::Int8), Kind::Int16);
}
